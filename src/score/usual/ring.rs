//! Quarantine: what an entity was held out of learning for, kept until it turns out to be its new habit.
//!
//! A window that is too surprising is not learned. If the host has really changed (a new job, a new release), the same
//! comes again day after day, and would be held out for ever. So the day's highest held-out value of each series is
//! kept here, and when five distinct days show values within a factor of two of each other (half an octave to either
//! side of their middle), they are handed back to be learned, each at the time when it was seen. A value that another
//! detector found suspicious too, on any day of such a group, keeps the whole group in quarantine: only an analyst who
//! says "expected" releases it. Drift is such a detector for who is alone, as long as it is not over: its own weeks are then
//! all there is to compare with, and each release would lead it further up.
//!
//! **One summary for each day and series**, not for each window. A host that has changed is held out in up to 144
//! windows a day: a ring of windows would hold its last five hours and never see a second day. What it costs: of a day
//! with two habits only the higher one can be released. Of a day at most [`WINDOWS_MAX`] windows (an hour's) are
//! learned: enough for the next window not to be held out any more, after which learning goes on by itself.
//!
//! **Sixty-four summaries**, so that twelve series can show five days at once (a host that sends more is held out in bytes
//! and packets, by ten minutes, hour and day); the oldest goes for a newer one. A flood of held-out values therefore
//! delays a release, and never causes one.
//!
//! What it costs an attacker to be taught here: five days of the same, each of them in a window that was surprising enough
//! to be held out, and on none of them anything that another detector sees.

use crate::score::{
    grid::WINDOW_SECONDS,
    histogram::{
        DecodeError,
        geometry::{LAST, bucket_low, bucket_of},
        wire::{put, take, take_byte},
    },
};

/// How many summaries are kept.
pub const KEPT_MAX: usize = 64;
/// On how many distinct days similar values must have been seen.
pub const DAYS_MIN: usize = 5;
/// As how many windows a day counts at most, when it is learned at last.
pub const WINDOWS_MAX: u8 = 6;
/// Set in a tally when another detector found something too.
const CORROBORATED: u8 = 0x80;

/// Held-out windows of one entity: sixteen bytes while there are none, and eight for each summary.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ring {
    /// Ascending by day and series; exactly as many as there are.
    held: Box<[Held]>,
}

/// What was held out on one day of one series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Held {
    /// The window with the highest value of the day; of several, the latest.
    window: i32,
    /// The bucket of that value.
    bucket: u16,
    series: u8,
    /// How many windows, up to [`WINDOWS_MAX`], and whether they are [`CORROBORATED`].
    tally: u8,
}

/// What is to be learned after all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Released {
    /// The window it was seen in, whose moment it is to be learned with.
    pub window: i64,
    /// The series.
    pub series: u8,
    /// The histogram's bucket.
    pub bucket: u16,
    /// As how many windows, 1 to [`WINDOWS_MAX`].
    pub windows: u8,
}

// === impl Held ===

impl Held {
    const fn day(&self) -> i64 {
        (self.window as i64 * WINDOW_SECONDS).div_euclid(86_400)
    }

    const fn place(&self) -> (i64, u8) {
        (self.day(), self.series)
    }

    const fn is_corroborated(&self) -> bool {
        self.tally & CORROBORATED != 0
    }

    const fn released(&self) -> Released {
        let windows = self.tally & !CORROBORATED;
        Released { window: self.window as i64, series: self.series, bucket: self.bucket, windows }
    }

    /// Adds another window of the same day and series.
    fn add(&mut self, other: Self) {
        let windows = (self.tally & !CORROBORATED) + (other.tally & !CORROBORATED);
        self.tally = windows.min(WINDOWS_MAX) | (self.tally | other.tally) & CORROBORATED;
        if (other.bucket, other.window) > (self.bucket, self.window) {
            (self.bucket, self.window) = (other.bucket, other.window);
        }
    }
}

// === impl Ring ===

impl Ring {
    /// Nothing held.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps that `window` was held out with a value in `bucket` of `series`, once for each series that was too
    /// surprising. `corroborated`: a detector other than the series' own raised a finding in that window. The order of
    /// calls does not matter, until something is released.
    pub fn hold(&mut self, window: i64, series: u8, bucket: u16, corroborated: bool) {
        let window = window.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32;
        let tally = 1 | if corroborated { CORROBORATED } else { 0 };
        let one = Held { window, bucket: bucket.min(LAST), series, tally };
        match self.held.binary_search_by_key(&one.place(), Held::place) {
            Ok(place) => self.held[place].add(one),
            // It would be the first to go.
            Err(0) if self.held.len() == KEPT_MAX => {}
            Err(place) => {
                let oldest = usize::from(self.held.len() == KEPT_MAX);
                let (before, after) = self.held.split_at(place);
                self.held = [&before[oldest..], &[one], after].concat().into_boxed_slice();
            }
        }
    }

    /// Marks everything held on the day of `window` as corroborated: for a finding that comes after the window was held.
    pub fn corroborate(&mut self, window: i64) {
        let day = (window.saturating_mul(WINDOW_SECONDS)).div_euclid(86_400);
        for held in self.held.iter_mut().filter(|held| held.day() == day) {
            held.tally |= CORROBORATED;
        }
    }

    /// Gives back what has become a habit, the oldest first, and keeps it no longer: all groups of one series' values, of
    /// at least [`DAYS_MIN`] days, whose largest is at most twice their smallest and of which none is corroborated. From
    /// the smallest values up, each is in one group at most. To be called once a day: nothing changes before a new day.
    pub fn release(&mut self) -> Vec<Released> {
        if self.held.len() < DAYS_MIN {
            return Vec::new();
        }
        let mut sorted = self.held.to_vec();
        sorted.sort_unstable_by_key(|held| (held.series, held.bucket, held.window));
        let mut released = Vec::new();
        let mut rest = &sorted[..];
        while let Some(first) = rest.first() {
            let top = bucket_of(bucket_low(first.bucket).max(1) * 2);
            let count = rest.partition_point(|held| held.series == first.series && held.bucket <= top);
            let (group, after) = rest.split_at(count);
            if count >= DAYS_MIN && !group.iter().any(Held::is_corroborated) {
                released.extend_from_slice(group);
                rest = after;
            } else {
                rest = &rest[1..];
            }
        }
        released.sort_unstable_by_key(Held::place);
        let stays = |held: &&Held| released.binary_search_by_key(&held.place(), Held::place).is_err();
        self.held = self.held.iter().filter(stays).copied().collect();
        released.iter().map(Held::released).collect()
    }

    /// Gives back everything, the oldest first: an analyst says it was expected.
    pub fn release_all(&mut self) -> Vec<Released> {
        std::mem::take(&mut self.held).iter().map(Held::released).collect()
    }

    /// What is held, the oldest first, and whether another detector found it suspicious too.
    pub fn held(&self) -> impl Iterator<Item = (Released, bool)> + '_ {
        self.held.iter().map(|held| (held.released(), held.is_corroborated()))
    }

    /// Takes in what `other` holds: of a day and series that both hold, what one ring would have kept of all its windows; of
    /// too many, the newest. In whatever order and grouping rings are merged, the same comes out.
    pub fn merge(&mut self, other: &Self) {
        let mut held = std::mem::take(&mut self.held).into_vec();
        for one in &other.held {
            match held.binary_search_by_key(&one.place(), Held::place) {
                Ok(place) => held[place].add(*one),
                Err(place) => held.insert(place, *one),
            }
        }
        held.drain(..held.len().saturating_sub(KEPT_MAX));
        self.held = held.into_boxed_slice();
    }

    /// How many summaries are held.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether nothing is held.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Memory held, in bytes.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.held)
    }

    /// Appends its bytes to `out`: one, and about seven for each summary.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put(self.len() as u64, out);
        for held in &self.held {
            put(u64::from((held.window << 1 ^ held.window >> 31) as u32), out);
            put(held.bucket.into(), out);
            out.extend_from_slice(&[held.series, held.tally]);
        }
    }

    /// Takes what [`Ring::encode`] wrote off the front of `bytes`.
    ///
    /// # Errors
    ///
    /// When they are not such bytes; `bytes` then stands somewhere inside them.
    pub fn decode(bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        let count = take(bytes)?;
        if count > KEPT_MAX as u64 {
            return Err(DecodeError::Form);
        }
        let mut held: Vec<Held> = Vec::with_capacity(count as usize);
        for _ in 0..count {
            let window = u32::try_from(take(bytes)?).map_err(|_| DecodeError::Number)?;
            let place = take(bytes)?;
            let bucket = u16::try_from(place).ok().filter(|bucket| *bucket <= LAST);
            let one = Held {
                window: (window >> 1) as i32 ^ -((window & 1) as i32),
                bucket: bucket.ok_or(DecodeError::Place { place })?,
                series: take_byte(bytes)?,
                tally: take_byte(bytes)?,
            };
            if !(1..=WINDOWS_MAX).contains(&(one.tally & !CORROBORATED)) {
                return Err(DecodeError::Weight { weight: one.tally.into() });
            }
            if held.last().is_some_and(|last| last.place() >= one.place()) {
                return Err(DecodeError::Form);
            }
            held.push(one);
        }
        Ok(Self { held: held.into_boxed_slice() })
    }
}

#[cfg(test)]
mod tests;
