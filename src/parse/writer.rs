//! Where a format writes what one entry says: the row and the extras of one event.

use std::{net::Ipv6Addr, sync::Arc};

use crate::event::{Span, Value};

/// Writes one event's row; made anew for each entry's row by [`super::Parser`].
#[derive(Debug)]
pub struct Writer<'a> {
    bytes: &'a [u8],
    derived: &'a mut Vec<u8>,
    values: &'a mut Vec<Value>,
    extras: &'a mut Vec<(Arc<str>, Span)>,
    start: Start,
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
        Self { bytes, derived, values, extras, start: Start::default() }
    }

    /// The chunk's bytes.
    #[must_use]
    #[inline]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Says that slot number `slot` of the row holds `value`. Slots of which nothing is said are absent.
    #[inline]
    pub fn put(&mut self, slot: u8, value: Value) {
        self.values[self.start.row + usize::from(slot)] = value;
    }

    /// Keeps an IPv6 address that was received as `text`.
    #[inline]
    pub fn v6(&mut self, address: Ipv6Addr, text: Span) -> Value {
        let octets = self.derived.len() as u32;
        self.derived.extend_from_slice(&address.octets());
        Value::V6 { text, octets }
    }

    /// Says that the column called `name`, which the vocabulary does not hold, has this text.
    #[inline]
    pub fn extra(&mut self, name: &Arc<str>, text: Span) {
        self.extras.push((name.clone(), text));
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
