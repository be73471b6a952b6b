//! Files: read once in order of name, or followed as they grow, are rotated and are truncated.

mod archive;
mod fingerprint;
mod follow;
mod held;
mod lanes;
mod once;
mod paths;
mod stamp;
mod tail;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use super::{Source, SourceContext, SourceError};
use crate::{
    pipe::BoxFuture,
    quantity::ByteSize,
    telemetry::metrics::{Counter, Metrics},
};
pub use archive::{ArchiveFile, archive};
pub use lanes::{ArchiveProgress, Lanes};
use paths::Paths;

/// Files, plain or compressed with gzip or zstd (told by their first bytes, not by their names).
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Paths of files, of directories (every file beneath that is not hidden), and patterns: `*` and `?` stand for
    /// characters of a name, `[a-z]` for one of them, `**` for any directories. Each file is read once, in the byte
    /// order of file names, then of paths. A path under which there is no file is an error, unless `follow` is set.
    #[schemars(length(min = 1))]
    pub paths: Vec<String>,
    /// Whether to go on reading as files grow, are rotated, truncated or made, and to remember how far each was read.
    /// Each file must then begin with a line that holds ten digits, or have 1,024 bytes, before it is read. Default
    /// false: every run reads every file from its start, and ends at its end.
    #[serde(default)]
    pub follow: bool,
    /// Length in bytes of the longest line that is read whole, its end not counted; of a longer one this much is
    /// quarantined and the rest skipped. Default 1MiB. A line of this length is held in memory, for each followed file.
    #[serde(default = "line_bytes_max")]
    pub line_bytes_max: ByteSize,
}

/// The file source.
#[derive(Debug)]
pub struct Files {
    paths: Paths,
    follow: bool,
    line_bytes_max: usize,
}

/// What reading files works with, on a thread that may wait.
struct Work {
    cx: SourceContext,
    handle: Handle,
    line_bytes_max: usize,
    files_failed: Counter,
    scratch: Vec<u8>,
}

pub(super) fn line_bytes_max() -> ByteSize {
    ByteSize::mebibytes(1)
}

// === impl Files ===

impl Files {
    /// The files that `config` names. They are looked for when the source runs.
    ///
    /// # Errors
    /// When a path is no pattern that could match a file.
    pub fn new(config: &Config) -> Result<Self, SourceError> {
        Ok(Self {
            paths: Paths::new(&config.paths)?,
            follow: config.follow,
            line_bytes_max: config.line_bytes_max.as_usize(),
        })
    }
}

impl Source for Files {
    fn look(&self) -> Result<(), SourceError> {
        self.paths.expand(self.follow).map(drop)
    }

    fn run(self: Box<Self>, cx: SourceContext) -> BoxFuture<'static, Result<(), SourceError>> {
        Box::pin(async move {
            let work = Work::new(cx, Handle::current(), self.line_bytes_max);
            let reading = tokio::task::spawn_blocking(move || {
                if self.follow { follow::run(work, &self.paths) } else { once::run(work, &self.paths) }
            });
            reading.await.map_err(|error| SourceError::Reader(error.to_string()))?
        })
    }
}

// === impl Work ===

impl Work {
    fn new(cx: SourceContext, handle: Handle, line_bytes_max: usize) -> Self {
        let files_failed = files_failed(&cx.metrics, &cx.name);
        Self { cx, handle, line_bytes_max, files_failed, scratch: Vec::new() }
    }

    /// Says that a file could not be read, or not to its end.
    fn failed(&self, error: &SourceError) {
        self.files_failed.inc();
        tracing::error!(source = %self.cx.name, "{error}");
    }
}

fn files_failed(metrics: &Metrics, source: &str) -> Counter {
    metrics.counter(
        "floodmark_source_files_failed",
        "Files that could not be read, or not to their end.",
        vec![("source", source.to_owned())],
    )
}
