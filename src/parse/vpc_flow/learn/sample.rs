//! The latest records of a stream, for what only many of them can tell; and which columns are known while they are asked.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use super::columns::{Cut, Kept};
use crate::event::{Field, FieldSet};

/// Room for the records that all streams of a source keep to learn from: nothing that is sent takes more.
#[derive(Debug, Clone, Default)]
pub(in crate::parse::vpc_flow) struct Room(Arc<AtomicUsize>);

/// The latest records with an address, as many as fit.
#[derive(Debug)]
pub(super) struct Sample {
    room: Room,
    lines: Vec<Kept>,
    next: usize,
    bytes: usize,
}

/// The records, and what each column can be so far. Asking takes away what a column cannot be.
pub(super) struct Scene<'a> {
    pub lines: &'a [Kept],
    /// Numbers of the columns that held a value.
    pub columns: &'a [usize],
    /// What each of them can be.
    pub may: &'a mut [FieldSet],
    pub changed: bool,
}

/// The most records that are kept, and the most bytes of them.
const LINES_MAX: usize = 1024;
const BYTES_MAX: usize = 512 << 10;
/// The most bytes that a source keeps.
pub(in crate::parse) const ROOM_BYTES: usize = 8 << 20;

// === impl Sample ===

impl Sample {
    pub(super) fn new(room: Room) -> Self {
        Self { room, lines: Vec::new(), next: 0, bytes: 0 }
    }

    /// Keeps `line` if there is room, in place of the oldest one where there is not.
    pub(super) fn add(&mut self, line: Cut<'_>) {
        let kept = line.keep();
        let fits = self.lines.len() < LINES_MAX && self.bytes + kept.size() <= BYTES_MAX;
        if fits && self.room.take(kept.size()) {
            self.bytes += kept.size();
            self.lines.push(kept);
            return;
        }
        if self.lines.is_empty() {
            return;
        }
        self.next = (self.next + 1) % self.lines.len();
        let old = self.lines[self.next].size();
        if kept.size() > old && !self.room.take(kept.size() - old) {
            return;
        }
        self.room.give(old.saturating_sub(kept.size()));
        self.bytes = self.bytes + kept.size() - old;
        self.lines[self.next] = kept;
    }

    pub(super) fn lines(&self) -> &[Kept] {
        &self.lines
    }
}

impl Drop for Sample {
    fn drop(&mut self) {
        self.room.give(self.bytes);
    }
}

// === impl Room ===

impl Room {
    fn take(&self, bytes: usize) -> bool {
        let taken = |taken: usize| Some(taken + bytes).filter(|taken| *taken <= ROOM_BYTES);
        self.0.fetch_update(Relaxed, Relaxed, taken).is_ok()
    }

    fn give(&self, bytes: usize) {
        self.0.fetch_sub(bytes, Relaxed);
    }
}

// === impl Scene ===

impl<'a> Scene<'a> {
    /// The column that is `field`, whatever else is not known.
    pub(super) fn sure(&self, field: Field) -> Option<usize> {
        let only = FieldSet::of(&[field]);
        let place = self.may.iter().position(|may| *may == only)?;
        Some(self.columns[place])
    }

    /// The same by the field's name; nothing where the vocabulary has no such field.
    pub(super) fn sure_named(&self, name: &str) -> Option<usize> {
        self.sure(Field::from_name(name)?)
    }

    /// Places and numbers of the columns that can be one of `fields`.
    pub(super) fn candidates(&self, fields: FieldSet) -> Vec<(usize, usize)> {
        let can = |place: &usize| !self.may[*place].and(fields).is_empty();
        (0..self.may.len()).filter(can).map(|place| (place, self.columns[place])).collect()
    }

    /// Notes that the column at `place` is none of `fields`.
    pub(super) fn not(&mut self, place: usize, fields: FieldSet) {
        let left = self.may[place].without(fields);
        self.changed |= left != self.may[place];
        self.may[place] = left;
    }

    /// Notes that the column at `place` is one of `fields`.
    pub(super) fn only(&mut self, place: usize, fields: FieldSet) {
        self.not(place, self.may[place].without(fields));
    }

    /// The records.
    pub(super) fn cuts(&self) -> impl Iterator<Item = Cut<'a>> + use<'a> {
        self.lines.iter().map(Kept::cut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::vpc_flow::learn::columns::Columns;

    #[test]
    fn all_samples_of_a_source_together_take_no_more_than_their_room_and_give_it_back() {
        let room = Room::default();
        let mut columns = Columns::default();
        let line = "10.0.0.1 ".repeat(100);
        let mut samples: Vec<_> = (0..200).map(|_| Sample::new(room.clone())).collect();
        for sample in &mut samples {
            (0..2_000).for_each(|_| sample.add(columns.cut(line.as_bytes())));
            sample.add(columns.cut(b"short"));
            sample.add(columns.cut(line.repeat(9).as_bytes()));
        }
        let kept: usize = samples.iter().map(|sample| sample.bytes).sum();
        assert_eq!(kept, room.0.load(Relaxed));
        assert!(kept <= ROOM_BYTES && kept > ROOM_BYTES - BYTES_MAX, "{kept}");
        assert!(samples[0].bytes <= BYTES_MAX + 9 * 2_000);
        drop(samples);
        assert_eq!(room.0.load(Relaxed), 0);
    }
}
