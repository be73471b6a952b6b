//! Points in time as RFC 3339 text, with the calendar worked out once per minute.

use super::pen::Pen;

const MINUTES_A_DAY: u64 = 24 * 60;
/// 9999-12-31T23:59:59Z: the last second whose year has four digits.
const LAST: u64 = 253_402_300_799;

/// The seconds of a minute, as the end of a time.
static SECONDS: [[u8; 4]; 60] = seconds();

/// The hundred pairs of decimal digits, one after the other.
const PAIRS: [u8; 200] = pairs();

/// A point in time as text, in the two parts that it is stored in, each as one number, so that it stays in registers.
/// (Bytes put together first and copied as a whole would have the copy wait until they are stored.)
#[derive(Debug, Clone, Copy)]
pub(super) struct Stamp {
    /// `2026-11-21T12:34`.
    minute: u128,
    /// `:56Z`.
    second: u32,
}

/// Writes times. Minutes that were written lately are remembered: the times of flows lie close together.
#[derive(Debug)]
pub(super) struct Stamps {
    /// Direct-mapped by the minute's number: the number, and the minute as text.
    minutes: [(u64, u128); MINUTES],
}

const MINUTES: usize = 64;

// === impl Stamps ===

impl Stamps {
    pub(super) fn new() -> Self {
        Self { minutes: [(u64::MAX, 0); MINUTES] }
    }

    /// `seconds` since 1970 as `2026-11-21T12:34:56Z`; later times than the year 9999 are written as its last second.
    #[inline]
    pub(super) fn seconds(&mut self, seconds: u64) -> Stamp {
        let seconds = seconds.min(LAST);
        let minute = seconds / 60;
        let slot = &mut self.minutes[minute as usize % MINUTES];
        if slot.0 != minute {
            *slot = (minute, u128::from_ne_bytes(clock(minute)));
        }
        Stamp { minute: slot.1, second: u32::from_ne_bytes(SECONDS[(seconds % 60) as usize]) }
    }

    /// Appends `nanos` since 1970 with as many digits of a fraction as they have: none, 3, 6 or 9.
    pub(super) fn put_nanos(&mut self, nanos: u64, out: &mut Pen<'_>) {
        let (seconds, fraction) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
        if fraction == 0 {
            return self.seconds(seconds).put(out);
        }
        // The milliseconds without their Z.
        out.put_cut(&self.millis(nanos / 1_000_000), 23);
        let (micros, rest) = (fraction / 1_000 % 1_000, fraction % 1_000);
        for part in [micros, rest].into_iter().take(if rest > 0 { 2 } else { usize::from(micros > 0) }) {
            out.push(b'0' + (part / 100) as u8);
            out.put_slice(pair(part as usize % 100));
        }
        out.push(b'Z');
    }

    /// `millis` since 1970 as `2026-11-21T12:34:56.789Z`.
    pub(super) fn millis(&mut self, millis: u64) -> [u8; 24] {
        let (seconds, millis) = (millis / 1_000, (millis % 1_000) as usize);
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let Stamp { minute, second } = self.seconds(seconds);
        text[..16].copy_from_slice(&minute.to_ne_bytes());
        text[16..19].copy_from_slice(&second.to_ne_bytes()[..3]);
        text[20] = b'0' + (millis / 100) as u8;
        text[21..23].copy_from_slice(pair(millis % 100));
        text
    }
}

// === impl Stamp ===

impl Stamp {
    /// Appends it.
    #[inline(always)]
    pub(super) fn put(&self, out: &mut Pen<'_>) {
        out.put(&self.minute.to_ne_bytes());
        out.put(&self.second.to_ne_bytes());
    }
}

/// The minute `minute` minutes after 1970-01-01, as `2026-11-21T12:34`.
#[cold]
fn clock(minute: u64) -> [u8; 16] {
    let mut text = *b"0000-00-00T00:00";
    text[..10].copy_from_slice(&calendar(minute / MINUTES_A_DAY));
    let minute = (minute % MINUTES_A_DAY) as usize;
    text[11..13].copy_from_slice(pair(minute / 60));
    text[14..16].copy_from_slice(pair(minute % 60));
    text
}

/// The day `day` days after 1970-01-01, as `2026-11-21`.
fn calendar(day: u64) -> [u8; 10] {
    let days = jiff::Span::new().days(i32::try_from(day).unwrap_or(i32::MAX));
    let date = jiff::civil::date(1970, 1, 1).checked_add(days).unwrap_or(jiff::civil::Date::MAX);
    let mut text = *b"0000-00-00";
    let year = usize::try_from(date.year()).unwrap_or(0);
    text[..2].copy_from_slice(pair(year / 100));
    text[2..4].copy_from_slice(pair(year % 100));
    text[5..7].copy_from_slice(pair(usize::try_from(date.month()).unwrap_or(0)));
    text[8..].copy_from_slice(pair(usize::try_from(date.day()).unwrap_or(0)));
    text
}

/// A number below 100 as two digits.
#[inline]
fn pair(number: usize) -> &'static [u8] {
    let at = 2 * (number % 100);
    &PAIRS[at..at + 2]
}

const fn pairs() -> [u8; 200] {
    let mut pairs = [0; 200];
    let mut number = 0;
    while number < 100 {
        pairs[2 * number] = b'0' + (number / 10) as u8;
        pairs[2 * number + 1] = b'0' + (number % 10) as u8;
        number += 1;
    }
    pairs
}

const fn seconds() -> [[u8; 4]; 60] {
    let mut seconds = [*b":00Z"; 60];
    let mut second = 0;
    while second < 60 {
        seconds[second][1] += (second / 10) as u8;
        seconds[second][2] += (second % 10) as u8;
        second += 1;
    }
    seconds
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn text(stamp: Stamp) -> String {
        String::from_utf8(crate::normalize::pen::written(|out| stamp.put(out))).unwrap()
    }

    #[test]
    fn the_first_and_the_last_second_are_written_and_what_is_later_stays_there() {
        let mut stamps = Stamps::new();
        assert_eq!(text(stamps.seconds(0)), "1970-01-01T00:00:00Z");
        assert_eq!(text(stamps.seconds(LAST)), "9999-12-31T23:59:59Z");
        assert_eq!(text(stamps.seconds(u64::MAX)), "9999-12-31T23:59:59Z");
        assert_eq!(&stamps.millis(1_795_219_199_007), b"2026-11-20T23:59:59.007Z");
    }

    #[test]
    fn a_fraction_has_as_many_digits_as_it_needs() {
        let text = |nanos| {
            let mut stamps = Stamps::new();
            String::from_utf8(crate::normalize::pen::written(|out| stamps.put_nanos(nanos, out))).unwrap()
        };
        let second = 1_795_219_199_000_000_000;
        assert_eq!(text(second), "2026-11-20T23:59:59Z");
        assert_eq!(text(second + 120_000_000), "2026-11-20T23:59:59.120Z");
        assert_eq!(text(second + 120_045_000), "2026-11-20T23:59:59.120045Z");
        assert_eq!(text(second + 7), "2026-11-20T23:59:59.000000007Z");
    }

    proptest! {
        #[test]
        fn a_time_is_written_as_jiff_writes_it_whatever_was_written_before(
            times in proptest::collection::vec(0..253_402_200_000_u64, 1..50)
        ) {
            let mut stamps = Stamps::new();
            for time in times {
                let expected = jiff::Timestamp::from_second(time as i64).unwrap().to_string();
                prop_assert_eq!(text(stamps.seconds(time)), expected);
            }
        }
    }
}
