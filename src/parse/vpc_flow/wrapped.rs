//! Entries that JSON wraps: lines in a member called `message`, objects of fields, the envelopes of CloudWatch Logs.

use std::sync::Arc;

use super::{Lines, Place, Sift, VpcFlow, split};
use crate::{
    codec::{Found, Opener, Text},
    event::{Chunk, Field, Layout, Origin, Reason, Span},
    parse::StreamState,
};

/// Values in values that are opened: an envelope whose messages are objects is two.
const DEPTH_MAX: u8 = 3;

impl VpcFlow {
    /// Opens the JSON values that `rest` begins with, the first of which stands at `place`. Returns what is left where one
    /// of them is broken, which costs its line, and the place after the last.
    #[inline(never)]
    pub(super) fn json(
        &self,
        sift: &mut Sift,
        chunk: &mut Chunk,
        stream: &mut StreamState,
        rest: Span,
        mut place: Place,
    ) -> (Option<Span>, Place) {
        if place.depth == DEPTH_MAX {
            sift.reject(chunk, rest, place, Reason::BadJson, "JSON in JSON in JSON in JSON".to_owned());
            return (None, Place { index: place.index + 1, ..place });
        }
        let first = chunk.records[place.record as usize].first_index;
        let is_whole_record = place.depth == 0 && place.index == first;
        let mut opener = std::mem::take(&mut stream.opener);
        let end = opener.open(&chunk.bytes, rest);
        place = self.take(sift, chunk, stream, &opener, place);
        let controls_only = opener.found().all(|found| *found == Found::Control);
        let is_whole_record = is_whole_record && end.as_ref().is_ok_and(|left| left.len == 0);
        if is_whole_record && controls_only && opener.found().next().is_some() {
            stream.ignored.controls += 1;
        }
        stream.opener = opener;
        let error = match end {
            Ok(left) => return (Some(left).filter(|left| left.len > 0), place),
            Err(error) => error,
        };
        let (line, left) = split(&chunk.bytes, Span::new(error.at as usize, rest.end() as usize));
        sift.reject(chunk, line, place, Reason::BadJson, error.to_string());
        (left, Place { index: place.index + 1, ..place })
    }

    /// Takes what `opener` has found; the first of it stands at `place`. Returns the place after the last.
    fn take(
        &self,
        sift: &mut Sift,
        chunk: &mut Chunk,
        stream: &mut StreamState,
        opener: &Opener,
        mut place: Place,
    ) -> Place {
        let decoded = chunk.bytes.len();
        chunk.bytes.extend_from_slice(opener.decoded());
        let entries = opener.found().count();
        chunk.entries.reserve(entries);
        chunk.log_events.reserve(entries);
        let is_kept = opener.found().any(|found| matches!(found, Found::Odd { .. }));
        let mut group: Option<&Origin> = None;
        for found in opener.found() {
            match found {
                Found::LogGroup(origin) => group = Some(origin),
                Found::Control => {}
                Found::Text { text, log_event } => {
                    let text = match *text {
                        Text::Decoded(span) => {
                            Span::new(decoded + span.start as usize, decoded + span.end() as usize)
                        }
                        Text::AsReceived(span) => {
                            // In place of the quotation mark: a line that has its end is parsed in one pass.
                            if let Some(end) = chunk.bytes.get_mut(span.end() as usize).filter(|_| !is_kept) {
                                *end = b'\n';
                            }
                            span
                        }
                    };
                    let inside = Place { depth: place.depth + 1, ..place };
                    let lines = Lines::of(text.of(&chunk.bytes));
                    place.index = match (group, *log_event) {
                        (Some(group), Some(position)) => {
                            sift.enter(chunk, stream, group, self.unnamed());
                            let inside = Place { log_event: Some(position), index: 0, ..inside };
                            self.lines(sift, chunk, stream, (text, lines), inside);
                            place.index + 1
                        }
                        _ => self.lines(sift, chunk, stream, (text, lines), inside).index,
                    };
                }
                Found::Object { span, names } => {
                    match self.members(stream, opener.names(*names)) {
                        Ok(layout) => sift.object(chunk, stream, *span, place, &layout),
                        Err(detail) => sift.reject(chunk, *span, place, Reason::LayoutUnknown, detail),
                    }
                    place.index += 1;
                }
                Found::Odd { span, detail } => {
                    sift.reject(chunk, *span, place, Reason::BadJson, (*detail).to_owned());
                    place.index += 1;
                }
            }
        }
        place
    }

    /// The layout of objects whose members have these names, each with a zero behind it.
    fn members(&self, stream: &mut StreamState, names: &str) -> Result<Arc<Layout>, String> {
        if let Some((known, layout)) = &stream.objects
            && known == names
        {
            return Ok(layout.clone());
        }
        let each = || names.split_terminator('\0');
        if !each().any(|name| Field::from_name(name).is_some()) {
            return Err("no member of the object is called as a field of a flow log is".to_owned());
        }
        let layout = Layout::of_members(each()).map_err(|error| error.to_string())?;
        let layout = self.shelf.shared(layout);
        stream.objects = Some((names.to_owned(), layout.clone()));
        Ok(layout)
    }
}

// === impl Lines ===

impl Lines {
    fn of(text: &[u8]) -> Self {
        if memchr::memchr(b'\n', text).is_some() { Self::Many } else { Self::One }
    }
}

#[cfg(test)]
mod tests;
