//! Times as devices write them, from those of RFC 3164 and RFC 3339 to those with a year, a fraction or a zone in odd places.

use super::zone::{Calendar, Civil, offset};

/// The months' names in English, in lower case.
const MONTHS: [[u8; 3]; 12] = [
    *b"jan", *b"feb", *b"mar", *b"apr", *b"may", *b"jun", *b"jul", *b"aug", *b"sep", *b"oct", *b"nov",
    *b"dec",
];
const WEEKDAYS: [[u8; 3]; 7] = [*b"mon", *b"tue", *b"wed", *b"thu", *b"fri", *b"sat", *b"sun"];

/// Zones by the abbreviations that devices write, in minutes east of Greenwich: those of RFC 5322 and those that one zone
/// has. Those that several have are known as zones, and the configured one holds.
const ZONES: [(&[u8], Option<i64>); 36] = [
    (b"UTC", Some(0)),
    (b"GMT", Some(0)),
    (b"Z", Some(0)),
    (b"WET", Some(0)),
    (b"WEST", Some(60)),
    (b"CET", Some(60)),
    (b"CEST", Some(120)),
    (b"EET", Some(120)),
    (b"EEST", Some(180)),
    (b"MSK", Some(180)),
    (b"SAST", Some(120)),
    (b"EST", Some(-300)),
    (b"EDT", Some(-240)),
    (b"CST", Some(-360)),
    (b"CDT", Some(-300)),
    (b"MST", Some(-420)),
    (b"MDT", Some(-360)),
    (b"PST", Some(-480)),
    (b"PDT", Some(-420)),
    (b"AKST", Some(-540)),
    (b"AKDT", Some(-480)),
    (b"HST", Some(-600)),
    (b"JST", Some(540)),
    (b"KST", Some(540)),
    (b"HKT", Some(480)),
    (b"SGT", Some(480)),
    (b"AWST", Some(480)),
    (b"ACST", Some(570)),
    (b"ACDT", Some(630)),
    (b"AEST", Some(600)),
    (b"AEDT", Some(660)),
    (b"NZST", Some(720)),
    (b"NZDT", Some(780)),
    (b"BST", None),
    (b"IST", None),
    (b"AST", None),
];

/// What is left of a line while a time is read from it.
#[derive(Clone, Copy)]
struct Text<'a>(&'a [u8]);

/// The time that `text` begins with, in nanoseconds since 1970, and how many bytes it takes, its zone and year included.
pub(super) fn read(text: &[u8], calendar: &mut Calendar<'_>) -> Option<(u64, usize)> {
    let first = *text.first()?;
    let mut rest = Text(text);
    let civil = if first.is_ascii_digit() {
        rest.date_of_digits()?
    } else if first.is_ascii_alphabetic() {
        rest.date_of_month()?
    } else {
        return None;
    };
    // A time that goes on with a letter or a digit is something else.
    if rest.0.first().is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    Some((calendar.nanos(&civil)?, text.len() - rest.0.len()))
}

/// The time that all of `text` is, as RFC 5424 has it: with date, time and zone by RFC 3339.
pub(super) fn whole(text: &[u8], calendar: &mut Calendar<'_>) -> Option<u64> {
    let (nanos, len) = read(text, calendar)?;
    (len == text.len() && text.get(4) == Some(&b'-')).then_some(nanos)
}

/// Seconds since 1970 with a fraction, as Meraki's devices write the time, in nanoseconds.
pub(super) fn epoch(text: &[u8]) -> Option<u64> {
    let (seconds, fraction) = text.split_at_checked(10)?;
    let seconds = seconds.iter().try_fold(0_u64, |number, byte| {
        byte.is_ascii_digit().then(|| number * 10 + u64::from(byte - b'0'))
    })?;
    let mut rest = Text(fraction);
    let nanos = rest.fraction();
    (rest.0.is_empty() && !fraction.is_empty()).then(|| seconds * 1_000_000_000 + u64::from(nanos))
}

// === impl Text ===

impl<'a> Text<'a> {
    fn peek(&self, at: usize) -> u8 {
        self.0.get(at).copied().unwrap_or(0)
    }

    fn skip(&mut self, len: usize) {
        self.0 = self.0.get(len..).unwrap_or_default();
    }

    fn blanks(&mut self) -> Option<()> {
        let len = self.0.iter().take_while(|byte| **byte == b' ').count();
        self.skip(len);
        (len > 0).then_some(())
    }

    /// Takes a number of exactly `digits` digits.
    fn number(&mut self, digits: usize) -> Option<i64> {
        let text = self.0.get(..digits)?;
        let number = text.iter().try_fold(0, |number, byte| {
            byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0'))
        })?;
        self.skip(digits);
        Some(number)
    }

    /// Takes a number of one or two digits.
    fn short(&mut self) -> Option<i64> {
        self.number(if self.peek(1).is_ascii_digit() { 2 } else { 1 })
    }

    fn name<const N: usize>(&mut self, names: &[[u8; 3]; N]) -> Option<usize> {
        let name: [u8; 3] = self.0.first_chunk().copied()?;
        let place = names.iter().position(|known| known.eq_ignore_ascii_case(&name))?;
        self.skip(3);
        Some(place)
    }

    /// `2026-11-22T01:02:03.456+01:00` with any usual separators, and `2026 Nov 22 01:02:03`.
    fn date_of_digits(&mut self) -> Option<Civil> {
        let year = self.number(4)?;
        let separator = self.peek(0);
        if separator == b' ' {
            self.skip(1);
            let mut civil = self.date_of_month()?;
            civil.year.get_or_insert(year);
            return Some(civil);
        }
        if !matches!(separator, b'-' | b'/' | b':') {
            return None;
        }
        self.skip(1);
        let month = self.number(2)?;
        if self.peek(0) != separator {
            return None;
        }
        self.skip(1);
        let day = self.number(2)?;
        match (self.peek(0), separator) {
            (b'T' | b't' | b' ', b'-' | b'/') | (b'-', b':') => self.skip(1),
            _ => return None,
        }
        let mut civil = Civil { year: Some(year), month: month as u8, day: day as u8, ..Civil::default() };
        self.time(&mut civil)?;
        self.zone(&mut civil);
        Some(civil)
    }

    /// `Nov 22 01:02:03`, with a weekday before it, with a year before or behind the time, with a fraction and a zone.
    fn date_of_month(&mut self) -> Option<Civil> {
        if self.name(&WEEKDAYS).is_some() {
            self.skip(usize::from(self.peek(0) == b','));
            self.blanks()?;
        }
        let month = self.name(&MONTHS)? as u8 + 1;
        self.blanks()?;
        let day = self.short()? as u8;
        self.blanks()?;
        let mut civil = Civil { month, day, ..Civil::default() };
        if self.peek(4) == b' ' {
            civil.year = Some(self.number(4)?);
            self.blanks()?;
        }
        self.time(&mut civil)?;
        if civil.year.is_none() {
            civil.year = self.year_behind();
        }
        self.zone(&mut civil);
        if civil.year.is_none() {
            civil.year = self.year_behind();
        }
        Some(civil)
    }

    /// `01:02:03` with or without a fraction.
    fn time(&mut self, civil: &mut Civil) -> Option<()> {
        let hour = self.short().filter(|hour| *hour < 24)?;
        let minute = self.after_colon()?;
        let second =
            if self.peek(0) == b':' && self.peek(1).is_ascii_digit() { self.after_colon()? } else { 0 };
        // The second that is put in now and then is the next minute's first.
        (minute < 60 && second <= 60).then_some(())?;
        civil.second = (hour * 3_600 + minute * 60 + second) as u32;
        civil.nanos = self.fraction();
        Some(())
    }

    fn after_colon(&mut self) -> Option<i64> {
        (self.peek(0) == b':').then(|| self.skip(1))?;
        self.number(2)
    }

    /// Takes a fraction of a second: a point and digits, or a comma and three digits.
    fn fraction(&mut self) -> u32 {
        let digits = self.0.iter().skip(1).take_while(|byte| byte.is_ascii_digit()).count();
        let is_fraction = match self.peek(0) {
            b'.' => digits > 0,
            b',' => digits == 3,
            _ => false,
        };
        if !is_fraction {
            return 0;
        }
        let digit = |at: usize| u32::from(if at <= digits { self.0[at] - b'0' } else { 0 });
        let nanos = (1..=9).fold(0, |nanos, at| nanos * 10 + digit(at));
        self.skip(digits + 1);
        nanos
    }

    /// Takes a year, where one follows the time.
    fn year_behind(&mut self) -> Option<i64> {
        let mut rest = *self;
        rest.blanks()?;
        let year = rest.number(4).filter(|year| (1990..2100).contains(year))?;
        // An address may begin as a year does.
        if !matches!(rest.0, [] | [b' ', ..] | [b':'] | [b':', b' ', ..]) {
            return None;
        }
        *self = rest;
        Some(year)
    }

    /// Takes the zone: an offset or an abbreviation, behind the time or a blank.
    fn zone(&mut self, civil: &mut Civil) {
        let mut rest = *self;
        let apart = rest.blanks().is_some();
        let len = rest
            .0
            .iter()
            .take(6)
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b':'));
        let mut len = len.count();
        // What follows a zone begins with a colon or a blank.
        len -= usize::from(len > 0 && rest.0[len - 1] == b':');
        let text = &rest.0[..len];
        if !matches!(rest.peek(len), 0 | b' ' | b':') {
            return;
        }
        if let Some(seconds) = offset(text).filter(|_| !apart || len > 3) {
            civil.offset = Some(seconds);
        } else if !apart && text.eq_ignore_ascii_case(b"z") {
            civil.offset = Some(0);
        } else if let Some((_, minutes)) = ZONES.iter().find(|(name, _)| *name == text).filter(|_| apart) {
            civil.offset = minutes.map(|minutes| minutes * 60);
        } else {
            return;
        }
        rest.skip(len);
        *self = rest;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::parse::syslog::zone::Timezone;

    fn at(text: &str) -> Option<(String, &str)> {
        let zone: Timezone = "+01:00".parse().unwrap();
        let mut calendar = Calendar::new(&zone, 1_795_260_605_000);
        let (nanos, len) = read(text.as_bytes(), &mut calendar)?;
        Some((jiff::Timestamp::from_nanosecond(nanos.into()).unwrap().to_string(), &text[len..]))
    }

    #[test]
    fn times_in_every_form_are_read_to_their_end() {
        for (text, time, rest) in [
            ("Nov 20 01:02:03 host", "2026-11-20T00:02:03Z", " host"),
            ("Nov  2 01:02:03", "2026-11-02T00:02:03Z", ""),
            ("nov 2 1:02:03 x", "2026-11-02T00:02:03Z", " x"),
            ("Nov 20 2024 01:02:03: %ASA", "2024-11-20T00:02:03Z", ": %ASA"),
            ("Nov 20 01:02:03 2024 host", "2024-11-20T00:02:03Z", " host"),
            ("Nov 20 01:02:03.456 UTC: %SYS", "2026-11-20T01:02:03.456Z", ": %SYS"),
            ("Nov 20 01:02:03 EST: %ASA", "2026-11-20T06:02:03Z", ": %ASA"),
            ("Nov 20 01:02:03 IST host", "2026-11-20T00:02:03Z", " host"),
            ("Nov 20 01:02:03 GMT 2024 host", "2024-11-20T01:02:03Z", " host"),
            ("Nov 20 01:02:03 +0200 host", "2026-11-19T23:02:03Z", " host"),
            ("Fri Nov 20 01:02:03 2026 x", "2026-11-20T00:02:03Z", " x"),
            ("2026 Nov 20 01:02:03.5 UTC: %ETH", "2026-11-20T01:02:03.5Z", ": %ETH"),
            ("2026-11-20T01:02:03Z host", "2026-11-20T01:02:03Z", " host"),
            ("2026-11-20T01:02:03.123456789+05:30 h", "2026-11-19T19:32:03.123456789Z", " h"),
            ("2026-11-20T01:02:03-0800 h", "2026-11-20T09:02:03Z", " h"),
            ("2026-11-20 01:02:03,250 h", "2026-11-20T00:02:03.25Z", " h"),
            ("2026/11/20 01:02:03 h", "2026-11-20T00:02:03Z", " h"),
            ("2026:11:20-01:02:03 utm", "2026-11-20T00:02:03Z", " utm"),
            ("2026-11-20T23:59:60Z", "2026-11-21T00:00:00Z", ""),
            ("Nov 20 01:02:03 CEST5 x", "2026-11-20T00:02:03Z", " CEST5 x"),
            ("Nov 20 01:02:03 10.0.0.1 x", "2026-11-20T00:02:03Z", " 10.0.0.1 x"),
            ("Nov 20 01:02:03 1234 x", "2026-11-20T00:02:03Z", " 1234 x"),
        ] {
            assert_eq!(at(text), Some((time.to_owned(), rest)), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "Nov",
            "November 20 01:02:03",
            "Nov 31 01:02:03",
            "Nov 20 24:02:03",
            "Nov 20 01:60:03",
            "Nov 20 01",
            "Foo 20 01:02:03",
            "2026-13-20T01:02:03Z",
            "2026-11-20",
            "2026-11-20T01:02:03x",
            "20261120T010203",
            "1960-11-20T01:02:03Z",
            "2026-11/20 01:02:03",
            "2026-11-20T01:02:61Z",
        ] {
            assert_eq!(at(text), None, "{text}");
        }
    }

    #[test]
    fn merakis_seconds_have_a_fraction() {
        assert_eq!(epoch(b"1563249630.774247467"), Some(1_563_249_630_774_247_467));
        assert_eq!(epoch(b"1563249630.7"), Some(1_563_249_630_700_000_000));
        for text in ["1563249630", "1563249630.", "156324963x.1", "15632496301.1", ""] {
            assert_eq!(epoch(text.as_bytes()), None, "{text}");
        }
    }
}
