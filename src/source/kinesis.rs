//! Kinesis data streams.

mod checkpoint;
mod ledger;

pub use checkpoint::{Checkpoint, Place, Sequence};
pub use ledger::{Grant, Ledger, LedgerError, Shard, Shards, Turn};
