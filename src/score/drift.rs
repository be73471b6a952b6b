//! Drift: what an entity did in the last seven days, against the weeks before, so that who raises its own bar day by day
//! is called before it has come far.
//!
//! A baseline that learns each day what was not surprising enough can be led anywhere in small steps. So each series
//! keeps, besides its histogram, what a week's busiest hours came to: the second largest hour of the running week (of
//! 168 hours the 99th percentile lies between the second largest and the largest, and two hours make a habit where one
//! is a stray), and the same of the last twelve weeks. When the running week passes three times the median of the weeks
//! before, of which there must be four, that is drift. It is said once, again at nine times, at 27 and so on, and afresh
//! after a whole week has ended below twice the median.
//!
//! **Weeks from Monday to Sunday** (UTC), not the last 168 hours: each holds every weekday once, so that a weekly rhythm
//! is no drift; what has been reached in a week never falls while it runs, so drift is said in the hour that shows it; and a
//! rolling week would have to keep the hours of each of its days. What it costs: on a Monday the running week is short,
//! and drift that was not yet said waits for its second large hour.
//!
//! **What it sees**: what every hour came to, whether it was learned or held out, not moved by a season. Held out, but not
//! surprising enough for a finding, is where an attacker is most at ease; here he is not. At +5 % a day an hour passes
//! three times the first after 23 days, and the median of the weeks before has hardly followed. With office hours and half
//! an octave of noise it is said on day 27 in the middle, at 3.7 times (nine in ten by day 31, at 4.5 times; all by day 35,
//! at 5.5).
//! **What it does not see**: growth so slow that the median keeps up. With twelve weeks before, the median lies six and a half
//! weeks back: below 18 % a week (2.4 % a day) little is said, and at 1 % a day nothing. Ten times as much takes half a
//! year so.
//! **What it costs**: a job that fills two hours once a month, three times as large as any week's, is said each time.
//!
//! A week in which nothing was seen is none, and the first, which may have begun in its middle, does not count.

use super::histogram::DecodeError;
use super::histogram::geometry::{LAST, bucket_low, bucket_of};
use super::histogram::wire::{put, take, take_byte};

/// Fewest weeks before the running one.
pub const WEEKS_MIN: usize = 4;
/// Weeks that are remembered.
pub const WEEKS_MAX: usize = 12;
/// Drift is more than so many times the median of the weeks before.
pub const RATIO: u64 = 3;
/// It is over when a week ends below so many times the median.
pub const RATIO_OVER: u64 = 2;
/// Largest exponent of [`RATIO`] that is told apart: all there are between 1 and 2^41.
const TIMES_MAX: u8 = 27;
/// Buckets that a remembered week tells apart as one: 3/16 of an octave, so that a week fits in a byte.
const COARSE: u16 = 3;

/// The weeks of an entity with `N` series: three bytes, and seventeen for each series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drift<const N: usize> {
    /// The running week, counted from the Monday before 1970.
    week: u16,
    /// How many weeks before it are remembered; [`UNBORN`] and [`FIRST`] come before 0.
    known: u8,
    /// By series, as how many times [`RATIO`] the usual (as an exponent) drift was said; 0 when it was not, or is over.
    said: [u8; N],
    series: [Weeks; N],
}

/// The weeks of one series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Weeks {
    /// The largest and the second largest hour of the running week, as buckets.
    top: [u16; 2],
    /// The weeks before, oldest first, as [`COARSE`] buckets; those not known are 0.
    before: [u8; WEEKS_MAX],
}

/// Nothing was seen yet.
const UNBORN: u8 = u8::MAX;
/// The first week is running.
const FIRST: u8 = u8::MAX - 1;

/// A series that has drifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drifted {
    /// The series.
    pub series: usize,
    /// The second largest hour of the running week, from below.
    pub now: u64,
    /// The median of the weeks before, to 14 %.
    pub usual: u64,
    /// How many weeks those are.
    pub weeks: u8,
}

/// The week of an hour since 1970, which began on a Thursday: weeks begin on Mondays, and the first is short.
const fn week_of(hour: i64) -> u16 {
    let week = (hour.div_euclid(24) + 3).div_euclid(7);
    if week < 0 {
        0
    } else if week > u16::MAX as i64 {
        u16::MAX
    } else {
        week as u16
    }
}

// === impl Weeks ===

impl Weeks {
    /// Takes in the value of one hour.
    fn note(&mut self, value: u64) {
        let bucket = bucket_of(value);
        let [first, second] = self.top;
        self.top = if bucket > first { [bucket, first] } else { [first, second.max(bucket)] };
    }

    /// The median of the last `known` weeks (the lower of two), as a value.
    fn median(&self, known: usize) -> u64 {
        let mut before = self.before;
        let known = &mut before[WEEKS_MAX - known.min(WEEKS_MAX)..];
        known.sort_unstable();
        let middle = known.get(known.len().saturating_sub(1) / 2).copied().unwrap_or(0);
        level(middle)
    }

    /// Ends the running week.
    fn turn(&mut self) {
        self.before.rotate_left(1);
        self.before[WEEKS_MAX - 1] = coarse(self.top[1]);
    }
}

// === impl Drift ===

impl<const N: usize> Default for Drift<N> {
    fn default() -> Self {
        Self { week: 0, known: UNBORN, said: [0; N], series: [Weeks::default(); N] }
    }
}

impl<const N: usize> Drift<N> {
    /// Nothing seen.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes what `hour`, counted from 1970, came to in each series, and returns, by series, whether it has drifted now.
    /// `least`: by series, the smallest value that matters; below it nothing is said, and a usual below
    /// a third of it counts as that.
    ///
    /// Hours are to come week by week, in any order within a week; one of an earlier week is left out.
    pub fn note(&mut self, hour: i64, values: &[u64; N], least: &[u64; N]) -> [Option<Drifted>; N] {
        let week = week_of(hour);
        let mut found = [None; N];
        if self.known == UNBORN {
            (self.week, self.known) = (week, FIRST);
        }
        if week > self.week {
            self.turn(week, least);
        }
        if week == self.week {
            let weeks = self.known;
            for (nth, series) in self.series.iter_mut().enumerate() {
                series.note(values[nth]);
                if weeks >= FIRST || usize::from(weeks) < WEEKS_MIN {
                    continue;
                }
                let now = bucket_low(series.top[1]);
                let usual = series.median(weeks.into());
                let times = times(now, usual, least[nth]);
                if now >= least[nth] && times > self.said[nth] {
                    self.said[nth] = times;
                    found[nth] = Some(Drifted { series: nth, now, usual, weeks });
                }
            }
        }
        found
    }

    /// Whether drift of `series` was said and is not over.
    #[must_use]
    pub const fn is_said(&self, series: usize) -> bool {
        series < N && self.said[series] > 0
    }

    /// How many weeks before the running one are remembered.
    #[must_use]
    pub const fn weeks(&self) -> u8 {
        if self.known >= FIRST { 0 } else { self.known }
    }

    /// The running week, counted from the Monday before 1970, and whether it is the first; none before anything was seen.
    #[must_use]
    pub const fn running(&self) -> Option<(u16, bool)> {
        if self.known == UNBORN { None } else { Some((self.week, self.known == FIRST)) }
    }

    /// As how many times [`RATIO`] the usual (as an exponent) drift of `series` was said.
    #[must_use]
    pub fn said(&self, series: usize) -> u8 {
        self.said.get(series).copied().unwrap_or(0)
    }

    /// The largest and second largest hour of the running week of `series`, as buckets, and the weeks before, oldest first,
    /// as thirds of buckets.
    #[must_use]
    pub fn weeks_of(&self, series: usize) -> ([u16; 2], &[u8]) {
        let known = usize::from(self.weeks());
        self.series.get(series).map_or(([0; 2], &[]), |weeks| (weeks.top, &weeks.before[WEEKS_MAX - known..]))
    }

    /// What the running week of `series` comes to, and the median of the weeks before: what drift compares.
    #[must_use]
    pub fn compared(&self, series: usize) -> (u64, u64) {
        let known = usize::from(self.weeks());
        self.series.get(series).map_or((0, 0), |weeks| (bucket_low(weeks.top[1]), weeks.median(known)))
    }

    /// Takes in another, of hours that the same entity had elsewhere: the later week counts; of the same, the largest two
    /// hours of both, and of each week before the larger.
    pub fn merge(&mut self, other: &Self) {
        let age = |drift: &Self| match drift.known {
            UNBORN => 0,
            FIRST => 1,
            known => u16::from(known) + 2,
        };
        let (own, theirs) = ((self.week, age(self) > 0), (other.week, age(other) > 0));
        if !theirs.1 || (own.1 && own.0 > theirs.0) {
            return;
        }
        if !own.1 || theirs.0 > own.0 {
            *self = *other;
            return;
        }
        if age(other) > age(self) {
            self.known = other.known;
        }
        for (nth, (weeks, others)) in self.series.iter_mut().zip(&other.series).enumerate() {
            let mut tops = [weeks.top[0], weeks.top[1], others.top[0], others.top[1]];
            tops.sort_unstable_by(|one, other| other.cmp(one));
            weeks.top = [tops[0], tops[1]];
            for (week, other) in weeks.before.iter_mut().zip(others.before) {
                *week = other.max(*week);
            }
            self.said[nth] = self.said[nth].max(other.said[nth]);
        }
    }

    /// Ends the running week, in which something was seen, and begins `week`.
    fn turn(&mut self, week: u16, least: &[u64; N]) {
        let first = self.known == FIRST;
        for (nth, series) in self.series.iter_mut().enumerate() {
            if !first {
                let usual = series.median(self.known.into());
                if bucket_low(series.top[1]) <= floored(usual, least[nth]).saturating_mul(RATIO_OVER) {
                    self.said[nth] = 0;
                }
                series.turn();
            }
            series.top = [0; 2];
        }
        self.week = week;
        self.known = if first { 0 } else { (self.known + 1).min(WEEKS_MAX as u8) };
    }

    /// Appends its bytes to `out`: about four while nothing was seen, then up to eighteen for each series.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put(self.week.into(), out);
        out.push(self.known);
        if self.known == UNBORN {
            return;
        }
        out.extend_from_slice(&self.said);
        for series in &self.series {
            put(series.top[0].into(), out);
            put(series.top[1].into(), out);
            out.extend_from_slice(&series.before[WEEKS_MAX - usize::from(self.weeks())..]);
        }
    }

    /// Takes what [`Drift::encode`] wrote off the front of `bytes`.
    ///
    /// # Errors
    ///
    /// When they are not such bytes; `bytes` then stands somewhere inside them.
    pub fn decode(bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        let number = |bytes: &mut &[u8]| u16::try_from(take(bytes)?).map_err(|_| DecodeError::Number);
        let mut drift = Self { week: number(bytes)?, known: take_byte(bytes)?, ..Self::default() };
        if drift.known > WEEKS_MAX as u8 && drift.known < FIRST {
            return Err(DecodeError::Form);
        }
        if drift.known == UNBORN {
            return if drift.week == 0 { Ok(drift) } else { Err(DecodeError::Form) };
        }
        for said in &mut drift.said {
            *said = take_byte(bytes)?;
            if *said > TIMES_MAX {
                return Err(DecodeError::Place { place: (*said).into() });
            }
        }
        let known = usize::from(drift.weeks());
        for series in &mut drift.series {
            series.top = [number(bytes)?, number(bytes)?];
            if series.top[0] > LAST || series.top[1] > series.top[0] {
                return Err(DecodeError::Place { place: series.top[1].max(series.top[0]).into() });
            }
            for week in &mut series.before[WEEKS_MAX - known..] {
                *week = take_week(bytes)?;
            }
        }
        Ok(drift)
    }
}

/// A bucket, as a week is remembered.
const fn coarse(bucket: u16) -> u8 {
    (bucket / COARSE) as u8
}

/// The value that a [`COARSE`] bucket stands for.
const fn level(coarse: u8) -> u64 {
    bucket_low(coarse as u16 * COARSE + COARSE / 2)
}

/// Takes a [`COARSE`] bucket.
fn take_week(bytes: &mut &[u8]) -> Result<u8, DecodeError> {
    let week = take_byte(bytes)?;
    if u16::from(week) > LAST / COARSE { Err(DecodeError::Place { place: week.into() }) } else { Ok(week) }
}

/// What is usual, where less than a third of `least` counts as that.
const fn floored(usual: u64, least: u64) -> u64 {
    let floor = least / RATIO;
    if usual > floor { usual } else { floor }
}

/// The largest exponent with which [`RATIO`] times what is usual is still less than `now`; 0 when there is none.
const fn times(now: u64, usual: u64, least: u64) -> u8 {
    let mut bar = floored(usual, least).saturating_mul(RATIO);
    let mut times = 0;
    while now > bar && times < TIMES_MAX {
        times += 1;
        bar = if bar == 0 { 1 } else { bar.saturating_mul(RATIO) };
    }
    times
}

#[cfg(test)]
mod tests;
