//! Where records come from: files read once or followed, stdin, Firehose, syslog, and Kafka.

mod commit;
mod context;
mod error;
pub mod file;
pub mod firehose;
mod intake;
#[cfg(feature = "kafka")]
pub mod kafka;
#[cfg(feature = "kinesis")]
pub mod kinesis;
mod object;
mod progress;
mod reader;
mod replay;
mod stamp;
pub mod stdin;
mod stream;
pub mod syslog;
mod tls;
#[cfg(test)]
mod trial;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pipe::BoxFuture;

pub use commit::StoreCommitter;
pub use context::SourceContext;
pub use error::SourceError;
pub use progress::{Known, Marked, NothingKnown, Progress, StoreProgress};
pub use replay::{Replay, ReplayedRecord};
pub use stamp::Stamp;
pub use stdin::Stdin;
pub use tls::{Tls, TlsError};

/// Receives records and feeds them, in chunks with receipts, until its input ends or it is told to stop.
pub trait Source: Send {
    /// Runs to the end of the input, or until `cx.stop`. Returns when all that was received is fed, not when it is
    /// delivered: that the receipts tell.
    fn run(self: Box<Self>, cx: SourceContext) -> BoxFuture<'static, Result<(), SourceError>>;

    /// Looks whether what it would read is there, without reading it.
    ///
    /// # Errors
    /// When it is not, as [`Source::run`] would say.
    fn look(&self) -> Result<(), SourceError> {
        Ok(())
    }
}

/// Where a source's records come from.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum From {
    /// Files, plain or compressed with gzip or zstd, read once or followed as they grow.
    File(file::Config),
    /// Standard input, plain or compressed with gzip or zstd, to its end.
    Stdin(stdin::Config),
    /// An HTTP endpoint for Amazon Data Firehose.
    Firehose(Box<firehose::Config>),
    /// Syslog over UDP, TCP, TLS and Unix sockets.
    Syslog(Box<syslog::Config>),
    /// Topics of a Kafka cluster, read as a member of a consumer group.
    #[cfg(feature = "kafka")]
    Kafka(Box<kafka::Config>),
}

// === impl From ===

impl From {
    /// Reads `paths` once; standard input, where there are none or the only one is `-`.
    #[must_use]
    pub fn once(paths: &[std::path::PathBuf]) -> Self {
        let line_bytes_max = file::line_bytes_max();
        match paths {
            [] => Self::Stdin(stdin::Config { line_bytes_max }),
            [path] if path.as_os_str() == "-" => Self::Stdin(stdin::Config { line_bytes_max }),
            paths => {
                let paths = paths.iter().map(|path| path.display().to_string()).collect();
                Self::File(file::Config { paths, follow: false, line_bytes_max })
            }
        }
    }

    /// Bytes that it takes beside what is in flight.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        match self {
            Self::File(_) | Self::Stdin(_) => 0,
            Self::Firehose(config) => config.memory_bytes(),
            Self::Syslog(config) => config.memory_bytes(),
            #[cfg(feature = "kafka")]
            Self::Kafka(_) => kafka::MEMORY_BYTES,
        }
    }

    /// What no type can see: the key, below `from`, what is wrong with it, and what helps.
    #[must_use]
    pub fn problems(&self) -> Vec<(String, &'static str, &'static str)> {
        let named = |kind: &str, (key, text, help): (String, &'static str, &'static str)| {
            (format!("{kind}.{key}"), text, help)
        };
        let owned = |(key, text, help): (&str, &'static str, &'static str)| (key.to_owned(), text, help);
        match self {
            Self::Firehose(config) => {
                config.problems().into_iter().map(owned).map(|problem| named("firehose", problem)).collect()
            }
            #[cfg(feature = "kafka")]
            Self::Kafka(config) => {
                config.problems().into_iter().map(owned).map(|problem| named("kafka", problem)).collect()
            }
            Self::Syslog(config) => {
                config.problems().into_iter().map(|problem| named("syslog", problem)).collect()
            }
            Self::File(_) | Self::Stdin(_) => Vec::new(),
        }
    }

    /// Whether it follows files as they grow, and so must remember how far it came.
    #[must_use]
    pub fn follows(&self) -> bool {
        matches!(self, Self::File(config) if config.follow)
    }
}

/// The source that `from` describes.
///
/// # Errors
/// When a path is no pattern that could match a file. That nothing matches it is told by [`Source::run`].
pub fn build(from: &From) -> Result<Box<dyn Source>, SourceError> {
    Ok(match from {
        From::File(config) => Box::new(file::Files::new(config)?),
        From::Stdin(config) => Box::new(Stdin::new(config)),
        From::Firehose(config) => Box::new(firehose::Firehose::open(config)?),
        From::Syslog(config) => Box::new(syslog::Syslog::open(config)?),
        #[cfg(feature = "kafka")]
        From::Kafka(config) => Box::new(kafka::Kafka::new(config)?),
    })
}
