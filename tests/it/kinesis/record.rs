//! What tests put under one sequence number: lines, the KPL's aggregates, envelopes of CloudWatch Logs, and what is none
//! of them; and which events must come of it.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use floodmark::{
    codec::kpl::Aggregator,
    event::{IdScheme, Origin},
};

use crate::flows;

/// A record to be put.
#[derive(Debug, Clone, Default)]
pub struct Put {
    pub partition_key: String,
    /// What takes the place of the partition key's hash.
    pub hash_key: Option<u128>,
    pub bytes: Vec<u8>,
    pub lines: Vec<Line>,
}

/// A line that is in a record, and what its event is known by.
#[derive(Debug, Clone)]
pub enum Line {
    /// One line of a user record, by its sub-sequence number, and its number in there.
    Own(u64, u32, String),
    /// A log event, by its group and its id modulo 2^64.
    LogEvent(String, u64, String),
}

/// Hosts of [`line`].
pub const HOSTS: u64 = 240;
/// The log group of every envelope here.
pub const GROUP: &str = "/vpc/flows";

/// Line number `number`; no two are alike, and hosts take turns.
pub fn line(number: u64) -> String {
    flows::line(number % HOSTS, "198.51.100.7", 20_000 + number % 977, flows::START + number / HOSTS * 60)
}

/// One plain record for each line from `first` on.
pub fn plain(first: u64, count: u64) -> Vec<Put> {
    (first..first + count).map(|number| Put::plain(&number.to_string(), &line(number))).collect()
}

/// Aggregates of `each` user records, one line each, from line `first` on.
pub fn aggregates(first: u64, count: u64, each: u64) -> Vec<Put> {
    let one = |begin: u64| Put::aggregate(&format!("a{begin}"), (begin..begin + each).map(line));
    (0..count).map(|number| one(first + number * each)).collect()
}

/// The envelope of log events that are the lines from `first` on, and what they are known by.
pub fn envelope(first: u64, count: u64) -> (Vec<u8>, Vec<Line>) {
    let events: Vec<String> = (first..first + count)
        .map(|number| {
            format!(
                "{{\"id\":\"3752{number:052}\",\"timestamp\":1772409600000,\"message\":\"{}\"}}",
                line(number)
            )
        })
        .collect();
    let text = format!(
        "{{\"messageType\":\"DATA_MESSAGE\",\"owner\":\"012345678901\",\"logGroup\":\"{GROUP}\",\
         \"logStream\":\"eni-0a1b2c3d4e5f60718-all\",\"subscriptionFilters\":[\"all\"],\"logEvents\":[{}]}}",
        events.join(",")
    );
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    // 3752 * 10^52 is a multiple of 2^52, but not of 2^64.
    let base = (0..52).fold(3752_u64, |value, _| value.wrapping_mul(10));
    let lines = (first..first + count)
        .map(|number| Line::LogEvent(GROUP.to_owned(), base.wrapping_add(number), line(number)));
    (encoder.finish().unwrap(), lines.collect())
}

// === impl Put ===

impl Put {
    /// A record that is one line.
    pub fn plain(partition_key: &str, line: &str) -> Self {
        Self {
            partition_key: partition_key.to_owned(),
            bytes: line.as_bytes().to_vec(),
            lines: vec![Line::Own(0, 0, line.to_owned())],
            ..Self::default()
        }
    }

    /// An aggregate whose user records are the lines, all with its partition key.
    pub fn aggregate(partition_key: &str, lines: impl IntoIterator<Item = String>) -> Self {
        let mut aggregator = Aggregator::default();
        let lines = (0..).zip(lines).map(|(number, line)| {
            aggregator.push(partition_key, None, line.as_bytes());
            Line::Own(number, 0, line)
        });
        let lines = lines.collect();
        Self { partition_key: partition_key.to_owned(), bytes: aggregator.finish(), lines, hash_key: None }
    }

    /// A record that nothing good comes of.
    pub fn bad(partition_key: &str, bytes: &[u8]) -> Self {
        Self { partition_key: partition_key.to_owned(), bytes: bytes.to_vec(), ..Self::default() }
    }

    /// With a hash key of its own.
    pub fn at(self, hash_key: u128) -> Self {
        Self { hash_key: Some(hash_key), ..self }
    }
}

// === impl Line ===

impl Line {
    /// The id of its event, where its record has this place.
    pub fn id(&self, stream: &str, shard: &str, sequence: &str) -> String {
        let (origin, position, index, text) = match self {
            Self::Own(sub_sequence, index, text) => {
                (Origin::kinesis_record(stream, shard, sequence), *sub_sequence, *index, text)
            }
            Self::LogEvent(group, position, text) => (Origin::log_group(group), *position, 0, text),
        };
        IdScheme::of(&origin).event(position, index, text.as_bytes()).to_string()
    }
}
