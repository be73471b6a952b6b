//! Where a format writes what one entry says: the row and the extras of one event.

use std::{net::IpAddr, sync::Arc};

use super::vpc_flow::Program;
use crate::event::{Event, FieldSet, Layout, Span, Syslog, Value};

/// Writes the rows of a chunk's events, one after the other, at the end of a batch's tables.
#[derive(Debug)]
pub struct Writer<'a> {
    /// The chunk's bytes.
    pub(super) bytes: &'a [u8],
    pub(super) derived: &'a mut Vec<u8>,
    pub(super) values: &'a mut Vec<Value>,
    pub(super) extras: &'a mut Vec<(Arc<str>, Span)>,
    pub(super) syslogs: &'a mut Vec<Syslog>,
    /// When the chunk was received, in milliseconds since 1970; 0 where it does not matter.
    pub(super) received_ms: u64,
    /// What was last looked up of a time zone; see [`super::syslog`].
    pub(super) quarter: (i64, i64),
    /// Where the row begins that is being written.
    pub(super) start: Start,
    /// What the columns hold in the run of entries that is being read.
    pub(super) program: Program,
    slots: usize,
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
        syslogs: &'a mut Vec<Syslog>,
    ) -> Self {
        let (start, program) = (Start::default(), Program::new());
        Self {
            bytes,
            derived,
            values,
            extras,
            syslogs,
            received_ms: 0,
            quarter: (i64::MIN, 0),
            start,
            program,
            slots: 0,
        }
    }

    /// Begins a run of entries of `layout`.
    pub(super) fn run(&mut self, layout: &Layout) {
        self.program.load(layout);
        self.slots = layout.fields().len();
    }

    /// Begins a row of the run, all its slots absent.
    #[inline]
    pub(super) fn begin(&mut self) -> Start {
        self.start = Start { row: self.values.len(), extras: self.extras.len(), derived: self.derived.len() };
        self.values.resize(self.start.row + self.slots, Value::Absent);
        self.start
    }

    /// Begins the row again.
    pub(super) fn restart(&mut self) {
        self.undo();
        self.begin();
    }

    /// Leaves the event without a row: it is none of the layout's.
    pub(super) fn clear_row(&mut self) {
        self.undo();
    }

    /// Gives `event`, which was just read, what its syslog header says.
    pub(super) fn head(&mut self, event: &mut Event, sender: Option<(IpAddr, u16)>) {
        let Some(place) = self.syslogs.len().checked_sub(1) else { return };
        let log = &mut self.syslogs[place];
        log.sender = sender;
        event.syslog = place as u32;
        if !log.is_flow {
            event.fields = FieldSet::default();
        }
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
