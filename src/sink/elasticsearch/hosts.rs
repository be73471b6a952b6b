//! Which of several servers is talked to: one that works, until it fails.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Servers of one cluster, in the order of the config.
#[derive(Debug)]
pub(super) struct Hosts {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The one in use.
    current: usize,
    /// Until when each is left alone, because it failed; and after how many failures in a row.
    rests: Vec<Option<(Instant, u32)>>,
}

/// How long a server is left alone after its first failure; each further one doubles it.
const REST: Duration = Duration::from_secs(1);
const REST_MAX: Duration = Duration::from_secs(60);

// === impl Hosts ===

impl Hosts {
    /// `count` servers, of which none has failed.
    pub(super) fn new(count: usize) -> Self {
        Self { state: Mutex::new(State { current: 0, rests: vec![None; count] }) }
    }

    /// The server to talk to: the one in use; where that rests, the next that does not; where all rest, the one whose rest
    /// is over first. And whether it has failed since it last worked.
    pub(super) fn pick(&self, now: Instant) -> (usize, bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let count = state.rests.len();
        let rests =
            |place: usize| state.rests[place].filter(|(until, _)| *until > now).map(|(until, _)| until);
        let order = (0..count).map(|step| (state.current + step) % count);
        let free = order.clone().find(|place| rests(*place).is_none());
        let picked = free.or_else(|| order.min_by_key(|place| rests(*place))).unwrap_or(0);
        state.current = picked;
        (picked, state.rests[picked].is_some())
    }

    /// The server at `place` does not answer, or not as a server should; says whether another is there to try.
    pub(super) fn failed(&self, place: usize, now: Instant) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let times = state.rests[place].map_or(0, |(_, times)| times);
        let rest = REST.saturating_mul(1 << times.min(10)).min(REST_MAX);
        state.rests[place] = Some((now + rest, times.saturating_add(1)));
        state.rests.iter().any(|rest| rest.is_none_or(|(until, _)| until <= now))
    }

    /// The server at `place` works.
    pub(super) fn worked(&self, place: usize) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).rests[place] = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::clock;

    #[test]
    fn one_server_is_used_until_it_fails_and_the_next_stays_in_use_when_the_first_is_back() {
        let hosts = Hosts::new(3);
        let now = clock::monotonic();
        assert_eq!([hosts.pick(now), hosts.pick(now)], [(0, false), (0, false)]);
        assert!(hosts.failed(0, now), "there are others");
        assert_eq!(hosts.pick(now), (1, false));
        let later = now + Duration::from_secs(5);
        assert_eq!(
            hosts.pick(later),
            (1, false),
            "the first is free again, but nothing is wrong with the second"
        );
        assert!(hosts.failed(1, later));
        assert_eq!(hosts.pick(later), (2, false));
        assert!(hosts.failed(2, later), "the first has rested");
        assert_eq!(hosts.pick(later), (0, true), "and is asked how it is");
    }

    #[test]
    fn where_all_have_failed_the_one_that_rests_shortest_is_tried_and_rests_grow_until_it_works() {
        let hosts = Hosts::new(2);
        let now = clock::monotonic();
        hosts.failed(0, now);
        assert!(hosts.failed(0, now), "the second has not failed yet");
        assert!(!hosts.failed(1, now));
        assert_eq!(hosts.pick(now), (1, true), "the first has failed twice");
        hosts.worked(0);
        assert!(hosts.failed(1, now));
        assert_eq!(hosts.pick(now), (0, false));
    }
}
