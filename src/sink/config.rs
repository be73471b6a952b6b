//! What a sink's `to` key holds.

use std::{path::PathBuf, sync::Arc};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    ElasticsearchSink, ElasticsearchSinkConfig, Sink, SinkError, discard::Discard, file::FileSink,
    stdout::Stdout,
};
#[cfg(feature = "kafka")]
use super::{KafkaSink, KafkaSinkConfig};
use crate::{event::Namespace, quantity::ByteSize};

/// Where documents go: one kind.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum To {
    /// A file of one document a line.
    File(FileConfig),
    /// Standard output, one document a line.
    Stdout {},
    /// Nowhere: documents are counted and dropped. For measuring.
    Discard {},
    /// Data streams of Elasticsearch or OpenSearch.
    Elasticsearch(Box<ElasticsearchSinkConfig>),
    /// Topics of a Kafka cluster.
    #[cfg(feature = "kafka")]
    Kafka(Box<KafkaSinkConfig>),
}

/// A file of one document a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileConfig {
    /// The file; its folder must exist. An existing file is appended to. Two sinks must not share one.
    pub path: PathBuf,
    /// When the file is put aside under a number and a new one begun. Default: never.
    #[serde(default)]
    pub rotate: Option<Rotation>,
    /// How the file is compressed, each delivery as a member or frame of its own, so that it can be read at any time.
    /// Default: not.
    #[serde(default)]
    pub compress: Compression,
    /// Whether a delivery counts as confirmed only once the disk has it (fdatasync), rather than the system. Costs a
    /// disk flush for each batch; a power cut, not a crash of the process, is what it guards against. Default: false;
    /// the quarantine and the dead letter always do so.
    #[serde(default)]
    pub sync: bool,
}

/// When a file is put aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// The file is put aside once it is at least this large.
    pub size: ByteSize,
    /// How many files put aside are kept; the oldest is deleted. Default: all.
    #[serde(default)]
    pub keep: Option<u32>,
}

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// Gzip, level 6.
    Gzip,
    /// Zstandard, level 3.
    Zstd,
}

/// Bytes of documents that wait for a sink on this machine: those of a chunk, while the next are written.
const QUEUE_BYTES: usize = 2 << 20;
/// Room for what is quarantined or refused and on its way to a cluster.
#[cfg(feature = "kafka")]
const KEPT_IN_FLIGHT: ByteSize = ByteSize::mebibytes(2);

// === impl To ===

impl To {
    /// A plain file at `path`.
    #[must_use]
    pub fn file(path: &str) -> Self {
        Self::File(FileConfig { path: path.into(), rotate: None, compress: Compression::None, sync: false })
    }

    /// Opens the sink. What it needs that is not there, such as a folder, is an error now rather than later.
    ///
    /// # Errors
    /// When the file cannot be opened for writing, or the settings cannot be used.
    pub fn open(&self) -> Result<Arc<dyn Sink>, SinkError> {
        Ok(match self {
            #[cfg(feature = "kafka")]
            Self::Kafka(config) => Arc::new(KafkaSink::open(config)?),
            Self::Elasticsearch(config) => Arc::new(ElasticsearchSink::open(config)?),
            Self::File(config) => Arc::new(FileSink::open(config)?),
            Self::Stdout {} => Arc::new(Stdout),
            Self::Discard {} => Arc::new(Discard),
        })
    }

    /// The same place for what must not be lost and is little: a file confirms only what the disk has, and a cluster is
    /// given little room.
    #[must_use]
    pub fn synced(&self) -> Self {
        match self {
            Self::File(config) => Self::File(FileConfig { sync: true, ..config.clone() }),
            #[cfg(feature = "kafka")]
            Self::Kafka(config) => {
                let in_flight = config.in_flight.min(KEPT_IN_FLIGHT);
                Self::Kafka(Box::new(KafkaSinkConfig { in_flight, ..(**config).clone() }))
            }
            other => other.clone(),
        }
    }

    /// Bytes of documents that may wait for the sink and be on their way, together.
    #[must_use]
    pub fn queue_bytes(&self) -> usize {
        match self {
            #[cfg(feature = "kafka")]
            Self::Kafka(config) => config.in_flight.as_usize(),
            Self::Elasticsearch(config) => config.in_flight.as_usize(),
            Self::File(_) | Self::Stdout {} | Self::Discard {} => QUEUE_BYTES,
        }
    }

    /// Bytes that the sink keeps besides, at most: librdkafka copies every document, and holds requests until they are
    /// answered.
    #[must_use]
    pub fn kept_bytes(&self) -> u64 {
        match self {
            #[cfg(feature = "kafka")]
            Self::Kafka(config) => 2 * config.in_flight.as_u64(),
            Self::Elasticsearch(config) => config.kept_bytes(),
            Self::File(_) | Self::Stdout {} | Self::Discard {} => 0,
        }
    }

    /// What no type can see: the key, below `to`, and what is wrong with it.
    #[must_use]
    pub fn problems(&self) -> Vec<(String, &'static str)> {
        match self {
            #[cfg(feature = "kafka")]
            Self::Kafka(config) => {
                let problems = config.problems().into_iter();
                problems.map(|(key, text)| (format!("kafka.{key}"), text)).collect()
            }
            Self::Elasticsearch(config) => {
                let problems = config.problems().into_iter();
                problems.map(|(key, text)| (format!("elasticsearch.{key}"), text)).collect()
            }
            Self::File(_) | Self::Stdout {} | Self::Discard {} => Vec::new(),
        }
    }

    /// The cluster that it writes to, where it is one of Elasticsearch or OpenSearch.
    #[must_use]
    pub fn elasticsearch(&self) -> Option<&ElasticsearchSinkConfig> {
        match self {
            Self::Elasticsearch(config) => Some(config),
            _ => None,
        }
    }

    /// The namespace that its documents say their data stream has.
    #[must_use]
    pub fn namespace(&self) -> Namespace {
        match self {
            Self::Elasticsearch(config) => config.namespace.clone(),
            _ => Namespace::default(),
        }
    }

    /// The topics that it writes, where it is a Kafka cluster.
    #[cfg(feature = "kafka")]
    #[must_use]
    pub fn kafka(&self) -> Option<&KafkaSinkConfig> {
        match self {
            Self::Kafka(config) => Some(config),
            _ => None,
        }
    }

    /// The file that it writes, where it is one.
    #[must_use]
    pub fn path(&self) -> Option<&std::path::Path> {
        match self {
            Self::File(config) => Some(&config.path),
            _ => None,
        }
    }
}
