//! The spool: all segments of one buffer, written at the end, read in order, deleted when they are delivered.

mod recover;

use std::{
    collections::VecDeque,
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::{
    BufferError,
    frame::{self, Head},
    mark::Mark,
    segment::{self, SEGMENT_HEAD_BYTES, Segment},
};
use crate::event::Documents;

/// The segments of one buffer. Positions count every byte that it ever held.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    limit_bytes: u64,
    segment_bytes: u64,
    /// In order; the last one is written to while there is a `writing`.
    segments: VecDeque<Segment>,
    writing: Option<File>,
    /// The segment that is read, by its base.
    reading: Option<(u64, File)>,
    /// Everything before it was handed on.
    read: u64,
    /// Everything before it is delivered.
    delivered: u64,
    /// Everything before it is durable.
    end: u64,
    saved: Option<Mark>,
    /// Documents that were found when it was opened.
    recovered: u64,
    /// Documents of deleted segments that could not be read.
    damaged: u64,
    rows: Vec<u8>,
    bytes: Vec<u8>,
    /// Held for as long as the spool is open.
    _lock: File,
    /// The next sync fails.
    #[cfg(test)]
    pub(super) fail_sync: bool,
}

/// What comes next to be handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ahead {
    /// A frame.
    Frame(Head),
    /// Bytes that are none, up to this position.
    Damaged(u64),
}

/// A buffer has as many segments, so that a sixteenth of it becomes free at a time.
const SEGMENTS: u64 = 16;
const SEGMENT_BYTES_MIN: u64 = 1 << 20;
const SEGMENT_BYTES_MAX: u64 = 64 << 20;

// === impl Spool ===

impl Spool {
    /// Opens the buffer in `folder`, makes the folder where it is not there, and finds what is not delivered yet.
    ///
    /// # Errors
    /// When another process holds it, it was written in another format, or the disk says no.
    pub fn open(folder: &Path, limit_bytes: u64) -> Result<Self, BufferError> {
        let unusable = |error: io::Error| BufferError::unusable(folder, &error);
        fs::create_dir_all(folder).map_err(unusable)?;
        let lock = recover::lock(folder)?;
        let saved = Mark::read(folder).map_err(unusable)?;
        let mark = saved.unwrap_or_default();
        let mut spool = Self {
            folder: folder.to_owned(),
            limit_bytes,
            segment_bytes: (limit_bytes / SEGMENTS).clamp(SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX),
            segments: VecDeque::new(),
            writing: None,
            reading: None,
            read: mark.delivered,
            delivered: mark.delivered,
            end: mark.delivered,
            saved,
            recovered: 0,
            damaged: 0,
            rows: Vec::new(),
            bytes: Vec::new(),
            _lock: lock,
            #[cfg(test)]
            fail_sync: false,
        };
        spool.recover(mark)?;
        Ok(spool)
    }

    /// Documents that earlier processes left undelivered.
    #[must_use]
    pub fn recovered(&self) -> u64 {
        self.recovered
    }

    /// Where reading goes on.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.read
    }

    /// Bytes that are not delivered yet.
    #[must_use]
    pub fn waiting_bytes(&self) -> u64 {
        self.end - self.delivered
    }

    /// Bytes of all segments.
    #[must_use]
    pub fn disk_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.len).sum()
    }

    /// Bytes that they may come to.
    #[must_use]
    pub fn limit_bytes(&self) -> u64 {
        self.limit_bytes
    }

    /// How many segments there are.
    #[must_use]
    pub fn segments(&self) -> usize {
        self.segments.len()
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Documents that could not be read, counted once as their segment goes; asking sets it back.
    pub fn take_damaged(&mut self) -> u64 {
        std::mem::take(&mut self.damaged)
    }

    /// Whether a frame of `bytes` may be written, given what is written beside it. One that is larger than all room fits
    /// when nothing else is there.
    pub fn fits(&mut self, beside: u64, bytes: u64) -> bool {
        let needed = beside + bytes + SEGMENT_HEAD_BYTES;
        if self.disk_bytes() + needed <= self.limit_bytes {
            return true;
        }
        if beside > 0 || self.delivered < self.end {
            return false;
        }
        // Everything is delivered, and the file that was last written to takes the room.
        self.writing = None;
        self.retire().is_ok() && self.segments.iter().all(Segment::is_empty)
    }

    /// Writes a frame for each of `group` and makes all of them durable, or none.
    ///
    /// # Errors
    /// When the disk says no. What was partly written is cut off, and the next try begins a new segment.
    pub fn append<'a>(&mut self, group: impl Iterator<Item = &'a Documents>, now_ms: u64) -> io::Result<()> {
        let written = self.try_append(group, now_ms);
        if written.is_err() {
            // After a failed sync nobody knows what the disk has of the file.
            let torn = self.writing.take().zip(self.segments.back());
            if let Some(Err(error)) = torn.map(|(file, segment)| file.set_len(segment.len)) {
                tracing::debug!(%error, "could not cut off what was partly written");
            }
        }
        written
    }

    fn try_append<'a>(&mut self, group: impl Iterator<Item = &'a Documents>, now_ms: u64) -> io::Result<()> {
        let full = self.segments.back().is_some_and(|segment| segment.len >= self.segment_bytes);
        let file = match self.writing.take().filter(|_| !full) {
            Some(file) => self.writing.insert(file),
            None => {
                // What a failed try began is begun again.
                let _ = self.segments.pop_back_if(|segment| segment.is_empty());
                let (segment, file) = segment::create(&self.folder, self.end)?;
                self.segments.push_back(segment);
                self.writing.insert(file)
            }
        };
        let Some(segment) = self.segments.back_mut() else { return Err(io::ErrorKind::NotFound.into()) };
        let (mut len, mut count) = (segment.len, 0);
        for documents in group {
            frame::write(documents, segment.base + len, now_ms, &mut self.rows);
            for piece in [&self.rows, &documents.keys, &documents.bytes] {
                file.write_all_at(piece, len)?;
                len += piece.len() as u64;
            }
            count += documents.len() as u64;
        }
        #[cfg(test)]
        if std::mem::take(&mut self.fail_sync) {
            return Err(io::Error::other("the sync failed"));
        }
        file.sync_data()?;
        segment.len = len;
        segment.documents += count;
        self.end = segment.end();
        Ok(())
    }

    /// Whether something is there that was not handed on.
    #[must_use]
    pub fn is_unread(&self) -> bool {
        self.place(self.read).is_some()
    }

    /// What is to be handed on next; `None` when all is.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn ahead(&mut self) -> io::Result<Option<Ahead>> {
        let Some((index, at)) = self.place(self.read) else { return Ok(None) };
        let segment = &self.segments[index];
        let file = opened(&mut self.reading, segment)?;
        Ok(Some(match segment.head_at(file, at)? {
            Some(head) => Ahead::Frame(head),
            None => Ahead::Damaged(segment.next_after(file, at)?),
        }))
    }

    /// Reads the frame of `head`, which is ahead, into `documents`, which must be empty, and goes past it. False when it
    /// is damaged; then it is still ahead.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn read(&mut self, head: &Head, documents: &mut Documents) -> io::Result<bool> {
        let Some((index, _)) = self.place(self.read) else { return Ok(false) };
        let segment = &self.segments[index];
        let file = opened(&mut self.reading, segment)?;
        segment.read_frame(file, head, &mut self.bytes)?;
        if frame::read(&self.bytes, documents).is_err() {
            return Ok(false);
        }
        self.pass(head.frame_bytes(), head.rows.into());
        Ok(true)
    }

    /// Goes past a frame that is handed on without reading it.
    pub fn pass(&mut self, bytes: u64, documents: u64) {
        if let Some((index, at)) = self.place(self.read) {
            self.segments[index].passed += documents;
            self.read = at + bytes;
        }
    }

    /// Goes past damage up to `to`. A second name of the file keeps it when the segment is deleted.
    ///
    /// # Errors
    /// When the file could not be kept; then it is still ahead.
    pub fn skip(&mut self, to: u64) -> io::Result<()> {
        let Some((index, at)) = self.place(self.read) else { return Ok(()) };
        let path = &self.segments[index].path;
        let kept = path.with_extension("damaged");
        if !kept.exists() {
            fs::hard_link(path, &kept).or_else(|_| fs::copy(path, &kept).map(|_| ()))?;
        }
        tracing::error!(
            file = %kept.display(), at = at - self.segments[index].base, bytes = to - at,
            "the disk buffer is damaged here; the file is kept, and delivery goes on behind it"
        );
        self.read = to;
        Ok(())
    }

    /// Everything before `position` is delivered: segments that hold nothing else are deleted.
    ///
    /// # Errors
    /// When one could not be deleted; it is tried again.
    pub fn delivered(&mut self, position: u64) -> io::Result<()> {
        self.delivered = self.delivered.max(position);
        let full = self.segments.back().is_some_and(|segment| segment.len >= self.segment_bytes);
        if full && self.delivered == self.end {
            self.writing = None;
        }
        self.retire()
    }

    fn retire(&mut self) -> io::Result<()> {
        let written = usize::from(self.writing.is_some());
        while self.segments.len() > written
            && let Some(segment) = self.segments.front()
            && segment.end() <= self.delivered
        {
            match fs::remove_file(&segment.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            self.damaged += segment.documents.saturating_sub(segment.passed);
            self.segments.pop_front();
        }
        Ok(())
    }

    /// Writes the mark where it has moved.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn save(&mut self) -> io::Result<()> {
        let mark = Mark { delivered: self.delivered, durable: self.end };
        if self.saved != Some(mark) {
            mark.write(&self.folder)?;
            self.saved = Some(mark);
        }
        Ok(())
    }

    /// When the oldest frame was written that is not delivered, in milliseconds since 1970.
    #[must_use]
    pub fn oldest_ms(&self) -> Option<u64> {
        let (index, at) = self.place(self.delivered)?;
        let segment = &self.segments[index];
        let head = segment.head_at(&segment.open().ok()?, at).ok()??;
        Some(head.written_ms)
    }

    /// The segment that holds the first frame at or after `position`, and where that begins.
    fn place(&self, position: u64) -> Option<(usize, u64)> {
        let index = self.segments.partition_point(|segment| segment.end() <= position);
        let mut rest = self.segments.iter().enumerate().skip(index);
        rest.find_map(|(index, segment)| {
            let at = position.max(segment.first());
            (at < segment.end()).then_some((index, at))
        })
    }
}

/// The file of `segment`, opened unless it is already.
fn opened<'a>(reading: &'a mut Option<(u64, File)>, segment: &Segment) -> io::Result<&'a File> {
    let known = reading.take().filter(|(base, _)| *base == segment.base);
    let (_, file) = reading.insert(match known {
        Some(known) => known,
        None => (segment.base, segment.open()?),
    });
    Ok(file)
}
