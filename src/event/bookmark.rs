//! A bookmark: a place in an origin that is no number of 64 bits.

use std::{fmt, sync::Arc};

/// A place in an origin, as its source writes it: what lies before is done. Only that source reads it, and only it can say
/// which of two comes first.
///
/// Positions of such an origin begin anew with every assignment; what outlives a process is the bookmark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bookmark(Arc<str>);

// === impl Bookmark ===

impl Bookmark {
    /// The bookmark that its source writes as `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// As its source writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Bookmark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
