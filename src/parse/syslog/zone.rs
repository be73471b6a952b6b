//! Local times: which zone the times of devices are in that tell none, and which year that tell none.

use std::{fmt, str::FromStr};

use jiff::{
    civil::DateTime,
    tz::{self, TimeZone},
};

use crate::parse::Error;

/// The time zone of syslog lines that tell none: an IANA name such as `Europe/Berlin`, or an offset such as `+02:00`.
/// Default: `UTC`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Timezone {
    name: String,
    zone: TimeZone,
    /// Its offset in seconds, where it always has the same.
    fixed: Option<i64>,
}

/// A date and a time of day, as a line tells them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Civil {
    pub year: Option<i64>,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// Seconds since midnight.
    pub second: u32,
    pub nanos: u32,
    /// Seconds east of Greenwich, where the line tells.
    pub offset: Option<i64>,
}

/// What makes points in time of local times, for the lines of one chunk.
#[derive(Debug)]
pub(super) struct Calendar<'a> {
    timezone: &'a Timezone,
    received_nanos: u64,
    /// A quarter of an hour of local time, and the offset in it: no zone changes more often.
    pub(super) quarter: (i64, i64),
}

const DAY: i64 = 86_400;
const QUARTER: i64 = 900;
/// Years of a point in time that nanoseconds in 64 bits can tell.
const YEARS: std::ops::RangeInclusive<i64> = 1970..=2500;

// === impl Timezone ===

impl Default for Timezone {
    fn default() -> Self {
        Self { name: "UTC".to_owned(), zone: TimeZone::UTC, fixed: Some(0) }
    }
}

impl FromStr for Timezone {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text == "UTC" {
            return Ok(Self::default());
        }
        if let Some(seconds) = offset(text.as_bytes()) {
            let fixed =
                i32::try_from(seconds).ok().and_then(|seconds| tz::Offset::from_seconds(seconds).ok());
            let zone = fixed.map_or(TimeZone::UTC, TimeZone::fixed);
            return Ok(Self { name: text.to_owned(), zone, fixed: Some(seconds) });
        }
        let zone = TimeZone::get(text).map_err(|_| Error::Timezone { name: text.to_owned() })?;
        Ok(Self { name: text.to_owned(), zone, fixed: None })
    }
}

impl TryFrom<String> for Timezone {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Timezone> for String {
    fn from(timezone: Timezone) -> Self {
        timezone.name
    }
}

impl fmt::Display for Timezone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

// === impl Calendar ===

impl<'a> Calendar<'a> {
    /// A calendar for lines received at `received_ms` since 1970.
    pub(super) fn new(timezone: &'a Timezone, received_ms: u64) -> Self {
        let received_nanos = received_ms.saturating_mul(1_000_000);
        Self { timezone, received_nanos, quarter: (i64::MIN, 0) }
    }

    /// When the lines were received, in nanoseconds since 1970.
    pub(super) fn received_nanos(&self) -> u64 {
        self.received_nanos
    }

    /// The point in time, in nanoseconds since 1970; `None` for a day that there is not, or one before 1970 or after 2500.
    pub(super) fn nanos(&mut self, civil: &Civil) -> Option<u64> {
        let seconds = match civil.year {
            Some(year) if YEARS.contains(&year) => self.seconds(year, civil)?,
            Some(_) => return None,
            None => self.nearest(civil)?,
        };
        let seconds = u64::try_from(seconds).ok()?;
        seconds.checked_mul(1_000_000_000)?.checked_add(u64::from(civil.nanos))
    }

    /// The time of the year in which it is nearest to when it was received.
    fn nearest(&mut self, civil: &Civil) -> Option<i64> {
        let received = i64::try_from(self.received_nanos / 1_000_000_000).ok()?;
        let year = year_of(received.div_euclid(DAY));
        let years = [year, year - 1, year + 1];
        let times = years.into_iter().filter_map(|year| self.seconds(year, civil));
        times.min_by_key(|seconds| seconds.abs_diff(received))
    }

    fn seconds(&mut self, year: i64, civil: &Civil) -> Option<i64> {
        let local = day_of(year, civil.month, civil.day)? * DAY + i64::from(civil.second);
        let offset = civil.offset.or(self.timezone.fixed).or_else(|| self.offset(local))?;
        Some(local - offset)
    }

    /// The zone's offset at a local time, in seconds since 1970 as if it were UTC.
    fn offset(&mut self, local: i64) -> Option<i64> {
        let quarter = local.div_euclid(QUARTER);
        if self.quarter.0 != quarter {
            let civil: DateTime =
                TimeZone::UTC.to_datetime(jiff::Timestamp::from_second(quarter * QUARTER).ok()?);
            let time = self.timezone.zone.to_timestamp(civil).ok()?;
            self.quarter = (quarter, quarter * QUARTER - time.as_second());
        }
        Some(self.quarter.1)
    }
}

/// An offset as `+02:00`, `-0530` or `+02`, in seconds.
pub(super) fn offset(text: &[u8]) -> Option<i64> {
    let (sign, digits) = text.split_first()?;
    let sign = match sign {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let two = |at: usize| {
        let pair = digits.get(at..at + 2)?;
        pair.iter()
            .all(u8::is_ascii_digit)
            .then(|| i64::from(pair[0] - b'0') * 10 + i64::from(pair[1] - b'0'))
    };
    let hours = two(0).filter(|hours| *hours < 24)?;
    let minutes = match (digits.len(), digits.get(2)) {
        (2, _) => 0,
        (4, _) => two(2)?,
        (5, Some(b':')) => two(3)?,
        _ => return None,
    };
    (minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
}

/// Days from 1970-01-01 to this day; `None` where there is none such. Counted in years from March to February, so that the
/// day that leap years have more is their last.
fn day_of(year: i64, month: u8, day: u8) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u8::from(is_leap),
        _ => return None,
    };
    if !(1..=last).contains(&day) {
        return None;
    }
    let (month, day) = (i64::from(month), i64::from(day));
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // Five months from March on have 153 days, and so have the next five.
    let in_year = (153 * month + 2) / 5 + day - 1;
    Some(year * 365 + leaps + in_year - 719_468)
}

/// The year of a day since 1970.
fn year_of(day: i64) -> i64 {
    let guess = 1970 + day / 366;
    let after = (guess..).find(|year| day_of(year + 1, 1, 1).is_none_or(|first| first > day));
    after.unwrap_or(guess)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> u64 {
        text.parse::<jiff::Timestamp>().unwrap().as_millisecond() as u64
    }

    fn local(month: u8, day: u8, hour: u32) -> Civil {
        Civil { month, day, second: hour * 3_600, ..Civil::default() }
    }

    fn read(zone: &str, received: &str, civil: &Civil) -> Option<String> {
        let zone = zone.parse().unwrap();
        let nanos = Calendar::new(&zone, at(received)).nanos(civil)?;
        Some(jiff::Timestamp::from_nanosecond(nanos.into()).unwrap().to_string())
    }

    #[test]
    fn a_time_without_a_year_is_of_the_year_nearest_to_when_it_was_received() {
        let new_year = local(12, 31, 23);
        assert_eq!(read("UTC", "2026-01-01T00:00:10Z", &new_year).unwrap(), "2025-12-31T23:00:00Z");
        assert_eq!(read("UTC", "2025-12-31T23:59:10Z", &new_year).unwrap(), "2025-12-31T23:00:00Z");
        let january = local(1, 1, 1);
        assert_eq!(read("UTC", "2025-12-31T23:59:10Z", &january).unwrap(), "2026-01-01T01:00:00Z");
        let leap = local(2, 29, 1);
        assert_eq!(read("UTC", "2025-01-10T00:00:00Z", &leap).unwrap(), "2024-02-29T01:00:00Z");
        assert_eq!(read("UTC", "2026-06-10T00:00:00Z", &leap), None);
    }

    #[test]
    fn a_zone_is_named_or_an_offset_and_the_lines_own_counts_more() {
        let (summer, winter) = (local(7, 1, 12), local(1, 2, 12));
        assert_eq!(read("Europe/Berlin", "2026-07-01T00:00:00Z", &summer).unwrap(), "2026-07-01T10:00:00Z");
        assert_eq!(read("Europe/Berlin", "2026-01-01T00:00:00Z", &winter).unwrap(), "2026-01-02T11:00:00Z");
        assert_eq!(read("-05:30", "2026-01-01T00:00:00Z", &winter).unwrap(), "2026-01-02T17:30:00Z");
        let own = Civil { offset: Some(3_600), ..summer };
        assert_eq!(read("-05:30", "2026-07-01T00:00:00Z", &own).unwrap(), "2026-07-01T11:00:00Z");
        let error = "Mars/Olympus".parse::<Timezone>().unwrap_err().to_string();
        assert!(error.contains("Mars/Olympus") && error.contains("Europe/Berlin"), "{error}");
    }

    proptest! {
        #[test]
        fn a_day_is_the_one_that_jiff_counts(day in 0..190_000_i64) {
            let date = jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(day)).unwrap();
            let (year, month) = (i64::from(date.year()), date.month() as u8);
            prop_assert_eq!(day_of(year, month, date.day() as u8), Some(day));
            prop_assert_eq!(year_of(day), year);
        }
    }
}
