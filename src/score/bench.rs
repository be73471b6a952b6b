//! The bench: what judging an entity needs besides the entity.

use super::{
    decay::{Decay, Moment},
    grid::{Grid, Window},
    peers::{Peers, moment_of},
};

/// What judging needs besides the entity.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bench<'a> {
    pub(super) grid: Grid,
    pub(super) decay: Decay,
    pub(super) peers: &'a Peers,
    /// Everything through this window has folded.
    pub(super) folded: Window,
    /// Peers younger than this many seconds learn everything.
    pub(super) learn_all: i64,
    /// Whether windows count and sum up all their events.
    pub(super) activity: bool,
}

// === impl Bench ===

impl Bench<'_> {
    /// The fold as of which `window` is judged: its own judge where that has run, else the newest there is. A folded
    /// window is judged by the newest too.
    #[inline]
    pub(super) fn as_of(&self, window: Window) -> Window {
        let epoch = Grid::epoch(self.folded).min(self.peers.learned());
        if window > self.folded { self.grid.judged_by(window).min(epoch) } else { epoch }
    }

    /// The moment of fold `fold`.
    #[inline]
    pub(super) fn moment(&self, fold: Window) -> Moment {
        self.peers.moment(fold).unwrap_or_else(|| moment_of(self.decay, fold))
    }

    /// Whether the fold that judges `window` for good has run.
    #[inline]
    pub(super) fn is_final(&self, window: Window) -> bool {
        self.grid.judged_by(window) <= self.folded.min(self.peers.learned())
    }
}
