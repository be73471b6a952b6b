//! What became of a flow.

use super::row::Row;
use crate::event::Field;

/// What became of a flow, as far as the record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Accepted,
    Rejected,
    /// The record says nothing of it.
    Unsaid,
    /// There is no flow: the record tells that nothing was seen, or that something may have been missed.
    NoFlow,
}

// === impl Outcome ===

impl Outcome {
    /// Every outcome, in the order of its number.
    pub(super) const ALL: [Self; 4] = [Self::Accepted, Self::Rejected, Self::Unsaid, Self::NoFlow];

    /// What became of the flow of `row`.
    #[inline]
    pub(super) fn of(row: &Row<'_>) -> Self {
        // NODATA and SKIPDATA tell of no flow and have no action; where one has, it says what became of a flow.
        match (row.initial(Field::Action), row.initial(Field::LogStatus)) {
            (b'A', _) => Self::Accepted,
            (b'R', _) => Self::Rejected,
            (_, b'N' | b'S') => Self::NoFlow,
            _ => Self::Unsaid,
        }
    }
}
