//! A sample: what a window that has folded taught, until it has entered the baseline.

use crate::score::{
    entities::series::FEATURES,
    grid::{Narrow, Window},
};

use super::decay::Moment;

/// What a window taught: the bucket of each feature's value, or [`NOTHING`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::score) struct Sample {
    /// The window whose fold taught it.
    pub(in crate::score) window: Narrow,
    /// The window in which it was seen: the same, but for what comes out of quarantine.
    pub(in crate::score) seen: Narrow,
    /// As how many windows it counts.
    pub(in crate::score) times: u8,
    pub(in crate::score) buckets: [u16; FEATURES],
}

/// In place of a bucket: nothing of this feature.
pub(in crate::score) const NOTHING: u16 = u16::MAX;

// === impl Sample ===

impl Sample {
    /// What `window` taught when it folded.
    pub(in crate::score) fn of(window: Window, buckets: [u16; FEATURES]) -> Self {
        let window = Narrow::of(window);
        Self { window, seen: window, times: 1, buckets }
    }

    /// What `feature` came to, and how much it weighs, where `at` is the moment of the hour in which it was seen.
    pub(in crate::score) fn taught(&self, feature: usize, at: Moment) -> Option<(u16, Moment)> {
        let bucket = self.buckets[feature];
        (bucket != NOTHING).then(|| (bucket, Moment { weight: at.weight * u32::from(self.times), ..at }))
    }
}
