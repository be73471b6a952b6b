//! Several instances in one group: what one leaves or loses, another delivers.

use super::{
    cluster::{Cluster, unique},
    instance::{Instance, Plan, Protocol},
    ledger::{Delivered, Ledger},
    volume::assert_committed,
    writer::Writer,
};
use crate::process::until;

/// Lines that are written each time a test looks whether something has happened.
const STEP: u64 = 24;

/// Waits until `fits` while the topic grows and the instances run.
#[track_caller]
fn grow_until(
    what: &str,
    writer: &mut Writer,
    instances: &mut [Instance],
    mut fits: impl FnMut(&mut [Instance]) -> bool,
) {
    until(what, || {
        writer.grow(STEP);
        for instance in instances.iter_mut() {
            assert!(instance.is_running(), "ended before {what}: {}", instance.process().told());
        }
        fits(instances).then_some(())
    });
}

/// Whether the instances hold as many partitions as `wanted` says, in any order.
fn hold(instances: &mut [Instance], wanted: &[i64]) -> bool {
    let mut held: Vec<i64> =
        instances.iter_mut().map(|instance| instance.page().kafka("partitions")).collect();
    held.sort_unstable();
    held == wanted
}

fn one_of_two_is_killed(name: &str, protocol: Protocol) {
    let Some(cluster) = Cluster::shared(name) else { return };
    let (topic, group) = (unique("killed"), unique("group"));
    cluster.create(&topic, 4, &[]);
    let plan = Plan::new(&cluster, &topic, &group).soon_missed(&cluster, &group, protocol);
    let mut instances = [plan.start(), plan.start()];
    let mut writer = Writer::new(&cluster, &topic, &[]);
    let mut outputs = instances.each_ref().map(|instance| Delivered::by(&[instance]));
    grow_until("two partitions each", &mut writer, &mut instances, |all| hold(all, &[2, 2]));
    grow_until("delivery by both", &mut writer, &mut instances, |_| {
        outputs.iter_mut().all(|output| output.read_on() > 100)
    });
    let mut delivered = Delivered::by(&instances.each_ref());
    let [mut killed, survivor] = instances;
    killed.kill();
    let mut left = [survivor];
    grow_until("four partitions", &mut writer, &mut left, |all| hold(all, &[4]));
    writer.grow(STEP);
    writer.finish();
    let ledger = Ledger::of(&cluster, &topic);
    let [mut survivor] = left;
    ledger.until_out(&mut delivered, &mut [&mut survivor]);
    survivor.until_balanced();
    survivor.stop();
    ledger.assert_at_least_once(&mut delivered);
}

#[test]
fn the_survivor_of_two_takes_all_partitions_and_no_record_is_missing() {
    one_of_two_is_killed(
        "the_survivor_of_two_takes_all_partitions_and_no_record_is_missing",
        Protocol::Classic,
    );
}

#[test]
fn the_survivor_of_two_takes_all_partitions_and_no_record_is_missing_where_the_broker_assigns() {
    let name = "the_survivor_of_two_takes_all_partitions_and_no_record_is_missing_where_the_broker_assigns";
    one_of_two_is_killed(name, Protocol::Consumer);
}

fn three_are_restarted_in_turn(name: &str, protocol: Protocol) {
    let Some(cluster) = Cluster::shared(name) else { return };
    let (topic, group) = (unique("rolling"), unique("group"));
    cluster.create(&topic, 6, &[]);
    let plan = Plan::new(&cluster, &topic, &group).soon_missed(&cluster, &group, protocol);
    let mut instances = [plan.start(), plan.start(), plan.start()];
    let mut delivered = Delivered::by(&instances.each_ref());
    let mut writer = Writer::new(&cluster, &topic, &[]);
    grow_until("two partitions each", &mut writer, &mut instances, |all| hold(all, &[2, 2, 2]));
    for turn in 0..instances.len() {
        instances[turn].until_balanced();
        instances[turn].stop();
        instances[turn].start();
        grow_until("two partitions each again", &mut writer, &mut instances, |all| hold(all, &[2, 2, 2]));
    }
    writer.finish();
    let ledger = Ledger::of(&cluster, &topic);
    let [one, two, three] = &mut instances;
    ledger.until_out(&mut delivered, &mut [one, two, three]);
    for instance in &mut instances {
        instance.until_balanced();
        instance.stop();
    }
    ledger.assert_once(&mut delivered);
    assert_committed(&cluster, &group, &topic, &instances.each_ref());
}

#[test]
fn a_rolling_restart_of_three_delivers_every_record_once_and_commits_it_with_the_stamp_of_a_state() {
    let name =
        "a_rolling_restart_of_three_delivers_every_record_once_and_commits_it_with_the_stamp_of_a_state";
    three_are_restarted_in_turn(name, Protocol::Classic);
}

#[test]
fn a_rolling_restart_of_three_delivers_every_record_once_where_the_broker_assigns() {
    let name = "a_rolling_restart_of_three_delivers_every_record_once_where_the_broker_assigns";
    three_are_restarted_in_turn(name, Protocol::Consumer);
}
