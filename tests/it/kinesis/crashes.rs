//! What a crash may cost of a stream: nothing. The process is killed at its named crash points and at any moment, started
//! again, and then every event is out, and every finding and every baseline is the same.

use floodmark::telemetry::crash::CrashPoint;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{
    plan::Plan,
    record::{Line, Put},
    stream::Stream,
    table::Table,
};
use crate::{
    flows,
    kafka::{instance::Instance, ledger::Delivered},
    process::until,
    standins::{Service, Standin},
    traces::{SIGABRT, SIGKILL, assert_same, traces},
};

/// A stream that grows window by window, and the instance that reads it.
struct Scene {
    stream: Stream,
    windows: u64,
    plan: Plan,
    instance: Instance,
}

/// So many windows, and a host has sent its second gigabyte.
const WINDOWS: u64 = 130;
/// Between two looks at whether a process has crashed.
const STEP: u64 = 2;

fn rest(every: &str) -> String {
    format!("score: {{ learn_all: 0s }}\nstate: {{ directory: state, every: {every} }}\n")
}

/// A record by the host's interface, so that a host's lines are all in one shard.
fn keyed(line: &str) -> Put {
    Put::plain(line.split(' ').nth(2).unwrap(), line)
}

// === impl Scene ===

impl Scene {
    /// A stream of `shards`; a snapshot is taken every `every`. Nothing where there is no stand-in.
    fn new(name: &str, shards: usize, every: &str) -> Option<Self> {
        let kinesis = Standin::shared(name, Service::Kinesalite)?;
        let stream = Stream::create(kinesis.url(), "crash", shards);
        let plan = Plan::new(&stream).rest(&rest(every));
        let instance = plan.instance();
        Some(Self { stream, windows: 0, plan, instance })
    }

    /// With leases in a table instead of its own state.
    fn leased(mut self, name: &str) -> Option<Self> {
        let dynamodb = Standin::shared(name, Service::Dynamodb)?;
        let table = Table::unmade(dynamodb.url());
        self.plan = self.plan.leased(&table, "2s");
        self.plan.give(&self.instance);
        Some(self)
    }

    /// Adds windows: every host's line as a record of its own, every other window as one aggregate for each host.
    fn grow(&mut self, windows: u64) {
        for _ in 0..windows {
            let window = flows::window(self.windows);
            let puts: Vec<Put> = if self.windows.is_multiple_of(2) {
                window.lines().map(keyed).collect()
            } else {
                (0..flows::HOSTS).map(|host| of_host(host, &window)).collect()
            };
            self.stream.put(&puts);
            self.windows += 1;
        }
    }

    /// Reads the first windows and ends well: from here on there is a snapshot.
    fn warm_up(&mut self) {
        self.instance.start();
        let mut delivered = Delivered::by(&[&self.instance]);
        until("the first deliveries", || {
            self.grow(1);
            assert!(self.instance.is_running(), "ended: {}", self.instance.process().told());
            (delivered.read_on() > 100).then_some(())
        });
        self.instance.stop();
    }

    /// Runs into a crash point while the stream grows.
    fn crash_at(&mut self, point: CrashPoint, count: u64) {
        self.instance.set("FLOODMARK_CRASH_AT", &format!("{}:{count}", point.name()));
        self.instance.start();
        until("the crash", || {
            self.grow(STEP);
            (!self.instance.is_running()).then_some(())
        });
        self.instance.unset("FLOODMARK_CRASH_AT");
        let ended = self.instance.wait();
        assert_eq!(ended.signal(), Some(SIGABRT), "not where it should crash: {}", ended.err);
    }

    /// Ends the stream with a line in each shard that is far later than all others, reads it to its end, and compares with
    /// a run that nobody disturbed. Says how many events came out more than once.
    fn finish(mut self) -> usize {
        self.grow(WINDOWS.saturating_sub(self.windows));
        let closing = flows::closing(self.windows);
        let shards = self.stream.open();
        let last = shards.iter().map(|shard| Put::plain("last", closing.trim_end()).at(shard.hash_keys.0));
        let last: Vec<Put> = last.collect();
        self.stream.put(&last);
        let mut delivered = Delivered::by(&[&self.instance]);
        if !self.instance.is_running() {
            self.instance.start();
        }
        self.stream.ledger.until_out(&mut delivered, &mut [&mut self.instance]);
        self.instance.until_balanced();
        self.instance.stop();
        let twice = self.stream.ledger.assert_at_least_once(&mut delivered);

        let calm_plan = Plan::new(&self.stream).rest(&rest("1h"));
        let mut calm = calm_plan.start();
        let mut delivered = Delivered::by(&[&calm]);
        self.stream.ledger.until_out(&mut delivered, &mut [&mut calm]);
        calm.stop();
        let (mut disturbed, mut calm) = (traces(&self.instance.folder), traces(&calm.folder));
        assert!(!calm.findings.is_empty(), "the stream was too short to tell");
        if shards.len() > 1 {
            disturbed.revisions.clear();
            calm.revisions.clear();
        }
        assert_same(&disturbed, &calm);
        twice
    }
}

/// An aggregate of a host's lines in a window.
fn of_host(host: u64, window: &str) -> Put {
    let interface = format!("eni-{host:017x}");
    let lines = window.lines().filter(|line| line.contains(&interface)).map(str::to_owned);
    let put = Put::aggregate(&interface, lines);
    assert!(matches!(put.lines[0], Line::Own(0, 0, _)));
    put
}

#[test]
fn a_crash_between_delivery_and_its_record_in_the_state_loses_nothing_and_learns_nothing_twice() {
    let name = "a_crash_between_delivery_and_its_record_in_the_state_loses_nothing_and_learns_nothing_twice";
    let Some(mut scene) = Scene::new(name, 1, "1s") else { return };
    scene.warm_up();
    scene.crash_at(CrashPoint::DeliveredNotCommitted, 3);
    scene.finish();
}

#[test]
fn a_crash_in_the_middle_of_a_snapshot_keeps_the_one_before_and_where_the_shard_was() {
    let name = "a_crash_in_the_middle_of_a_snapshot_keeps_the_one_before_and_where_the_shard_was";
    let Some(mut scene) = Scene::new(name, 1, "700ms") else { return };
    scene.warm_up();
    scene.crash_at(CrashPoint::SnapshotWrittenNotValid, 3);
    assert!(scene.finish() > 0, "nothing was replayed");
}

#[test]
fn a_crash_before_the_first_snapshot_begins_where_the_shards_began_and_learns_nothing_twice() {
    let name = "a_crash_before_the_first_snapshot_begins_where_the_shards_began_and_learns_nothing_twice";
    let Some(mut scene) = Scene::new(name, 2, "100ms") else { return };
    scene.grow(20);
    scene.crash_at(CrashPoint::DeliveredNotCommitted, 1);
    scene.finish();
}

#[test]
fn a_crash_of_a_worker_with_leases_goes_on_at_its_checkpoint_and_learns_nothing_twice() {
    let name = "a_crash_of_a_worker_with_leases_goes_on_at_its_checkpoint_and_learns_nothing_twice";
    let Some(scene) = Scene::new(name, 2, "1s") else { return };
    let Some(mut scene) = scene.leased(name) else { return };
    scene.warm_up();
    scene.crash_at(CrashPoint::DeliveredNotCommitted, 3);
    scene.finish();
}

#[test]
fn a_crash_between_a_checkpoint_and_its_answer_loses_nothing_and_learns_nothing_twice() {
    let name = "a_crash_between_a_checkpoint_and_its_answer_loses_nothing_and_learns_nothing_twice";
    let Some(scene) = Scene::new(name, 2, "1s") else { return };
    let Some(mut scene) = scene.leased(name) else { return };
    scene.warm_up();
    scene.crash_at(CrashPoint::CommitSentNotAnswered, 3);
    scene.finish();
}

#[test]
fn ten_kills_at_any_moment_lose_nothing_and_learn_nothing_twice() {
    let name = "ten_kills_at_any_moment_lose_nothing_and_learn_nothing_twice";
    let Some(mut scene) = Scene::new(name, 2, "200ms") else { return };
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut delivered = Delivered::by(&[&scene.instance]);
    for kill in 0..10 {
        scene.instance.start();
        let wanted = delivered.read_on() + random.random_range(1..60);
        until("some deliveries", || {
            scene.grow(1);
            assert!(scene.instance.is_running(), "ended: {}", scene.instance.process().told());
            (delivered.read_on() >= wanted).then_some(())
        });
        if kill == 5 {
            scene.stream.split(&scene.stream.open()[0]);
        }
        assert_eq!(scene.instance.kill().signal(), Some(SIGKILL));
    }
    scene.finish();
}
