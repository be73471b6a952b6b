//! Streams that were split and merged, and what is read of them first.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::source::kinesis::{Place, Sequence};

/// A shard by one letter; capital letters are closed.
fn shard(id: &str, parents: &str) -> Shard {
    let mut parents = parents.chars().map(|parent| parent.to_string().into());
    Shard {
        id: id.into(),
        parent: parents.next(),
        adjacent_parent: parents.next(),
        hash_keys: (0, u128::MAX),
        is_closed: id.chars().all(char::is_uppercase),
    }
}

/// A was split into B and c; B and D, which was there before, were merged into e.
fn stream() -> Vec<Shard> {
    vec![shard("A", ""), shard("D", ""), shard("B", "A"), shard("c", "A"), shard("e", "BD")]
}

fn at() -> Checkpoint {
    Checkpoint::At(Place { sequence: Sequence::parse("5").unwrap(), sub_sequence: 0 })
}

fn known<const N: usize>(known: [(&str, Checkpoint); N]) -> HashMap<Arc<str>, Checkpoint> {
    known.into_iter().map(|(id, checkpoint)| (id.into(), checkpoint)).collect()
}

fn missing(
    shards: &[Shard],
    known: &HashMap<Arc<str>, Checkpoint>,
    begin: Begin,
) -> Vec<(String, Checkpoint)> {
    let missing = Lineage::new(shards, known).missing(begin);
    missing.into_iter().map(|(shard, checkpoint)| (shard.id.to_string(), checkpoint)).collect()
}

fn named<const N: usize>(ids: [&str; N], checkpoint: Checkpoint) -> Vec<(String, Checkpoint)> {
    ids.map(|id| (id.to_owned(), checkpoint.clone())).into()
}

#[test]
fn at_the_first_start_the_oldest_shards_are_read_first_although_they_are_closed() {
    let none = known([]);
    let oldest = named(["A", "D"], Checkpoint::TrimHorizon);
    assert_eq!(missing(&stream(), &none, Begin::TrimHorizon), oldest);
    assert_eq!(missing(&stream(), &none, Begin::AtTimestamp), named(["A", "D"], Checkpoint::AtTimestamp));
    assert_eq!(missing(&stream(), &none, Begin::Latest), named(["c", "e"], Checkpoint::Latest));
    // One whose parents the stream has no more is an oldest one.
    assert_eq!(
        missing(&stream()[2..], &none, Begin::TrimHorizon),
        named(["B", "c"], Checkpoint::TrimHorizon)
    );
}

#[test]
fn a_first_start_that_was_broken_off_or_is_another_workers_too_goes_on_as_it_began() {
    let begun = known([("c", Checkpoint::Latest)]);
    assert_eq!(missing(&stream(), &begun, Begin::Latest), named(["e"], Checkpoint::Latest));
    let begun = known([("A", Checkpoint::AtTimestamp)]);
    assert_eq!(missing(&stream(), &begun, Begin::AtTimestamp), named(["D"], Checkpoint::AtTimestamp));
}

#[test]
fn what_came_of_a_shard_that_began_with_the_latest_is_read_from_its_oldest_record() {
    let stream = [shard("A", ""), shard("b", "A")];
    let unread = known([("A", Checkpoint::Latest)]);
    assert_eq!(missing(&stream, &unread, Begin::Latest), [], "not before its parent");
    let lineage = Lineage::new(&stream, &unread).ending("A");
    assert_eq!(lineage.missing(Begin::Latest), [(&stream[1], Checkpoint::TrimHorizon)]);
}

#[test]
fn children_begin_with_their_oldest_record_when_all_their_parents_are_done_and_not_before() {
    let done = || Checkpoint::ShardEnd;
    let reading = known([("A", at()), ("D", at())]);
    assert_eq!(missing(&stream(), &reading, Begin::Latest), []);
    let reading = known([("A", done()), ("D", at())]);
    assert_eq!(missing(&stream(), &reading, Begin::Latest), named(["B", "c"], Checkpoint::TrimHorizon));
    let reading = known([("A", done()), ("D", at()), ("B", done()), ("c", at())]);
    assert_eq!(missing(&stream(), &reading, Begin::Latest), [], "e waits for D");
    let reading = known([("A", done()), ("D", done()), ("B", done()), ("c", at())]);
    assert_eq!(missing(&stream(), &reading, Begin::Latest), named(["e"], Checkpoint::TrimHorizon));
}

#[test]
fn what_came_of_a_shard_that_ended_before_the_time_that_is_looked_for_begins_at_that_time_too() {
    let stream = [shard("A", ""), shard("b", "A")];
    let unread = known([("A", Checkpoint::AtTimestamp)]);
    let lineage = Lineage::new(&stream, &unread).ending("A");
    assert_eq!(lineage.missing(Begin::AtTimestamp), [(&stream[1], Checkpoint::AtTimestamp)]);
    let read = known([("A", at())]);
    let lineage = Lineage::new(&stream, &read).ending("A");
    assert_eq!(lineage.missing(Begin::AtTimestamp), [(&stream[1], Checkpoint::TrimHorizon)]);
}

#[test]
fn a_shard_whose_lease_was_deleted_after_it_was_done_is_not_read_again() {
    let later = known([("c", at()), ("e", at())]);
    for begin in [Begin::TrimHorizon, Begin::Latest, Begin::AtTimestamp] {
        assert_eq!(missing(&stream(), &later, begin), []);
    }
}

#[test]
fn a_shard_of_which_nothing_is_known_is_read_whole_once_something_was_read() {
    let mut stream = stream();
    stream.push(shard("n", "x"));
    let reading = known([("c", at()), ("e", at())]);
    assert_eq!(missing(&stream, &reading, Begin::Latest), named(["n"], Checkpoint::TrimHorizon));
}

#[test]
fn what_came_of_a_shard_that_the_stream_has_lost_is_read_whole() {
    let stream = [shard("b", "A"), shard("c", "A")];
    let unfinished = known([("A", at())]);
    assert_eq!(missing(&stream, &unfinished, Begin::Latest), named(["b", "c"], Checkpoint::TrimHorizon));
}

#[test]
fn a_lease_that_was_made_early_waits_until_its_parents_are_done() {
    let stream = stream();
    let early =
        known([("A", at()), ("D", Checkpoint::ShardEnd), ("B", at()), ("e", Checkpoint::TrimHorizon)]);
    let lineage = Lineage::new(&stream, &early);
    let readable = |id| lineage.may_be_read(id);
    assert_eq!(["A", "D", "B", "e", "unlisted"].map(readable), [true, true, false, false, false]);
    let later = known([("B", Checkpoint::ShardEnd), ("e", Checkpoint::TrimHorizon)]);
    assert!(Lineage::new(&stream, &later).may_be_read("e"), "a parent without a lease is not waited for");
}

#[test]
fn a_done_lease_is_settled_when_everything_that_came_of_it_is_being_read() {
    let stream = stream();
    let done = || Checkpoint::ShardEnd;
    let settled = |known: HashMap<Arc<str>, Checkpoint>| -> Vec<String> {
        let mut settled: Vec<String> =
            Lineage::new(&stream, &known).settled().iter().map(ToString::to_string).collect();
        settled.sort();
        settled
    };
    assert_eq!(settled(known([("A", done()), ("B", at())])), [""; 0], "c has not begun");
    assert_eq!(settled(known([("A", done()), ("B", at()), ("c", Checkpoint::TrimHorizon)])), [""; 0]);
    assert_eq!(settled(known([("A", done()), ("B", at()), ("c", at())])), ["A"]);
    assert_eq!(settled(known([("A", done()), ("c", at()), ("e", at())])), ["A"], "B was done and deleted");
    assert_eq!(settled(known([("c", done())])), [""; 0], "nothing came of it yet");
    assert_eq!(settled(known([("B", done()), ("D", done()), ("e", at())])), ["B", "D"]);
}

#[test]
fn leases_of_shards_that_are_gone_are_known_unless_the_stream_has_none_of_them() {
    let stream = stream();
    let some = known([("c", at()), ("x", at())]);
    assert_eq!(Lineage::new(&stream, &some).vanished(), ["x"]);
    let others = known([("x", at()), ("y", at())]);
    assert_eq!(Lineage::new(&stream, &others).vanished(), [""; 0]);
}
