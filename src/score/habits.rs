//! What an entity has learned about itself beside its histograms: on how many days, how its hours differ, what is in
//! quarantine, how much a day may teach it, and what its weeks come to.

use crate::event::Feature;

use super::{
    drift::{Drift, Drifted},
    grid::{EPOCH_WINDOWS, Grid, Window},
    histogram::{
        DecodeError,
        wire::{put, take},
    },
    influence::Influence,
    judge::least_of_drift,
    maturity::{Days, day_of},
    ring::Ring,
    season::Season,
    series::{FEATURES, SERIES},
};

/// The features whose weeks are compared with each other.
pub(super) const DRIFTING: [Feature; 4] =
    [Feature::BytesOut, Feature::ExternalBytesOut, Feature::DestinationPorts, Feature::Peers];

/// What an entity knows of its own ways: made when its first hour ends.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Habits {
    /// On how many days windows were learned.
    pub(super) days: Days,
    season: Season,
    /// Hours that have ended, with their packets, and that some window still to be judged must be judged without: ascending.
    hours: Vec<(i32, u64)>,
    pub(super) influence: Influence<SERIES>,
    pub(super) ring: Ring,
    drift: Drift<{ DRIFTING.len() }>,
}

/// What the season says as of one fold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Shifts {
    /// The first hour that windows judged by the fold lie in; the second is the one after it.
    first: i32,
    shifts: [i16; 2],
    /// On how many days the season has learned.
    pub(super) days: u16,
}

/// The hour that `window` lies in, since 1970.
#[inline]
pub(super) const fn hour_of(window: Window) -> i64 {
    window.div_euclid(EPOCH_WINDOWS)
}

// === impl Shifts ===

impl Shifts {
    /// By how much a volume in `window` is moved.
    #[inline]
    pub(super) const fn of(&self, window: Window) -> i16 {
        self.shifts[(hour_of(window) > self.first as i64) as usize]
    }
}

// === impl Habits ===

impl Habits {
    /// Notes that a window that starts with `window` was learned.
    pub(super) fn learned(&mut self, window: Window) {
        self.days.note(day_of(Grid::start(window)));
    }

    /// Notes what the hour that begins with window `start` came to, and returns which features have drifted. What was held
    /// out teaches the season nothing.
    pub(super) fn end_hour(
        &mut self,
        start: Window,
        values: &[u64; FEATURES],
        held_out: bool,
    ) -> impl Iterator<Item = (Feature, Drifted)> + use<> {
        let hour = hour_of(start);
        if !held_out {
            let packets = values[Feature::Packets as usize];
            self.hours.push((i32::try_from(hour).unwrap_or(i32::MAX), packets));
        }
        let drifting = DRIFTING.map(|feature| values[feature as usize]);
        let found = self.drift.note(hour, &drifting, &DRIFTING.map(least_of_drift));
        DRIFTING.into_iter().zip(found).filter_map(|(feature, drifted)| Some((feature, drifted?)))
    }

    /// Lets the season learn the hours through `settled`: every window still to be judged is judged with them.
    pub(super) fn settle(&mut self, settled: Window) {
        let count = self.hours.iter().take_while(|(hour, _)| i64::from(*hour) <= hour_of(settled)).count();
        for (hour, packets) in self.hours.drain(..count) {
            self.season.note(hour.into(), packets);
        }
    }

    /// What the season says as of fold `as_of` of windows from `first` on.
    pub(super) fn shifts(&self, as_of: Window, first: Window) -> Shifts {
        let ended = self.hours.iter().take_while(|(hour, _)| i64::from(*hour) <= hour_of(as_of));
        let said = |season: &Season| {
            let hour = hour_of(first);
            Shifts {
                first: i32::try_from(hour).unwrap_or(i32::MAX),
                shifts: [season.shift(hour), season.shift(hour + 1)],
                days: season.days(),
            }
        };
        if ended.clone().next().is_none() {
            return said(&self.season);
        }
        let mut season = self.season.clone();
        ended.for_each(|(hour, packets)| season.note((*hour).into(), *packets));
        said(&season)
    }

    /// The season as far as it is settled, the hours that it has not learned yet, with their packets, and the weeks.
    pub(super) fn parts(&self) -> (&Season, &[(i32, u64)], &Drift<{ DRIFTING.len() }>) {
        (&self.season, &self.hours, &self.drift)
    }

    /// Takes in what the same entity learned elsewhere.
    pub(super) fn merge(&mut self, other: &Self) {
        self.days.merge(other.days);
        self.season.merge(&other.season);
        for (hour, packets) in &other.hours {
            match self.hours.binary_search_by_key(hour, |(hour, _)| *hour) {
                Ok(place) => self.hours[place].1 = self.hours[place].1.saturating_add(*packets),
                Err(place) => self.hours.insert(place, (*hour, *packets)),
            }
        }
        self.influence.merge(&other.influence);
        self.ring.merge(&other.ring);
        self.drift.merge(&other.drift);
    }

    /// Appends its bytes to `out`.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        self.days.encode(out);
        self.season.encode(out);
        put(self.hours.len() as u64, out);
        for (hour, packets) in &self.hours {
            put(u64::from(*hour as u32), out);
            put(*packets, out);
        }
        self.influence.encode(out);
        self.ring.encode(out);
        self.drift.encode(out);
    }

    /// Takes what [`Habits::encode`] wrote off the front of `bytes`.
    pub(super) fn decode(bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        let mut habits =
            Self { days: Days::decode(bytes)?, season: Season::decode(bytes)?, ..Self::default() };
        let mut last = i64::MIN;
        for _ in 0..take(bytes)? {
            let hour = u32::try_from(take(bytes)?).map_err(|_| DecodeError::Number)? as i32;
            if i64::from(hour) <= last {
                return Err(DecodeError::Form);
            }
            last = hour.into();
            habits.hours.push((hour, take(bytes)?));
        }
        habits.influence = Influence::decode(bytes)?;
        habits.ring = Ring::decode(bytes)?;
        habits.drift = Drift::decode(bytes)?;
        Ok(habits)
    }
}
