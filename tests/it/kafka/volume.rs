//! Many records at once: each comes out once, and what is committed is what came out.

use super::{
    cluster::{Cluster, unique},
    instance::{Instance, Plan},
    ledger::{Delivered, Ledger},
    writer::lines,
};
use floodmark::{score, state::Store};

/// The stamp of the commits that `instance` makes, as its state has it.
pub fn stamp(instance: &Instance) -> String {
    let store = Store::open_read_only(&instance.folder.path("state"), score::GEOMETRY).unwrap();
    format!("floodmark/1 {} {}", store.header().id, store.header().epoch)
}

/// Fails unless `group` has committed the whole of `topic`, each partition with the stamp of one of `instances`, which
/// have ended.
#[track_caller]
pub fn assert_committed(cluster: &Cluster, group: &str, topic: &str, instances: &[&Instance]) {
    let stamps: Vec<String> = instances.iter().map(|instance| stamp(instance)).collect();
    let committed = cluster.offsets(group);
    let committed: Vec<_> = committed.iter().filter(|committed| committed.topic == topic).collect();
    let ends: Vec<_> = cluster.count(topic).iter().map(|extent| (extent.partition, extent.end)).collect();
    let told: Vec<_> = committed.iter().map(|committed| (committed.partition, committed.offset)).collect();
    assert_eq!(told, ends, "not all is committed");
    for committed in committed {
        assert!(stamps.contains(&committed.metadata), "{:?} is none of {stamps:?}", committed.metadata);
    }
}

#[test]
fn half_a_million_records_of_eight_partitions_come_out_once_each_under_their_ids() {
    let name = "half_a_million_records_of_eight_partitions_come_out_once_each_under_their_ids";
    let Some(cluster) = Cluster::shared(name) else { return };
    let (topic, group) = (unique("volume"), unique("group"));
    cluster.create(&topic, 8, &[]);
    let text = lines(0, 500_000);
    let text: Vec<&str> = text.lines().collect();
    assert_eq!(cluster.produce(&topic, &text, &[]), 500_000);
    let mut instance = Plan::new(&cluster, &topic, &group).start();
    let ledger = Ledger::of(&cluster, &topic);
    assert_eq!(ledger.len(), 500_000);
    let mut delivered = Delivered::by(&[&instance]);
    ledger.until_out(&mut delivered, &mut [&mut instance]);
    let page = instance.page();
    page.assert_balanced();
    assert_eq!(page.source("records_received_total"), 500_000);
    assert_eq!(page.kafka("records_expired_total"), 0);
    instance.stop();
    ledger.assert_once(&mut delivered);
    assert_committed(&cluster, &group, &topic, &[&instance]);
}
