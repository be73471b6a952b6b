//! An entity's histogram of one feature: the buckets that hold something, six bytes each, and nothing else.

use hdrhistogram::Histogram;

use super::DecodeError;
use super::geometry::{LAST, bucket_high, bucket_low, bucket_mid, bucket_of, dense};
use super::wire::{put_histogram, take_histogram};
use crate::score::usual::decay::{Moment, decayed};

/// A histogram that keeps only the buckets with weight, in ascending order, and the landmark its weights count from.
///
/// It says what a `hdrhistogram` histogram of the same geometry says, and turns into one and back without loss.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Compact {
    buckets: Vec<Bucket>,
    total: u64,
    landmark: u32,
}

/// A bucket and its weight, low half first: three halves of a word, so that nothing is lost to alignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bucket([u16; 3]);

// === impl Bucket ===

impl Bucket {
    const fn new(bucket: u16, weight: u32) -> Self {
        Self([bucket, weight as u16, (weight >> 16) as u16])
    }

    const fn bucket(self) -> u16 {
        self.0[0]
    }

    const fn weight(self) -> u32 {
        self.0[1] as u32 | (self.0[2] as u32) << 16
    }
}

// === impl Compact ===

impl Compact {
    /// An empty histogram.
    #[must_use]
    pub const fn new() -> Self {
        Self { buckets: Vec::new(), total: 0, landmark: 0 }
    }

    /// Records `value` as of `moment`: moves on to its landmark if that is later, and takes what is left of its weight
    /// if it is earlier.
    pub fn record_at(&mut self, value: u64, moment: Moment) {
        self.record_bucket_at(bucket_of(value), moment);
    }

    /// The same for a value in `bucket`.
    pub fn record_bucket_at(&mut self, bucket: u16, moment: Moment) {
        if moment.weight == 0 {
            return;
        }
        self.advance(moment.landmark);
        if self.is_empty() {
            self.landmark = moment.landmark;
        }
        self.record_bucket(bucket, u32::try_from(moment.weight_from(self.landmark)).unwrap_or(u32::MAX));
    }

    /// Adds `weight`, as of the histogram's own landmark, to the bucket of `value`. A bucket holds at most 2^32 − 1.
    pub fn record(&mut self, value: u64, weight: u32) {
        self.record_bucket(bucket_of(value), weight);
    }

    fn record_bucket(&mut self, bucket: u16, weight: u32) {
        if weight == 0 {
            return;
        }
        match self.buckets.binary_search_by_key(&bucket, |entry| entry.bucket()) {
            Ok(place) => {
                let before = self.buckets[place].weight();
                let after = before.saturating_add(weight);
                self.buckets[place] = Bucket::new(bucket, after);
                self.total += u64::from(after - before);
            }
            Err(place) => {
                if self.buckets.len() == self.buckets.capacity() {
                    // A quarter more, not twice as much: there are many of these, and most stand still.
                    self.buckets.reserve_exact(4.max(self.buckets.len() / 4));
                }
                self.buckets.insert(place, Bucket::new(bucket, weight));
                self.total += u64::from(weight);
            }
        }
    }

    /// Makes it hold `falling`, buckets with their weights in descending order, as of `landmark`.
    pub(super) fn refill(&mut self, landmark: u32, falling: impl Iterator<Item = (u16, u32)>) {
        self.buckets.clear();
        self.buckets.extend(falling.map(|(bucket, weight)| Bucket::new(bucket, weight)));
        self.buckets.reverse();
        self.total = self.buckets.iter().map(|entry| u64::from(entry.weight())).sum();
        self.landmark = if self.total == 0 { 0 } else { landmark };
    }

    /// Adds all that `other` holds: both move on to the later of their landmarks.
    pub fn merge(&mut self, other: &Self) {
        let mut other = other.clone();
        self.advance(other.landmark);
        other.advance(self.landmark);
        if self.is_empty() {
            self.landmark = other.landmark;
        }
        other.buckets.iter().for_each(|entry| self.record_bucket(entry.bucket(), entry.weight()));
    }

    /// A histogram as of `landmark` with these buckets and their weights; what is beyond the last bucket counts as there.
    pub fn of_buckets(landmark: u32, buckets: impl IntoIterator<Item = (u16, u32)>) -> Self {
        let mut compact = Self::new();
        buckets.into_iter().for_each(|(bucket, weight)| compact.record_bucket(bucket.min(LAST), weight));
        compact.landmark = if compact.is_empty() { 0 } else { landmark };
        compact
    }

    /// Moves on to `landmark`: every weight is divided by 4 per landmark passed, and buckets left with nothing go.
    /// Does nothing when it stands there or further on.
    pub fn advance(&mut self, landmark: u32) {
        if landmark <= self.landmark || self.is_empty() {
            return;
        }
        let steps = landmark - self.landmark;
        let mut total = 0;
        self.buckets.retain_mut(|entry| {
            let weight = decayed(u64::from(entry.weight()), steps) as u32;
            *entry = Bucket::new(entry.bucket(), weight);
            total += u64::from(weight);
            weight > 0
        });
        self.total = total;
        self.landmark = if total == 0 { 0 } else { landmark };
    }

    /// The landmark from which the weights count; 0 while empty.
    #[must_use]
    pub const fn landmark(&self) -> u32 {
        self.landmark
    }

    /// Sum of the weights.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// Whether nothing is recorded, or all of it forgotten.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// How many windows as of `now` would weigh as much: the decayed number of samples.
    #[must_use]
    pub fn windows(&self, now: Moment) -> u32 {
        now.windows(self.total, self.landmark)
    }

    /// Weight of the buckets from that of `value` up.
    #[must_use]
    pub fn at_or_above(&self, value: u64) -> u64 {
        let bucket = bucket_of(value);
        self.buckets
            .iter()
            .rev()
            .take_while(|entry| entry.bucket() >= bucket)
            .map(|entry| u64::from(entry.weight()))
            .sum()
    }

    /// The buckets that hold something, with their weights, in ascending order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (u16, u32)> + ExactSizeIterator + Clone + '_ {
        self.buckets.iter().map(|entry| (entry.bucket(), entry.weight()))
    }

    /// The highest value of the bucket in which the fraction `quantile` of the weight, counted from below, is reached
    /// (for 0, the lowest of the first); 0 while empty. What `hdrhistogram` answers.
    #[must_use]
    pub fn value_at_quantile(&self, quantile: f64) -> u64 {
        let wanted = ((quantile.clamp(0.0, 1.0) * self.total as f64).ceil() as u64).max(1);
        let mut below = 0;
        let reached = self.iter().find(|&(_, weight)| {
            below += u64::from(weight);
            below >= wanted
        });
        match reached {
            Some((bucket, _)) if quantile > 0.0 => bucket_high(bucket),
            Some((bucket, _)) => bucket_low(bucket),
            None => 0,
        }
    }

    /// Mean, from the middles of the buckets; 0 while empty.
    #[must_use]
    pub fn mean(&self) -> f64 {
        if self.is_empty() {
            return 0.0;
        }
        let sum: f64 =
            self.iter().map(|(bucket, weight)| bucket_mid(bucket) as f64 * f64::from(weight)).sum();
        sum / self.total as f64
    }

    /// Standard deviation of the whole, from the middles of the buckets; 0 while empty.
    #[must_use]
    pub fn std(&self) -> f64 {
        if self.is_empty() {
            return 0.0;
        }
        let mean = self.mean();
        let squares = |(bucket, weight)| {
            let off = bucket_mid(bucket) as f64 - mean;
            off * off * f64::from(weight)
        };
        (self.iter().map(squares).sum::<f64>() / self.total as f64).sqrt()
    }

    /// Memory held, in bytes.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        size_of::<Self>() + self.buckets.capacity() * size_of::<Bucket>()
    }

    /// The same as a `hdrhistogram` histogram.
    #[must_use]
    pub fn to_hdr(&self) -> Histogram<u64> {
        let mut histogram = dense();
        for (bucket, weight) in self.iter() {
            histogram.saturating_record_n(bucket_high(bucket), u64::from(weight));
        }
        histogram
    }

    /// What `histogram` holds, as of `landmark`. Lossless when its geometry is ours and no bucket holds 2^32 or more.
    #[must_use]
    pub fn from_hdr(histogram: &Histogram<u64>, landmark: u32) -> Self {
        let mut compact = Self::new();
        for step in histogram.iter_recorded() {
            let weight = u32::try_from(step.count_at_value()).unwrap_or(u32::MAX);
            compact.record(step.value_iterated_to(), weight);
        }
        compact.landmark = if compact.is_empty() { 0 } else { landmark };
        compact
    }

    /// Appends its bytes to `out`: about two and a half per bucket.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let buckets = self.iter().map(|(bucket, weight)| (bucket, u64::from(weight)));
        put_histogram(self.landmark, self.buckets.len(), buckets, out);
    }

    /// Takes what [`Compact::encode`] wrote off the front of `bytes`.
    ///
    /// # Errors
    ///
    /// When they are not such bytes; `bytes` then stands somewhere inside them.
    pub fn decode(bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        let mut compact = Self::new();
        compact.landmark = take_histogram(bytes, u64::from(u32::MAX), |bucket, weight| {
            compact.buckets.push(Bucket::new(bucket, weight as u32));
            compact.total += weight;
        })?;
        compact.buckets.shrink_to_fit();
        Ok(compact)
    }
}

#[cfg(test)]
mod tests;
