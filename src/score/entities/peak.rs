//! A peak: the window of an entity that was the most surprising.

use crate::{event::Score, score::grid::Window};

/// An entity's most surprising window so far.
#[derive(Debug, Clone)]
pub(in crate::score) struct Peak {
    pub(in crate::score) score: Score,
    pub(in crate::score) window: Window,
    pub(in crate::score) host: Option<Box<str>>,
}
