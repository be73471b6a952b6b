//! What an entity's peers do: one `hdrhistogram` histogram per peer group and feature, and the frozen tail of it that
//! scoring reads.

use hdrhistogram::Histogram;

use super::decay::{Moment, decayed};
use crate::score::histogram::{
    DecodeError, Increments,
    geometry::{BUCKETS, bucket_high, bucket_low, bucket_of, dense},
    wire::{put_histogram, take_histogram},
};

/// The windows of all entities of a peer group, for one feature.
#[derive(Debug, Clone, PartialEq)]
pub struct Pool {
    histogram: Histogram<u64>,
    landmark: u32,
}

/// A pool as of one fold: how much of it lies at or above each bucket. Reading a tail is one index.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FrozenPool {
    /// Share of the weight at or above each bucket from the lowest to the highest: never rising.
    tail: Box<[f32]>,
    /// First and last bucket that hold something.
    lowest: u16,
    highest: u16,
    total: u64,
    landmark: u32,
}

// === impl Pool ===

impl Default for Pool {
    fn default() -> Self {
        Self { histogram: dense(), landmark: 0 }
    }
}

impl Pool {
    /// An empty pool.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what shards collected: in ascending order of landmark, moving on where one is later than the pool's own.
    pub fn add(&mut self, increments: &Increments) {
        for increment in increments.entries() {
            self.advance(increment.landmark);
            if self.is_empty() {
                self.landmark = increment.landmark;
            }
            let weight = decayed(increment.weight, self.landmark - increment.landmark);
            if weight > 0 {
                self.histogram.saturating_record_n(bucket_low(increment.bucket), weight);
            }
        }
    }

    /// Adds all that `other` holds: both move on to the later of their landmarks.
    pub fn merge(&mut self, other: &Self) {
        let mut other = other.clone();
        self.advance(other.landmark);
        other.advance(self.landmark);
        if self.is_empty() {
            self.landmark = other.landmark;
        }
        for (bucket, weight) in other.iter() {
            self.histogram.saturating_record_n(bucket_low(bucket), weight);
        }
    }

    /// Moves on to `landmark`: every weight is divided by 4 per landmark passed. Does nothing when it stands there or
    /// further on.
    pub fn advance(&mut self, landmark: u32) {
        if landmark <= self.landmark || self.is_empty() {
            return;
        }
        // The crate has no way to scale a histogram: what is left is recorded again.
        let mut histogram = dense();
        for step in self.histogram.iter_recorded() {
            let weight = decayed(step.count_at_value(), landmark - self.landmark);
            if weight > 0 {
                histogram.saturating_record_n(step.value_iterated_to(), weight);
            }
        }
        self.landmark = if histogram.is_empty() { 0 } else { landmark };
        self.histogram = histogram;
    }

    /// The landmark from which the weights count; 0 while empty.
    #[must_use]
    pub const fn landmark(&self) -> u32 {
        self.landmark
    }

    /// Sum of the weights.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.histogram.len()
    }

    /// Whether nothing is recorded, or all of it forgotten.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.histogram.is_empty()
    }

    /// The histogram itself.
    #[must_use]
    pub const fn histogram(&self) -> &Histogram<u64> {
        &self.histogram
    }

    /// The buckets that hold something, with their weights, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        self.histogram
            .iter_recorded()
            .map(|step| (bucket_of(step.value_iterated_to()), step.count_at_value()))
    }

    /// The pool as it is now, for reading: four bytes for each bucket from the lowest that holds something to the highest.
    #[must_use]
    pub fn freeze(&self) -> FrozenPool {
        let Some(lowest) = self.iter().next().map(|(bucket, _)| bucket) else { return FrozenPool::default() };
        let mut weights = [0_u64; BUCKETS];
        let mut highest = lowest;
        for (bucket, weight) in self.iter() {
            weights[usize::from(bucket)] = weight;
            highest = bucket;
        }
        let mut tail = vec![0.0; usize::from(highest - lowest) + 1].into_boxed_slice();
        let mut above = 0_u64;
        for (share, weight) in tail.iter_mut().zip(&weights[usize::from(lowest)..=usize::from(highest)]).rev()
        {
            above += weight;
            *share = (above as f64 / self.total() as f64) as f32;
        }
        FrozenPool { tail, lowest, highest, total: self.total(), landmark: self.landmark }
    }

    /// Appends its bytes to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_histogram(self.landmark, self.iter().count(), self.iter(), out);
    }

    /// Takes what [`Pool::encode`] wrote off the front of `bytes`.
    ///
    /// # Errors
    ///
    /// When they are not such bytes; `bytes` then stands somewhere inside them.
    pub fn decode(bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        let mut pool = Self::new();
        pool.landmark = take_histogram(bytes, u64::MAX, |bucket, weight| {
            pool.histogram.saturating_record_n(bucket_low(bucket), weight);
        })?;
        Ok(pool)
    }
}

// === impl FrozenPool ===

impl FrozenPool {
    /// Share of the weight at or above the bucket of `value`, 0 to 1.
    #[must_use]
    #[inline]
    pub fn tail(&self, value: u64) -> f32 {
        self.tail_from(bucket_of(value))
    }

    /// Share of the weight at or above `bucket`, 0 to 1; 0 beyond the last bucket.
    #[must_use]
    #[inline]
    pub fn tail_from(&self, bucket: u16) -> f32 {
        let place = usize::from(bucket.saturating_sub(self.lowest));
        self.tail.get(place).copied().unwrap_or(0.0)
    }

    /// The first and the last bucket that hold something.
    #[must_use]
    pub const fn range(&self) -> Option<(u16, u16)> {
        if self.is_empty() { None } else { Some((self.lowest, self.highest)) }
    }

    /// The highest value of the last bucket that holds something; 0 while empty.
    #[must_use]
    pub const fn max(&self) -> u64 {
        if self.is_empty() { 0 } else { bucket_high(self.highest) }
    }

    /// Sum of the weights.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// The landmark from which the weights count.
    #[must_use]
    pub const fn landmark(&self) -> u32 {
        self.landmark
    }

    /// Whether the pool held nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// How many windows as of `now` would weigh as much: the decayed number of samples.
    #[must_use]
    pub fn windows(&self, now: Moment) -> u32 {
        now.windows(self.total, self.landmark)
    }

    /// The last bucket in `first..end` whose tail is at least `share`.
    #[inline]
    pub(crate) fn last_at_least(&self, first: u16, end: u16, share: f32) -> Option<u16> {
        if first >= end {
            return None;
        }
        if share <= 0.0 {
            return Some(end - 1);
        }
        // Everything lies at or above the lowest, and nothing above the highest: what is left is short.
        let known = self.tail.partition_point(|tail| *tail >= share) as u16;
        let last = self.lowest + known.checked_sub(1)?;
        (last >= first).then(|| last.min(end - 1))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::score::histogram::Compact;

    fn windows() -> impl Strategy<Value = Vec<(u64, Moment)>> {
        let value = (0_u32..41, 0_u64..1 << 41).prop_map(|(shift, value)| value >> shift);
        vec(
            (value, (0_u32..3, 16_u32..5000).prop_map(|(landmark, weight)| Moment { landmark, weight })),
            0..100,
        )
    }

    fn pool(windows: &[(u64, Moment)]) -> Pool {
        let mut increments = Increments::new();
        for &(value, moment) in windows {
            increments.record_at(value, moment);
        }
        let mut pool = Pool::new();
        pool.add(&increments);
        pool
    }

    #[test]
    fn an_empty_pool_has_no_tail() {
        let frozen = Pool::new().freeze();
        assert_eq!(frozen, FrozenPool::default());
        assert_eq!((frozen.tail(0), frozen.max(), frozen.range()), (0.0, 0, None));
    }

    #[test]
    fn an_earlier_landmark_adds_what_is_left_of_its_weight() {
        let mut pool = pool(&[(100, Moment { landmark: 6, weight: 40 })]);
        let mut late = Increments::new();
        late.record_at(100, Moment { landmark: 5, weight: 64 });
        late.record_at(500, Moment { landmark: 1, weight: 64 });
        pool.add(&late);
        assert_eq!((pool.landmark(), pool.total()), (6, 40 + 16));
        pool.advance(7);
        assert_eq!((pool.landmark(), pool.total()), (7, 14));
        pool.advance(10);
        assert_eq!(pool, Pool::new());
    }

    proptest! {
        #[test]
        fn a_frozen_tail_is_the_share_at_or_above(windows in windows(), probe in 0_u64..1 << 42) {
            let pool = pool(&windows);
            let frozen = pool.freeze();
            for value in windows.iter().map(|window| window.0).chain([probe, 0, u64::MAX]) {
                let above = pool.histogram().count_between(value, u64::MAX) as f64;
                let share = above / pool.total().max(1) as f64;
                prop_assert!((f64::from(frozen.tail(value)) - share).abs() < 1e-6);
            }
            for (first, end) in [(0, BUCKETS as u16), (bucket_of(probe), BUCKETS as u16), (0, bucket_of(probe) + 1)] {
                for share in [-0.5, 0.0, 1e-9, 0.01, 0.5, 1.0, 1.5] {
                    let last = (first..end).rev().find(|bucket| frozen.tail_from(*bucket) >= share);
                    prop_assert_eq!(frozen.last_at_least(first, end, share), last);
                }
            }
            prop_assert_eq!(frozen.max(), pool.histogram().max());
            prop_assert_eq!(frozen.total(), pool.histogram().len());
            prop_assert!((0..BUCKETS as u16 - 1).all(|at| frozen.tail_from(at) >= frozen.tail_from(at + 1)));
        }

        #[test]
        fn a_pool_decays_as_an_entity_does(windows in windows(), steps in 0_u32..4) {
            let mut pool = pool(&windows);
            let mut compact = Compact::from_hdr(pool.histogram(), pool.landmark());
            let landmark = pool.landmark() + steps;
            pool.advance(landmark);
            compact.advance(landmark);
            prop_assert_eq!(Compact::from_hdr(pool.histogram(), pool.landmark()), compact);
        }

        #[test]
        fn what_is_encoded_comes_back(windows in windows(), place in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let pool = pool(&windows);
            let mut bytes = Vec::new();
            pool.encode(&mut bytes);
            let again = Pool::decode(&mut &bytes[..]).unwrap();
            prop_assert_eq!(again.freeze(), pool.freeze());
            let mut twice = Vec::new();
            again.encode(&mut twice);
            prop_assert_eq!(&twice, &bytes);
            let place = place.index(bytes.len());
            bytes[place] = byte;
            // Whatever it says, it says it without a panic.
            let _ = Pool::decode(&mut &bytes[..]);
        }
    }
}
