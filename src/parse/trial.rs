//! A source's way through resolving and parsing, for this room's tests.

use std::sync::Arc;

use super::{Config, Fields, Found, Input, Parser, Resolver, Step, StreamState};
use crate::{
    codec::{Lines, Positions},
    event::{Batch, Chunk, Field, Origin, Partition, Reason, SourceId, Value},
    telemetry::{books::SourceBooks, metrics::Metrics},
};

/// One source with its resolver and parser.
pub(super) struct Trial {
    pub inputs: Arc<[Input]>,
    pub resolver: Resolver,
    pub parser: Parser,
}

impl Trial {
    pub fn of(config: &Config) -> Self {
        let books = SourceBooks::new(&Metrics::default(), "flows");
        let inputs: Arc<[Input]> = [Input { format: config.format(), books }].into();
        Self { resolver: Resolver::new(inputs.clone()), parser: Parser::new(inputs.clone()), inputs }
    }

    pub fn auto() -> Self {
        Self::of(&Config::Auto)
    }

    /// AWS's default format, configured.
    pub fn v2() -> Self {
        Self::of(&Config::VpcFlow { fields: Fields::default() })
    }

    pub fn configured(fields: &str) -> Self {
        Self::of(&Config::VpcFlow { fields: fields.parse().unwrap() })
    }

    pub fn books(&self) -> &SourceBooks {
        &self.inputs[0].books
    }

    /// Receives, resolves and parses the lines of `text`, a part of `origin` that begins at `position`.
    pub fn part(&mut self, origin: &str, position: u64, text: &[u8]) -> Batch {
        let chunk = chunk(origin, position, text);
        self.chunk(chunk)
    }

    /// Receives, resolves and parses `chunk`. Where it would wait, its stream ends with it.
    pub fn chunk(&mut self, chunk: Chunk) -> Batch {
        let mut batches = self.parts(chunk);
        assert_eq!(batches.len(), 1, "one chunk in, one chunk out");
        batches.remove(0)
    }

    /// Receives, resolves and parses `chunk`, which may be cut into parts.
    pub fn parts(&mut self, chunk: Chunk) -> Vec<Batch> {
        let partition = chunk.partition.clone();
        self.books().records_received.inc_by(chunk.records.len() as u64);
        self.books().records_in_flight.inc_by(chunk.records.len() as i64);
        let mut resolved = Vec::new();
        self.resolver.chunk(chunk, &mut resolved);
        if resolved.is_empty() {
            self.resolver.ended(SourceId(0), &partition, &mut resolved);
        }
        assert!(self.books().balance(), "the books balance with entries in flight");
        let batches = resolved.into_iter().map(|chunk| {
            let mut batch = Batch::default();
            self.parser.parse(chunk, &mut batch);
            batch
        });
        let batches = batches.collect();
        assert!(self.books().balance(), "the books balance at the end");
        assert_eq!(self.books().entries_in_flight.get(), 0);
        assert_eq!(self.books().records_in_flight.get(), 0);
        batches
    }

    /// Resolves and parses `chunk` as the format has it, however large it is.
    pub fn whole(&self, chunk: Chunk) -> Batch {
        let (mut state, mut resolved) = (StreamState::default(), Vec::new());
        self.inputs[0].format.resolve(&mut state, Step::Chunk(chunk), &mut resolved);
        self.inputs[0].format.resolve(&mut state, Step::End, &mut resolved);
        let mut batch = Batch::default();
        self.parser.parse(resolved.remove(0), &mut batch);
        batch
    }

    /// The same for a whole file.
    pub fn file(&mut self, text: &[u8]) -> Batch {
        self.part("file:1", 0, text)
    }

    /// Origin, format and way of finding of every layout found since the last call.
    pub fn found(&mut self) -> Vec<(String, Arc<str>, super::How)> {
        let row = |found: Found| (found.origin.to_string(), found.format, found.how);
        self.resolver.found().into_iter().map(row).collect()
    }
}

/// The lines of `text` as a chunk.
pub(super) fn chunk(origin: &str, position: u64, text: &[u8]) -> Chunk {
    let partition = Partition::new(&format!("partition of {origin}"));
    let mut chunk = Chunk::new(SourceId(0), partition, Origin::from_text(origin), Vec::new());
    let mut lines = Lines::new(2048, Positions::Offset, position);
    lines.push(text, &mut chunk);
    lines.finish(&mut chunk);
    chunk
}

/// Reason and detail of every reject.
pub(super) fn rejects(batch: &Batch) -> Vec<(Reason, &str)> {
    batch.rejects.iter().map(|reject| (reject.reason, reject.detail.as_str())).collect()
}

/// What event number `index` says of `field`, as text; `None` where it is absent.
pub(super) fn says(batch: &Batch, index: usize, field: Field) -> Option<String> {
    let event = &batch.events[index];
    match batch.value(event, field) {
        Value::Absent => None,
        Value::Uint(number) => Some(number.to_string()),
        Value::V4(..) | Value::V6 { .. } => batch.address(event, field).map(|address| address.to_string()),
        Value::Text(_) | Value::Derived(_) => {
            batch.text(event, field).map(|text| String::from_utf8_lossy(text).into_owned())
        }
    }
}
