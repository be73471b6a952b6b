//! Tests of taking.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};

use super::*;
use crate::{
    codec::kpl,
    event::{Partition, SourceId},
    source::kinesis::{api::Seek, meters::Meters},
    telemetry::metrics::Metrics,
};

fn sequence(number: u64) -> Sequence {
    Sequence::parse(&number.to_string()).unwrap()
}

fn place(number: u64, sub_sequence: u64) -> Place {
    Place { sequence: sequence(number), sub_sequence }
}

fn received(number: u64, bytes: impl Into<Vec<u8>>) -> Received {
    Received { sequence: sequence(number), bytes: bytes.into() }
}

/// An aggregate of records that each have a partition key of their own.
fn aggregate(records: &[(&str, &[u8])]) -> Vec<u8> {
    let mut all = kpl::Aggregator::default();
    for (key, bytes) in records {
        all.push(key, None, bytes);
    }
    all.finish()
}

fn taker(metrics: &Metrics, outside: OutsideHashRange, hash_keys: (u128, u128)) -> Taker {
    let shard = Shard { id: "0".into(), parent: None, adjacent_parent: None, hash_keys, is_closed: false };
    let stream = Stream::new(SourceId(0), Partition::new("p"), Origin::kinesis("s", "0"));
    Taker::new(stream, &"s".into(), &shard, outside, Meters::new(metrics, "flows").shard(&"0".into()))
}

fn whole(metrics: &Metrics) -> Taker {
    taker(metrics, OutsideHashRange::Keep, (0, u128::MAX))
}

fn all(taker: &mut Taker) -> Vec<Taken> {
    std::iter::from_fn(|| taker.next_chunk()).collect()
}

fn texts(chunk: &Chunk) -> Vec<String> {
    let text = |index| String::from_utf8_lossy(chunk.record_span(index).of(&chunk.bytes)).trim().to_owned();
    (0..chunk.records.len()).map(text).collect()
}

#[test]
fn records_are_known_by_sequence_and_sub_sequence_wherever_chunks_are_cut() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(b"packed").unwrap();
    let gzip = gzip.finish().unwrap();
    let metrics = Metrics::default();
    let mut taker = whole(&metrics);
    taker.give(vec![
        received(7, "plain"),
        received(9, aggregate(&[("a", b"one"), ("b", &gzip), ("a", b"two")])),
    ]);
    let taken = all(&mut taker);
    assert_eq!(taken.len(), 1);
    let Taken { chunk, place: at } = &taken[0];
    assert_eq!(texts(chunk), ["plain", "one", "packed", "two"]);
    let aggregate = Origin::kinesis_record("s", "0", 9);
    let names = [0, 1, 2].map(|sub_sequence| (aggregate.clone(), sub_sequence));
    assert_eq!(chunk.names[0], (Origin::kinesis_record("s", "0", 7), 0));
    assert_eq!(chunk.names[1..], names);
    assert_eq!((at, chunk.cursor.as_ref().unwrap().as_str()), (&place(9, 2), "9/2"));
    assert_eq!((chunk.deliver_from, chunk.learn_from, chunk.next), (0, 0, 4));
    assert!(!chunk.single_lines && chunk.rejects.is_empty());
    assert!(metrics.page().contains("floodmark_source_kinesis_aggregates_total{source=\"flows\"} 1"));
}

#[test]
fn a_large_aggregate_is_cut_between_its_records_and_positions_go_on() {
    let line = vec![b'x'; 1000];
    let records: Vec<_> = (0..200).map(|_| ("k", &*line)).collect();
    let mut taker = whole(&Metrics::default());
    taker.give(vec![received(3, aggregate(&records)), received(4, "last")]);
    let taken = all(&mut taker);
    assert!(taken.len() > 3, "{}", taken.len());
    let ordinals: Vec<_> =
        taken.iter().flat_map(|taken| taken.chunk.records.iter().map(|record| record.position)).collect();
    assert_eq!(ordinals, (0..201).collect::<Vec<_>>());
    let first = &taken[0];
    assert_eq!(first.place, place(3, first.chunk.records.len() as u64 - 1));
    assert!(taken.iter().all(|taken| taken.chunk.bytes.len() < CHUNK_BYTES + 1100));
    assert_eq!(taken.last().unwrap().place, place(4, 0));
}

#[test]
fn what_is_delivered_is_only_learned_and_what_is_learned_only_delivered_and_what_is_both_is_left_out() {
    let resume = |delivered, learned| Resume {
        seek: Seek::TrimHorizon,
        delivered: Some(delivered),
        learned: Some(learned),
        is_anew: false,
    };
    let records = || {
        let many = aggregate(&[("a", b"0"), ("a", b"1"), ("a", b"2"), ("a", b"3")]);
        vec![received(5, "early"), received(6, many), received(7, "late")]
    };
    let mut behind = whole(&Metrics::default()).resuming(40, &resume(place(6, 2), place(6, 0)));
    behind.give(records());
    let Taken { chunk, place: at } = behind.next_chunk().unwrap();
    assert_eq!(texts(&chunk), ["1", "2", "3", "late"]);
    assert_eq!((chunk.deliver_from, chunk.learn_from, chunk.next), (42, 40, 44));
    assert_eq!((at, chunk.cursor.unwrap().as_str()), (place(7, 0), "7/0"));

    let mut ahead = whole(&Metrics::default()).resuming(0, &resume(place(5, 0), place(8, 1)));
    ahead.give(records());
    let Taken { chunk, place: at } = ahead.next_chunk().unwrap();
    assert_eq!((chunk.records.len(), chunk.deliver_from, chunk.learn_from), (5, 0, 5));
    assert_eq!(at, place(7, 0));
    assert_eq!(chunk.cursor.unwrap().as_str(), "8/1", "what a snapshot includes never goes back");

    let mut delivered = whole(&Metrics::default()).resuming(0, &resume(place(9, 0), place(4, 0)));
    delivered.give(records());
    let Taken { chunk, place: at } = delivered.next_chunk().unwrap();
    assert_eq!((chunk.deliver_from, chunk.learn_from, chunk.next), (6, 0, 6));
    assert_eq!(at, place(9, 0), "a checkpoint never goes back");
}

#[test]
fn records_outside_the_hash_range_are_counted_and_kept_or_left_out_each_for_itself() {
    let inside = kpl::hash_of(b"in");
    let records: [(&str, &[u8]); 3] = [("in", b"a"), ("out", b"b"), ("in", b"c")];
    for (outside, expected) in
        [(OutsideHashRange::Keep, &["a", "b", "c"][..]), (OutsideHashRange::Drop, &["a", "c"])]
    {
        let metrics = Metrics::default();
        let mut taker = taker(&metrics, outside, (inside, inside));
        taker.give(vec![received(1, aggregate(&records))]);
        let Taken { chunk, place: at } = taker.next_chunk().unwrap();
        assert_eq!(texts(&chunk), expected);
        assert_eq!(
            (chunk.names.last().unwrap().1, at),
            (2, place(1, 2)),
            "numbers are those of the aggregate"
        );
        let counted = "floodmark_source_kinesis_records_outside_hash_range_total{source=\"flows\"} 1";
        assert!(metrics.page().contains(counted), "{}", metrics.page());
    }
}

#[test]
fn where_the_record_of_the_checkpoint_is_gone_that_is_counted_once() {
    let resume = Resume {
        seek: Seek::At(sequence(5)),
        delivered: Some(place(5, 0)),
        learned: Some(place(5, 0)),
        is_anew: false,
    };
    let expired = "floodmark_source_kinesis_starts_expired_total{source=\"flows\"} ";
    for (first, count) in [(5, 0), (8, 1)] {
        let metrics = Metrics::default();
        let mut taker = whole(&metrics).resuming(0, &resume);
        taker.give(vec![received(first, "a"), received(9, "b")]);
        all(&mut taker);
        assert!(metrics.page().contains(&format!("{expired}{count}")), "{}", metrics.page());
    }
}
