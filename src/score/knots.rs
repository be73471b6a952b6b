//! What scoring remembers of a baseline between two folds: a handful of points on the tail of an entity's windows,
//! shrunk towards its peers', so that scoring a value is one logarithm and one straight line.
//!
//! The tail is `S(v) = (W(≥ v) + m·T(≥ v)) / (W + m)`: `W` is the weight of the entity's own windows, `T` the share of
//! its peers', and `m` the weight of [`PEER_WINDOWS`] windows now. The knots lie where it falls to 1, 1/2, 1/10, 1/100 and
//! 1/1000 (the last bucket at whose low edge it is still as large) and at the largest bucket that entity or peers have
//! seen. Between them log p is linear in log v, and beyond the last it goes on falling: see [`Knots::log10_p`].

pub mod logarithm;
mod mixture;

use super::decay::Moment;
use super::histogram::Compact;
use super::histogram::geometry::{bucket_high, bucket_low};
use super::pool::FrozenPool;
use crate::event::Usual;
use logarithm::{log10, log10_of};
use mixture::Mixture;

/// How many windows the peers' pool counts for beside an entity's own.
pub const PEER_WINDOWS: u32 = 10;
/// Fewest windows, of an entity and its peers together, from which there is a score.
pub const WINDOWS_MIN: u32 = 24;
/// Flattest that the tail goes on beyond the last knot, in decades of p per decade of value: that of a Pareto tail with
/// the heaviest variance that is still finite. What exceeds everything ever seen tenfold is a hundred times rarer.
pub const SLOPE_MIN: f32 = 2.0;
/// Steepest that the tail goes on beyond the last knot, in decades of p per decade of value.
pub const SLOPE_MAX: f32 = 6.0;
/// Buckets at most that have a knot at their low edge.
const EDGES: usize = 6;
/// Knots at most: one more at the high edge of the last bucket.
const KNOTS: usize = EDGES + 1;
/// Tails at which there is a knot, beside that of everything and that of the largest.
const TAILS: [f64; 4] = [0.001, 0.01, 0.1, 0.5];

/// The cached tail of one entity and feature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Knots {
    /// log10 of the knots' values, in ascending order; behind the last, and while neither the entity nor its peers have
    /// seen anything, infinity: what no value reaches. One more than there can be, so that all are compared at once.
    x: [f32; KNOTS + 1],
    /// log10 of the tail at or above each knot.
    y: [f32; KNOTS],
    /// Decades of p per decade of value up to the next knot, or beyond the last; never above 0.
    slope: [f32; KNOTS],
    /// Bucket of the median, of the 90th and 99th percentile, and of the largest.
    median: u16,
    p90: u16,
    p99: u16,
    max: u16,
    samples: u32,
    peer_samples: u32,
    /// Least log10 p that what was seen can carry.
    least: f32,
}

/// The score of a tail probability: `min(100, round(100 · (−log10 p) / 6))`, so 50 is one in a thousand.
#[must_use]
#[inline]
pub fn score_points(log10_p: f32) -> u8 {
    // A conversion to an integer saturates, and takes what is not a number for 0.
    ((log10_p * (-100.0 / 6.0) + 0.5) as u32).min(100) as u8
}

// === impl Knots ===

impl Default for Knots {
    fn default() -> Self {
        Self {
            x: [f32::INFINITY; KNOTS + 1],
            y: [f32::NEG_INFINITY; KNOTS],
            slope: [0.0; KNOTS],
            median: 0,
            p90: 0,
            p99: 0,
            max: 0,
            samples: 0,
            peer_samples: 0,
            least: 0.0,
        }
    }
}

impl Knots {
    /// The knots of `own` with `pending` folded in, in their order, beside `pool`, as of `now`.
    ///
    /// Costs nothing but arithmetic, except when more than 16 windows are pending or a landmark has been passed since
    /// `own` was touched: then a copy of it is made, so that the knots are the same as after folding.
    #[must_use]
    pub fn of(own: &Compact, pending: &[(u64, Moment)], pool: &FrozenPool, now: Moment) -> Self {
        let mut knots = Self::default();
        knots.tie(own, pending, pool, now);
        knots
    }

    /// Makes these the knots that [`Knots::of`] gives: in their place, because copying them takes as long as a good part
    /// of making them.
    pub(super) fn tie(&mut self, own: &Compact, pending: &[(u64, Moment)], pool: &FrozenPool, now: Moment) {
        *self = Self::default();
        if let Some(mixture) = Mixture::of(own, pending, pool, now) {
            return self.tie_along(&mixture, pool, now);
        }
        let mut folded = own.clone();
        for &(value, at) in pending {
            folded.record_at(value, at);
        }
        folded.advance(now.landmark);
        if let Some(mixture) = Mixture::of(&folded, &[], pool, now) {
            self.tie_along(&mixture, pool, now);
        }
    }

    /// log10 of the probability that a window is at least `value`: at most 0, and never rising with `value`.
    ///
    /// 0 up to the smallest value known; a straight line in (log value, log p) between two knots. Beyond the largest
    /// value known it goes on as it fell to there from the last higher knot at half that value or less (nearer knots
    /// lie as they do by chance), but no flatter than [`SLOPE_MIN`], so that more is always more surprising, and no steeper
    /// than [`SLOPE_MAX`] or twice the decades of windows seen, whichever is less: 6 % above a maximum is no surprise
    /// by itself, and a handful of equal windows do not make twice their value one in a million. With n windows seen,
    /// of the entity and its peers, it never falls below 1/(n + 1)²: an extrapolation is trusted for as many decades as
    /// what was seen reaches, so that nothing is one in a million on the first day.
    #[must_use]
    #[inline]
    pub fn log10_p(&self, value: u64) -> f32 {
        let x = log10_of(value);
        let after = self.x.iter().map(|knot| u32::from(*knot <= x)).sum::<u32>() as usize;
        let Some(nth) = after.checked_sub(1).filter(|nth| *nth < KNOTS) else { return 0.0 };
        let floor = self.y.get(after).copied().unwrap_or(f32::NEG_INFINITY);
        (self.y[nth] + self.slope[nth] * (x - self.x[nth])).max(floor).max(self.least)
    }

    /// The score of `value`, 0 to 100; see [`score_points`].
    #[must_use]
    #[inline]
    pub fn points(&self, value: u64) -> u8 {
        score_points(self.log10_p(value))
    }

    /// Below this value a window is more likely than one in ten, and scores at most 17: nothing to look at.
    #[must_use]
    #[inline]
    pub const fn unremarkable_below(&self) -> u64 {
        bucket_low(self.p90)
    }

    /// The smallest value that scores at least `points`, if any does.
    #[must_use]
    pub fn threshold(&self, points: u8) -> Option<u64> {
        if self.points(u64::MAX) < points {
            return None;
        }
        let (mut low, mut high) = (0, u64::MAX);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.points(middle) < points {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Some(low)
    }

    /// Whether `value` is larger than anything that the entity or its peers are remembered for, so that its probability
    /// is an extrapolation. The bucket of the largest still counts as known.
    #[must_use]
    pub const fn extrapolated(&self, value: u64) -> bool {
        value > bucket_high(self.max)
    }

    /// Whether entity and peers together have seen the [`WINDOWS_MIN`] windows that a score needs.
    #[must_use]
    #[inline]
    pub const fn enough(&self) -> bool {
        self.samples.saturating_add(self.peer_samples) >= WINDOWS_MIN
    }

    /// What is usual, for people: the highest values of the buckets of median, 99th percentile and maximum of the
    /// entity's windows shrunk towards its peers', and how many windows of either there are.
    #[must_use]
    pub const fn usual(&self) -> Usual {
        Usual {
            median: bucket_high(self.median),
            p99: bucket_high(self.p99),
            max: bucket_high(self.max),
            samples: self.samples,
            peer_samples: self.peer_samples,
        }
    }

    /// Reads the lines of the processor's cache that they lie on.
    #[inline]
    pub(super) fn warm(&self) -> u32 {
        self.x[0].to_bits() ^ self.slope[KNOTS - 1].to_bits() ^ self.samples
    }

    /// Sets what there is to set along `mixture`; everything is as by default before.
    fn tie_along(&mut self, mixture: &Mixture<'_>, pool: &FrozenPool, now: Moment) {
        let Some((first, last)) = mixture.range() else { return };
        let total = mixture.total();
        let mut points = [(first, total); EDGES];
        mixture.fall(last, &TAILS, |nth, bucket, weight| points[TAILS.len() - nth] = (bucket, weight));
        points[EDGES - 1] = (last, mixture.at_or_above(last));
        let samples = now.windows_exact(mixture.own_total(), mixture.landmark(now));
        let peer_samples = now.windows_exact(pool.total(), pool.landmark());
        let decades = log10(samples + peer_samples + 1.0);
        let log10_total = log10(total);
        [self.median, self.p90, self.p99] = [points[1].0, points[2].0, points[3].0];
        self.max = last;
        self.samples = (samples + 0.5) as u32;
        self.peer_samples = (peer_samples + 0.5) as u32;
        self.least = -2.0 * decades;
        let mut len = 0;
        let mut before = None;
        for (bucket, weight) in points {
            if before.replace(bucket) == Some(bucket) {
                continue;
            }
            // With n windows seen, nothing that was seen is rarer than one in n + 1.
            self.y[len] = (log10(weight) - log10_total).clamp(-decades, 0.0);
            self.x[len] = log10_of(bucket_low(bucket));
            len += 1;
        }
        // What shares the bucket of the largest is as likely as it.
        if bucket_high(last) > bucket_low(last) {
            self.y[len] = self.y[len - 1];
            self.x[len] = log10_of(bucket_high(last));
            len += 1;
        }
        self.join(len - 1, SLOPE_MAX.min(2.0 * decades).max(SLOPE_MIN));
    }

    /// Sets the slopes of the knots up to the `last`; beyond that the tail falls by no more than `steepest`.
    fn join(&mut self, last: usize, steepest: f32) {
        for nth in 0..last {
            self.slope[nth] = self.slope_between(nth, nth + 1);
        }
        let half = self.x[last] - std::f32::consts::LOG10_2;
        let mut higher = (0..last).rev().filter(|nth| self.y[*nth] > self.y[last]);
        let base = higher.clone().find(|nth| self.x[*nth] <= half).or(higher.next_back());
        self.slope[last] =
            base.map_or(-steepest, |base| self.slope_between(base, last).clamp(-steepest, -SLOPE_MIN));
    }

    /// The slope of the straight line from one knot to another.
    fn slope_between(&self, one: usize, other: usize) -> f32 {
        (self.y[other] - self.y[one]) / (self.x[other] - self.x[one])
    }
}

#[cfg(test)]
mod tests;
