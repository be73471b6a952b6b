//! Where the open windows of a part begin: who takes the part over looks at all that comes behind again, so that it is known when
//! it comes once more.

use std::collections::BTreeMap;

use crate::{
    event::{Chunk, Position},
    score::grid::Window,
};

/// Where open windows begin.
#[derive(Debug, Default)]
pub(in crate::score) struct Begun {
    /// Whether anybody asks: of a part.
    pub(in crate::score) is_asked: bool,
    /// Of each, a position that is not after its first record.
    windows: BTreeMap<Window, Position>,
    /// Up to where was looked again at what the restored state holds; none once that is all.
    again_to: Option<Position>,
}

// === impl Begun ===

impl Begun {
    /// Notes that a record in `chunk` lies in `window`, where everything through `folded` has folded.
    #[inline]
    pub(super) fn note(&mut self, (window, folded): (Window, Window), chunk: &Chunk) {
        if self.is_asked && window > folded {
            let first = || chunk.records.first().map_or(chunk.next, |record| record.position);
            self.windows.entry(window).or_insert_with(first);
        }
    }

    /// Notes that all of `chunk` was looked at.
    pub(super) fn read(&mut self, chunk: &Chunk) {
        self.again_to = (self.is_asked && chunk.next < chunk.learn_from).then_some(chunk.next);
    }

    /// Forgets every window through `folded`.
    pub(super) fn fold(&mut self, folded: Window) {
        self.windows = self.windows.split_off(&(folded + 1));
    }

    /// A position that is not after any record of a window that is open; none where no window is.
    pub(in crate::score) fn first(&self) -> Option<Position> {
        let first = self.windows.values().min().copied();
        // What was not looked at again may lie in windows that are open.
        first.into_iter().chain(self.again_to).min()
    }
}
