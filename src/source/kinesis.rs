//! Kinesis data streams.

mod checkpoint;
mod lease;
mod ledger;
mod lineage;

pub use checkpoint::{Checkpoint, Place, Sequence};
pub use lease::{Capacity, Dynamodb, Leases, Reading, RowError};
pub use ledger::{Grant, Ledger, LedgerError, Shard, Shards, Turn};
pub use lineage::{Begin, Lineage};
