//! A peak: the window of an entity that was the most surprising.

use crate::event::Score;

use super::grid::Window;

/// An entity's most surprising window so far.
#[derive(Debug, Clone)]
pub(super) struct Peak {
    pub(super) score: Score,
    pub(super) window: Window,
    pub(super) host: Option<Box<str>>,
}
