//! Whether other workers may read a part of a source's partitions. A score is right only if all of an entity's records meet
//! one worker: partitions may be shared where each entity's records come in one of them, and nowhere else.

use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How entities are spread over a source's partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// An entity's records may come in any partition: one worker alone can score them.
    #[default]
    Unkeyed,
    /// All records of an entity come in one partition, so that workers can share the partitions.
    Keyed,
}

/// What is known of others that read the same source, and how long that is borne with.
///
/// A worker that has read everything by itself is the one that stays: whoever comes beside it ends first, and hands back what it
/// was given. Workers that begin together all end.
#[derive(Debug, Clone)]
pub struct Sharing {
    is_allowed: bool,
    /// Whether this worker has read everything by itself.
    was_alone: bool,
    /// Since when others have read a part of it.
    since: Option<Instant>,
}

/// How long a worker bears with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// One that has not read everything by itself yet.
    pub newcomer: Duration,
    /// One that has: as long as a newcomer takes to notice and to leave, several times over.
    pub incumbent: Duration,
}

// === impl Sharing ===

impl Sharing {
    /// For a source whose input is as `input` says. Where nothing is scored, nothing is scored wrongly.
    #[must_use]
    pub fn new(input: Input, scores: bool) -> Self {
        Self { is_allowed: input == Input::Keyed || !scores, was_alone: false, since: None }
    }

    /// Whether others may read a part of the partitions for good.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.is_allowed
    }

    /// Notes whether this worker holds partitions and, if so, whether others hold the rest, as it was at `now`. Who holds nothing scores
    /// nothing, and may wait for its turn for as long as it likes.
    pub fn see(&mut self, holds: bool, others: bool, now: Instant) {
        if holds && others {
            self.since.get_or_insert(now);
        } else {
            self.since = None;
            self.was_alone |= holds;
        }
    }

    /// Whether this worker must end because of others.
    #[must_use]
    pub fn is_refused(&self, patience: Patience, now: Instant) -> bool {
        let patience = if self.was_alone { patience.incumbent } else { patience.newcomer };
        let lasts = self.since.map(|since| now.saturating_duration_since(since));
        !self.is_allowed && lasts.is_some_and(|lasts| lasts >= patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::clock;

    const PATIENCE: Patience =
        Patience { newcomer: Duration::from_secs(1), incumbent: Duration::from_secs(60) };

    fn ends(sharing: &Sharing, at: Instant) -> bool {
        sharing.is_refused(PATIENCE, at)
    }

    #[test]
    fn a_newcomer_beside_others_ends_first_and_one_that_read_everything_only_if_they_stay() {
        let start = clock::monotonic();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut newcomer = Sharing::new(Input::Unkeyed, true);
        let mut incumbent = newcomer.clone();
        incumbent.see(true, false, at(0));
        for worker in [&mut newcomer, &mut incumbent] {
            worker.see(true, true, at(0));
            assert!(!ends(worker, at(0)));
            // Seen again, it has still begun then.
            worker.see(true, true, at(1));
        }
        assert!(ends(&newcomer, at(1)) && !ends(&incumbent, at(59)));
        assert!(ends(&incumbent, at(60)));
        incumbent.see(true, false, at(61));
        incumbent.see(true, true, at(62));
        assert!(!ends(&incumbent, at(121)), "the others have left meanwhile");
    }

    #[test]
    fn who_holds_nothing_waits_for_its_turn_and_is_no_incumbent_by_that() {
        let start = clock::monotonic();
        let later = start + Duration::from_secs(3_600);
        let mut sharing = Sharing::new(Input::Unkeyed, true);
        sharing.see(false, true, start);
        assert!(!ends(&sharing, later));
        sharing.see(true, true, later);
        assert!(ends(&sharing, later + PATIENCE.newcomer));
    }

    #[test]
    fn partitions_are_shared_where_the_input_is_keyed_or_nothing_is_scored() {
        let start = clock::monotonic();
        let later = start + Duration::from_secs(3_600);
        for (input, scores) in [(Input::Keyed, true), (Input::Unkeyed, false), (Input::Keyed, false)] {
            let mut sharing = Sharing::new(input, scores);
            sharing.see(true, true, start);
            assert!(sharing.is_allowed() && !ends(&sharing, later));
        }
    }
}
