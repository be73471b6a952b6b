//! The columns of one line: where they stand, found 64 bytes at a time.

use super::number::separators;
use crate::event::{Layout, Span};

/// Where the columns of one line stand; room that is used again from line to line.
#[derive(Debug)]
pub(in crate::parse) struct Columns {
    /// Counted from the line's beginning.
    spans: [Span; Layout::COLUMNS_MAX],
}

// === impl Columns ===

impl Columns {
    pub(in crate::parse) const fn new() -> Self {
        Self { spans: [Span { start: 0, len: 0 }; Layout::COLUMNS_MAX] }
    }

    /// Finds the columns of `line`, which stand between runs of spaces and tabs, and returns how many there are; those
    /// past [`Layout::COLUMNS_MAX`] are only counted.
    pub(super) fn split(&mut self, line: &[u8]) -> usize {
        let mut count = 0;
        let mut start = 0;
        for (index, block) in line.chunks(64).enumerate() {
            let mut mask = separators(block);
            while mask != 0 {
                let end = 64 * index + mask.trailing_zeros() as usize;
                mask &= mask - 1;
                count += self.add(count, start, end);
                start = end + 1;
            }
        }
        count + self.add(count, start, line.len())
    }

    /// Notes `start..end` as column number `index`, unless it is empty; returns how many columns that makes.
    #[inline]
    fn add(&mut self, index: usize, start: usize, end: usize) -> usize {
        if end <= start {
            return 0;
        }
        if let Some(span) = self.spans.get_mut(index) {
            *span = Span { start: start as u32, len: (end - start) as u32 };
        }
        1
    }

    /// The first `count` columns found.
    #[inline]
    pub(super) fn first(&self, count: usize) -> &[Span] {
        &self.spans[..count]
    }
}
