//! Committing into the state file: the positions of followed files, the bookmarks of shards that nobody shares with us.

use std::sync::Arc;

use crate::{
    event::{Origin, Position},
    pipe::{BoxFuture, CommitError, Committer},
    state::{Changes, Store},
};

/// Commits into the state file.
#[derive(Debug, Clone)]
pub struct StoreCommitter(pub Arc<Store>);

impl Committer for StoreCommitter {
    fn commit(&self, positions: Vec<(Origin, Position)>) -> BoxFuture<'_, Result<(), CommitError>> {
        commit(self.0.clone(), Changes { committed: positions, ..Changes::default() })
    }
}

/// Makes `changes` durable in `store`.
pub(super) fn commit(store: Arc<Store>, changes: Changes) -> BoxFuture<'static, Result<(), CommitError>> {
    Box::pin(async move {
        // The disk is waited for on a thread that may wait.
        let written = tokio::task::spawn_blocking(move || store.commit(&changes)).await;
        match written {
            Ok(done) => done.map_err(|error| CommitError(error.to_string())),
            Err(error) => Err(CommitError(error.to_string())),
        }
    })
}
