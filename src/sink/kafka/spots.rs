//! A key for each partition of a topic: what is to come into every partition is written once under each.

use std::{collections::BTreeMap, time::Duration};

use rdkafka::{
    config::FromClientConfigAndContext,
    consumer::{BaseConsumer, Consumer},
};

use super::KafkaSinkConfig;
use crate::{kafka::ConnectionError, sink::SinkError, telemetry::clock};

/// How long the cluster may take to say how many partitions there are.
const ANSWER: Duration = Duration::from_secs(5);
const QUESTION: Duration = Duration::from_secs(1);

/// The shortest keys under which records come into each partition of `config`'s topic, in the order of the partitions.
///
/// # Errors
/// When the cluster does not say within five seconds how many there are.
pub fn keys(config: &KafkaSinkConfig) -> Result<Vec<Vec<u8>>, SinkError> {
    let remote = |cause: String| SinkError::Remote { cause };
    let connection = config.connection();
    let client = connection.client_config("sink").map_err(|error| remote(error.to_string()))?;
    // As a consumer, which asks and writes nothing.
    let asking = BaseConsumer::from_config_and_context(&client, connection.session())
        .map_err(|error| remote(ConnectionError::Settings(error).to_string()))?;
    let begun = clock::monotonic();
    loop {
        // What it logs in with may have to be fetched, which a poll does.
        asking.poll(Duration::from_millis(50));
        let found = asking.fetch_metadata(Some(&config.topic), QUESTION);
        let count = found.map(|found| found.topics().first().map_or(0, |topic| topic.partitions().len()));
        match count {
            Ok(count) if count > 0 => return Ok(spread(count)),
            _ if begun.elapsed() < ANSWER => std::thread::sleep(Duration::from_millis(50)),
            Ok(_) => return Err(remote(format!("the topic `{}` is not there", config.topic))),
            Err(error) => return Err(remote(error.to_string())),
        }
    }
}

/// The first of the keys 0, 1, 2, … for each of `count` partitions.
fn spread(count: usize) -> Vec<Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut number = 0_u64;
    while found.len() < count {
        let key = number.to_string().into_bytes();
        found.entry((murmur2(&key) & 0x7fff_ffff) as usize % count).or_insert(key);
        number += 1;
    }
    found.into_values().collect()
}

/// The hash by which Java's client and `murmur2_random` choose a partition: MurmurHash2 of 32 bits under Kafka's seed.
fn murmur2(bytes: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let mut hash = 0x9747_b28c ^ bytes.len() as u32;
    let (words, rest) = bytes.as_chunks::<4>();
    for word in words {
        let mixed = u32::from_le_bytes(*word).wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ (mixed ^ mixed >> 24).wrapping_mul(M);
    }
    if !rest.is_empty() {
        let last = rest.iter().rev().fold(0, |last, byte| last << 8 | u32::from(*byte));
        hash = (hash ^ last).wrapping_mul(M);
    }
    hash = (hash ^ hash >> 13).wrapping_mul(M);
    hash ^ hash >> 15
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_kafkas_own_client() {
        // From the tests of Apache Kafka's `Utils.murmur2`.
        for (text, hash) in [("21", -973_932_308), ("foobar", -790_332_482), ("abc", 479_470_107)] {
            assert_eq!(murmur2(text.as_bytes()) as i32, hash, "{text}");
        }
    }

    #[test]
    fn every_partition_has_a_key() {
        for count in [1, 2, 3, 64] {
            let keys = spread(count);
            let places: Vec<usize> =
                keys.iter().map(|key| (murmur2(key) & 0x7fff_ffff) as usize % count).collect();
            assert_eq!(places, (0..count).collect::<Vec<_>>());
        }
    }
}
