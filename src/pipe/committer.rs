//! Committing: making known, where a restart will look, up to where everything is delivered.

use super::BoxFuture;
use crate::event::{Origin, Position};

/// Could not make positions known.
#[derive(Debug, thiserror::Error)]
#[error("could not commit positions: {0}")]
pub struct CommitError(pub String);

/// Where positions of one source are committed: the state file, a consumer group, a lease table. A sink that delivers
/// and commits in one transaction may stand in for it.
pub trait Committer: Send + Sync {
    /// Commits `positions`: everything before each is confirmed. Returns when a restart would see them.
    ///
    /// # Errors
    /// When they could not be stored; they are offered again, with what came since, at the next commit.
    fn commit(&self, positions: Vec<(Origin, Position)>) -> BoxFuture<'_, Result<(), CommitError>>;
}
