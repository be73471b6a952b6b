//! What the record does not say: where an address is, whose network it is in, which asset it belongs to, which way the
//! flow goes, and what its numbers are called.

mod asset;
mod cache;
mod columns;
mod community_id;
mod config;
mod database;
mod direction;
mod enricher;
mod error;
mod file;
mod internal;
mod known;
mod meters;
mod own_side;
mod place;
mod protocol;
mod provider;
mod records;
mod service;
mod shared;
mod spread;
mod tables;
mod tags;
#[cfg(feature = "kafka")]
mod topic;
mod watch;

pub use config::{AssetSource, Config, Geoip, Moment, ProviderFile};
pub use enricher::Enricher;
pub use error::{AssetError, DatabaseError, Error};
pub use shared::Shared;
pub use tables::Tables;
#[cfg(feature = "kafka")]
pub use topic::AssetTopic;
#[cfg(feature = "kafka")]
pub use watch::follow;

use crate::event::Batch;

/// One step of the data path over a batch. It cannot fail: a bad event is flagged and counted.
pub trait Stage: Send {
    /// Does its work on every event of `batch`.
    fn apply(&mut self, batch: &mut Batch);
}
