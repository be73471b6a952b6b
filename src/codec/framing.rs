//! Line framing: blocks of bytes, cut anywhere, become chunks whose records are whole lines.

use crate::event::{Chunk, Entry, Position, Reason, Record, Reject, Span};

/// What the positions of a stream of lines count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Positions {
    /// Bytes of the decompressed content before the line: a file can be read again from there.
    Offset,
    /// Lines before the line: standard input has nothing else.
    Ordinal,
}

/// Cuts one stream into lines, terminators included, and carries the half line at a block's end over to the next block.
///
/// A line longer than the limit (its terminator not counted) becomes a record of its first bytes up to the limit, with
/// a [`Reject`] in the chunk; the lines after it go on. At most the limit is ever held back.
#[derive(Debug)]
pub struct Lines {
    limit: usize,
    positions: Positions,
    /// Position of the half line, or of the next line where there is none.
    next: Position,
    /// The half line: its first bytes up to the limit.
    half: Vec<u8>,
    /// Length of the half line, with what was not kept.
    half_len: u64,
}

// === impl Lines ===

impl Lines {
    /// The most bytes of a line, unless the source says otherwise: 1 MiB.
    pub const LIMIT: usize = 1 << 20;

    /// A stream whose next line stands at `first` and whose lines have at most `limit` bytes.
    #[must_use]
    pub fn new(limit: usize, positions: Positions, first: Position) -> Self {
        Self { limit, positions, next: first, half: Vec::new(), half_len: 0 }
    }

    /// Appends the lines that `block` completes to `chunk` (bytes, records, rejects) and sets the chunk's `next`. Several
    /// blocks may go into one chunk, and a block may complete no line; the chunk must stay below 4 GiB.
    pub fn push(&mut self, block: &[u8], chunk: &mut Chunk) {
        let mut rest = block;
        if self.half_len > 0 {
            let Some(end) = memchr::memchr(b'\n', rest) else { return self.hold(rest) };
            self.hold(&rest[..end]);
            self.close(chunk, b"\n");
            rest = &rest[end + 1..];
        }
        let whole = memchr::memrchr(b'\n', rest).map_or(0, |last| last + 1);
        self.append(&rest[..whole], chunk);
        self.hold(&rest[whole..]);
        chunk.next = self.next;
    }

    /// Appends the half line, if there is one, as the last record: the input has ended.
    pub fn finish(&mut self, chunk: &mut Chunk) {
        if self.half_len > 0 {
            self.close(chunk, b"");
        }
        chunk.next = self.next;
    }

    /// Where the next record begins: that of the half line, where one is held back.
    #[must_use]
    pub fn position(&self) -> Position {
        self.next
    }

    /// Length in bytes of the half line held back, with what exceeds the limit; 0 between lines.
    #[must_use]
    pub fn half_len(&self) -> u64 {
        self.half_len
    }

    /// Keeps `part` of the half line, as far as the limit lets it.
    fn hold(&mut self, part: &[u8]) {
        let room = self.limit - self.half.len();
        self.half.extend_from_slice(&part[..part.len().min(room)]);
        self.half_len += part.len() as u64;
    }

    /// Makes a record of the half line, which ended with `terminator`.
    fn close(&mut self, chunk: &mut Chunk, terminator: &[u8]) {
        chunk.bytes.extend_from_slice(&self.half);
        let len = self.half_len;
        let terminator_len = terminator.len() as u64;
        self.half.clear();
        self.half_len = 0;
        if len > self.limit as u64 {
            self.reject(chunk, len, terminator_len);
        } else {
            chunk.bytes.extend_from_slice(terminator);
            let end = chunk.bytes.len();
            self.record(chunk, end, len + terminator_len);
        }
    }

    /// Makes records of `lines`, which ends with a terminator; copies all lines within the limit at once.
    fn append(&mut self, lines: &[u8], chunk: &mut Chunk) {
        let mut copied = 0;
        let mut start = 0;
        let mut base = chunk.bytes.len();
        for newline in memchr::memchr_iter(b'\n', lines) {
            let after = newline + 1;
            if newline - start > self.limit {
                chunk.bytes.extend_from_slice(&lines[copied..start + self.limit]);
                self.reject(chunk, (newline - start) as u64, 1);
                copied = after;
                base = chunk.bytes.len();
            } else {
                self.record(chunk, base + (after - copied), (after - start) as u64);
            }
            start = after;
        }
        chunk.bytes.extend_from_slice(&lines[copied..]);
    }

    /// Adds the reject of a line of `len` bytes, of which the limit has just been copied to the chunk's end.
    fn reject(&mut self, chunk: &mut Chunk, len: u64, terminator_len: u64) {
        let end = chunk.bytes.len();
        let record = chunk.records.len() as u32;
        chunk.rejects.push(Reject {
            entry: Entry { span: Span::new(end - self.limit, end), record, index: 0 },
            reason: Reason::LineTooLong,
            detail: format!("the line has {len} bytes, the limit is {}", self.limit),
            format: None,
            log_event: None,
        });
        self.record(chunk, end, len + terminator_len);
    }

    /// Adds the record that ends at `end` of the chunk's bytes and took `len` bytes of the stream.
    #[inline]
    fn record(&mut self, chunk: &mut Chunk, end: usize, len: u64) {
        chunk.records.push(Record { position: self.next, end: end as u32, first_index: 0 });
        self.next += match self.positions {
            Positions::Offset => len,
            Positions::Ordinal => 1,
        };
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::event::{Origin, Partition, SourceId};

    fn chunk() -> Chunk {
        Chunk::new(SourceId(0), Partition::new("stdin"), Origin::stdin(), Vec::new())
    }

    fn framed<'a>(limit: usize, positions: Positions, blocks: impl IntoIterator<Item = &'a [u8]>) -> Chunk {
        let mut lines = Lines::new(limit, positions, 0);
        let mut chunk = chunk();
        for block in blocks {
            lines.push(block, &mut chunk);
        }
        lines.finish(&mut chunk);
        chunk
    }

    fn records(chunk: &Chunk) -> Vec<(Position, &[u8])> {
        let bytes = |index| chunk.record_span(index).of(&chunk.bytes);
        chunk.records.iter().enumerate().map(|(index, record)| (record.position, bytes(index))).collect()
    }

    #[test]
    fn records_are_lines_with_their_terminators_and_the_half_line_at_the_end() {
        let chunk = framed(100, Positions::Offset, [b"one\r\n\ntwo\nhalf".as_slice()]);
        let expected: [(Position, &[u8]); 4] = [(0, b"one\r\n"), (5, b"\n"), (6, b"two\n"), (10, b"half")];
        assert_eq!(records(&chunk), expected);
        assert_eq!(chunk.next, 14);
        assert!(chunk.rejects.is_empty());
    }

    #[test]
    fn an_ordinal_counts_lines() {
        let chunk = framed(100, Positions::Ordinal, [b"one\ntwo\nhalf".as_slice()]);
        let expected: [(Position, &[u8]); 3] = [(0, b"one\n"), (1, b"two\n"), (2, b"half")];
        assert_eq!(records(&chunk), expected);
        assert_eq!(chunk.next, 3);
    }

    #[test]
    fn a_half_line_waits_for_its_end_and_begins_the_next_chunk() {
        let mut lines = Lines::new(100, Positions::Offset, 40);
        let mut first = chunk();
        lines.push(b"one\ntw", &mut first);
        assert_eq!(records(&first), [(40, b"one\n".as_slice())]);
        assert_eq!((first.next, lines.position(), lines.half_len()), (44, 44, 2));
        let mut second = chunk();
        lines.push(b"o\n", &mut second);
        assert_eq!(records(&second), [(44, b"two\n".as_slice())]);
        assert_eq!((second.next, lines.half_len()), (48, 0));
    }

    #[test]
    fn a_line_over_the_limit_is_cut_and_rejected_and_its_neighbours_go_on() {
        for blocks in [vec![b"one\n12345678\ntwo\n".as_slice()], vec![b"one\n123", b"456", b"78\ntwo\n"]] {
            let chunk = framed(5, Positions::Offset, blocks);
            let expected: [(Position, &[u8]); 3] = [(0, b"one\n"), (4, b"12345"), (13, b"two\n")];
            assert_eq!(records(&chunk), expected);
            let [reject] = chunk.rejects.as_slice() else { panic!("one reject: {:?}", chunk.rejects) };
            assert_eq!(reject.reason, Reason::LineTooLong);
            assert_eq!(reject.detail, "the line has 8 bytes, the limit is 5");
            assert_eq!((reject.entry.record, reject.entry.span.of(&chunk.bytes)), (1, b"12345".as_slice()));
        }
    }

    #[test]
    fn a_line_of_exactly_the_limit_is_kept_and_an_endless_line_holds_no_more_than_the_limit() {
        assert!(framed(5, Positions::Offset, [b"12345\n".as_slice()]).rejects.is_empty());
        let mut lines = Lines::new(5, Positions::Offset, 0);
        let mut chunk = chunk();
        for _ in 0..1000 {
            lines.push(b"abcdefgh", &mut chunk);
        }
        assert_eq!((lines.half.len(), lines.half_len()), (5, 8000));
        assert!(chunk.bytes.is_empty());
    }

    /// What the framer must give, found in the plainest way.
    fn expected(bytes: &[u8], limit: usize) -> Vec<(Position, Vec<u8>, bool)> {
        let mut position = 0;
        let mut records = Vec::new();
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let content = line.strip_suffix(b"\n").unwrap_or(line);
            let over = content.len() > limit;
            let kept = if over { content[..limit].to_vec() } else { line.to_vec() };
            records.push((position, kept, over));
            position += line.len() as u64;
        }
        records
    }

    proptest! {
        #[test]
        fn any_split_of_any_bytes_gives_the_same_records(
            parts in prop::collection::vec(prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), any::<u8>()], 0..12), 0..12),
            limit in 1_usize..9,
        ) {
            let bytes = parts.concat();
            let chunk = framed(limit, Positions::Offset, parts.iter().map(Vec::as_slice));
            let over: Vec<u32> = chunk.rejects.iter().map(|reject| reject.entry.record).collect();
            let found: Vec<_> = records(&chunk)
                .into_iter()
                .enumerate()
                .map(|(index, (position, kept))| (position, kept.to_vec(), over.contains(&(index as u32))))
                .collect();
            prop_assert_eq!(found, expected(&bytes, limit));
            prop_assert_eq!(chunk.next, bytes.len() as u64);
        }
    }
}
