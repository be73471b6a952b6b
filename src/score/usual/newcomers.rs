//! How newcomers are judged: by their peers alone, so that all of one pool are judged alike and it is worked out once.

use crate::score::{
    entities::series::{FEATURES, SERIES},
    histogram::{geometry::LAST, packed::Series},
};

use super::{
    decay::Moment,
    influence::ceiling_of_peers,
    knots::{Knots, Seen},
    pool::FrozenPool,
};

/// What peers say of a value of somebody who has no past.
#[derive(Debug, Clone)]
pub(in crate::score) struct Newcomers {
    /// When what they have seen is worth what is said here.
    pub(super) now: Moment,
    pub(super) knots: [Knots; FEATURES],
    /// The highest buckets that they let a newcomer learn.
    pub(super) ceilings: [u16; FEATURES],
    /// How much they have seen of the first feature: every window has a value of every feature.
    pub(super) seen: Seen,
}

// === impl Newcomers ===

impl Newcomers {
    /// What `pools` say as of `now`.
    pub(super) fn of(pools: &[FrozenPool; SERIES], now: Moment) -> Self {
        let tied: [_; FEATURES] =
            std::array::from_fn(|feature| Knots::of(Series::default(), &[], &pools[feature], now));
        let ceiling = |feature: usize| {
            let own_p99 = tied[feature].0.p99().min(LAST);
            ceiling_of_peers(&pools[feature], own_p99, now)
        };
        Self {
            now,
            ceilings: std::array::from_fn(ceiling),
            knots: tied.map(|(knots, _)| knots),
            seen: tied[0].1,
        }
    }
}
