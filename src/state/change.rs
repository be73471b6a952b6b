//! Changes to the state that become durable together.

use crate::event::{Bookmark, Origin, Position};

/// What [`super::Store::commit`] writes in one transaction.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Scoring's keys and their new values; without a value the key is removed.
    pub scoring: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    /// Per origin, the position before which everything is in scoring's values, these changes included.
    pub scored: Vec<(Origin, Position)>,
    /// Per origin, the position before which everything is delivered.
    pub committed: Vec<(Origin, Position)>,
    /// As `scored`, for origins whose positions do not outlive a process; nothing where what was known counts no longer.
    pub scored_cursors: Vec<(Origin, Option<Bookmark>)>,
    /// As `committed`, for such origins.
    pub committed_cursors: Vec<(Origin, Option<Bookmark>)>,
}

// === impl Changes ===

impl Changes {
    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.scoring.is_empty()
            && self.scored.is_empty()
            && self.committed.is_empty()
            && self.scored_cursors.is_empty()
            && self.committed_cursors.is_empty()
    }
}
