//! The protobuf of an aggregate, walked in place: `AggregatedRecord { repeated string partition_key_table = 1; repeated
//! string explicit_hash_key_table = 2; repeated Record records = 3; }`.
//!
//! A field that is known by its number but is of another wire type is an unknown field, which is skipped, and of a field that
//! may stand once the last one counts: as Java's protobuf has it, with which the KCL reads.

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use super::{Broken, ENTRIES_MAX, explicit_number, hash_of};
use crate::event::Span;

/// The keys of the aggregate that was read last, and where its user records stand.
#[derive(Debug, Default)]
pub(super) struct Tables {
    partition_keys: Vec<Span>,
    explicit_hash_keys: Vec<Span>,
    /// Hash of each partition key, once somebody asked for it.
    hashes: Vec<Option<u128>>,
    records: usize,
    body: Span,
}

/// A user record as the protobuf has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record {
    pub(super) partition_key: u64,
    pub(super) explicit_hash_key: Option<u64>,
    pub(super) content: Span,
}

/// Where a second walk over the user records stands.
#[derive(Debug)]
pub(super) struct Walk {
    rest: Span,
}

/// A field's number and what it holds, as far as an aggregate has such fields.
enum Field {
    Number(u32, u64),
    Bytes(u32, Span),
    Other,
}

// === impl Tables ===

impl Tables {
    /// Reads the protobuf at `body` of `bytes`, every field of it, in place of what was read before.
    pub(super) fn read(&mut self, bytes: &[u8], body: Span) -> Result<(), Broken> {
        self.partition_keys.clear();
        self.explicit_hash_keys.clear();
        self.hashes.clear();
        self.records = 0;
        self.body = body;
        let mut rest = body;
        while !rest.is_empty() {
            match field(bytes, &mut rest).ok_or(Broken::Malformed)? {
                Field::Bytes(1, key) => self.partition_keys.push(key),
                Field::Bytes(2, key) => self.explicit_hash_keys.push(key),
                Field::Bytes(3, record) => {
                    read_record(bytes, record, true).ok_or(Broken::Malformed)?;
                    self.records += 1;
                }
                _ => {}
            }
            let most = self.partition_keys.len().max(self.explicit_hash_keys.len()).max(self.records);
            if most > ENTRIES_MAX {
                return Err(Broken::TooMany);
            }
        }
        Ok(())
    }

    pub(super) fn records(&self) -> usize {
        self.records
    }

    pub(super) fn walk(&self) -> Walk {
        Walk { rest: self.body }
    }

    pub(super) fn partition_key(&self, index: u64) -> Option<Span> {
        self.partition_keys.get(usize::try_from(index).ok()?).copied()
    }

    pub(super) fn explicit_hash_key(&self, index: u64) -> Option<Span> {
        self.explicit_hash_keys.get(usize::try_from(index).ok()?).copied()
    }

    /// The hash key of a record; nothing where it cannot be told.
    pub(super) fn hash_key(&mut self, bytes: &[u8], record: &Record) -> Option<u128> {
        if let Some(explicit) = record.explicit_hash_key.and_then(|index| self.explicit_hash_key(index)) {
            return explicit_number(explicit.of(bytes));
        }
        let index = usize::try_from(record.partition_key).ok()?;
        let key = *self.partition_keys.get(index)?;
        if self.hashes.is_empty() {
            self.hashes.resize(self.partition_keys.len(), None);
        }
        Some(*self.hashes[index].get_or_insert_with(|| hash_of(key.of(bytes))))
    }
}

// === impl Walk ===

impl Walk {
    /// The next user record of bytes that [`Tables::read`] has accepted.
    pub(super) fn next(&mut self, bytes: &[u8]) -> Option<Record> {
        while !self.rest.is_empty() {
            if let Field::Bytes(3, record) = field(bytes, &mut self.rest)? {
                return read_record(bytes, record, false);
            }
        }
        None
    }
}

/// `Record { required uint64 partition_key_index = 1; optional uint64 explicit_hash_key_index = 2; required bytes data = 3;
/// repeated Tag tags = 4; }`; looks into the tags only when `whole`.
fn read_record(bytes: &[u8], mut rest: Span, whole: bool) -> Option<Record> {
    let (mut partition_key, mut explicit_hash_key, mut content) = (None, None, None);
    while !rest.is_empty() {
        match field(bytes, &mut rest)? {
            Field::Number(1, index) => partition_key = Some(index),
            Field::Number(2, index) => explicit_hash_key = Some(index),
            Field::Bytes(3, span) => content = Some(span),
            Field::Bytes(4, tag) if whole => read_tag(bytes, tag)?,
            _ => {}
        }
    }
    Some(Record { partition_key: partition_key?, explicit_hash_key, content: content? })
}

/// `Tag { required string key = 1; optional string value = 2; }`.
fn read_tag(bytes: &[u8], mut rest: Span) -> Option<()> {
    let mut key = None;
    while !rest.is_empty() {
        if let Field::Bytes(1, span) = field(bytes, &mut rest)? {
            key = Some(span);
        }
    }
    key.map(drop)
}

/// Takes the field that `rest` begins with off it; nothing when it is malformed or breaks off.
#[inline]
fn field(bytes: &[u8], rest: &mut Span) -> Option<Field> {
    let end = rest.end() as usize;
    let mut input = rest.of(bytes);
    let (number, kind) = decode_key(&mut input).ok()?;
    let found = match (number, kind) {
        (_, WireType::Varint) => Field::Number(number, decode_varint(&mut input).ok()?),
        (1..=4, WireType::LengthDelimited) => {
            let len = usize::try_from(decode_varint(&mut input).ok()?).ok()?;
            let start = end - input.len();
            input = input.get(len..)?;
            Field::Bytes(number, Span::new(start, start + len))
        }
        (_, kind) => {
            skip_field(kind, number, &mut input, DecodeContext::default()).ok()?;
            Field::Other
        }
    };
    *rest = Span::new(end - input.len(), end);
    Some(found)
}
