//! Any stream of lines becomes documents that are JSON, and quarantined lines that are read back as they were written.

#![no_main]

use floodmark::{
    event::{Documents, Receipt},
    normalize::{Normalizer, QuarantinedRecord, SchemaName, Selection, quarantine},
    score::WINDOW_SECONDS,
};
use floodmark_fuzz::{parsed, resolved};
use libfuzzer_sys::fuzz_target;

const INGESTED_MS: u64 = 1_795_260_605_000;

fuzz_target!(|text: &[u8]| {
    let batch = parsed(resolved(text));
    let mut out = Documents::new(Receipt::unclaimed());
    let mut normalizer =
        Normalizer::new(SchemaName::Ecs.build(&floodmark::event::Namespace::default(), WINDOW_SECONDS));
    let tally = normalizer.documents(&batch, &Selection::default(), INGESTED_MS, &mut out);
    assert_eq!(tally.written as usize, batch.events.len());
    for index in 0..out.rows.len() {
        serde_json::from_slice::<serde_json::Value>(out.document(index)).expect("a document is JSON");
    }
    let mut lines = Documents::new(Receipt::unclaimed());
    assert_eq!(quarantine(&batch, "fuzz", &mut lines) as usize, batch.rejects.len());
    for (index, reject) in batch.rejects.iter().enumerate() {
        let read = QuarantinedRecord::parse(lines.document(index)).expect("what was written can be read");
        assert_eq!(read.bytes, reject.entry.span.of(batch.bytes()));
        assert_eq!(read.index, reject.entry.index);
    }
});
