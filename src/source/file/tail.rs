//! One followed path: the file that stands there, what became of it, and the one that takes its place.

use std::{
    fs::{self, File},
    io::{self, Seek, SeekFrom},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Work,
    fingerprint::{self, HEAD_BYTES_MAX},
    held::{Held, Taken},
    stamp::{Identity, Stamp},
};
use crate::{
    codec::{Compression, Inflate, Positions},
    event::{Chunk, Origin, Partition},
    pipe::Window,
    source::{
        SourceError, object,
        reader::{BLOCK_BYTES, LineReader, Pace},
        stream::Stream,
    },
    telemetry::clock,
};

/// A followed path.
pub(super) struct Tail {
    path: PathBuf,
    partition: Partition,
    assigned: bool,
    file: Arc<File>,
    /// The file as it was when it was last looked at.
    stamp: Stamp,
    /// Since when it has looked like that.
    still_since: Instant,
    stage: Stage,
    /// The origin that was cut away under this path, if the last one was.
    cut_away: Option<Origin>,
    /// Since when its path has led nowhere.
    gone_since: Option<Instant>,
    warned: bool,
}

/// How far a file is known.
enum Stage {
    /// Its fingerprint is not known, or not this path's to read.
    Unknown,
    /// It grows, and is read as it does.
    Growing(Box<Reading>),
    /// It is compressed, was complete when it was opened, and is read to its end.
    Packed(Box<Reading>),
}

struct Reading {
    stream: Stream,
    window: Arc<Window>,
    lines: LineReader<Arc<File>>,
}

/// What became of a file's turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// There is more to read.
    More,
    /// Not now.
    Waiting,
    /// It is time to stop.
    Stopped,
    /// Nothing more comes of it; where it is still there, it need not be opened again while it looks like `done`.
    Closed {
        /// How it looks.
        done: Option<Stamp>,
    },
}

/// Chunks that one file may feed before the next one has its turn.
const CHUNKS_PER_TURN: usize = 8;
/// How long a compressed file must have stood still to count as complete, and a file whose path is gone, to count as
/// left by its writer.
const STILL: Duration = Duration::from_secs(3);

// === impl Tail ===

impl Tail {
    /// Opens the file at `path`.
    pub(super) fn open(work: &Work, path: &Path) -> Result<Self, SourceError> {
        let unreadable = |error| SourceError::of_path(path, error);
        let file = File::open(path).map_err(unreadable)?;
        let stamp = Stamp::of(&file.metadata().map_err(unreadable)?);
        Ok(Self {
            path: path.into(),
            partition: Partition::new(&format!("{}:{}", work.cx.name, path.display())),
            assigned: false,
            file: Arc::new(file),
            stamp,
            still_since: clock::monotonic(),
            stage: Stage::Unknown,
            cut_away: None,
            gone_since: None,
            warned: false,
        })
    }

    pub(super) fn identity(&self) -> Identity {
        self.stamp.identity
    }

    pub(super) fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// Looks at the file, finds out its origin if it can, and says that its partition is read here once there is
    /// something to read.
    pub(super) fn prepare(&mut self, work: &mut Work, held: &mut Held) -> Result<(), SourceError> {
        self.look()?;
        if matches!(self.stage, Stage::Unknown) {
            self.identify(work, held, false)?;
        }
        let news = match &self.stage {
            Stage::Unknown => false,
            Stage::Growing(reading) => self.stamp.len > reading.lines.framed_to(),
            Stage::Packed(_) => true,
        };
        if news && !self.assigned {
            work.handle.block_on(work.cx.assigned(&self.partition))?;
            self.assigned = true;
        }
        Ok(())
    }

    /// Reads what has come.
    pub(super) fn turn(&mut self, work: &mut Work, held: &mut Held) -> Result<Turn, SourceError> {
        match self.read(work, held)? {
            Turn::Waiting => self.look_at_path(work, held),
            other => Ok(other),
        }
    }

    /// Lets the file go.
    pub(super) fn close(&mut self, work: &Work, held: &mut Held) -> Result<(), SourceError> {
        if let Stage::Growing(reading) | Stage::Packed(reading) = &self.stage {
            held.release(&reading.stream.origin);
        }
        self.stage = Stage::Unknown;
        if self.assigned {
            self.assigned = false;
            work.handle.block_on(work.cx.ended(&self.partition))?;
        }
        Ok(())
    }

    fn unreadable(&self, error: io::Error) -> SourceError {
        SourceError::of_path(&self.path, error)
    }

    fn look(&mut self) -> Result<(), SourceError> {
        let stamp = Stamp::of(&self.file.metadata().map_err(|error| self.unreadable(error))?);
        if stamp != self.stamp {
            self.stamp = stamp;
            self.still_since = clock::monotonic();
        }
        Ok(())
    }

    fn stands_still(&self) -> bool {
        clock::monotonic().duration_since(self.still_since) >= STILL
    }

    /// Finds out the file's origin and takes it. With `last` it is all there will ever be of the file.
    fn identify(&mut self, work: &mut Work, held: &mut Held, last: bool) -> Result<(), SourceError> {
        let beginning = self.beginning(HEAD_BYTES_MAX)?;
        let packed = Compression::of(&beginning) != Compression::Plain;
        if packed && !last && !self.stands_still() {
            return Ok(());
        }
        (&*self.file).seek(SeekFrom::Start(0)).map_err(|error| self.unreadable(error))?;
        let inflate =
            if packed { Inflate::new(self.file.clone()) } else { Inflate::plain(self.file.clone()) };
        let mut lines = LineReader::new(inflate, work.line_bytes_max, Positions::Offset, 0, Pace::Full);
        let content = lines.peek(HEAD_BYTES_MAX);
        let head: Arc<[u8]> = match fingerprint::head(content) {
            Some(head) => head.into(),
            None if (packed || last) && !self.stamp.is_empty() => content.into(),
            None => return Ok(()),
        };
        let origin = Origin::file(fingerprint::of_head(&head));
        let anew = self.cut_away.as_ref() == Some(&origin);
        let len = (!packed).then_some(self.stamp.len);
        let lease = match held.take(work, &origin, &self.path, len, anew)? {
            Taken::Lease(lease) => lease,
            Taken::InFlight => return Ok(()),
            Taken::Elsewhere(other) => {
                self.warn_once(work, &other);
                return Ok(());
            }
        };
        self.cut_away = None;
        let mut stream = Stream::new(work.cx.id, self.partition.clone(), origin);
        stream.head = Some(head);
        stream.shared = object::flow_log(&self.path);
        stream.deliver_from = lease.known.deliver_from();
        stream.learn_from = lease.known.learn_from();
        lines.skip_to(lease.start, &mut work.scratch);
        let reading = Box::new(Reading { stream, window: lease.window, lines });
        self.stage = if packed { Stage::Packed(reading) } else { Stage::Growing(reading) };
        Ok(())
    }

    fn warn_once(&mut self, work: &Work, other: &Path) {
        if !std::mem::replace(&mut self.warned, true) {
            tracing::warn!(
                source = %work.cx.name, path = %self.path.display(), other = %other.display(),
                "begins like a file that is being read: not read before that one is left by its writer"
            );
        }
    }

    /// The first `most` bytes as they are stored, or fewer where there are not so many.
    fn beginning(&self, most: usize) -> Result<Vec<u8>, SourceError> {
        let mut bytes = vec![0; most];
        let mut filled = 0;
        while filled < most {
            match self.file.read_at(&mut bytes[filled..], filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.unreadable(error)),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    /// Feeds what there is, for one turn.
    fn read(&mut self, work: &mut Work, held: &mut Held) -> Result<Turn, SourceError> {
        for _ in 0..CHUNKS_PER_TURN {
            let turn = match &self.stage {
                Stage::Unknown => return Ok(Turn::Waiting),
                Stage::Growing(_) => self.read_growing(work, held)?,
                Stage::Packed(_) => self.read_packed(work, held)?,
            };
            if turn != Turn::More {
                return Ok(turn);
            }
        }
        Ok(Turn::More)
    }

    fn read_growing(&mut self, work: &mut Work, held: &mut Held) -> Result<Turn, SourceError> {
        self.look()?;
        let Stage::Growing(reading) = &self.stage else { return Ok(Turn::Waiting) };
        let framed_to = reading.lines.framed_to();
        if self.stamp.len == framed_to && self.stands_still() {
            return Ok(Turn::Waiting);
        }
        if self.stamp.len < framed_to || !self.begins_as_before()? {
            return self.start_over(work, held, true);
        }
        let room = (self.stamp.len - framed_to).min(BLOCK_BYTES as u64);
        let Stage::Growing(reading) = &mut self.stage else { return Ok(Turn::Waiting) };
        let mut chunk = reading.stream.chunk(room as usize);
        let more = reading.lines.next(&mut work.scratch, &mut chunk);
        // Asked again after the read: if the content was cut away meanwhile, this is not what stood at its place.
        if !self.begins_as_before()? {
            return self.start_over(work, held, false);
        }
        match more {
            Ok(true) => self.hand_on(work, held, chunk),
            Ok(false) => Ok(Turn::Waiting),
            Err(error) => Err(self.unreadable(error.cause)),
        }
    }

    fn read_packed(&mut self, work: &mut Work, held: &mut Held) -> Result<Turn, SourceError> {
        let Stage::Packed(reading) = &mut self.stage else { return Ok(Turn::Waiting) };
        let mut chunk = reading.stream.chunk(BLOCK_BYTES);
        let more = reading.lines.next(&mut work.scratch, &mut chunk);
        match &more {
            Ok(true) => {}
            Ok(false) => reading.lines.finish(&mut chunk),
            Err(error) => reading.lines.break_off(error, &mut chunk),
        }
        if !chunk.records.is_empty() && self.hand_on(work, held, chunk)? == Turn::Stopped {
            return Ok(Turn::Stopped);
        }
        match more {
            Ok(true) => return Ok(Turn::More),
            Ok(false) => {}
            Err(cause) => work.failed(&SourceError::Corrupt { path: self.path.clone(), cause }),
        }
        self.close(work, held)?;
        Ok(Turn::Closed { done: Some(self.stamp) })
    }

    fn hand_on(&mut self, work: &Work, held: &mut Held, chunk: Chunk) -> Result<Turn, SourceError> {
        let (Stage::Growing(reading) | Stage::Packed(reading)) = &self.stage else {
            return Ok(Turn::Waiting);
        };
        let next = chunk.next;
        if !self.assigned {
            self.assigned = true;
            work.handle.block_on(work.cx.assigned(&self.partition))?;
        }
        if !work.handle.block_on(work.cx.hand_on(&reading.window, chunk))? {
            return Ok(Turn::Stopped);
        }
        held.fed(&reading.stream.origin, next);
        Ok(Turn::More)
    }

    /// Feeds the line that has no end: its writer has left it.
    fn finish(&mut self, work: &Work, held: &mut Held) -> Result<Turn, SourceError> {
        let (Stage::Growing(reading) | Stage::Packed(reading)) = &mut self.stage else {
            return Ok(Turn::Waiting);
        };
        let mut chunk = reading.stream.chunk(0);
        reading.lines.finish(&mut chunk);
        if chunk.records.is_empty() { Ok(Turn::Waiting) } else { self.hand_on(work, held, chunk) }
    }

    /// Whether the bytes that the origin is named by still stand at the file's beginning.
    fn begins_as_before(&self) -> Result<bool, SourceError> {
        let (Stage::Growing(reading) | Stage::Packed(reading)) = &self.stage else { return Ok(true) };
        let head = reading.stream.head.as_deref().unwrap_or_default();
        Ok(self.beginning(head.len())? == head)
    }

    /// The content was cut away, and the file begins anew. What is held of a last line is fed if it `is_sound`.
    fn start_over(&mut self, work: &Work, held: &mut Held, is_sound: bool) -> Result<Turn, SourceError> {
        tracing::info!(source = %work.cx.name, path = %self.path.display(), "was truncated: read from its start");
        if is_sound && self.finish(work, held)? == Turn::Stopped {
            return Ok(Turn::Stopped);
        }
        if let Stage::Growing(reading) = &self.stage {
            held.release(&reading.stream.origin);
            self.cut_away = Some(reading.stream.origin.clone());
        }
        self.stage = Stage::Unknown;
        Ok(Turn::Waiting)
    }

    /// Everything there is was read: does the path still lead to this file?
    fn look_at_path(&mut self, work: &mut Work, held: &mut Held) -> Result<Turn, SourceError> {
        let there = fs::metadata(&self.path).ok().map(|metadata| Stamp::of(&metadata).identity);
        if there.is_some() {
            self.gone_since = None;
        }
        if there == Some(self.stamp.identity) {
            return Ok(Turn::Waiting);
        }
        let now = clock::monotonic();
        let gone = there.is_none() && now.duration_since(*self.gone_since.get_or_insert(now)) >= STILL;
        // The writer has left the old file when it has begun the new one, or when nothing came for a while.
        let successor = match there {
            Some(_) => Self::open(work, &self.path).ok().filter(|next| next.has_begun()),
            None => None,
        };
        if successor.is_none() && !(gone && self.stands_still()) {
            return Ok(Turn::Waiting);
        }
        // Once more: what was written between the last read and the look at the path.
        if matches!(self.stage, Stage::Unknown) {
            self.identify(work, held, true)?;
        }
        loop {
            match self.read(work, held)? {
                Turn::More => {}
                Turn::Waiting => break,
                other => return Ok(other),
            }
        }
        if self.finish(work, held)? == Turn::Stopped {
            return Ok(Turn::Stopped);
        }
        match successor {
            Some(successor) => {
                if let Stage::Growing(reading) | Stage::Packed(reading) = &self.stage {
                    held.release(&reading.stream.origin);
                }
                *self = Self { assigned: self.assigned, ..successor };
                Ok(Turn::Waiting)
            }
            None => {
                self.close(work, held)?;
                Ok(Turn::Closed { done: None })
            }
        }
    }

    /// Whether enough is written to know what it is.
    fn has_begun(&self) -> bool {
        self.beginning(HEAD_BYTES_MAX).is_ok_and(|beginning| {
            Compression::of(&beginning) != Compression::Plain || fingerprint::head(&beginning).is_some()
        })
    }
}
