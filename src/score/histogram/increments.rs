//! What a shard has for a pool while a window folds: weights that add up to the same, in whatever order they come.

use super::{
    DecodeError,
    geometry::{BUCKETS, bucket_of},
    wire::{put, take},
};
use crate::score::usual::decay::Moment;

/// Weights for a pool, by landmark and bucket. Adding and merging commute and associate exactly.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Increments {
    /// Ascending by landmark and bucket, without a weight of 0.
    entries: Vec<Increment>,
}

/// A weight to add.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Increment {
    /// The landmark from which the weight counts.
    pub landmark: u32,
    /// The bucket it belongs in.
    pub bucket: u16,
    /// How much.
    pub weight: u64,
}

// === impl Increments ===

impl Increments {
    /// Nothing to add.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// Adds a window with `value` as of `moment`.
    pub fn record_at(&mut self, value: u64, moment: Moment) {
        self.record_bucket_at(bucket_of(value), moment);
    }

    /// The same for a value in `bucket`.
    pub fn record_bucket_at(&mut self, bucket: u16, moment: Moment) {
        self.add(Increment { landmark: moment.landmark, bucket, weight: u64::from(moment.weight) });
    }

    /// The same for as many values in each bucket as `counts` has there.
    pub fn record_all_at(&mut self, counts: &[u32; BUCKETS], moment: Moment) {
        for (bucket, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let weight = u64::from(moment.weight) * u64::from(*count);
            self.add(Increment { landmark: moment.landmark, bucket: bucket as u16, weight });
        }
    }

    /// Adds what `other` holds.
    pub fn merge(&mut self, other: &Self) {
        for &increment in &other.entries {
            self.add(increment);
        }
    }

    /// What there is to add, ascending by landmark and bucket.
    #[must_use]
    pub fn entries(&self) -> &[Increment] {
        &self.entries
    }

    /// Whether there is nothing to add.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// Appends its bytes to `out`: how many, and each as landmark, bucket and weight.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put(self.entries.len() as u64, out);
        for Increment { landmark, bucket, weight } in &self.entries {
            [u64::from(*landmark), u64::from(*bucket), *weight]
                .into_iter()
                .for_each(|number| put(number, out));
        }
    }

    /// Takes what [`Increments::encode`] wrote off the front of `bytes`.
    ///
    /// # Errors
    ///
    /// When they are not such bytes; `bytes` then stands somewhere inside them.
    pub fn decode(bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        let mut increments = Self::new();
        for _ in 0..take(bytes)? {
            let landmark = u32::try_from(take(bytes)?).map_err(|_| DecodeError::Number)?;
            let place = take(bytes)?;
            if place >= BUCKETS as u64 {
                return Err(DecodeError::Place { place });
            }
            increments.add(Increment { landmark, bucket: place as u16, weight: take(bytes)? });
        }
        Ok(increments)
    }

    fn add(&mut self, increment: Increment) {
        if increment.weight == 0 {
            return;
        }
        let key = (increment.landmark, increment.bucket);
        match self.entries.binary_search_by_key(&key, |entry| (entry.landmark, entry.bucket)) {
            Ok(place) => {
                let entry = &mut self.entries[place];
                entry.weight = entry.weight.saturating_add(increment.weight);
            }
            Err(place) => self.entries.insert(place, increment),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn collect(windows: &[(u64, u32, u32)]) -> Increments {
        let mut increments = Increments::new();
        for &(value, landmark, weight) in windows {
            increments.record_at(value, Moment { landmark, weight });
        }
        increments
    }

    #[test]
    fn cleared_increments_add_nothing() {
        let mut increments = collect(&[(1, 0, 16), (9, 1, 0)]);
        assert_eq!(increments.entries().len(), 1);
        increments.clear();
        assert!(increments.is_empty());
    }

    proptest! {
        #[test]
        fn values_counted_by_bucket_add_what_they_add_one_by_one(
            buckets in vec(0_u16..BUCKETS as u16, 0..200), before in vec((0_u64..1 << 41, 0_u32..3, 0_u32..5000), 0..9),
            landmark in 0_u32..3, weight in 0_u32..5000,
        ) {
            let moment = Moment { landmark, weight };
            let (mut counted, mut one_by_one) = (collect(&before), collect(&before));
            let mut counts = [0; BUCKETS];
            for bucket in buckets {
                counts[usize::from(bucket)] += 1;
                one_by_one.record_bucket_at(bucket, moment);
            }
            counted.record_all_at(&counts, moment);
            prop_assert_eq!(counted, one_by_one);
        }

        #[test]
        fn however_windows_are_spread_over_shards_their_increments_merge_to_the_same(
            windows in vec((0_u64..1 << 41, 0_u32..3, 0_u32..5000), 0..60).prop_shuffle(), cuts in (0_usize..60, 0_usize..60),
        ) {
            let (one, two) = (cuts.0.min(cuts.1).min(windows.len()), cuts.0.max(cuts.1).min(windows.len()));
            let parts = [collect(&windows[..one]), collect(&windows[one..two]), collect(&windows[two..])];
            let mut forwards = parts[0].clone();
            forwards.merge(&parts[1]);
            forwards.merge(&parts[2]);
            let mut backwards = parts[2].clone();
            let mut inner = parts[1].clone();
            inner.merge(&parts[0]);
            backwards.merge(&inner);
            prop_assert_eq!(&forwards, &backwards);
            prop_assert_eq!(&forwards, &collect(&windows));
            let mut bytes = Vec::new();
            forwards.encode(&mut bytes);
            prop_assert_eq!(Increments::decode(&mut &bytes[..]), Ok(forwards));
            prop_assert!(Increments::decode(&mut &bytes[..bytes.len() - 1]).is_err());
        }
    }
}
