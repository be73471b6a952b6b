//! What the Kinesis Producer Library writes comes out as what its producers gave it.

use base64::{Engine, engine::general_purpose::STANDARD};
use floodmark::codec::kpl::Aggregator;
use serde_json::Value;

use super::{
    fake::Fake,
    plan::Plan,
    record::{Line, Put, aggregates, envelope, line, plain},
    stream::Stream,
};
use crate::{
    kafka::ledger::Delivered,
    process::text_at,
    skipped::fixtures,
    standins::{Service, Standin},
};

#[test]
fn every_user_record_of_aggregates_comes_out_once_between_plain_records_and_after_a_split() {
    let name = "every_user_record_of_aggregates_comes_out_once_between_plain_records_and_after_a_split";
    let Some(kinesis) = Standin::shared(name, Service::Kinesalite) else { return };
    let mut stream = Stream::create(kinesis.url(), "aggregated", 2);
    let mut instance = Plan::new(&stream).start();
    stream.put(&aggregates(0, 40, 250));
    stream.put(&plain(10_000, 500));
    stream.split(&stream.open()[1]);
    stream.put(&aggregates(20_000, 500, 20));
    let mut delivered = Delivered::by(&[&instance]);
    stream.ledger.until_out(&mut delivered, &mut [&mut instance]);
    instance.until_balanced();
    instance.stop();
    stream.ledger.assert_once(&mut delivered);
}

#[test]
fn envelopes_of_cloudwatch_inside_aggregates_and_beside_them_come_out_under_the_ids_of_their_log_events() {
    let fake = Fake::new();
    let mut stream = Stream::create(&fake.url(), "envelopes", 2);
    let mut puts = Vec::new();
    for number in 0..20 {
        let mut aggregator = Aggregator::default();
        let key = format!("e{number}");
        let mut lines = Vec::new();
        for part in 0..3 {
            let (bytes, events) = envelope(number * 1_000 + part * 100, 50);
            aggregator.push(&key, None, &bytes);
            lines.extend(events);
        }
        let bytes = aggregator.finish();
        puts.push(Put { partition_key: key.clone(), hash_key: None, bytes, lines });
        let (bytes, lines) = envelope(number * 1_000 + 500, 50);
        puts.push(Put { partition_key: key, hash_key: None, bytes, lines });
    }
    stream.put(&puts);
    let mut instance = Plan::new(&stream).start();
    let mut delivered = Delivered::by(&[&instance]);
    assert_eq!(stream.ledger.len(), 4_000);
    stream.ledger.until_out(&mut delivered, &mut [&mut instance]);
    instance.until_balanced();
    instance.stop();
    stream.ledger.assert_once(&mut delivered);
}

/// An aggregate of four lines from `first` on, of which the second and the last are of the upper half of the hash keys.
fn across(first: u64) -> Put {
    let mut aggregator = Aggregator::default();
    let lines: Vec<Line> = (0..4)
        .map(|number| {
            let hash_key = if number % 2 == 1 { u128::MAX - 7 } else { 7 };
            let line = line(first + number);
            aggregator.push("across", Some(&hash_key.to_string()), line.as_bytes());
            Line::Own(number, 0, line)
        })
        .collect();
    Put { partition_key: "across".to_owned(), hash_key: Some(0), bytes: aggregator.finish(), lines }
}

#[test]
fn user_records_outside_their_shards_hash_keys_are_kept_and_counted_with_their_neighbours() {
    let fake = Fake::new();
    let mut stream = Stream::create(&fake.url(), "kept", 2);
    stream.put(&(0..50).map(|number| across(number * 4)).collect::<Vec<_>>());
    let mut instance = Plan::new(&stream).start();
    let mut delivered = Delivered::by(&[&instance]);
    stream.ledger.until_out(&mut delivered, &mut [&mut instance]);
    instance.until_balanced();
    assert_eq!(instance.page().kinesis("records_outside_hash_range_total"), 100);
    instance.stop();
    stream.ledger.assert_once(&mut delivered);
}

#[test]
fn user_records_outside_their_shards_hash_keys_are_dropped_and_counted_where_the_config_says_so() {
    let fake = Fake::new();
    let mut stream = Stream::create(&fake.url(), "dropped", 2);
    stream.put(&(0..50).map(|number| across(number * 4)).collect::<Vec<_>>());
    stream.put(&[Put::plain("last", &line(1_000)).at(0)]);
    stream.ledger.retain(|place| place.number % 2 == 0);
    let mut instance = Plan::new(&stream).key("outside_hash_range", "drop").start();
    let mut delivered = Delivered::by(&[&instance]);
    stream.ledger.until_out(&mut delivered, &mut [&mut instance]);
    instance.until_balanced();
    assert_eq!(instance.page().kinesis("records_outside_hash_range_total"), 100);
    instance.stop();
    stream.ledger.assert_once(&mut delivered);
}

/// The user records that a published vector holds; the whole record where it is no aggregate.
fn expected(vector: &Value, record: &[u8]) -> Vec<Vec<u8>> {
    let parts = vector["expect"].as_array().or_else(|| vector["user_records"].as_array());
    let decode = |value: &Value| match value["data_b64"].as_str() {
        Some(text) => STANDARD.decode(text).unwrap(),
        None => text_at(value, "data").into_bytes(),
    };
    parts.map_or_else(|| vec![record.to_vec()], |parts| parts.iter().map(decode).collect())
}

#[test]
fn published_aggregates_come_out_as_the_user_records_that_their_makers_say_they_hold() {
    let name = "published_aggregates_come_out_as_the_user_records_that_their_makers_say_they_hold";
    let Some(folder) = fixtures(name) else { return };
    let fake = Fake::new();
    let mut stream = Stream::create(&fake.url(), "vectors", 1);
    let (mut good, mut bad) = (0, Vec::new());
    for file in ["kpl_vectors.json", "awslabs_static_vectors.json"] {
        let text = std::fs::read_to_string(folder.join("kpl").join(file)).unwrap();
        let vectors: Value = serde_json::from_str(&text).unwrap();
        for (number, vector) in vectors.as_object().unwrap().values().enumerate() {
            let record = STANDARD.decode(text_at(vector, "record_b64")).unwrap();
            stream.put(&[Put::bad("vector", &record)]);
            for wanted in expected(vector, &record) {
                let flow = wanted.starts_with(b"2 123456789010 eni-");
                good += usize::from(flow);
                bad.extend((!flow && !wanted.is_empty()).then_some((number, wanted)));
            }
        }
    }
    assert!(good > 500 && bad.len() > 12, "{good} and {}", bad.len());
    let mut instance = Plan::new(&stream).start();
    let mut delivered = Delivered::by(&[&instance]);
    instance.until("all lines", || (delivered.read_on() >= good).then_some(()));
    let page = instance.until_page("the rest", |page| {
        page.source("entries_found_total") > good as i64 && page.source("records_in_flight") == 0
    });
    page.assert_balanced();
    instance.stop();
    assert_eq!((delivered.len(), delivered.most()), (good, 1));
    let kept: Vec<Vec<u8>> = instance
        .folder
        .documents("quarantine.ndjson")
        .iter()
        .map(|line| STANDARD.decode(text_at(line, "bytes")).unwrap())
        .collect();
    for (number, wanted) in bad {
        // One that is not text at all may be quarantined whole or by its lines.
        let found = kept.iter().any(|kept| *kept == wanted || memchr::memmem::find(&wanted, kept).is_some());
        assert!(found, "{} of vector {number} are nowhere", wanted.len());
    }
}
