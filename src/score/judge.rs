//! A judge: what an entity's window is measured against, as of one fold.

use crate::event::{Feature, Score};

use super::{
    grid::{Grid, Window},
    knots::{Knots, score_points},
    peers::{FEATURES, Pooled},
    pool::FrozenPool,
};

/// Smallest score that makes a finding.
pub(super) const MARK: u8 = 80;
/// Smallest values that make a finding, by feature: ten megabytes, twenty ports. Below, a surprise is too small to matter.
pub(super) const LEAST: [u64; FEATURES] = [10_000_000, 20];
/// A window with a feature whose log10 p is below this is held out of learning: p < 0.001.
const HELD_OUT_BELOW: f32 = -3.0;

/// The cached tails of one entity as of one fold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Judge {
    /// The fold; see [`Judge::NONE`].
    pub(super) as_of: Window,
    knots: [Knots; FEATURES],
    /// The peers are so young that every window is learned.
    learns_all: bool,
}

// === impl Judge ===

impl Judge {
    /// Nobody yet.
    pub(super) const NO_FOLD: Window = Window::MIN;

    /// A judge that stands for no fold.
    pub(super) fn none() -> Self {
        Self { as_of: Self::NO_FOLD, knots: [Knots::default(); FEATURES], learns_all: true }
    }

    /// Makes it the judge as of fold `as_of`: `tie` ties the knots of each feature, which are written where they are to
    /// be. Peers younger than `learn_all` seconds learn everything.
    pub(super) fn appoint(
        &mut self,
        as_of: Window,
        pooled: Pooled<'_>,
        learn_all: i64,
        mut tie: impl FnMut(usize, &FrozenPool, &mut Knots),
    ) {
        self.as_of = as_of;
        let young = |born| Grid::end(as_of) - Grid::start(born) < learn_all;
        self.learns_all = pooled.born.is_none_or(young);
        for (feature, knots) in self.knots.iter_mut().enumerate() {
            tie(feature, &pooled.frozen[feature], knots);
        }
    }

    /// Reads the lines of the processor's cache that it lies on.
    #[inline]
    pub(super) fn warm(&self) -> u64 {
        let knots = self.knots.each_ref().map(Knots::warm);
        self.as_of as u64 ^ u64::from(knots[0] ^ knots[1])
    }

    /// log10 of the tail probability of `value`.
    #[inline]
    pub(super) fn log10_p(&self, feature: usize, value: u64) -> f32 {
        self.knots[feature].log10_p(value)
    }

    /// Whether it has seen enough to score.
    #[inline]
    pub(super) fn is_able(&self) -> bool {
        self.knots[0].enough()
    }

    /// The score of a window with `values`, whose tail probabilities are known: that of the most surprising feature, of
    /// the first among equals. Absent while the judge has not seen enough.
    #[inline]
    pub(super) fn score(&self, values: [u64; FEATURES], log10_p: [f32; FEATURES]) -> Option<Score> {
        if !self.is_able() {
            return None;
        }
        let feature = usize::from(log10_p[1] < log10_p[0]);
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
            usual: self.knots[feature].usual(),
        }
    }

    /// Whether `value` is a finding.
    #[inline]
    pub(super) fn marks(&self, feature: usize, value: u64, log10_p: f32) -> bool {
        value >= LEAST[feature] && score_points(log10_p) >= MARK && self.is_able()
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
