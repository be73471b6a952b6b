//! A table exactly as an application on the Kinesis Client Library 2 leaves it, and as floodmark leaves it to one, compared
//! attribute by attribute.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use floodmark::{
    source::kinesis::{Begin, Checkpoint, Leases, Ledger},
    telemetry::metrics::Metrics,
};

use super::{
    LATER, SEQUENCE, Stream, all_granted, at, config, open, open_with, stamp,
    table::{self, number, text, texts},
    with_table,
};

/// The rows of a shard that was split and finished, of one of its halves that was being read when the application stopped
/// between the two phases of a checkpoint, of the other half, which nobody has held, and of a worker of KCL 3.
fn left_by_kcl() -> [BTreeMap<&'static str, AttributeValue>; 4] {
    let finished = BTreeMap::from([
        ("leaseKey", text("shardId-000000000000")),
        ("leaseOwner", text("ip-10-0-0-1:9f2c")),
        ("leaseCounter", number("77")),
        ("ownerSwitchesSinceCheckpoint", number("0")),
        ("checkpoint", text("SHARD_END")),
        ("checkpointSubSequenceNumber", number("0")),
        ("startingHashKey", text("0")),
        ("endingHashKey", text("340282366920938463463374607431768211455")),
        ("childShardIds", texts(&["shardId-000000000001", "shardId-000000000002"])),
    ]);
    let begun = BTreeMap::from([
        ("leaseKey", text("shardId-000000000001")),
        ("leaseOwner", text("ip-10-0-0-1:9f2c")),
        ("leaseCounter", number("1234")),
        ("ownerSwitchesSinceCheckpoint", number("2")),
        ("checkpoint", text(SEQUENCE)),
        ("checkpointSubSequenceNumber", number("7")),
        ("pendingCheckpoint", text(LATER)),
        ("pendingCheckpointSubSequenceNumber", number("0")),
        ("parentShardId", texts(&["shardId-000000000000"])),
        ("startingHashKey", text("0")),
        ("endingHashKey", text("170141183460469231731687303715884105727")),
        ("throughputKBps", number("12.5")),
        ("ofALaterRelease", text("kept")),
    ]);
    let unread = BTreeMap::from([
        ("leaseKey", text("shardId-000000000002")),
        ("leaseCounter", number("0")),
        ("ownerSwitchesSinceCheckpoint", number("0")),
        ("checkpoint", text("TRIM_HORIZON")),
        ("checkpointSubSequenceNumber", number("0")),
        ("parentShardId", texts(&["shardId-000000000000"])),
        ("startingHashKey", text("170141183460469231731687303715884105728")),
        ("endingHashKey", text("340282366920938463463374607431768211455")),
    ]);
    let of_the_fleet =
        BTreeMap::from([("leaseKey", text("worker-1")), ("entityType", text("WORKER_METRIC_STATS"))]);
    [finished, begun, unread, of_the_fleet]
}

#[test]
fn a_stopped_kcl_2_application_is_taken_over_at_its_checkpoints_and_can_go_on_where_floodmark_ended() {
    let name = "a_stopped_kcl_2_application_is_taken_over_at_its_checkpoints";
    with_table(name, async |table| {
        let stream = Stream::default();
        stream.add("shardId-000000000000", &[]);
        stream.add("shardId-000000000001", &["shardId-000000000000"]);
        stream.add("shardId-000000000002", &["shardId-000000000000"]);
        table.make("leaseKey").await;
        let [finished, mut begun, mut unread, of_the_fleet] = left_by_kcl();
        for row in [&finished, &begun, &unread, &of_the_fleet] {
            table.put(row).await;
        }

        let short = config(&table.address, &table.name, "5s");
        Leases::look(&short, &table::aws()).await.unwrap();
        let leases = open_with(&short, &stream, Begin::Latest, &Metrics::default());
        let grants = all_granted(&leases, 2).await;
        let [one, two] = ["shardId-000000000001", "shardId-000000000002"].map(|id| &grants[id]);
        assert_eq!((&one.checkpoint, &one.stamp), (&at(SEQUENCE, 7), &None), "a KCL has no state of ours");
        assert_eq!((&two.checkpoint, &two.stamp), (&Checkpoint::TrimHorizon, &None));
        leases.checkpoint(one.number, at(LATER, 4)).await.unwrap();
        leases.release(one.number).await;
        leases.release(two.number).await;
        drop(leases);

        let mut left = table.rows().await;
        let mut counter = |shard: &str, least: u64| {
            let counter = left.get_mut(shard).unwrap().remove("leaseCounter").unwrap();
            let counter: u64 = counter.as_n().unwrap().parse().unwrap();
            assert!(counter >= least, "{shard}: {counter}");
        };
        // Taken, written, given back.
        counter("shardId-000000000001", 1237);
        counter("shardId-000000000002", 2);
        for (name, value) in [
            ("checkpoint", text(LATER)),
            ("checkpointSubSequenceNumber", number("4")),
            ("ownerSwitchesSinceCheckpoint", number("0")),
            ("floodmark", text(&format!("floodmark/1 0123456789abcdef 3 {LATER} 4"))),
        ] {
            begun.insert(name, value);
        }
        for gone in ["leaseOwner", "leaseCounter", "pendingCheckpoint", "pendingCheckpointSubSequenceNumber"]
        {
            begun.remove(gone);
        }
        unread.remove("leaseCounter");
        let expected = [finished, begun, unread, of_the_fleet].map(|row| table::owned(&row));
        let expected: BTreeMap<String, table::Row> =
            expected.into_iter().map(|row| (row["leaseKey"].as_s().unwrap().clone(), row)).collect();
        assert_eq!(left, expected);

        // A floodmark of the same state finds its stamp; after a KCL went on, it does not hold any more.
        let leases = open(&table.address, &table.name, &stream, Begin::Latest, &Metrics::default());
        let one = all_granted(&leases, 2).await.remove("shardId-000000000001").unwrap();
        assert_eq!((one.checkpoint, one.stamp), (at(LATER, 4), Some(stamp())));
    });
}
