//! What became of a flow.

use crate::{
    event::Field,
    normalize::{
        paths::{EVENT_ACTION, EVENT_OUTCOME, EVENT_TYPE},
        piece::piece,
    },
};

use super::row::Row;

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
        // NODATA and SKIPDATA tell of no flow; OK, or no status at all, does.
        match (row.initial(Field::LogStatus), row.initial(Field::Action)) {
            (b'N' | b'S', _) => Self::NoFlow,
            (_, b'A') => Self::Accepted,
            (_, b'R') => Self::Rejected,
            _ => Self::Unsaid,
        }
    }

    /// The members of `event` that tell it.
    pub(super) const fn members(self) -> &'static [u8] {
        match self {
            Self::Accepted => piece![
                Key(EVENT_TYPE),
                Text("[\"connection\",\"allowed\"],"),
                Key(EVENT_ACTION),
                Text("\"accept\","),
                Key(EVENT_OUTCOME),
                Text("\"success\","),
            ],
            Self::Rejected => piece![
                Key(EVENT_TYPE),
                Text("[\"connection\",\"denied\"],"),
                Key(EVENT_ACTION),
                Text("\"reject\","),
                Key(EVENT_OUTCOME),
                Text("\"failure\","),
            ],
            Self::Unsaid => piece![Key(EVENT_TYPE), Text("[\"connection\"],")],
            Self::NoFlow => piece![Key(EVENT_TYPE), Text("[\"info\"],")],
        }
    }
}
