//! A buffer on disk before a sink: what is durable there is confirmed, and the sink takes it when it can.
//!
//! Documents are written as frames into segments, in order, and everything that waits is synced at once. Each frame is
//! then handed on to the delivery loop, from memory while the sink keeps up and from the disk otherwise; what that
//! confirms moves a mark, and segments before the mark are deleted. A segment is never written to again by another
//! process, so that only the end of the last one can be half written.

mod books;
mod frame;
mod mark;
mod segment;
mod spool;
mod stage;

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use books::BufferBooks;
pub use frame::{FrameError, Head, read as read_frame};
pub use spool::{Ahead, Spool};
pub use stage::{BufferStage, Staged};

use crate::quantity::ByteSize;
use mark::Mark;

/// A buffer on disk before a sink. What it holds is confirmed to the source, so that a sink that is down stops nothing
/// else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BufferConfig {
    /// The most bytes that it takes on disk; at least 16MiB. An event takes about 2 kB. Once it is full the sources wait,
    /// as they do without a buffer.
    pub disk: ByteSize,
    /// The folder that holds it; made if it does not exist. One process at a time may use it. Default: `buffer` and the
    /// sink's name, in `state.directory`.
    #[serde(default)]
    pub directory: Option<PathBuf>,
}

/// Why a buffer cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BufferError {
    /// Another process holds it.
    #[error(
        "could not open the disk buffer in {}: another process holds it; stop that process or set another \
         `buffer.directory`",
        .folder.display()
    )]
    Locked {
        /// Its folder.
        folder: PathBuf,
    },
    /// It was written in another format.
    #[error(
        "could not read {}: its format is {found}, and this floodmark's is {ours}; let the floodmark that wrote it \
         deliver what it holds, or move its folder away",
        .path.display()
    )]
    Format {
        /// The segment.
        path: PathBuf,
        /// The format that it has.
        found: u32,
        /// The format that this program reads.
        ours: u32,
    },
    /// The disk says no.
    #[error("could not use the disk buffer at {}: {cause}; see that the folder may be read and written", .path.display())]
    Unusable {
        /// What of it.
        path: PathBuf,
        /// What the system says.
        cause: String,
    },
}

/// The least that a buffer may take: four of the largest batches of documents that are usual.
pub const BUFFER_BYTES_MIN: u64 = 16 << 20;
/// Bytes of documents that wait to be written, and are written at once at most.
pub const BUFFER_QUEUE_BYTES: usize = 4 << 20;
/// What a buffer keeps in memory at most: what waits and is written, and a frame that is read.
pub const BUFFER_MEMORY_BYTES: u64 = 4 * BUFFER_QUEUE_BYTES as u64;

// === impl BufferError ===

impl BufferError {
    fn unusable(path: &Path, error: &io::Error) -> Self {
        Self::Unusable { path: path.to_owned(), cause: error.to_string() }
    }
}

/// The name of the folder of the sink called `name`: the same, with what no file may be called written as `%` and two
/// digits.
#[must_use]
pub fn folder_name(name: &str) -> String {
    let plain = |index: usize, byte: u8| {
        byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-' || (byte == b'.' && index > 0)
    };
    let letter = |(index, byte): (usize, u8)| match plain(index, byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02x}"),
    };
    name.bytes().enumerate().map(letter).collect()
}

/// Looks whether what lies in `folder` can be read by this program, without holding it.
///
/// # Errors
/// When it was written in another format, or the disk says no.
pub fn look_at_buffer(folder: &Path) -> Result<(), BufferError> {
    let unusable = |error: io::Error| BufferError::unusable(folder, &error);
    if !folder.exists() {
        return Ok(());
    }
    for base in segment::bases(folder).map_err(unusable)? {
        let segment = match segment::Segment::find(folder, base) {
            // Whoever holds it has delivered it meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            found => found.map_err(unusable)?,
        };
        segment.check_head(&segment.open().map_err(unusable)?)?;
    }
    Ok(())
}

/// Buffers under `root` that hold documents and belong to none of the sinks called `names`: their folders, and the bytes
/// that wait there.
#[must_use]
pub fn left_behind(root: &Path, names: &[&str]) -> Vec<(PathBuf, u64)> {
    let known: BTreeSet<String> = names.iter().map(|name| folder_name(name)).collect();
    let Ok(entries) = std::fs::read_dir(root) else { return Vec::new() };
    let folders =
        entries.flatten().filter(|entry| !known.contains(entry.file_name().to_string_lossy().as_ref()));
    let waiting = folders.filter_map(|entry| {
        let folder = entry.path();
        let mark = Mark::read(&folder).ok()?.unwrap_or_default();
        let segments = segment::bases(&folder).ok()?.into_iter();
        let segments = segments.filter_map(|base| segment::Segment::find(&folder, base).ok());
        let waiting =
            |segment: segment::Segment| segment.end().saturating_sub(mark.delivered.max(segment.first()));
        let bytes = segments.map(waiting).sum();
        (bytes > 0).then_some((folder, bytes))
    });
    let mut found: Vec<_> = waiting.collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests;
