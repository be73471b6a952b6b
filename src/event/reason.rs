//! Why a record or entry is quarantined: a closed set, which is also the metric's label.

use std::fmt;

/// Why a record or an entry is in quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The bytes are not UTF-8.
    NotUtf8,
    /// The line is longer than the source allows.
    LineTooLong,
    /// The record is longer than the source allows, or holds more once it is inflated.
    RecordTooLong,
    /// The record's bytes cannot be had from what carries them: broken base64, or nothing where they should stand.
    BadEncoding,
    /// The input ended inside the record.
    Truncated,
    /// The record is no JSON although it begins as such, or holds JSON that is no entry.
    BadJson,
    /// Fewer columns than the layout has.
    TooFewColumns,
    /// More columns than the layout has.
    TooManyColumns,
    /// A column that should hold a number holds something else, or one out of its range.
    BadNumber,
    /// A column that should hold an address holds something else.
    BadAddress,
    /// A column holds a word that is not one of those it can hold.
    BadWord,
    /// The flow ends before it starts.
    TimeBackwards,
    /// There is no time in the entry, or none that a clock can show.
    NoTime,
    /// No layout fits the entry.
    LayoutUnknown,
    /// Several layouts fit the entry, and its stream's records do not tell which it has.
    LayoutAmbiguous,
    /// The chunk that holds it crashed the process three times.
    Crashed,
}

// === impl Reason ===

impl Reason {
    /// Every reason, in a fixed order.
    pub const ALL: [Self; 16] = [
        Self::NotUtf8,
        Self::LineTooLong,
        Self::RecordTooLong,
        Self::BadEncoding,
        Self::Truncated,
        Self::BadJson,
        Self::TooFewColumns,
        Self::TooManyColumns,
        Self::BadNumber,
        Self::BadAddress,
        Self::BadWord,
        Self::TimeBackwards,
        Self::NoTime,
        Self::LayoutUnknown,
        Self::LayoutAmbiguous,
        Self::Crashed,
    ];

    /// Its name in quarantine lines and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotUtf8 => "not_utf8",
            Self::LineTooLong => "line_too_long",
            Self::RecordTooLong => "record_too_long",
            Self::BadEncoding => "bad_encoding",
            Self::Truncated => "truncated",
            Self::BadJson => "bad_json",
            Self::TooFewColumns => "too_few_columns",
            Self::TooManyColumns => "too_many_columns",
            Self::BadNumber => "bad_number",
            Self::BadAddress => "bad_address",
            Self::BadWord => "bad_word",
            Self::TimeBackwards => "time_backwards",
            Self::NoTime => "no_time",
            Self::LayoutUnknown => "layout_unknown",
            Self::LayoutAmbiguous => "layout_ambiguous",
            Self::Crashed => "crashed",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
