//! Which time scoring has covered so far.

use super::{Scorer, lock};

/// What a scorer has seen of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Covered {
    /// When the first and the last record in time ended, in seconds since 1970; none where there was none.
    pub period: Option<(u64, u64)>,
    /// Records that came too late for their window, and taught and showed nothing.
    pub late: u64,
}

// === impl Scorer ===

impl Scorer {
    /// What this process has seen of time.
    #[must_use]
    pub fn covered(&self) -> Covered {
        let gate = lock(&self.gate);
        let seconds = |time: i64| u64::try_from(time).unwrap_or(0);
        let last = seconds(gate.clocks.furthest());
        let period = gate.earliest.map(seconds).map(|first| (first, last.max(first)));
        Covered { period, late: gate.late }
    }
}
