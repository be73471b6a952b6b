//! A number of bytes with a unit: `64KiB`, `512MiB`, `10MB`.

use std::{fmt, str::FromStr};

use super::{QuantityError, split};

/// A number of bytes, written `1024`, `64KiB`, `512MiB`, `2GiB`, `10kB`, `10MB` or `1GB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize {
    bytes: u64,
}

const UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
    ("", 1),
];

// === impl ByteSize ===

impl ByteSize {
    /// `mebibytes` times 1,048,576 bytes.
    #[must_use]
    pub const fn mebibytes(mebibytes: u64) -> Self {
        Self { bytes: mebibytes << 20 }
    }

    /// Exactly `bytes`.
    #[must_use]
    pub const fn bytes(bytes: u64) -> Self {
        Self { bytes }
    }

    /// The number of bytes.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.bytes
    }

    /// The number of bytes as a length in memory; saturates where memory is smaller.
    #[must_use]
    pub fn as_usize(self) -> usize {
        usize::try_from(self.bytes).unwrap_or(usize::MAX)
    }
}

impl FromStr for ByteSize {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let error =
            || QuantityError { text: text.to_owned(), expected: "a size such as 64KiB, 512MiB or 10MB" };
        let (number, unit) = split(text).ok_or_else(error)?;
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(error)?;
        Ok(Self { bytes: number.checked_mul(*factor).ok_or_else(error)? })
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = |factor: u64| self.bytes > 0 && self.bytes.is_multiple_of(factor);
        let (name, factor) = UNITS.iter().find(|(_, factor)| exact(*factor)).unwrap_or(&("B", 1));
        write!(f, "{}{name}", self.bytes / factor)
    }
}

super::text_form!(
    ByteSize,
    "ByteSize",
    "^[0-9]+ ?([KMGT]iB|[kMG]?B)?$",
    "A number of bytes: 64KiB, 512MiB, 10MB."
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_reads_what_it_writes() {
        for text in ["1B", "64KiB", "512MiB", "2GiB", "10MB", "3kB", "0B"] {
            assert_eq!(text.parse::<ByteSize>().unwrap().to_string(), text);
        }
        assert_eq!("1024".parse::<ByteSize>().unwrap().as_u64(), 1024);
    }

    #[test]
    fn a_size_past_its_range_or_with_an_unknown_unit_is_refused() {
        for text in ["", "MiB", "-1", "1.5GB", "1mb", "99999999999TiB"] {
            assert!(text.parse::<ByteSize>().is_err(), "{text:?} was read");
        }
    }
}
