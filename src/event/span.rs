//! A span: where some text stands in a buffer, without borrowing it.

/// Offset and length of some bytes in the buffer it was made for: a chunk's bytes, or a batch's derived bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Number of bytes.
    pub len: u32,
}

// === impl Span ===

impl Span {
    /// The span of `start..end`; both must fit the 4 GiB that a chunk can address.
    #[must_use]
    pub const fn new(start: usize, end: usize) -> Self {
        debug_assert!(start <= end && end <= u32::MAX as usize, "a span runs forward inside a chunk");
        Self { start: start as u32, len: (end - start) as u32 }
    }

    /// Offset just past the last byte.
    #[must_use]
    pub const fn end(self) -> u32 {
        self.start + self.len
    }

    /// Whether it covers nothing.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.len == 0
    }

    /// The bytes it covers in `buffer`, which must be the buffer it was made for.
    #[must_use]
    #[inline]
    pub fn of(self, buffer: &[u8]) -> &[u8] {
        &buffer[self.start as usize..self.end() as usize]
    }
}
