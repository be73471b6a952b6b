//! Several workers at one stream, with leases in a table: what one leaves or loses, another delivers.

use super::{plan::Plan, record::plain, stream::Stream, table::Table};
use crate::{
    kafka::{instance::Instance, ledger::Delivered},
    process::until,
    standins::{Service, Standin},
};

/// Records that are put each time a test looks whether something has happened.
const STEP: u64 = 48;

/// A stream of six shards that grows, and its workers.
struct Scene {
    stream: Stream,
    table: Table,
    written: u64,
    plan: Plan,
}

impl Scene {
    fn new(name: &str, shards: usize, failover: &str) -> Option<Self> {
        let kinesis = Standin::shared(name, Service::Kinesalite)?;
        let dynamodb = Standin::shared(name, Service::Dynamodb)?;
        let stream = Stream::create(kinesis.url(), "shared", shards);
        let table = Table::unmade(dynamodb.url());
        let plan = Plan::new(&stream).leased(&table, failover);
        Some(Self { stream, table, written: 0, plan })
    }

    fn grow(&mut self, count: u64) {
        self.stream.put(&plain(self.written, count));
        self.written += count;
    }

    /// Waits until `fits` while the stream grows and the workers run.
    #[track_caller]
    fn grow_until(&mut self, what: &str, workers: &mut [&mut Instance], mut fits: impl FnMut(&Self) -> bool) {
        until(what, || {
            self.grow(STEP);
            for worker in workers.iter_mut() {
                assert!(worker.is_running(), "ended before {what}: {}", worker.process().told());
            }
            fits(self).then_some(())
        });
    }

    /// How many leases each owner has, smallest first.
    fn held(&self) -> Vec<usize> {
        let mut held: Vec<usize> = self.table.owners().into_values().collect();
        held.sort_unstable();
        held
    }
}

#[test]
fn two_of_three_workers_take_over_the_leases_of_one_that_is_killed_and_no_record_is_missing() {
    let name = "two_of_three_workers_take_over_the_leases_of_one_that_is_killed_and_no_record_is_missing";
    let Some(mut scene) = Scene::new(name, 6, "2s") else { return };
    let mut workers = [scene.plan.start(), scene.plan.start(), scene.plan.start()];
    let mut outputs = workers.each_ref().map(|worker| Delivered::by(&[worker]));
    {
        let [one, two, three] = &mut workers;
        let mut all = [one, two, three];
        scene.grow_until("two leases each", &mut all, |scene| scene.held() == [2, 2, 2]);
        scene.grow_until("delivery by all", &mut all, |_| {
            outputs.iter_mut().all(|output| output.read_on() > 50)
        });
    }
    let mut delivered = Delivered::by(&workers.each_ref());
    let [mut killed, mut one, mut other] = workers;
    let before = scene.table.owners();
    killed.kill();
    scene.grow_until("three leases each", &mut [&mut one, &mut other], |scene| scene.held() == [3, 3]);
    assert_eq!(before.keys().filter(|owner| scene.table.owners().contains_key(*owner)).count(), 2);
    scene.grow(STEP);
    scene.stream.ledger.until_out(&mut delivered, &mut [&mut one, &mut other]);
    for worker in [&mut one, &mut other] {
        worker.until_balanced();
        worker.stop();
    }
    scene.stream.ledger.assert_at_least_once(&mut delivered);
}

#[test]
fn a_worker_that_is_stopped_gives_its_leases_back_and_the_next_goes_on_without_a_wait_or_a_duplicate() {
    let name =
        "a_worker_that_is_stopped_gives_its_leases_back_and_the_next_goes_on_without_a_wait_or_a_duplicate";
    // Who waits for an expiry waits longer than the test does.
    let Some(mut scene) = Scene::new(name, 4, "10m") else { return };
    let (mut leaver, mut heir) = (scene.plan.start(), scene.plan.instance());
    let mut delivered = Delivered::by(&[&leaver, &heir]);
    scene.grow_until("all leases", &mut [&mut leaver], |scene| scene.held() == [4]);
    scene.grow(STEP);
    leaver.stop();
    assert_eq!(scene.table.free(), 4);
    heir.start();
    scene.grow_until("all leases again", &mut [&mut heir], |scene| scene.held() == [4]);
    scene.stream.ledger.until_out(&mut delivered, &mut [&mut heir]);
    heir.stop();
    scene.stream.ledger.assert_once(&mut delivered);
}

#[test]
fn a_worker_that_runs_already_takes_what_another_gives_back_before_it_would_expire() {
    let name = "a_worker_that_runs_already_takes_what_another_gives_back_before_it_would_expire";
    let Some(mut scene) = Scene::new(name, 4, "12s") else { return };
    let (mut leaver, mut heir) = (scene.plan.start(), scene.plan.instance());
    let mut delivered = Delivered::by(&[&leaver, &heir]);
    scene.grow_until("all leases", &mut [&mut leaver], |scene| scene.held() == [4]);
    heir.start();
    scene.grow_until("a lease of the other", &mut [&mut leaver, &mut heir], |scene| scene.held().len() == 2);
    leaver.stop();
    scene.grow_until("all leases again", &mut [&mut heir], |scene| scene.held() == [4]);
    scene.stream.ledger.until_out(&mut delivered, &mut [&mut heir]);
    assert_eq!(heir.page().source("leases_expired_total"), 0);
    heir.stop();
    scene.stream.ledger.assert_at_least_once(&mut delivered);
}

#[test]
fn workers_that_share_leases_read_a_stream_that_is_resharded_without_a_gap() {
    let name = "workers_that_share_leases_read_a_stream_that_is_resharded_without_a_gap";
    let Some(mut scene) = Scene::new(name, 3, "2s") else { return };
    let mut workers = [scene.plan.start(), scene.plan.start()];
    let mut delivered = Delivered::by(&workers.each_ref());
    let [one, two] = &mut workers;
    let mut all = [one, two];
    scene.grow_until("leases for both", &mut all, |scene| scene.held() == [1, 2]);
    scene.stream.split(&scene.stream.open()[0]);
    scene.grow(2_000);
    let open = scene.stream.open();
    scene.stream.merge(&open[1], &open[2]);
    scene.grow(2_000);
    scene.grow_until("leases of what came of them", &mut all, |scene| {
        let (leases, open) = (scene.table.leases(), scene.stream.open());
        open.iter().all(|shard| leases.get(&shard.id).is_some_and(|lease| lease.text("leaseOwner").is_some()))
    });
    scene.stream.ledger.until_out(&mut delivered, &mut all);
    workers.iter_mut().for_each(|worker| drop(worker.stop()));
    scene.stream.ledger.assert_at_least_once(&mut delivered);
}

#[test]
fn a_second_worker_ends_with_78_where_the_input_is_not_keyed_and_the_first_delivers_every_record() {
    let name =
        "a_second_worker_ends_with_78_where_the_input_is_not_keyed_and_the_first_delivers_every_record";
    let Some(mut scene) = Scene::new(name, 4, "2s") else { return };
    scene.plan = scene.plan.unkeyed();
    let (mut first, mut second) = (scene.plan.start(), scene.plan.instance());
    // What the second one was lent it delivers before it goes.
    let mut delivered = Delivered::by(&[&first, &second]);
    scene.grow_until("four leases", &mut [&mut first], |scene| scene.held() == [4]);
    second.start();
    scene.grow_until("its end", &mut [&mut first], |_| !second.is_running());
    let ended = second.wait();
    ended.assert_code(78);
    ended.assert_told("say so with `input: keyed`");
    scene.grow_until("four leases again", &mut [&mut first], |scene| scene.held() == [4]);
    scene.grow(STEP);
    scene.stream.ledger.until_out(&mut delivered, &mut [&mut first]);
    first.until_balanced();
    first.stop();
}
