//! How far an entity's baseline may be trusted: still warming, leaning on its peers, or mature.
//!
//! Two things are asked for: how many windows it is worth today (they decay), and on how many distinct days it was
//! learned (they do not): 24 windows of one afternoon say nothing of the night. The bounds are those of the detection
//! reference: 24 windows and 3 days for a first rhythm, 200 windows for a band of ±0.1 around every percentile
//! (Dvoretzky, Kiefer and Wolfowitz: √(ln(2/0.05) / (2·200)) = 0.096).

use super::histogram::DecodeError;
use super::histogram::wire::{put, take};
use crate::event::Maturity;

/// Fewest effective windows with which a baseline is more than its peers'.
pub const WINDOWS_MIN: u32 = 24;
/// Effective windows from which a baseline stands on its own.
pub const WINDOWS_MATURE: u32 = 200;
/// Fewest distinct days.
pub const DAYS_MIN: u16 = 3;

/// On how many distinct days an entity was learned: four bytes, whatever its age.
///
/// Days are counted as they are passed: one that comes after a later one does not count. Folds pass them in order, so
/// none is missed but by state that was merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Days {
    /// Distinct days, up to 65,535.
    count: u16,
    /// The last of them, counted from 1970; what it says counts only once there is one.
    last: u16,
}

/// The day of `seconds` since 1970, counted from there; the first and the last (in 2149) stand for what lies beyond.
#[must_use]
pub const fn day_of(seconds: i64) -> u16 {
    let day = seconds.div_euclid(86_400);
    if day < 0 {
        0
    } else if day > u16::MAX as i64 {
        u16::MAX
    } else {
        day as u16
    }
}

/// The state of a baseline that is worth `windows` windows now and was learned on `days` distinct days.
#[must_use]
pub const fn maturity(windows: u32, days: u16) -> Maturity {
    if windows < WINDOWS_MIN || days < DAYS_MIN {
        Maturity::Warming
    } else if windows < WINDOWS_MATURE {
        Maturity::Shrunk
    } else {
        Maturity::Mature
    }
}

// === impl Days ===

impl Days {
    /// No day yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { count: 0, last: 0 }
    }

    /// Notes `day`, counted from 1970; says whether it is a new one.
    pub const fn note(&mut self, day: u16) -> bool {
        if self.count > 0 && day <= self.last {
            return false;
        }
        self.count = self.count.saturating_add(1);
        self.last = day;
        true
    }

    /// `count` distinct days up to `last`; no more than there are.
    #[must_use]
    pub fn of(count: u16, last: u16) -> Self {
        if count == 0 { Self::new() } else { Self { count: count.min(last.saturating_add(1)), last } }
    }

    /// Takes in the days of another: as many as the one that has more of them, up to the later last. Which days they share
    /// nobody knows, and trust must not come too early.
    pub fn merge(&mut self, other: Self) {
        *self = Self { count: self.count.max(other.count), last: self.last.max(other.last) };
    }

    /// How many distinct days.
    #[must_use]
    pub const fn count(self) -> u16 {
        self.count
    }

    /// The last day, if there was any.
    #[must_use]
    pub const fn last(self) -> Option<u16> {
        if self.count > 0 { Some(self.last) } else { None }
    }

    /// Appends its bytes to `out`: one while there is no day, else about four.
    pub fn encode(self, out: &mut Vec<u8>) {
        put(self.count.into(), out);
        if self.count > 0 {
            put(self.last.into(), out);
        }
    }

    /// Takes what [`Days::encode`] wrote off the front of `bytes`.
    ///
    /// # Errors
    ///
    /// When they are not such bytes; more days than there are up to the last are not.
    pub fn decode(bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        let number = |bytes: &mut &[u8]| u16::try_from(take(bytes)?).map_err(|_| DecodeError::Number);
        let count = number(bytes)?;
        let last = if count > 0 { number(bytes)? } else { 0 };
        if u32::from(count) > u32::from(last) + 1 { Err(DecodeError::Form) } else { Ok(Self { count, last }) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_baseline_warms_until_it_has_24_windows_of_3_days_and_is_mature_from_200() {
        use Maturity::{Mature, Shrunk, Warming};
        for (windows, days, state) in [
            (0, 0, Warming),
            (23, 9, Warming),
            (5_000, 2, Warming),
            (24, 3, Shrunk),
            (199, 3, Shrunk),
            (200, 3, Mature),
        ] {
            assert_eq!(maturity(windows, days), state, "{windows} windows of {days} days");
        }
        assert_eq!(Maturity::ALL.map(Maturity::name), ["warming", "shrunk", "mature"]);
        assert!(Maturity::ALL.is_sorted());
    }

    #[test]
    fn a_day_counts_once_and_a_day_gone_by_not_at_all() {
        assert_eq!(size_of::<Days>(), 4);
        let mut days = Days::new();
        assert_eq!((days.count(), days.last()), (0, None));
        assert_eq!([0, 0, 7, 3, 7, 8].map(|day| days.note(day)), [true, false, true, false, false, true]);
        assert_eq!((days.count(), days.last()), (3, Some(8)));
    }

    #[test]
    fn days_are_those_since_1970_and_end_in_2149() {
        assert_eq!([-1, 0, 86_399, 86_400, i64::MAX].map(day_of), [0, 0, 0, 1, u16::MAX]);
    }

    proptest! {
        #[test]
        fn what_is_encoded_comes_back(noted: Vec<u16>, garbage: Vec<u8>) {
            let mut days = Days::new();
            noted.iter().for_each(|day| { days.note(*day); });
            let mut bytes = Vec::new();
            days.encode(&mut bytes);
            let mut rest = &bytes[..];
            prop_assert_eq!(Days::decode(&mut rest), Ok(days));
            prop_assert!(rest.is_empty());
            if let Ok(read) = Days::decode(&mut &garbage[..]) {
                let mut again = Vec::new();
                read.encode(&mut again);
                prop_assert!(garbage.starts_with(&again));
            }
        }
    }
}
