//! The bench: what judging an entity needs besides the entity.

use crate::{
    event::{Detector, Feature},
    score::{
        detect::watching,
        grid::{Grid, Window},
        sketch::mixer::Mixer,
    },
};

use super::{
    decay::{Decay, Moment},
    peers::{Peers, moment_of},
};

/// What judging needs besides the entity.
#[derive(Debug, Clone, Copy)]
pub(in crate::score) struct Bench<'a> {
    pub(in crate::score) grid: Grid,
    pub(in crate::score) decay: Decay,
    pub(in crate::score) peers: &'a Peers,
    /// Everything through this window has folded.
    pub(in crate::score) folded: Window,
    /// Peers younger than this many seconds learn everything.
    pub(in crate::score) learn_all: i64,
    /// Whether windows count and sum up all their events.
    pub(in crate::score) activity: bool,
    /// Which roles a window keeps of many.
    pub(in crate::score) roles: Mixer,
    /// The features whose detectors are on, as bits.
    pub(in crate::score) told: u8,
}

// === impl Bench ===

impl Bench<'_> {
    /// The fold as of which `window` is judged: its own judge where that has run, else the newest there is. A folded
    /// window is judged by the newest too.
    #[inline]
    pub(in crate::score) fn as_of(&self, window: Window) -> Window {
        let epoch = Grid::epoch(self.folded).min(self.peers.learned());
        if window > self.folded { self.grid.judged_by(window).min(epoch) } else { epoch }
    }

    /// Whether what is unusual of `feature` is told.
    #[inline]
    pub(in crate::score) const fn tells(&self, feature: Feature) -> bool {
        self.told & 1 << feature as u8 != 0
    }

    /// The detector that tells what is unusual of `feature`, where one does.
    pub(in crate::score) fn watching(&self, feature: Feature) -> Option<&'static Detector> {
        watching(feature).filter(|_| self.tells(feature))
    }

    /// The moment of fold `fold`.
    #[inline]
    pub(in crate::score) fn moment(&self, fold: Window) -> Moment {
        self.peers.moment(fold).unwrap_or_else(|| moment_of(self.decay, fold))
    }

    /// Whether the fold that judges `window` for good has run.
    #[inline]
    pub(in crate::score) fn is_final(&self, window: Window) -> bool {
        self.grid.judged_by(window) <= self.folded.min(self.peers.learned())
    }
}
