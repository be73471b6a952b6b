//! The fake's stream: its shards with what was put into them, each record as it stands in an answer.

use base64::{Engine, engine::general_purpose::STANDARD};
use floodmark::telemetry::clock;
use serde_json::{Value, json};

/// The stream.
#[derive(Default)]
pub struct World {
    pub name: String,
    pub shards: Vec<Shard>,
    /// The last sequence number that was given, in the whole stream.
    last: u64,
    /// The consumer, where one is registered.
    pub consumer: Option<String>,
}

pub struct Shard {
    pub id: String,
    pub parents: Vec<String>,
    pub hash_keys: (u128, u128),
    pub is_closed: bool,
    pub records: Vec<Record>,
    /// The first sequence number that it could give.
    first: u64,
    /// The number of its newest subscription, and when it began, in milliseconds.
    pub subscribed: (u64, u64),
}

pub struct Record {
    pub sequence: u64,
    pub arrival_ms: u64,
    pub json: Vec<u8>,
    /// Bytes as they were put.
    pub length: usize,
}

/// Records in a shard, and what follows.
pub struct Page {
    /// The records in JSON, between the brackets.
    pub records: Vec<u8>,
    /// Index of the first record behind them.
    pub next: usize,
    /// The last sequence number that was looked at.
    pub last: String,
    pub behind_ms: u64,
    /// The shards that came of it, where nothing more comes of it itself.
    pub children: Option<Value>,
}

/// The most bytes of records of one answer.
const BYTES_MAX: usize = 10 << 20;

/// A sequence number as AWS writes it.
pub fn text(sequence: u64) -> String {
    format!("4959033827149025660855969253836157{sequence:021}")
}

/// The number of which [`text`] makes a sequence number.
pub fn number(text: &str) -> Option<u64> {
    text.strip_prefix("4959033827149025660855969253836157")?.parse().ok()
}

// === impl World ===

impl World {
    /// Begins a stream with so many shards; what was there before is forgotten.
    pub fn begin(&mut self, name: &str, shards: u128) {
        *self = Self { name: name.to_owned(), ..Self::default() };
        let width = u128::MAX / shards;
        for number in 0..shards {
            let last = if number + 1 == shards { u128::MAX } else { (number + 1) * width - 1 };
            self.grow((number * width, last), Vec::new());
        }
    }

    fn grow(&mut self, hash_keys: (u128, u128), parents: Vec<String>) {
        let id = format!("shardId-{:012}", self.shards.len());
        self.last += 1;
        let first = self.last;
        let records = Vec::new();
        self.shards.push(Shard {
            id,
            parents,
            hash_keys,
            is_closed: false,
            records,
            first,
            subscribed: (0, 0),
        });
    }

    pub fn shard(&mut self, id: &str) -> Option<&mut Shard> {
        self.shards.iter_mut().find(|shard| shard.id == id)
    }

    /// Puts a record; says into which shard, and under which sequence number.
    pub fn put(&mut self, partition_key: &str, hash_key: u128, bytes: &[u8]) -> (String, String) {
        self.last += 1;
        let (sequence, arrival_ms) = (self.last, clock::wall_millis());
        let fits = |shard: &&mut Shard| {
            !shard.is_closed && (shard.hash_keys.0..=shard.hash_keys.1).contains(&hash_key)
        };
        let shard = self.shards.iter_mut().find(fits).expect("an open shard for every hash key");
        let json = format!(
            "{{\"SequenceNumber\":\"{}\",\"ApproximateArrivalTimestamp\":{}.{:03},\"Data\":\"{}\",\"PartitionKey\":{}}}",
            text(sequence),
            arrival_ms / 1000,
            arrival_ms % 1000,
            STANDARD.encode(bytes),
            json!(partition_key)
        );
        shard.records.push(Record { sequence, arrival_ms, json: json.into_bytes(), length: bytes.len() });
        (shard.id.clone(), text(sequence))
    }

    /// Closes a shard, which is split at a hash key. Says whether that goes.
    pub fn split(&mut self, id: &str, at: u128) -> bool {
        let Some(shard) = self.shard(id).filter(|shard| !shard.is_closed) else { return false };
        shard.is_closed = true;
        let (first, last) = shard.hash_keys;
        let parents = vec![shard.id.clone()];
        self.grow((first, at - 1), parents.clone());
        self.grow((at, last), parents);
        true
    }

    /// Closes two shards, which are merged. Says whether that goes.
    pub fn merge(&mut self, one: &str, other: &str) -> bool {
        let mut range = (u128::MAX, 0);
        for id in [one, other] {
            let Some(shard) = self.shard(id).filter(|shard| !shard.is_closed) else { return false };
            shard.is_closed = true;
            range = (range.0.min(shard.hash_keys.0), range.1.max(shard.hash_keys.1));
        }
        self.grow(range, vec![one.to_owned(), other.to_owned()]);
        true
    }

    /// Records of a shard from an index on.
    pub fn page(&self, id: &str, from: usize, most: usize) -> Option<Page> {
        let shard = self.shards.iter().find(|shard| shard.id == id)?;
        let (mut records, mut length, mut next) = (Vec::new(), 0, from);
        for record in shard.records.iter().skip(from).take(most) {
            length += record.length;
            if next > from && length > BYTES_MAX {
                break;
            }
            if next > from {
                records.push(b',');
            }
            records.extend_from_slice(&record.json);
            next += 1;
        }
        let after = shard.records.get(next);
        let behind_ms = after.map_or(0, |record| clock::wall_millis().saturating_sub(record.arrival_ms));
        let ended = shard.is_closed && after.is_none();
        let last = next.checked_sub(1).map_or(shard.first, |last| shard.records[last].sequence);
        let children = ended.then(|| self.children(id));
        Some(Page { records, next, last: text(last), behind_ms, children })
    }

    fn children(&self, id: &str) -> Value {
        let children = self.shards.iter().filter(|shard| shard.parents.iter().any(|parent| parent == id));
        let child = |shard: &Shard| json!({ "ShardId": shard.id, "ParentShards": shard.parents, "HashKeyRange": shard.range() });
        children.map(child).collect()
    }
}

// === impl Shard ===

impl Shard {
    fn range(&self) -> Value {
        json!({
            "StartingHashKey": self.hash_keys.0.to_string(),
            "EndingHashKey": self.hash_keys.1.to_string(),
        })
    }

    /// As a list of shards shows it.
    pub fn described(&self) -> Value {
        let mut numbers = json!({ "StartingSequenceNumber": text(self.first) });
        if self.is_closed {
            let last = self.records.last().map_or(self.first, |record| record.sequence);
            numbers["EndingSequenceNumber"] = json!(text(last));
        }
        let mut told =
            json!({ "ShardId": self.id, "HashKeyRange": self.range(), "SequenceNumberRange": numbers });
        for (name, parent) in ["ParentShardId", "AdjacentParentShardId"].iter().zip(&self.parents) {
            told[*name] = json!(parent);
        }
        told
    }

    /// Index of the record with which reading begins, by a kind of beginning and what goes with it.
    pub fn index(&self, kind: &str, sequence: Option<&str>, seconds: Option<f64>) -> Option<usize> {
        let before = |sequence: u64| self.records.partition_point(|record| record.sequence < sequence);
        Some(match kind {
            "TRIM_HORIZON" => 0,
            "LATEST" => self.records.len(),
            "AT_SEQUENCE_NUMBER" => before(number(sequence?)?),
            "AFTER_SEQUENCE_NUMBER" => before(number(sequence?)? + 1),
            "AT_TIMESTAMP" => {
                let millis = (seconds? * 1000.0) as u64;
                self.records.partition_point(|record| record.arrival_ms < millis)
            }
            _ => return None,
        })
    }
}
