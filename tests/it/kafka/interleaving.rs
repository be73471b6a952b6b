//! Which partition is read first: it decides when a finding is told, not which findings there are nor what is learned.

use super::{
    cluster::{Cluster, unique},
    instance::{Plan, Protocol},
    ledger::Delivered,
};
use crate::{
    flows,
    process::until,
    traces::{Traces, assert_same, traces},
};

/// So many windows, and a host of each partition has sent its gigabyte.
const WINDOWS: u64 = 130;

const LATE: &str = "floodmark_score_events_late_total";

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
    let late = instance.page().sum(LATE, &[]);
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

#[test]
fn a_member_that_loses_all_its_partitions_and_gets_them_back_waits_for_the_one_that_is_behind() {
    let name = "a_member_that_loses_all_its_partitions_and_gets_them_back_waits_for_the_one_that_is_behind";
    let Some(cluster) = Cluster::shared(name) else { return };
    for first in [0, 1] {
        let (topic, group) = (unique("lost"), unique("group"));
        cluster.create(&topic, 2, &[]);
        let plan = Plan::new(&cluster, &topic, &group).soon_missed(&cluster, &group, Protocol::Classic);
        let produce = |partition: u64| {
            let half = half(partition);
            cluster.produce(&topic, &half, &["--partition", &partition.to_string()]);
            half.len()
        };
        // There before it is, so that it may be lost before its first commit too.
        let ahead = produce(first);
        let mut instance = plan.start();
        let mut delivered = Delivered::by(&[&instance]);
        until("delivery of a partition", || (delivered.read_on() == ahead).then_some(()));
        instance.process().pause();
        until("the group's missing it", || cluster.group(&group).members.is_empty().then_some(()));
        instance.process().resume();
        instance.until_page("losing and regaining all", |page| page.kafka("rebalances_total") >= 3);
        instance.until_holds(2);
        let all = ahead + produce(1 - first);
        until("delivery of the other one", || (delivered.read_on() == all).then_some(()));
        assert_eq!(instance.page().sum(LATE, &[]), 0, "partition {} came too late", 1 - first);
        instance.stop();
    }
}
