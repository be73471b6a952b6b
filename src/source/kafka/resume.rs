//! Where a partition is read from when it is assigned: a function of what is known, and of nothing else.

use super::config::Start;
use crate::event::Position;

/// What is known of a partition when it is assigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Facts {
    /// C: the position that the group has committed.
    pub(super) committed: Option<Position>,
    /// Whether this state made that commit.
    pub(super) ours: bool,
    /// R: the position up to which this state has scored it.
    pub(super) scored: Option<Position>,
    /// The position behind which all lies that R holds of open windows, where that is known.
    pub(super) open: Option<Position>,
    /// The oldest position that there is.
    pub(super) low: Position,
    /// The position after the newest record.
    pub(super) high: Position,
}

/// Where to read from, and what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Resume {
    /// Reading begins here.
    pub(super) from: Position,
    /// What lies before is delivered already.
    pub(super) deliver_from: Position,
    /// What lies before is learned already.
    pub(super) learn_from: Position,
    /// What was known of it holds no more: another worker had it, or it is a new partition under an old name.
    pub(super) anew: bool,
    /// Records that the topic's retention deleted before they were read.
    pub(super) expired: u64,
}

// === impl Facts ===

impl Facts {
    /// Where to read from.
    pub(super) fn resume(self, start: Start) -> Resume {
        let Self { committed, ours, scored, open, low, high } = self;
        let fresh =
            |from| Resume { from, deliver_from: from, learn_from: from, anew: scored.is_some(), expired: 0 };
        let Some(committed) = committed else {
            return fresh(match start {
                // Where the state knows it, the group had committed it, and not this one.
                Start::Latest if scored.is_none() => high,
                _ => low,
            });
        };
        if committed > high {
            // The topic was deleted and made again: nothing of the new one has been read.
            return fresh(low);
        }
        let expired = low.saturating_sub(committed);
        let deliver_from = committed.max(low);
        match scored.filter(|scored| ours && *scored <= high) {
            Some(scored) => Resume {
                from: scored.min(committed).min(open.unwrap_or(scored)).max(low),
                deliver_from,
                learn_from: scored.max(low),
                anew: false,
                expired,
            },
            None => Resume { expired, ..fresh(deliver_from) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: Facts =
        Facts { committed: Some(50), ours: true, scored: Some(40), open: None, low: 0, high: 100 };

    fn resume(facts: Facts) -> Resume {
        facts.resume(Start::Latest)
    }

    #[test]
    fn what_the_state_has_not_scored_is_scored_again_and_not_delivered_again() {
        let Resume { from, deliver_from, learn_from, anew, expired } = resume(KNOWN);
        assert_eq!((from, deliver_from, learn_from, anew, expired), (40, 50, 40, false, 0));
    }

    #[test]
    fn what_open_windows_hold_is_read_again_and_neither_delivered_nor_learned_again() {
        let Resume { from, deliver_from, learn_from, .. } = resume(Facts { open: Some(25), ..KNOWN });
        assert_eq!((from, deliver_from, learn_from), (25, 50, 40));
    }

    #[test]
    fn what_is_scored_and_not_delivered_is_delivered_and_not_learned_again() {
        let Resume { from, deliver_from, learn_from, .. } = resume(Facts { scored: Some(60), ..KNOWN });
        assert_eq!((from, deliver_from, learn_from), (50, 50, 60));
    }

    #[test]
    fn after_somebody_elses_commit_or_without_a_snapshot_reading_begins_there_and_what_was_known_is_forgotten()
     {
        let foreign = resume(Facts { ours: false, ..KNOWN });
        assert_eq!((foreign.from, foreign.learn_from, foreign.anew), (50, 50, true));
        let without = resume(Facts { scored: None, ..KNOWN });
        assert_eq!((without.from, without.learn_from, without.anew), (50, 50, false));
    }

    #[test]
    fn start_decides_only_where_nothing_is_committed() {
        let none = Facts { committed: None, scored: None, low: 10, ..KNOWN };
        assert_eq!(none.resume(Start::Earliest).from, 10);
        assert_eq!(none.resume(Start::Latest).from, 100);
        assert_eq!(KNOWN.resume(Start::Earliest), KNOWN.resume(Start::Latest));
    }

    #[test]
    fn what_the_state_knows_and_the_group_does_not_is_read_from_its_start_whatever_start_says() {
        let forgotten = resume(Facts { committed: None, ..KNOWN });
        assert_eq!((forgotten.from, forgotten.learn_from, forgotten.anew), (0, 0, true));
    }

    #[test]
    fn what_retention_deleted_is_counted_and_reading_goes_on_with_the_oldest_there_is_whatever_start_says() {
        let Resume { from, deliver_from, expired, .. } = resume(Facts { low: 70, ..KNOWN });
        assert_eq!((from, deliver_from, expired), (70, 70, 20));
        let Resume { from, deliver_from, learn_from, expired, .. } = resume(Facts { low: 45, ..KNOWN });
        assert_eq!(
            (from, deliver_from, learn_from, expired),
            (45, 50, 45, 0),
            "only what was to be scored again is gone"
        );
    }

    #[test]
    fn a_topic_made_again_is_read_from_its_start_as_if_it_had_never_been() {
        let Resume { from, deliver_from, learn_from, anew, .. } = resume(Facts { high: 30, ..KNOWN });
        assert_eq!((from, deliver_from, learn_from, anew), (0, 0, 0, true));
    }
}
