//! A table of leases goes from a Kinesis Client Library that was stopped to floodmark, and back: attribute by attribute.

use std::collections::BTreeSet;

use serde_json::json;

use super::{
    plan::Plan,
    record::{Put, aggregates, line, plain},
    stream::{Place, Stream},
    table::{Lease, Table},
};
use crate::{
    kafka::ledger::Delivered,
    standins::{Service, Standin},
};

/// What the library writes into a lease of one stream.
const KNOWN: [&str; 11] = [
    "leaseKey",
    "leaseOwner",
    "leaseCounter",
    "ownerSwitchesSinceCheckpoint",
    "checkpoint",
    "checkpointSubSequenceNumber",
    "parentShardId",
    "childShardIds",
    "startingHashKey",
    "endingHashKey",
    "checkpointOwner",
];
/// What every lease has, by its type.
const ALWAYS: [(&str, &str); 7] = [
    ("leaseKey", "S"),
    ("leaseCounter", "N"),
    ("ownerSwitchesSinceCheckpoint", "N"),
    ("checkpoint", "S"),
    ("checkpointSubSequenceNumber", "N"),
    ("startingHashKey", "S"),
    ("endingHashKey", "S"),
];

const LOW: u128 = 0;
const HIGH: u128 = u128::MAX;
/// In the lower half of the upper half.
const MIDDLE: u128 = 3 << 126;

/// Puts one record for each line, all at one hash key.
fn put_at(stream: &mut Stream, hash_key: u128, puts: Vec<Put>) -> Vec<Place> {
    let puts: Vec<Put> = puts.into_iter().map(|put| put.at(hash_key)).collect();
    stream.put(&puts)
}

/// Fails unless the lease is one that the library can read, and has nothing of a checkpoint that is under way.
#[track_caller]
fn assert_readable(lease: &Lease) {
    for (name, kind) in ALWAYS {
        assert!(lease.0.get(name).is_some_and(|value| value[kind].is_string()), "{name} of {lease:?}");
    }
    let strange: BTreeSet<&String> = lease
        .0
        .keys()
        .filter(|name| !KNOWN.contains(&name.as_str()) && !name.starts_with("floodmark"))
        .collect();
    assert!(strange.is_empty(), "{strange:?} in {lease:?}");
}

/// A stream whose second shard was split, with a table as the library leaves it in the middle of everything.
struct Scene {
    stream: Stream,
    table: Table,
    plan: Plan,
    /// The last record of each shard, in the order of their ids, and its sub-sequence number.
    last: Vec<(String, u64)>,
}

impl Scene {
    fn new(name: &str) -> Option<Self> {
        let kinesis = Standin::shared(name, Service::Kinesalite)?;
        let dynamodb = Standin::shared(name, Service::Dynamodb)?;
        let mut stream = Stream::create(kinesis.url(), "library", 2);
        let mut first = put_at(&mut stream, LOW, aggregates(0, 3, 5));
        first.extend(put_at(&mut stream, LOW, plain(100, 10)));
        put_at(&mut stream, HIGH, plain(200, 20));
        stream.split(&stream.shards()[1]);
        let third = put_at(&mut stream, MIDDLE - 1, plain(300, 10));
        let fourth = put_at(&mut stream, HIGH, aggregates(400, 4, 3));

        let table = Table::create(dynamodb.url());
        let shards = stream.shards();
        assert_eq!(shards.len(), 4);
        // Eight user records are done, of the second aggregate three.
        table.put(&Lease::of(&shards[0], Some("library-1"), &first[1].sequence, 2));
        let children = json!({ "SS": [shards[2].id, shards[3].id] });
        table.put(&Lease::of(&shards[1], None, "SHARD_END", 0).with("childShardIds", children));
        table.put(&Lease::of(&shards[2], None, &third[3].sequence, 0));
        table.put(&Lease::of(&shards[3], Some("library-2"), "TRIM_HORIZON", 0));
        let done = |place: &Place| {
            place.sequence == first[0].sequence
                || place.sequence == first[1].sequence && place.number <= 2
                || place.shard == shards[1].id
                || third[..4].iter().any(|third| third.sequence == place.sequence)
        };
        stream.ledger.retain(|place| !done(place));
        assert_eq!(stream.ledger.len(), 2 + 5 + 10 + 6 + 12);
        let plan = Plan::new(&stream).leased(&table, "1s");
        let last = vec![
            (first[12].sequence.clone(), 0),
            ("SHARD_END".to_owned(), 0),
            (third[9].sequence.clone(), 0),
            (fourth[3].sequence.clone(), 2),
        ];
        Some(Self { stream, table, plan, last })
    }
}

#[test]
fn a_table_of_the_library_is_taken_over_at_its_checkpoints_and_left_as_the_library_leaves_it() {
    let name = "a_table_of_the_library_is_taken_over_at_its_checkpoints_and_left_as_the_library_leaves_it";
    let Some(scene) = Scene::new(name) else { return };
    let before = scene.table.leases();
    let mut instance = scene.plan.start();
    let mut delivered = Delivered::by(&[&instance]);
    scene.stream.ledger.until_out(&mut delivered, &mut [&mut instance]);
    instance.until_balanced();
    instance.stop();
    scene.stream.ledger.assert_once(&mut delivered);

    let after = scene.table.leases();
    for ((key, was), (checkpoint, sub_sequence)) in before.iter().zip(&scene.last) {
        let Some(now) = after.get(key) else {
            // The library deletes it, too, once its children are read.
            assert!(was.is_ended(), "the lease of {key} is gone");
            continue;
        };
        assert_readable(now);
        assert_eq!(now.text("leaseOwner"), None, "{key} was not given back");
        assert_eq!(now.text("checkpoint").as_ref(), Some(checkpoint), "{key}");
        assert_eq!(now.number("checkpointSubSequenceNumber"), Some(*sub_sequence), "{key}");
        assert_eq!(now.number("ownerSwitchesSinceCheckpoint"), Some(0), "{key}");
        for same in ["startingHashKey", "endingHashKey", "leaseKey"] {
            assert_eq!(now.text(same), was.text(same), "{same} of {key}");
        }
        assert_eq!(now.set("parentShardId"), was.set("parentShardId"), "{key}");
        assert!(now.set("childShardIds").is_superset(&was.set("childShardIds")), "{key}");
        let counted = now.number("leaseCounter").unwrap() > was.number("leaseCounter").unwrap();
        assert!(counted || was.is_ended(), "the counter of {key} stands still");
    }
}

#[test]
fn what_the_library_reads_in_between_is_not_delivered_and_what_follows_is() {
    let name = "what_the_library_reads_in_between_is_not_delivered_and_what_follows_is";
    let Some(mut scene) = Scene::new(name) else { return };
    let mut instance = scene.plan.start();
    let mut delivered = Delivered::by(&[&instance]);
    scene.stream.ledger.until_out(&mut delivered, &mut [&mut instance]);
    instance.stop();

    // The library takes every lease, and reads on in one shard.
    let mut kept = std::mem::take(&mut scene.stream.ledger);
    let read = put_at(&mut scene.stream, LOW, plain(500, 10));
    for lease in scene.table.leases().values().filter(|lease| !lease.is_ended()) {
        assert!(scene.table.take(lease, "library-3"), "{lease:?}");
    }
    let leases = scene.table.leases();
    let lease = &leases[&read[0].shard];
    assert_eq!(lease.number("ownerSwitchesSinceCheckpoint"), Some(1));
    assert!(scene.table.checkpoint(lease, &read[6].sequence, 0));
    put_at(&mut scene.stream, HIGH, plain(600, 10));
    let left: BTreeSet<String> = (507..510).chain(600..610).map(line).collect();
    assert_eq!(left.len(), 13);

    instance.start();
    let passed: Vec<String> = read[..7].iter().map(|place| place.sequence.clone()).collect();
    scene.stream.ledger.retain(|place| !passed.contains(&place.sequence));
    scene.stream.ledger.until_out(&mut delivered, &mut [&mut instance]);
    instance.stop();
    kept.append(std::mem::take(&mut scene.stream.ledger));
    kept.assert_once(&mut delivered);
}

#[test]
fn a_table_that_is_made_here_is_one_that_the_library_makes() {
    let name = "a_table_that_is_made_here_is_one_that_the_library_makes";
    let Some(kinesis) = Standin::shared(name, Service::Kinesalite) else { return };
    let Some(dynamodb) = Standin::shared(name, Service::Dynamodb) else { return };
    let mut stream = Stream::create(kinesis.url(), "made", 2);
    stream.split(&stream.shards()[0]);
    stream.put(&plain(0, 100));
    let table = Table::unmade(dynamodb.url());
    let mut instance = Plan::new(&stream).leased(&table, "1s").start();
    let mut delivered = Delivered::by(&[&instance]);
    stream.ledger.until_out(&mut delivered, &mut [&mut instance]);
    instance.stop();
    let described = table.described();
    assert_eq!(described["KeySchema"], json!([{ "AttributeName": "leaseKey", "KeyType": "HASH" }]));
    assert_eq!(
        described["AttributeDefinitions"],
        json!([{ "AttributeName": "leaseKey", "AttributeType": "S" }])
    );
    let leases = table.leases();
    for shard in stream.shards() {
        let Some(lease) = leases.get(&shard.id) else {
            assert!(shard.is_closed, "{} has no lease", shard.id);
            continue;
        };
        assert_readable(lease);
        assert_eq!(lease.set("parentShardId"), shard.parents.iter().cloned().collect());
        let keys = ["startingHashKey", "endingHashKey"].map(|name| lease.text(name).unwrap());
        assert_eq!(keys, [shard.hash_keys.0.to_string(), shard.hash_keys.1.to_string()]);
        assert_eq!(lease.is_ended(), shard.is_closed);
    }
}
