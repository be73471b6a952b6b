//! Many records at once: each comes out once, and what is committed is what came out.

use std::collections::BTreeMap;

use super::{
    cluster::{Cluster, unique},
    instance::{Instance, Plan},
    ledger::{Delivered, Ledger},
    writer::{HOSTS, lines},
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
fn half_a_million_records_of_eight_partitions_come_out_once_each_under_their_ids_and_by_their_entities() {
    let name =
        "half_a_million_records_of_eight_partitions_come_out_once_each_under_their_ids_and_by_their_entities";
    let Some(cluster) = Cluster::shared(name) else { return };
    let (topic, out, group) = (unique("volume"), unique("out"), unique("group"));
    cluster.create(&topic, 8, &[]);
    cluster.create(&out, 8, &[]);
    let text = lines(0, 500_000);
    assert_eq!(cluster.produce(&topic, &text.lines().collect::<Vec<_>>(), &[]), 500_000);
    let mut instance = Plan::new(&cluster, &topic, &group).into_topic(&cluster, &out).start();
    let ledger = Ledger::of(&cluster, &topic);
    assert_eq!(ledger.len(), 500_000);
    let page = instance.until_page("delivery of everything", |page| {
        page.source("records_received_total") == 500_000
            && page.source("records_in_flight") == 0
            && page.sink("out", "in_flight") == 0
    });
    page.assert_balanced();
    assert_eq!(page.kafka("records_expired_total"), 0);
    instance.stop();
    assert_committed(&cluster, &group, &topic, &[&instance]);

    let mut delivered = Delivered::by(&[]);
    let mut homes = BTreeMap::new();
    cluster.read(&out, &[], |record| {
        let entity = record.key.as_deref().expect("a key").to_owned();
        let home = *homes.entry(entity.clone()).or_insert(record.partition);
        assert_eq!(home, record.partition, "{entity} is on two partitions");
        let id = delivered.take(&record);
        if let Some(id) = id {
            let place = ledger.get(&id).expect("the id of a line");
            let line = place.offset as u64 * 8 + place.partition as u64;
            let address = format!("\"source\":{{\"ip\":\"10.0.0.{}\",", line % HOSTS + 1);
            assert!(record.value.contains(&address), "{line} is {}", record.value);
        }
    });
    assert_eq!(homes.len() as u64, HOSTS);
    ledger.assert_once(&mut delivered);
}

#[test]
fn a_slow_reader_of_the_output_holds_nothing_up_and_sees_each_document_once() {
    let name = "a_slow_reader_of_the_output_holds_nothing_up_and_sees_each_document_once";
    let Some(cluster) = Cluster::shared(name) else { return };
    let (topic, out, group) = (unique("brisk"), unique("out"), unique("group"));
    cluster.create(&topic, 2, &[]);
    cluster.create(&out, 2, &[]);
    let produce = |first| {
        let text = lines(first, 10_000);
        cluster.produce(&topic, &text.lines().collect::<Vec<_>>(), &[]);
    };
    produce(0);
    let mut instance = Plan::new(&cluster, &topic, &group).into_topic(&cluster, &out).start();
    instance.until_page("the first documents", |page| page.sink("out", "delivered_total") >= 10_000);
    let (slowly, page) = std::thread::scope(|scope| {
        let reading = scope.spawn(|| cluster.consume(&out, &["--slow", "50"]));
        produce(10_000);
        let page = instance.until_page("the rest", |page| page.sink("out", "delivered_total") >= 20_000);
        (reading.join().unwrap(), page)
    });
    page.assert_balanced();
    instance.stop();
    let ledger = Ledger::of(&cluster, &topic);
    let mut seen = Delivered::by(&[]);
    for record in &slowly {
        let id = seen.take(record);
        assert!(id.is_none_or(|id| ledger.get(&id).is_some()), "{}", record.value);
    }
    assert!(seen.len() >= 10_000 && seen.most() == 1, "{} and {}", seen.len(), seen.most());
    let mut delivered = Delivered::by(&[]);
    cluster.read(&out, &[], |record| drop(delivered.take(&record)));
    ledger.assert_once(&mut delivered);
}
