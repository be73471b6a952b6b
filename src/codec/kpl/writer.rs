//! Aggregates as the KPL writes them, for tests and benches: nothing that floodmark delivers is aggregated.

use std::collections::BTreeMap;

use md5::{Digest, Md5};
use prost::encoding::{WireType, encode_key, encode_varint};

use super::MAGIC;

/// Gathers user records into one aggregate.
#[derive(Debug, Default)]
pub struct Aggregator {
    partition_keys: Table,
    explicit_hash_keys: Table,
    records: Vec<u8>,
    count: usize,
}

/// Keys in the order in which they came, each once.
#[derive(Debug, Default)]
struct Table {
    places: BTreeMap<String, u64>,
    encoded: Vec<u8>,
}

// === impl Aggregator ===

impl Aggregator {
    /// Adds a user record; `explicit_hash_key` is a decimal number of 128 bits.
    pub fn push(&mut self, partition_key: &str, explicit_hash_key: Option<&str>, data: &[u8]) {
        let mut record = Vec::with_capacity(data.len() + 16);
        number(1, self.partition_keys.place(1, partition_key), &mut record);
        if let Some(key) = explicit_hash_key {
            number(2, self.explicit_hash_keys.place(2, key), &mut record);
        }
        bytes(3, data, &mut record);
        bytes(3, &record, &mut self.records);
        self.count += 1;
    }

    /// Number of user records since the last aggregate.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The aggregate of what was added since the last.
    pub fn finish(&mut self) -> Vec<u8> {
        let Self { partition_keys, explicit_hash_keys, records, .. } = std::mem::take(self);
        sealed(&[partition_keys.encoded, explicit_hash_keys.encoded, records].concat())
    }
}

/// The aggregate whose protobuf is `protobuf`, which may be anything: for tests of what a checksum does not keep out.
#[must_use]
pub fn sealed(protobuf: &[u8]) -> Vec<u8> {
    [MAGIC.as_slice(), protobuf, Md5::digest(protobuf).as_slice()].concat()
}

// === impl Table ===

impl Table {
    fn place(&mut self, field: u32, key: &str) -> u64 {
        if let Some(place) = self.places.get(key) {
            return *place;
        }
        let place = self.places.len() as u64;
        self.places.insert(key.to_owned(), place);
        bytes(field, key.as_bytes(), &mut self.encoded);
        place
    }
}

fn number(field: u32, value: u64, out: &mut Vec<u8>) {
    encode_key(field, WireType::Varint, out);
    encode_varint(value, out);
}

fn bytes(field: u32, value: &[u8], out: &mut Vec<u8>) {
    encode_key(field, WireType::LengthDelimited, out);
    encode_varint(value.len() as u64, out);
    out.extend_from_slice(value);
}
