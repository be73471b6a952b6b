//! Where records come from: files read once or followed, stdin, Firehose, syslog, Kafka and Kinesis.

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
mod sharing;
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
pub use sharing::{Input, Patience, Sharing};
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
    /// A Kinesis data stream, by polling or enhanced fan-out.
    #[cfg(feature = "kinesis")]
    Kinesis(Box<kinesis::Config>),
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

    /// Whether several processes can share its partitions.
    #[must_use]
    pub fn can_be_shared(&self) -> bool {
        match self {
            Self::File(_) | Self::Stdin(_) | Self::Firehose(_) | Self::Syslog(_) => false,
            #[cfg(feature = "kafka")]
            Self::Kafka(_) => true,
            #[cfg(feature = "kinesis")]
            Self::Kinesis(config) => !config.needs_state(),
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
            #[cfg(feature = "kinesis")]
            Self::Kinesis(_) => kinesis::MEMORY_BYTES,
        }
    }

    /// What no type can see: the key, below `from`, what is wrong with it, and what helps.
    #[must_use]
    pub fn problems(&self) -> Vec<(String, &'static str, &'static str)> {
        type Problems = Vec<(String, &'static str, &'static str)>;
        let owned = |problems: Vec<(&str, &'static str, &'static str)>| -> Problems {
            problems.into_iter().map(|(key, text, help)| (key.to_owned(), text, help)).collect()
        };
        let (kind, problems) = match self {
            Self::Firehose(config) => ("firehose", owned(config.problems())),
            #[cfg(feature = "kafka")]
            Self::Kafka(config) => ("kafka", owned(config.problems())),
            #[cfg(feature = "kinesis")]
            Self::Kinesis(config) => ("kinesis", config.problems()),
            Self::Syslog(config) => ("syslog", config.problems()),
            Self::File(_) | Self::Stdin(_) => return Vec::new(),
        };
        problems.into_iter().map(|(key, text, help)| (format!("{kind}.{key}"), text, help)).collect()
    }

    /// The key, below `from`, for which a state is needed, and why: what must remember how far it came.
    #[must_use]
    pub fn needs_state(&self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::File(config) if config.follow => {
                Some(("file.follow", "a followed file needs a place to remember how far it was read"))
            }
            #[cfg(feature = "kinesis")]
            Self::Kinesis(config) if config.needs_state() => {
                Some(("kinesis.checkpoint.file", "checkpoints need a file to stand in"))
            }
            _ => None,
        }
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
        #[cfg(feature = "kinesis")]
        From::Kinesis(config) => Box::new(kinesis::Kinesis::new(config)?),
    })
}
