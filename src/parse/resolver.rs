//! The resolver: feeds every stream's chunks to its format in order, and counts what is found in them.

use std::{collections::BTreeMap, sync::Arc};

use super::{How, Input, Step, StreamState, parts::cut};
use crate::{
    codec::Opener,
    event::{Chunk, Origin, Partition, SourceId},
};

/// Resolves chunks: fills in their entries and runs. One thread at a time, in the order the chunks were received.
#[derive(Debug)]
pub struct Resolver {
    inputs: Arc<[Input]>,
    streams: BTreeMap<(SourceId, Origin), Stream>,
    uses: u64,
    found: Vec<Found>,
    advice: Vec<Advice>,
    /// Lent to the stream whose chunk is resolved, so that its room is taken once and not for each stream.
    opener: Opener,
    /// What is resolved and not yet cut into parts.
    whole: Vec<Chunk>,
}

/// Why a stream's layout is not known, for a person, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// The source.
    pub source: SourceId,
    /// The stream.
    pub origin: Origin,
    /// What is known and what is not, and the format string to set.
    pub text: String,
}

/// A layout that a stream's entries are read with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The source.
    pub source: SourceId,
    /// The stream.
    pub origin: Origin,
    /// The layout, as an AWS format string.
    pub format: Arc<str>,
    /// How it was found.
    pub how: How,
}

#[derive(Debug)]
struct Stream {
    state: StreamState,
    partition: Partition,
    used: u64,
}

/// The most streams remembered; of one more, the one used longest ago is forgotten, and is new when it comes again.
const STREAMS_MAX: usize = 4096;
/// The most findings kept for a caller who does not ask.
const FOUND_MAX: usize = 1024;

// === impl Resolver ===

impl Resolver {
    /// A resolver that remembers nothing; `inputs` has one row for each [`SourceId`].
    #[must_use]
    pub fn new(inputs: Arc<[Input]>) -> Self {
        Self {
            inputs,
            streams: BTreeMap::new(),
            uses: 0,
            found: Vec::new(),
            advice: Vec::new(),
            opener: Opener::default(),
            whole: Vec::new(),
        }
    }

    /// Takes the next chunk of its stream; what is resolved goes to `out`, in order.
    pub fn chunk(&mut self, chunk: Chunk, out: &mut Vec<Chunk>) {
        let key = (chunk.source, chunk.stream.as_ref().unwrap_or(&chunk.origin).clone());
        if !self.streams.contains_key(&key) {
            self.make_room(out);
        }
        self.uses += 1;
        let stream = self.streams.entry(key.clone()).or_insert_with(|| Stream {
            state: StreamState::default(),
            partition: chunk.partition.clone(),
            used: 0,
        });
        stream.used = self.uses;
        let input = &self.inputs[usize::from(chunk.source.0)];
        stream.state.opener = std::mem::take(&mut self.opener);
        input.format.resolve(&mut stream.state, Step::Chunk(chunk), &mut self.whole);
        self.opener = std::mem::take(&mut stream.state.opener);
        count(input, &mut stream.state, &self.whole);
        self.whole.drain(..).for_each(|chunk| cut(chunk, out));
        note(&mut self.found, &mut self.advice, key, &mut stream.state);
    }

    /// Tells every stream the time, in milliseconds since 1970; what was held back long enough goes to `out`.
    pub fn tick(&mut self, now_ms: u64, out: &mut Vec<Chunk>) {
        for (key, stream) in &mut self.streams {
            let input = &self.inputs[usize::from(key.0.0)];
            input.format.resolve(&mut stream.state, Step::Tick(now_ms), &mut self.whole);
            count(input, &mut stream.state, &self.whole);
            self.whole.drain(..).for_each(|chunk| cut(chunk, out));
            note(&mut self.found, &mut self.advice, key.clone(), &mut stream.state);
        }
    }

    /// Ends every stream of a partition that is finished or revoked; what was held back of it goes to `out`.
    pub fn ended(&mut self, source: SourceId, partition: &Partition, out: &mut Vec<Chunk>) {
        let of_it =
            |key: &(SourceId, Origin), stream: &Stream| key.0 == source && stream.partition == *partition;
        let keys: Vec<_> = self
            .streams
            .iter()
            .filter(|(key, stream)| of_it(key, stream))
            .map(|(key, _)| key.clone())
            .collect();
        for key in keys {
            self.forget(key, out);
        }
    }

    /// The layouts that came into use since this was last asked, in the order they did.
    pub fn found(&mut self) -> Vec<Found> {
        std::mem::take(&mut self.found)
    }

    /// What a person should know since this was last asked.
    pub fn advice(&mut self) -> Vec<Advice> {
        std::mem::take(&mut self.advice)
    }

    fn make_room(&mut self, out: &mut Vec<Chunk>) {
        if self.streams.len() < STREAMS_MAX {
            return;
        }
        let oldest = self.streams.iter().min_by_key(|(_, stream)| stream.used).map(|(key, _)| key.clone());
        if let Some(key) = oldest {
            self.forget(key, out);
        }
    }

    fn forget(&mut self, key: (SourceId, Origin), out: &mut Vec<Chunk>) {
        let Some(mut stream) = self.streams.remove(&key) else { return };
        let input = &self.inputs[usize::from(key.0.0)];
        input.format.resolve(&mut stream.state, Step::End, &mut self.whole);
        count(input, &mut stream.state, &self.whole);
        self.whole.drain(..).for_each(|chunk| cut(chunk, out));
        note(&mut self.found, &mut self.advice, key, &mut stream.state);
    }
}

/// Counts the records that were opened and the entries found in them.
fn count(input: &Input, state: &mut StreamState, resolved: &[Chunk]) {
    let ignored = std::mem::take(&mut state.ignored);
    let records: usize = resolved.iter().map(|chunk| chunk.records.len()).sum();
    let entries: usize = resolved.iter().map(|chunk| chunk.entries.len() + chunk.rejects.len()).sum();
    let books = &input.books;
    books.entries_found.inc_by(entries as u64 + ignored.headers + ignored.blanks);
    books.entries_in_flight.inc_by(entries as i64);
    books.entries_ignored_header.inc_by(ignored.headers);
    books.entries_ignored_blank.inc_by(ignored.blanks);
    books.records_opened.inc_by((records as u64).saturating_sub(ignored.controls));
    books.records_ignored_control.inc_by(ignored.controls);
    books.records_in_flight.dec_by(records as i64);
}

fn note(found: &mut Vec<Found>, advice: &mut Vec<Advice>, key: (SourceId, Origin), state: &mut StreamState) {
    let (source, origin) = key;
    for text in state.advice.drain(..) {
        if advice.len() < FOUND_MAX {
            advice.push(Advice { source, origin: origin.clone(), text });
        }
    }
    for (layout, how) in state.news.drain(..) {
        if found.len() < FOUND_MAX {
            found.push(Found { source, origin: origin.clone(), format: layout.format().clone(), how });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::{Field, Reason, Record},
        parse::trial::{Trial, chunk, rejects, says},
    };

    const V2: &str =
        "2 123456789012 eni-1 10.0.0.1 10.0.0.2 40000 443 6 10 840 1700000000 1700000060 ACCEPT OK\n";
    const SHORT: &str = "${srcaddr} ${bytes} ${end}";

    #[test]
    fn a_line_without_a_header_is_read_in_awss_default_format() {
        let mut trial = Trial::auto();
        let batch = trial.file(V2.as_bytes());
        assert_eq!(says(&batch, 0, Field::DstPort).as_deref(), Some("443"));
        let found = trial.found();
        assert_eq!((found.len(), found[0].2), (1, How::Default));
        trial.part("file:1", 500, V2.as_bytes());
        assert_eq!(trial.found(), [], "what is known is not found again");
    }

    #[test]
    fn a_header_names_the_columns_from_there_on_wherever_it_stands() {
        let mut trial = Trial::auto();
        let text = format!("{V2}srcaddr bytes end\r\n10.0.0.9 7 1700000000\nend x bytes\n1700000001 y 9\n");
        let batch = trial.file(text.as_bytes());
        assert_eq!(rejects(&batch), []);
        for (index, bytes) in ["840", "7", "9"].into_iter().enumerate() {
            assert_eq!(says(&batch, index, Field::Bytes).as_deref(), Some(bytes));
        }
        assert_eq!(trial.books().entries_ignored_header.get(), 2);
    }

    #[test]
    fn a_header_holds_for_the_next_chunk_of_its_stream_and_for_no_other() {
        let mut trial = Trial::auto();
        trial.part("file:1", 0, b"srcaddr bytes end\n");
        let next = trial.part("file:1", 18, b"10.0.0.9 7 1700000000\n");
        assert_eq!(says(&next, 0, Field::Bytes).as_deref(), Some("7"));
        let other = trial.part("file:2", 0, b"10.0.0.9 7 1700000000\n7 10.0.0.9 1700000000\n");
        let reasons: Vec<_> = rejects(&other).into_iter().map(|(reason, _)| reason).collect();
        assert_eq!(reasons, [Reason::LayoutAmbiguous; 2]);
        let how: Vec<_> = trial.found().into_iter().map(|(origin, _, how)| (origin, how)).collect();
        assert_eq!(how, [("file:1".into(), How::Header)]);
    }

    #[test]
    fn origins_of_one_stream_share_its_header() {
        let mut trial = Trial::auto();
        for (request, line) in ["srcaddr bytes end\n", "10.0.0.9 7 1700000000\n"].into_iter().enumerate() {
            let mut part = chunk(&format!("firehose:{request}"), 0, line.as_bytes());
            part.stream = Some(Origin::from_text("firehose:flows"));
            assert_eq!(rejects(&trial.chunk(part)), []);
        }
        assert_eq!(trial.found().len(), 1);
    }

    #[test]
    fn a_configured_format_holds_until_a_header_names_another() {
        let mut trial = Trial::configured(SHORT);
        let batch = trial.file(b"10.0.0.9 7 1700000000\nbytes srcaddr end\n8 10.0.0.9 1700000000\n");
        assert_eq!(says(&batch, 0, Field::Bytes).as_deref(), Some("7"));
        assert_eq!(says(&batch, 1, Field::Bytes).as_deref(), Some("8"));
        let how: Vec<_> =
            trial.found().into_iter().map(|(_, format, how)| (format.to_string(), how)).collect();
        let header = "${bytes} ${srcaddr} ${end}".to_owned();
        assert_eq!(how, [(SHORT.into(), How::Configured), (header, How::Header)]);
    }

    #[test]
    fn a_reader_that_starts_in_the_middle_takes_the_header_from_the_streams_head() {
        let head: Arc<[u8]> = b"bytes srcaddr end\n1 10.0.0.1 17000".as_slice().into();
        let mut later = chunk("file:1", 18, b"8 10.0.0.9 1700000000\n");
        later.head = Some(head.clone());
        for mut trial in [Trial::auto(), Trial::configured(SHORT)] {
            let mut later = chunk("file:1", 18, b"8 10.0.0.9 1700000000\n");
            later.head = Some(head.clone());
            let batch = trial.chunk(later);
            assert_eq!(says(&batch, 0, Field::Bytes).as_deref(), Some("8"));
            assert_eq!(trial.found()[0].2, How::Header);
        }
        let mut from_start = chunk("file:1", 0, V2.as_bytes());
        from_start.head = Some(head);
        assert_eq!(rejects(&Trial::auto().chunk(from_start)), [], "at the start the lines themselves say it");
    }

    #[test]
    fn a_replayed_record_is_read_with_its_own_format_and_changes_nothing_for_its_stream() {
        let mut trial = Trial::auto();
        let mut replayed = chunk("file:1", 70, b"10.0.0.9 7 1700000000\n");
        replayed.replayed_format = Some(SHORT.into());
        assert_eq!(says(&trial.chunk(replayed), 0, Field::Bytes).as_deref(), Some("7"));
        assert_eq!(rejects(&trial.part("file:1", 92, V2.as_bytes())), []);
        let mut unreadable = chunk("file:1", 70, b"10.0.0.9 7 1700000000\n\n");
        unreadable.replayed_format = Some("${srcaddr} bytes".into());
        let batch = trial.chunk(unreadable);
        assert_eq!(batch.rejects.len(), 1);
        assert_eq!(batch.rejects[0].reason, Reason::LayoutUnknown);
        assert!(batch.rejects[0].detail.contains("\"bytes\""), "{:?}", batch.rejects);
    }

    #[test]
    fn a_blank_line_is_counted_and_skipped() {
        let mut trial = Trial::auto();
        let batch = trial.file(format!("\n \t\r\n{V2}\r\n").as_bytes());
        assert_eq!((batch.events.len(), batch.rejects.len()), (1, 0));
        assert_eq!(trial.books().entries_ignored_blank.get(), 3);
        assert_eq!(trial.books().entries_found.get(), 4);
        assert_eq!(trial.books().records_opened.get(), 4);
    }

    #[test]
    fn an_entry_is_its_line_without_the_terminator() {
        for end in ["", "\n", "\r\n", "\r"] {
            let text = format!("{}{end}", V2.trim_end());
            let batch = Trial::auto().file(text.as_bytes());
            assert_eq!(batch.events[0].entry.span.of(batch.bytes()), V2.trim_end().as_bytes(), "{end:?}");
        }
    }

    #[test]
    fn a_record_that_holds_many_lines_has_an_entry_for_each_and_one_without_a_line_is_blank() {
        let mut trial = Trial::auto();
        let mut chunk = Chunk::new(SourceId(0), Partition::new("p"), Origin::kafka("vpcflow", 3), Vec::new());
        chunk.single_lines = false;
        let bodies = [
            format!("{V2}\n2 bad\n{}", V2.trim_end()),
            String::new(),
            "bytes srcaddr end\n8 10.0.0.9 1700000000".to_owned(),
        ];
        for (position, body) in (70..).zip(bodies) {
            chunk.bytes.extend_from_slice(body.as_bytes());
            let end = chunk.bytes.len() as u32;
            chunk.records.push(Record { position, end, first_index: 0 });
        }
        let batch = trial.chunk(chunk);
        let indexes: Vec<_> =
            batch.events.iter().map(|event| (event.entry.record, event.entry.index)).collect();
        assert_eq!(indexes, [(0, 0), (0, 3), (2, 1)]);
        assert_eq!(says(&batch, 2, Field::Bytes).as_deref(), Some("8"), "its own header names its columns");
        assert_eq!((batch.rejects[0].entry.record, batch.rejects[0].entry.index), (0, 2));
        assert_eq!(trial.books().entries_ignored_blank.get(), 2, "the line between, and the empty record");
        assert_eq!(trial.books().records_opened.get(), 3);
    }

    #[test]
    fn what_the_source_rejected_stays_rejected_and_is_counted_once() {
        let mut trial = Trial::auto();
        let long = "x".repeat(3000);
        let header = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end \
                      action log-status";
        let batch = trial.file(format!("{V2}{long}\n2 bad\n{V2}{header}\n3 bad\n").as_bytes());
        let reasons: Vec<_> = rejects(&batch).into_iter().map(|(reason, _)| reason).collect();
        assert_eq!(reasons, [Reason::LineTooLong, Reason::TooFewColumns, Reason::TooFewColumns]);
        assert_eq!(batch.events.len(), 2);
        assert_eq!(trial.books().entries_quarantined(Reason::LineTooLong).get(), 1);
        let formats: Vec<_> = batch.rejects.iter().map(|reject| reject.format.is_some()).collect();
        assert_eq!(formats, [false, false, true], "a replay is told what only a header line told");
        assert!(batch.chunk.as_ref().unwrap().rejects.is_empty(), "they stand in one place only");
    }

    #[test]
    fn an_ended_partition_and_the_oldest_of_too_many_streams_are_forgotten() {
        let mut trial = Trial::auto();
        trial.part("file:0", 0, b"srcaddr bytes end\n");
        trial.resolver.ended(SourceId(0), &Partition::new("partition of file:0"), &mut Vec::new());
        assert_eq!(trial.part("file:0", 18, b"10.0.0.9 7 1700000000\n").rejects.len(), 1);
        trial.part("file:1", 0, b"srcaddr bytes end\n");
        for number in 2..=STREAMS_MAX {
            trial.part(&format!("file:{number}"), 0, b"\n");
        }
        assert_eq!(trial.part("file:1", 18, b"10.0.0.9 7 1700000000\n").rejects.len(), 0, "room for all");
        trial.part("file:one more", 0, b"\n");
        trial.part("file:two more", 0, b"\n");
        assert_eq!(trial.resolver.streams.len(), STREAMS_MAX);
        assert_eq!(trial.part("file:1", 18, b"10.0.0.9 7 1700000000\n").rejects.len(), 0, "used lately");
        assert!(!trial.resolver.streams.contains_key(&(SourceId(0), Origin::from_text("file:2"))));
    }

    #[test]
    fn equal_headers_of_many_files_share_one_layout() {
        let mut trial = Trial::auto();
        let text = b"srcaddr bytes end\n10.0.0.9 7 1700000000\n";
        let layouts: Vec<_> = ["file:1", "file:2"]
            .into_iter()
            .map(|origin| trial.part(origin, 0, text).chunk.unwrap().runs.remove(0).layout)
            .collect();
        assert!(Arc::ptr_eq(&layouts[0], &layouts[1]));
    }
}
