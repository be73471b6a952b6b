//! A span of time with a unit: `250ms`, `25s`, `10m`, `1h`, `14d`.

use std::{fmt, str::FromStr};

use super::{QuantityError, split};

/// A span of time in whole milliseconds, written `250ms`, `25s`, `10m`, `1h` or `14d`. At most 100 years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration {
    millis: u64,
}

const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
const MILLIS_MAX: u64 = 100 * 366 * 86_400_000;

// === impl Duration ===

impl Duration {
    /// `seconds` whole seconds.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self { millis: seconds * 1_000 }
    }

    /// `millis` whole milliseconds.
    #[must_use]
    pub const fn millis(millis: u64) -> Self {
        Self { millis }
    }

    /// The span in whole milliseconds.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.millis
    }

    /// The span in whole seconds, rounded down.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.millis / 1_000
    }

    /// The span as the standard library has it.
    #[must_use]
    pub const fn std(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.millis)
    }
}

impl FromStr for Duration {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let error =
            || QuantityError { text: text.to_owned(), expected: "a duration such as 30s, 10m or 14d" };
        let (number, unit) = split(text).ok_or_else(error)?;
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(error)?;
        let millis = number.checked_mul(*factor).filter(|millis| *millis <= MILLIS_MAX).ok_or_else(error)?;
        Ok(Self { millis })
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, factor) = UNITS
            .iter()
            .find(|(_, factor)| self.millis.is_multiple_of(*factor) && self.millis > 0)
            .unwrap_or(&("s", 1_000));
        write!(f, "{}{name}", self.millis / factor)
    }
}

super::text_form!(
    Duration,
    "Duration",
    "^[0-9]+ ?(ms|s|m|h|d)$",
    "A span of time: 250ms, 25s, 10m, 1h or 14d."
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_reads_what_it_writes() {
        for text in ["250ms", "25s", "10m", "1h", "14d", "0s"] {
            assert_eq!(text.parse::<Duration>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_duration_without_a_unit_or_past_its_range_is_refused() {
        for text in ["", "10", "m", "-1s", "1.5h", "10 weeks", "99999999999d", "18446744073709551616s"] {
            assert!(text.parse::<Duration>().is_err(), "{text:?} was read");
        }
    }
}
