//! Any lines are learned from without a panic; each is read or rejected once, however the stream is cut.

#![no_main]

use floodmark_fuzz::{learned, parsed};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8])| {
    let (cut, text) = input;
    let lines =
        text.split(|byte| *byte == b'\n').filter(|line| !line.iter().all(u8::is_ascii_whitespace)).count();
    let mut entries = 0;
    for chunk in learned(text, usize::from(cut) + 1) {
        let batch = parsed(chunk);
        entries += batch.events.len() + batch.rejects.len();
    }
    // Header lines are no entries.
    assert!(entries <= lines);
});
