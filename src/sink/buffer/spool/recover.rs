//! Taking up what an earlier process left: which frames are sound, where its mark stood, and what a crash cut short.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

use super::Spool;
use crate::sink::buffer::{
    BufferError,
    mark::Mark,
    segment::{self, Segment},
};

/// Why a segment could not be taken up.
enum Found {
    Io(io::Error),
    Buffer(BufferError),
}

// === impl Spool ===

impl Spool {
    /// Takes up every segment in the folder, in order.
    pub(super) fn recover(&mut self, mark: Mark) -> Result<(), BufferError> {
        let bases =
            segment::bases(&self.folder).map_err(|error| BufferError::unusable(&self.folder, &error))?;
        for (index, base) in bases.iter().enumerate() {
            let next = bases.get(index + 1).copied();
            self.take_up(*base, next, mark).map_err(|error| error.at(&segment::path(&self.folder, *base)))?;
        }
        if self.delivered > self.end {
            self.end = self.delivered;
        }
        Ok(())
    }

    /// Takes up the segment at `base` from an earlier process; `next` is the base of the one after it.
    fn take_up(&mut self, base: u64, next: Option<u64>, mark: Mark) -> Result<(), Found> {
        let mut segment = Segment::find(&self.folder, base)?;
        if let Some(next) = next {
            // What is there past the next one's beginning could not be cut off when its write had failed.
            segment.len = segment.len.min(next.saturating_sub(base));
        }
        if segment.end() <= mark.delivered {
            fs::remove_file(&segment.path)?;
            return Ok(());
        }
        let file = segment.open()?;
        if !segment.check_head(&file)? {
            tracing::debug!(file = %segment.path.display(), "the head of a segment is not whole");
        }
        let walk = segment.walk(&file, mark.delivered, next.is_none())?;
        if next.is_none() && walk.sound_to < segment.end() && walk.sound_to >= mark.durable {
            let bytes = segment.end() - walk.sound_to;
            tracing::warn!(
                file = %segment.path.display(), bytes,
                "cut off what a crash left half written; it was never confirmed, so its records are read again"
            );
            segment.len = walk.sound_to - base;
            File::options().write(true).open(&segment.path)?.set_len(segment.len)?;
        }
        if segment.is_empty() {
            fs::remove_file(&segment.path)?;
            return Ok(());
        }
        if self.end < base && !self.segments.is_empty() {
            let (file, bytes) = (segment.path.display(), base - self.end);
            tracing::error!(%file, bytes, "what stood in the disk buffer before this file is missing");
        }
        if self.segments.is_empty() {
            self.read = walk.boundary;
            self.delivered = walk.boundary;
        }
        segment.documents = walk.documents;
        segment.passed = walk.before_mark;
        self.recovered += walk.documents - walk.before_mark;
        self.end = segment.end();
        self.segments.push_back(segment);
        Ok(())
    }
}

// === impl Found ===

impl Found {
    fn at(self, path: &Path) -> BufferError {
        match self {
            Self::Io(error) => BufferError::unusable(path, &error),
            Self::Buffer(error) => error,
        }
    }
}

impl From<io::Error> for Found {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<BufferError> for Found {
    fn from(error: BufferError) -> Self {
        Self::Buffer(error)
    }
}

/// Holds the folder for as long as the file is open.
pub(super) fn lock(folder: &Path) -> Result<File, BufferError> {
    let path = folder.join("lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|error| BufferError::unusable(&path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(BufferError::Locked { folder: folder.to_owned() }),
        Err(fs::TryLockError::Error(error)) => Err(BufferError::unusable(&path, &error)),
    }
}
