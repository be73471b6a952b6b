//! Series: which features are learned over which spans of time. Each has a histogram of its own in every entity and pool.
//!
//! Ten-minute windows learn every feature. What adds up to something that no ten minutes show is learned by the hour too,
//! and what is spread over a day by the day: not every feature, because each histogram of an entity costs some hundred bytes.

use crate::{
    event::Feature,
    score::grid::{EPOCH_WINDOWS, WINDOW_SECONDS, Window},
};

/// How many features there are.
pub(in crate::score) const FEATURES: usize = Feature::ALL.len();
/// Features that are learned by the hour.
const HOURLY: [Feature; 7] = [
    Feature::BytesOut,
    Feature::ExternalBytesOut,
    Feature::BytesIn,
    Feature::DestinationPorts,
    Feature::Peers,
    Feature::Sources,
    Feature::Rejects,
];
/// Features that are learned by the day.
const DAILY: [Feature; 3] = [Feature::BytesOut, Feature::ExternalBytesOut, Feature::Peers];
/// How many series there are: those of windows in the order of the features, then those of hours, then those of days.
pub(in crate::score) const SERIES: usize = FEATURES + HOURLY.len() + DAILY.len();

/// A span of time longer than a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(in crate::score) enum Span {
    /// An hour of UTC, which is an epoch.
    Hour,
    /// A day of UTC.
    Day,
}

// === impl Span ===

impl Span {
    /// Every span, the shortest first.
    pub(in crate::score) const ALL: [Self; 2] = [Self::Hour, Self::Day];

    /// The features that are learned over it.
    pub(in crate::score) const fn features(self) -> &'static [Feature] {
        match self {
            Self::Hour => &HOURLY,
            Self::Day => &DAILY,
        }
    }

    /// The first of its series.
    pub(in crate::score) const fn first(self) -> usize {
        match self {
            Self::Hour => FEATURES,
            Self::Day => FEATURES + HOURLY.len(),
        }
    }

    /// Windows in it.
    pub(in crate::score) const fn windows(self) -> Window {
        match self {
            Self::Hour => EPOCH_WINDOWS,
            Self::Day => 24 * EPOCH_WINDOWS,
        }
    }

    /// Its length in seconds.
    pub(in crate::score) const fn seconds(self) -> i64 {
        self.windows() * WINDOW_SECONDS
    }

    /// The first window of the span that `window` lies in.
    pub(in crate::score) const fn start_of(self, window: Window) -> Window {
        window.div_euclid(self.windows()) * self.windows()
    }

    /// The last window of the span that begins with `start`.
    pub(in crate::score) const fn last_of(self, start: Window) -> Window {
        start + self.windows() - 1
    }
}
