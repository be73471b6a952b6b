//! Batches into documents: the writers of ECS and OCSF, and the lines that quarantine and dead letter keep.

mod activity;
mod amount;
mod asset;
mod boards;
mod check;
mod ecs;
mod extras;
mod fields;
mod finding;
mod floodmark;
mod fragment;
mod labels;
mod observations;
mod ocsf;
mod outcome;
mod paths;
mod pen;
mod piece;
mod plan;
mod quarantine;
mod row;
mod sampling;
mod schema;
mod score;
mod searches;
mod select;
mod session;
mod side;
mod stamp;
mod syslog;
mod templates;
mod text;
mod words;

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

pub use boards::{detection_rule, kibana_objects, opensearch_objects};
pub use check::{Checker, Fault, FaultReason};
pub use ecs::Ecs;
pub use fields::fields;
pub use observations::{ObservationWriter, mark};
pub use ocsf::Ocsf;
pub use quarantine::{QuarantineError, QuarantinedRecord, Refusal, Refused, dead_letter, quarantine};
pub use sampling::Sampling;
pub use schema::{Fields, Form, Schema, SchemaName};
pub use searches::{searches, searches_page};
pub use select::{Select, Selection};
pub use templates::{Provision, ProvisionKind, SearchProduct, provisions};

use self::select::Choice;
use crate::event::{Batch, DocumentKind, Documents, EntityName, Event, Field, Span, Verdict};

/// Writes the documents of batches for one sink. Each worker thread has its own; nothing is allocated per event once
/// its tables and the buffers given to it have grown.
pub struct Normalizer {
    schema: Box<dyn Schema>,
    /// Where in the documents' keys the name of each of the batch's entities stands.
    keys: Vec<Option<Span>>,
    /// The same by the entity's serial, for findings and sessions.
    named_keys: HashMap<u64, Span, foldhash::fast::FixedState>,
}

/// Events whose documents are made ready together: what they need fits into the nearest cache.
const APPROACHED: usize = 32;

/// What became of a batch's events and findings: each is counted once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Documents written.
    pub written: u64,
    /// Events and sessions that the sink's `select` or `where` leaves out, and findings that its `where` does.
    pub filtered: u64,
    /// Events and sessions that the sink's `sample` leaves out.
    pub sampled: u64,
    /// Events that an earlier run delivered: they are not offered to the sink.
    pub delivered_before: u64,
}

// === impl Normalizer ===

impl Normalizer {
    /// The most bytes that a writer of documents takes for what it remembers: who and what is usual, and a mebibyte for
    /// places, systems, assets and services.
    pub const MEMORY_BYTES_MAX: usize = score::Baselines::BYTES_MAX + (1 << 20);

    /// A writer of documents with `schema`.
    #[must_use]
    pub fn new(schema: Box<dyn Schema>) -> Self {
        Self { schema, keys: Vec::new(), named_keys: HashMap::default() }
    }

    /// Appends the documents of `batch` that `selection` lets pass: the events that leave, in order, then the sessions, then the
    /// findings.
    /// `ingested_millis` is the wall clock, in milliseconds since 1970.
    pub fn documents(
        &mut self,
        batch: &Batch,
        selection: &Selection,
        ingested_millis: u64,
        out: &mut Documents,
    ) -> Tally {
        let mut tally = Tally::default();
        self.schema.attributes(batch.chunk.as_ref().and_then(|chunk| chunk.attributes.as_ref()));
        self.schema.begin(ingested_millis);
        self.keys.clear();
        self.keys.resize(batch.entities.len(), None);
        self.named_keys.clear();
        for (index, event) in batch.events.iter().enumerate() {
            if index.is_multiple_of(APPROACHED) && selection.has_events() {
                self.schema.approach(batch, index..batch.events.len().min(index + APPROACHED));
            }
            let verdict = batch.verdicts.get(index).and_then(Option::as_ref);
            if !event.deliver {
                tally.delivered_before += 1;
                continue;
            }
            match selection.choose(batch, event, verdict) {
                Choice::Filtered => tally.filtered += 1,
                Choice::Sampled => tally.sampled += 1,
                Choice::Leaves { rate } => {
                    self.event(batch, index, event, verdict, rate, out);
                    tally.written += 1;
                }
            }
        }
        if let Some(sessions) = batch.of_sessions() {
            self.sessions(sessions, selection, &mut tally, out);
        }
        if !batch.findings.is_empty() {
            let named = self.keys.iter().zip(&batch.entities);
            self.named_keys.extend(named.filter_map(|(key, entity)| Some((entity.serial, (*key)?))));
        }
        for (index, finding) in batch.findings.iter().enumerate() {
            if !selection.passes_finding(finding) {
                tally.filtered += 1;
                continue;
            }
            self.schema.finding(batch, index, &mut out.bytes);
            let key = self.named_key(&finding.entity, out);
            out.end_document(finding.document, DocumentKind::Finding, finding.at, key);
            tally.written += 1;
        }
        tally
    }

    #[inline]
    fn event(
        &mut self,
        batch: &Batch,
        index: usize,
        event: &Event,
        verdict: Option<&Verdict>,
        rate: u32,
        out: &mut Documents,
    ) {
        if let Some(log) = batch.line(event) {
            self.schema.line(batch, index, log, &mut out.bytes);
            let at = log.at_nanos / 1_000_000_000;
            return out.end_document(event.id, DocumentKind::Syslog, at, Span::default());
        }
        self.schema.event(batch, index, rate, &mut out.bytes);
        let key = match verdict {
            Some(verdict) => {
                let place = verdict.entity as usize;
                let keys = &mut out.keys;
                *self.keys[place].get_or_insert_with(|| append(keys, batch.entities[place].name()))
            }
            None => Span::default(),
        };
        let at = batch.uint(event, Field::End).or_else(|| batch.uint(event, Field::Start)).unwrap_or(0);
        out.end_document(event.id, DocumentKind::Event, at, key);
    }

    /// Appends the documents of a batch of sessions.
    fn sessions(&mut self, batch: &Batch, selection: &Selection, tally: &mut Tally, out: &mut Documents) {
        for (index, (event, session)) in batch.events.iter().zip(&batch.sessions).enumerate() {
            match selection.choose_session(batch, event, session) {
                Choice::Filtered => tally.filtered += 1,
                Choice::Sampled => tally.sampled += 1,
                Choice::Leaves { rate } => {
                    self.schema.session(batch, index, session, rate, &mut out.bytes);
                    let named = [&session.client, &session.server].map(|party| party.entity.as_deref());
                    let entity = named.into_iter().flatten().next();
                    let key = entity.map_or(Span::default(), |entity| self.named_key(entity, out));
                    out.end_document(event.id, DocumentKind::Session, session.end, key);
                    tally.written += 1;
                }
            }
        }
    }

    fn named_key(&mut self, entity: &EntityName, out: &mut Documents) -> Span {
        let keys = &mut out.keys;
        *self.named_keys.entry(entity.serial).or_insert_with(|| append(keys, entity.name()))
    }
}

fn append(keys: &mut Vec<u8>, name: &str) -> Span {
    let start = keys.len();
    keys.extend_from_slice(name.as_bytes());
    Span::new(start, keys.len())
}
