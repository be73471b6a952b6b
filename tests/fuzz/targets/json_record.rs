//! A record that holds JSON, of any kind and broken anywhere, becomes events and rejects, and nothing of it is read twice.

#![no_main]

use floodmark::{
    codec::Opener,
    event::{FIELDS, Span},
};
use floodmark_fuzz::{parsed, record};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut opener = Opener::default();
    if let Ok(left) = opener.open(bytes, Span::new(0, bytes.len())) {
        assert!(left.end() as usize == bytes.len());
    }
    let chunk = record(bytes);
    let entries = chunk.entries.len() + chunk.rejects.len();
    let batch = parsed(chunk);
    assert_eq!(batch.events.len() + batch.rejects.len(), entries);
    for event in &batch.events {
        for row in FIELDS {
            let _ = batch.text(event, row.field);
            let _ = batch.address(event, row.field);
        }
    }
});
