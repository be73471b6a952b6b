//! What is known of one external source: 80 bytes.

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
    table::{Credit, Record},
    targets::{Outcome, Targets},
};

/// An external source with a record of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct External {
    key: u64,
    bytes_in: Sum<6>,
    bytes_out: Sum<6>,
    packets: Sum<5>,
    first: u32,
    last: u32,
    records: u32,
    rejects: u32,
    targets: Targets,
    credit: Credit,
}

// === impl External ===

impl External {
    /// Somebody who has not been seen yet.
    #[must_use]
    pub fn new(key: u64) -> Self {
        Self {
            key,
            bytes_in: Sum::ZERO,
            bytes_out: Sum::ZERO,
            packets: Sum::ZERO,
            first: u32::MAX,
            last: 0,
            records: 0,
            rejects: 0,
            targets: Targets::new(),
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
        self.packets.add(contact.packets.into());
        if contact.accepted {
            let bytes = if contact.sent { &mut self.bytes_out } else { &mut self.bytes_in };
            bytes.add(contact.bytes);
        } else {
            self.rejects = self.rejects.saturating_add(1);
        }
        if !contact.initiated {
            let target = (super::again(contact.entity ^ self.key) >> 48) as u16;
            let outcome = match contact.accepted {
                false => Outcome::Refused,
                true if is_proven => Outcome::Answered,
                true => Outcome::Open,
            };
            self.targets.add(target, outcome);
        }
    }

    /// Its key (see [`super::external_key`]).
    #[must_use]
    pub const fn key(&self) -> u64 {
        self.key
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

    /// Bytes let through that it sent, and that it was sent.
    #[must_use]
    pub const fn bytes(&self) -> (u64, u64) {
        (self.bytes_in.get(), self.bytes_out.get())
    }

    /// Packets both ways.
    #[must_use]
    pub const fn packets(&self) -> u64 {
        self.packets.get()
    }

    /// Whom it has come to unasked.
    #[must_use]
    pub const fn targets(&self) -> &Targets {
        &self.targets
    }

    /// Whether it has shown that it is where it says: the other side's answers reach it.
    #[must_use]
    pub const fn has_answered(&self) -> bool {
        self.credit.is_proven()
    }

    /// First contacts that were refused, and that were answered, of the first sixteen: what the threshold random walk of
    /// Jung et al. (S&P 2004) walks on. With its θ0 = 0.8 and θ1 = 0.2 the likelihood ratio of a scanner is 4 to the power
    /// of their difference. Two counts instead of the ratio do not depend on the order of the contacts, and leave θ to
    /// whoever asks.
    #[must_use]
    pub const fn first_contacts(&self) -> (u32, u32) {
        self.targets.outcomes()
    }

    /// Appends its bytes to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.key.to_le_bytes());
        for number in [self.bytes_in.get(), self.bytes_out.get(), self.packets.get()] {
            put(number, out);
        }
        put(self.first.into(), out);
        put((self.last - self.first).into(), out);
        put(self.records.into(), out);
        put(self.rejects.into(), out);
        self.targets.encode(out);
        out.push(self.credit.bits());
    }

    /// Takes what [`External::encode`] wrote off the front of `bytes`.
    ///
    /// # Errors
    ///
    /// When they are not such bytes.
    pub fn decode(bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        let (octets, rest) = bytes.split_first_chunk().ok_or(DecodeError::Truncated)?;
        let mut external = Self::new(u64::from_le_bytes(*octets));
        *bytes = rest;
        (external.bytes_in, external.bytes_out) = (Sum::of(take(bytes)?), Sum::of(take(bytes)?));
        external.packets = Sum::of(take(bytes)?);
        external.first = take_narrow(bytes)?;
        external.last = take_narrow(bytes)?.checked_add(external.first).ok_or(DecodeError::Number)?;
        external.records = take_narrow(bytes)?;
        external.rejects = take_narrow(bytes)?;
        external.targets = Targets::decode(bytes)?;
        external.credit = Credit::from_bits(take_byte(bytes)?);
        Ok(external)
    }
}

/// Takes a number of 32 bits.
pub(super) fn take_narrow(bytes: &mut &[u8]) -> Result<u32, DecodeError> {
    u32::try_from(take(bytes)?).map_err(|_| DecodeError::Number)
}

impl Record for External {
    #[inline]
    fn hash(&self, mixer: &Mixer) -> u64 {
        mixer.of(self.key)
    }

    #[inline]
    fn credit(&mut self) -> &mut Credit {
        &mut self.credit
    }

    fn is_same(&self, other: &Self) -> bool {
        self.key == other.key
    }

    #[inline]
    fn warm(&self) -> u64 {
        self.key ^ u64::from(self.credit.bits())
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
