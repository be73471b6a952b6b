//! How much one day may teach: a share of the windows, and a ceiling for their values.
//!
//! **A seventh.** Once an entity is known for seven days, the windows of one day may be at most 1/7 of all that its
//! baseline weighs at the end of that day: no more than a sixth of what it weighed before. Three quarters of that may be
//! used at any hour, the last quarter hour by hour, so that an entity that has become busier is not known by its midnights alone.
//! At a half-life of 14 days a host that is active day by day weighs 20.7 of its days, and one day is 1/21 of it: the
//! rule holds back only who is suddenly active far more than before (at more than three and a half times its usual
//! windows a day). A baseline worth fewer than 24 windows is warming, whatever its age, and learns everything.
//!
//! **A ceiling for a day.** What a day teaches is learned as no higher than half an octave (√2) above the largest value
//! that the baseline knew when the day began, and what quarantine (`ring`) releases after five days as no higher than
//! five times half an octave above what is known then. So by neither way a baseline's largest value rises faster than √2
//! a day: 5.7 times in 5 days, 32 in 10. Without it, an attacker who sends what is just not held out is at his peers'
//! largest values within a day: between a host's own largest and theirs the tail falls slowly, and knots are tied anew
//! each hour. Measured in `poison`: what is held out lies 13 times higher after one day and 15 after five; with the
//! ceiling 4 and 9.
//!
//! **A ceiling from the peers.** Where the peers' pool is worth 10,000 windows, nothing is learned as higher than its
//! 99.99th percentile, unless the entity's own 99th percentile lies higher: the largest host of a network is not
//! to be surprised at itself for ever.
//!
//! What these cost: in its first month a steady host may miss up to a third of a day's windows, when all of them lie
//! in the first hours of the day. A host that really does more learns it slowly, and is found surprising until then:
//! five days for a factor of 5.7, ten for 32, unless an analyst says that it is expected.

use super::decay::Moment;
use super::grid::WINDOW_SECONDS;
use super::histogram::DecodeError;
use super::histogram::geometry::{BUCKETS, LAST};
use super::histogram::wire::{put, take};
use super::maturity::{WINDOWS_MIN, day_of};
use super::pool::FrozenPool;

/// From this many distinct days on, a day's influence is limited.
pub const DAYS_MIN: u16 = 7;
/// A day weighs at most one part in so many of the whole.
pub const SHARE: u32 = 7;
/// Windows that a pool must be worth, for its percentile to be a ceiling.
pub const POOL_MIN: u32 = 10_000;
/// Share of a pool's windows above its ceiling.
const POOL_ABOVE: f32 = 1e-4;
/// Buckets by which a day may raise the largest value: half an octave.
const RISE: u16 = 8;
/// Buckets by which a release from quarantine may raise it: as much as the days that it takes.
const RISE_OF_RELEASE: u16 = RISE * 5;
/// Windows of an hour and of a day.
const WINDOWS_AN_HOUR: i64 = 3_600 / WINDOW_SECONDS;
/// See [`WINDOWS_AN_HOUR`].
const WINDOWS_A_DAY: i64 = 24 * WINDOWS_AN_HOUR;

/// What one day may teach an entity with `N` series: six bytes, and two for each series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Influence<const N: usize> {
    /// The day, counted from 1970.
    day: u16,
    /// How many of its windows may be learned; [`u16::MAX`] when all may.
    allowed: u16,
    /// How many were.
    learned: u16,
    /// By series, the highest bucket that may be learned.
    ceilings: [u16; N],
}

/// What is known of an entity when a day begins.
#[derive(Debug, Clone, Copy)]
pub struct Known<const N: usize> {
    /// On how many distinct days it was learned.
    pub days: u16,
    /// How many windows its baseline will be worth when the day ends: that is when the windows of the day weigh most.
    pub windows: u32,
    /// By series, the highest bucket that was learned; 0 where there is none.
    pub highest: [u16; N],
}

/// The day of `window`, counted from 1970.
const fn day_of_window(window: i64) -> u16 {
    day_of(window.saturating_mul(WINDOW_SECONDS))
}

/// The highest bucket that peers who are worth 10,000 windows as of `now` let an entity learn, whose own 99th
/// percentile lies in `own_p99`: [`LAST`] when there are not so many.
#[must_use]
pub fn ceiling_of_peers(pool: &FrozenPool, own_p99: u16, now: Moment) -> u16 {
    if pool.windows(now) < POOL_MIN {
        return LAST;
    }
    pool.last_at_least(0, BUCKETS as u16, POOL_ABOVE).unwrap_or(LAST).max(own_p99)
}

/// The highest bucket that a release from quarantine may teach an entity of which `highest` is the highest bucket known
/// and that is worth `windows` windows: [`LAST`] while it is warming.
#[must_use]
pub const fn ceiling_of_release(highest: u16, windows: u32) -> u16 {
    if windows < WINDOWS_MIN || highest + RISE_OF_RELEASE > LAST { LAST } else { highest + RISE_OF_RELEASE }
}

// === impl Influence ===

impl<const N: usize> Default for Influence<N> {
    fn default() -> Self {
        Self { day: 0, allowed: u16::MAX, learned: 0, ceilings: [LAST; N] }
    }
}

impl<const N: usize> Influence<N> {
    /// No day yet, and no bounds.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins the day of `window`, unless it has begun: `known` is what is known before it. Windows are to come in order;
    /// one of an earlier day counts to the day that has begun.
    pub fn begin(&mut self, window: i64, known: impl FnOnce() -> Known<N>) {
        let day = day_of_window(window);
        if day <= self.day {
            return;
        }
        *self = Self { day, ..Self::default() };
        let Known { days, windows, highest } = known();
        if days < DAYS_MIN || windows < WINDOWS_MIN {
            return;
        }
        self.allowed = (windows / (SHARE - 1)).min(WINDOWS_A_DAY as u32) as u16;
        self.ceilings = highest.map(|highest| highest.saturating_add(RISE).min(LAST));
    }

    /// Whether `window` may still be learned, and if so, that it is. Its day must have begun.
    pub fn admit(&mut self, window: i64) -> bool {
        if self.allowed != u16::MAX {
            let hour = (window.rem_euclid(WINDOWS_A_DAY) / WINDOWS_AN_HOUR) as u32;
            let allowed = u32::from(self.allowed);
            let by_now = (allowed - allowed / 4) + allowed / 4 * (hour + 1) / 24;
            if u32::from(self.learned) >= by_now {
                return false;
            }
        }
        self.learned = self.learned.saturating_add(1);
        true
    }

    /// The bucket that the day may teach where a value lies in `bucket` of `series`; `peers` is what [`ceiling_of_peers`]
    /// gives, or [`LAST`].
    #[must_use]
    pub fn bounded(&self, series: usize, bucket: u16, peers: u16) -> u16 {
        bucket.min(peers).min(self.ceilings.get(series).copied().unwrap_or(LAST))
    }

    /// How many windows the day has taught.
    #[must_use]
    pub const fn learned(&self) -> u16 {
        self.learned
    }

    /// The day, counted from 1970, and how many of its windows may be learned, unless all may.
    #[must_use]
    pub fn allowed(&self) -> (u16, Option<u16>) {
        (self.day, (self.allowed != u16::MAX).then_some(self.allowed))
    }

    /// By series, the highest bucket that may be learned.
    #[must_use]
    pub const fn ceilings(&self) -> &[u16; N] {
        &self.ceilings
    }

    /// Takes in another, of which the same entity learned elsewhere: the later day counts; of the same day, what was learned is
    /// added up, and the wider bounds hold, since what is known is known by both together.
    pub fn merge(&mut self, other: &Self) {
        if other.day > self.day {
            *self = *other;
        } else if other.day == self.day {
            self.allowed = self.allowed.max(other.allowed);
            self.learned = self.learned.saturating_add(other.learned);
            for (ceiling, other) in self.ceilings.iter_mut().zip(other.ceilings) {
                *ceiling = other.max(*ceiling);
            }
        }
    }

    /// Appends its bytes to `out`: about six, and two for each series.
    pub fn encode(&self, out: &mut Vec<u8>) {
        for number in [self.day, self.allowed, self.learned].into_iter().chain(self.ceilings) {
            put(number.into(), out);
        }
    }

    /// Takes what [`Influence::encode`] wrote off the front of `bytes`.
    ///
    /// # Errors
    ///
    /// When they are not such bytes; `bytes` then stands somewhere inside them.
    pub fn decode(bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        let number = |bytes: &mut &[u8]| u16::try_from(take(bytes)?).map_err(|_| DecodeError::Number);
        let [day, allowed, learned] = [number(bytes)?, number(bytes)?, number(bytes)?];
        let mut ceilings = [LAST; N];
        for ceiling in &mut ceilings {
            *ceiling = number(bytes)?;
            if *ceiling > LAST {
                return Err(DecodeError::Place { place: (*ceiling).into() });
            }
        }
        Ok(Self { day, allowed, learned, ceilings })
    }
}

#[cfg(test)]
mod tests;
