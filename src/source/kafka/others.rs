//! Whether other members of the group hold some of our topics' partitions, and what follows from it.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use rdkafka::consumer::Consumer;

use super::{
    group::ANSWER,
    reader::{Outgoing, Reader},
};
use crate::{
    pipe::Step,
    source::{Patience, SourceError},
    telemetry::clock,
};

/// A newcomer ends before it reads anything; who has read everything gives it the time to end, and the group to notice.
const PATIENCE: Patience = Patience { newcomer: Duration::ZERO, incumbent: Duration::from_secs(60) };
/// When the cluster is asked again that did not answer, or whose answers do not fit together.
const AGAIN: Duration = Duration::from_secs(2);

// === impl Reader ===

impl Reader {
    /// Looks whether others hold some of the partitions of our topics, and tells the workers.
    pub(super) fn look_around(&mut self) {
        let now = clock::monotonic();
        let Some(is_divided) = self.is_divided() else {
            self.next_look = Some(now + AGAIN);
            return;
        };
        self.outbox.push_back(Outgoing::Step(Step::Divided(self.cx.id, is_divided)));
        // A topic that has just grown has partitions that nobody holds yet.
        let is_alone = is_divided && !self.cx.sharing.is_allowed() && self.is_alone();
        self.next_look = is_alone.then(|| now + AGAIN);
        self.cx.sharing.see(self.held.len() > 0, is_divided && !is_alone, now);
    }

    /// Looks again where that is due.
    pub(super) fn look_again(&mut self) {
        if self.next_look.is_some_and(|due| clock::monotonic() >= due) {
            self.look_around();
        }
    }

    /// Ends the reading where others read a part of what only one may.
    pub(super) fn refuse_others(&self) -> Result<(), SourceError> {
        if !self.cx.sharing.is_refused(PATIENCE, clock::monotonic()) {
            return Ok(());
        }
        let what = format!("{} for the group {}", self.topics.join(", "), self.group);
        Err(SourceError::Divided { what })
    }

    /// Whether there are partitions of our topics that are not ours; nothing where the cluster does not answer.
    fn is_divided(&self) -> Option<bool> {
        let topics: BTreeSet<Arc<str>> = self.held.iter().map(|held| held.topic.clone()).collect();
        let mut all = 0;
        for topic in topics {
            let metadata = self.consumer.fetch_metadata(Some(&topic), ANSWER).ok()?;
            all += metadata.topics().iter().map(|topic| topic.partitions().len()).sum::<usize>();
        }
        Some(self.held.len() < all)
    }

    /// Whether the group's coordinator knows of no other member. A group whose broker assigns the partitions lists none.
    fn is_alone(&self) -> bool {
        let groups = self.consumer.fetch_group_list(Some(&self.group), ANSWER);
        groups.is_ok_and(|list| list.groups().iter().any(|group| group.members().len() == 1))
    }
}
