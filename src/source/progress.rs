//! How far an earlier run came: what decides where to read from, what to deliver and what to learn.

use std::sync::Arc;

use super::commit::commit;
use crate::{
    event::{Bookmark, Origin, Position},
    pipe::{BoxFuture, CommitError},
    state::{Changes, StateError, Store},
};

/// What is known of an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Known {
    /// C: everything before it is delivered. Read-once files and stdin have none.
    pub committed: Option<Position>,
    /// R: everything before it is in what scoring remembers.
    pub scored: Option<Position>,
    /// Not after R: all records of windows that are open in what scoring remembers lie behind it. They are looked at again, so
    /// that they are known when they come once more. None where nobody remembers so much.
    pub open: Option<Position>,
}

/// What is known of an origin whose positions do not outlive a process.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Marked {
    /// C: everything before it is delivered; known only to a source that commits into the state.
    pub committed: Option<Bookmark>,
    /// R: everything before it is in what scoring remembers.
    pub scored: Option<Bookmark>,
}

/// Answers how far an origin was read before.
pub trait Progress: Send + Sync {
    /// What is known of `origin`.
    ///
    /// # Errors
    /// When the state could not be read.
    fn known(&self, origin: &Origin) -> Result<Known, StateError>;

    /// What is known of `origin`, whose positions do not outlive a process.
    ///
    /// # Errors
    /// When the state could not be read.
    fn marked(&self, origin: &Origin) -> Result<Marked, StateError>;

    /// Commits into the state: everything before each bookmark is delivered. Returns when a restart would see them.
    ///
    /// # Errors
    /// When they could not be stored, or there is no state.
    fn mark(&self, marks: Vec<(Origin, Bookmark)>) -> BoxFuture<'_, Result<(), CommitError>>;

    /// The state's name and how often it was opened: what tells its commits from those of others. None where there is no
    /// state.
    fn identity(&self) -> Option<(String, u64)> {
        None
    }

    /// Whether what is known of an origin goes with it from worker to worker: then it is asked for anew whenever the origin
    /// comes, whatever was known before, and holds whoever made the last commit.
    fn moves(&self) -> bool {
        false
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

    fn marked(&self, _: &Origin) -> Result<Marked, StateError> {
        Ok(Marked::default())
    }

    fn mark(&self, _: Vec<(Origin, Bookmark)>) -> BoxFuture<'_, Result<(), CommitError>> {
        Box::pin(async { Err(CommitError("there is no state to commit into".to_owned())) })
    }
}

impl Progress for StoreProgress {
    fn known(&self, origin: &Origin) -> Result<Known, StateError> {
        Ok(Known { committed: self.0.committed(origin)?, scored: self.0.scored(origin)?, open: None })
    }

    fn marked(&self, origin: &Origin) -> Result<Marked, StateError> {
        Ok(Marked { committed: self.0.committed_cursor(origin)?, scored: self.0.scored_cursor(origin)? })
    }

    fn mark(&self, marks: Vec<(Origin, Bookmark)>) -> BoxFuture<'_, Result<(), CommitError>> {
        let marks = marks.into_iter().map(|(origin, mark)| (origin, Some(mark))).collect();
        commit(self.0.clone(), Changes { committed_cursors: marks, ..Changes::default() })
    }

    fn identity(&self) -> Option<(String, u64)> {
        let header = self.0.header();
        Some((header.id.clone(), header.epoch))
    }
}
