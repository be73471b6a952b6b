//! What can be wrong with a format string and with an entry.

use std::fmt::Write;

use crate::{
    codec::observation::ObservationError,
    event::{Column, Kind, Layout, LayoutError, Reason, Span},
};

/// Why a format string is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A token is not a name inside `${…}`.
    #[error(
        "could not read {token:?} in the format: a field is written ${{name}}, with white space between fields"
    )]
    Token {
        /// The token, from white space to white space.
        token: String,
    },
    /// A time zone is none.
    #[error(
        "could not find the time zone {name:?}: write an IANA name such as `Europe/Berlin`, or an offset such as `+02:00`"
    )]
    Timezone {
        /// What was written.
        name: String,
    },
    /// The names make no layout.
    #[error("could not use the format: {0}")]
    Layout(#[from] LayoutError),
}

/// Why an entry is not an event; small and free of the heap until someone asks for the detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParseError {
    /// The bytes from this one of the entry on are not UTF-8.
    NotUtf8 {
        /// Number of bytes before them.
        at: u32,
    },
    /// The entry has fewer or more columns than its layout.
    Columns {
        /// How many it has.
        found: u32,
    },
    /// A column does not hold what its field can be.
    Value {
        /// The column, counted from 0.
        column: u32,
        /// What it holds, in the chunk's bytes.
        span: Span,
    },
    /// The flow ends before it starts.
    TimeBackwards {
        /// Seconds since 1970.
        start: u64,
        /// Seconds since 1970.
        end: u64,
    },
    /// The entry has neither a start nor an end.
    NoTime,
    /// The bytes are no observation.
    Observation(ObservationError),
}

/// The most bytes of a column that a detail shows.
const SHOWN_MAX: usize = 64;

// === impl ParseError ===

impl ParseError {
    /// The reason it counts as, for an entry of `layout`.
    #[must_use]
    pub fn reason(&self, layout: &Layout) -> Reason {
        match *self {
            Self::NotUtf8 { .. } => Reason::NotUtf8,
            Self::Columns { found } if (found as usize) < layout.columns().len() => Reason::TooFewColumns,
            Self::Columns { .. } => Reason::TooManyColumns,
            Self::Value { column, .. } => match kind(layout, column) {
                Kind::Uint(_) => Reason::BadNumber,
                Kind::Address => Reason::BadAddress,
                Kind::Text | Kind::Action | Kind::LogStatus => Reason::BadWord,
            },
            Self::TimeBackwards { .. } => Reason::TimeBackwards,
            Self::NoTime => Reason::NoTime,
            Self::Observation(_) => Reason::BadEncoding,
        }
    }

    /// The reason for a person: which column, what it holds, what it could hold. `bytes` are the chunk's.
    #[must_use]
    pub fn detail(&self, layout: &Layout, bytes: &[u8]) -> String {
        let mut detail = String::with_capacity(128);
        // Writing to a string cannot fail.
        let _ = match *self {
            Self::NotUtf8 { at } => write!(detail, "the bytes from {at} on are not UTF-8"),
            Self::Columns { found } => {
                write!(detail, "{found} columns, the layout has {}", layout.columns().len())
            }
            Self::Value { column, span } => value(&mut detail, layout, column, span.of(bytes)),
            Self::TimeBackwards { start, end } => write!(detail, "start {start} is after end {end}"),
            Self::NoTime => write!(detail, "there is neither a start nor an end"),
            Self::Observation(error) => write!(detail, "{error}"),
        };
        detail
    }
}

fn kind(layout: &Layout, column: u32) -> Kind {
    match layout.columns().get(column as usize) {
        Some(Column::Known { field, .. }) => field.info().kind,
        Some(Column::Extra(_)) | None => Kind::Text,
    }
}

fn value(detail: &mut String, layout: &Layout, column: u32, found: &[u8]) -> std::fmt::Result {
    let name = match layout.columns().get(column as usize) {
        Some(Column::Known { field, .. }) => field.info().name,
        Some(Column::Extra(name)) => name,
        None => "",
    };
    let shown = String::from_utf8_lossy(&found[..cut(found)]);
    let more = if shown.len() < found.len() { "…" } else { "" };
    write!(detail, "{name}: {shown:?}{more} is not ")?;
    match kind(layout, column) {
        Kind::Uint(max) => write!(detail, "a whole number from 0 to {max}"),
        Kind::Address => write!(detail, "an IPv4 or IPv6 address"),
        Kind::Action => write!(detail, "ACCEPT or REJECT"),
        Kind::LogStatus => write!(detail, "OK, NODATA or SKIPDATA"),
        Kind::Text => write!(detail, "text"),
    }
}

/// Length of what is shown of `found`: no more than the most, and no character cut in two.
fn cut(found: &[u8]) -> usize {
    let mut len = found.len().min(SHOWN_MAX);
    while len > 0 && found.get(len).is_some_and(|byte| byte & 0xC0 == 0x80) {
        len -= 1;
    }
    len
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_is_cut_between_characters() {
        let layout = Layout::of_names(["end", "srcaddr"]).unwrap();
        let text = format!("x{}", "é".repeat(60));
        let error = ParseError::Value { column: 1, span: Span::new(0, text.len()) };
        let shown = format!("x{}", "é".repeat(31));
        assert_eq!(
            error.detail(&layout, text.as_bytes()),
            format!("srcaddr: \"{shown}\"… is not an IPv4 or IPv6 address")
        );
    }
}
