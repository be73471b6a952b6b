//! The stamp on a committed position: whose commit it is.
//!
//! It stands beside the position, where others can see it: as the metadata of an offset of Kafka, in a lease of Kinesis. Its
//! text is `floodmark/1 STATE EPOCH`. Whoever is assigned a partition learns from it whether what the state remembers of the
//! partition still holds: only if the last who committed was this state.

/// Whose commit it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Random name of the state, 32 hex digits.
    pub state: String,
    /// How often the state had been opened to write.
    pub epoch: u64,
}

const SCHEME: &str = "floodmark/1";

// === impl Stamp ===

impl Stamp {
    /// The stamp that `metadata` holds; none where somebody else committed.
    #[must_use]
    pub fn parse(metadata: &str) -> Option<Self> {
        let mut words = metadata.split(' ');
        let (scheme, state, epoch) = (words.next()?, words.next()?, words.next()?);
        let whole = scheme == SCHEME && words.next().is_none() && !state.is_empty();
        whole.then(|| Some(Self { state: state.to_owned(), epoch: epoch.parse().ok()? })).flatten()
    }

    /// Whether a commit with the stamp `other` was made by this state, or by what it was before it was last opened. A later
    /// epoch is a copy of the state that went on without this one.
    #[must_use]
    pub fn owns(&self, other: &Self) -> bool {
        self.state == other.state && other.epoch <= self.epoch
    }
}

impl std::fmt::Display for Stamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{SCHEME} {} {}", self.state, self.epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_comes_back_from_its_text_and_foreign_metadata_is_none() {
        let stamp = Stamp { state: "0123".to_owned(), epoch: 7 };
        assert_eq!(Stamp::parse(&stamp.to_string()), Some(stamp));
        for foreign in
            ["", "floodmark/2 0123 7", "floodmark/1 0123", "floodmark/1 0123 x", "floodmark/1 0123 7 8", "x"]
        {
            assert_eq!(Stamp::parse(foreign), None, "{foreign:?}");
        }
    }

    #[test]
    fn a_state_owns_what_it_committed_before_and_not_what_a_copy_of_it_did_later() {
        let ours = Stamp { state: "a".to_owned(), epoch: 3 };
        assert!(ours.owns(&Stamp { state: "a".to_owned(), epoch: 2 }));
        assert!(ours.owns(&ours));
        assert!(!ours.owns(&Stamp { state: "a".to_owned(), epoch: 4 }));
        assert!(!ours.owns(&Stamp { state: "b".to_owned(), epoch: 1 }));
    }
}
