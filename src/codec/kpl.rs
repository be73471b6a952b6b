//! KPL aggregates: one Kinesis record in which the Kinesis Producer Library has put many, opened in place.
//!
//! An aggregate is `F3 89 9A C2`, a protobuf of two tables of keys and the user records, and the MD5 of the protobuf. What
//! is no aggregate by these marks is a plain record, as the Kinesis Client Library (KCL) has it (`AggregatorUtil.java` and
//! `messages.proto` of `amazon-kinesis-client`): a protobuf that cannot be read, or that lacks a required field, under a
//! right MD5 is one too, so that its bytes are never lost. Where the KCL drops what it had taken out of an aggregate, at a
//! key that is not in the tables or a user record outside the shard's range of hash keys, all of them are given here, and
//! the second are marked.
//!
//! The protobuf is walked with `prost`'s primitives and not by its derive: five fields need no code generator, and derived
//! structures would allocate for each user record.

mod wire;
mod writer;

use md5::{Digest, Md5};

use crate::event::Span;
use wire::{Record, Tables};

pub use writer::{Aggregator, sealed};

/// What an aggregate begins with.
pub const MAGIC: [u8; 4] = [0xF3, 0x89, 0x9A, 0xC2];
/// Bytes of the MD5 at its end.
const DIGEST_BYTES: usize = 16;
/// The most user records, and the most keys in either table. Two bytes of an aggregate can stand for a key, of which eight
/// bytes are kept: what somebody sends to fill memory is a plain record instead.
pub const ENTRIES_MAX: usize = 1 << 19;

/// Opens records; keeps the room of the keys' tables for the next.
#[derive(Debug, Default)]
pub struct Opener {
    tables: Tables,
}

/// What a Kinesis record is.
#[derive(Debug)]
pub enum Opened<'a> {
    /// One record as it stands: it does not begin with the magic.
    Plain,
    /// One record as it stands, although it begins with the magic.
    Broken(Broken),
    /// Many.
    Aggregate(Aggregate<'a>),
}

/// Why a record that begins with the magic is no aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// Nothing stands between the magic and the MD5.
    TooShort,
    /// The MD5 is not that of the bytes before it.
    Checksum,
    /// The bytes are not the protobuf of an aggregate, or not all of it.
    Malformed,
    /// More than [`ENTRIES_MAX`] user records or keys.
    TooMany,
}

/// The hash keys of a shard, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashRange {
    /// The lowest.
    pub start: u128,
    /// The highest.
    pub end: u128,
}

/// An aggregate whose bytes are whole and well formed.
#[derive(Debug)]
pub struct Aggregate<'a> {
    bytes: &'a [u8],
    tables: &'a mut Tables,
    range: HashRange,
}

/// A record as a producer gave it to the KPL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserRecord<'a> {
    /// Its bytes, in those of the Kinesis record.
    pub content: Span,
    /// Which one of the aggregate it is, from 0: a checkpoint names it by the Kinesis record's sequence number and this.
    pub sub_sequence: u32,
    /// UTF-8 as the producer gave it, or nothing where the aggregate names a key that it does not have.
    pub partition_key: Option<&'a [u8]>,
    /// A decimal number that takes the place of the partition key's hash, where the producer gave one.
    pub explicit_hash_key: Option<&'a [u8]>,
    /// Its hash key is not of the shard's range: it was aggregated for another shard, or before the shard was split.
    pub outside: bool,
}

// === impl Opener ===

impl Opener {
    /// Looks at `record`, which came from a shard whose hash keys are those of `range`, and reads all of it once.
    pub fn open<'a>(&'a mut self, record: &'a [u8], range: HashRange) -> Opened<'a> {
        let Some(body) = record.strip_prefix(MAGIC.as_slice()) else { return Opened::Plain };
        let Some((protobuf, digest)) = body.split_last_chunk::<DIGEST_BYTES>() else {
            return Opened::Broken(Broken::TooShort);
        };
        if protobuf.is_empty() {
            return Opened::Broken(Broken::TooShort);
        }
        if Md5::digest(protobuf).as_slice() != digest {
            return Opened::Broken(Broken::Checksum);
        }
        match self.tables.read(record, Span::new(MAGIC.len(), MAGIC.len() + protobuf.len())) {
            Ok(()) => Opened::Aggregate(Aggregate { bytes: record, tables: &mut self.tables, range }),
            Err(broken) => Opened::Broken(broken),
        }
    }
}

// === impl HashRange ===

impl HashRange {
    /// Every hash key.
    pub const ALL: Self = Self { start: 0, end: u128::MAX };

    /// Whether `key` is in it.
    #[must_use]
    pub fn contains(self, key: u128) -> bool {
        (self.start..=self.end).contains(&key)
    }
}

// === impl Broken ===

impl Broken {
    /// Why, for whoever reads the log.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::TooShort => "it ends before its checksum",
            Self::Checksum => "its checksum is not that of its bytes",
            Self::Malformed => "its protobuf is malformed",
            Self::TooMany => "it has too many user records or keys",
        }
    }
}

// === impl Aggregate ===

impl<'a> Aggregate<'a> {
    /// Number of user records; may be 0.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tables.records()
    }

    /// Whether it has no user record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The user records in their order. A hash is computed once for each partition key, and only where the range is not
    /// [`HashRange::ALL`].
    pub fn records(&mut self) -> impl Iterator<Item = UserRecord<'a>> + '_ {
        let Self { bytes, tables, range } = self;
        let (bytes, range) = (*bytes, *range);
        let mut walk = tables.walk();
        (0..).map_while(move |sub_sequence| {
            let record = walk.next(bytes)?;
            Some(user_record(bytes, tables, range, &record, sub_sequence))
        })
    }
}

fn user_record<'a>(
    bytes: &'a [u8],
    tables: &mut Tables,
    range: HashRange,
    record: &Record,
    sub_sequence: u32,
) -> UserRecord<'a> {
    let partition_key = tables.partition_key(record.partition_key).map(|span| span.of(bytes));
    let explicit = record.explicit_hash_key.map(|index| tables.explicit_hash_key(index));
    let explicit_hash_key = explicit.flatten().map(|span| span.of(bytes));
    let outside =
        range != HashRange::ALL && tables.hash_key(bytes, record).is_some_and(|key| !range.contains(key));
    UserRecord { content: record.content, sub_sequence, partition_key, explicit_hash_key, outside }
}

// === impl UserRecord ===

impl UserRecord<'_> {
    /// Where in the stream it belongs: its explicit hash key, or the MD5 of its partition key. Nothing where it has neither,
    /// or the explicit one is no number of 128 bits.
    #[must_use]
    pub fn hash_key(&self) -> Option<u128> {
        match self.explicit_hash_key {
            Some(decimal) => explicit_number(decimal),
            None => self.partition_key.map(hash_of),
        }
    }
}

/// The number that an explicit hash key is.
fn explicit_number(decimal: &[u8]) -> Option<u128> {
    let digits = !decimal.is_empty() && decimal.iter().all(u8::is_ascii_digit);
    digits.then(|| std::str::from_utf8(decimal).ok()?.parse().ok()).flatten()
}

/// The MD5 of a partition key as a number, which is how Kinesis spreads keys over shards.
#[must_use]
pub fn hash_of(partition_key: &[u8]) -> u128 {
    u128::from_be_bytes(Md5::digest(partition_key).into())
}

#[cfg(test)]
mod tests;
