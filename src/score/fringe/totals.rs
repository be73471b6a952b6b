//! How many of what there were of the outside, since the process began.

/// How many of what there were, since the process began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Externals that got a record because they came often.
    pub admitted_often: u64,
    /// Externals that got a record because both sides talked.
    pub admitted_proven: u64,
    /// Externals that got a record because they came to many entities.
    pub admitted_spread: u64,
    /// Externals that lost their record to another one.
    pub evicted: u64,
    /// Records of an external that has none of its own.
    pub unadmitted: u64,
    /// Pairs that got a record.
    pub pairs_admitted: u64,
    /// Pairs that lost their record to another one.
    pub pairs_evicted: u64,
    /// Records too late for the sketches of their window: only externals and pairs counted them.
    pub unsketched: u64,
}

// === impl Totals ===

impl Totals {
    /// Both together.
    #[must_use]
    pub const fn and(self, other: &Self) -> Self {
        Self {
            admitted_often: self.admitted_often + other.admitted_often,
            admitted_proven: self.admitted_proven + other.admitted_proven,
            admitted_spread: self.admitted_spread + other.admitted_spread,
            evicted: self.evicted + other.evicted,
            unadmitted: self.unadmitted + other.unadmitted,
            pairs_admitted: self.pairs_admitted + other.pairs_admitted,
            pairs_evicted: self.pairs_evicted + other.pairs_evicted,
            unsketched: self.unsketched + other.unsketched,
        }
    }
}
