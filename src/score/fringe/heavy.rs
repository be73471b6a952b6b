//! Who has moved most bytes: the heavy hitters among more keys than are kept.
//!
//! Space-Saving (Metwally, Agrawal, El Abbadi, ICDT 2005) in 64 sets of eight: whoever comes and is not there takes the
//! place of the lightest of its set, and its weight with it as what it may be too heavy by. One set is a few lines of the
//! processor's cache, where one list of 512 would have to be kept in order. A weight is too heavy by at most the lightest
//! of its set, which is at most an eighth of what the set has had, about a 512th of all; over 16 shards, each with a
//! sixteenth of all, that is an 8,192th. Merging is that of Agarwal et al. (PODS 2012).
//!
//! As long as no set has had more than eight keys, weights are exact, and neither order nor merging matters; beyond, who is
//! kept does depend on the order, within that bound.

use crate::score::{
    histogram::{
        DecodeError,
        wire::{VERSION, put, take, take_version},
    },
    sketch::mixer::place,
};

/// Keys that are kept.
pub const CAPACITY: usize = SETS * WAYS;
const SETS: usize = 64;
const WAYS: usize = 8;

/// What a weight is counted for.
pub trait Key: Copy + Ord + Default + std::fmt::Debug {
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

/// A key and about how much it has moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Weighed<K> {
    /// Which.
    pub key: K,
    /// In bytes, at most; never 0.
    pub weight: u64,
    /// By how much that may be too much.
    pub error: u64,
}

/// Eight keys; a weight of 0 is a free place.
#[derive(Debug, Clone, Copy)]
struct Set<K> {
    keys: [K; WAYS],
    weights: [u64; WAYS],
    errors: [u64; WAYS],
}

/// The heaviest keys.
#[derive(Debug, Clone)]
pub struct Top<K> {
    sets: Vec<Set<K>>,
    /// Nobody else knows it, so that nobody can fill a set with keys that fall together.
    salt: u64,
    /// Sum of the weights.
    total: u64,
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

// === impl Set ===

impl<K: Key> Set<K> {
    /// The place of the lightest, or a free one, and its weight.
    #[inline]
    fn lightest(&self) -> (usize, u64) {
        let mut lightest = (0, self.weights[0]);
        for (way, weight) in self.weights.iter().enumerate().skip(1) {
            if *weight < lightest.1 {
                lightest = (way, *weight);
            }
        }
        lightest
    }

    fn held(&self) -> impl Iterator<Item = Weighed<K>> {
        let each = |way| Weighed { key: self.keys[way], weight: self.weights[way], error: self.errors[way] };
        (0..WAYS).map(each).filter(|held| held.weight > 0)
    }

    fn set(&mut self, way: usize, held: Weighed<K>) {
        (self.keys[way], self.weights[way], self.errors[way]) = (held.key, held.weight, held.error);
    }

    /// The same with each as `change` has it, at most eight, the heaviest.
    fn of(mut all: Vec<Weighed<K>>) -> Self {
        all.retain(|held| held.weight > 0);
        all.sort_unstable_by_key(|held| (std::cmp::Reverse(held.weight), held.key));
        let mut set = Self::default();
        all.iter().take(WAYS).enumerate().for_each(|(way, held)| set.set(way, *held));
        set
    }
}

impl<K: Key> Default for Set<K> {
    fn default() -> Self {
        Self { keys: [K::default(); WAYS], weights: [0; WAYS], errors: [0; WAYS] }
    }
}

// === impl Top ===

impl<K: Key> PartialEq for Top<K> {
    fn eq(&self, other: &Self) -> bool {
        self.heaviest(CAPACITY) == other.heaviest(CAPACITY)
    }
}

impl<K: Key> Top<K> {
    /// Nobody; `salt` is secret.
    #[must_use]
    pub fn new(salt: u64) -> Self {
        Self { sets: vec![Set::default(); SETS], salt, total: 0 }
    }

    /// Sum of the weights: of all that was added, and what halving has left of it.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// Sums the weights up anew.
    fn recount(&mut self) {
        let weights = self.sets.iter().flat_map(|set| set.weights);
        self.total = weights.fold(0, u64::saturating_add);
    }

    #[inline]
    fn set(&mut self, key: K) -> &mut Set<K> {
        &mut self.sets[place(key.hash(self.salt), SETS)]
    }

    /// Adds `weight` to `key`.
    #[inline]
    pub fn add(&mut self, key: K, weight: u64) {
        if weight == 0 {
            return;
        }
        self.total = self.total.saturating_add(weight);
        let set = self.set(key);
        for way in 0..WAYS {
            if set.keys[way] == key && set.weights[way] > 0 {
                set.weights[way] = set.weights[way].saturating_add(weight);
                return;
            }
        }
        let (way, error) = set.lightest();
        set.set(way, Weighed { key, weight: error.saturating_add(weight), error });
    }

    /// Counts everything half, as of long ago.
    pub fn halve(&mut self) {
        for set in &mut self.sets {
            let half =
                |held: Weighed<K>| Weighed { weight: held.weight / 2, error: held.error.div_ceil(2), ..held };
            let all = set.held().map(half).map(|held| Weighed { error: held.error.min(held.weight), ..held });
            *set = Set::of(all.collect());
        }
        self.recount();
    }

    /// The heaviest keys, at most `most`, the heaviest first.
    #[must_use]
    pub fn heaviest(&self, most: usize) -> Vec<Weighed<K>> {
        let mut held: Vec<Weighed<K>> = self.sets.iter().flat_map(Set::held).collect();
        held.sort_unstable_by_key(|held| (std::cmp::Reverse(held.weight), held.key));
        held.truncate(most);
        held
    }

    /// How much somebody may have moved who is not kept, in bytes.
    #[must_use]
    pub fn floor(&self) -> u64 {
        self.sets.iter().map(|set| set.lightest().1).max().unwrap_or(0)
    }

    /// Adds the weights of `other`, which has the same salt; what each may be too much by adds up.
    pub fn merge(&mut self, other: &Self) {
        for (own, theirs) in self.sets.iter_mut().zip(&other.sets) {
            let floors = [own.lightest().1, theirs.lightest().1];
            let of = |set: &Set<K>, key: K, floor: u64| {
                let missing = Weighed { key, weight: floor, error: floor };
                set.held().find(|held| held.key == key).unwrap_or(missing)
            };
            let mut keys: Vec<K> = own.held().chain(theirs.held()).map(|held| held.key).collect();
            keys.sort_unstable();
            keys.dedup();
            let all = keys.into_iter().map(|key| {
                let (one, two) = (of(own, key, floors[0]), of(theirs, key, floors[1]));
                let weight = one.weight.saturating_add(two.weight);
                Weighed { key, weight, error: one.error.saturating_add(two.error) }
            });
            *own = Set::of(all.collect());
        }
        self.recount();
    }

    /// Appends its bytes to `out`: a version, the number of keys, and each with its weight and error, the heaviest first.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let heaviest = self.heaviest(CAPACITY);
        out.push(VERSION);
        put(heaviest.len() as u64, out);
        for held in heaviest {
            held.key.put(out);
            put(held.weight, out);
            put(held.error, out);
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
        for _ in 0..take(bytes)? {
            let (key, weight, error) = (K::take(bytes)?, take(bytes)?, take(bytes)?);
            if weight == 0 || error > weight {
                return Err(DecodeError::Weight { weight });
            }
            let set = whole.set(key);
            let (way, taken) = set.lightest();
            if taken > 0 || set.held().any(|held| held.key == key) {
                return Err(DecodeError::Form);
            }
            set.set(way, Weighed { key, weight, error });
        }
        whole.recount();
        Ok(whole)
    }
}

impl<K> Top<K> {
    /// Memory that it takes, in bytes.
    pub const BYTES: usize = SETS * size_of::<Set<K>>();
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
        assert!(top.floor() <= sum / 300, "{} of {sum}", top.floor());
        let heaviest = top.heaviest(20);
        let mut keys: Vec<u64> = heaviest.iter().map(|held| held.key).collect();
        keys.sort_unstable();
        assert_eq!(keys, (0..20).collect::<Vec<_>>());
        for held in heaviest {
            let weight: u64 = (0..100_000)
                .map(|nth| nth * 10)
                .filter(|round| round / 10 % 20 == held.key)
                .map(|round| 50_000 + round % 1_000)
                .sum();
            assert!((held.weight - held.error..=held.weight).contains(&weight), "{held:?} of {weight}");
            assert!(held.error <= top.floor());
        }
    }

    proptest! {
        #[test]
        fn as_long_as_all_fit_weights_are_exact_whatever_the_order(
            adds in proptest::collection::vec((0..40_u32, 0..1_000_u64), 0..300), cut in 0..300_usize,
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
        fn merged_weights_are_off_by_no_more_than_they_say(
            adds in proptest::collection::vec((0..2_000_u64, 1..100_u64), 3_000..4_000),
        ) {
            let (mut one, mut other) = (Top::new(1), Top::new(1));
            for (nth, (key, weight)) in adds.iter().enumerate() {
                if nth % 3 == 0 { one.add(*key, *weight) } else { other.add(*key, *weight) }
            }
            one.merge(&other);
            for held in one.heaviest(CAPACITY) {
                let sum: u64 = adds.iter().filter(|(key, _)| *key == held.key).map(|(_, weight)| weight).sum();
                prop_assert!((held.weight - held.error..=held.weight).contains(&sum));
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
