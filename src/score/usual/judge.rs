//! A judge: what an entity's window is measured against, as of one fold.

use crate::{
    event::{Feature, Maturity, Score, Usual},
    score::{
        detect,
        entities::series::FEATURES,
        grid::{Grid, Narrow, Window},
        histogram::geometry::{LAST, bucket_of},
    },
};

use super::{
    decay::Moment,
    habits::Shifts,
    influence::ceiling_of_peers,
    knots::{Knots, Seen, score_points},
    peers::Pooled,
    pool::FrozenPool,
    season::moved,
};

/// Smallest score that makes a finding.
pub(super) const MARK: u8 = 80;
/// A window with a feature whose log10 p is below this is held out of learning: p < 0.001.
const HELD_OUT_BELOW: f32 = -3.0;

/// The cached tails of one entity as of one fold.
#[derive(Debug, Clone, Copy)]
pub(in crate::score) struct Judge {
    /// The fold; none while it stands for none.
    as_of: Narrow,
    seen: Seen,
    shifts: Shifts,
    knots: [Knots; FEATURES],
    /// The highest buckets that the peers let the entity learn.
    ceilings: [u16; FEATURES],
}

/// How an entity is judged: by whom, and as of when.
pub(in crate::score) struct Appointment<'a> {
    /// The fold.
    pub(in crate::score) as_of: Window,
    pub(in crate::score) now: Moment,
    pub(in crate::score) pooled: Pooled<'a>,
    /// Peers younger than so many seconds learn everything.
    pub(in crate::score) learn_all: i64,
    pub(in crate::score) shifts: Shifts,
    pub(in crate::score) maturity: Maturity,
}

/// Who has fewer windows of others beside its own is alone: where it has drifted, nobody but itself says that this is usual,
/// and what it was held out for stays in quarantine.
const OTHERS_MIN: u32 = 1_000;

/// Whether who has `seen` so much over spans of `windows` windows is alone.
const fn is_alone(seen: &Seen, windows: u32) -> bool {
    seen.peer_samples.saturating_sub(seen.samples) < OTHERS_MIN / windows
}

/// Smallest value of `feature` whose drift matters in an hour.
pub(in crate::score) const fn least_of_drift(feature: Feature) -> u64 {
    if feature.is_bytes() { 10_000_000 } else { 20 }
}

/// How surprising one value of an hour or a day is.
#[derive(Debug, Clone, Copy)]
pub(in crate::score) struct Seeing {
    knots: Knots,
    seen: Seen,
    log10_p: f32,
    shift: i16,
    /// The bucket in which the value lies.
    pub(in crate::score) bucket: u16,
}

/// What is usual at an hour by whose `shift` values are moved.
#[inline]
fn back(usual: Usual, shift: i16) -> Usual {
    if shift == 0 {
        return usual;
    }
    let [median, p99, max] = [usual.median, usual.p99, usual.max].map(|value| moved(value, -shift));
    Usual { median, p99, max, ..usual }
}

// === impl Appointment ===

impl Appointment<'_> {
    /// Whether the peers are so young that every window is learned.
    fn learns_all(&self) -> bool {
        let young = |born| Grid::end(self.as_of) - Grid::start(born) < self.learn_all;
        self.pooled.born.is_none_or(young)
    }
}

// === impl Seeing ===

impl Seeing {
    /// `value`, moved by `shift`, against `knots`, tied from as much as `seen` says.
    pub(in crate::score) fn of(
        (knots, seen): (Knots, Seen),
        value: u64,
        shift: i16,
        learns_all: bool,
    ) -> Self {
        let bucket = bucket_of(moved(value, shift));
        let seen = Seen { learns_all, ..seen };
        Self { knots, seen, log10_p: knots.log10_p(bucket, seen.least), shift, bucket }
    }

    /// By how much the value was moved.
    pub(in crate::score) fn shift(&self) -> i16 {
        self.shift
    }

    /// Whether it is a finding, where it is large enough to matter.
    pub(in crate::score) fn marks(&self) -> bool {
        score_points(self.log10_p) >= MARK && self.seen.enough()
    }

    /// Whether what it belongs to is held out of learning; it `matters` where it is large enough for a finding.
    pub(in crate::score) fn holds_out(&self, matters: bool) -> bool {
        let found = matters && self.marks();
        self.seen.enough() && self.log10_p < HELD_OUT_BELOW && (found || !self.seen.learns_all)
    }

    /// Whether too few others were seen over spans of so many `windows`.
    pub(in crate::score) fn is_alone(&self, windows: u32) -> bool {
        is_alone(&self.seen, windows)
    }

    /// Its score, where `observed` is the value of `feature`.
    pub(in crate::score) fn score(&self, feature: Feature, observed: u64) -> Score {
        Score {
            points: score_points(self.log10_p),
            feature,
            observed,
            log10_p: self.log10_p,
            usual: back(self.knots.usual(&self.seen), self.shift),
        }
    }
}

// === impl Judge ===

impl Judge {
    /// A judge that stands for no fold.
    pub(in crate::score) fn none() -> Self {
        Self {
            as_of: Narrow::NONE,
            seen: Seen { learns_all: true, ..Seen::default() },
            shifts: Shifts::default(),
            knots: [Knots::default(); FEATURES],
            ceilings: [LAST; FEATURES],
        }
    }

    /// Makes it the judge that `appointment` asks for: `tie` gives the knots of each feature.
    pub(in crate::score) fn appoint(
        &mut self,
        appointment: &Appointment<'_>,
        mut tie: impl FnMut(usize, &FrozenPool) -> (Knots, Seen),
    ) {
        let Appointment { as_of, now, pooled, shifts, maturity, .. } = appointment;
        (self.as_of, self.shifts) = (Narrow::of(*as_of), *shifts);
        let learns_all = appointment.learns_all();
        for (feature, knots) in self.knots.iter_mut().enumerate() {
            let pool = &pooled.frozen()[feature];
            let (tied, seen) = tie(feature, pool);
            *knots = tied;
            self.ceilings[feature] = ceiling_of_peers(pool, tied.p99().min(LAST), *now);
            // Every window has a value of every feature, so that as many were seen of each.
            if feature == 0 {
                self.seen = Seen { maturity: *maturity, learns_all, ..seen };
            }
        }
    }

    /// Makes it the judge that `appointment` asks for of who has seen `windows` windows itself and is judged by its peers
    /// alone.
    pub(in crate::score) fn appoint_for_newcomer(&mut self, appointment: &Appointment<'_>, windows: u32) {
        let Appointment { as_of, now, pooled, shifts, maturity, .. } = appointment;
        (self.as_of, self.shifts) = (Narrow::of(*as_of), *shifts);
        let newcomers = pooled.newcomers(*now);
        (self.knots, self.ceilings) = (newcomers.knots, newcomers.ceilings);
        let learns_all = appointment.learns_all();
        self.seen = Seen { samples: windows, maturity: *maturity, learns_all, ..newcomers.seen };
    }

    /// The fold that it judges as of.
    #[inline]
    pub(in crate::score) fn as_of(&self) -> Window {
        self.as_of.window()
    }

    /// Reads the lines of the processor's cache that it lies on.
    #[inline]
    pub(in crate::score) fn warm(&self) -> u64 {
        let knots = u64::from(self.knots[0].warm() ^ self.knots[2].warm() ^ self.knots[FEATURES - 1].warm());
        self.as_of() as u64 ^ knots
    }

    /// The buckets in which `values` of `window` are looked up: those of what they would be at a usual hour.
    #[inline]
    pub(in crate::score) fn buckets(&self, values: [u64; FEATURES], window: Window) -> [u16; FEATURES] {
        std::array::from_fn(|feature| bucket_of(moved(values[feature], self.shift(feature, window))))
    }

    /// By how much values of `feature` in `window` are moved.
    #[inline]
    pub(in crate::score) fn shift(&self, feature: usize, window: Window) -> i16 {
        if Feature::ALL[feature].is_volume() { self.shifts.of(window) } else { 0 }
    }

    /// The highest bucket that the peers let the entity learn of `feature`.
    pub(in crate::score) fn ceiling(&self, feature: usize) -> u16 {
        self.ceilings[feature]
    }

    /// log10 of the tail probability of a value of every feature, in these `buckets`.
    #[inline]
    pub(in crate::score) fn all_log10_p(&self, buckets: [u16; FEATURES]) -> [f32; FEATURES] {
        std::array::from_fn(|feature| self.knots[feature].log10_p(buckets[feature], self.seen.least))
    }

    /// Whether it has seen enough to score.
    #[inline]
    pub(super) fn is_able(&self) -> bool {
        self.seen.enough()
    }

    /// The score of a window with `values`, whose tail probabilities are known: that of the most surprising feature, of
    /// the first among equals. Absent while the judge has not seen enough.
    #[inline]
    pub(in crate::score) fn score(
        &self,
        values: [u64; FEATURES],
        log10_p: [f32; FEATURES],
        window: Window,
    ) -> Option<Score> {
        if !self.is_able() {
            return None;
        }
        let more =
            |most: usize, feature: usize| if log10_p[feature] < log10_p[most] { feature } else { most };
        let feature = (1..FEATURES).fold(0, more);
        Some(self.score_of(feature, values[feature], log10_p[feature], window))
    }

    /// The points of a window whose tail probabilities are these; none while it has not seen enough.
    pub(in crate::score) fn points(&self, log10_p: [f32; FEATURES]) -> Option<u8> {
        self.is_able().then(|| score_points(log10_p.into_iter().fold(0.0, f32::min)))
    }

    /// The points of each feature of such a window; nothing while it has not seen enough.
    pub(in crate::score) fn points_each(&self, log10_p: [f32; FEATURES]) -> [u8; FEATURES] {
        if self.is_able() { log10_p.map(score_points) } else { [0; FEATURES] }
    }

    /// The score of one feature in `window`.
    #[inline]
    pub(in crate::score) fn score_of(
        &self,
        feature: usize,
        observed: u64,
        log10_p: f32,
        window: Window,
    ) -> Score {
        Score {
            points: score_points(log10_p),
            feature: Feature::ALL[feature],
            observed,
            log10_p,
            usual: back(self.knots[feature].usual(&self.seen), self.shift(feature, window)),
        }
    }

    /// Whether too few others were seen.
    pub(in crate::score) fn is_alone(&self) -> bool {
        is_alone(&self.seen, 1)
    }

    /// Whether `value` is a finding.
    #[inline]
    pub(in crate::score) fn marks(&self, feature: usize, value: u64, log10_p: f32) -> bool {
        value >= detect::least(Feature::ALL[feature]) && score_points(log10_p) >= MARK && self.is_able()
    }

    /// Whether a value of this probability is too surprising to be learned.
    pub(in crate::score) fn surprises(log10_p: f32) -> bool {
        log10_p < HELD_OUT_BELOW
    }

    /// Whether a window with `values` is held out of learning.
    ///
    /// While the peers are young only a finding is: they have not seen a day's rhythm, and would hold out its first noon.
    /// What that costs: an attack in the first day of a pool's life that is no finding is learned with the rest. It is one
    /// vote among the pool's, fades with the half-life, and the pool's own knots bound how usual one window can make a value.
    pub(in crate::score) fn holds_out(&self, values: [u64; FEATURES], log10_p: [f32; FEATURES]) -> bool {
        let surprising = |feature: &usize| Self::surprises(log10_p[*feature]);
        let found = |feature: usize| self.marks(feature, values[feature], log10_p[feature]);
        self.is_able()
            && (0..FEATURES).filter(surprising).any(|feature| !self.seen.learns_all || found(feature))
    }
}
