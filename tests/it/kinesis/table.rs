//! A table of leases, as the Kinesis Client Library 2 makes and leaves it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{api::Api, stream::Shard};
use crate::{process::until, servers::namespace};

/// A table.
pub struct Table {
    api: Api,
    pub name: String,
}

/// The attributes of one lease, each with its type.
#[derive(Debug, Clone, PartialEq)]
pub struct Lease(pub Map<String, Value>);

// === impl Table ===

impl Table {
    /// A name that no table has yet.
    pub fn unmade(url: &str) -> Self {
        Self { api: Api::dynamodb(url), name: format!("leases-{}", namespace()) }
    }

    /// Makes a table as the library does.
    pub fn create(url: &str) -> Self {
        let table = Self::unmade(url);
        table.api.must(
            "CreateTable",
            &json!({
                "TableName": table.name,
                "AttributeDefinitions": [{ "AttributeName": "leaseKey", "AttributeType": "S" }],
                "KeySchema": [{ "AttributeName": "leaseKey", "KeyType": "HASH" }],
                "ProvisionedThroughput": { "ReadCapacityUnits": 100, "WriteCapacityUnits": 100 },
            }),
        );
        until("an active table", || (table.described()["TableStatus"] == "ACTIVE").then_some(()));
        table
    }

    pub fn url(&self) -> &str {
        self.api.url()
    }

    pub fn described(&self) -> Value {
        self.api.must("DescribeTable", &json!({ "TableName": self.name }))["Table"].clone()
    }

    pub fn put(&self, lease: &Lease) {
        self.api.must("PutItem", &json!({ "TableName": self.name, "Item": lease.0 }));
    }

    /// All leases by their keys; none while there is no table.
    pub fn leases(&self) -> BTreeMap<String, Lease> {
        let body = json!({ "TableName": self.name, "ConsistentRead": true });
        let Ok(told) = self.api.ask("Scan", &body) else { return BTreeMap::new() };
        let lease = |lease: &Value| {
            let lease = Lease(lease.as_object().unwrap().clone());
            (lease.text("leaseKey").unwrap(), lease)
        };
        told["Items"].as_array().unwrap().iter().map(lease).collect()
    }

    /// Takes a lease as another worker of the library does. Says whether that went.
    pub fn take(&self, lease: &Lease, owner: &str) -> bool {
        let changes = json!({
            "leaseOwner": { "Value": { "S": owner }, "Action": "PUT" },
            "ownerSwitchesSinceCheckpoint": { "Value": { "N": "1" }, "Action": "ADD" },
            "checkpointOwner": { "Action": "DELETE" },
        });
        self.update(lease, changes)
    }

    /// Writes a checkpoint as the library does. Says whether that went.
    pub fn checkpoint(&self, lease: &Lease, sequence: &str, sub_sequence: u64) -> bool {
        let changes = json!({
            "checkpoint": { "Value": { "S": sequence }, "Action": "PUT" },
            "checkpointSubSequenceNumber": { "Value": { "N": sub_sequence.to_string() }, "Action": "PUT" },
            "ownerSwitchesSinceCheckpoint": { "Value": { "N": "0" }, "Action": "PUT" },
            "pendingCheckpoint": { "Action": "DELETE" },
            "pendingCheckpointSubSequenceNumber": { "Action": "DELETE" },
            "pendingCheckpointState": { "Action": "DELETE" },
        });
        self.update(lease, changes)
    }

    /// Changes a lease on the condition of its counter, which grows; the attributes that are not named stay.
    fn update(&self, lease: &Lease, mut changes: Value) -> bool {
        let counter = lease.number("leaseCounter").unwrap();
        changes["leaseCounter"] = json!({ "Value": { "N": (counter + 1).to_string() }, "Action": "PUT" });
        let body = json!({
            "TableName": self.name,
            "Key": { "leaseKey": lease.0["leaseKey"] },
            "Expected": { "leaseCounter": { "Value": { "N": counter.to_string() } } },
            "AttributeUpdates": changes,
        });
        self.api.ask("UpdateItem", &body).is_ok()
    }

    /// How many leases of shards that are not read to their ends each owner has.
    pub fn owners(&self) -> BTreeMap<String, usize> {
        let mut owners = BTreeMap::new();
        for lease in self.leases().values().filter(|lease| !lease.is_ended()) {
            if let Some(owner) = lease.text("leaseOwner") {
                *owners.entry(owner).or_default() += 1;
            }
        }
        owners
    }

    /// Leases that are not read to their ends and that nobody has.
    pub fn free(&self) -> usize {
        let leases = self.leases();
        leases.values().filter(|lease| !lease.is_ended() && lease.text("leaseOwner").is_none()).count()
    }
}

// === impl Lease ===

impl Lease {
    /// The lease of a shard as the library makes it, at a checkpoint; owned by `owner` where there is one.
    pub fn of(shard: &Shard, owner: Option<&str>, checkpoint: &str, sub_sequence: u64) -> Self {
        let mut lease = json!({
            "leaseKey": { "S": shard.id },
            "leaseCounter": { "N": "1207" },
            "ownerSwitchesSinceCheckpoint": { "N": "0" },
            "checkpoint": { "S": checkpoint },
            "checkpointSubSequenceNumber": { "N": sub_sequence.to_string() },
            "startingHashKey": { "S": shard.hash_keys.0.to_string() },
            "endingHashKey": { "S": shard.hash_keys.1.to_string() },
        });
        if let Some(owner) = owner {
            lease["leaseOwner"] = json!({ "S": owner });
        }
        if !shard.parents.is_empty() {
            lease["parentShardId"] = json!({ "SS": shard.parents });
        }
        Self(lease.as_object().unwrap().clone())
    }

    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    /// A text attribute.
    pub fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|value| value["S"].as_str().expect("a text").to_owned())
    }

    /// A number attribute.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.0.get(name).map(|value| value["N"].as_str().expect("a number").parse().unwrap())
    }

    /// A set attribute.
    pub fn set(&self, name: &str) -> BTreeSet<String> {
        let texts = self.0.get(name).map(|value| value["SS"].as_array().expect("a set of texts"));
        texts.into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
    }

    pub fn is_ended(&self) -> bool {
        self.text("checkpoint").as_deref() == Some("SHARD_END")
    }
}
