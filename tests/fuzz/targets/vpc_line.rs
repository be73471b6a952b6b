//! Any stream of lines becomes events and rejects, each entry exactly one of them, in the order of the stream.

#![no_main]

use floodmark::event::{Entry, FIELDS};
use floodmark_fuzz::{parsed, resolved};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let chunk = resolved(text);
    let entries = chunk.entries.len() + chunk.rejects.len();
    let batch = parsed(chunk);
    assert_eq!(batch.events.len() + batch.rejects.len(), entries);
    let place = |entry: &Entry| (entry.record, entry.index);
    assert!(batch.events.is_sorted_by_key(|event| place(&event.entry)));
    assert!(batch.rejects.is_sorted_by_key(|reject| place(&reject.entry)));
    for event in &batch.events {
        for row in FIELDS {
            let _ = batch.text(event, row.field);
            let _ = batch.address(event, row.field);
        }
    }
});
