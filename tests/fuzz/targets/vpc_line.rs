//! Any stream of lines becomes events and rejects, each entry exactly one of them, in the order of the stream.

#![no_main]

use std::sync::{Arc, LazyLock};

use floodmark::{
    codec::{Lines, Positions},
    event::{Batch, Chunk, FIELDS, Origin, Partition, SourceId},
    parse::{Config, Input, Parser, Resolver},
    telemetry::{books::SourceBooks, metrics::Metrics},
};
use libfuzzer_sys::fuzz_target;

static INPUTS: LazyLock<Arc<[Input]>> = LazyLock::new(|| {
    let books = SourceBooks::new(&Metrics::default(), "fuzz");
    [Input { format: Config::Auto.format(), books }].into()
});

fuzz_target!(|text: &[u8]| {
    let partition = Partition::new("fuzz");
    let mut chunk = Chunk::new(SourceId(0), partition.clone(), Origin::stdin(), Vec::new());
    let mut lines = Lines::new(1 << 10, Positions::Offset, 0);
    lines.push(text, &mut chunk);
    lines.finish(&mut chunk);
    let mut resolved = Vec::new();
    let mut resolver = Resolver::new(INPUTS.clone());
    resolver.chunk(chunk, &mut resolved);
    resolver.ended(SourceId(0), &partition, &mut resolved);
    assert_eq!(resolved.len(), 1, "the stream has ended, so nothing is held back");
    let parser = Parser::new(INPUTS.clone());
    let mut batch = Batch::default();
    for chunk in resolved {
        let entries = chunk.entries.len();
        let early = chunk.rejects.len();
        parser.parse(chunk, &mut batch);
        assert_eq!(batch.events.len() + batch.rejects.len(), entries + early);
        let places = |entry: &floodmark::event::Entry| (entry.record, entry.index);
        assert!(batch.events.is_sorted_by_key(|event| places(&event.entry)));
        assert!(batch.rejects.is_sorted_by_key(|reject| places(&reject.entry)));
        for event in &batch.events {
            for row in &FIELDS {
                let _ = batch.text(event, row.field);
                let _ = batch.address(event, row.field);
            }
        }
    }
});
