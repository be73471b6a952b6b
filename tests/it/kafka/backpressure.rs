//! A sink that takes nothing: partitions pause, the member stays in its group, and nothing is lost.

use std::{process::Stdio, time::Duration};

use floodmark::telemetry::clock;

use super::{
    cluster::{Cluster, unique},
    instance::{OUT, Plan},
    ledger::{Delivered, Ledger},
    volume::assert_committed,
    writer::lines,
};

/// After so long without a poll a member is put out of its group.
const POLLS_WITHIN: &str = "10000";
const HELD_UP: Duration = Duration::from_secs(30);

/// A topic of three partitions with more in it than a process takes in that cannot deliver, its group, and what an instance
/// is told that reads it.
fn more_than_it_holds(cluster: &Cluster) -> (String, String, Plan) {
    let (topic, group) = (unique("paused"), unique("group"));
    cluster.create(&topic, 3, &[]);
    let text = lines(0, 60_000);
    cluster.produce(&topic, &text.lines().collect::<Vec<_>>(), &[]);
    let plan = Plan::new(cluster, &topic, &group)
        .option("session.timeout.ms", "1500")
        .option("heartbeat.interval.ms", "300");
    (topic, group, plan)
}

#[test]
fn while_the_sink_takes_nothing_partitions_pause_and_the_member_stays_and_then_everything_comes_once() {
    let name =
        "while_the_sink_takes_nothing_partitions_pause_and_the_member_stays_and_then_everything_comes_once";
    let Some(cluster) = Cluster::shared(name) else { return };
    let (topic, group, plan) = more_than_it_holds(&cluster);
    let plan = plan.option("max.poll.interval.ms", POLLS_WITHIN).sinks("{ out: { to: { stdout: {} } } }");
    let mut instance = plan.instance();
    instance.start_into(Stdio::piped());
    let mut out = instance.process().stdout();
    instance.until_page("a pause", |page| page.kafka("paused") == 1);
    let members = cluster.group(&group).members;
    let page = instance.page();
    let begun = clock::monotonic();
    instance.until("longer than a member may be silent", || (begun.elapsed() > HELD_UP).then_some(()));
    let later = instance.page();
    assert_eq!(later.kafka("paused"), 1);
    assert_eq!(
        later.source("records_received_total"),
        page.source("records_received_total"),
        "it took in more"
    );
    assert!(later.source("records_received_total") < 60_000, "the topic is too short to tell");

    let mut file = std::fs::File::create(instance.folder.path(OUT)).unwrap();
    let taking = std::thread::spawn(move || std::io::copy(&mut out, &mut file).unwrap());
    let ledger = Ledger::of(&cluster, &topic);
    let mut delivered = Delivered::by(&[&instance]);
    ledger.until_out(&mut delivered, &mut [&mut instance]);
    let page = instance.page();
    page.assert_balanced();
    assert_eq!(page.kafka("rebalances_total"), 1, "{}", instance.process().told());
    assert_eq!(page.kafka("paused"), 0);
    assert_eq!(cluster.group(&group).members, members, "it left and came again");
    instance.stop();
    taking.join().unwrap();
    ledger.assert_once(&mut delivered);
    assert_committed(&cluster, &group, &topic, &[&instance]);
}

#[test]
fn a_partition_that_went_while_it_was_paused_is_read_when_it_comes_back() {
    let name = "a_partition_that_went_while_it_was_paused_is_read_when_it_comes_back";
    let Some(cluster) = Cluster::shared(name) else { return };
    let (topic, _, plan) = more_than_it_holds(&cluster);
    let mut instance = plan.clone().sinks("{ out: { to: { stdout: {} } } }").instance();
    instance.start_into(Stdio::piped());
    let mut out = instance.process().stdout();
    instance.until_page("a pause", |page| page.kafka("paused") == 1 && page.kafka("partitions") == 3);
    let mut other = plan.start();
    other.until_page("a partition of its own", |page| page.kafka("partitions") > 0);
    instance.until_page("fewer partitions", |page| page.kafka("partitions") < 3);

    let mut file = std::fs::File::create(instance.folder.path(OUT)).unwrap();
    let taking = std::thread::spawn(move || std::io::copy(&mut out, &mut file).unwrap());
    instance.until_page("no pause", |page| page.kafka("paused") == 0);
    let mut delivered = Delivered::by(&[&instance, &other]);
    other.stop();
    instance.until_holds(3);
    let more = lines(60_000, 3_000);
    cluster.produce(&topic, &more.lines().collect::<Vec<_>>(), &[]);
    let ledger = Ledger::of(&cluster, &topic);
    ledger.until_out(&mut delivered, &mut [&mut instance]);
    instance.stop();
    taking.join().unwrap();
    ledger.assert_at_least_once(&mut delivered);
}
