//! Exactly once: whoever reads what is committed sees every document once, whatever is killed, fenced or refused.

use std::collections::{BTreeMap, BTreeSet};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{
    cluster::{Cluster, Listener, Seen, unique},
    instance::{Instance, Plan},
    ledger::Ledger,
    writer::{Writer, lines},
};
use floodmark::event::{IdScheme, Origin};

use crate::process::{Folder, until};

/// The topics of one test, and its group.
struct Stage {
    cluster: Cluster,
    input: String,
    output: String,
    quarantine: String,
    dead_letter: String,
    group: String,
}

/// How long the cluster waits for a transaction of a process that is gone, where a test waits for that. A transaction of a
/// process that is there must not take as long, however loaded the machine is.
const TRANSACTION_MS: &str = "10000";

// === impl Stage ===

impl Stage {
    fn new(cluster: Cluster, partitions: u32, output: &[(&str, &str)]) -> Self {
        let [input, out, quarantine, dead_letter, group] =
            ["in", "out", "quarantine", "dead", "group"].map(unique);
        cluster.create(&input, partitions, &[]);
        cluster.create(&out, 3, output);
        cluster.create(&quarantine, 1, &[]);
        cluster.create(&dead_letter, 1, &[]);
        Self { cluster, input, output: out, quarantine, dead_letter, group }
    }

    /// An instance whose transactions are called `id`, with librdkafka's own time for each.
    fn plan(&self, id: &str) -> Plan {
        self.plan_with(id, "60000")
    }

    fn plan_with(&self, id: &str, transaction_ms: &str) -> Plan {
        let broker = self.cluster.address(Listener::Plaintext);
        let to = |topic: &str, rest: &str| {
            format!("{{ to: {{ kafka: {{ brokers: [\"{broker}\"], topic: {topic}{rest} }} }} }}")
        };
        let transactions = format!(
            ", transactional: {{ id: {id}, every: 20ms }}, options: {{ \"transaction.timeout.ms\": {transaction_ms} }}"
        );
        let rest = format!(
            "quarantine: {}\ndead_letter: {}\nstate: {{ directory: state, every: 1s }}\n",
            to(&self.quarantine, ""),
            to(&self.dead_letter, "")
        );
        Plan::new(&self.cluster, &self.input, &self.group)
            .sinks(&format!("{{ out: {} }}", to(&self.output, &transactions)))
            .rest(&rest)
            .option("session.timeout.ms", "1500")
            .option("heartbeat.interval.ms", "300")
    }

    /// Documents that a reader of what is committed sees, by id.
    fn seen(&self, topic: &str) -> BTreeMap<String, u32> {
        let mut ids = BTreeMap::new();
        for record in self.cluster.consume(topic, &[]) {
            *ids.entry(id(&record)).or_default() += 1;
        }
        ids
    }

    /// Waits until so many records of the input are committed for the group.
    fn until_committed(&self, instances: &mut [&mut Instance], records: u64) {
        until("the last commit", || {
            for instance in instances.iter_mut() {
                assert!(instance.is_running(), "ended: {}", instance.process().told());
            }
            let offsets = self.cluster.offsets(&self.group);
            let committed: i64 = offsets.iter().map(|committed| committed.offset).sum();
            (committed >= records as i64).then_some(())
        });
    }

    /// Fails unless every line of the input is out once: as an event, or in quarantine. Says how many records were written
    /// that nobody is to see.
    fn assert_once(&self) -> usize {
        let ledger = Ledger::of(&self.cluster, &self.input);
        // What comes after the open transaction of a process that was killed is seen when that has timed out.
        let (events, quarantined) = until("an end of all transactions", || {
            let seen = (self.seen(&self.output), self.seen(&self.quarantine));
            (seen.0.len() + seen.1.len() >= ledger.len()).then_some(seen)
        });
        let twice = events.iter().chain(&quarantined).filter(|(_, count)| **count > 1).count();
        let both: BTreeSet<&String> = events.keys().chain(quarantined.keys()).collect();
        let known = both.iter().filter(|id| ledger.get(id).is_some()).count();
        assert_eq!(
            (twice, both.len(), known),
            (0, ledger.len(), ledger.len()),
            "twice, all, and those known"
        );
        let written = self.cluster.consume(&self.output, &["--uncommitted"]).len();
        written - events.len()
    }
}

/// The id that a document bears.
fn id(record: &Seen) -> String {
    let header = record.headers.iter().find(|(name, _)| name == "floodmark-id");
    header.map(|(_, id)| id.clone()).expect("an id")
}

#[test]
fn through_kills_at_any_moment_every_document_is_committed_once_and_what_was_not_is_taken_back() {
    let name = "through_kills_at_any_moment_every_document_is_committed_once_and_what_was_not_is_taken_back";
    let Some(cluster) = Cluster::shared(name) else { return };
    let stage = Stage::new(cluster, 4, &[]);
    let mut instance = stage.plan(&unique("writer")).instance();
    let mut writer = Writer::new(&stage.cluster, &stage.input, &[]);
    let mut taken_back = 0;
    for round in 0..9 {
        let point = ["delivered_not_committed:5", "commit_sent_not_answered:5", ""][round % 3];
        instance.set("FLOODMARK_CRASH_AT", point);
        instance.start();
        if point.is_empty() {
            let before = stage.cluster.count(&stage.output).iter().map(|extent| extent.end).sum::<i64>();
            until("something written", || {
                writer.grow(600);
                let after = stage.cluster.count(&stage.output).iter().map(|extent| extent.end).sum::<i64>();
                (after > before).then_some(())
            });
            instance.kill();
        } else {
            until("the crash", || {
                writer.grow(200);
                (!instance.is_running()).then_some(())
            });
            instance.wait();
            taken_back += usize::from(point.starts_with("delivered"));
        }
        writer.write("this is no flow log\n");
    }
    let written = writer.written();
    writer.finish();
    instance.unset("FLOODMARK_CRASH_AT");
    instance.start();
    stage.until_committed(&mut [&mut instance], written);
    instance.stop();
    let aborted = stage.assert_once();
    assert!(aborted > 0 && taken_back == 3, "nothing was taken back, so nothing was shown");
}

#[test]
fn a_record_of_many_entries_is_committed_whole_although_it_leaves_in_parts() {
    let name = "a_record_of_many_entries_is_committed_whole_although_it_leaves_in_parts";
    let Some(cluster) = Cluster::shared(name) else { return };
    let stage = Stage::new(cluster, 1, &[]);
    let mut expected = BTreeSet::new();
    let scheme = IdScheme::of(&Origin::kafka(&stage.input, 0));
    let mut record = |offset: u64| {
        let text = lines(1_000_000 + offset * 5_000, 5_000);
        let wrapped = text.lines().enumerate().map(|(index, line)| {
            expected.insert(scheme.event(offset, index as u32, line.as_bytes()).to_string());
            format!("{{\"message\":\"{line}\"}}")
        });
        format!("[{}]", wrapped.collect::<Vec<_>>().join(","))
    };
    let records: Vec<String> = (0..6).map(&mut record).collect();
    stage.cluster.produce(&stage.input, &records, &[]);
    let mut instance = stage.plan(&unique("writer")).instance();
    for point in ["delivered_not_committed:1", "delivered_not_committed:2"] {
        instance.set("FLOODMARK_CRASH_AT", point);
        instance.start();
        instance.wait();
    }
    instance.unset("FLOODMARK_CRASH_AT");
    instance.start();
    stage.until_committed(&mut [&mut instance], 6);
    let page = instance.page();
    page.assert_balanced();
    instance.stop();
    let seen = stage.seen(&stage.output);
    assert_eq!(seen.values().filter(|count| **count > 1).count(), 0, "documents are committed twice");
    assert!(seen.into_keys().collect::<BTreeSet<_>>() == expected, "not the documents that there should be");
}

#[test]
fn a_process_that_was_thought_dead_is_fenced_and_adds_nothing_to_what_its_successor_delivers() {
    let name = "a_process_that_was_thought_dead_is_fenced_and_adds_nothing_to_what_its_successor_delivers";
    let Some(cluster) = Cluster::shared(name) else { return };
    let stage = Stage::new(cluster, 2, &[]);
    let plan = stage.plan(&unique("writer"));
    let mut writer = Writer::new(&stage.cluster, &stage.input, &[]);
    let mut zombie = plan.start();
    writer.grow(500);
    stage.until_committed(&mut [&mut zombie], 1);
    writer.grow(5_000);
    zombie.process().pause();
    let mut successor = plan.start();
    writer.grow(500);
    stage.until_committed(&mut [&mut successor], writer.written());
    zombie.process().resume();
    // It finds out when it has something to write.
    zombie.process().until_ended(|| {
        writer.grow(100);
    });
    let ended = zombie.wait();
    ended.assert_code(69);
    ended.assert_told("another process writes as");
    let written = writer.written();
    writer.finish();
    stage.until_committed(&mut [&mut successor], written);
    successor.stop();
    stage.assert_once();
}

#[test]
fn when_one_of_two_is_killed_the_other_commits_the_rest_once() {
    let Some(cluster) = Cluster::shared("when_one_of_two_is_killed_the_other_commits_the_rest_once") else {
        return;
    };
    let stage = Stage::new(cluster, 4, &[]);
    let mut writer = Writer::new(&stage.cluster, &stage.input, &[]);
    let mut one = stage.plan_with(&unique("writer"), TRANSACTION_MS).start();
    let mut other = stage.plan_with(&unique("writer"), TRANSACTION_MS).start();
    one.until_holds(2);
    other.until_holds(2);
    writer.grow(4_000);
    one.until_page("documents", |page| page.sink("out", "delivered_total") > 0);
    writer.grow(4_000);
    one.kill();
    writer.grow(1_000);
    let written = writer.written();
    writer.finish();
    stage.until_committed(&mut [&mut other], written);
    other.until_page("balanced books", |page| page.sink("out", "in_flight") == 0).assert_balanced();
    other.stop();
    stage.assert_once();
}

#[test]
fn a_document_that_the_topic_refuses_leaves_as_a_dead_letter_with_its_neighbours() {
    let name = "a_document_that_the_topic_refuses_leaves_as_a_dead_letter_with_its_neighbours";
    let Some(cluster) = Cluster::shared(name) else { return };
    // Large enough for a batch of small ones after compression, and not for the one that cannot be compressed.
    let stage = Stage::new(cluster, 1, &[("max.message.bytes", "60000")]);
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let noise: String = (0..200_000).map(|_| char::from(random.random_range(b'a'..=b'z'))).collect();
    let large = lines(7, 1).replacen(" eni-", &format!(" eni-{noise}"), 1);
    let mut writer = Writer::new(&stage.cluster, &stage.input, &[]);
    writer.write(&lines(0, 50));
    writer.write(&large);
    writer.write(&lines(50, 50));
    writer.finish();
    let mut instance = stage.plan(&unique("writer")).start();
    stage.until_committed(&mut [&mut instance], 101);
    let page = instance.until_page("the dead letter", |page| page.sink("out", "dead_lettered_total") == 1);
    page.assert_balanced();
    instance.stop();
    let letters = stage.cluster.consume(&stage.dead_letter, &[]);
    assert_eq!((letters.len(), stage.seen(&stage.output).len()), (1, 100));
    let ledger = Ledger::of(&stage.cluster, &stage.input);
    assert_eq!(ledger.get(&id(&letters[0])).expect("a line").offset, 50);
    assert!(letters[0].value.contains("\"sink\":\"out\""), "{}", &letters[0].value[..200]);
}

#[test]
fn while_the_broker_is_away_nothing_is_lost_and_when_it_is_back_everything_is_committed_once() {
    let name = "while_the_broker_is_away_nothing_is_lost_and_when_it_is_back_everything_is_committed_once";
    let folder = Folder::new();
    let Some(cluster) = Cluster::own(name, &folder) else { return };
    let stage = Stage::new(cluster, 2, &[]);
    let mut writer = Writer::new(&stage.cluster, &stage.input, &[]);
    let plan = stage.plan(&unique("writer")).option("reconnect.backoff.max.ms", "500");
    let mut instance = plan.start();
    writer.grow(3_000);
    stage.until_committed(&mut [&mut instance], 1);
    stage.cluster.kill();
    writer.grow(2_000);
    instance.until_ready(false);
    stage.cluster.start();
    let written = writer.written();
    writer.finish();
    stage.until_committed(&mut [&mut instance], written);
    instance.until_ready(true);
    instance.stop();
    stage.assert_once();
}
