//! Who has moved most bytes: the heavy hitters among more keys than are kept.
//!
//! Space-Saving's promise (Metwally, Agrawal, El Abbadi, ICDT 2005) kept the way of Anderson et al. (IMC 2017): when the
//! table is full, the median of its weights is taken off all of them and whoever has nothing left goes; that costs a few
//! nanoseconds for each key that comes, where an ordered list costs more, and it merges. Every weight is low by at most
//! [`Top::floor`], which is at most the sum of all weights over half of [`CAPACITY`]: over 16 shards, each with a sixteenth
//! of the sum, a 4,096th of it.
//!
//! As long as no more than [`CAPACITY`] keys come, weights are exact, and neither order nor merging matters; beyond, which
//! keys are kept does depend on the order, within that bound.

use std::hash::Hash;

use crate::score::{
    histogram::{
        DecodeError,
        wire::{VERSION, put, take, take_version},
    },
    mixer::place,
};

/// Keys that are kept.
pub const CAPACITY: usize = 512;
/// Places in the table: a few more, so that a key is found after few steps.
const PLACES: usize = 768;
/// Memory that is set aside to find a median.
pub(super) const SCRATCH_BYTES: usize = CAPACITY * size_of::<u64>();

/// What a weight is counted for.
pub trait Key: Copy + Ord + Default + Hash + std::fmt::Debug {
    /// Its hash under `salt`.
    fn hash(self, salt: u64) -> u32;
    /// Appends its bytes to `out`.
    fn put(self, out: &mut Vec<u8>);
    /// Takes what [`Key::put`] wrote off the front of `bytes`.
    ///
    /// # Errors
    ///
    /// When they are not such bytes.
    fn take(bytes: &mut &[u8]) -> Result<Self, DecodeError>;
}

/// A key and at least how much it has moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Weighed<K> {
    /// Which.
    pub key: K,
    /// In bytes; never 0.
    pub weight: u64,
}

/// The heaviest keys.
#[derive(Debug, Clone)]
pub struct Top<K> {
    /// A weight of 0 is a free place.
    places: Vec<Weighed<K>>,
    len: usize,
    /// What has been taken off every weight.
    floor: u64,
    /// Nobody else knows it, so that nobody can fill the table with keys that fall together.
    salt: u64,
}

impl Key for u64 {
    #[inline]
    fn hash(self, salt: u64) -> u32 {
        (super::again(self ^ salt) >> 32) as u32
    }

    fn put(self, out: &mut Vec<u8>) {
        put(self, out);
    }

    fn take(bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        take(bytes)
    }
}

impl Key for u32 {
    #[inline]
    fn hash(self, salt: u64) -> u32 {
        Key::hash(u64::from(self), salt)
    }

    fn put(self, out: &mut Vec<u8>) {
        put(self.into(), out);
    }

    fn take(bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        Self::try_from(take(bytes)?).map_err(|_| DecodeError::Number)
    }
}

impl Key for (u64, u64) {
    #[inline]
    fn hash(self, salt: u64) -> u32 {
        Key::hash(self.0 ^ super::again(self.1 ^ salt), salt)
    }

    fn put(self, out: &mut Vec<u8>) {
        put(self.0, out);
        put(self.1, out);
    }

    fn take(bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        Ok((take(bytes)?, take(bytes)?))
    }
}

// === impl Top ===

impl<K: Key> PartialEq for Top<K> {
    fn eq(&self, other: &Self) -> bool {
        self.floor == other.floor && self.heaviest(CAPACITY) == other.heaviest(CAPACITY)
    }
}

impl<K: Key> Top<K> {
    /// Nobody; `salt` is secret.
    #[must_use]
    pub fn new(salt: u64) -> Self {
        Self { places: vec![Weighed::default(); PLACES], len: 0, floor: 0, salt }
    }

    /// Where `key` stands, or would.
    #[inline]
    fn find(&self, key: K) -> usize {
        let mut at = place(key.hash(self.salt), PLACES);
        while self.places[at].weight > 0 && self.places[at].key != key {
            at = if at + 1 == PLACES { 0 } else { at + 1 };
        }
        at
    }

    /// Adds `weight` to `key`.
    #[inline]
    pub fn add(&mut self, key: K, weight: u64) {
        if weight == 0 {
            return;
        }
        let at = self.find(key);
        let held = &mut self.places[at];
        if held.weight > 0 {
            held.weight = held.weight.saturating_add(weight);
            return;
        }
        *held = Weighed { key, weight };
        self.len += 1;
        if self.len > CAPACITY {
            self.lighten();
        }
    }

    /// Takes the median off every weight.
    #[cold]
    fn lighten(&mut self) {
        let mut weights: Vec<u64> =
            self.places.iter().map(|held| held.weight).filter(|weight| *weight > 0).collect();
        let median = weights.len() / 2;
        let median = *weights.select_nth_unstable(median).1;
        self.floor = self.floor.saturating_add(median);
        self.change(|weight| weight.saturating_sub(median));
    }

    /// Counts everything half, as of long ago.
    pub fn halve(&mut self) {
        self.floor /= 2;
        self.change(|weight| weight / 2);
    }

    /// Gives every key another weight.
    fn change(&mut self, weight: impl Fn(u64) -> u64) {
        let before = std::mem::replace(&mut self.places, vec![Weighed::default(); PLACES]);
        self.len = 0;
        for held in before {
            let weight = weight(held.weight);
            if weight > 0 {
                let at = self.find(held.key);
                self.places[at] = Weighed { key: held.key, weight };
                self.len += 1;
            }
        }
    }

    /// The heaviest keys, at most `most`, the heaviest first.
    #[must_use]
    pub fn heaviest(&self, most: usize) -> Vec<Weighed<K>> {
        let mut held: Vec<Weighed<K>> = self.places.iter().copied().filter(|held| held.weight > 0).collect();
        held.sort_unstable_by_key(|held| (std::cmp::Reverse(held.weight), held.key));
        held.truncate(most);
        held
    }

    /// By how much every weight is low at most, and how much somebody may have moved who is not kept, in bytes.
    #[must_use]
    pub const fn floor(&self) -> u64 {
        self.floor
    }

    /// Adds the weights of `other`; what each is low by adds up.
    pub fn merge(&mut self, other: &Self) {
        for held in other.heaviest(CAPACITY) {
            self.add(held.key, held.weight);
        }
        self.floor = self.floor.saturating_add(other.floor);
    }

    /// Appends its bytes to `out`: a version, the floor, the number of keys, and each with its weight, the heaviest first.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        put(self.floor, out);
        put(self.len as u64, out);
        for held in self.heaviest(CAPACITY) {
            held.key.put(out);
            put(held.weight, out);
        }
    }

    /// Takes what [`Top::encode`] wrote off the front of `bytes`.
    ///
    /// # Errors
    ///
    /// When they are not such bytes; `bytes` then stands somewhere inside them.
    pub fn decode(salt: u64, bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        take_version(bytes)?;
        let mut whole = Self::new(salt);
        let floor = take(bytes)?;
        let count = take(bytes)?;
        if count > CAPACITY as u64 {
            return Err(DecodeError::Form);
        }
        for nth in 1..=count {
            let key = K::take(bytes)?;
            let weight = take(bytes)?;
            if weight == 0 {
                return Err(DecodeError::Weight { weight });
            }
            whole.add(key, weight);
            if whole.len as u64 != nth {
                return Err(DecodeError::Form);
            }
        }
        whole.floor = floor;
        Ok(whole)
    }
}

impl<K> Top<K> {
    /// Memory that it takes, in bytes.
    pub const BYTES: usize = PLACES * size_of::<Weighed<K>>();
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_heavy_are_found_among_a_million_and_no_weight_is_further_off_than_it_says() {
        let mut top = Top::<u64>::new(1);
        let mut sum = 0;
        for round in 0..1_000_000_u64 {
            let (key, weight) = match round % 10 {
                0 => (round / 10 % 20, 50_000 + round % 1_000),
                _ => (1_000 + round, 60 + round % 1_000),
            };
            sum += weight;
            top.add(key, weight);
        }
        assert!(top.floor() <= sum / (CAPACITY as u64 / 2), "{} of {sum}", top.floor());
        let heaviest = top.heaviest(20);
        let mut keys: Vec<u64> = heaviest.iter().map(|held| held.key).collect();
        keys.sort_unstable();
        assert_eq!(keys, (0..20).collect::<Vec<_>>());
        for held in heaviest {
            let weight: u64 =
                (0..100_000).map(|nth| nth * 10).filter(|round| round / 10 % 20 == held.key).map(|round| 50_000 + round % 1_000).sum();
            assert!(held.weight <= weight && held.weight + top.floor() >= weight, "{held:?} of {weight}");
        }
    }

    proptest! {
        #[test]
        fn as_long_as_all_fit_weights_are_exact_whatever_the_order(
            adds in proptest::collection::vec((0..300_u32, 0..1_000_u64), 0..600), cut in 0..600_usize,
        ) {
            let of = |adds: &[(u32, u64)]| {
                let mut top = Top::new(1);
                adds.iter().rev().for_each(|(key, weight)| top.add(*key, *weight));
                top
            };
            let cut = cut.min(adds.len());
            let mut whole = Top::new(1);
            adds.iter().for_each(|(key, weight)| whole.add(*key, *weight));
            let mut merged = of(&adds[cut..]);
            merged.merge(&of(&adds[..cut]));
            prop_assert_eq!(&merged, &whole);
            for held in whole.heaviest(CAPACITY) {
                let sum: u64 = adds.iter().filter(|(key, _)| *key == held.key).map(|(_, weight)| weight).sum();
                prop_assert_eq!(held.weight, sum);
            }
            let mut bytes = Vec::new();
            whole.encode(&mut bytes);
            let mut rest = &bytes[..];
            prop_assert_eq!(Top::<u32>::decode(1, &mut rest).unwrap(), whole);
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn merged_weights_are_off_by_no_more_than_the_floor(
            adds in proptest::collection::vec((0..2_000_u64, 1..100_u64), 3_000..4_000),
        ) {
            let (mut one, mut other) = (Top::new(1), Top::new(1));
            for (nth, (key, weight)) in adds.iter().enumerate() {
                if nth % 3 == 0 { one.add(*key, *weight) } else { other.add(*key, *weight) }
            }
            one.merge(&other);
            for held in one.heaviest(CAPACITY) {
                let sum: u64 = adds.iter().filter(|(key, _)| *key == held.key).map(|(_, weight)| weight).sum();
                prop_assert!(held.weight <= sum && held.weight + one.floor() >= sum);
            }
            one.halve();
            prop_assert!(one.heaviest(CAPACITY).len() <= CAPACITY);
        }

        #[test]
        fn any_bytes_make_weights_or_an_error(mut bytes: Vec<u8>) {
            bytes.insert(0, VERSION);
            let _ = Top::<(u64, u64)>::decode(1, &mut &bytes[..]);
        }
    }
}
