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

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::event::Maturity;
    use crate::score::{
        grid::Grid,
        histogram::geometry::BUCKETS,
        usual::{
            habits::Shifts,
            judge::{Appointment, Judge},
            peers::{EVERYBODY, Peers},
        },
    };

    const FOLD: i64 = 4_000_002;

    proptest! {
        #[test]
        fn a_newcomer_is_judged_as_if_its_judge_were_made_for_it_alone(
            votes in vec(vec(0_u16..BUCKETS as u16, FEATURES), 0..60), moments in vec((0_u32..3, 16_u32..5000), 1..4),
        ) {
            let moments = moments.iter().map(|&(landmark, weight)| Moment { landmark, weight });
            let mut peers = Peers::new(7);
            for moment in moments.clone() {
                peers.gather(0, votes.iter().map(|vote| (EVERYBODY, &vote[..])), moment);
            }
            peers.settle(FOLD, &Grid::new(600));
            // Who is asked as of another moment than the first is judged as of that.
            for now in moments {
                let pooled = peers.judging(EVERYBODY, 0, FOLD, now);
                let (shifts, maturity) = (Shifts::default(), Maturity::Warming);
                let appointment = Appointment { as_of: FOLD, now, pooled, learn_all: 86_400, shifts, maturity };
                let (mut own, mut shared) = (Judge::none(), Judge::none());
                own.appoint(&appointment, |_, pool| Knots::of(Series::default(), &[], pool, now));
                shared.appoint_for_newcomer(&appointment, 0);
                prop_assert_eq!(format!("{own:?}"), format!("{shared:?}"));
            }
        }
    }
}
