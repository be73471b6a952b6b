//! Which partition is read first: it decides when a finding is told, not which findings there are nor what is learned.

use super::{
    cluster::{Cluster, unique},
    instance::Plan,
    ledger::Delivered,
};
use crate::{
    flows,
    process::until,
    traces::{Traces, assert_same, traces},
};

/// So many windows, and a host of each partition has sent its gigabyte.
const WINDOWS: u64 = 130;

/// The flows of every second host, with a last one that is far later than all others.
fn half(parity: u64) -> Vec<String> {
    let estate = flows::estate(WINDOWS);
    // The interface is numbered as its host is, in hex.
    let host = |line: &str| u64::from_str_radix(line.split(['-', ' ']).nth(3).unwrap(), 16).unwrap();
    let own = estate.lines().filter(|line| host(line) % 2 == parity).map(str::to_owned);
    own.chain([flows::closing(WINDOWS).trim_end().to_owned()]).collect()
}

/// What is left when all of partition `first` of two is out before the other one has its first record.
fn read_first(cluster: &Cluster, first: u64) -> Traces {
    let topic = unique("interleaved");
    cluster.create(&topic, 2, &[]);
    let plan = Plan::new(cluster, &topic, &unique("group"));
    let mut instance =
        plan.rest("score: { learn_all: 0s }\nstate: { directory: state, every: 1h }\n").start();
    instance.until_holds(2);
    let mut delivered = Delivered::by(&[&instance]);
    let mut lines = 0;
    for partition in [first, 1 - first] {
        let half = half(partition);
        lines += half.len();
        cluster.produce(&topic, &half, &["--partition", &partition.to_string()]);
        until("delivery of a partition", || (delivered.read_on() == lines).then_some(()));
    }
    let late = instance.page().sum("floodmark_score_events_late_total", &[]);
    assert_eq!(late, 0, "a window folded without a partition that had no record yet");
    instance.stop();
    // Their ids name the topic.
    Traces { events: [].into(), ..traces(&instance.folder) }
}

#[test]
fn which_partition_is_read_first_changes_no_finding_and_no_baseline() {
    let Some(cluster) = Cluster::shared("which_partition_is_read_first_changes_no_finding_and_no_baseline")
    else {
        return;
    };
    let (mut one, mut other) = (read_first(&cluster, 0), read_first(&cluster, 1));
    assert_eq!(one.findings.len(), 4, "two that were raised and closed: {:?}", one.findings);
    // The finding of the partition that was ahead waited for its judge; the other one was told digit by digit.
    assert_eq!((one.revisions.len(), other.revisions.len()), (2, 2));
    assert!(one.revisions.is_disjoint(&other.revisions));
    one.revisions.clear();
    other.revisions.clear();
    assert_same(&one, &other);
}
