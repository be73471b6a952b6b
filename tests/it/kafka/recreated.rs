//! A topic that is deleted and made again: the new one is another one under the old name, read from its start and learned.

use floodmark::{event::Origin, score, state::Store};

use super::{
    cluster::{Cluster, unique},
    instance::{Instance, Plan},
    ledger::{Delivered, Ledger},
    writer::lines,
};

const OLD: u64 = 240;

/// Which of the two topics holds more.
#[derive(Clone, Copy)]
enum New {
    Shorter,
    Longer,
}

impl New {
    /// Its lines, none of which is one of the old topic's.
    fn lines(self) -> Vec<String> {
        let count = match self {
            Self::Shorter => OLD / 2,
            Self::Longer => OLD * 3,
        };
        lines(OLD, count).lines().map(str::to_owned).collect()
    }
}

/// The topic as it was at first, read to its end.
fn begin(cluster: &Cluster, topic: &str, plan: &Plan) -> (Instance, Delivered, Vec<super::cluster::Seen>) {
    cluster.create(topic, 2, &[]);
    let old: Vec<String> = lines(0, OLD).lines().map(str::to_owned).collect();
    cluster.produce(topic, &old, &[]);
    let mut instance = plan.start();
    let mut delivered = Delivered::by(&[&instance]);
    let records = cluster.consume(topic, &[]);
    let mut ledger = Ledger::default();
    ledger.add(topic, &records);
    ledger.until_out(&mut delivered, &mut [&mut instance]);
    (instance, delivered, records)
}

/// Waits until both topics are out, and looks at what is known of the new one.
fn end(
    cluster: &Cluster,
    topic: &str,
    mut instance: Instance,
    delivered: &mut Delivered,
    old: &[super::cluster::Seen],
) {
    let mut ledger = Ledger::of(cluster, topic);
    ledger.add(topic, old);
    ledger.until_out(delivered, &mut [&mut instance]);
    instance.until_balanced();
    instance.stop();
    ledger.assert_at_least_once(delivered);
    let store = Store::open_read_only(&instance.folder.path("state"), score::GEOMETRY).unwrap();
    for extent in cluster.count(topic) {
        let scored = store.scored(&Origin::kafka(topic, extent.partition)).unwrap();
        assert_eq!(scored, u64::try_from(extent.end).ok(), "what is learned of the new partition");
    }
}

/// Whether the process sees that the topic is gone, or finds another one when it looks again.
#[derive(Clone, Copy, PartialEq)]
enum Looks {
    Meanwhile,
    Afterwards,
}

fn while_it_runs(name: &str, new: New, looks: Looks) {
    let Some(cluster) = Cluster::shared(name) else { return };
    let (topic, group) = (unique("again"), unique("group"));
    let plan = Plan::new(&cluster, &topic, &group)
        .option("topic.metadata.refresh.interval.ms", "300")
        .option("metadata.max.age.ms", "900");
    let (mut instance, mut delivered, old) = begin(&cluster, &topic, &plan);
    if looks == Looks::Afterwards {
        instance.process().pause();
    }
    cluster.delete(&topic);
    cluster.create(&topic, 2, &[]);
    cluster.produce(&topic, &new.lines(), &[]);
    if looks == Looks::Afterwards {
        instance.process().resume();
    }
    end(&cluster, &topic, instance, &mut delivered, &old);
}

#[test]
fn a_shorter_topic_made_again_while_it_runs_is_read_from_its_start() {
    while_it_runs(
        "a_shorter_topic_made_again_while_it_runs_is_read_from_its_start",
        New::Shorter,
        Looks::Meanwhile,
    );
}

#[test]
fn a_longer_topic_made_again_while_it_runs_is_read_from_its_start() {
    while_it_runs(
        "a_longer_topic_made_again_while_it_runs_is_read_from_its_start",
        New::Longer,
        Looks::Meanwhile,
    );
}

#[test]
fn a_shorter_topic_made_again_while_it_looks_away_is_read_from_its_start() {
    let name = "a_shorter_topic_made_again_while_it_looks_away_is_read_from_its_start";
    while_it_runs(name, New::Shorter, Looks::Afterwards);
}

fn while_it_does_not(name: &str, new: New, start: &str) {
    let Some(cluster) = Cluster::shared(name) else { return };
    let (topic, group) = (unique("again"), unique("group"));
    let (mut instance, mut delivered, old) = begin(&cluster, &topic, &Plan::new(&cluster, &topic, &group));
    instance.stop();
    cluster.delete(&topic);
    cluster.create(&topic, 2, &[]);
    cluster.produce(&topic, &new.lines(), &[]);
    instance.plan(&Plan::new(&cluster, &topic, &group).key("start", start));
    instance.start();
    end(&cluster, &topic, instance, &mut delivered, &old);
}

#[test]
fn a_shorter_topic_made_again_while_it_does_not_run_is_read_from_its_start() {
    let name = "a_shorter_topic_made_again_while_it_does_not_run_is_read_from_its_start";
    while_it_does_not(name, New::Shorter, "earliest");
}

#[test]
fn a_longer_topic_made_again_while_it_does_not_run_is_read_from_its_start_whatever_start_says() {
    let name = "a_longer_topic_made_again_while_it_does_not_run_is_read_from_its_start_whatever_start_says";
    while_it_does_not(name, New::Longer, "latest");
}
