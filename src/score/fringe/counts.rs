//! How often somebody has come in a window: a Count-Min sketch (Cormode, Muthukrishnan, J. Algorithms 2005).
//!
//! Every counter of a key goes up, not only the lowest: that overestimates a little more than the conservative update
//! does, and keeps the sketch a sum, so that order and merging do not matter. Counters of 16 bits stop at their maximum.

use crate::score::{
    histogram::{
        DecodeError,
        wire::{VERSION, put, take, take_version},
    },
    sketch::mixer::place,
};

/// Counters of a key.
pub(super) const ROWS: usize = 4;
/// How often somebody must come who is to get a record, while nobody else does.
const OFTEN: u32 = 3;

/// Counts by key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountMin {
    counters: Vec<u16>,
    /// Sum of everything that was added.
    total: u64,
}

// === impl CountMin ===

impl CountMin {
    /// Nothing counted, `width` counters a row, at least one.
    #[must_use]
    pub fn new(width: usize) -> Self {
        Self { counters: vec![0; ROWS * width.max(1)], total: 0 }
    }

    /// Memory of rows of `width` counters, in bytes.
    #[must_use]
    pub const fn bytes_of(width: usize) -> usize {
        ROWS * width * size_of::<u16>()
    }

    /// Forgets everything and keeps the room.
    pub fn clear(&mut self) {
        if self.total > 0 {
            self.counters.fill(0);
            self.total = 0;
        }
    }

    /// The places of a key's counters.
    #[inline]
    fn places(&self, hash: u64) -> [usize; ROWS] {
        let width = self.counters.len() / ROWS;
        let mixed = super::again(hash);
        let one = (mixed >> 32) as u32;
        // Odd, so that the four places are those of four hashes (Kirsch, Mitzenmacher, ESA 2006).
        let step = mixed as u32 | 1;
        std::array::from_fn(|row| {
            let hash = one.wrapping_add(step.wrapping_mul(row as u32));
            row * width + place(hash, width)
        })
    }

    /// Reads the counters of `hash`, so that the memory of several keys is fetched side by side.
    #[inline]
    #[must_use]
    pub fn warm(&self, hash: u64) -> u16 {
        self.places(hash).iter().fold(0, |read, place| read ^ self.counters[*place])
    }

    /// Adds one to `hash`, and estimates how often it was added: never fewer times than it was.
    #[inline]
    pub fn add(&mut self, hash: u64) -> u32 {
        self.total = self.total.saturating_add(1);
        let mut least = u16::MAX;
        for place in self.places(hash) {
            let counter = &mut self.counters[place];
            *counter = counter.saturating_add(1);
            least = least.min(*counter);
        }
        least.into()
    }

    /// How often `hash` was added, or more.
    #[must_use]
    pub fn estimate(&self, hash: u64) -> u32 {
        self.places(hash).into_iter().map(|place| self.counters[place]).min().unwrap_or(0).into()
    }

    /// From which estimate on somebody has come often: three times, and what the others have added to the counters on
    /// average, λ, with one standard deviation √λ. The least of four counters exceeds that by chance in fewer than four
    /// cases of a thousand.
    #[inline]
    #[must_use]
    pub fn often(&self) -> u32 {
        let width = self.counters.len() as u64 / ROWS as u64;
        if self.total < width / 64 {
            return OFTEN;
        }
        let mean = self.total as f64 / width as f64;
        OFTEN.saturating_add((mean + mean.sqrt()) as u32)
    }

    /// Sum of everything that was added.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// Adds what `other`, of the same width, has counted.
    pub fn merge(&mut self, other: &Self) {
        self.total = self.total.saturating_add(other.total);
        for (own, theirs) in self.counters.iter_mut().zip(&other.counters) {
            *own = own.saturating_add(*theirs);
        }
    }

    /// Appends its bytes to `out`: a version, the sum, how many counters are above 0, and each as its distance from the
    /// one before and its count.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        put(self.total, out);
        put(self.counters.iter().filter(|counter| **counter > 0).count() as u64, out);
        let mut next = 0;
        for (place, counter) in self.counters.iter().enumerate().filter(|(_, counter)| **counter > 0) {
            put((place - next) as u64, out);
            put((*counter).into(), out);
            next = place + 1;
        }
    }

    /// Takes what [`CountMin::encode`] wrote off the front of `bytes`, for rows of `width` counters.
    ///
    /// # Errors
    ///
    /// When they are not such bytes; `bytes` then stands somewhere inside them.
    pub fn decode(width: usize, bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        take_version(bytes)?;
        let mut whole = Self::new(width);
        whole.total = take(bytes)?;
        let mut next = 0_u64;
        for _ in 0..take(bytes)? {
            let place = next.saturating_add(take(bytes)?);
            let weight = take(bytes)?;
            let count = u16::try_from(weight).ok().filter(|count| *count > 0);
            let counter = usize::try_from(place).ok().and_then(|place| whole.counters.get_mut(place));
            *counter.ok_or(DecodeError::Place { place })? = count.ok_or(DecodeError::Weight { weight })?;
            next = place + 1;
        }
        Ok(whole)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::score::sketch::mixer::Mixer;

    fn hash(nth: u64) -> u64 {
        Mixer::new([1; 16], "counts").of(nth)
    }

    #[test]
    fn a_flood_of_strangers_raises_the_bar_so_that_few_of_them_pass_it() {
        for strangers in [1_000_u64, 4_000, 40_000, 400_000, 4_000_000] {
            let mut counts = CountMin::new(4_096);
            let passed = (0..strangers).filter(|nth| counts.add(hash(*nth)) >= counts.often()).count();
            assert!(passed as u64 * 250 < strangers.max(4_000), "{passed} of {strangers}");
            let regular = hash(u64::MAX);
            let needed = counts.often();
            let came = (1..).find(|_| counts.add(regular) >= counts.often()).unwrap();
            assert!(came <= needed + 1, "{came} of {needed} among {strangers}");
        }
    }

    #[test]
    fn three_times_is_often_while_there_are_few() {
        let mut counts = CountMin::new(4_096);
        assert!((0..500).all(|nth| counts.add(hash(nth)) < counts.often()));
        assert!((0..500).all(|nth| counts.add(hash(nth)) < counts.often()));
        assert!((0..500).all(|nth| counts.add(hash(nth)) >= 3));
    }

    proptest! {
        #[test]
        fn it_is_a_sum_whatever_the_order_and_comes_back_from_its_bytes(
            keys in proptest::collection::vec(0..50_u64, 0..300), cut in 0..300_usize,
        ) {
            let of = |keys: &[u64]| {
                let mut counts = CountMin::new(64);
                keys.iter().rev().for_each(|key| { counts.add(hash(*key)); });
                counts
            };
            let cut = cut.min(keys.len());
            let mut whole = CountMin::new(64);
            keys.iter().for_each(|key| { whole.add(hash(*key)); });
            let mut merged = of(&keys[cut..]);
            merged.merge(&of(&keys[..cut]));
            prop_assert_eq!(&merged, &whole);
            for key in &keys {
                let true_count = keys.iter().filter(|other| *other == key).count();
                prop_assert!(whole.estimate(hash(*key)) as usize >= true_count);
            }
            let mut bytes = Vec::new();
            whole.encode(&mut bytes);
            let mut rest = &bytes[..];
            prop_assert_eq!(CountMin::decode(64, &mut rest).unwrap(), whole);
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn any_bytes_make_counts_or_an_error(mut bytes: Vec<u8>) {
            bytes.insert(0, VERSION);
            let _ = CountMin::decode(16, &mut &bytes[..]);
        }
    }
}
