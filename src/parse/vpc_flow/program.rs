//! A layout as a program: what each column holds and where its value goes, small and side by side.

use crate::event::{Column, Field, Kind, Layout};

/// What a layout says of its columns, made ready once for a run of entries.
#[derive(Debug)]
pub(in crate::parse) struct Program {
    steps: [Step; Layout::COLUMNS_MAX],
    len: usize,
    /// The slot of the flow's first second, where the layout has it.
    pub(super) start: Option<u8>,
    /// The slot of the flow's last second, where the layout has it.
    pub(super) end: Option<u8>,
}

/// One column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub what: What,
    /// The slot of its value in the row; for an extra, its own place among the columns.
    pub place: u8,
    /// The greatest number it can hold.
    pub max: u64,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Uint,
    Address,
    Text,
    Action,
    LogStatus,
    /// Text under a name that the vocabulary does not hold.
    Extra,
}

// === impl Program ===

impl Program {
    /// A program without a column.
    pub(in crate::parse) const fn new() -> Self {
        let step = Step { what: What::Extra, place: 0, max: 0 };
        Self { steps: [step; Layout::COLUMNS_MAX], len: 0, start: None, end: None }
    }

    /// Makes it the program of `layout`.
    pub(in crate::parse) fn load(&mut self, layout: &Layout) {
        let slot = |field| layout.fields().slot(field).map(|slot| slot as u8);
        self.start = slot(Field::Start);
        self.end = slot(Field::End);
        self.len = layout.columns().len();
        for (number, (step, column)) in self.steps.iter_mut().zip(layout.columns()).enumerate() {
            *step = Step::of(column, number);
        }
    }

    /// Its columns, in the order of an entry's.
    #[inline]
    pub(super) fn steps(&self) -> &[Step] {
        &self.steps[..self.len]
    }
}

// === impl Step ===

impl Step {
    fn of(column: &Column, number: usize) -> Self {
        let Column::Known { field, slot } = *column else {
            return Self { what: What::Extra, place: number as u8, max: 0 };
        };
        let (what, max) = match field.info().kind {
            Kind::Uint(max) => (What::Uint, max),
            Kind::Address => (What::Address, 0),
            Kind::Text => (What::Text, 0),
            Kind::Action => (What::Action, 0),
            Kind::LogStatus => (What::LogStatus, 0),
        };
        Self { what, place: slot, max }
    }
}
