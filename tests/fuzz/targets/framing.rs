//! However a stream is cut into blocks, it gives the same lines, and no more of a line than the limit is kept.

#![no_main]

use arbitrary::Arbitrary;
use floodmark::{
    codec::{Lines, Positions},
    event::{Chunk, Origin, Partition, SourceId},
};
use libfuzzer_sys::fuzz_target;

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    limit: u8,
    by_ordinal: bool,
    first: u32,
    cuts: Vec<u8>,
    content: &'a [u8],
}

/// The chunk that the stream gives when it comes in blocks of these lengths, and then the rest.
fn lines(input: &Input<'_>, cuts: &[u8]) -> Chunk {
    let positions = if input.by_ordinal { Positions::Ordinal } else { Positions::Offset };
    let mut lines = Lines::new(usize::from(input.limit) + 1, positions, u64::from(input.first));
    let mut chunk = Chunk::new(SourceId(0), Partition::new("fuzz"), Origin::stdin(), Vec::new());
    let mut rest = input.content;
    for cut in cuts {
        let (block, after) = rest.split_at(rest.len().min(usize::from(*cut)));
        lines.push(block, &mut chunk);
        rest = after;
    }
    lines.push(rest, &mut chunk);
    lines.finish(&mut chunk);
    chunk
}

fuzz_target!(|input: Input<'_>| {
    let whole = lines(&input, &[]);
    let cut = lines(&input, &input.cuts);
    assert_eq!(whole.bytes, cut.bytes);
    assert_eq!(whole.records, cut.records);
    assert_eq!(whole.rejects, cut.rejects);
    assert_eq!(whole.next, cut.next);
    let ends: Vec<u32> = whole.records.iter().map(|record| record.end).collect();
    assert!(ends.is_sorted());
    assert_eq!(ends.last().copied().unwrap_or(0) as usize, whole.bytes.len());
    let longest = (0..ends.len()).map(|index| whole.record_span(index).of(&whole.bytes).len()).max();
    assert!(longest.unwrap_or(0) <= usize::from(input.limit) + 1 + 2, "a line and its end");
    let positions: Vec<u64> = whole.records.iter().map(|record| record.position).collect();
    assert!(positions.is_sorted_by(|one, next| one < next));
});
