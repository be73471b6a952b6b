//! A tally: what became of a batch's events at the gate.

use super::plan::Standing;

/// What became of a batch's events, for the metrics.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(in crate::score) struct Tally {
    /// Records that name no addresses: the log saw nothing, or lost something.
    pub(in crate::score) blind: u64,
    /// Flows with no side that could be an entity, or without an end.
    pub(in crate::score) unattributed: u64,
    /// Flows that came too late to be learned.
    pub(in crate::score) late: u64,
    /// Flows from so far in the future that they are not believed.
    pub(in crate::score) early: u64,
    /// The earliest event time of a flow in time, in seconds since 1970.
    pub(in crate::score) earliest: Option<i64>,
    /// Folds that waited for nobody because too many windows were open.
    pub(in crate::score) forced: u64,
    /// Entities seen on a second partition while others hold some.
    pub(in crate::score) divided: u64,
    /// Entities that are new here and have a past elsewhere.
    pub(in crate::score) moved: u64,
    /// Entities that made room for others.
    pub(in crate::score) left: u64,
    /// Flows that came before in their window, at another position.
    pub(in crate::score) repeated: u64,
    /// Flows that there was no room to remember.
    pub(in crate::score) unremembered: u64,
}

// === impl Tally ===

impl Tally {
    /// Counts a flow that stands so and ends at `end`, in seconds since 1970.
    #[inline]
    pub(super) fn note(&mut self, standing: Standing, end: i64) {
        match standing {
            Standing::Learned => {
                self.earliest = Some(self.earliest.map_or(end, |earliest| earliest.min(end)))
            }
            Standing::Late => self.late += 1,
            Standing::Early => self.early += 1,
            Standing::Known | Standing::Repeated => {}
        }
    }
}
