//! Where documents go: stdout, files, nowhere; and the loop that delivers, retries and buries.
//!
//! A sink says what became of each document; the delivery loop, which is one for all sinks, owns order, retries,
//! backoff and what happens to the refused.

mod config;
mod delivery;
mod discard;
mod file;
mod stdout;
mod transaction;

pub use config::{Compression, FileConfig, Rotation, To};
pub use delivery::{Bury, DeliveryLoop, Refused, WhenUnwritable};

pub use transaction::{Broken, Compose, TransactionBooks, TransactionLoop, Transactional};

use std::{sync::Arc, time::Duration};

use crate::{event::Documents, pipe::BoxFuture};

/// Somewhere that documents go.
pub trait Sink: Send + Sync {
    /// Delivers `only` these of `documents`, and says what became of each.
    fn deliver(self: Arc<Self>, documents: Arc<Documents>, only: DocSet) -> BoxFuture<'static, Delivery>;

    /// Called once, after the last delivery: what was delivered is made durable.
    fn close(self: Arc<Self>) -> BoxFuture<'static, Result<(), SinkError>>;
}

/// Which documents of some [`Documents`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocSet {
    /// All of them.
    All,
    /// Those with these numbers, in rising order.
    These(Vec<u32>),
}

/// What became of some documents.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Those that were not delivered, in rising order; everything else was.
    pub others: Vec<(u32, Outcome)>,
    /// Set when nothing can be delivered to this sink any more in this process.
    pub gone: Option<SinkError>,
}

/// What became of a document that was not delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Refused for good: trying again would be refused again.
    Refused {
        /// The other side's status, where it has one.
        status: Option<u16>,
        /// Why, in the other side's words.
        reason: String,
    },
    /// Not taken this time.
    Retry {
        /// How long the other side asks to wait, at least.
        after: Option<Duration>,
        /// Why.
        reason: String,
    },
}

/// Why a sink cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SinkError {
    /// The file or its folder cannot be written.
    #[error("could not write {path}: {cause}; see that the folder exists and may be written")]
    File {
        /// The file.
        path: String,
        /// What the system says.
        cause: String,
    },
    /// The dead letter did not keep what it was given.
    #[error("could not keep refused documents in the dead letter; see `dead_letter.to`")]
    DeadLetter,
    /// Whoever read standard output is gone.
    #[error("could not write to stdout: {cause}")]
    Stdout {
        /// What the system says.
        cause: String,
    },
}

// === impl DocSet ===

impl DocSet {
    /// The numbers of the documents, of `len` in all.
    pub fn indexes(&self, len: usize) -> impl Iterator<Item = usize> {
        let (all, these) = match self {
            Self::All => (0..len, &[][..]),
            Self::These(these) => (0..0, &these[..]),
        };
        all.chain(these.iter().map(|index| *index as usize))
    }

    /// How many of `len` documents it names.
    #[must_use]
    pub fn count(&self, len: usize) -> usize {
        match self {
            Self::All => len,
            Self::These(these) => these.len(),
        }
    }
}

// === impl Delivery ===

impl Delivery {
    /// None of `only` was taken this time, for one reason.
    #[must_use]
    pub fn retry_all(documents: &Documents, only: &DocSet, reason: &str) -> Self {
        let outcome = Outcome::Retry { after: None, reason: reason.to_owned() };
        let others = only.indexes(documents.len()).map(|index| (index as u32, outcome.clone())).collect();
        Self { others, gone: None }
    }

    /// None of `only` was taken and none will be.
    #[must_use]
    pub fn gone(documents: &Documents, only: &DocSet, error: SinkError) -> Self {
        let Self { others, .. } = Self::retry_all(documents, only, &error.to_string());
        Self { others, gone: Some(error) }
    }
}
