//! The columns of one line, scanned and converted in one pass, eight bytes at a time.

use std::net::Ipv6Addr;

use super::number::{Digits, before_separator, ipv4, is_separator};
use crate::{
    event::{Kind, Span, Value},
    parse::Writer,
};

/// A place in a line's columns, which stand between runs of spaces and tabs.
#[derive(Debug)]
pub(super) struct Columns<'a> {
    line: &'a [u8],
    /// Where the line begins in the chunk's bytes.
    base: usize,
    at: usize,
}

/// A column that does not hold what it should.
#[derive(Debug)]
pub(super) struct Misfit;

const SPACES: u64 = 0x2020_2020_2020_2020;

// === impl Columns ===

impl<'a> Columns<'a> {
    /// The columns of the line that `entry` covers in `bytes`, at the first.
    #[inline]
    pub(super) fn new(entry: Span, bytes: &'a [u8]) -> Self {
        let mut columns = Self { line: entry.of(bytes), base: entry.start as usize, at: 0 };
        columns.skip_separators();
        columns
    }

    /// Whether there is no column left.
    #[inline]
    pub(super) fn is_done(&self) -> bool {
        self.at >= self.line.len()
    }

    /// What the next column says as a value of `kind`; moves past it.
    #[inline]
    pub(super) fn value(&mut self, kind: Kind, out: &mut Writer<'_>) -> Result<Value, Misfit> {
        match kind {
            Kind::Uint(max) => self.uint(max),
            Kind::Address => self.address(out),
            Kind::Text => Ok(self.text().map_or(Value::Absent, Value::Text)),
            Kind::Action => self.word(|text| matches!(text, b"ACCEPT" | b"REJECT")),
            Kind::LogStatus => self.word(|text| matches!(text, b"OK" | b"NODATA" | b"SKIPDATA")),
        }
    }

    /// The next column as text in the chunk's bytes, unless it is `-`; moves past it.
    #[inline]
    pub(super) fn text(&mut self) -> Option<Span> {
        let span = self.span();
        let absent = span.len == 1 && self.line[self.at] == b'-';
        self.pass(span.len as usize);
        (!absent).then_some(span)
    }

    /// The next column in the chunk's bytes, whatever it is.
    #[inline]
    pub(super) fn span(&self) -> Span {
        let mut end = self.at;
        loop {
            let before = before_separator(self.load(end));
            end += before as usize;
            if before < 8 {
                return Span::new(self.base + self.at, self.base + end);
            }
        }
    }

    /// How many columns are left.
    pub(super) fn count(&self) -> usize {
        let rest = self.line.get(self.at..).unwrap_or_default();
        rest.split(|byte| is_separator(*byte)).filter(|column| !column.is_empty()).count()
    }

    #[inline]
    fn uint(&mut self, max: u64) -> Result<Value, Misfit> {
        let word = self.load(self.at);
        let digits = Digits::of(word);
        let (value, len, after) = match digits.len {
            0 => return self.absent(),
            8 => self.long_number(digits)?,
            len => (digits.value, len as usize, word >> (8 * len)),
        };
        if !is_separator(after as u8) || value > max {
            return Err(Misfit);
        }
        self.pass(len);
        Ok(Value::Uint(value))
    }

    /// The number that goes on after its first eight digits, its length, and what comes after it. Times take two blocks,
    /// the longest number of 64 bits three.
    #[inline]
    fn long_number(&self, first: Digits) -> Result<(u64, usize, u64), Misfit> {
        let mut value = first.value;
        for start in [8, 16] {
            let word = self.load(self.at + start);
            let digits = Digits::of(word);
            value = digits.after(value).ok_or(Misfit)?;
            if digits.len < 8 {
                return Ok((value, start + digits.len as usize, word >> (8 * digits.len)));
            }
        }
        Err(Misfit)
    }

    #[inline]
    fn address(&mut self, out: &mut Writer<'_>) -> Result<Value, Misfit> {
        if let Some((address, len)) = ipv4(self.load(self.at), self.load(self.at + 8)) {
            let start = self.base + self.at;
            self.pass(len);
            return Ok(Value::V4(address, Span::new(start, start + len)));
        }
        self.absent().or_else(|Misfit| self.ipv6(out))
    }

    fn ipv6(&mut self, out: &mut Writer<'_>) -> Result<Value, Misfit> {
        let span = self.span();
        let text = &self.line[self.at..self.at + span.len as usize];
        let address: Ipv6Addr =
            std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(Misfit)?;
        self.pass(text.len());
        Ok(out.v6(address, span))
    }

    #[inline]
    fn word(&mut self, known: impl Fn(&[u8]) -> bool) -> Result<Value, Misfit> {
        let span = self.span();
        let text = &self.line[self.at..self.at + span.len as usize];
        if !known(text) {
            return self.absent();
        }
        self.pass(text.len());
        Ok(Value::Text(span))
    }

    /// Moves past a column that is `-`.
    #[inline]
    fn absent(&mut self) -> Result<Value, Misfit> {
        let word = self.load(self.at);
        if word as u8 != b'-' || !is_separator((word >> 8) as u8) {
            return Err(Misfit);
        }
        self.pass(1);
        Ok(Value::Absent)
    }

    /// Moves past a column of `len` bytes and what separates it from the next.
    #[inline]
    fn pass(&mut self, len: usize) {
        self.at += len + 1;
        self.skip_separators();
    }

    #[inline]
    fn skip_separators(&mut self) {
        while self.line.get(self.at).is_some_and(|byte| is_separator(*byte)) {
            self.at += 1;
        }
    }

    /// The eight bytes at `at`, the first as the lowest; behind the line's end there are spaces.
    #[inline]
    fn load(&self, at: usize) -> u64 {
        match self.line.get(at..).and_then(<[u8]>::first_chunk) {
            Some(bytes) => u64::from_le_bytes(*bytes),
            None => self.load_end(at),
        }
    }

    fn load_end(&self, at: usize) -> u64 {
        let rest = self.line.len().saturating_sub(at) as u32;
        let Some(last) = self.line.last_chunk() else {
            let short = self.line.get(at..).unwrap_or_default();
            return short.iter().rev().fold(SPACES, |word, byte| word << 8 | u64::from(*byte));
        };
        let word = u64::from_le_bytes(*last).checked_shr(64 - 8 * rest).unwrap_or(0);
        word | SPACES.checked_shl(8 * rest).unwrap_or(0)
    }
}
