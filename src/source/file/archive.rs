//! Files of an archive: read by whoever asks, each from its start to its end, beside any pipeline.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Paths,
    fingerprint::{self, HEAD_BYTES_MAX},
    line_bytes_max,
};
use crate::{
    codec::{Inflate, Positions},
    event::{Chunk, Origin, Partition, SourceId},
    source::{
        SourceError, object,
        reader::{BLOCK_BYTES, LineReader, Pace},
        stream::Stream,
    },
};

/// One file of an archive, plain or compressed.
pub struct ArchiveFile {
    path: PathBuf,
    lines: LineReader<File>,
    stream: Stream,
    scratch: Vec<u8>,
    done: bool,
}

/// The files that `paths` stand for (files, folders and patterns), each once, in the byte order of their names.
///
/// # Errors
/// When a path stands for no file, or a folder may not be read.
pub fn archive(paths: &[PathBuf]) -> Result<Vec<PathBuf>, SourceError> {
    let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    Paths::new(&paths)?.expand(false)
}

// === impl ArchiveFile ===

impl ArchiveFile {
    /// Opens the file at `path`; its chunks are of `partition` and of the only source.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path, partition: &Partition) -> Result<Self, SourceError> {
        let file = File::open(path).map_err(|error| SourceError::of_path(path, error))?;
        let most = line_bytes_max().as_usize();
        let mut lines = LineReader::new(Inflate::new(file), most, Positions::Offset, 0, Pace::Full);
        let beginning = lines.peek(HEAD_BYTES_MAX);
        let head: Arc<[u8]> = fingerprint::head(beginning).unwrap_or(beginning).into();
        let origin = Origin::file(fingerprint::of_head(&head));
        let mut stream = Stream::new(SourceId(0), partition.clone(), origin);
        stream.head = Some(head);
        stream.shared = object::flow_log(path);
        Ok(Self { path: path.into(), lines, stream, scratch: Vec::new(), done: false })
    }

    /// What stands for its content: two files with one origin begin alike.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.stream.origin
    }

    /// Whether other files are of the same flow log, and so of the same layout.
    #[must_use]
    pub fn is_of_flow_log(&self) -> bool {
        self.stream.shared.is_some()
    }

    /// The next lines, in `room`, the bytes of a chunk that is not needed any more; none at its end. A file that breaks off
    /// gives what there is before the break, and the line in which it lies as one that could not be read.
    pub fn next_chunk(&mut self, mut room: Vec<u8>) -> Option<Chunk> {
        if self.done {
            return None;
        }
        room.clear();
        room.reserve(BLOCK_BYTES);
        let mut chunk = self.stream.chunk(0);
        chunk.bytes = room;
        match self.lines.next(&mut self.scratch, &mut chunk) {
            Ok(true) => {}
            Ok(false) => {
                self.done = true;
                self.lines.finish(&mut chunk);
            }
            Err(error) => {
                self.done = true;
                tracing::warn!(path = %self.path.display(), %error, "could not read a file to its end");
                self.lines.break_off(&error, &mut chunk);
            }
        }
        (!chunk.records.is_empty()).then_some(chunk)
    }
}
