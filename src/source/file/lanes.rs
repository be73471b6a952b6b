//! Flow logs of the past as a source: the files of a flow log one after the other, several flow logs side by side, whoever is furthest
//! behind in time first. Each is a partition of its own, so that none is late because another was read before it.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::runtime::Handle;

use super::ArchiveFile;
use crate::{
    event::{Chunk, Origin, Partition},
    pipe::{BoxFuture, Window},
    source::{Source, SourceContext, SourceError, object},
};

/// See the top of the file.
#[derive(Debug)]
pub struct Lanes {
    lanes: Vec<Lane>,
    progress: Arc<ArchiveProgress>,
}

/// How much of an archive is read; shared with whoever shows it.
#[derive(Debug, Default)]
pub struct ArchiveProgress {
    /// Bytes of all files, as they lie on the disk.
    pub bytes_total: AtomicU64,
    /// Bytes of the files that are read.
    pub bytes: AtomicU64,
}

/// The files of a flow log.
#[derive(Debug)]
struct Lane {
    partition: Partition,
    files: VecDeque<PathBuf>,
    /// The latest time that was seen of it, in seconds since 1970.
    time: u64,
}

/// What is read.
struct Reading {
    cx: SourceContext,
    handle: Handle,
    /// By lane: the file that is open, and the window of what is in flight of it.
    open: Vec<Option<(ArchiveFile, Arc<Window>)>>,
    origins: BTreeSet<Origin>,
}

/// Where the last line of a chunk is looked for: it is seldom longer.
const TAIL_BYTES: usize = 1_024;

// === impl Lanes ===

impl Lanes {
    /// Of `files`, in the order in which those of a flow log are read. A flow log is told by the names that AWS gives; files of
    /// other names are of one together.
    #[must_use]
    pub fn new(files: &[PathBuf], progress: Arc<ArchiveProgress>) -> Self {
        let mut lanes: BTreeMap<String, VecDeque<PathBuf>> = BTreeMap::new();
        for file in files {
            let of = object::flow_log(file).map_or_else(|| "archive".to_owned(), |log| log.to_string());
            lanes.entry(of).or_default().push_back(file.clone());
        }
        let size = |path: &PathBuf| fs::metadata(path).map_or(0, |found| found.len());
        progress.bytes_total.store(files.iter().map(size).sum(), Ordering::Relaxed);
        let lane = |(name, files): (String, _)| Lane { partition: Partition::new(&name), files, time: 0 };
        Self { lanes: lanes.into_iter().map(lane).collect(), progress }
    }

    fn read(mut self, cx: SourceContext, handle: Handle) -> Result<(), SourceError> {
        for lane in &self.lanes {
            handle.block_on(cx.assigned(&lane.partition))?;
        }
        let open = self.lanes.iter().map(|_| None).collect();
        let mut reading = Reading { cx, handle, open, origins: BTreeSet::new() };
        let mut left: Vec<usize> = (0..self.lanes.len()).collect();
        while let Some(nth) = left.iter().copied().min_by_key(|nth| self.lanes[*nth].time) {
            let lane = &mut self.lanes[nth];
            let Some(chunk) = reading.next(nth, lane, &self.progress)? else {
                reading.handle.block_on(reading.cx.ended(&lane.partition))?;
                left.retain(|other| *other != nth);
                continue;
            };
            // Who tells no time is read on by turns.
            lane.time = latest(&chunk).unwrap_or(0).max(lane.time + 1);
            let Some((_, window)) = &reading.open[nth] else { continue };
            if !reading.handle.block_on(reading.cx.hand_on(window, chunk))? {
                return Ok(());
            }
        }
        Ok(())
    }
}

impl Source for Lanes {
    fn run(self: Box<Self>, cx: SourceContext) -> BoxFuture<'static, Result<(), SourceError>> {
        Box::pin(async move {
            let handle = Handle::current();
            let reading = tokio::task::spawn_blocking(move || self.read(cx, handle));
            reading.await.map_err(|error| SourceError::Reader(error.to_string()))?
        })
    }
}

// === impl Reading ===

impl Reading {
    /// The next lines of the lane at `nth`; none at its end.
    fn next(
        &mut self,
        nth: usize,
        lane: &mut Lane,
        progress: &ArchiveProgress,
    ) -> Result<Option<Chunk>, SourceError> {
        loop {
            let Some((file, _)) = &mut self.open[nth] else {
                if lane.files.is_empty() {
                    return Ok(None);
                }
                self.open(nth, lane, progress)?;
                continue;
            };
            if let Some(chunk) = file.next_chunk(Vec::new()) {
                return Ok(Some(chunk));
            }
            self.open[nth] = None;
        }
    }

    /// Opens the lane's next file, if it is not one that was read before under another name.
    fn open(&mut self, nth: usize, lane: &mut Lane, progress: &ArchiveProgress) -> Result<(), SourceError> {
        let Some(path) = lane.files.pop_front() else { return Ok(()) };
        let file = ArchiveFile::open(&path, &lane.partition)?;
        let bytes = fs::metadata(&path).map_or(0, |found| found.len());
        progress.bytes.fetch_add(bytes, Ordering::Relaxed);
        if !self.origins.insert(file.origin().clone()) {
            tracing::warn!(path = %path.display(), "begins like a file that was read before it, and is left out");
            return Ok(());
        }
        let window = self.cx.flight.window(file.origin(), 0);
        self.open[nth] = Some((file, window));
        Ok(())
    }
}

/// The latest time at the end of `chunk`, in seconds since 1970: what is written with ten digits there. An amount of as many digits may be
/// taken for a time, which is why nothing but the order of reading rests on it.
fn latest(chunk: &Chunk) -> Option<u64> {
    let tail = &chunk.bytes[chunk.bytes.len().saturating_sub(TAIL_BYTES)..];
    let line = tail.trim_ascii_end().rsplit(|byte| *byte == b'\n').next()?;
    let numbers = line.split(|byte| !byte.is_ascii_digit()).filter(|digits| digits.len() == 10);
    let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse::<u64>().ok();
    numbers.filter_map(number).filter(|time| (1_000_000_000..5_000_000_000).contains(time)).max()
}

#[cfg(test)]
mod tests;
