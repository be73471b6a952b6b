//! Which of the events that scored low leave: a share of them, by their ids, and everything that a finding rests on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    event::{EventId, Verdict},
    quantity::Share,
};

/// Lets a share of the events and sessions that scored low leave. What has no score leaves, and so does what a finding rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sampling {
    /// Events below this score are sampled, 1 to 100. 20 is a window that one usual window in 16 exceeds.
    #[schemars(range(min = 1, max = 100))]
    pub below: u8,
    /// The share of them that leaves: `1/10`, from `1/2` to `1/1000000`. It is chosen by the event's id, so that a replay and
    /// other sinks choose the same.
    pub keep: Share,
}

// === impl Sampling ===

impl Sampling {
    /// For how many events the one called `id` leaves, of which scoring says `verdict`: see [`Sampling::rate`].
    #[inline]
    pub(super) fn rate_of(self, id: EventId, verdict: Option<&Verdict>) -> u32 {
        let score = verdict.and_then(|verdict| verdict.score);
        self.rate(id, score.map(|score| score.points), verdict.is_some_and(|verdict| verdict.raised))
    }

    /// For how many the one called `id` leaves, which has so many `points`, where it has a score, and on which a finding rests
    /// where it has `raised` one: 1 where it leaves whatever is sampled, 0 where it does not leave.
    #[inline]
    pub(super) fn rate(self, id: EventId, points: Option<u8>, raised: bool) -> u32 {
        if raised || points.is_none_or(|points| points >= self.below) {
            return 1;
        }
        let one_in = self.keep.one_in().get();
        if is_kept(id, one_in) { one_in } else { 0 }
    }
}

/// Whether one in `one_in` events, of which this is one, is the one called `id`. Ids are hashes; their first half chooses
/// what is checked (`app::checks`), so their second half chooses what is kept, and the two choices do not depend on each other.
#[inline]
fn is_kept(id: EventId, one_in: u32) -> bool {
    let half = id.0.last_chunk().map_or(0, |last| u64::from_le_bytes(*last));
    // Below one in so many of all values: the upper half of the product is which of the equal parts the value is in.
    (u128::from(half) * u128::from(one_in)) >> 64 == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::{Feature, IdScheme},
        normalize::sample::score,
    };

    fn verdict(points: Option<u8>, raised: bool) -> Verdict {
        let score = points.map(|points| score(Feature::BytesOut, 1, points, -1.0));
        Verdict { entity: 0, score, window_start: 0, late: false, raised }
    }

    fn ids() -> impl Iterator<Item = EventId> {
        (0..20_000_u32).map(|number| IdScheme::derived("test", &[&number.to_le_bytes()]))
    }

    #[test]
    fn about_the_share_leaves_of_what_scored_low_and_each_says_for_how_many_it_stands() {
        let sampling = Sampling { below: 20, keep: "1/10".parse().unwrap() };
        let rates = |verdict: Option<Verdict>| -> Vec<u32> {
            ids().map(|id| sampling.rate_of(id, verdict.as_ref())).collect()
        };
        let low = rates(Some(verdict(Some(19), false)));
        let kept = low.iter().filter(|rate| **rate == 10).count();
        assert!(low.iter().all(|rate| [0, 10].contains(rate)));
        assert!((1_850..2_150).contains(&kept), "{kept} of 20,000");
        for all in
            [Some(verdict(Some(20), false)), Some(verdict(Some(0), true)), Some(verdict(None, false)), None]
        {
            assert!(rates(all).iter().all(|rate| *rate == 1), "{all:?} leaves whole");
        }
    }

    #[test]
    fn what_a_larger_share_leaves_out_a_smaller_one_leaves_out_too() {
        for id in ids() {
            assert!(is_kept(id, 2) || !is_kept(id, 10));
        }
    }
}
