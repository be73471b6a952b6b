//! The ledger: who may read which shard, and how far it was read. The reading side asks for nothing else.
//!
//! One ledger is a table of leases that many workers share, another the state file of a worker that is alone.

use std::sync::Arc;

use super::checkpoint::Checkpoint;
use crate::{pipe::BoxFuture, source::Stamp};

/// A shard as the stream lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// Its id, `shardId-…`.
    pub id: Arc<str>,
    /// The shard that was split, or one of two that were merged, to make it.
    pub parent: Option<Arc<str>>,
    /// The other of two that were merged.
    pub adjacent_parent: Option<Arc<str>>,
    /// The hash keys that it takes, first and last.
    pub hash_keys: (u128, u128),
    /// Whether it is closed: it takes nothing more, and has an end.
    pub is_closed: bool,
}

/// What a stream's shards are asked for.
pub trait Shards: Send + Sync {
    /// All shards that the stream still has, open and closed.
    ///
    /// # Errors
    /// When the stream could not be asked, with the reason.
    fn list(&self) -> BoxFuture<'_, Result<Vec<Shard>, String>>;
}

/// A shard that this worker may read from here on, until the ledger says otherwise.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Which grant it is; a number that comes once in the life of a ledger. Who had the shard before, and has it again, has
    /// another grant.
    pub number: u64,
    /// The shard.
    pub shard: Shard,
    /// How far it was read.
    pub checkpoint: Checkpoint,
    /// Who wrote the checkpoint, where that was a floodmark and nobody else has since.
    pub stamp: Option<Stamp>,
}

/// What changes about the shards that this worker may read.
#[derive(Debug)]
pub enum Turn {
    /// It may read these too, one at least. They come together so that all are waited for before any is read: what one
    /// holds would else fold windows of which another has records still, and these were late.
    Granted(Vec<Grant>),
    /// It may not read this one any more: another worker has it, or may have it soon. What is in flight is delivered, but
    /// its checkpoint cannot be written.
    Lost {
        /// Number of the grant.
        grant: u64,
    },
}

/// Why a checkpoint was not written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The shard is another worker's.
    #[error("the shard is another worker's now")]
    Lost,
    /// Nobody could be asked, or nothing be written, for now.
    #[error("{0}")]
    Unavailable(String),
    /// What is there cannot be used, and waiting helps nothing.
    #[error("{0}")]
    Unusable(String),
}

/// Who may read which shard, and how far it was read.
pub trait Ledger: Send + Sync {
    /// Waits for what changes next. One reader asks. A future that is dropped takes nothing.
    ///
    /// # Errors
    /// [`LedgerError::Unusable`], when nothing will ever be granted; that the ledger is away for a while is none.
    fn next(&self) -> BoxFuture<'_, Result<Turn, LedgerError>>;

    /// Writes down that everything of the shard up to and including `checkpoint` is delivered, and whose state says so. One
    /// that is [`Checkpoint::ShardEnd`] ends the grant, without a [`Turn::Lost`]; what came of the shard is granted next.
    /// Returns when other workers would see it.
    ///
    /// # Errors
    /// When it was not written. After [`LedgerError::Lost`] the grant is over, too.
    fn checkpoint(&self, grant: u64, checkpoint: Checkpoint) -> BoxFuture<'_, Result<(), LedgerError>>;

    /// Whether another worker was seen to renew a lease that it still holds. Where there are no leases there is nobody else.
    fn has_others(&self) -> bool {
        false
    }

    /// Gives the shard back, so that others need not wait until the lease has expired. Its last checkpoint is written.
    fn release(&self, grant: u64) -> BoxFuture<'_, ()>;
}
