//! What an entity has learned about itself beside its histograms: on how many days, how its hours differ, what is in
//! quarantine, how much a day may teach it, what its weeks come to, and whom it serves and calls.

use crate::{
    event::Feature,
    score::{
        entities::series::{FEATURES, SERIES},
        entities::shown::Shown,
        grid::{EPOCH_WINDOWS, Grid, Window},
        histogram::{
            DecodeError,
            wire::{put, take, take_byte},
        },
    },
};

use super::{
    drift::{Drift, Drifted},
    influence::Influence,
    judge::least_of_drift,
    maturity::{Days, day_of},
    ring::Ring,
    roles::{Role, Roles},
    season::Season,
};

/// The features whose weeks are compared with each other.
pub(in crate::score) const DRIFTING: [Feature; 4] =
    [Feature::BytesOut, Feature::ExternalBytesOut, Feature::DestinationPorts, Feature::Peers];

/// What an entity knows of its own ways: made when its first hour ends.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::score) struct Habits {
    /// On how many days windows were learned.
    pub(in crate::score) days: Days,
    season: Season,
    /// Hours that have ended, and that some window still to be judged must be judged without: ascending.
    ended: Vec<Ended>,
    pub(in crate::score) influence: Influence<SERIES>,
    pub(in crate::score) ring: Ring,
    drift: Drift<{ DRIFTING.len() }>,
    /// What it usually is and does.
    roles: Roles,
}

/// What an hour that has ended teaches season and roles.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::score) struct Ended {
    /// Counted from 1970.
    hour: i32,
    /// Its packets; none where it was held out.
    packets: Option<u64>,
    shown: Shown,
}

/// What the season says as of one fold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::score) struct Shifts {
    /// The first hour that windows judged by the fold lie in; the second is the one after it.
    first: i32,
    shifts: [i16; 2],
    /// On how many days the season has learned.
    pub(in crate::score) days: u16,
}

/// The hour that `window` lies in, since 1970.
#[inline]
pub(in crate::score) const fn hour_of(window: Window) -> i64 {
    window.div_euclid(EPOCH_WINDOWS)
}

// === impl Shifts ===

impl Shifts {
    /// By how much a volume in `window` is moved.
    #[inline]
    pub(in crate::score) const fn of(&self, window: Window) -> i16 {
        self.shifts[(hour_of(window) > self.first as i64) as usize]
    }
}

// === impl Ended ===

impl Ended {
    /// Whether everything through `window` being settled, it is.
    fn is_through(&self, window: Window) -> bool {
        i64::from(self.hour) <= hour_of(window)
    }
}

// === impl Habits ===

impl Habits {
    /// Reads the lines of the processor's cache that lie at its ends.
    #[inline]
    pub(in crate::score) fn warm(&self) -> u64 {
        let near = self.ended.last().map_or(0, |ended| u64::from(ended.hour as u32));
        near ^ u64::from(self.days == Days::default())
    }

    /// Notes that a window that starts with `window` was learned.
    pub(in crate::score) fn learned(&mut self, window: Window) {
        self.days.note(day_of(Grid::start(window)));
    }

    /// Notes what the hour that begins with window `start` came to, and returns which features have drifted. What was held
    /// out teaches the season nothing.
    pub(in crate::score) fn end_hour(
        &mut self,
        start: Window,
        values: &[u64; FEATURES],
        held_out: bool,
    ) -> impl Iterator<Item = (Feature, Drifted)> + use<> {
        let hour = hour_of(start);
        if !held_out {
            let packets = values[Feature::Packets as usize];
            self.ended(hour).packets = Some(packets);
        }
        let drifting = DRIFTING.map(|feature| values[feature as usize]);
        let found = self.drift.note(hour, &drifting, &DRIFTING.map(least_of_drift));
        DRIFTING.into_iter().zip(found).filter_map(|(feature, drifted)| Some((feature, drifted?)))
    }

    /// Notes what the hour that begins with window `start` showed of roles.
    pub(in crate::score) fn show(&mut self, start: Window, shown: Shown) {
        if !shown.is_empty() {
            self.ended(hour_of(start)).shown = shown;
        }
    }

    /// What is known of `hour`, which has ended.
    fn ended(&mut self, hour: i64) -> &mut Ended {
        let hour = i32::try_from(hour).unwrap_or(i32::MAX);
        let place = match self.ended.binary_search_by_key(&hour, |ended| ended.hour) {
            Ok(place) => place,
            Err(place) => {
                // Most have one or two.
                self.ended.reserve_exact(1);
                self.ended.insert(place, Ended { hour, packets: None, shown: Shown::default() });
                place
            }
        };
        &mut self.ended[place]
    }

    /// Whether drift was said of any feature and is not over.
    pub(in crate::score) fn is_adrift(&self) -> bool {
        (0..DRIFTING.len()).any(|nth| self.drift.is_said(nth))
    }

    /// Lets season and roles learn the hours through `settled`: every window still to be judged is judged with them.
    pub(in crate::score) fn settle(&mut self, settled: Window) {
        let count = self.ended.iter().take_while(|ended| ended.is_through(settled)).count();
        for Ended { hour, packets, shown } in self.ended.drain(..count) {
            if let Some(packets) = packets {
                self.season.note(hour.into(), packets);
            }
            let day = u16::try_from(hour.div_euclid(24)).unwrap_or(0);
            for role in Role::ALL {
                let keys: Vec<u32> = shown.keys(role).collect();
                self.roles.note(role, &keys, day);
            }
        }
    }

    /// What the season says as of fold `as_of` of windows from `first` on.
    pub(in crate::score) fn shifts(&self, as_of: Window, first: Window) -> Shifts {
        let ended = self.ended.iter().take_while(|ended| ended.is_through(as_of));
        let ended = ended.filter_map(|ended| Some((ended.hour, ended.packets?)));
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
        ended.for_each(|(hour, packets)| season.note(hour.into(), packets));
        said(&season)
    }

    /// The season as far as it is settled, and the weeks.
    pub(in crate::score) fn parts(&self) -> (&Season, &Drift<{ DRIFTING.len() }>) {
        (&self.season, &self.drift)
    }

    /// What it usually is and does, as far as that is settled.
    pub(in crate::score) fn roles(&self) -> &Roles {
        &self.roles
    }

    /// The hours that it has not learned yet: since 1970, with their packets where they teach these, and what they showed.
    pub(in crate::score) fn waiting(&self) -> impl Iterator<Item = (i64, Option<u64>, &Shown)> {
        self.ended.iter().map(|ended| (ended.hour.into(), ended.packets, &ended.shown))
    }

    /// Takes in what the same entity learned elsewhere.
    pub(in crate::score) fn merge(&mut self, other: &Self) {
        self.days.merge(other.days);
        self.season.merge(&other.season);
        for theirs in &other.ended {
            let own = self.ended(theirs.hour.into());
            own.packets = match (own.packets, theirs.packets) {
                (Some(own), Some(theirs)) => Some(own.saturating_add(theirs)),
                (own, theirs) => own.or(theirs),
            };
            own.shown.merge(&theirs.shown);
        }
        self.influence.merge(&other.influence);
        self.ring.merge(&other.ring);
        self.drift.merge(&other.drift);
        self.roles.merge(&other.roles);
    }

    /// Appends its bytes to `out`.
    pub(in crate::score) fn encode(&self, out: &mut Vec<u8>) {
        self.days.encode(out);
        self.season.encode(out);
        put(self.ended.len() as u64, out);
        for Ended { hour, packets, shown } in &self.ended {
            put(u64::from(*hour as u32), out);
            out.push(u8::from(packets.is_some()));
            packets.iter().for_each(|packets| put(*packets, out));
            shown.encode(out);
        }
        self.influence.encode(out);
        self.ring.encode(out);
        self.drift.encode(out);
        self.roles.encode(out);
    }

    /// Takes what [`Habits::encode`] wrote off the front of `bytes`.
    pub(in crate::score) fn decode(bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        let mut habits =
            Self { days: Days::decode(bytes)?, season: Season::decode(bytes)?, ..Self::default() };
        let mut last = i64::MIN;
        for _ in 0..take(bytes)? {
            let hour = take_hour(&mut last, bytes)?;
            let packets = match take_byte(bytes)? {
                0 => None,
                1 => Some(take(bytes)?),
                _ => return Err(DecodeError::Form),
            };
            habits.ended.push(Ended { hour, packets, shown: Shown::decode(bytes)? });
        }
        habits.influence = Influence::decode(bytes)?;
        habits.ring = Ring::decode(bytes)?;
        habits.drift = Drift::decode(bytes)?;
        habits.roles = Roles::decode(bytes)?;
        Ok(habits)
    }
}

/// An hour, which must come after the `last` one.
fn take_hour(last: &mut i64, bytes: &mut &[u8]) -> Result<i32, DecodeError> {
    let hour = u32::try_from(take(bytes)?).map_err(|_| DecodeError::Number)? as i32;
    if i64::from(hour) <= *last {
        return Err(DecodeError::Form);
    }
    *last = hour.into();
    Ok(hour)
}
