//! Which leases a worker takes: those that are available, up to its share; else one of the worker that has most, if that is
//! more than its share. As `DynamoDBLeaseTaker.java` of the Kinesis Client Library has it, but that a lease which nobody has
//! held yet counts against the share: workers that start together then need not steal from the first.

use std::collections::BTreeMap;

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

/// A lease that can be read now, as far as sharing is concerned.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'a> {
    pub(super) owner: Option<&'a str>,
    /// It is free or has expired.
    pub(super) is_available: bool,
    /// It has been for long: whoever has room takes it, whatever the shares are.
    pub(super) is_neglected: bool,
}

/// What a worker may have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// The most leases of this worker.
    pub(super) most: usize,
    /// The most that are taken from a worker that still holds them, now.
    pub(super) steal: usize,
}

/// The candidates to take, by their places, in random order: workers that look at the same time then seldom want the same.
pub(super) fn choose(
    candidates: &[Candidate<'_>],
    worker: &str,
    bounds: Bounds,
    random: &mut ChaCha8Rng,
) -> Vec<usize> {
    let mut counts = BTreeMap::from([(worker, 0)]);
    for candidate in candidates.iter().filter(|candidate| !candidate.is_available) {
        *counts.entry(candidate.owner.unwrap_or_default()).or_insert(0) += 1;
    }
    let held = counts[worker];
    let room = bounds.most.saturating_sub(held);
    let of = |wanted: &dyn Fn(&Candidate<'_>) -> bool, random: &mut ChaCha8Rng| {
        let mut places: Vec<usize> = (0..candidates.len()).filter(|at| wanted(&candidates[*at])).collect();
        places.shuffle(random);
        places
    };
    let neglected = of(&|candidate| candidate.is_available && candidate.is_neglected, random);
    let share = candidates.len().div_ceil(counts.len()).max(1);
    let needed = share.saturating_sub(held).min(room);
    let available = of(&|candidate| candidate.is_available && !candidate.is_neglected, random);
    let mut chosen: Vec<usize> = neglected.into_iter().take(room).collect();
    let left = needed.saturating_sub(chosen.len());
    chosen.extend(available.into_iter().take(left));
    if !chosen.is_empty() || needed == 0 {
        return chosen;
    }
    let Some((busiest, most)) = counts.into_iter().max_by_key(|(_, count)| *count) else { return chosen };
    // At exactly its share one is given up where we lack more than one: shares are rounded up.
    let over = if needed > 1 && most == share { 1 } else { most.saturating_sub(share) };
    let victims = of(&|candidate| !candidate.is_available && candidate.owner == Some(busiest), random);
    victims.into_iter().take(over.min(needed).min(bounds.steal)).collect()
}

/// The order in which a worker takes leases.
pub(super) fn random(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { most: usize::MAX, steal: 1 };

    fn held(owner: &str) -> Candidate<'_> {
        Candidate { owner: Some(owner), is_available: false, is_neglected: false }
    }

    fn free<'a>() -> Candidate<'a> {
        Candidate { owner: None, is_available: true, is_neglected: false }
    }

    fn chosen(candidates: &[Candidate<'_>], bounds: Bounds) -> Vec<usize> {
        let mut places = choose(candidates, "us", bounds, &mut random(1));
        places.sort_unstable();
        places
    }

    #[test]
    fn a_worker_alone_takes_everything_it_may_have() {
        let candidates = [free(), Candidate { owner: Some("them"), ..free() }, free()];
        assert_eq!(chosen(&candidates, BOUNDS), [0, 1, 2]);
        assert_eq!(chosen(&candidates, Bounds { most: 2, ..BOUNDS }).len(), 2);
        assert_eq!(chosen(&[], BOUNDS), [0; 0]);
    }

    #[test]
    fn among_others_it_takes_its_share_rounded_up_of_what_is_available() {
        let candidates = [held("a"), held("b"), free(), free(), free(), free(), free()];
        assert_eq!(chosen(&candidates, BOUNDS).len(), 3);
        let candidates = [held("a"), held("b"), held("us"), held("us"), held("us"), free(), free()];
        assert_eq!(chosen(&candidates, BOUNDS).len(), 0, "it has its share");
    }

    #[test]
    fn it_steals_one_from_the_busiest_only_when_nothing_is_available_and_that_one_has_more_than_its_share() {
        let mut candidates = vec![held("a"), held("b"), held("b"), held("b"), held("b")];
        let [stolen] = chosen(&candidates, BOUNDS)[..] else { panic!("one") };
        assert!(stolen > 0, "of b");
        assert_eq!(chosen(&candidates, Bounds { steal: 5, ..BOUNDS }).len(), 2, "b keeps its share of two");
        assert_eq!(chosen(&candidates, Bounds { steal: 0, ..BOUNDS }).len(), 0);
        candidates.push(free());
        assert_eq!(chosen(&candidates, BOUNDS), [5]);
        // Each has its share: nobody gains anything by a change.
        assert_eq!(chosen(&[held("a"), held("b"), held("us")], BOUNDS).len(), 0);
        assert_eq!(chosen(&[held("a"), held("a"), held("us")], BOUNDS).len(), 0);
    }

    #[test]
    fn it_steals_from_a_worker_at_its_share_only_where_it_lacks_more_than_one() {
        // Shares of five leases for three workers are two each.
        let candidates = [held("a"), held("a"), held("b"), held("b"), held("b")];
        assert_eq!(chosen(&candidates, BOUNDS).len(), 1);
        let candidates = [held("a"), held("a"), held("b"), held("b")];
        assert_eq!(chosen(&candidates, BOUNDS).len(), 1);
        let candidates = [held("a"), held("a"), held("b"), held("b"), held("us")];
        assert_eq!(chosen(&candidates, BOUNDS).len(), 0);
    }

    #[test]
    fn what_nobody_takes_for_long_is_taken_beyond_the_share() {
        let neglected = Candidate { is_neglected: true, ..free() };
        let candidates = [held("us"), held("us"), held("a"), neglected];
        assert_eq!(chosen(&candidates, BOUNDS), [3]);
        assert_eq!(chosen(&candidates, Bounds { most: 2, steal: 1 }).len(), 0);
    }

    #[test]
    fn workers_that_take_turns_come_to_shares_that_differ_by_at_most_one_and_then_rest() {
        for leases in 1..20 {
            for workers in 1..6 {
                let names: Vec<String> = (0..workers).map(|worker| format!("w{worker}")).collect();
                let mut owners: Vec<Option<usize>> = vec![None; leases];
                let mut random = random(leases as u64 * 7 + workers as u64);
                let mut changes = 0;
                for round in 0..200 {
                    let worker = round % workers;
                    let view = |owner: &Option<usize>| match owner {
                        Some(owner) => held(&names[*owner]),
                        None => free(),
                    };
                    let candidates: Vec<Candidate<'_>> = owners.iter().map(view).collect();
                    let taken = choose(&candidates, &names[worker], BOUNDS, &mut random);
                    changes = if taken.is_empty() { changes } else { round };
                    taken.into_iter().for_each(|at| owners[at] = Some(worker));
                }
                let count = |worker| owners.iter().filter(|owner| **owner == Some(worker)).count();
                let counts: Vec<usize> = (0..workers).map(count).collect();
                let share = leases.div_ceil(workers);
                assert_eq!(counts.iter().sum::<usize>(), leases);
                assert!(counts.iter().all(|count| *count <= share), "{leases} leases: {counts:?}");
                assert!(changes < 150, "{leases} leases: {counts:?} after {changes} rounds");
            }
        }
    }
}
