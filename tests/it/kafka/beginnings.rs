//! Where reading begins: `start` where nothing is committed, and what is committed wherever it is, whoever did it.

use floodmark::{event::Origin, score, state::Store};

use super::{
    cluster::{Cluster, unique},
    instance::Plan,
    ledger::{Delivered, Ledger},
    writer::lines,
};

/// The lines `first` and following, for [`Cluster::produce`].
fn some(first: u64) -> Vec<String> {
    lines(first, 240).lines().map(str::to_owned).collect()
}

#[test]
fn start_decides_where_nothing_is_committed_and_only_there() {
    let Some(cluster) = Cluster::shared("start_decides_where_nothing_is_committed_and_only_there") else {
        return;
    };
    let topic = unique("start");
    cluster.create(&topic, 2, &[]);
    cluster.produce(&topic, &some(0), &[]);
    for (start, first) in [("earliest", 0), ("latest", 120)] {
        let group = unique("group");
        let before = cluster.count(&topic)[0].end;
        let mut instance = Plan::new(&cluster, &topic, &group).key("start", start).start();
        instance.until_holds(2);
        let first = if first == 0 { 0 } else { before };
        cluster.produce(&topic, &some(240), &[]);
        let mut ledger = Ledger::of(&cluster, &topic);
        ledger.retain(|place| place.offset >= first);
        let mut delivered = Delivered::by(&[&instance]);
        ledger.until_out(&mut delivered, &mut [&mut instance]);
        instance.stop();
        // What comes while nobody reads is read, whatever `start` says and whatever became of the state.
        cluster.produce(&topic, &some(480), &[]);
        std::fs::remove_dir_all(instance.folder.path("state")).unwrap();
        instance.start();
        let mut ledger = Ledger::of(&cluster, &topic);
        ledger.retain(|place| place.offset >= first);
        ledger.until_out(&mut delivered, &mut [&mut instance]);
        instance.stop();
        ledger.assert_once(&mut delivered);
    }
}

#[test]
fn somebody_elses_commit_is_honoured_and_what_the_state_knew_of_that_partition_is_forgotten() {
    let name = "somebody_elses_commit_is_honoured_and_what_the_state_knew_of_that_partition_is_forgotten";
    let Some(cluster) = Cluster::shared(name) else { return };
    let (topic, group) = (unique("foreign"), unique("group"));
    cluster.create(&topic, 2, &[]);
    cluster.produce(&topic, &some(0), &[]);
    let mut instance = Plan::new(&cluster, &topic, &group).start();
    let mut delivered = Delivered::by(&[&instance]);
    Ledger::of(&cluster, &topic).until_out(&mut delivered, &mut [&mut instance]);
    instance.stop();

    // One partition is set back, the other forth; hosts that were never seen come in both.
    let new: Vec<String> = some(240)
        .iter()
        .map(|line| line.replace(" eni-", " eni-1").replace(" 10.0.0.", " 10.0.1."))
        .collect();
    cluster.produce(&topic, &new, &[]);
    cluster.seed_offset(&group, &topic, 0, 100, "somebody");
    cluster.seed_offset(&group, &topic, 1, 130, "somebody");
    let mut again = Ledger::of(&cluster, &topic);
    again.retain(|place| place.offset >= if place.partition == 0 { 100 } else { 130 });
    std::fs::remove_file(instance.folder.path("out.ndjson")).unwrap();
    instance.start();
    let mut delivered = Delivered::by(&[&instance]);
    again.until_out(&mut delivered, &mut [&mut instance]);
    let page = instance.page();
    assert_eq!(page.source("records_received_total"), 140 + 110);
    assert_eq!(page.sum("floodmark_score_entities_moved_total", &[]), 230, "entities without their past");
    instance.stop();
    again.assert_once(&mut delivered);
    let store = Store::open_read_only(&instance.folder.path("state"), score::GEOMETRY).unwrap();
    for partition in 0..2 {
        assert_eq!(store.scored(&Origin::kafka(&topic, partition)).unwrap(), Some(240));
    }
}

#[test]
fn what_retention_deleted_before_it_was_read_is_counted_and_the_rest_read() {
    let name = "what_retention_deleted_before_it_was_read_is_counted_and_the_rest_read";
    let Some(cluster) = Cluster::shared(name) else { return };
    let (topic, group) = (unique("expired"), unique("group"));
    cluster.create(&topic, 2, &[]);
    cluster.produce(&topic, &some(0), &[]);
    let mut instance = Plan::new(&cluster, &topic, &group).key("start", "latest").start();
    instance.until_holds(2);
    instance.stop();
    // Committed are 120 of each; of the first partition 50 of those that come now are gone before they are read.
    cluster.produce(&topic, &some(240), &[]);
    cluster.trim(&topic, 0, 170);
    cluster.trim(&topic, 1, 60);
    let mut ledger = Ledger::of(&cluster, &topic);
    ledger.retain(|place| place.offset >= 120);
    assert_eq!(ledger.len(), 70 + 120);
    instance.start();
    let mut delivered = Delivered::by(&[&instance]);
    ledger.until_out(&mut delivered, &mut [&mut instance]);
    assert_eq!(instance.page().kafka("records_expired_total"), 50);
    instance.stop().assert_told("50");
    ledger.assert_once(&mut delivered);
}

#[test]
fn what_retention_deletes_while_it_stands_still_is_counted_and_the_rest_read() {
    let name = "what_retention_deletes_while_it_stands_still_is_counted_and_the_rest_read";
    let Some(cluster) = Cluster::shared(name) else { return };
    let (topic, group) = (unique("expiring"), unique("group"));
    cluster.create(&topic, 2, &[]);
    cluster.produce(&topic, &some(0), &[]);
    let mut instance = Plan::new(&cluster, &topic, &group).start();
    let mut delivered = Delivered::by(&[&instance]);
    let mut whole = Ledger::of(&cluster, &topic);
    whole.until_out(&mut delivered, &mut [&mut instance]);
    instance.process().pause();
    cluster.produce(&topic, &some(240), &[]);
    let records = cluster.consume(&topic, &[]);
    cluster.trim(&topic, 0, 190);
    instance.process().resume();
    whole = Ledger::default();
    whole.add(&topic, &records);
    whole.retain(|place| place.partition == 1 || place.offset < 120 || place.offset >= 190);
    whole.until_out(&mut delivered, &mut [&mut instance]);
    // Records that had been fetched before they were deleted may have come all the same, but none uncounted.
    let page = instance.page();
    instance.stop();
    let came = delivered.read_on();
    assert_eq!(came as i64 + page.kafka("records_expired_total"), 480);
}
