//! What can be wrong with a document: a closed set of reasons, and the field.

use std::fmt;

/// One thing that is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// What is wrong, as a closed set.
    pub reason: FaultReason,
    /// The path of the field, lists without their places; empty where it is the document itself.
    pub field: String,
}

/// What can be wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultReason {
    /// The document is no JSON.
    NotJson,
    /// A member stands twice.
    Twice,
    /// The schema has no such field, or only in a profile that the document does not name.
    Unknown,
    /// The schema demands the field, or one of several in this object.
    Missing,
    /// A text where a number belongs, and the like.
    WrongType,
    /// A list where a single value belongs, or a single value where a list does.
    WrongShape,
    /// A text that is no address, time or hardware address where one belongs.
    BadFormat,
    /// A number that the type cannot hold.
    OutOfRange,
    /// A value that is none of those allowed.
    NotAllowed,
    /// A word that is not the caption of the number beside it.
    WrongWord,
    /// Two fields that contradict each other.
    Inconsistent,
}

// === impl FaultReason ===

impl FaultReason {
    /// Every reason, in the order of its number.
    pub const ALL: [Self; 11] = [
        Self::NotJson,
        Self::Twice,
        Self::Unknown,
        Self::Missing,
        Self::WrongType,
        Self::WrongShape,
        Self::BadFormat,
        Self::OutOfRange,
        Self::NotAllowed,
        Self::WrongWord,
        Self::Inconsistent,
    ];

    /// Its name, as metrics and logs have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::Twice => "twice",
            Self::Unknown => "unknown",
            Self::Missing => "missing",
            Self::WrongType => "wrong_type",
            Self::WrongShape => "wrong_shape",
            Self::BadFormat => "bad_format",
            Self::OutOfRange => "out_of_range",
            Self::NotAllowed => "not_allowed",
            Self::WrongWord => "wrong_word",
            Self::Inconsistent => "inconsistent",
        }
    }
}

impl fmt::Display for FaultReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
