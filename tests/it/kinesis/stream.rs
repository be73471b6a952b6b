//! A stream as its producers see it: records are put, shards are split and merged, and it is known under which sequence
//! number each record is.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{api::Api, record::Put};
use crate::{kafka::ledger::Ledger, process::until, servers::namespace};

/// A stream, and every event that must come of it.
pub struct Stream {
    pub api: Api,
    pub name: String,
    pub ledger: Ledger<Place>,
}

/// Where a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub shard: String,
    pub sequence: String,
    /// Its number among the lines of its record.
    pub number: usize,
}

/// A shard as the stream lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    pub id: String,
    pub parents: Vec<String>,
    pub hash_keys: (u128, u128),
    pub is_closed: bool,
}

/// The most records of one PutRecords.
const BATCH: usize = 500;

// === impl Stream ===

impl Stream {
    /// Makes a stream that takes records.
    pub fn create(url: &str, stem: &str, shards: usize) -> Self {
        let name = format!("{stem}-{}", namespace());
        let api = Api::kinesis(url);
        api.must("CreateStream", &json!({ "StreamName": name, "ShardCount": shards }));
        let stream = Self { api, name, ledger: Ledger::default() };
        stream.until_active();
        stream
    }

    fn asked(&self, operation: &str, mut body: Value) -> Value {
        body["StreamName"] = json!(self.name);
        self.api.must(operation, &body)
    }

    pub fn until_active(&self) {
        until("an active stream", || {
            let told = self.asked("DescribeStreamSummary", json!({}));
            (told["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE").then_some(())
        });
    }

    /// Its ARN.
    pub fn arn(&self) -> String {
        let told = self.asked("DescribeStreamSummary", json!({}));
        told["StreamDescriptionSummary"]["StreamARN"].as_str().unwrap().to_owned()
    }

    /// Puts records, again where one is refused; where each now is, in their order.
    pub fn put(&mut self, records: &[Put]) -> Vec<Place> {
        let mut places = Vec::with_capacity(records.len());
        for batch in records.chunks(BATCH) {
            let mut done: Vec<Option<Place>> = vec![None; batch.len()];
            until("records that are taken", || {
                let left: Vec<usize> = (0..batch.len()).filter(|at| done[*at].is_none()).collect();
                let Ok(told) = self.api.ask("PutRecords", &self.batch(&left, batch)) else { return None };
                for (at, one) in left.iter().zip(told["Records"].as_array().unwrap()) {
                    if let (Some(shard), Some(sequence)) =
                        (one["ShardId"].as_str(), one["SequenceNumber"].as_str())
                    {
                        let (shard, sequence) = (shard.to_owned(), sequence.to_owned());
                        done[*at] = Some(Place { shard, sequence, number: 0 });
                    }
                }
                done.iter().all(Option::is_some).then_some(())
            });
            for (put, place) in batch.iter().zip(done.into_iter().flatten()) {
                self.note(put, &place);
                places.push(place);
            }
        }
        places
    }

    fn batch(&self, left: &[usize], records: &[Put]) -> Value {
        let one = |put: &Put| {
            let mut one = json!({ "Data": STANDARD.encode(&put.bytes), "PartitionKey": put.partition_key });
            if let Some(key) = put.hash_key {
                one["ExplicitHashKey"] = json!(key.to_string());
            }
            one
        };
        let records: Vec<Value> = left.iter().map(|at| one(&records[*at])).collect();
        json!({ "StreamName": self.name, "Records": records })
    }

    /// Takes the record's lines into the ledger.
    pub fn note(&mut self, put: &Put, place: &Place) {
        for (number, line) in put.lines.iter().enumerate() {
            let id = line.id(&self.name, &place.shard, &place.sequence);
            self.ledger.put(id, Place { number, ..place.clone() });
        }
    }

    /// All its shards, open and closed, in the order of their ids.
    pub fn shards(&self) -> Vec<Shard> {
        let mut shards = Vec::new();
        let mut page = self.asked("ListShards", json!({}));
        loop {
            shards.extend(page["Shards"].as_array().unwrap().iter().map(Shard::listed));
            let Some(token) = page["NextToken"].as_str() else { break };
            page = self.api.must("ListShards", &json!({ "NextToken": token }));
        }
        shards.sort_by(|one, other| one.id.cmp(&other.id));
        shards
    }

    /// Shards that take records, in the order of their hash keys.
    pub fn open(&self) -> Vec<Shard> {
        let mut open = self.shards();
        open.retain(|shard| !shard.is_closed);
        open.sort_by_key(|shard| shard.hash_keys.0);
        open
    }

    /// Splits a shard in its middle.
    pub fn split(&self, shard: &Shard) {
        let middle = shard.hash_keys.0 + (shard.hash_keys.1 - shard.hash_keys.0) / 2 + 1;
        let body = json!({ "ShardToSplit": shard.id, "NewStartingHashKey": middle.to_string() });
        self.resharded("SplitShard", body);
    }

    /// Merges two shards whose hash keys touch.
    pub fn merge(&self, one: &Shard, other: &Shard) {
        let body = json!({ "ShardToMerge": one.id, "AdjacentShardToMerge": other.id });
        self.resharded("MergeShards", body);
    }

    fn resharded(&self, operation: &str, mut body: Value) {
        body["StreamName"] = json!(self.name);
        until("resharding", || self.api.ask(operation, &body).ok());
        self.until_active();
    }
}

// === impl Shard ===

impl Shard {
    /// As the list shows it.
    fn listed(shard: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let key = |name: &str| text(&shard["HashKeyRange"][name]).parse::<u128>().unwrap();
        let parents =
            ["ParentShardId", "AdjacentParentShardId"].iter().filter_map(|name| shard[*name].as_str());
        Self {
            id: text(&shard["ShardId"]),
            parents: parents.map(str::to_owned).collect(),
            hash_keys: (key("StartingHashKey"), key("EndingHashKey")),
            is_closed: shard["SequenceNumberRange"]["EndingSequenceNumber"].is_string(),
        }
    }
}

/// A while in which the clock of a stand-in moves on: what is put after it has a later timestamp.
pub fn a_moment() {
    std::thread::sleep(Duration::from_millis(1_100));
}
