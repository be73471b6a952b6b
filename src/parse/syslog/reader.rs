//! A line that is read from left to right, and where its parts stand in the chunk.

use crate::event::Span;

/// A place in a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    line: &'a [u8],
    /// Where the line begins in the chunk's bytes.
    base: usize,
    at: usize,
}

// === impl Reader ===

impl<'a> Reader<'a> {
    pub(super) fn new(line: &'a [u8], base: usize) -> Self {
        Self { line, base, at: 0 }
    }

    /// What is not read yet.
    #[inline]
    pub(super) fn rest(&self) -> &'a [u8] {
        self.line.get(self.at..).unwrap_or_default()
    }

    /// The next byte; 0 at the end.
    #[inline]
    pub(super) fn peek(&self) -> u8 {
        self.rest().first().copied().unwrap_or(0)
    }

    /// Takes `len` bytes, and returns where they stand.
    #[inline]
    pub(super) fn take(&mut self, len: usize) -> Span {
        let start = self.at.min(self.line.len());
        self.at = (start + len).min(self.line.len());
        Span::new(self.base + start, self.base + self.at)
    }

    /// Takes all that is left.
    pub(super) fn take_rest(&mut self) -> Span {
        self.take(self.line.len())
    }

    /// Takes `text`, if it comes next.
    pub(super) fn takes(&mut self, text: &[u8]) -> bool {
        let is_next = self.rest().starts_with(text);
        self.at += if is_next { text.len() } else { 0 };
        is_next
    }

    pub(super) fn skip_blanks(&mut self) {
        self.at += self.rest().iter().take_while(|byte| **byte == b' ').count();
    }

    /// How many bytes there are before the next blank.
    #[inline]
    pub(super) fn token_len(&self) -> usize {
        memchr::memchr(b' ', self.rest()).unwrap_or(self.rest().len())
    }

    /// The bytes before the next blank.
    #[inline]
    pub(super) fn token(&self) -> &'a [u8] {
        &self.rest()[..self.token_len()]
    }

    /// The number that the line goes on with, of 1 to `digits` digits, and how many it has.
    pub(super) fn number(&self, digits: usize) -> Option<(u64, usize)> {
        let is_digit = |byte: &&u8| byte.is_ascii_digit();
        let len = self.rest().iter().take(digits + 1).take_while(is_digit).count();
        let text = &self.rest()[..len];
        let number = text.iter().fold(0_u64, |number, digit| number * 10 + u64::from(digit - b'0'));
        (1..=digits).contains(&len).then_some((number, len))
    }
}
