//! How far an earlier run came: what decides where to read from, what to deliver and what to learn.

use std::sync::Arc;

use crate::{
    event::{Origin, Position},
    state::{StateError, Store},
};

/// What is known of an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Known {
    /// C: everything before it is delivered. Read-once files and stdin have none.
    pub committed: Option<Position>,
    /// R: everything before it is in what scoring remembers.
    pub scored: Option<Position>,
}

/// Answers how far an origin was read before.
pub trait Progress: Send + Sync {
    /// What is known of `origin`.
    ///
    /// # Errors
    /// When the state could not be read.
    fn known(&self, origin: &Origin) -> Result<Known, StateError>;

    /// The state's name and how often it was opened: what tells its commits from those of others. None where there is no
    /// state.
    fn identity(&self) -> Option<(String, u64)> {
        None
    }
}

/// For a process that keeps no state.
#[derive(Debug, Clone, Copy, Default)]
pub struct NothingKnown;

/// What the state file knows.
#[derive(Debug, Clone)]
pub struct StoreProgress(pub Arc<Store>);

// === impl Known ===

impl Known {
    /// Where a source that commits into the state reads from: the earlier of both, so that what is delivered and not
    /// scored is scored, and the other way round. Both stand in one file, so where there is no R, no snapshot has held
    /// anything of the origin yet, and it is read from its start.
    #[must_use]
    pub fn start(self) -> Position {
        self.scored.unwrap_or(0).min(self.deliver_from())
    }

    /// What a source that commits delivers from.
    #[must_use]
    pub fn deliver_from(self) -> Position {
        self.committed.unwrap_or(0)
    }

    /// What a source that commits into the state learns from, whether or not anything of it was committed: a snapshot
    /// may come before the first commit.
    #[must_use]
    pub fn learn_from(self) -> Position {
        self.scored.unwrap_or(0)
    }
}

impl Progress for NothingKnown {
    fn known(&self, _: &Origin) -> Result<Known, StateError> {
        Ok(Known::default())
    }
}

impl Progress for StoreProgress {
    fn known(&self, origin: &Origin) -> Result<Known, StateError> {
        Ok(Known { committed: self.0.committed(origin)?, scored: self.0.scored(origin)? })
    }

    fn identity(&self) -> Option<(String, u64)> {
        let header = self.0.header();
        Some((header.id.clone(), header.epoch))
    }
}
