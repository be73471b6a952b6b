//! What a sink's `to` key holds.

use std::{path::PathBuf, sync::Arc};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Sink, SinkError, discard::Discard, file::FileSink, stdout::Stdout};
use crate::quantity::ByteSize;

/// Where documents go: one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum To {
    /// A file of one document a line.
    File(FileConfig),
    /// Standard output, one document a line.
    Stdout {},
    /// Nowhere: documents are counted and dropped. For measuring.
    Discard {},
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
    /// When the file cannot be opened for writing.
    pub fn open(&self) -> Result<Arc<dyn Sink>, SinkError> {
        Ok(match self {
            Self::File(config) => Arc::new(FileSink::open(config)?),
            Self::Stdout {} => Arc::new(Stdout),
            Self::Discard {} => Arc::new(Discard),
        })
    }

    /// The same place, where a file confirms only what the disk has.
    #[must_use]
    pub fn synced(&self) -> Self {
        match self {
            Self::File(config) => Self::File(FileConfig { sync: true, ..config.clone() }),
            other => other.clone(),
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
