//! What scoring remembers of a baseline between two epochs: a handful of points on the tail of an entity's windows,
//! shrunk towards its peers', so that scoring a value is one straight line.
//!
//! The tail is `S(v) = (W(≥ v) + m·T(≥ v)) / (W + m)`: `W` is the weight of the entity's own windows, `T` the share of
//! its peers', and `m` the weight of [`PEER_WINDOWS`] windows now. The knots lie where it falls to 1, 1/2, 1/10, 1/100 and
//! 1/1000 (the last bucket at whose low edge it is still as large) and at the largest bucket that entity or peers have
//! seen. Between them log p is linear in log v, and beyond the last it goes on falling: see [`Knots::log10_p`]. A value
//! is judged by its bucket, as if it lay at the low edge: it then needs no logarithm, and knots take 26 bytes. What was
//! learned lies in coarse buckets, so that a knot stands at the lower of the two buckets that are kept as one; what is judged
//! lies in fine ones, so that of two values in one coarse bucket the larger is the more surprising.

pub mod logarithm;
mod mixture;

use super::decay::Moment;
use crate::{
    event::{Maturity, Usual},
    score::histogram::{
        Packed,
        geometry::{BUCKETS, bucket_high, bucket_low, bucket_of, coarse, lower_of},
        packed::Series,
    },
};

use super::pool::FrozenPool;
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
/// Knots: at everything, at the tails below, and at the largest.
const KNOTS: usize = 6;
/// Tails at which there is a knot, beside that of everything and that of the largest.
const TAILS: [f64; 4] = [0.001, 0.01, 0.1, 0.5];
/// Places of the knots at the median, the 90th and the 99th percentile, and the largest.
const MEDIAN: usize = 1;
const P90: usize = 2;
const P99: usize = 3;
const MAX: usize = 5;
/// The bucket of a knot while there is none: beyond the last.
const NOWHERE: u16 = u16::MAX;
/// Units of log10 p, and of slopes, in a decade: a sixtieth of a point of score.
const UNITS: f32 = 1_024.0;
/// log10 of the low and of the high edge of every bucket.
static LOW: [f32; BUCKETS] = edges(false);
static HIGH: [f32; BUCKETS] = edges(true);

/// The cached tail of one entity and feature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Knots {
    /// The knots' buckets, in ascending order; tails that are so close that they share a bucket share its knot.
    x: [u16; KNOTS],
    /// log10 of the tail at or above each knot, in [`UNITS`].
    y: [i16; KNOTS],
    /// Decades of p per decade of value beyond the last knot, in [`UNITS`]; below 0.
    slope: i16,
}

/// How much knots were tied from.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Seen {
    /// The entity's own windows, decayed.
    pub samples: u32,
    /// Its peers' windows, decayed.
    pub peer_samples: u32,
    /// Least log10 p that so many windows can carry.
    pub least: f32,
    /// How far the entity's own past may be trusted.
    pub maturity: Maturity,
    /// Whether the peers are so young that every window is learned: beside what was counted, where there is room for it.
    pub learns_all: bool,
}

/// The score of a tail probability: `min(100, round(100 · (−log10 p) / 6))`, so 50 is one in a thousand.
#[must_use]
#[inline]
pub fn score_points(log10_p: f32) -> u8 {
    // A conversion to an integer saturates, and takes what is not a number for 0.
    ((log10_p * (-100.0 / 6.0) + 0.5) as u32).min(100) as u8
}

const fn edges(high: bool) -> [f32; BUCKETS] {
    let mut edges = [0.0; BUCKETS];
    let mut bucket = 0;
    while bucket < BUCKETS {
        let edge = if high { bucket_high(bucket as u16) } else { bucket_low(bucket as u16) };
        edges[bucket] = log10_of(edge);
        bucket += 1;
    }
    edges
}

// === impl Seen ===

impl Seen {
    /// Whether entity and peers together have seen the [`WINDOWS_MIN`] windows that a score needs.
    #[must_use]
    #[inline]
    pub const fn enough(&self) -> bool {
        self.samples.saturating_add(self.peer_samples) >= WINDOWS_MIN
    }
}

// === impl Knots ===

impl Default for Knots {
    fn default() -> Self {
        Self { x: [NOWHERE; KNOTS], y: [0; KNOTS], slope: 0 }
    }
}

impl Knots {
    /// The knots of `own` with `pending` folded in, in their order, beside `pool`, as of `now`; and how much that is.
    ///
    /// Costs nothing but arithmetic, except when more than 16 windows are pending or a landmark has been passed since
    /// `own` was touched: then a copy of it is made, so that the knots are the same as after folding.
    #[must_use]
    pub fn of(own: Series<'_>, pending: &[(u16, Moment)], pool: &FrozenPool, now: Moment) -> (Self, Seen) {
        if let Some(mixture) = Mixture::of(own, pending, pool, now) {
            return Self::along(&mixture, pool, now);
        }
        let mut folded = Packed::new();
        folded.change(1, |_, loose| {
            own.unpack(loose);
            pending.iter().for_each(|(bucket, at)| loose.record_bucket_at(*bucket, *at));
            loose.advance(now.landmark);
        });
        Mixture::of(folded.nth(0), &[], pool, now)
            .map_or_else(Default::default, |mixture| Self::along(&mixture, pool, now))
    }

    /// log10 of the probability that a window's value lies in `bucket` or above, where as much was seen as `least` can
    /// carry: at most 0, and never rising with `bucket`.
    ///
    /// 0 up to the smallest bucket known; a straight line in (log value, log p) between two knots. Beyond the largest
    /// bucket known it goes on as it fell to there from the last higher knot at half that value or less (nearer knots
    /// lie as they do by chance), but no flatter than [`SLOPE_MIN`], so that more is always more surprising, and no steeper
    /// than [`SLOPE_MAX`] or twice the decades of windows seen, whichever is less: 6 % above a maximum is no surprise
    /// by itself, and a handful of equal windows do not make twice their value one in a million. With n windows seen,
    /// of the entity and its peers, it never falls below 1/(n + 1)²: an extrapolation is trusted for as many decades as
    /// what was seen reaches, so that nothing is one in a million on the first day.
    #[must_use]
    #[inline]
    pub fn log10_p(&self, bucket: u16, least: f32) -> f32 {
        let after = self.x.iter().map(|knot| u32::from(*knot <= bucket)).sum::<u32>() as usize;
        let Some(nth) = after.checked_sub(1) else { return 0.0 };
        let (x, y) = (self.x[nth], f32::from(self.y[nth]));
        let log10_p = match self.x.get(after).zip(self.y.get(after)) {
            Some((next, floor)) => {
                let along = (low(bucket) - low(x)) / (low(*next) - low(x));
                (y + (f32::from(*floor) - y) * along).max(f32::from(*floor))
            }
            // What shares the bucket of the largest is as likely as it.
            None if bucket <= coarse(x) => y,
            None => y + f32::from(self.slope) * (low(bucket) - high(x)),
        };
        (log10_p * (1.0 / UNITS)).max(least)
    }

    /// Below this bucket a window is more likely than one in ten, and scores at most 17: nothing to look at.
    #[must_use]
    #[inline]
    pub const fn unremarkable_below(&self) -> u16 {
        self.x[P90]
    }

    /// Whether `value` is larger than anything that the entity or its peers are remembered for, so that its probability
    /// is an extrapolation. The bucket of the largest still counts as known.
    #[must_use]
    pub const fn extrapolated(&self, value: u64) -> bool {
        self.x[MAX] != NOWHERE && bucket_of(value) > coarse(self.x[MAX])
    }

    /// What is usual, for people: the highest values of the buckets of median, 99th percentile and maximum of the
    /// entity's windows shrunk towards its peers', and how many windows of either there are.
    #[must_use]
    pub const fn usual(&self, seen: &Seen) -> Usual {
        let Seen { samples, peer_samples, maturity, .. } = *seen;
        if self.x[MAX] == NOWHERE {
            return Usual { median: 0, p99: 0, max: 0, samples, peer_samples, maturity };
        }
        let [median, p99, max] = [
            bucket_high(coarse(self.x[MEDIAN])),
            bucket_high(coarse(self.x[P99])),
            bucket_high(coarse(self.x[MAX])),
        ];
        Usual { median, p99, max, samples, peer_samples, maturity }
    }

    /// The bucket of the 99th percentile; beyond the last while there is none.
    #[must_use]
    pub const fn p99(&self) -> u16 {
        coarse(self.x[P99])
    }

    /// Reads the line of the processor's cache that they lie on.
    #[inline]
    pub(in crate::score) const fn warm(&self) -> u16 {
        self.x[0]
    }

    /// The knots along `mixture`.
    fn along(mixture: &Mixture<'_>, pool: &FrozenPool, now: Moment) -> (Self, Seen) {
        let Some((first, last)) = mixture.range() else { return Default::default() };
        let total = mixture.total();
        let mut points = [(first, total); KNOTS];
        mixture.fall(last, &TAILS, |nth, bucket, weight| points[TAILS.len() - nth] = (bucket, weight));
        points[MAX] = (last, mixture.at_or_above(last));
        let samples = now.windows_exact(mixture.own_total(), mixture.landmark(now));
        let peer_samples = now.windows_exact(pool.total(), pool.landmark());
        let decades = log10(samples + peer_samples + 1.0);
        let log10_total = log10(total);
        let seen = Seen {
            samples: (samples + 0.5) as u32,
            peer_samples: (peer_samples + 0.5) as u32,
            least: -2.0 * decades,
            ..Seen::default()
        };
        let mut knots = Self::default();
        for (nth, (bucket, weight)) in points.into_iter().enumerate() {
            // With n windows seen, nothing that was seen is rarer than one in n + 1.
            let log10_p = (log10(weight) - log10_total).clamp(-decades, 0.0);
            (knots.x[nth], knots.y[nth]) = (lower_of(bucket), (log10_p * UNITS - 0.5) as i16);
        }
        knots.slope = knots.beyond(SLOPE_MAX.min(2.0 * decades).max(SLOPE_MIN));
        (knots, seen)
    }

    /// The slope beyond the last knot, which is no steeper than `steepest`.
    fn beyond(&self, steepest: f32) -> i16 {
        let last = high(self.x[MAX]);
        let half = last - std::f32::consts::LOG10_2;
        let mut higher = (0..MAX).rev().filter(|nth| self.y[*nth] > self.y[MAX]);
        let base = higher.clone().find(|nth| low(self.x[*nth]) <= half).or(higher.next_back());
        let slope = base.map_or(-steepest, |base| {
            let fall = f32::from(self.y[MAX] - self.y[base]) / UNITS;
            (fall / (last - low(self.x[base]))).clamp(-steepest, -SLOPE_MIN)
        });
        (slope * UNITS - 0.5) as i16
    }
}

#[inline]
fn low(bucket: u16) -> f32 {
    LOW[usize::from(bucket).min(BUCKETS - 1)]
}

#[inline]
fn high(bucket: u16) -> f32 {
    HIGH[usize::from(coarse(bucket)).min(BUCKETS - 1)]
}

#[cfg(test)]
mod tests;
