//! One in so many: `1/10`.

use std::{fmt, num::NonZeroU32, str::FromStr};

use super::QuantityError;

/// One in so many, written `1/10`; from one in 2 to one in 1,000,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Share {
    one_in: NonZeroU32,
}

// === impl Share ===

impl Share {
    /// The most that one can be of.
    pub const ONE_IN_MAX: u32 = 1_000_000;

    /// Of how many it is one.
    #[must_use]
    pub const fn one_in(self) -> NonZeroU32 {
        self.one_in
    }
}

impl FromStr for Share {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let error = || QuantityError {
            text: text.to_owned(),
            expected: "a share such as 1/10, from 1/2 to 1/1000000",
        };
        let digits =
            text.strip_prefix("1/").filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        let one_in: NonZeroU32 = digits.and_then(|digits| digits.parse().ok()).ok_or_else(error)?;
        if (2..=Self::ONE_IN_MAX).contains(&one_in.get()) { Ok(Self { one_in }) } else { Err(error()) }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1/{}", self.one_in)
    }
}

super::text_form!(Share, "Share", "^1/[0-9]+$", "One in so many, from 1/2 to 1/1000000: 1/10.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_reads_what_it_writes_and_nothing_that_is_none_or_all() {
        for text in ["1/2", "1/10", "1/1000000"] {
            assert_eq!(text.parse::<Share>().unwrap().to_string(), text);
        }
        for text in ["", "1/1", "1/0", "2/10", "1/1000001", "0.1", "1/+2", "1/", "10%", "1/ 2"] {
            assert!(text.parse::<Share>().is_err(), "{text:?} was read");
        }
    }
}
