//! The tests of the Kinesis source against stand-ins that `tests/run` starts, and against a fake of our own for what those
//! cannot do. What goes in is put by a client of the tests' own.

mod aggregates;
mod api;
mod bad;
#[cfg(feature = "crash-points")]
mod crashes;
mod fake;
mod fanned;
mod faults;
mod identity;
mod lineage;
mod plan;
mod record;
mod stream;
mod table;
mod takeover;
mod volume;
mod watermark;
mod workers;

use base64::{Engine, engine::general_purpose::STANDARD};
use fake::Fake;
use record::{Put, plain};
use serde_json::json;
use stream::{Place, Stream};

use crate::{
    process::until,
    standins::{Service, Standin},
};

/// Everything that a shard holds: sequence numbers and bytes.
fn read(stream: &Stream, shard: &str) -> Vec<(String, Vec<u8>)> {
    let begin = json!({ "StreamName": stream.name, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON" });
    let mut next = stream.api.must("GetShardIterator", &begin)["ShardIterator"].clone();
    let mut records = Vec::new();
    until("the end of a shard", || {
        let page = stream.api.must("GetRecords", &json!({ "ShardIterator": next }));
        let found = page["Records"].as_array().unwrap();
        let open = page["NextShardIterator"].is_string();
        next = page["NextShardIterator"].clone();
        for record in found {
            let bytes = STANDARD.decode(record["Data"].as_str().unwrap()).unwrap();
            records.push((record["SequenceNumber"].as_str().unwrap().to_owned(), bytes));
        }
        (!open || found.is_empty()).then_some(())
    });
    records
}

/// Fails unless what the client puts is what it reads again, through a split and a merge.
fn converse(url: &str) {
    let mut stream = Stream::create(url, "converse", 2);
    let mut puts = plain(0, 40);
    let mut places = stream.put(&puts);
    stream.split(&stream.open()[0]);
    let open = stream.open();
    assert_eq!(open.len(), 3);
    stream.merge(&open[1], &open[2]);
    puts.extend(plain(40, 40));
    puts.extend([Put::plain("low", "first").at(0), Put::plain("high", "last").at(u128::MAX)]);
    places.extend(stream.put(&puts[40..]));

    let shards = stream.shards();
    let parents: Vec<Vec<usize>> = shards
        .iter()
        .map(|shard| {
            let place = |parent: &String| shards.iter().position(|other| other.id == *parent).unwrap();
            shard.parents.iter().map(place).collect()
        })
        .collect();
    assert_eq!(parents, [vec![], vec![], vec![0], vec![0], vec![3, 1]]);
    let closed: Vec<bool> = shards.iter().map(|shard| shard.is_closed).collect();
    assert_eq!(closed, [true, true, false, true, false]);
    assert_eq!((shards[2].hash_keys.0, shards[4].hash_keys.1), (0, u128::MAX));
    assert_eq!(shards[2].hash_keys.1 + 1, shards[4].hash_keys.0);

    let mut found = 0;
    for shard in &shards {
        let of = |place: &Place| place.shard == shard.id;
        let wanted: Vec<(String, Vec<u8>)> = places
            .iter()
            .zip(&puts)
            .filter(|(place, _)| of(place))
            .map(|(place, put)| (place.sequence.clone(), put.bytes.clone()))
            .collect();
        let mut got = read(&stream, &shard.id);
        got.sort_by_key(|(sequence, _)| wanted.iter().position(|(known, _)| known == sequence));
        assert_eq!(got, wanted, "{}", shard.id);
        found += got.len();
    }
    assert_eq!(found, 82);
    assert_eq!(places[80].shard, shards[2].id);
    assert_eq!(places[81].shard, shards[4].id);
}

#[test]
fn what_the_client_puts_it_reads_again_of_each_stand_in() {
    for service in [Service::Kinesis, Service::Kinesalite] {
        let name = "what_the_client_puts_it_reads_again_of_each_stand_in";
        let Some(standin) = Standin::shared(name, service) else { return };
        converse(standin.url());
    }
}

#[test]
fn the_fake_answers_as_the_stand_ins_do() {
    let fake = Fake::new();
    converse(&fake.url());
    assert_eq!(fake.world().shards.len(), 5);
}
