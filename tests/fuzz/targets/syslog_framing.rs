//! However a connection's bytes are cut into blocks, they give the same frames, none of which is longer than the limit, and
//! every byte that came is in one of them, or a count, or a line feed.

#![no_main]

use arbitrary::Arbitrary;
use floodmark::source::syslog::{Frame, Frames, Missing};
use libfuzzer_sys::fuzz_target;

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    limit: u8,
    clean: bool,
    cuts: Vec<u8>,
    content: &'a [u8],
}

/// The frames that the content gives when it comes in blocks of these lengths, and then the rest.
fn frames(input: &Input<'_>, cuts: &[u8]) -> Vec<(Vec<u8>, u64, Option<Missing>)> {
    let mut frames = Frames::new(usize::from(input.limit) + 1);
    let mut taken = Vec::new();
    let mut take = |frame: Frame<'_>| taken.push((frame.bytes.to_vec(), frame.length, frame.missing));
    let mut rest = input.content;
    for cut in cuts {
        let (block, after) = rest.split_at(rest.len().min(usize::from(*cut)));
        frames.push(block, &mut take);
        rest = after;
    }
    frames.push(rest, &mut take);
    frames.finish(input.clean, &mut take);
    assert!(!frames.is_open());
    taken
}

fuzz_target!(|input: Input<'_>| {
    let whole = frames(&input, &[]);
    assert_eq!(whole, frames(&input, &input.cuts));
    let mut come = 0;
    for (bytes, length, _) in &whole {
        assert!(bytes.len() <= usize::from(input.limit) + 1 && bytes.len() as u64 <= *length);
        // Its line feed, or the count and the space before it.
        come += length + 8;
    }
    assert!(come + whole.len() as u64 + 1 >= input.content.len() as u64);
});
