//! Files followed as they grow: each path is a partition of its own, and what it was renamed from, truncated to or
//! replaced by is told from the bytes it begins with.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    time::Duration,
};

use super::{
    Paths, Work,
    held::Held,
    stamp::Stamp,
    tail::{Tail, Turn},
};
use crate::source::SourceError;

/// How often files are looked at.
const POLL: Duration = Duration::from_millis(250);
/// Every how many polls the patterns are looked at for new files.
const POLLS_PER_SCAN: u64 = 4;

/// The most complaints remembered; then all may be made again.
const COMPLAINTS_MAX: usize = 1000;

/// All followed files of a source.
struct Follow<'a> {
    work: Work,
    paths: &'a Paths,
    tails: BTreeMap<PathBuf, Tail>,
    held: Held,
    /// Files that are read to their end for good, compressed ones or ones that could not be read, as they were then.
    done: BTreeMap<PathBuf, Stamp>,
    /// What was complained about, so that it is said once and not at every scan.
    complaints: BTreeSet<String>,
}

/// Follows until it is told to stop.
pub(super) fn run(work: Work, paths: &Paths) -> Result<(), SourceError> {
    let mut follow = Follow {
        work,
        paths,
        tails: BTreeMap::new(),
        held: Held::default(),
        done: BTreeMap::new(),
        complaints: BTreeSet::new(),
    };
    let mut stop = follow.work.cx.stop.clone();
    let mut polls = 0_u64;
    while !stop.is_stopped() {
        if polls.is_multiple_of(POLLS_PER_SCAN) {
            follow.scan(polls == 0)?;
        }
        polls += 1;
        if follow.poll()? {
            continue;
        }
        let handle = follow.work.handle.clone();
        handle.block_on(async {
            tokio::select! {
                () = stop.stopped() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        });
    }
    Ok(())
}

// === impl Follow ===

impl Follow<'_> {
    /// Opens the files that have come.
    ///
    /// # Errors
    /// The `first` time, when a directory may not be read: that is a mistake. Later it may pass.
    fn scan(&mut self, first: bool) -> Result<(), SourceError> {
        let files = match self.paths.expand(true) {
            Ok(files) => files,
            Err(error) if first => return Err(error),
            Err(error) => {
                self.complain(&error);
                return Ok(());
            }
        };
        let mut open: BTreeSet<_> = self.tails.values().map(Tail::identity).collect();
        for path in files {
            if self.tails.contains_key(&path) {
                continue;
            }
            let Ok(metadata) = fs::metadata(&path) else { continue };
            let stamp = Stamp::of(&metadata);
            // Renamed while it is read under its old name, or done with and unchanged.
            if open.contains(&stamp.identity) || self.done.get(&path) == Some(&stamp) {
                continue;
            }
            match Tail::open(&self.work, &path) {
                Ok(tail) => {
                    open.insert(tail.identity());
                    self.tails.insert(path, tail);
                }
                Err(error) => self.complain(&error),
            }
        }
        Ok(())
    }

    /// Gives every file a turn; says whether some have more to read.
    fn poll(&mut self) -> Result<bool, SourceError> {
        let work = &mut self.work;
        // First all that stand to be read are assigned, so that no window folds before the slowest is known.
        for tail in self.tails.values_mut() {
            tail.prepare(work, &mut self.held)?;
        }
        let mut more = false;
        let mut closed = Vec::new();
        for (path, tail) in &mut self.tails {
            match tail.turn(work, &mut self.held) {
                Ok(Turn::More) => more = true,
                Ok(Turn::Waiting) => {}
                Ok(Turn::Stopped) => return Ok(false),
                Ok(Turn::Closed { done }) => closed.push((path.clone(), done)),
                Err(error @ (SourceError::State(_) | SourceError::Closed(_))) => return Err(error),
                Err(error) => {
                    work.failed(&error);
                    tail.close(work, &mut self.held)?;
                    closed.push((path.clone(), Some(tail.stamp())));
                }
            }
        }
        for (path, done) in closed {
            self.tails.remove(&path);
            match done {
                Some(stamp) => drop(self.done.insert(path, stamp)),
                None => drop(self.done.remove(&path)),
            }
        }
        Ok(more)
    }

    fn complain(&mut self, error: &SourceError) {
        if self.complaints.len() >= COMPLAINTS_MAX {
            self.complaints.clear();
        }
        if self.complaints.insert(error.to_string()) {
            self.work.failed(error);
        }
    }
}

#[cfg(test)]
mod tests;
