//! Where a shard is read from when it is granted: a function of what is known, and of nothing else.

use super::{
    api::Seek,
    checkpoint::{Checkpoint, Place},
};

/// What is known of a shard when it is granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    /// C: the checkpoint that the ledger has.
    pub(super) checkpoint: Checkpoint,
    /// Whether this state wrote it.
    pub(super) is_ours: bool,
    /// R: up to where this state has scored it.
    pub(super) scored: Option<Place>,
    /// The time that the config names, in milliseconds since 1970.
    pub(super) start_millis: i64,
}

/// Where to read from, and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resume {
    /// Reading begins here; what comes may lie before both of the following.
    pub(super) seek: Seek,
    /// What lies up to here is delivered already.
    pub(super) delivered: Option<Place>,
    /// What lies up to here is learned already.
    pub(super) learned: Option<Place>,
    /// What was known of it holds no more: somebody else had it.
    pub(super) is_anew: bool,
}

// === impl Facts ===

impl Facts {
    /// Where to read from.
    pub(super) fn resume(self) -> Resume {
        let Self { checkpoint, is_ours, scored, start_millis } = self;
        // What another worker has read since, the state has not scored.
        let is_anew = !is_ours && (scored.is_some() || matches!(checkpoint, Checkpoint::At(_)));
        let scored = scored.filter(|_| is_ours);
        let unread = |seek| Resume { seek, delivered: None, learned: None, is_anew };
        let delivered = match (checkpoint, &scored) {
            (Checkpoint::At(place), _) => place,
            // A snapshot is valid only when all that it includes is delivered: it was made before the first checkpoint.
            (_, Some(learned)) => learned.clone(),
            (Checkpoint::Latest, None) => return unread(Seek::Latest),
            (Checkpoint::AtTimestamp, None) => return unread(Seek::AtTimestamp(start_millis)),
            (Checkpoint::TrimHorizon | Checkpoint::ShardEnd, None) => return unread(Seek::TrimHorizon),
        };
        let learned = scored.unwrap_or_else(|| delivered.clone());
        let first = delivered.sequence.clone().min(learned.sequence.clone());
        Resume { seek: Seek::At(first), delivered: Some(delivered), learned: Some(learned), is_anew }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::kinesis::Sequence;

    fn place(sequence: u32, sub_sequence: u64) -> Place {
        Place { sequence: Sequence::parse(&sequence.to_string()).unwrap(), sub_sequence }
    }

    fn facts(checkpoint: Checkpoint, is_ours: bool, scored: Option<Place>) -> Facts {
        Facts { checkpoint, is_ours, scored, start_millis: 7 }
    }

    fn at(sequence: u32, sub_sequence: u64) -> Checkpoint {
        Checkpoint::At(place(sequence, sub_sequence))
    }

    fn seek(sequence: u32) -> Seek {
        Seek::At(place(sequence, 0).sequence)
    }

    #[test]
    fn what_the_state_has_not_scored_is_scored_again_and_not_delivered_again() {
        let resume = facts(at(50, 3), true, Some(place(40, 9))).resume();
        let (delivered, learned) = (Some(place(50, 3)), Some(place(40, 9)));
        assert_eq!(resume, Resume { seek: seek(40), delivered, learned, is_anew: false });
        // In one aggregate.
        let resume = facts(at(50, 3), true, Some(place(50, 1))).resume();
        assert_eq!((resume.seek, resume.learned), (seek(50), Some(place(50, 1))));
    }

    #[test]
    fn what_is_scored_and_not_delivered_is_delivered_and_not_learned_again() {
        let resume = facts(at(50, 0), true, Some(place(60, 0))).resume();
        let (delivered, learned) = (Some(place(50, 0)), Some(place(60, 0)));
        assert_eq!(resume, Resume { seek: seek(50), delivered, learned, is_anew: false });
    }

    #[test]
    fn what_a_snapshot_holds_is_delivered_although_no_checkpoint_says_so() {
        for word in [Checkpoint::TrimHorizon, Checkpoint::Latest, Checkpoint::AtTimestamp] {
            let resume = facts(word, true, Some(place(60, 1))).resume();
            let both = Some(place(60, 1));
            assert_eq!(
                resume,
                Resume { seek: seek(60), delivered: both.clone(), learned: both, is_anew: false }
            );
        }
    }

    #[test]
    fn after_somebody_elses_checkpoint_reading_begins_there_and_what_was_known_is_forgotten() {
        for scored in [None, Some(place(40, 0)), Some(place(60, 0))] {
            let resume = facts(at(50, 2), false, scored).resume();
            let both = Some(place(50, 2));
            assert_eq!(
                resume,
                Resume { seek: seek(50), delivered: both.clone(), learned: both, is_anew: true }
            );
        }
        let without = facts(at(50, 2), true, None).resume();
        assert_eq!((without.seek, without.learned, without.is_anew), (seek(50), Some(place(50, 2)), false));
    }

    #[test]
    fn a_shard_of_which_nothing_was_read_begins_where_its_checkpoint_says() {
        let begins = [
            (Checkpoint::TrimHorizon, Seek::TrimHorizon),
            (Checkpoint::Latest, Seek::Latest),
            (Checkpoint::AtTimestamp, Seek::AtTimestamp(7)),
        ];
        for (word, seek) in begins {
            for is_ours in [true, false] {
                let resume = facts(word.clone(), is_ours, None).resume();
                let expected = Resume { seek: seek.clone(), delivered: None, learned: None, is_anew: false };
                assert_eq!(resume, expected);
            }
        }
        let forgotten = facts(Checkpoint::TrimHorizon, false, Some(place(60, 0))).resume();
        assert_eq!((forgotten.seek, forgotten.learned, forgotten.is_anew), (Seek::TrimHorizon, None, true));
    }
}
