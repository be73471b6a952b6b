//! How many requests are under way side by side: as many as make the server take more, and fewer as soon as it says that it
//! has too much to do.
//!
//! It climbs: one request more is allowed as long as that has made the bytes taken in a second grow; where it has not, one
//! fewer, and it looks again after a while. A server that pushes back halves it at once. (Additive increase, multiplicative
//! decrease; Chiu and Jain, 1989.)

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Hands out places for requests.
#[derive(Debug)]
pub(super) struct Pace {
    places: Arc<Semaphore>,
    state: Mutex<State>,
    most: usize,
}

#[derive(Debug)]
struct State {
    /// How many requests may be under way.
    allowed: usize,
    /// How many permits are to be thrown away when they come back.
    owed: usize,
    /// Bytes and requests that were taken since, with all places in use.
    since: Instant,
    bytes: u64,
    requests: usize,
    /// Bytes in a second before the last step up.
    before: f64,
    /// Until when nothing is tried.
    rest: Option<Instant>,
}

/// A place for one request.
#[derive(Debug)]
pub(super) struct Place(OwnedSemaphorePermit);

/// Requests for each place before it is known what they make of it.
const ROUNDS: usize = 4;
/// By how much one place more must raise what is taken.
const GAIN: f64 = 1.05;
/// How long it stays as it is where a place more was of no use, or the server has pushed back.
const REST: Duration = Duration::from_secs(20);

// === impl Pace ===

impl Pace {
    /// Begins with one place and goes up to `most`.
    pub(super) fn new(most: usize, now: Instant) -> Self {
        let state =
            State { allowed: 1, owed: 0, since: now, bytes: 0, requests: 0, before: 0.0, rest: None };
        Self { places: Arc::new(Semaphore::new(1)), state: Mutex::new(state), most: most.max(1) }
    }

    /// How many requests may be under way.
    pub(super) fn allowed(&self) -> usize {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).allowed
    }

    /// A place, as soon as there is one.
    pub(super) async fn place(&self) -> Option<Place> {
        self.places.clone().acquire_owned().await.ok().map(Place)
    }

    /// A request of `bytes` has ended: whether the server has pushed back.
    pub(super) fn ended(&self, place: Place, bytes: u64, pushed_back: bool, now: Instant) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let busy = self.places.available_permits() == 0;
        let allowed = if pushed_back { state.push_back(now) } else { state.took(bytes, busy, self.most, now) };
        self.change(&mut state, allowed);
        if state.owed > 0 {
            state.owed -= 1;
            place.0.forget();
        }
    }

    fn change(&self, state: &mut State, allowed: usize) {
        let more = allowed.saturating_sub(state.allowed);
        let paid = more.min(state.owed);
        state.owed = state.owed - paid + state.allowed.saturating_sub(allowed);
        self.places.add_permits(more - paid);
        state.allowed = allowed;
    }
}

// === impl State ===

impl State {
    fn push_back(&mut self, now: Instant) -> usize {
        // What was on its way when the server pushed back says the same; once is enough.
        let first = self.rest.is_none_or(|rest| rest <= now + REST - Duration::from_secs(1));
        self.begin(now);
        self.rest = Some(now + REST);
        self.before = 0.0;
        if first { (self.allowed / 2).max(1) } else { self.allowed }
    }

    /// What is allowed after a request of `bytes` was taken while all places were in use, or not.
    fn took(&mut self, bytes: u64, busy: bool, most: usize, now: Instant) -> usize {
        if !busy {
            self.begin(now);
            return self.allowed;
        }
        self.bytes += bytes;
        self.requests += 1;
        if self.rest.is_some_and(|rest| now < rest) || self.requests < ROUNDS * self.allowed {
            return self.allowed;
        }
        let rate = self.bytes as f64 / now.saturating_duration_since(self.since).as_secs_f64().max(1e-6);
        self.begin(now);
        self.rest = None;
        if rate > self.before * GAIN {
            self.before = rate;
            return (self.allowed + 1).min(most);
        }
        self.rest = Some(now + REST);
        self.before = 0.0;
        (self.allowed - 1).max(1)
    }

    fn begin(&mut self, now: Instant) {
        (self.since, self.bytes, self.requests) = (now, 0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::clock;

    /// Requests of a mebibyte to a server that takes `side` of them at a time, each in a tenth of a second, for `rounds`
    /// tenths; what is allowed after each.
    async fn climb(pace: &Pace, side: usize, rounds: u32, begun: Instant) -> Vec<usize> {
        let mut allowed = Vec::new();
        for round in 1..=rounds {
            let mut places = Vec::new();
            for _ in 0..pace.allowed().min(side) {
                places.push(pace.place().await.unwrap());
            }
            // Where it takes no more side by side, the others only wait.
            let waiting: Vec<_> = (places.len()..pace.allowed()).collect();
            let held = waiting.len();
            let mut rest = Vec::new();
            for _ in 0..held {
                rest.push(pace.place().await.unwrap());
            }
            let now = begun + Duration::from_millis(100) * round;
            for place in places {
                pace.ended(place, 1 << 20, false, now);
            }
            drop(rest);
            allowed.push(pace.allowed());
        }
        allowed
    }

    #[tokio::test]
    async fn it_climbs_to_about_what_the_server_takes_side_by_side_and_not_far_beyond() {
        let begun = clock::monotonic();
        let pace = Pace::new(32, begun);
        let allowed = climb(&pace, 6, 400, begun).await;
        let reached = allowed.iter().position(|allowed| *allowed >= 6);
        assert!(reached.is_some(), "{allowed:?}");
        assert!(allowed.iter().all(|allowed| *allowed <= 8), "{allowed:?}");
    }

    #[tokio::test]
    async fn a_server_that_pushes_back_halves_it_once_and_it_never_falls_below_one() {
        let begun = clock::monotonic();
        let pace = Pace::new(32, begun);
        climb(&pace, 32, 400, begun).await;
        let before = pace.allowed();
        assert!(before >= 8, "{before}");
        let later = begun + Duration::from_secs(400);
        let places = [pace.place().await.unwrap(), pace.place().await.unwrap()];
        for place in places {
            pace.ended(place, 1, true, later);
        }
        assert_eq!(pace.allowed(), before / 2);
        for round in 1..10 {
            let place = pace.place().await.unwrap();
            pace.ended(place, 1, true, later + Duration::from_secs(60) * round);
        }
        assert_eq!(pace.allowed(), 1);
        assert!(pace.place().await.is_some());
    }
}
