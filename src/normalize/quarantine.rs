//! The lines of quarantine and dead letter: what could not be read or was refused, kept so that it can be replayed.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;

use crate::event::{Batch, DocumentKind, Documents, EventId, IdScheme, Position, Reject, Span};

use super::{
    pen::{Pen, stage},
    text::{self, put_member, put_uint},
};

/// A line of quarantine or dead letter, read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantinedRecord {
    /// Why, as a closed set: [`crate::event::Reason`] by name, or what the sink said.
    pub reason: String,
    /// Why, for a person.
    pub detail: String,
    /// Name of the source in the config.
    pub source: String,
    /// What the position counts in, by its canonical text.
    pub origin: String,
    /// Where the record stands in its origin.
    pub position: Position,
    /// Number of the entry in the record.
    pub index: u32,
    /// The id that the entry's event has, or would have had.
    pub event_id: EventId,
    /// The entry as received.
    pub bytes: Vec<u8>,
    /// The format string of the layout it was read with, where a header line of the stream named it.
    pub format: Option<String>,
    /// The document that a sink refused; absent for an entry that could not be read.
    pub refused: Option<Refused>,
}

/// A document that a sink refused for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Name of the sink in the config.
    pub sink: String,
    /// The sink's answer as a number, such as an HTTP status; absent where the sink has none.
    pub status: Option<u16>,
    /// What kind of document it is.
    pub kind: DocumentKind,
    /// Its event time, in seconds since 1970; 0 where that is not known.
    pub at: u64,
    /// The document, without its line feed.
    pub document: String,
}

/// What a dead letter says besides the document: why it was refused, and where it came from as far as that is known.
/// A finding comes from no record, and a sink that stores nothing but documents does not know theirs.
#[derive(Debug, Clone, Copy)]
pub struct Refusal<'a> {
    /// Why, as the sink's label.
    pub reason: &'a str,
    /// Why, as the sink said it.
    pub detail: &'a str,
    /// Name of the source in the config.
    pub source: &'a str,
    /// What the position counts in; empty where the document comes from no record.
    pub origin: &'a str,
    /// Where the record stands in its origin.
    pub position: Position,
    /// Number of the entry in the record.
    pub index: u32,
    /// The document's id.
    pub event_id: EventId,
    /// The entry as received; empty where it is not at hand.
    pub bytes: &'a [u8],
    /// Name of the sink in the config.
    pub sink: &'a str,
    /// The sink's answer as a number, where it has one.
    pub status: Option<u16>,
    /// What kind of document it is.
    pub kind: DocumentKind,
    /// Its event time, in seconds since 1970; 0 where that is not known.
    pub at: u64,
    /// The document, with or without its line feed.
    pub document: &'a [u8],
}

/// Why a line could not be read as one of quarantine or dead letter.
#[derive(Debug, thiserror::Error)]
pub enum QuarantineError {
    /// It is not the JSON object that it should be.
    #[error("could not read a quarantined record: {0}")]
    Json(#[from] serde_json::Error),
    /// Its bytes are not base64.
    #[error("could not read the bytes of a quarantined record: {0}")]
    Bytes(#[from] base64::DecodeError),
    /// Its id is none.
    #[error("could not read the id of a quarantined record: {0:?} is not 22 characters of base64url")]
    EventId(String),
    /// It is about a kind of document that there is not.
    #[error("could not read a dead letter: there are no documents of kind {0:?}")]
    Kind(String),
    /// It has a sink without a document, or a document without a sink.
    #[error("could not read a dead letter: it has only one of sink and document")]
    HalfRefused,
}

/// The line as it stands.
#[derive(Deserialize)]
struct Line {
    reason: String,
    #[serde(default)]
    detail: String,
    source: String,
    origin: String,
    position: Position,
    index: u32,
    event_id: String,
    bytes: String,
    format: Option<String>,
    sink: Option<String>,
    status: Option<u16>,
    kind: Option<String>,
    #[serde(default)]
    at: u64,
    document: Option<String>,
}

/// What both kinds of line begin with.
struct Head<'a> {
    reason: &'a str,
    detail: &'a str,
    source: &'a str,
    origin: &'a str,
    position: Position,
    index: u32,
    event_id: EventId,
    bytes: &'a [u8],
}

/// Appends one line for each reject of `batch` and of its chunk, in that order of finding them: first what resolving
/// rejected, then what parsing did. `source` is the source's name in the config. Those that an earlier run delivered are
/// left out. Returns how many lines there are.
pub fn quarantine(batch: &Batch, source: &str, out: &mut Documents) -> u64 {
    let Some(chunk) = &batch.chunk else { return 0 };
    let scheme = IdScheme::of(&chunk.origin);
    let before = out.rows.len();
    let mut stage = stage();
    for Reject { entry, reason, detail, format, log_event } in chunk.rejects.iter().chain(&batch.rejects) {
        let record = entry.record as usize;
        if chunk.records[record].position < chunk.deliver_from {
            continue;
        }
        let bytes = entry.span.of(&chunk.bytes);
        let (origin, position) = match log_event {
            Some((group, position)) => (group, *position),
            None => chunk.known_by(record),
        };
        let apart = (*origin != chunk.origin).then(|| IdScheme::of(origin));
        let scheme = apart.as_ref().unwrap_or(&scheme);
        let event_id = scheme.event(position, entry.index, bytes);
        let head = Head {
            reason: reason.name(),
            detail,
            source,
            origin: origin.as_str(),
            position,
            index: entry.index,
            event_id,
            bytes,
        };
        let mut pen = Pen::new(&mut stage, &mut out.bytes);
        head.put(&mut pen);
        put_member(&mut pen, b"\"format\":", format.as_deref());
        pen.end_line();
        pen.lift();
        out.end_document(event_id, DocumentKind::Quarantined, 0, Span::default());
    }
    (out.rows.len() - before) as u64
}

/// Appends the dead letter of a refused document.
pub fn dead_letter(refusal: &Refusal<'_>, out: &mut Documents) {
    let Refusal { reason, detail, source, origin, position, index, event_id, bytes, .. } = *refusal;
    let mut stage = stage();
    let mut pen = Pen::new(&mut stage, &mut out.bytes);
    Head { reason, detail, source, origin, position, index, event_id, bytes }.put(&mut pen);
    put_member(&mut pen, b"\"sink\":", Some(refusal.sink));
    if let Some(status) = refusal.status {
        pen.put(b"\"status\":");
        put_uint(&mut pen, u64::from(status));
        pen.push(b',');
    }
    put_member(&mut pen, b"\"kind\":", Some(refusal.kind.name()));
    pen.put(b"\"at\":");
    put_uint(&mut pen, refusal.at);
    pen.push(b',');
    pen.put(b"\"document\":\"");
    text::put(&mut pen, refusal.document.strip_suffix(b"\n").unwrap_or(refusal.document));
    pen.put(b"\",");
    pen.end_line();
    pen.lift();
    out.end_document(event_id, DocumentKind::DeadLetter, 0, Span::default());
}

// === impl Head ===

impl Head<'_> {
    /// Appends the line's members, with a comma after the last.
    fn put(&self, out: &mut Pen<'_>) {
        put_member(out, b"{\"reason\":", Some(self.reason));
        put_member(out, b"\"detail\":", Some(self.detail));
        put_member(out, b"\"source\":", Some(self.source));
        put_member(out, b"\"origin\":", Some(self.origin));
        out.put(b"\"position\":");
        put_uint(out, self.position);
        out.put(b",\"index\":");
        put_uint(out, u64::from(self.index));
        out.put(b",\"event_id\":\"");
        out.put_slice(&self.event_id.text());
        out.put(b"\",\"bytes\":\"");
        put_base64(out, self.bytes);
        out.put(b"\",");
    }
}

/// Appends `bytes` in base64 (RFC 4648, section 4), in pieces, so that a long record takes no second buffer.
fn put_base64(out: &mut Pen<'_>, bytes: &[u8]) {
    let mut encoded = [0; 1_024];
    for part in bytes.chunks(768) {
        // Four characters for three bytes: 768 bytes fill the buffer exactly.
        let length = STANDARD.encode_slice(part, &mut encoded).unwrap_or(0);
        debug_assert_eq!(length, part.len().div_ceil(3) * 4, "the buffer holds what it is given");
        out.put_slice(&encoded[..length]);
    }
}

// === impl QuarantinedRecord ===

impl QuarantinedRecord {
    /// Reads one line of quarantine or dead letter; members it does not know are left out.
    ///
    /// # Errors
    /// When the line is none.
    pub fn parse(line: &[u8]) -> Result<Self, QuarantineError> {
        let line: Line = serde_json::from_slice(line)?;
        let event_id = EventId::from_text(&line.event_id)
            .ok_or_else(|| QuarantineError::EventId(line.event_id.clone()))?;
        let refused = match (line.sink, line.document) {
            (Some(sink), Some(document)) => {
                // Letters of earlier versions name no kind.
                let name = line.kind.as_deref().unwrap_or(DocumentKind::Event.name());
                let kind =
                    DocumentKind::of_name(name).ok_or_else(|| QuarantineError::Kind(name.to_owned()))?;
                Some(Refused { sink, status: line.status, kind, at: line.at, document })
            }
            (None, None) => None,
            _ => return Err(QuarantineError::HalfRefused),
        };
        Ok(Self {
            reason: line.reason,
            detail: line.detail,
            source: line.source,
            origin: line.origin,
            position: line.position,
            index: line.index,
            event_id,
            bytes: STANDARD.decode(line.bytes)?,
            format: line.format,
            refused,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::{
        event::{Chunk, Entry, Origin, Partition, Reason, Receipt, Record, SourceId},
        normalize::sample::{Sample, V2},
    };

    fn read(out: &Documents, index: usize) -> QuarantinedRecord {
        QuarantinedRecord::parse(out.document(index)).unwrap()
    }

    #[test]
    fn rejects_of_resolving_and_of_parsing_are_written_with_the_ids_that_their_events_would_have() {
        let mut sample = Sample::new()
            .line(V2, "2 012345678901 eni-1 10.0.1.7 10.0.1.8 1 2 6 1 40 1795260605 1795260664 ACCEPT OK")
            .line(V2, "2 012345678901 eni-1 10.0.1.7 10.0.1.8 x 2 6 1 40 1795260605 1795260664 ACCEPT OK");
        let events = sample.0.events.clone();
        let chunk = sample.0.chunk.as_mut().unwrap();
        let first = Reject {
            entry: events[0].entry,
            reason: Reason::NotUtf8,
            detail: String::new(),
            format: None,
            log_event: None,
        };
        chunk.rejects.push(first);
        let format = Some("${version} ${account-id}".into());
        let detail = "srcport is \"x\"".to_owned();
        let second =
            Reject { entry: events[1].entry, reason: Reason::BadNumber, detail, format, log_event: None };
        sample.0.rejects.push(second);
        let mut out = Documents::new(Receipt::unclaimed());
        assert_eq!(quarantine(&sample.0, "flows", &mut out), 2);
        let (one, two) = (read(&out, 0), read(&out, 1));
        assert_eq!((one.reason.as_str(), one.detail.as_str(), one.format.as_deref()), ("not_utf8", "", None));
        assert_eq!(two.reason, "bad_number");
        assert_eq!(two.detail, "srcport is \"x\"");
        assert_eq!(two.format.as_deref(), Some("${version} ${account-id}"));
        for (record, event) in [one, two].into_iter().zip(&events) {
            assert_eq!(record.event_id, event.id);
            assert_eq!(record.source, "flows");
            assert_eq!(record.origin, Origin::file(7).as_str());
            assert_eq!(record.position, u64::from(event.entry.span.start));
            assert_eq!(record.bytes, event.entry.span.of(sample.0.bytes()));
            assert_eq!(record.refused, None);
        }
        assert!(out.rows.iter().all(|row| row.kind == DocumentKind::Quarantined));

        let chunk = sample.0.chunk.as_mut().unwrap();
        chunk.deliver_from = u64::from(events[1].entry.span.start);
        let name = Origin::kinesis_record("flows", "shardId-0", "4959");
        chunk.names = (4..).map(|sub| (name.clone(), sub)).take(chunk.records.len()).collect();
        let mut named = Documents::new(Receipt::unclaimed());
        quarantine(&sample.0, "flows", &mut named);
        let one = read(&named, 0);
        assert_eq!(one.origin, name.as_str(), "what a replay makes the same id of");
        assert_eq!(one.event_id, IdScheme::of(&name).event(one.position, one.index, &one.bytes));
        let mut again = Documents::new(Receipt::unclaimed());
        assert_eq!(
            quarantine(&sample.0, "flows", &mut again),
            1,
            "the first was delivered by an earlier run"
        );
        assert_eq!(again.rows[0].id, events[1].id);
    }

    #[test]
    fn a_line_that_lacks_what_a_replay_needs_is_refused() {
        let whole = r#"{"reason":"r","source":"s","origin":"o","position":1,"index":2,"event_id":"AAAAAAAAAAAAAAAAAAAAAA","bytes":"AA=="}"#;
        assert!(QuarantinedRecord::parse(whole.as_bytes()).is_ok());
        for (from, to) in [
            ("\"position\":1", "\"position\":-1"),
            ("AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAB"),
            ("AA==", "A"),
            ("\"origin\":\"o\",", ""),
            ("{", "{\"sink\":\"s\","),
            ("{", "{\"document\":\"{}\","),
            ("{", "["),
        ] {
            assert!(
                QuarantinedRecord::parse(whole.replacen(from, to, 1).as_bytes()).is_err(),
                "{from} as {to}"
            );
        }
    }

    proptest! {
        #[test]
        fn whatever_was_quarantined_is_read_back(
            bytes in proptest::collection::vec(any::<u8>(), 0..3_000),
            detail in any::<String>(),
            source in any::<String>(),
            position in any::<u64>(),
            index in any::<u32>(),
        ) {
            let mut chunk = Chunk::new(SourceId(0), Partition::new("p"), Origin::stdin(), bytes.clone());
            chunk.records.push(Record { position, end: bytes.len() as u32, first_index: index });
            let entry = Entry { span: Span::new(0, bytes.len()), record: 0, index };
            chunk.rejects.push(Reject { entry, reason: Reason::Crashed, detail: detail.clone(), format: None, log_event: None });
            let mut batch = Batch::default();
            batch.fill(chunk, 1);
            let mut out = Documents::new(Receipt::unclaimed());
            quarantine(&batch, &source, &mut out);
            prop_assert_eq!(read(&out, 0), QuarantinedRecord {
                reason: "crashed".to_owned(),
                detail,
                source,
                origin: "stdin".to_owned(),
                position,
                index,
                event_id: IdScheme::of(&Origin::stdin()).event(position, index, &bytes),
                bytes,
                format: None,
                refused: None,
            });
        }

        #[test]
        fn a_dead_letter_gives_its_document_back_as_it_was(
            document in any::<String>(),
            bytes in proptest::collection::vec(any::<u8>(), 0..50),
            status in proptest::option::of(any::<u16>()),
            at in any::<u64>(),
        ) {
            let line = document.trim_end_matches('\n');
            let event_id = EventId(*b"sixteen bytes id");
            let with_line_feed = format!("{line}\n");
            let mut out = Documents::new(Receipt::unclaimed());
            dead_letter(&Refusal {
                reason: "mapping",
                detail: "could not parse field [a] of type [ip]",
                source: "flows",
                origin: "stdin",
                position: 3,
                index: 1,
                event_id,
                bytes: &bytes,
                sink: "siem",
                status,
                kind: DocumentKind::Finding,
                at,
                document: with_line_feed.as_bytes(),
            }, &mut out);
            prop_assert_eq!(out.rows[0].kind, DocumentKind::DeadLetter);
            prop_assert_eq!(out.document(0).iter().filter(|byte| **byte == b'\n').count(), 1);
            let record = read(&out, 0);
            let (kind, document) = (DocumentKind::Finding, line.to_owned());
            let refused = Refused { sink: "siem".to_owned(), status, kind, at, document };
            prop_assert_eq!(record.refused, Some(refused));
            prop_assert_eq!((record.event_id, record.bytes, record.position), (event_id, bytes, 3));
        }
    }
}
