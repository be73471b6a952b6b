//! What a crash may cost of a topic: nothing. The process is killed at its named crash points and at any moment, started
//! again, and then every event is out, and every finding and every baseline is the same.

use floodmark::{event::Origin, score, state::Store, telemetry::crash::CrashPoint};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{
    cluster::{Cluster, unique},
    instance::{Instance, OUT, Plan, Protocol},
    ledger::{Delivered, Ledger},
    writer::Writer,
};
use crate::{
    flows,
    process::until,
    traces::{SIGABRT, SIGKILL, Traces, assert_same, traces},
};

/// A topic that grows window by window, and the instance that reads it.
struct Stream {
    cluster: Cluster,
    topic: String,
    group: String,
    partitions: u32,
    writer: Writer,
    windows: u64,
    plan: Plan,
    instance: Instance,
}

/// So many windows, and a host has sent its second gigabyte.
const WINDOWS: u64 = 130;
/// Between two looks at whether a process has crashed.
const STEP: u64 = 2;

// === impl Stream ===

impl Stream {
    /// A stream of `partitions`; a snapshot is taken every `every`. Nothing where there is no broker.
    fn new(name: &str, partitions: u32, every: &str, protocol: Protocol) -> Option<Self> {
        let cluster = Cluster::shared(name)?;
        let (topic, group) = (unique("crash"), unique("group"));
        cluster.create(&topic, partitions, &[]);
        let plan =
            Plan::new(&cluster, &topic, &group).soon_missed(&cluster, &group, protocol).rest(&rest(every));
        let writer = Writer::new(&cluster, &topic, &["--keyed"]);
        let instance = plan.instance();
        Some(Self { cluster, topic, group, partitions, writer, windows: 0, plan, instance })
    }

    /// Adds a window; a host's lines all go to one partition.
    fn grow(&mut self) {
        let keyed = |line: &str| format!("{}\t{line}\n", line.split(' ').nth(2).unwrap());
        self.writer.write(&flows::window(self.windows).lines().map(keyed).collect::<String>());
        self.windows += 1;
    }

    /// Reads the first windows and ends well: from here on there is a snapshot and a commit of each partition.
    fn warm_up(&mut self) {
        for partition in 0..self.partitions {
            let line = flows::line(u64::from(partition), "198.51.100.7", 20_000, flows::START);
            self.cluster.produce(&self.topic, &[line], &["--partition", &partition.to_string()]);
        }
        self.instance.start();
        let mut delivered = Delivered::by(&[&self.instance]);
        until("the first deliveries", || {
            self.grow();
            assert!(self.instance.is_running(), "ended: {}", self.instance.process().told());
            (delivered.read_on() > 100).then_some(())
        });
        self.instance.stop();
        assert_eq!(self.cluster.offsets(&self.group).len(), self.partitions as usize);
    }

    /// Lets the topic grow until the process ends by itself.
    fn grow_until_the_crash(&mut self) {
        until("the crash", || {
            (0..STEP).for_each(|_| self.grow());
            (!self.instance.is_running()).then_some(())
        });
        let ended = self.instance.wait();
        assert_eq!(ended.signal(), Some(SIGABRT), "not where it should crash: {}", ended.err);
    }

    /// Where the next run must begin in each partition, by what the group and the state say.
    fn positions(&self) -> Vec<i64> {
        let store = Store::open_read_only(&self.instance.folder.path("state"), score::GEOMETRY).unwrap();
        let mut positions = vec![0; self.partitions as usize];
        for committed in self.cluster.offsets(&self.group) {
            let scored = store.scored(&Origin::kafka(&self.topic, committed.partition)).unwrap();
            positions[committed.partition as usize] = committed.offset.min(scored.unwrap() as i64);
        }
        positions
    }

    /// Ends the stream with lines that are far later than all others, one for each partition, and reads it to its end.
    fn finish(mut self) -> Finished {
        while self.windows < WINDOWS {
            self.grow();
        }
        let Self { cluster, topic, partitions, writer, windows, plan, mut instance, group } = self;
        writer.finish();
        let closing = flows::closing(windows);
        for partition in 0..partitions {
            cluster.produce(&topic, &[closing.trim_end()], &["--partition", &partition.to_string()]);
        }
        if !instance.is_running() {
            instance.start();
        }
        let ledger = Ledger::of(&cluster, &topic);
        let mut delivered = Delivered::by(&[&instance]);
        ledger.until_out(&mut delivered, &mut [&mut instance]);
        let page = instance.page();
        page.assert_balanced();
        instance.stop();
        let twice = ledger.assert_at_least_once(&mut delivered);
        let received = page.source("records_received_total");
        Finished { cluster, topic, group, plan, instance, ledger, received, twice }
    }
}

/// A stream that has been read to its end.
struct Finished {
    cluster: Cluster,
    topic: String,
    group: String,
    plan: Plan,
    instance: Instance,
    ledger: Ledger,
    /// Records of the last run.
    received: i64,
    /// Events that are out more than once.
    twice: usize,
}

impl Finished {
    /// What a run of another group leaves of the same topic that nobody disturbs.
    fn undisturbed(&self) -> Traces {
        let mut calm = self.plan.clone().key("group", &unique("calm")).rest(&rest("1h")).start();
        let mut delivered = Delivered::by(&[&calm]);
        self.ledger.until_out(&mut delivered, &mut [&mut calm]);
        calm.stop();
        traces(&calm.folder)
    }

    fn ends(&self) -> i64 {
        self.cluster.count(&self.topic).iter().map(|extent| extent.end).sum()
    }

    /// Compares with a run that nobody disturbed; the findings' revisions too if there is only one partition.
    fn assert_as_undisturbed(&self, partitions: u32) {
        let (mut disturbed, mut calm) = (traces(&self.instance.folder), self.undisturbed());
        assert!(!calm.findings.is_empty(), "the stream was too short to tell");
        if partitions > 1 {
            disturbed.revisions.clear();
            calm.revisions.clear();
        }
        assert_same(&disturbed, &calm);
        let committed: i64 = self.cluster.offsets(&self.group).iter().map(|committed| committed.offset).sum();
        assert_eq!(committed, self.ends(), "not all is committed");
    }
}

fn rest(every: &str) -> String {
    format!("score: {{ learn_all: 0s }}\nstate: {{ directory: state, every: {every} }}\n")
}

/// Crashes at `point` for the `count`-th time it is come to, goes on, and compares. Says how many records were read twice.
fn crash_at(mut stream: Stream, point: CrashPoint, count: u64) -> i64 {
    let partitions = stream.partitions;
    stream.warm_up();
    stream.instance.set("FLOODMARK_CRASH_AT", &format!("{}:{count}", point.name()));
    stream.instance.start();
    stream.grow_until_the_crash();
    stream.instance.unset("FLOODMARK_CRASH_AT");
    let positions = stream.positions();
    let mut out = Delivered::by(&[&stream.instance]);
    let before = out.read_on() as i64;
    let finished = stream.finish();
    let again = finished.ends() - positions.iter().sum::<i64>();
    assert_eq!(finished.received, again, "read on from {positions:?}");
    finished.assert_as_undisturbed(partitions);
    before + finished.received - finished.ends()
}

#[test]
fn a_crash_between_delivery_and_commit_loses_nothing_of_a_partition_and_learns_nothing_twice() {
    let name = "a_crash_between_delivery_and_commit_loses_nothing_of_a_partition_and_learns_nothing_twice";
    let Some(stream) = Stream::new(name, 1, "1s", Protocol::Classic) else { return };
    assert!(crash_at(stream, CrashPoint::DeliveredNotCommitted, 3) > 0, "nothing was replayed");
}

#[test]
fn a_crash_between_delivery_and_commit_loses_nothing_where_the_broker_assigns() {
    let name = "a_crash_between_delivery_and_commit_loses_nothing_where_the_broker_assigns";
    let Some(stream) = Stream::new(name, 4, "1s", Protocol::Consumer) else { return };
    assert!(crash_at(stream, CrashPoint::DeliveredNotCommitted, 2) > 0, "nothing was replayed");
}

#[test]
fn a_crash_in_the_middle_of_a_snapshot_keeps_the_one_before_and_what_was_committed() {
    let name = "a_crash_in_the_middle_of_a_snapshot_keeps_the_one_before_and_what_was_committed";
    let Some(stream) = Stream::new(name, 1, "700ms", Protocol::Classic) else { return };
    assert!(crash_at(stream, CrashPoint::SnapshotWrittenNotValid, 3) > 0, "nothing was replayed");
}

#[test]
fn a_crash_between_a_commit_and_its_answer_loses_nothing_of_several_partitions() {
    let name = "a_crash_between_a_commit_and_its_answer_loses_nothing_of_several_partitions";
    let Some(stream) = Stream::new(name, 4, "1h", Protocol::Classic) else { return };
    assert!(crash_at(stream, CrashPoint::CommitSentNotAnswered, 3) > 0, "nothing was replayed");
}

#[test]
fn a_crash_before_the_first_commit_finds_where_the_partitions_began_and_learns_nothing_twice() {
    let name = "a_crash_before_the_first_commit_finds_where_the_partitions_began_and_learns_nothing_twice";
    let Some(mut stream) = Stream::new(name, 2, "100ms", Protocol::Classic) else { return };
    (0..20).for_each(|_| stream.grow());
    stream.instance.set("FLOODMARK_CRASH_AT", CrashPoint::DeliveredNotCommitted.name());
    stream.instance.start();
    stream.grow_until_the_crash();
    stream.instance.unset("FLOODMARK_CRASH_AT");
    let began: Vec<_> = stream.cluster.offsets(&stream.group).iter().map(|begun| begun.offset).collect();
    assert_eq!(began, [0, 0]);
    assert!(Delivered::by(&[&stream.instance]).read_on() > 0, "nothing was delivered before");
    stream.finish().assert_as_undisturbed(2);
}

#[test]
fn a_crash_while_partitions_go_to_another_instance_loses_nothing() {
    let name = "a_crash_while_partitions_go_to_another_instance_loses_nothing";
    let Some(mut stream) = Stream::new(name, 4, "1s", Protocol::Classic) else { return };
    stream.instance.set("FLOODMARK_CRASH_AT", CrashPoint::MidRevoke.name());
    stream.instance.start();
    stream.instance.until_holds(4);
    let mut first = Delivered::by(&[&stream.instance]);
    until("some deliveries", || {
        stream.grow();
        (first.read_on() > 100).then_some(())
    });
    let mut other = stream.plan.start();
    stream.grow_until_the_crash();
    let mut delivered = Delivered::by(&[&stream.instance, &other]);
    until("the end of its session", || {
        stream.grow();
        (other.page().kafka("partitions") == 4).then_some(())
    });
    stream.writer.finish();
    let ledger = Ledger::of(&stream.cluster, &stream.topic);
    ledger.until_out(&mut delivered, &mut [&mut other]);
    other.until_balanced();
    other.stop();
    assert!(ledger.assert_at_least_once(&mut delivered) > 0, "nothing was replayed");
    assert!(other.folder.len(OUT) > 0);
}

#[test]
fn a_process_killed_again_and_again_while_its_topic_grows_loses_nothing() {
    let name = "a_process_killed_again_and_again_while_its_topic_grows_loses_nothing";
    for (seed, partitions) in [(1, 1), (2, 3)] {
        let Some(mut stream) = Stream::new(name, partitions, "500ms", Protocol::Classic) else { return };
        stream.warm_up();
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut replayed = false;
        for _ in 0..4 {
            let begin: i64 = stream.positions().iter().sum();
            let mut out = Delivered::by(&[&stream.instance]);
            replayed |= out.read_on() as i64 > begin;
            stream.instance.start();
            // At a moment that depends on what it has delivered, in the middle of whatever it does then.
            let moment = stream.instance.folder.len(OUT) + random.random_range(1..400_000);
            until("progress", || {
                stream.grow();
                assert!(stream.instance.is_running(), "it ended by itself");
                (stream.instance.folder.len(OUT) >= moment).then_some(())
            });
            assert_eq!(stream.instance.kill().signal(), Some(SIGKILL));
        }
        let finished = stream.finish();
        assert!(replayed || finished.twice > 0, "nothing was replayed");
        finished.assert_as_undisturbed(partitions);
    }
}
