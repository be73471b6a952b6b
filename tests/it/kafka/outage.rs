//! A broker that is away for a while: the process waits, says so, and goes on where it was.

use super::{
    cluster::Cluster,
    instance::Plan,
    ledger::{Delivered, Ledger},
    volume::assert_committed,
    writer::{Writer, lines},
};
use crate::process::Folder;

const RECORDS: u64 = 60_000;

/// Lets `disturb` end the broker in the middle of many records, and come back once the process has noticed; and then once
/// more when there is no record left that could tell that it is back.
fn a_broker_goes(name: &str, disturb: fn(&Cluster)) {
    let folder = Folder::new();
    let Some(cluster) = Cluster::own(name, &folder) else { return };
    let text = lines(0, RECORDS);
    cluster.create("broken", 4, &[]);
    assert_eq!(cluster.produce("broken", &text.lines().collect::<Vec<_>>(), &[]), RECORDS);
    let plan = Plan::new(&cluster, "broken", "group").option("reconnect.backoff.max.ms", "500");
    let ledger = Ledger::of(&cluster, "broken");
    let mut instance = plan.start();
    let mut delivered = Delivered::by(&[&instance]);
    instance.until("some deliveries", || (delivered.read_on() > 0).then_some(()));
    disturb(&cluster);
    let told = instance.until_ready(false);
    assert!(told.contains("source flows: ") && told.contains("`brokers`"), "{told}");
    cluster.start();
    ledger.until_out(&mut delivered, &mut [&mut instance]);
    instance.until_ready(true);

    cluster.stop();
    instance.until_ready(false);
    cluster.start();
    instance.until_ready(true);
    let mut writer = Writer::new(&cluster, "broken", &[]);
    writer.grow(240);
    writer.finish();
    let ledger = Ledger::of(&cluster, "broken");
    ledger.until_out(&mut delivered, &mut [&mut instance]);
    instance.until_balanced();
    instance.stop();
    ledger.assert_once(&mut delivered);
    assert_committed(&cluster, "group", "broken", &[&instance]);
}

#[test]
fn a_broker_that_is_stopped_for_ten_seconds_costs_no_record_and_brings_none_twice() {
    let name = "a_broker_that_is_stopped_for_ten_seconds_costs_no_record_and_brings_none_twice";
    a_broker_goes(name, |cluster| {
        cluster.stop();
        std::thread::sleep(std::time::Duration::from_secs(10));
    });
}

#[test]
fn a_broker_that_is_killed_costs_no_record_and_brings_none_twice() {
    a_broker_goes("a_broker_that_is_killed_costs_no_record_and_brings_none_twice", Cluster::kill);
}
