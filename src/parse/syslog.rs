//! Lines of syslog, of RFC 5424, of RFC 3164 and of devices that follow neither: header, text, and flows in the text.

mod pairs;
mod reader;
mod rfc3164;
mod rfc5424;
mod stamp;
mod tag;
#[cfg(test)]
mod tests;
mod zone;

use std::sync::Arc;

pub use zone::Timezone;

use self::{reader::Reader, zone::Calendar};
use super::{Fields, Format, How, Named, ParseError, Step, StreamState, Writer, vpc_flow};
use crate::{
    event::{Chunk, Entry, Layout, Run, Span, Syslog},
    telemetry::clock,
};

/// The format of syslog: each line is an event, whatever it says.
///
/// Where its text is a flow of the layout that holds, it is read as one: of the layout of the stream's last header line,
/// else of the configured one. Nothing is learned: other lines come between flows, and say nothing of their columns.
#[derive(Debug)]
pub(super) struct SyslogFormat {
    layout: Arc<Layout>,
    timezone: Timezone,
    /// When all lines were received, in milliseconds since 1970; else that is now.
    received_ms: Option<u64>,
}

/// What the header lines of flow logs hold that are looked for inside lines.
const HEADER_WORD: &[u8] = b"srcaddr";
const BOM: &[u8] = b"\xef\xbb\xbf";

// === impl SyslogFormat ===

impl SyslogFormat {
    pub(super) fn new(fields: &Fields, timezone: &Timezone, received_ms: Option<u64>) -> Self {
        Self { layout: Arc::new(fields.layout().clone()), timezone: timezone.clone(), received_ms }
    }

    fn calendar(&self, received_ms: u64) -> Calendar<'_> {
        Calendar::new(&self.timezone, received_ms)
    }

    fn chunk(&self, stream: &mut StreamState, mut chunk: Chunk, out: &mut Vec<Chunk>) {
        let replayed = chunk.replayed_format.as_ref().and_then(|format| format.parse::<Fields>().ok());
        let mut named: Named = match (replayed, &stream.layout) {
            (Some(fields), _) => (Arc::new(fields.layout().clone()), How::Replayed),
            (None, Some(known)) => known.clone(),
            (None, None) => (self.layout.clone(), How::Configured),
        };
        chunk.entries.reserve(chunk.records.len());
        let has_headers = memchr::memmem::find(&chunk.bytes, HEADER_WORD).is_some();
        let mut rejects = chunk.rejects.iter().map(|reject| reject.entry.record as usize).peekable();
        for record in 0..chunk.records.len() {
            if rejects.next_if_eq(&record).is_some() {
                continue;
            }
            let mut index = chunk.records[record].first_index;
            let mut left = Some(chunk.record_span(record));
            while let Some(rest) = left {
                let line;
                (line, left) =
                    if chunk.single_lines { (rest, None) } else { vpc_flow::split(&chunk.bytes, rest) };
                let span = trimmed(&chunk.bytes, line);
                let text = span.of(&chunk.bytes);
                if text.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0) {
                    stream.ignored.blanks += 1;
                } else if let Some(layout) = self.header(text).filter(|_| has_headers) {
                    stream.ignored.headers += 1;
                    close_run(&mut chunk.runs, chunk.entries.len(), &named);
                    named = (Arc::new(layout), How::Header);
                    stream.note(&named.0, named.1);
                } else {
                    chunk.entries.push(Entry { span, record: record as u32, index });
                }
                index += 1;
            }
        }
        drop(rejects);
        close_run(&mut chunk.runs, chunk.entries.len(), &named);
        if chunk.replayed_format.is_none() && named.1 == How::Header {
            stream.layout = Some(named);
        }
        out.push(chunk);
    }

    /// The columns that the text of `line` names, where it is the header line of a flow log.
    fn header(&self, line: &[u8]) -> Option<Layout> {
        memchr::memmem::find(line, HEADER_WORD)?;
        let log = read(line, 0, &mut self.calendar(self.received_ms()));
        vpc_flow::header_of(log.text.of(line))
    }
}

impl Format for SyslogFormat {
    fn name(&self) -> &'static str {
        "syslog"
    }

    fn has_syslog(&self) -> bool {
        true
    }

    fn received_ms(&self) -> u64 {
        self.received_ms.unwrap_or_else(clock::wall_millis)
    }

    fn resolve(&self, stream: &mut StreamState, step: Step, out: &mut Vec<Chunk>) {
        if let Step::Chunk(chunk) = step {
            self.chunk(stream, chunk, out);
        }
    }

    fn parse(&self, entry: Span, layout: &Layout, out: &mut Writer<'_>) -> Result<(), ParseError> {
        let mut calendar = self.calendar(out.received_ms);
        calendar.quarter = out.quarter;
        let mut log = read(entry.of(out.bytes), entry.start as usize, &mut calendar);
        out.quarter = calendar.quarter;
        log.is_flow = vpc_flow::is_flow(log.text, layout, out);
        if !log.is_flow {
            out.clear_row();
        }
        out.syslogs.push(log);
        Ok(())
    }
}

/// What `line` says, which begins at `base` in the chunk's bytes.
fn read(line: &[u8], base: usize, calendar: &mut Calendar<'_>) -> Syslog {
    let mut log = Syslog { at_nanos: calendar.received_nanos(), ..Syslog::default() };
    let mut reader = Reader::new(line, base);
    reader.takes(BOM);
    log.priority = priority(&mut reader);
    if !rfc5424::read(&reader, &mut log, calendar) {
        rfc3164::read(&mut reader, &mut log, calendar);
    }
    log
}

/// Takes the priority: `<0>` to `<191>`.
fn priority(reader: &mut Reader<'_>) -> Option<u8> {
    let mut inside = *reader;
    inside.takes(b"<").then_some(())?;
    let (number, digits) = inside.number(3).filter(|(number, _)| *number <= 191)?;
    inside.take(digits);
    inside.takes(b">").then_some(())?;
    *reader = inside;
    Some(number as u8)
}

/// A line without its end and the zeros that some senders put there.
fn trimmed(bytes: &[u8], line: Span) -> Span {
    let text = line.of(bytes);
    let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r' | 0);
    let len = text.iter().rposition(|byte| !is_end(byte)).map_or(0, |last| last + 1);
    Span { len: len as u32, ..line }
}

fn close_run(runs: &mut Vec<Run>, entries: usize, (layout, how): &Named) {
    let end = entries as u32;
    if runs.last().map_or(0, |run| run.end) < end {
        runs.push(Run { end, layout: layout.clone(), named: how.is_named(), log_group: None });
    }
}
