//! One chunk's entries as they are found: which segment each belongs to, and what was rejected before.

use std::sync::Arc;

use super::{Place, learn::Segment};
use crate::{
    event::{Chunk, Entry, Layout, LogEvent, Origin, Reason, Reject, Span},
    parse::{How, Named, StreamState},
};

/// Puts the entries of a chunk into its tables, and closes a segment where the next entry is read otherwise.
pub(super) struct Sift {
    /// The layout that somebody named for the next line; `None` where it is to be learned.
    pub layout: Option<Named>,
    /// Which entries have which named layout, or none.
    pub segments: Vec<Segment>,
    /// Why the layout that should hold cannot be used.
    pub unreadable: Option<String>,
    /// What the source rejected, in the order of the records; taken from the chunk while its lines are gone through.
    pub early: Vec<Reject>,
    next_early: usize,
    /// The layout of the objects that the open run holds; none where it holds lines.
    objects: Option<Arc<Layout>>,
    /// The log group whose log events the open run holds, with the layout that holds outside of it.
    group: Option<(Origin, Option<Named>)>,
}

/// The most log groups of one stream whose layouts are remembered.
const GROUPS_MAX: usize = 1024;

// === impl Sift ===

impl Sift {
    pub fn new(chunk: &mut Chunk, layout: Option<Named>, unreadable: Option<String>) -> Self {
        let mut early = std::mem::take(&mut chunk.rejects);
        early.sort_by_key(|reject| reject.entry.record);
        chunk.entries.clear();
        chunk.entries.reserve(chunk.records.len());
        chunk.runs.clear();
        chunk.log_events.clear();
        Self { layout, segments: Vec::new(), unreadable, early, next_early: 0, objects: None, group: None }
    }

    /// Whether the source has rejected record number `index`.
    #[inline]
    pub fn is_rejected(&mut self, index: usize) -> bool {
        let Some(reject) =
            self.early.get_mut(self.next_early).filter(|reject| reject.entry.record as usize == index)
        else {
            return false;
        };
        if let Some((layout, how)) = &self.layout
            && reject.format.is_none()
            && how.is_named()
        {
            reject.format = Some(layout.format().clone());
        }
        self.next_early += 1;
        true
    }

    /// Adds the line that `span` covers and that stands at `place`.
    #[inline]
    pub fn line(&mut self, chunk: &mut Chunk, stream: &mut StreamState, span: Span, place: Place) {
        if self.objects.is_some() || self.group.is_some() {
            self.turn_to_lines(chunk, stream, place);
        }
        match &self.unreadable {
            None => {
                let entry = entry(chunk, span, place);
                chunk.entries.push(entry);
            }
            Some(detail) => self.reject(chunk, span, place, Reason::LayoutUnknown, detail.clone()),
        }
    }

    /// Adds the object that `span` covers and whose members `layout` names.
    pub fn object(
        &mut self,
        chunk: &mut Chunk,
        stream: &mut StreamState,
        span: Span,
        place: Place,
        layout: &Arc<Layout>,
    ) {
        if place.log_event.is_none() {
            self.leave(chunk, stream);
        }
        if !self.objects.as_ref().is_some_and(|open| Arc::ptr_eq(open, layout)) {
            self.close_segment(chunk);
            self.objects = Some(layout.clone());
        }
        let entry = entry(chunk, span, place);
        chunk.entries.push(entry);
    }

    /// Adds what cannot be read.
    pub fn reject(&self, chunk: &mut Chunk, span: Span, place: Place, reason: Reason, detail: String) {
        let group = self.group.as_ref().map(|(group, _)| group.clone());
        chunk.rejects.push(Reject {
            entry: Entry { span, record: place.record, index: place.index },
            reason,
            detail,
            format: chunk.replayed_format.clone(),
            log_event: group.zip(place.log_event),
        });
    }

    /// What follows are log events of `group`; their lines are read with the layout last named there, else with
    /// `opening`.
    pub fn enter(
        &mut self,
        chunk: &mut Chunk,
        stream: &mut StreamState,
        group: &Origin,
        opening: Option<Named>,
    ) {
        if self.group.as_ref().is_some_and(|(open, _)| open == group) {
            return;
        }
        self.leave(chunk, stream);
        self.close_segment(chunk);
        let inside = stream.groups.get(group).cloned().or(opening);
        self.group = Some((group.clone(), std::mem::replace(&mut self.layout, inside)));
    }

    /// Ends the segment of the entries since the last one, if there are any.
    pub fn close_segment(&mut self, chunk: &Chunk) {
        let objects = self.objects.take().map(|objects| (objects, How::Members));
        let end = chunk.entries.len() as u32;
        if self.segments.last().map_or(0, |segment| segment.end) == end {
            return;
        }
        let named = objects.or_else(|| self.layout.clone());
        let log_group = self.group.as_ref().map(|(group, _)| group.clone());
        self.segments.push(Segment { end, named, log_group });
    }

    /// What follows are no log events, if it were.
    pub fn leave(&mut self, chunk: &Chunk, stream: &mut StreamState) {
        if self.group.is_none() {
            return;
        }
        self.close_segment(chunk);
        let Some((group, outside)) = self.group.take() else { return };
        let Some(inside) = std::mem::replace(&mut self.layout, outside) else { return };
        if stream.groups.len() >= GROUPS_MAX && !stream.groups.contains_key(&group) {
            stream.groups.clear();
        }
        stream.groups.insert(group, inside);
    }

    #[cold]
    fn turn_to_lines(&mut self, chunk: &mut Chunk, stream: &mut StreamState, place: Place) {
        if place.log_event.is_none() {
            self.leave(chunk, stream);
        }
        if self.objects.is_some() {
            self.close_segment(chunk);
        }
    }
}

/// The entry that `span` covers; a log event's takes its place among the chunk's.
#[inline]
fn entry(chunk: &mut Chunk, span: Span, place: Place) -> Entry {
    let mut index = place.index;
    if let Some(position) = place.log_event {
        chunk.log_events.push(LogEvent { position, index });
        index = chunk.log_events.len() as u32 - 1;
    }
    Entry { span, record: place.record, index }
}
