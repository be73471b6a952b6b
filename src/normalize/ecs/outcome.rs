//! How it is said what became of a flow.

use crate::normalize::{
    outcome::Outcome,
    paths::{EVENT_ACTION, EVENT_OUTCOME, EVENT_TYPE},
    piece::piece,
};

// === impl Outcome ===

impl Outcome {
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
