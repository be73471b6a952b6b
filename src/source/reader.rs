//! Fills chunks with whole lines of one stream, however its bytes arrive.

use std::io::Read;

use crate::{
    codec::{Inflate, InflateError, Lines, Positions},
    event::{Chunk, Entry, Position, Reason, Record, Reject, Span},
};

/// What is read for one chunk, unless one line is longer. With 128 KiB a run takes as many instructions
/// (within 0.2 %), and the documents of a block, eleven times as large as it, twice the memory.
pub(super) const BLOCK_BYTES: usize = 64 << 10;

/// Reads the lines of one stream.
pub(super) struct LineReader<R: Read> {
    inflate: Inflate<R>,
    lines: Lines,
    line_bytes_max: usize,
    positions: Positions,
    /// What was looked at and not framed yet.
    ahead: Vec<u8>,
    broken: Option<InflateError>,
    pace: Pace,
}

/// When a chunk is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// When a block was read into it, or there is no more.
    Full,
    /// As soon as it holds a whole line: somebody may be waiting for it.
    Eager,
}

// === impl LineReader ===

impl<R: Read> LineReader<R> {
    /// Reads what `inflate` gives; its first byte stands at `first`. Lines longer than `line_bytes_max` come cut and
    /// rejected.
    pub(super) fn new(
        inflate: Inflate<R>,
        line_bytes_max: usize,
        positions: Positions,
        first: Position,
        pace: Pace,
    ) -> Self {
        let line_bytes_max = line_bytes_max.max(1);
        let lines = Lines::new(line_bytes_max, positions, first);
        Self { inflate, lines, line_bytes_max, positions, ahead: Vec::new(), broken: None, pace }
    }

    /// The first `count` bytes, or all there are for now, without taking them. Only before the first line was read.
    pub(super) fn peek(&mut self, count: usize) -> &[u8] {
        let mut filled = self.ahead.len();
        self.ahead.resize(count.max(filled), 0);
        while filled < count && self.broken.is_none() {
            match self.inflate.read(&mut self.ahead[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) => self.broken = Some(error),
            }
        }
        self.ahead.truncate(filled);
        &self.ahead
    }

    /// Appends whole lines to `chunk`: a block of them, or what there is for now. Says whether it did; where not, no
    /// line is whole yet.
    ///
    /// # Errors
    /// When the content breaks off, after all whole lines before the break. What is left is [`LineReader::break_off`].
    pub(super) fn next(&mut self, scratch: &mut Vec<u8>, chunk: &mut Chunk) -> Result<bool, InflateError> {
        scratch.resize(BLOCK_BYTES, 0);
        while chunk.records.is_empty() {
            let filled = self.fill(scratch);
            if filled == 0 {
                return self.broken.take().map_or(Ok(false), Err);
            }
            self.lines.push(&scratch[..filled], chunk);
        }
        Ok(true)
    }

    /// Appends the last line, which has no end, where there is one.
    pub(super) fn finish(&mut self, chunk: &mut Chunk) {
        self.lines.finish(chunk);
    }

    /// Appends one rejected record for the break that `error` tells of: the line in which it is, or an empty one. The
    /// chunk's `next` stays before it, so that the line is read whole if the content is found complete later.
    pub(super) fn break_off(&mut self, error: &InflateError, chunk: &mut Chunk) {
        let start = chunk.bytes.len();
        self.lines.finish(chunk);
        if chunk.records.is_empty() {
            chunk.records.push(Record { position: self.lines.position(), end: start as u32, first_index: 0 });
        }
        let record = chunk.records.len() as u32 - 1;
        let span = Span::new(start, chunk.bytes.len());
        chunk.next = chunk.records[record as usize].position;
        chunk.rejects.retain(|reject| reject.entry.record != record);
        chunk.rejects.push(Reject {
            entry: Entry { span, record, index: 0 },
            reason: Reason::Truncated,
            detail: error.to_string(),
            format: None,
            log_event: None,
        });
    }

    /// Goes forward to `position`, a byte offset where a line begins, without giving out what lies before it; less far
    /// where the content ends or breaks before. Only before the first line was read.
    pub(super) fn skip_to(&mut self, position: Position, scratch: &mut Vec<u8>) {
        let mut at = self.lines.position();
        scratch.resize(BLOCK_BYTES, 0);
        while at < position {
            let left = usize::try_from(position - at).unwrap_or(usize::MAX).min(scratch.len());
            match self.fill(&mut scratch[..left]) {
                0 => break,
                read => at += read as u64,
            }
        }
        self.lines = Lines::new(self.line_bytes_max, self.positions, at);
    }

    /// Byte offset after everything framed of a stream whose positions are byte offsets: what was only peeked at is not.
    pub(super) fn framed_to(&self) -> Position {
        self.lines.position() + self.lines.half_len()
    }

    /// Fills `block` with what comes next and returns how far; 0 where there is no more for now.
    fn fill(&mut self, block: &mut [u8]) -> usize {
        let mut filled = self.ahead.len().min(block.len());
        block[..filled].copy_from_slice(&self.ahead[..filled]);
        self.ahead.drain(..filled);
        while filled < block.len() && self.broken.is_none() {
            let read = match self.inflate.read(&mut block[filled..]) {
                Ok(read) => read,
                Err(error) => {
                    self.broken = Some(error);
                    break;
                }
            };
            filled += read;
            if read == 0 || self.pace == Pace::Eager {
                break;
            }
        }
        filled
    }
}

#[cfg(test)]
mod tests;
