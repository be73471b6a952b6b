//! Tests of the reader against bytes that arrive in every way.

use std::io::{self, Cursor};

use proptest::prelude::*;

use super::*;
use crate::event::{Origin, Partition, SourceId};

/// Gives its parts one read each.
struct Parts(Vec<Vec<u8>>);

impl Read for Parts {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(part) = self.0.first_mut() else { return Ok(0) };
        let count = part.len().min(buffer.len());
        buffer[..count].copy_from_slice(&part[..count]);
        part.drain(..count);
        if part.is_empty() {
            self.0.remove(0);
        }
        Ok(count)
    }
}

fn chunk() -> Chunk {
    Chunk::new(SourceId(0), Partition::new("p"), Origin::stdin(), Vec::new())
}

fn reader<R: Read>(inner: R, pace: Pace) -> LineReader<R> {
    LineReader::new(Inflate::plain(inner), 1 << 20, Positions::Offset, 0, pace)
}

/// Everything that comes out, chunk by chunk.
fn chunks<R: Read>(mut lines: LineReader<R>) -> Vec<Chunk> {
    let (mut scratch, mut all) = (Vec::new(), Vec::new());
    loop {
        let mut next = chunk();
        if !lines.next(&mut scratch, &mut next).unwrap() {
            lines.finish(&mut next);
            if !next.records.is_empty() {
                all.push(next);
            }
            return all;
        }
        all.push(next);
    }
}

#[test]
fn a_full_chunk_is_a_block_and_an_eager_one_what_has_arrived() {
    let content = b"0123456789\n".repeat(30_000);
    let blocks = content.len().div_ceil(BLOCK_BYTES);
    let sizes: Vec<_> =
        chunks(reader(Cursor::new(content), Pace::Full)).iter().map(|c| c.bytes.len()).collect();
    assert!(sizes.iter().all(|size| *size <= BLOCK_BYTES + 11), "{sizes:?}");
    assert_eq!(sizes.len(), blocks);
    let parts = Parts(vec![b"one\ntw".to_vec(), b"o\n".to_vec(), b"three".to_vec()]);
    let eager: Vec<_> = chunks(reader(parts, Pace::Eager)).into_iter().map(|chunk| chunk.bytes).collect();
    assert_eq!(eager, [b"one\n".to_vec(), b"two\n".to_vec(), b"three".to_vec()]);
}

#[test]
fn what_was_peeked_at_is_read_all_the_same_and_does_not_count_as_framed() {
    let mut lines = reader(Cursor::new(b"one\ntwo\n".to_vec()), Pace::Full);
    assert_eq!(lines.peek(5), b"one\nt");
    assert_eq!(lines.peek(100), b"one\ntwo\n");
    assert_eq!(lines.framed_to(), 0);
    let all = chunks(lines);
    assert_eq!((all[0].bytes.as_slice(), all[0].next), (b"one\ntwo\n".as_slice(), 8));
}

#[test]
fn skipping_goes_to_the_line_that_stands_there_and_no_further_than_the_end() {
    for peeked in [0, 3, 100] {
        let mut lines = reader(Cursor::new(b"one\ntwo\nthree\n".to_vec()), Pace::Full);
        lines.peek(peeked);
        lines.skip_to(4, &mut Vec::new());
        let all = chunks(lines);
        assert_eq!((all[0].bytes.as_slice(), all[0].records[0].position), (b"two\nthree\n".as_slice(), 4));
    }
    let mut lines = reader(Cursor::new(b"one\n".to_vec()), Pace::Full);
    lines.skip_to(1000, &mut Vec::new());
    assert_eq!(lines.framed_to(), 4);
}

proptest! {
    #[test]
    fn however_the_bytes_arrive_all_of_them_come_out_in_order(
        parts in prop::collection::vec(prop::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 1..50), 0..20),
        peeked in 0_usize..60,
        eager in any::<bool>(),
    ) {
        let content = parts.concat();
        let mut lines = reader(Parts(parts), if eager { Pace::Eager } else { Pace::Full });
        lines.peek(peeked);
        let all = chunks(lines);
        let out: Vec<u8> = all.iter().flat_map(|chunk| chunk.bytes.clone()).collect();
        prop_assert_eq!(&out, &content);
        let count: usize = all.iter().map(|chunk| chunk.records.len()).sum();
        prop_assert_eq!(count, content.split_inclusive(|byte| *byte == b'\n').count());
        prop_assert_eq!(all.last().map_or(0, |chunk| chunk.next), content.len() as u64);
    }
}
