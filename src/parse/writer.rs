//! Where a format writes what one entry says: the row and the extras of one event.

use std::sync::Arc;

use super::vpc_flow::Columns;
use crate::event::{Span, Value};

/// Writes the rows of a chunk's events, one after the other, at the end of a batch's tables.
#[derive(Debug)]
pub struct Writer<'a> {
    /// The chunk's bytes.
    pub(super) bytes: &'a [u8],
    pub(super) derived: &'a mut Vec<u8>,
    pub(super) values: &'a mut Vec<Value>,
    pub(super) extras: &'a mut Vec<(Arc<str>, Span)>,
    /// Where the row begins that is being written.
    pub(super) start: Start,
    pub(super) columns: Columns,
}

/// Where an event's parts begin.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Start {
    pub row: usize,
    pub extras: usize,
    derived: usize,
}

// === impl Writer ===

impl<'a> Writer<'a> {
    /// A writer at the end of these tables, for entries in `bytes`.
    pub(super) fn new(
        bytes: &'a [u8],
        derived: &'a mut Vec<u8>,
        values: &'a mut Vec<Value>,
        extras: &'a mut Vec<(Arc<str>, Span)>,
    ) -> Self {
        Self { bytes, derived, values, extras, start: Start::default(), columns: Columns::new() }
    }

    /// Begins a row of `slots` slots, all absent.
    #[inline]
    pub(super) fn begin(&mut self, slots: usize) -> Start {
        self.start = Start { row: self.values.len(), extras: self.extras.len(), derived: self.derived.len() };
        self.values.resize(self.start.row + slots, Value::Absent);
        self.start
    }

    /// How many extras the row has so far.
    #[inline]
    pub(super) fn extras_len(&self) -> usize {
        self.extras.len() - self.start.extras
    }

    /// Takes back everything since the row began.
    pub(super) fn undo(&mut self) {
        self.values.truncate(self.start.row);
        self.extras.truncate(self.start.extras);
        self.derived.truncate(self.start.derived);
    }
}
