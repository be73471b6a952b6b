//! AWS VPC Flow Logs: lines of columns, named by a header line or the config, or learned from what is in them.

mod address;
mod entry;
mod header;
mod learn;
mod object;
mod plain;
mod program;
mod sift;
mod word;
mod wrapped;

pub(super) use learn::{Learning, Patience, ROOM_BYTES};
pub(super) use program::Program;
use sift::Sift;

use std::sync::{Arc, Mutex, PoisonError};

use self::learn::{Held, Room, Segment};
use super::{Fields, Format, How, Named, ParseError, Step, StreamState, Writer};
use crate::event::{Chunk, Form, Layout, Position, Run, Span};

/// The format of VPC Flow Logs in text.
///
/// A stream's entries are read with the layout of its last header line; a reader that starts in the middle of a stream
/// takes the first header of its beginning, where the source has that at hand. Before any header, and without one, the
/// configured layout holds, else what [`Learning`] makes of the lines. A record that comes back from quarantine is read
/// with the format that it came with.
#[derive(Debug)]
pub(super) struct VpcFlow {
    configured: Option<Arc<Layout>>,
    shelf: Shelf,
    patience: Patience,
    room: Room,
}

/// Layouts in use, so that equal ones are one: thousands of files with the same header share its layout.
#[derive(Debug, Default)]
struct Shelf(Mutex<Vec<Arc<Layout>>>);

/// The most layouts kept on the shelf; of one more, every header makes its own.
const SHELF_MAX: usize = 64;

/// What kind of line it is.
enum Line {
    Blank,
    Header(Layout),
    Entry,
    /// It begins as JSON does.
    Json,
}

/// How many lines a text may hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    One,
    Many,
}

/// Where a line stands.
#[derive(Clone, Copy)]
struct Place {
    record: u32,
    /// Its number in the record, or in the log event.
    index: u32,
    /// The log event that it is part of.
    log_event: Option<Position>,
    /// In how many JSON values it stands.
    depth: u8,
}

// === impl VpcFlow ===

impl VpcFlow {
    pub(super) fn new(configured: Option<Layout>, patience: Patience) -> Self {
        let shelf = Shelf::default();
        Self {
            configured: configured.map(|layout| shelf.shared(layout)),
            shelf,
            patience,
            room: Room::default(),
        }
    }

    /// The layout that somebody named for `chunk`'s first line, unless that is a header; `None` where nobody did.
    fn opening(&self, stream: &StreamState, chunk: &Chunk) -> Result<Option<Named>, String> {
        if let Some(format) = &chunk.replayed_format {
            let fields: Fields = format.parse().map_err(|error: super::Error| error.to_string())?;
            return Ok(Some((self.shelf.shared(fields.layout().clone()), How::Replayed)));
        }
        if let Some(known) = &stream.layout {
            return Ok(Some(known.clone()));
        }
        let from_start = chunk.records.first().is_none_or(|record| record.position == 0);
        let head = chunk.head.as_deref().filter(|_| !from_start).and_then(header::first_of);
        Ok(match head {
            Some(layout) => Some((self.shelf.shared(layout), How::Header)),
            None => self.unnamed(),
        })
    }

    /// The layout of lines that no header has named yet; `None` where it is to be learned.
    fn unnamed(&self) -> Option<Named> {
        self.configured.clone().map(|configured| (configured, How::Configured))
    }

    fn chunk(&self, stream: &mut StreamState, mut chunk: Chunk, out: &mut Vec<Chunk>) {
        let (opening, unreadable) = match self.opening(stream, &chunk) {
            Ok(opening) => (opening, None),
            Err(detail) => (None, Some(detail)),
        };
        let mut sift = Sift::new(&mut chunk, opening, unreadable);
        for record in 0..chunk.records.len() {
            if sift.is_rejected(record) {
                continue;
            }
            let whole = chunk.record_span(record);
            let lines = if chunk.single_lines { Lines::One } else { Lines::Many };
            let place = Place::first(record, chunk.records[record].first_index);
            self.lines(&mut sift, &mut chunk, stream, (whole, lines), place);
        }
        sift.leave(&chunk, stream);
        sift.close_segment(&chunk);
        chunk.rejects.append(&mut sift.early);
        if chunk.replayed_format.is_none() {
            stream.layout = sift.layout;
        }
        self.lay_out(stream, Held { chunk, segments: sift.segments }, out);
    }

    /// Gives the entries of a chunk their layouts, those that are named and those that are learned; or lets it wait.
    fn lay_out(&self, stream: &mut StreamState, mut held: Held, out: &mut Vec<Chunk>) {
        let waiting = stream.learning.as_ref().is_some_and(|learning| learning.is_waiting());
        if !waiting && held.segments.iter().all(|segment| segment.named.is_some()) {
            for Segment { end, named, log_group } in held.segments {
                let Some((layout, how)) = named else { continue };
                stream.note(&layout, how);
                held.chunk.runs.push(Run { end, layout, named: how.is_named(), log_group });
            }
            out.push(held.chunk);
            return;
        }
        let mut learning = stream
            .learning
            .take()
            .unwrap_or_else(|| Box::new(Learning::new(self.patience, self.room.clone())));
        learning.chunk(held, || self.shelf.all(), out);
        stream.learning = Some(learning);
        self.note_learned(stream);
    }

    /// Notes what has been learned, for whoever asks and for other streams.
    fn note_learned(&self, stream: &mut StreamState) {
        let Some(mut learning) = stream.learning.take() else { return };
        for (layout, how) in learning.take_news() {
            stream.note(&layout, how);
            if learning.learned().any(|learned| Arc::ptr_eq(learned, &layout)) {
                self.shelf.add(&layout);
            }
        }
        stream.advice.append(&mut learning.take_advice());
        stream.learning = Some(learning);
    }

    /// Goes through the lines of `text`, the first of which stands at `place`; returns the place after the last.
    #[inline]
    fn lines(
        &self,
        sift: &mut Sift,
        chunk: &mut Chunk,
        stream: &mut StreamState,
        (text, lines): (Span, Lines),
        mut place: Place,
    ) -> Place {
        let mut left = Some(text);
        while let Some(rest) = left {
            let line;
            (line, left) = if lines == Lines::One { (rest, None) } else { split(&chunk.bytes, rest) };
            let span = content(&chunk.bytes, line);
            match Line::of(span.of(&chunk.bytes)) {
                Line::Blank => stream.ignored.blanks += 1,
                Line::Header(layout) => {
                    stream.ignored.headers += 1;
                    // A line that is no log event names nothing of the log group before it.
                    if place.log_event.is_none() {
                        sift.leave(chunk, stream);
                    }
                    sift.close_segment(chunk);
                    sift.layout = Some((self.shelf.shared(layout), How::Header));
                    sift.unreadable = None;
                }
                Line::Entry => sift.line(chunk, stream, span, place),
                Line::Json => {
                    (left, place) = self.json(sift, chunk, stream, rest, place);
                    continue;
                }
            }
            place.index += 1;
        }
        place
    }
}

impl Format for VpcFlow {
    fn name(&self) -> &'static str {
        "vpc_flow"
    }

    fn resolve(&self, stream: &mut StreamState, step: Step, out: &mut Vec<Chunk>) {
        match step {
            Step::Chunk(chunk) => return self.chunk(stream, chunk, out),
            Step::Tick(now) => {
                if let Some(learning) = &mut stream.learning {
                    learning.tick(now, || self.shelf.all(), out);
                }
            }
            Step::End => {
                if let Some(learning) = &mut stream.learning {
                    learning.give_up(&self.shelf.all(), out);
                }
            }
        }
        self.note_learned(stream);
    }

    #[inline]
    fn parse(&self, entry: Span, layout: &Layout, out: &mut Writer<'_>) -> Result<(), ParseError> {
        match layout.form() {
            Form::Line => entry::read(entry, layout, out),
            Form::Object => object::read(entry, layout, out),
        }
    }
}

// === impl Line ===

impl Line {
    /// What `line` is.
    #[inline]
    fn of(line: &[u8]) -> Self {
        match line.first() {
            Some(b'{' | b'[') => Self::Json,
            Some(first) if *first > b' ' && !first.is_ascii_lowercase() => Self::Entry,
            _ if line.iter().all(u8::is_ascii_whitespace) => Self::Blank,
            _ => header::layout(line).map_or(Self::Entry, Self::Header),
        }
    }
}

// === impl Place ===

impl Place {
    #[inline]
    fn first(record: usize, index: u32) -> Self {
        Self { record: record as u32, index, log_event: None, depth: 0 }
    }
}

// === impl Shelf ===

impl Shelf {
    /// `layout`, or the equal one that is in use already.
    fn shared(&self, layout: Layout) -> Arc<Layout> {
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = shelf.iter().find(|known| known.format() == layout.format()) {
            return known.clone();
        }
        let layout = Arc::new(layout);
        if shelf.len() < SHELF_MAX {
            shelf.push(layout.clone());
        }
        layout
    }

    /// Puts `layout` on the shelf, if no equal one is there.
    fn add(&self, layout: &Arc<Layout>) {
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if shelf.len() < SHELF_MAX && !shelf.iter().any(|known| known.format() == layout.format()) {
            shelf.push(layout.clone());
        }
    }

    /// All that are on it.
    fn all(&self) -> Vec<Arc<Layout>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The columns that `line` names, where it is a header line.
pub(super) fn header_of(line: &[u8]) -> Option<Layout> {
    header::layout(line)
}

/// Reads the text that `span` covers as a flow of `layout`, and says whether it is one; if not, nothing of it is left.
pub(super) fn is_flow(span: Span, layout: &Layout, out: &mut Writer<'_>) -> bool {
    let text = span.of(out.bytes);
    let Some(first) = text.first().filter(|_| layout.form() == Form::Line) else { return false };
    let may_begin = match out.program.steps().first().map(|step| step.what) {
        Some(program::What::Uint) => first.is_ascii_digit() || *first == b'-',
        Some(program::What::Address) => first.is_ascii_hexdigit() || matches!(first, b':' | b'-'),
        _ => true,
    };
    may_begin && text.is_ascii() && entry::read(span, layout, out).is_ok()
}

/// The first line of a record, and what is left after it.
#[inline]
pub(super) fn split(bytes: &[u8], record: Span) -> (Span, Option<Span>) {
    let (start, end) = (record.start as usize, record.end() as usize);
    let line_end = memchr::memchr(b'\n', record.of(bytes)).map_or(end, |at| start + at + 1);
    (Span::new(start, line_end), (line_end < end).then(|| Span::new(line_end, end)))
}

/// The part of a line before its terminator.
#[inline]
fn content(bytes: &[u8], line: Span) -> Span {
    let start = line.start as usize;
    let mut end = line.end() as usize;
    if end > start && bytes[end - 1] == b'\n' {
        end -= 1;
    }
    if end > start && bytes[end - 1] == b'\r' {
        end -= 1;
    }
    Span::new(start, end)
}
