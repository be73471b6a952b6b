//! What the targets share: arbitrary lines on their way into a batch.

use std::sync::{Arc, LazyLock};

use floodmark::{
    codec::{Lines, Positions},
    event::{Batch, Chunk, Origin, Partition, Record, SourceId},
    parse::{Config, Fields, Input, Parser, Resolver, Timezone},
    telemetry::{books::SourceBooks, metrics::Metrics},
};

static INPUTS: LazyLock<Arc<[Input]>> = LazyLock::new(|| {
    let books = SourceBooks::new(&Metrics::default(), "fuzz");
    [Input { format: Config::Auto.format(), books }].into()
});

/// The most bytes of a line: small, so that a fuzzer meets the limit.
const LINE_BYTES_MAX: usize = 1 << 10;

/// The chunk that the lines of `text` resolve to when the stream ends after them.
pub fn resolved(text: &[u8]) -> Chunk {
    let mut chunk = Chunk::new(SourceId(0), Partition::new("fuzz"), Origin::stdin(), Vec::new());
    let mut lines = Lines::new(LINE_BYTES_MAX, Positions::Offset, 0);
    lines.push(text, &mut chunk);
    lines.finish(&mut chunk);
    resolve(chunk)
}

/// The chunk that one record of `bytes`, which may hold many entries, resolves to.
pub fn record(bytes: &[u8]) -> Chunk {
    let mut chunk = Chunk::new(SourceId(0), Partition::new("fuzz"), Origin::stdin(), bytes.to_vec());
    chunk.single_lines = false;
    chunk.records.push(Record { position: 0, end: bytes.len() as u32, first_index: 0 });
    resolve(chunk)
}

fn resolve(chunk: Chunk) -> Chunk {
    let partition = chunk.partition.clone();
    let mut resolved = Vec::new();
    let mut resolver = Resolver::new(INPUTS.clone());
    resolver.chunk(chunk, &mut resolved);
    resolver.ended(SourceId(0), &partition, &mut resolved);
    assert_eq!(resolved.len(), 1, "the stream has ended, so nothing is held back");
    resolved.remove(0)
}

/// The chunks that the lines of `text` resolve to when they come `step` bytes at a time and the stream ends after them.
pub fn learned(text: &[u8], step: usize) -> Vec<Chunk> {
    let partition = Partition::new("fuzz");
    let mut lines = Lines::new(LINE_BYTES_MAX, Positions::Offset, 0);
    let mut resolver = Resolver::new(INPUTS.clone());
    let mut resolved = Vec::new();
    let mut rest = text.chunks(step * 16).peekable();
    while let Some(part) = rest.next() {
        let mut chunk = Chunk::new(SourceId(0), partition.clone(), Origin::stdin(), Vec::new());
        lines.push(part, &mut chunk);
        if rest.peek().is_none() {
            lines.finish(&mut chunk);
        }
        resolver.chunk(chunk, &mut resolved);
    }
    resolver.ended(SourceId(0), &partition, &mut resolved);
    resolved
}

/// The batch that the one record `bytes`, which may hold many lines of syslog, parses to.
pub fn lines_of_syslog(bytes: &[u8]) -> Batch {
    let books = SourceBooks::new(&Metrics::default(), "fuzz");
    let config = Config::Syslog { fields: Fields::default(), timezone: Timezone::default() };
    let inputs: Arc<[Input]> = [Input { format: config.format(), books }].into();
    let mut chunk = Chunk::new(SourceId(0), Partition::new("fuzz"), Origin::stdin(), bytes.to_vec());
    chunk.single_lines = false;
    chunk.records.push(Record { position: 0, end: bytes.len() as u32, first_index: 0 });
    let (mut resolved, mut batch) = (Vec::new(), Batch::default());
    Resolver::new(inputs.clone()).chunk(chunk, &mut resolved);
    Parser::new(inputs).parse(resolved.remove(0), &mut batch);
    batch
}

/// The batch that `chunk` parses to.
pub fn parsed(chunk: Chunk) -> Batch {
    let mut batch = Batch::default();
    Parser::new(INPUTS.clone()).parse(chunk, &mut batch);
    batch
}
