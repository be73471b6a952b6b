//! A judge: what an entity's window is measured against, as of one fold.

use crate::event::{Detector, Feature, Score};

use super::{
    grid::{Grid, Window},
    histogram::geometry::bucket_of,
    knots::{Knots, Seen, score_points},
    peers::Pooled,
    series::FEATURES,
    pool::FrozenPool,
};

/// Smallest score that makes a finding.
pub(super) const MARK: u8 = 80;
/// A window with a feature whose log10 p is below this is held out of learning: p < 0.001.
const HELD_OUT_BELOW: f32 = -3.0;

/// The cached tails of one entity as of one fold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Judge {
    /// The fold; see [`Judge::NO_FOLD`].
    pub(super) as_of: Window,
    seen: Seen,
    /// The peers are so young that every window is learned.
    learns_all: bool,
    knots: [Knots; FEATURES],
}

/// Smallest value of `feature` that makes a finding: ten megabytes, twenty ports. Below, a surprise is too small to matter;
/// and what no detector watches makes none.
pub(super) const fn least(feature: Feature) -> u64 {
    match Detector::of(feature) {
        Some(Detector::VolumeOut) => 10_000_000,
        Some(Detector::PortSpread) => 20,
        None => u64::MAX,
    }
}

/// How surprising one value of an hour or a day is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seeing {
    knots: Knots,
    seen: Seen,
    log10_p: f32,
    learns_all: bool,
}

// === impl Seeing ===

impl Seeing {
    /// `value` against `knots`, tied from as much as `seen` says.
    pub(super) fn of(knots: Knots, seen: Seen, value: u64, learns_all: bool) -> Self {
        Self { knots, seen, log10_p: knots.log10_p(bucket_of(value), seen.least), learns_all }
    }

    /// Whether it is a finding, where it is large enough to matter.
    pub(super) fn marks(&self) -> bool {
        score_points(self.log10_p) >= MARK && self.seen.enough()
    }

    /// Whether what it belongs to is held out of learning.
    pub(super) fn holds_out(&self) -> bool {
        self.seen.enough() && !self.learns_all && self.log10_p < HELD_OUT_BELOW
    }

    /// Its score, where `observed` is the value of `feature`.
    pub(super) fn score(&self, feature: Feature, observed: u64) -> Score {
        Score {
            points: score_points(self.log10_p),
            feature,
            observed,
            log10_p: self.log10_p,
            usual: self.knots.usual(&self.seen),
        }
    }
}

// === impl Judge ===

impl Judge {
    /// Nobody yet.
    pub(super) const NO_FOLD: Window = Window::MIN;

    /// A judge that stands for no fold.
    pub(super) fn none() -> Self {
        Self {
            as_of: Self::NO_FOLD,
            seen: Seen::default(),
            learns_all: true,
            knots: [Knots::default(); FEATURES],
        }
    }

    /// Makes it the judge as of fold `as_of`: `tie` gives the knots of each feature. Peers younger than `learn_all` seconds
    /// learn everything.
    pub(super) fn appoint(
        &mut self,
        as_of: Window,
        pooled: Pooled<'_>,
        learn_all: i64,
        mut tie: impl FnMut(usize, &FrozenPool) -> (Knots, Seen),
    ) {
        self.as_of = as_of;
        let young = |born| Grid::end(as_of) - Grid::start(born) < learn_all;
        self.learns_all = pooled.born.is_none_or(young);
        for (feature, knots) in self.knots.iter_mut().enumerate() {
            let (tied, seen) = tie(feature, &pooled.frozen[feature]);
            *knots = tied;
            // Every window has a value of every feature, so that as many were seen of each.
            if feature == 0 {
                self.seen = seen;
            }
        }
    }

    /// Reads the lines of the processor's cache that it lies on.
    #[inline]
    pub(super) fn warm(&self) -> u64 {
        let knots = u64::from(self.knots[0].warm() ^ self.knots[2].warm() ^ self.knots[FEATURES - 1].warm());
        self.as_of as u64 ^ knots
    }

    /// log10 of the tail probability of a value in `bucket`.
    #[inline]
    pub(super) fn log10_p(&self, feature: usize, bucket: u16) -> f32 {
        self.knots[feature].log10_p(bucket, self.seen.least)
    }

    /// The tail probabilities of `values`.
    pub(super) fn all_log10_p(&self, values: [u64; FEATURES]) -> [f32; FEATURES] {
        std::array::from_fn(|feature| self.log10_p(feature, bucket_of(values[feature])))
    }

    /// Whether it has seen enough to score.
    #[inline]
    pub(super) fn is_able(&self) -> bool {
        self.seen.enough()
    }

    /// The score of a window with `values`, whose tail probabilities are known: that of the most surprising feature, of
    /// the first among equals. Absent while the judge has not seen enough.
    #[inline]
    pub(super) fn score(&self, values: [u64; FEATURES], log10_p: [f32; FEATURES]) -> Option<Score> {
        if !self.is_able() {
            return None;
        }
        let more = |most: usize, feature: usize| if log10_p[feature] < log10_p[most] { feature } else { most };
        let feature = (1..FEATURES).fold(0, more);
        Some(self.score_of(feature, values[feature], log10_p[feature]))
    }

    /// The score of one feature.
    #[inline]
    pub(super) fn score_of(&self, feature: usize, observed: u64, log10_p: f32) -> Score {
        Score {
            points: score_points(log10_p),
            feature: Feature::ALL[feature],
            observed,
            log10_p,
            usual: self.knots[feature].usual(&self.seen),
        }
    }

    /// Whether `value` is a finding.
    #[inline]
    pub(super) fn marks(&self, feature: usize, value: u64, log10_p: f32) -> bool {
        value >= least(Feature::ALL[feature]) && score_points(log10_p) >= MARK && self.is_able()
    }

    /// Whether a window is held out of learning.
    ///
    /// While the peers are young it is not: they have not seen a day's rhythm, and would hold out its first noon. What
    /// that costs: an attack that lies in the first day of a pool's life is learned with the rest. It is one vote among
    /// the pool's, fades with the half-life, and the pool's own knots bound how usual one window can make a value.
    pub(super) fn holds_out(&self, log10_p: [f32; FEATURES]) -> bool {
        self.is_able() && !self.learns_all && log10_p.iter().any(|log10_p| *log10_p < HELD_OUT_BELOW)
    }
}
