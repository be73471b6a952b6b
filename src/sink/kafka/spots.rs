//! A key for each partition of a topic: what is to come into every partition is written once under each. And how many
//! partitions other topics of the cluster have, whose records it speaks of.

use std::{collections::BTreeMap, time::Duration};

use rdkafka::{
    config::FromClientConfigAndContext,
    consumer::{BaseConsumer, Consumer},
};

use super::KafkaSinkConfig;
use crate::{kafka::ConnectionError, sink::SinkError, telemetry::clock};

/// Where to write what is to come into every partition of a topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spots {
    /// The shortest keys under which records come into each partition, in the order of the partitions.
    pub keys: Vec<Vec<u8>>,
    /// How many partitions the other topics have together; 0 where one is a pattern, or is not there.
    pub streams: u64,
}

/// How long the cluster may take to say how many partitions there are.
const ANSWER: Duration = Duration::from_secs(5);
const QUESTION: Duration = Duration::from_secs(1);

// === impl Spots ===

impl Spots {
    /// Those of `config`'s topic, and how many partitions `others` have.
    ///
    /// # Errors
    /// When the cluster does not say within five seconds how many partitions the topic has.
    pub fn ask(config: &KafkaSinkConfig, others: &[String]) -> Result<Self, SinkError> {
        let remote = |cause: String| SinkError::Remote { cause };
        let connection = config.connection();
        let client = connection.client_config("sink").map_err(|error| remote(error.to_string()))?;
        // As a consumer, which asks and writes nothing.
        let asking = BaseConsumer::from_config_and_context(&client, connection.session())
            .map_err(|error| remote(ConnectionError::Settings(error).to_string()))?;
        let count = |topic: &str| {
            let found = asking.fetch_metadata(Some(topic), QUESTION);
            found.map(|found| found.topics().first().map_or(0, |topic| topic.partitions().len()))
        };
        let begun = clock::monotonic();
        loop {
            // What it logs in with may have to be fetched, which a poll does.
            asking.poll(Duration::from_millis(50));
            match count(&config.topic) {
                Ok(found) if found > 0 => {
                    let told = others.iter().map(|topic| match topic.starts_with('^') {
                        true => None,
                        false => count(topic).ok().filter(|count| *count > 0),
                    });
                    let streams = told.sum::<Option<usize>>().unwrap_or(0) as u64;
                    return Ok(Self { keys: spread(found), streams });
                }
                _ if begun.elapsed() < ANSWER => std::thread::sleep(Duration::from_millis(50)),
                Ok(_) => return Err(remote(format!("the topic `{}` is not there", config.topic))),
                Err(error) => return Err(remote(error.to_string())),
            }
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
