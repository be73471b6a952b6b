//! The parser: fills a batch with the events of a resolved chunk, and counts what became of its entries.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use super::{Format, Input, ParseError, Writer};
use crate::event::{Batch, Chunk, Entry, Event, IdScheme, Layout, Reason, Reject, Run};
use crate::telemetry::books::SourceBooks;

/// Parses resolved chunks. Clones share the numbering of batches: every thread has a clone of one parser.
#[derive(Debug, Clone)]
pub struct Parser {
    inputs: Arc<[Input]>,
    serial: Arc<AtomicU64>,
    /// Whether events get their ids.
    names: bool,
}

// === impl Parser ===

impl Parser {
    /// A parser; `inputs` has one row for each source, as the resolver's.
    #[must_use]
    pub fn new(inputs: Arc<[Input]>) -> Self {
        Self { inputs, serial: Arc::new(AtomicU64::new(1)), names: true }
    }

    /// The same for events that nobody asks for by name: they all have one id.
    #[must_use]
    pub fn nameless(self) -> Self {
        Self { names: false, ..self }
    }

    /// Fills `batch` with `chunk` and its events. The batch's rejects are all the chunk's entries that are no events,
    /// those found before parsing included (they move from the chunk), in the order of its records.
    pub fn parse(&self, chunk: Chunk, batch: &mut Batch) {
        let input = &self.inputs[usize::from(chunk.source.0)];
        batch.fill(chunk, self.serial.fetch_add(1, Ordering::Relaxed));
        let Batch { chunk: Some(chunk), derived, events, values, extras, syslogs, rejects, .. } = batch
        else {
            return;
        };
        rejects.append(&mut chunk.rejects);
        let early = rejects.len();
        let chunk = &*chunk;
        let mut pass = Pass {
            format: &*input.format,
            scheme: self.names.then(|| IdScheme::of(&chunk.origin)),
            ascii: input.format.has_syslog() || input.format.is_binary() || chunk.bytes.is_ascii(),
            writer: Writer::new(&chunk.bytes, derived, values, extras, syslogs),
            syslog: input.format.has_syslog(),
            chunk,
            rejects,
        };
        pass.writer.received_ms = input.format.received_ms();
        let mut first = 0;
        for run in &chunk.runs {
            let end = run.end as usize;
            pass.run(&chunk.entries[first..end], run, events);
            first = end;
        }
        if early > 0 {
            rejects.sort_by_key(|reject| (reject.entry.record, reject.entry.index));
        }
        count(&input.books, events.len(), rejects);
    }
}

/// One chunk's way into a batch.
struct Pass<'a> {
    format: &'a dyn Format,
    /// None where events get no ids.
    scheme: Option<IdScheme>,
    /// Whether the whole chunk is ASCII, and so every entry UTF-8; or need not be.
    ascii: bool,
    /// Whether the entries are lines of syslog.
    syslog: bool,
    writer: Writer<'a>,
    chunk: &'a Chunk,
    rejects: &'a mut Vec<Reject>,
}

impl Pass<'_> {
    fn run(&mut self, entries: &[Entry], run: &Run, events: &mut Vec<Event>) {
        let layout = &run.layout;
        self.writer.run(layout);
        events.reserve(entries.len());
        let first = events.len();
        for entry in entries {
            let start = self.writer.begin();
            match self.entry(entry, layout) {
                Ok(()) => {
                    let mut event = Event::unnamed(self.chunk, *entry, layout, start.row, start.extras);
                    event.extras_len = self.writer.extras_len() as u32;
                    if self.syslog {
                        self.writer.head(
                            &mut event,
                            self.chunk.sender(entry.record).map(|sender| (sender.address, sender.port)),
                        );
                    }
                    events.push(event);
                }
                Err(error) => {
                    self.writer.undo();
                    self.reject(entry, run, error);
                }
            }
        }
        match (&self.scheme, &run.log_group) {
            (None, _) => {}
            (Some(scheme), None) => scheme.name(self.chunk, &mut events[first..]),
            (_, Some(group)) => IdScheme::of(group).name_log_events(self.chunk, &mut events[first..]),
        }
    }

    #[inline]
    fn entry(&mut self, entry: &Entry, layout: &Layout) -> Result<(), ParseError> {
        if !self.ascii {
            std::str::from_utf8(entry.span.of(&self.chunk.bytes))
                .map_err(|error| ParseError::NotUtf8 { at: error.valid_up_to() as u32 })?;
        }
        self.format.parse(entry.span, layout, &mut self.writer)
    }

    #[cold]
    fn reject(&mut self, entry: &Entry, run: &Run, error: ParseError) {
        let reason = error.reason(&run.layout);
        let detail = error.detail(&run.layout, &self.chunk.bytes);
        self.rejects.push(self.chunk.rejected(*entry, run, reason, detail));
    }
}

fn count(books: &SourceBooks, events: usize, rejects: &[Reject]) {
    let mut quarantined = [0; Reason::ALL.len()];
    for reject in rejects {
        quarantined[reject.reason as usize] += 1;
    }
    for (reason, count) in Reason::ALL.into_iter().zip(quarantined).filter(|(_, count)| *count > 0) {
        books.entries_quarantined(reason).inc_by(count);
    }
    books.entries_parsed.inc_by(events as u64);
    books.entries_in_flight.dec_by((events + rejects.len()) as i64);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::{
        event::{FIELDS, Field, IdScheme, Kind, Origin, Reason},
        parse::trial::{Trial, rejects, says},
    };

    const V2: &str =
        "2 123456789012 eni-1 10.0.0.1 10.0.0.2 40000 443 6 10 840 1700000000 1700000060 ACCEPT OK";

    /// The v2 line with one column put in another's place.
    fn with(field: Field, text: &str) -> String {
        let mut columns: Vec<&str> = V2.split(' ').collect();
        columns[field as usize] = text;
        columns.join(" ")
    }

    #[test]
    fn every_column_of_a_good_line_is_a_value() {
        let batch = Trial::v2().file(V2.as_bytes());
        assert_eq!(rejects(&batch), []);
        for (row, text) in FIELDS.iter().zip(V2.split(' ')) {
            assert_eq!(says(&batch, 0, row.field).as_deref(), Some(text), "{}", row.name);
        }
        let event = &batch.events[0];
        assert_eq!(
            batch.text(event, Field::SrcAddr),
            Some(b"10.0.0.1".as_slice()),
            "an address keeps its text"
        );
        assert_eq!(event.id, IdScheme::of(&Origin::from_text("file:1")).event(0, 0, V2.as_bytes()));
    }

    #[test]
    fn good_columns_in_every_form() {
        for (field, text, said) in [
            (Field::AccountId, "unknown", Some("unknown")),
            (Field::AccountId, "012345678901", Some("012345678901")),
            (Field::InterfaceId, "-", None),
            (Field::InterfaceId, "--", Some("--")),
            (Field::SrcAddr, "0.0.0.0", Some("0.0.0.0")),
            (Field::SrcAddr, "255.255.255.255", Some("255.255.255.255")),
            (Field::SrcAddr, "::", Some("::")),
            (Field::SrcAddr, "2001:DB8:0:0:0:0:0:1", Some("2001:db8::1")),
            (
                Field::DstAddr,
                "2001:db8:1234:a100:8d6e:3477:df66:f105",
                Some("2001:db8:1234:a100:8d6e:3477:df66:f105"),
            ),
            (Field::DstAddr, "::ffff:10.1.2.3", Some("::ffff:10.1.2.3")),
            (Field::DstAddr, "-", None),
            (Field::SrcPort, "65535", Some("65535")),
            (Field::SrcPort, "00022", Some("22")),
            (Field::Packets, "12345678", Some("12345678")),
            (Field::Packets, "1234567890123456", Some("1234567890123456")),
            (Field::Bytes, "18446744073709551615", Some("18446744073709551615")),
            (Field::Bytes, "-", None),
            (Field::Start, "-", None),
            (Field::Start, "1700000060", Some("1700000060")),
            (Field::End, "253402300799", Some("253402300799")),
            (Field::Action, "REJECT", Some("REJECT")),
            (Field::Action, "-", None),
            (Field::LogStatus, "NODATA", Some("NODATA")),
            (Field::LogStatus, "SKIPDATA", Some("SKIPDATA")),
            (Field::LogStatus, "-", None),
        ] {
            let batch = Trial::v2().file(with(field, text).as_bytes());
            assert_eq!(rejects(&batch), [], "{field:?} {text}");
            assert_eq!(says(&batch, 0, field).as_deref(), said, "{field:?} {text}");
        }
    }

    #[test]
    fn white_space_of_any_width_stands_between_and_around_columns() {
        let line = format!(" \t{} \t ", V2.replace(' ', " \t  "));
        let batch = Trial::v2().file(line.as_bytes());
        assert_eq!(rejects(&batch), []);
        assert_eq!(says(&batch, 0, Field::LogStatus).as_deref(), Some("OK"));
        assert_eq!(says(&batch, 0, Field::Version).as_deref(), Some("2"));
    }

    #[test]
    fn a_line_without_data_is_an_event_with_absent_values() {
        for status in ["NODATA", "SKIPDATA"] {
            let line = format!("2 123456789012 eni-1 - - - - - - - 1700000000 1700000060 - {status}");
            let batch = Trial::v2().file(line.as_bytes());
            assert_eq!(rejects(&batch), []);
            let absent: Vec<_> = batch.row(&batch.events[0]).iter().map(|value| value.is_absent()).collect();
            assert_eq!(absent.iter().filter(|absent| **absent).count(), 8, "{status}");
        }
    }

    /// A line with one bad column leaves nothing but a reject, whose reason and detail are these.
    fn rejected(field: Field, text: &str, reason: Reason, detail: &str) {
        let mut trial = Trial::v2();
        let bad = with(field, text);
        let batch = trial.file(format!("{V2}\n{bad}\n{V2}\n").as_bytes());
        assert_eq!(rejects(&batch), [(reason, detail)]);
        assert_eq!(batch.events.len(), 2, "its neighbours go on");
        assert_eq!(batch.values.len(), 28, "nothing of it is left");
        let reject = &batch.rejects[0];
        assert_eq!((reject.entry.record, reject.entry.span.of(batch.bytes())), (1, bad.as_bytes()));
        assert_eq!(reject.format, None, "nothing but the default named its columns");
        assert_eq!(trial.books().entries_quarantined(reason).get(), 1);
    }

    #[test]
    fn a_bad_column_is_rejected_with_its_reason_name_and_value() {
        use Reason::{BadNumber, BadWord, TimeBackwards};
        for (field, text, reason, detail) in [
            (Field::Version, "256", BadNumber, "version: \"256\" is not a whole number from 0 to 255"),
            (Field::SrcPort, "65536", BadNumber, "srcport: \"65536\" is not a whole number from 0 to 65535"),
            (Field::Protocol, "tcp", BadNumber, "protocol: \"tcp\" is not a whole number from 0 to 255"),
            (
                Field::Start,
                "253402300800",
                BadNumber,
                "start: \"253402300800\" is not a whole number from 0 to 253402300799",
            ),
            (Field::Start, "1700000061", TimeBackwards, "start 1700000061 is after end 1700000060"),
            (Field::Action, "ALLOW", BadWord, "action: \"ALLOW\" is not ACCEPT or REJECT"),
            (Field::Action, "ACCEPTED", BadWord, "action: \"ACCEPTED\" is not ACCEPT or REJECT"),
            (Field::LogStatus, "ok", BadWord, "log-status: \"ok\" is not OK, NODATA or SKIPDATA"),
        ] {
            rejected(field, text, reason, detail);
        }
    }

    #[test]
    fn a_number_is_ascii_digits_and_fits_64_bits() {
        for text in [
            "+1",
            "-1",
            "1.5",
            "1e3",
            "0x10",
            "1,000",
            "--",
            "18446744073709551616",
            "99999999999999999999",
            "000000000000000000000001",
            "12345678x",
            "1234567890123456x",
            "1\u{7}",
            "\u{ff11}",
        ] {
            let detail = format!("bytes: {text:?} is not a whole number from 0 to {}", u64::MAX);
            rejected(Field::Bytes, text, Reason::BadNumber, &detail);
        }
    }

    #[test]
    fn an_address_is_strict_ipv4_or_ipv6_text() {
        for text in [
            "10.0.0.01",
            "010.0.0.1",
            "10.0.0",
            "10.0.0.256",
            "10.0.0.1.",
            "10.0.0.1/8",
            "1:2",
            ":::",
            "::1%eth0",
            "[::1]",
            "12345::",
            "::10.0.0.01",
            "host",
            "0x0a.0.0.1",
            "--",
        ] {
            let detail = format!("srcaddr: {text:?} is not an IPv4 or IPv6 address");
            rejected(Field::SrcAddr, text, Reason::BadAddress, &detail);
        }
    }

    #[test]
    fn a_line_with_another_number_of_columns_is_rejected_for_that() {
        for (line, reason, detail) in [
            (format!("{V2} more"), Reason::TooManyColumns, "15 columns, the layout has 14"),
            (V2.replace(" OK", ""), Reason::TooFewColumns, "13 columns, the layout has 14"),
            ("5 vpc-1 bad bad".into(), Reason::TooFewColumns, "4 columns, the layout has 14"),
            (format!("vpc-1 {V2}"), Reason::TooManyColumns, "15 columns, the layout has 14"),
        ] {
            assert_eq!(rejects(&Trial::v2().file(line.as_bytes())), [(reason, detail)], "{line}");
        }
    }

    #[test]
    fn a_line_that_is_not_utf8_is_rejected_and_one_that_is_goes_on() {
        let mut text = with(Field::InterfaceId, "eni-é").into_bytes();
        text.push(b'\n');
        text.extend_from_slice(b"2 1234\xff 7\n");
        let batch = Trial::v2().file(&text);
        assert_eq!(rejects(&batch), [(Reason::NotUtf8, "the bytes from 6 on are not UTF-8")]);
        assert_eq!(says(&batch, 0, Field::InterfaceId).as_deref(), Some("eni-é"));
    }

    #[test]
    fn an_entry_that_has_columns_for_a_time_needs_a_start_or_an_end() {
        for (fields, line, good) in [
            ("${srcaddr} ${end}", "10.0.0.1 1700000000", true),
            ("${srcaddr} ${start}", "10.0.0.1 1700000000", true),
            ("${start} ${end}", "1700000000 -", true),
            ("${start} ${end}", "- -", false),
            ("${srcaddr} ${dstaddr}", "10.0.0.1 10.0.0.2", true),
        ] {
            let batch = Trial::configured(fields).file(line.as_bytes());
            let expected = [(Reason::NoTime, "there is neither a start nor an end")];
            assert_eq!(rejects(&batch), &expected[usize::from(good)..], "{fields}");
        }
    }

    #[test]
    fn an_unknown_column_is_kept_under_its_name_unless_it_is_absent() {
        let mut trial = Trial::configured("${brand-new} ${end} ${newer}");
        let batch = trial.file(b"one 1700000000 two\nx bad y\n- 1700000001 three\n");
        let extras: Vec<_> =
            batch.extras.iter().map(|(name, span)| (&**name, span.of(batch.bytes()))).collect();
        let expected: [(&str, &[u8]); 3] = [("brand-new", b"one"), ("newer", b"two"), ("newer", b"three")];
        assert_eq!(extras, expected, "a rejected line leaves none");
        let places: Vec<_> = batch.events.iter().map(|event| (event.extras, event.extras_len)).collect();
        assert_eq!(places, [(0, 2), (2, 1)]);
    }

    #[test]
    fn no_two_batches_of_a_process_have_the_same_serial() {
        let mut trial = Trial::v2();
        let other = trial.parser.clone();
        let first = trial.file(b"\n").serial;
        trial.parser = other;
        assert_ne!(first, trial.file(b"\n").serial);
    }

    /// A column that fits `kind`, as a number chooses it.
    fn column(kind: Kind, seed: u64) -> String {
        if seed.is_multiple_of(7) {
            return "-".into();
        }
        match kind {
            Kind::Text => format!("t-{seed:x}"),
            Kind::Uint(max) => (seed % max.saturating_add(1).max(1)).to_string(),
            Kind::Address if seed.is_multiple_of(2) => std::net::Ipv4Addr::from(seed as u32).to_string(),
            Kind::Address => std::net::Ipv6Addr::from(u128::from(seed) << 64 | u128::from(!seed)).to_string(),
            Kind::Action => ["ACCEPT", "REJECT"][seed as usize % 2].into(),
            Kind::LogStatus => ["OK", "NODATA", "SKIPDATA"][seed as usize % 3].into(),
        }
    }

    proptest! {
        #[test]
        fn columns_in_any_order_parse_to_the_same_values(
            mut order in Just((0..FIELDS.len()).collect::<Vec<_>>()).prop_shuffle(),
            count in 2_usize..54,
            seeds in prop::collection::vec(any::<u64>(), FIELDS.len()),
        ) {
            order.truncate(count);
            order.retain(|index| FIELDS[*index].field != Field::Start);
            if !order.contains(&(Field::End as usize)) {
                order.push(Field::End as usize);
            }
            let seed = |index: usize| if FIELDS[index].field == Field::End { 1 } else { seeds[index] };
            let text = |index: usize| column(FIELDS[index].kind, seed(index));
            let format = order.iter().map(|index| format!("${{{}}}", FIELDS[*index].name)).collect::<Vec<_>>();
            let line = order.iter().map(|index| text(*index)).collect::<Vec<_>>();
            let batch = Trial::configured(&format.join(" ")).file(line.join(" ").as_bytes());
            prop_assert_eq!(rejects(&batch), []);
            for index in order {
                let said = says(&batch, 0, FIELDS[index].field).unwrap_or_else(|| "-".into());
                prop_assert_eq!(said, text(index), "{}", FIELDS[index].name);
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic_and_the_books_balance(
            parts in prop::collection::vec(prop_oneof![
                prop::collection::vec(any::<u8>(), 0..40),
                Just(V2.as_bytes().to_vec()),
                "[-0-9.: \t\r\nA-Z]{0,60}".prop_map(String::into_bytes),
                Just(b"\n".to_vec()),
                Just(b"\nversion end srcaddr x\n".to_vec()),
                Just(vec![b'x'; 2100]),
            ], 0..12),
        ) {
            let text = parts.concat();
            let mut trial = Trial::v2();
            let batch = trial.file(&text);
            let lines = text.split_inclusive(|byte| *byte == b'\n').count() as u64;
            prop_assert_eq!(trial.books().entries_found.get(), lines);
            prop_assert_eq!(trial.books().entries_parsed.get(), batch.events.len() as u64);
            prop_assert_eq!(trial.books().entries_quarantined_sum(), batch.rejects.len() as u64);
        }
    }
}
