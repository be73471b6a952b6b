//! Why a source could not be read.

use std::{io, path::PathBuf};

use crate::{codec::InflateError, pipe::FeedClosed, state::StateError};

/// What went wrong with a source. The name of the source is added by whoever runs it.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A path or pattern under `paths` stands for no file.
    #[error(
        "could not read {pattern:?}: no such file; correct `paths`, or set `follow: true` to wait for it"
    )]
    NotFound {
        /// As the config has it.
        pattern: String,
    },
    /// A file or directory may not be read.
    #[error("could not read {}: permission denied; let this user read it", .path.display())]
    Permission {
        /// The file or directory.
        path: PathBuf,
    },
    /// A path is no pattern.
    #[error("could not read {pattern:?} as a pattern: {cause}; write `[*]` for a literal `*`")]
    BadGlob {
        /// As the config has it.
        pattern: String,
        /// What is wrong with it.
        cause: &'static str,
    },
    /// The content of a file breaks off or contradicts its checksum.
    #[error("could not read {} to its end: {cause}", .path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where and why.
        cause: InflateError,
    },
    /// The system could not open or read a file.
    #[error("could not read {}: {cause}", .path.display())]
    Unreadable {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// Standard input could not be read.
    #[error("could not read standard input: {0}")]
    Stdin(InflateError),
    /// How far an earlier run came could not be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// What Kafka says for now; trying again may help.
    #[cfg(feature = "kafka")]
    #[error("could not read from Kafka: {0}")]
    Kafka(rdkafka::error::KafkaError),
    /// Kafka says that we can never go on.
    #[cfg(feature = "kafka")]
    #[error("could not go on reading from Kafka: {cause}")]
    KafkaFatal {
        /// What it says, and what helps.
        cause: String,
    },
    /// What `check --online` found that would keep the source from reading.
    #[cfg(feature = "kafka")]
    #[error("could not use Kafka: {what}")]
    Refused {
        /// Which broker, topic or group, why, and what helps.
        what: String,
    },
    /// Other workers read a part of what is not keyed by entity.
    #[cfg(any(feature = "kafka", feature = "kinesis"))]
    #[error(
        "could not score: other workers read a part of {what}, so that each sees a part of a host's traffic; run one worker, or, \
         where all records of a host come in one partition, say so with `input: keyed` beside `from`"
    )]
    Divided {
        /// The topics or the stream, and the group or the table.
        what: String,
    },
    /// Two sources of this process read one partition.
    #[cfg(feature = "kafka")]
    #[error(
        "could not read partition {partition} of topic {topic}: another source of this process reads it; see `topics`"
    )]
    Shared {
        /// The topic.
        topic: String,
        /// The partition's number.
        partition: i32,
    },
    /// The cluster cannot even be tried.
    #[cfg(feature = "kafka")]
    #[error(transparent)]
    Connection(#[from] crate::kafka::ConnectionError),
    /// A Kinesis data stream that cannot be read as the config has it.
    #[cfg(feature = "kinesis")]
    #[error("could not use Kinesis: {what}")]
    Stream {
        /// Which stream, consumer or identity, why, and what helps.
        what: String,
    },
    /// Checkpoints of a Kinesis data stream can never be read or written.
    #[cfg(feature = "kinesis")]
    #[error("could not keep checkpoints: {cause}; see `checkpoint`")]
    Ledger {
        /// Why.
        cause: String,
    },
    /// The endpoint for Firehose cannot be opened.
    #[error(transparent)]
    Endpoint(#[from] super::firehose::EndpointError),
    /// A socket for syslog cannot be opened.
    #[error(transparent)]
    Syslog(#[from] super::syslog::SyslogError),
    /// The workers are gone.
    #[error("could not feed records: {0}")]
    Closed(#[from] FeedClosed),
    /// The thread that reads died.
    #[error("could not go on reading: {0}")]
    Reader(String),
}

// === impl SourceError ===

impl SourceError {
    /// What Kafka says for now.
    #[cfg(feature = "kafka")]
    pub(super) fn kafka(error: rdkafka::error::KafkaError) -> Self {
        Self::Kafka(error)
    }

    /// What Kafka says for good.
    #[cfg(feature = "kafka")]
    pub(super) fn kafka_fatal(code: rdkafka::error::RDKafkaErrorCode) -> Self {
        use rdkafka::error::RDKafkaErrorCode::FencedInstanceId;
        let remedy = match code {
            FencedInstanceId => "give each process an `instance` of its own".to_owned(),
            code => crate::kafka::Fault::of(code).remedy().to_owned(),
        };
        Self::KafkaFatal { cause: format!("{code}; {remedy}") }
    }

    /// What the system's refusal to open or read `path` means.
    #[must_use]
    pub fn of_path(path: impl Into<PathBuf>, cause: io::Error) -> Self {
        let path = path.into();
        match cause.kind() {
            io::ErrorKind::NotFound => Self::NotFound { pattern: path.display().to_string() },
            io::ErrorKind::PermissionDenied => Self::Permission { path },
            _ => Self::Unreadable { path, cause },
        }
    }
}
