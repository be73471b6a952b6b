//! Why the pipeline could not start, or could not end well, and which exit code that is.

use super::BaselineError;
use crate::{
    enrich,
    sink::{BufferError, SinkError},
    source::SourceError,
    state::{StateError, snapshot::SnapshotError},
};

/// Why a pipeline failed.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// A source cannot work.
    #[error("source {name}: {error}")]
    Source {
        /// Its name in the config.
        name: String,
        /// Why.
        error: SourceError,
    },
    /// A sink cannot work.
    #[error("sink {name}: {error}")]
    Sink {
        /// Its name in the config.
        name: String,
        /// Why.
        error: SinkError,
    },
    /// A sink's disk buffer cannot be used.
    #[error("sink {sink}: {error}")]
    Buffer {
        /// The sink's name in the config.
        sink: String,
        /// Why.
        error: BufferError,
    },
    /// Databases or asset lists that the config names cannot be used.
    #[error("{}", lines(.0))]
    Enrich(Vec<enrich::Error>),
    /// Something else that the config names cannot be had.
    #[error("{part}: {cause}")]
    Environment {
        /// The part, by its config key.
        part: String,
        /// Why.
        cause: String,
    },
    /// The state cannot be opened or is not sound.
    #[error(transparent)]
    State(#[from] StateError),
    /// A baseline that the state should begin with cannot be used.
    #[error("could not begin with the baseline {from}: {error}")]
    Baseline {
        /// Which one.
        from: String,
        /// Why.
        error: BaselineError,
    },
    /// The config's parts need more memory than they may take.
    #[error(
        "could not fit {needed_bytes} bytes into `limits.memory` of {limit_bytes} bytes: {parts}; raise the limit or \
         make a part smaller"
    )]
    Memory {
        /// The sum of the parts, in bytes.
        needed_bytes: u64,
        /// What the config allows, in bytes.
        limit_bytes: u64,
        /// The parts and their sizes.
        parts: String,
    },
    /// The drain took longer than its grace.
    #[error("could not deliver everything within `shutdown.grace`; {documents} documents will be read again")]
    DrainTimedOut {
        /// Documents given up.
        documents: u64,
    },
}

// === impl AppError ===

impl AppError {
    /// The process's exit code for it: 78 the operator's config, 69 the environment, 74 unsound state, 75 an unfinished
    /// drain (BSD's `sysexits.h`).
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Memory { .. } | Self::Sink { error: SinkError::Settings { .. }, .. } => 78,
            #[cfg(any(feature = "kafka", feature = "kinesis"))]
            Self::Source { error: SourceError::Divided { .. }, .. } => 78,
            Self::Source { .. } | Self::Sink { .. } | Self::Enrich(_) | Self::Environment { .. } => 69,
            Self::Baseline { error: BaselineError::Nowhere, .. } => 78,
            Self::Baseline {
                error:
                    BaselineError::Unavailable(_)
                    | BaselineError::State(_)
                    | BaselineError::Snapshot(SnapshotError::Io(_)),
                ..
            } => 69,
            Self::State(StateError::Corrupt { .. })
            | Self::Baseline { .. }
            | Self::Buffer { error: BufferError::Format { .. }, .. } => 74,
            Self::State(_) | Self::Buffer { .. } => 69,
            Self::DrainTimedOut { .. } => 75,
        }
    }
}

fn lines(errors: &[enrich::Error]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
