//! Observations that another worker has made of records: one to each record of the topic that carries them.
//!
//! They become rows as the records would, so that everything behind is the same; `flow-direction` says which side is the
//! entity's own, as the first worker found. Nothing of their text is kept: their events leave elsewhere.

mod tides;

use std::sync::{Arc, LazyLock};

use super::{Format, ParseError, Step, StreamState, Writer};
use crate::{
    codec::observation::{CARRIED, Found, Told, peek, read},
    event::{Chunk, Entry, Field, Layout, Run, Span, Value},
    telemetry::clock,
};

pub(super) use tides::Tides;

/// The format of observations.
#[derive(Debug)]
pub(super) struct Observations {
    /// How long a stream that brings nothing is waited for, in milliseconds.
    idle_ms: u64,
    layout: Arc<Layout>,
}

/// The layout of their rows, and the slot of each field that they carry.
static ROW: LazyLock<(Layout, [usize; CARRIED.len()])> = LazyLock::new(|| {
    let names = CARRIED.iter().chain([&Field::FlowDirection]).map(|field| field.info().name);
    let layout = Layout::of_names(names).unwrap_or_else(|_| Layout::vpc_default());
    let slots = CARRIED.map(|field| layout.fields().slot(field).unwrap_or(usize::MAX));
    (layout, slots)
});

// === impl Observations ===

impl Observations {
    pub(super) fn new(idle_ms: u64) -> Self {
        Self { idle_ms, layout: Arc::new(ROW.0.clone()) }
    }

    fn chunk(&self, stream: &mut StreamState, mut chunk: Chunk, out: &mut Vec<Chunk>) {
        let now = clock::wall_millis();
        let tides = stream.tides.get_or_insert_default();
        let mut rejects = chunk.rejects.iter().map(|reject| reject.entry.record as usize).peekable();
        for record in 0..chunk.records.len() {
            if rejects.next_if_eq(&record).is_some() {
                continue;
            }
            let span = chunk.record_span(record);
            match peek(span.of(&chunk.bytes)) {
                Ok(Told::Ended(of, end)) => tides.see(of, end, now),
                Ok(Told::Passed(of, passed, streams)) => {
                    tides.see(of, passed, now);
                    tides.count(streams);
                    stream.ignored.controls += 1;
                    continue;
                }
                Err(_) => {}
            }
            let index = chunk.records[record].first_index;
            chunk.entries.push(Entry { span, record: record as u32, index });
        }
        drop(rejects);
        if !chunk.entries.is_empty() {
            let end = chunk.entries.len() as u32;
            chunk.runs.push(Run { end, layout: self.layout.clone(), named: false, log_group: None });
        }
        chunk.clock = Some(tides.low(now, self.idle_ms));
        out.push(chunk);
    }
}

impl Format for Observations {
    fn name(&self) -> &'static str {
        "observation"
    }

    fn is_binary(&self) -> bool {
        true
    }

    fn resolve(&self, stream: &mut StreamState, step: Step, out: &mut Vec<Chunk>) {
        if let Step::Chunk(chunk) = step {
            self.chunk(stream, chunk, out);
        }
    }

    fn parse(&self, entry: Span, layout: &Layout, out: &mut Writer<'_>) -> Result<(), ParseError> {
        let start = entry.start as usize;
        let row = &mut out.values[out.start.row..];
        let derived = &mut *out.derived;
        let mut word = |word: &[u8]| {
            let from = derived.len();
            derived.extend_from_slice(word);
            from
        };
        let put = |field: Field, found: Found| {
            let slot = ROW.1[CARRIED.iter().position(|carried| *carried == field).unwrap_or_default()];
            row[slot] = match found {
                Found::Uint(number) => Value::Uint(number),
                Found::Address(std::net::IpAddr::V4(address)) => Value::V4(address, Span::default()),
                Found::Address(std::net::IpAddr::V6(address)) => {
                    Value::V6 { text: Span::default(), octets: word(&address.octets()) as u32 }
                }
                Found::Text(range) => Value::Text(Span::new(start + range.start, start + range.end)),
                Found::Word(text) => {
                    let from = word(text);
                    Value::Derived(Span::new(from, from + text.len()))
                }
            };
        };
        let head = read(entry.of(out.bytes), put).map_err(ParseError::Observation)?;
        let sends: &[u8] = if head.sends { b"egress" } else { b"ingress" };
        let from = out.derived.len();
        out.derived.extend_from_slice(sends);
        if let Some(slot) = layout.fields().slot(Field::FlowDirection) {
            out.values[out.start.row + slot] = Value::Derived(Span::new(from, from + sends.len()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::{
        codec::observation::{KeyKind, Said, write},
        event::{Origin, Partition, Reason, Record, SourceId},
        parse::{Config, trial::Trial},
    };

    fn observation(stream: &str, end: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        let say = |field| {
            Some(match field {
                Field::End => Said::Uint(end),
                Field::Bytes => Said::Uint(840),
                Field::SrcAddr => Said::Address([10, 0, 0, 1].into()),
                Field::DstAddr => Said::Address("2001:db8::1".parse().unwrap()),
                Field::Action => Said::Text(b"REJECT"),
                Field::InterfaceId => Said::Text(b"eni-1"),
                _ => return None,
            })
        };
        write(KeyKind::Entity, false, stream.as_bytes(), say, &mut bytes);
        bytes
    }

    #[test]
    fn an_observation_is_a_row_as_its_record_would_be_and_what_is_none_is_told_from_it() {
        let good = observation("a", 1_700_000_060);
        let torn = &good[..good.len() - 1];
        let mut chunk = Chunk::new(SourceId(0), Partition::new("p"), Origin::kafka("t", 0), Vec::new());
        for (position, record) in (7..).zip([&*good, torn, b"2 line", &*good]) {
            chunk.bytes.extend_from_slice(record);
            chunk.bytes.push(b'\n');
            chunk.records.push(Record { position, end: chunk.bytes.len() as u32, first_index: 0 });
        }
        let batch = Trial::of(&Config::observations(600_000)).chunk(chunk);
        assert_eq!(batch.chunk.as_ref().unwrap().clock, Some(0));
        assert_eq!(batch.events.len(), 2);
        for event in &batch.events {
            assert_eq!(batch.uint(event, Field::End), Some(1_700_000_060));
            assert_eq!(batch.address(event, Field::SrcAddr), Some([10, 0, 0, 1].into()));
            assert_eq!(batch.address(event, Field::DstAddr), Some("2001:db8::1".parse().unwrap()));
            assert_eq!(batch.text(event, Field::InterfaceId), Some(b"eni-1".as_slice()));
            let derived = |field| match batch.value(event, field) {
                Value::Derived(span) => span.of(&batch.derived).to_vec(),
                other => panic!("{other:?}"),
            };
            assert_eq!(derived(Field::Action), b"REJECT");
            assert_eq!(derived(Field::FlowDirection), b"ingress");
            assert!(batch.value(event, Field::SrcPort).is_absent());
        }
        let reasons: Vec<_> = batch.rejects.iter().map(|reject| reject.reason).collect();
        assert_eq!(reasons, [Reason::BadEncoding; 2]);
    }
}
