//! The latest records of a stream, for what only many of them can tell; and which columns are known while they are asked.

use super::columns::{Cut, Kept};
use crate::event::{Field, FieldSet};

/// The latest records with an address, as many as fit.
#[derive(Debug, Default)]
pub(super) struct Sample {
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

// === impl Sample ===

impl Sample {
    pub(super) fn add(&mut self, line: Cut<'_>) {
        let kept = line.keep();
        self.bytes += kept.len();
        if self.lines.len() < LINES_MAX && (self.bytes <= BYTES_MAX || self.lines.is_empty()) {
            self.lines.push(kept);
            return;
        }
        // The oldest makes room; a longer one than it may stand over the limit until it is the oldest itself.
        self.next = (self.next + 1) % self.lines.len();
        let old = std::mem::replace(&mut self.lines[self.next], kept);
        self.bytes -= old.len();
    }

    pub(super) fn lines(&self) -> &[Kept] {
        &self.lines
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
