//! How a file looks from outside: which one it is for as long as this process runs, how long, and when it changed.

use std::{fs::Metadata, os::unix::fs::MetadataExt};

/// Which file it is in this file system. Only to tell, while it is open, whether its path still leads to it: it is no
/// part of any position or id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
}

/// What changes when a file is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) identity: Identity,
    /// Its length in bytes.
    pub(super) len: u64,
    /// When it was written to: seconds and nanoseconds.
    written: (i64, i64),
}

// === impl Stamp ===

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            identity: Identity { device: metadata.dev(), inode: metadata.ino() },
            len: metadata.len(),
            written: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }
}
