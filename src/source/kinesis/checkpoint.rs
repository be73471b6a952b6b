//! How far a shard was read, as the Kinesis Client Library writes it.

use std::{cmp::Ordering, fmt, sync::Arc};

/// A sequence number of Kinesis: a decimal number of up to 129 digits, which grows along a shard.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sequence(Arc<str>);

/// A record's place in its shard: the sequence number under which Kinesis has it, and its number in the aggregate that the
/// Kinesis Producer Library put under it; 0 where it is none.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// What Kinesis knows it by.
    pub sequence: Sequence,
    /// Its sub-sequence number: its index in the aggregate.
    pub sub_sequence: u64,
}

/// How far a shard was read and delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checkpoint {
    /// Not at all; reading begins with the oldest record there is.
    TrimHorizon,
    /// Not at all; reading begins with what comes from then on.
    Latest,
    /// Not at all; reading begins at the time that the config names.
    AtTimestamp,
    /// Up to and including the record at this place.
    At(Place),
    /// To its end: it is closed, and nothing more comes of it.
    ShardEnd,
}

/// The most digits of a sequence number, by the API's own pattern.
const DIGITS_MAX: usize = 129;

const TRIM_HORIZON: &str = "TRIM_HORIZON";
const LATEST: &str = "LATEST";
const AT_TIMESTAMP: &str = "AT_TIMESTAMP";
const SHARD_END: &str = "SHARD_END";

// === impl Sequence ===

impl Sequence {
    /// The sequence number that `text` is, in decimal; none where it is no such number.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = (1..=DIGITS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        let padded = text.len() > 1 && text.starts_with('0');
        (digits && !padded).then(|| Self(text.into()))
    }

    /// Its decimal digits, without zeros before them.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Ord for Sequence {
    fn cmp(&self, other: &Self) -> Ordering {
        // Without zeros before them, the longer of two decimal numbers is the larger one.
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Sequence {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl Checkpoint ===

impl Checkpoint {
    /// The checkpoint that stands in a lease as `text`, with the sub-sequence number beside it. None where it is neither a
    /// sequence number nor one of the library's words.
    #[must_use]
    pub fn parse(text: &str, sub_sequence: u64) -> Option<Self> {
        Some(match text {
            TRIM_HORIZON => Self::TrimHorizon,
            LATEST => Self::Latest,
            AT_TIMESTAMP => Self::AtTimestamp,
            SHARD_END => Self::ShardEnd,
            number => Self::At(Place { sequence: Sequence::parse(number)?, sub_sequence }),
        })
    }

    /// As it stands in a lease: the sequence number, or the library's word.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::TrimHorizon => TRIM_HORIZON,
            Self::Latest => LATEST,
            Self::AtTimestamp => AT_TIMESTAMP,
            Self::ShardEnd => SHARD_END,
            Self::At(place) => place.sequence.as_str(),
        }
    }

    /// The sub-sequence number that stands beside it; 0 where it is no place.
    #[must_use]
    pub fn sub_sequence(&self) -> u64 {
        match self {
            Self::At(place) => place.sub_sequence,
            _ => 0,
        }
    }
}

impl fmt::Display for Checkpoint {
    /// The text, and `/` with the sub-sequence number behind that of a place: a bookmark that [`str::parse`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(Place { sequence, sub_sequence }) => write!(f, "{sequence}/{sub_sequence}"),
            _ => f.write_str(self.text()),
        }
    }
}

impl std::str::FromStr for Checkpoint {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (text, sub_sequence) = match text.split_once('/') {
            Some((text, sub_sequence)) => (text, sub_sequence.parse().map_err(|_| ())?),
            None => (text, 0),
        };
        Self::parse(text, sub_sequence).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sequence(text: &str) -> Sequence {
        Sequence::parse(text).unwrap()
    }

    #[test]
    fn sequence_numbers_are_ordered_as_numbers_and_what_is_none_is_refused() {
        assert!(sequence("9") < sequence("10"));
        assert!(
            sequence("49590338271490256608559692538361571095921575989136588897")
                < sequence("49590338271490256608559692538361571095921575989136588898")
        );
        let too_long = "1".repeat(DIGITS_MAX + 1);
        for bad in ["", "007", "-1", "1.5", "0x1f", "SHARD_END", &too_long] {
            assert_eq!(Sequence::parse(bad), None, "{bad:?}");
        }
        assert_eq!(sequence("0").as_str(), "0");
    }

    #[test]
    fn a_checkpoint_comes_back_from_its_text_and_from_a_lease() {
        let place = Place { sequence: sequence("4959033827"), sub_sequence: 3 };
        let all = [
            Checkpoint::TrimHorizon,
            Checkpoint::Latest,
            Checkpoint::AtTimestamp,
            Checkpoint::ShardEnd,
            Checkpoint::At(place),
        ];
        for checkpoint in all {
            assert_eq!(checkpoint.to_string().parse(), Ok(checkpoint.clone()));
            assert_eq!(Checkpoint::parse(checkpoint.text(), checkpoint.sub_sequence()), Some(checkpoint));
        }
        for bad in ["", "12/x", "12/", "elsewhere"] {
            assert_eq!(bad.parse::<Checkpoint>(), Err(()), "{bad:?}");
        }
    }
}
