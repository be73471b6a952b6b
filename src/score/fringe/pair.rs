//! What is known of an internal entity's conversations with one external address: 48 bytes.

use crate::score::{
    histogram::{
        DecodeError,
        wire::{put, take, take_byte},
    },
    sketch::mixer::Mixer,
    sum::Sum,
};

use super::{
    Contact,
    external::take_narrow,
    pair_hash,
    table::{Credit, Record},
};

/// A pair with a record of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    entity: u64,
    external: u64,
    bytes_out: Sum<6>,
    bytes_in: Sum<6>,
    first: u32,
    last: u32,
    records: u32,
    rejects: u32,
    credit: Credit,
}

// === impl Pair ===

impl Pair {
    /// A pair that has not talked yet.
    #[must_use]
    pub fn new(entity: u64, external: u64) -> Self {
        Self {
            entity,
            external,
            bytes_out: Sum::ZERO,
            bytes_in: Sum::ZERO,
            first: u32::MAX,
            last: 0,
            records: 0,
            rejects: 0,
            credit: Credit::default(),
        }
    }

    /// Adds what a record says. `is_proven`: it shows that both sides talk.
    #[inline]
    pub fn add(&mut self, contact: &Contact, is_proven: bool) {
        self.credit.prove(is_proven);
        self.first = self.first.min(contact.at);
        self.last = self.last.max(contact.at);
        self.records = self.records.saturating_add(1);
        if contact.accepted {
            let bytes = if contact.sent { &mut self.bytes_out } else { &mut self.bytes_in };
            bytes.add(contact.bytes);
        } else {
            self.rejects = self.rejects.saturating_add(1);
        }
    }

    /// The entity and the external key.
    #[must_use]
    pub const fn key(&self) -> (u64, u64) {
        (self.entity, self.external)
    }

    /// When it was seen first and last, in seconds since 1970, since it has a record.
    #[must_use]
    pub const fn seen(&self) -> (u32, u32) {
        (self.first, self.last)
    }

    /// How many flow records it had, and how many of them were refused.
    #[must_use]
    pub const fn records(&self) -> (u32, u32) {
        (self.records, self.rejects)
    }

    /// Bytes let through that the entity sent, and that it was sent.
    #[must_use]
    pub const fn bytes(&self) -> (u64, u64) {
        (self.bytes_out.get(), self.bytes_in.get())
    }

    /// Whether both sides have talked.
    #[must_use]
    pub const fn has_answered(&self) -> bool {
        self.credit.is_proven()
    }

    /// Appends its bytes to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.entity.to_le_bytes());
        out.extend_from_slice(&self.external.to_le_bytes());
        put(self.bytes_out.get(), out);
        put(self.bytes_in.get(), out);
        put(self.first.into(), out);
        put((self.last - self.first).into(), out);
        put(self.records.into(), out);
        put(self.rejects.into(), out);
        out.push(self.credit.bits());
    }

    /// Takes what [`Pair::encode`] wrote off the front of `bytes`.
    ///
    /// # Errors
    ///
    /// When they are not such bytes.
    pub fn decode(bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        let (entity, rest) = bytes.split_first_chunk().ok_or(DecodeError::Truncated)?;
        let (external, rest) = rest.split_first_chunk().ok_or(DecodeError::Truncated)?;
        *bytes = rest;
        let mut pair = Self::new(u64::from_le_bytes(*entity), u64::from_le_bytes(*external));
        (pair.bytes_out, pair.bytes_in) = (Sum::of(take(bytes)?), Sum::of(take(bytes)?));
        pair.first = take_narrow(bytes)?;
        pair.last = take_narrow(bytes)?.checked_add(pair.first).ok_or(DecodeError::Number)?;
        pair.records = take_narrow(bytes)?;
        pair.rejects = take_narrow(bytes)?;
        pair.credit = Credit::from_bits(take_byte(bytes)?);
        Ok(pair)
    }
}

impl Record for Pair {
    #[inline]
    fn hash(&self, mixer: &Mixer) -> u64 {
        pair_hash(mixer.of(self.external), self.entity)
    }

    #[inline]
    fn credit(&mut self) -> &mut Credit {
        &mut self.credit
    }

    fn is_same(&self, other: &Self) -> bool {
        self.key() == other.key()
    }

    #[inline]
    fn warm(&self) -> u64 {
        self.entity ^ u64::from(self.credit.bits())
    }

    fn last(&self) -> u32 {
        self.last
    }

    fn put(&self, out: &mut Vec<u8>) {
        self.encode(out);
    }

    fn take(bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        Self::decode(bytes)
    }
}
