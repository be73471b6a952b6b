//! Where documents go: Elasticsearch, Kafka, stdout, files, nowhere; and the loop that delivers, retries and buries; before
//! it a buffer on disk, where one is wanted.
//!
//! A sink says what became of each document; the delivery loop, which is one for all sinks, owns order, retries,
//! backoff and what happens to the refused.

mod buffer;
mod config;
mod delivery;
mod discard;
mod elasticsearch;
mod file;
#[cfg(feature = "kafka")]
mod kafka;
mod stdout;
mod transaction;

pub use self::elasticsearch::{
    AtPath, Auth, Basic, ClientTls, ElasticsearchSink, ElasticsearchSinkConfig, Into, SearchCluster,
};
#[cfg(feature = "kafka")]
pub use self::kafka::{
    Beside, Codec, KafkaSink, KafkaSinkConfig, KafkaTransactions, Key, Spots, Topics, Transactions,
};
pub use buffer::{
    Ahead, BUFFER_BYTES_MIN, BUFFER_MEMORY_BYTES, BUFFER_QUEUE_BYTES, BufferBooks, BufferConfig, BufferError,
    BufferStage, FrameError, Head, Spool, Staged, folder_name, left_behind, look_at_buffer, read_frame,
};
pub use config::{Compression, FileConfig, Rotation, To};
pub use delivery::{Bury, DeliveryLoop, Refused, WhenUnwritable};

pub use transaction::{Broken, Compose, TransactionBooks, TransactionLoop, Transactional};

use std::{sync::Arc, time::Duration};

use crate::{event::Documents, pipe::BoxFuture};

/// Somewhere that documents go.
pub trait Sink: Send + Sync {
    /// How many deliveries may be under way side by side, each for itself. With one, the default, a delivery waits for
    /// the one before it, and documents keep their order even where some must be tried again. A sink that talks to a
    /// network wants more; it hands the documents over in [`Sink::deliver`] itself, before that returns its future, so
    /// that they leave in the order of the calls.
    fn concurrency(&self) -> usize {
        1
    }

    /// Delivers `only` these of `documents`, and says what became of each.
    fn deliver(self: Arc<Self>, documents: Arc<Documents>, only: DocSet) -> BoxFuture<'static, Delivery>;

    /// What keeps the sink from confirming what it has, where it knows; asked about once a second.
    fn trouble(&self) -> Option<String> {
        None
    }

    /// Gives up what the sink has and has not confirmed: every delivery that is under way ends soon after. A sink whose
    /// deliveries end by themselves need do nothing.
    fn give_up(&self) {}

    /// Looks whether what it would write to is there, without writing. May block for [`LOOK_MAX`].
    ///
    /// # Errors
    /// When it is not, or cannot be reached.
    fn look(&self) -> Result<(), SinkError> {
        Ok(())
    }

    /// Called once, after the last delivery: what was delivered is made durable.
    fn close(self: Arc<Self>) -> BoxFuture<'static, Result<(), SinkError>>;
}

/// How long [`Sink::look`] may take.
pub const LOOK_MAX: Duration = Duration::from_secs(8);

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
    /// The sink's settings cannot be used.
    #[error("{cause}")]
    Settings {
        /// What is wrong with them, and which key.
        cause: String,
    },
    /// What the sink would write to is not there, or refuses us.
    #[error("{cause}")]
    Remote {
        /// What is missing, and what helps.
        cause: String,
    },
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

    /// The number of its document number `nth`, of `len` in all.
    #[must_use]
    pub fn nth(&self, nth: usize, len: usize) -> Option<usize> {
        match self {
            Self::All => (nth < len).then_some(nth),
            Self::These(these) => these.get(nth).map(|index| *index as usize),
        }
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
