//! What appears while a group reads, partitions and topics: it is read from its start, whatever `start` says.

use super::{
    cluster::{Cluster, unique},
    instance::Plan,
    ledger::{Delivered, Ledger},
    writer::lines,
};

/// The lines `first` and following, for [`Cluster::produce`].
fn some(first: u64) -> Vec<String> {
    lines(first, 120).lines().map(str::to_owned).collect()
}

/// Looks for new partitions and topics five times a second.
fn watchful(plan: Plan) -> Plan {
    plan.option("topic.metadata.refresh.interval.ms", "200")
}

fn partitions_appear(name: &str, start: &str) {
    let Some(cluster) = Cluster::shared(name) else { return };
    let (topic, group) = (unique("growing"), unique("group"));
    cluster.create(&topic, 2, &[]);
    let mut instance = watchful(Plan::new(&cluster, &topic, &group).key("start", start)).start();
    let mut delivered = Delivered::by(&[&instance]);
    instance.until_holds(2);
    cluster.produce(&topic, &some(0), &[]);
    Ledger::of(&cluster, &topic).until_out(&mut delivered, &mut [&mut instance]);
    // Nobody reads the new partitions yet, because nobody looks.
    instance.process().pause();
    cluster.grow(&topic, 5);
    cluster.produce(&topic, &some(120), &[]);
    instance.process().resume();
    instance.until_holds(5);
    cluster.produce(&topic, &some(240), &[]);
    let ledger = Ledger::of(&cluster, &topic);
    ledger.until_out(&mut delivered, &mut [&mut instance]);
    instance.stop();
    // And while nobody is there at all.
    cluster.grow(&topic, 6);
    cluster.produce(&topic, &some(360), &[]);
    instance.start();
    let ledger = Ledger::of(&cluster, &topic);
    ledger.until_out(&mut delivered, &mut [&mut instance]);
    instance.stop();
    ledger.assert_once(&mut delivered);
}

#[test]
fn partitions_that_are_added_while_it_runs_or_does_not_are_read_from_their_start() {
    let name = "partitions_that_are_added_while_it_runs_or_does_not_are_read_from_their_start";
    partitions_appear(name, "earliest");
}

#[test]
fn partitions_that_are_added_are_read_from_their_start_by_a_group_that_started_with_the_latest() {
    let name = "partitions_that_are_added_are_read_from_their_start_by_a_group_that_started_with_the_latest";
    partitions_appear(name, "latest");
}

fn a_topic_appears(name: &str, start: &str) {
    let Some(cluster) = Cluster::shared(name) else { return };
    let (stem, group) = (unique("vpc"), unique("group"));
    let [first, later, other] = ["-a", "-b", "x"].map(|end| format!("{stem}{end}"));
    cluster.create(&first, 2, &[]);
    let plan =
        Plan::new(&cluster, "", &group).key("topics", &format!("[\"^{stem}-.*\"]")).key("start", start);
    let mut instance = watchful(plan).start();
    let mut delivered = Delivered::by(&[&instance]);
    instance.until_holds(2);
    instance.process().pause();
    cluster.create(&later, 2, &[]);
    cluster.create(&other, 2, &[]);
    for (first, topic) in [(0, &first), (120, &later), (240, &other)] {
        cluster.produce(topic, &some(first), &[]);
    }
    instance.process().resume();
    let mut ledger = Ledger::of(&cluster, &first);
    ledger.add(&later, &cluster.consume(&later, &[]));
    ledger.until_out(&mut delivered, &mut [&mut instance]);
    instance.until_holds(4);
    instance.stop();
    ledger.assert_once(&mut delivered);
}

#[test]
fn a_topic_that_appears_later_and_matches_a_pattern_is_read_from_its_start_and_no_other() {
    let name = "a_topic_that_appears_later_and_matches_a_pattern_is_read_from_its_start_and_no_other";
    a_topic_appears(name, "earliest");
}

#[test]
fn a_topic_that_appears_later_is_read_from_its_start_by_a_group_that_started_with_the_latest() {
    let name = "a_topic_that_appears_later_is_read_from_its_start_by_a_group_that_started_with_the_latest";
    a_topic_appears(name, "latest");
}
