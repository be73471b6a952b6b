//! How many requests are under way side by side: as many as make the server take more, and fewer as soon as it says that it
//! has too much to do.
//!
//! It climbs: one request more is allowed as long as the last one has made the bytes taken in a second grow; where it has not,
//! one fewer, and it looks again after a while. A server that pushes back halves it at once. (Additive increase, multiplicative
//! decrease; Chiu and Jain, 1989.)

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Hands out places for requests.
#[derive(Debug)]
pub(super) struct Pace {
    places: Arc<Semaphore>,
    state: Mutex<State>,
    /// Requests that had to wait for a place, since that was last counted.
    waited: AtomicUsize,
    most: usize,
}

#[derive(Debug)]
struct State {
    /// How many requests may be under way.
    allowed: usize,
    /// How many permits are to be thrown away when they come back.
    owed: usize,
    /// Requests that end before it is measured: they were under way when the last step was made.
    skip: usize,
    /// Bytes and requests that were taken since, how long these took together, and how many had to wait for a place.
    bytes: u64,
    requests: usize,
    took: Duration,
    waited: usize,
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
/// How much of what one place more could bring it must bring.
const GAIN: f64 = 0.3;
/// How long it stays as it is where a place more was of no use, or the server has pushed back.
const REST: Duration = Duration::from_secs(20);

// === impl Pace ===

impl Pace {
    /// Begins with one place and goes up to `most`.
    pub(super) fn new(most: usize) -> Self {
        let state = State {
            allowed: 1,
            owed: 0,
            skip: 0,
            bytes: 0,
            requests: 0,
            took: Duration::ZERO,
            waited: 0,
            before: 0.0,
            rest: None,
        };
        Self {
            places: Arc::new(Semaphore::new(1)),
            state: Mutex::new(state),
            waited: AtomicUsize::new(0),
            most: most.max(1),
        }
    }

    /// How many requests may be under way.
    #[cfg(test)]
    fn allowed(&self) -> usize {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).allowed
    }

    /// A place, as soon as there is one.
    pub(super) async fn place(&self) -> Option<Place> {
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            return Some(Place(place));
        }
        self.waited.fetch_add(1, Relaxed);
        self.places.clone().acquire_owned().await.ok().map(Place)
    }

    /// A request of `bytes` has ended after the time that it `took`: whether the server has pushed back.
    pub(super) fn ended(&self, place: Place, bytes: u64, took: Duration, pushed_back: bool, now: Instant) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.waited.swap(0, Relaxed);
        let allowed = match pushed_back {
            true => state.push_back(now),
            false => state.took(bytes, took, waited, self.most, now),
        };
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
        if allowed != state.allowed {
            (state.skip, state.allowed) = (state.allowed, allowed);
        }
    }
}

// === impl State ===

impl State {
    fn push_back(&mut self, now: Instant) -> usize {
        // What was on its way when the server pushed back says the same; once is enough.
        let first = self.rest.is_none_or(|rest| rest <= now + REST - Duration::from_secs(1));
        self.begin();
        self.rest = Some(now + REST);
        self.before = 0.0;
        if first { (self.allowed / 2).max(1) } else { self.allowed }
    }

    /// What is allowed after a request of `bytes` was taken in the time that it `took`; since its predecessor ended, `waited`
    /// others had to wait for a place.
    fn took(&mut self, bytes: u64, took: Duration, waited: usize, most: usize, now: Instant) -> usize {
        if self.skip > 0 {
            self.skip -= 1;
            return self.allowed;
        }
        self.bytes += bytes;
        self.requests += 1;
        self.took += took;
        self.waited += waited;
        if self.requests < ROUNDS * self.allowed {
            return self.allowed;
        }
        // What nobody needs says nothing of the server.
        let needed = self.waited * 2 >= self.requests;
        // With all places in use: as much in a second as each brings, times their number (Little, 1961).
        let rate = self.allowed as f64 * self.bytes as f64 / self.took.as_secs_f64().max(1e-6);
        self.begin();
        if !needed || self.rest.is_some_and(|rest| now < rest) {
            return self.allowed;
        }
        self.rest = None;
        if rate > self.before * (1.0 + GAIN / self.allowed as f64) {
            self.before = rate;
            return (self.allowed + 1).min(most);
        }
        self.rest = Some(now + REST);
        self.before = 0.0;
        (self.allowed - 1).max(1)
    }

    fn begin(&mut self) {
        (self.bytes, self.requests, self.took, self.waited) = (0, 0, Duration::ZERO, 0);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use tokio::time::sleep;

    use super::*;
    use crate::telemetry::clock;

    /// Requests of a mebibyte, as many as there are places for, to a server that takes `side` of them at a time, each in
    /// about a tenth of a second, for so many `seconds`. The most that was allowed, and the mean of the second half.
    async fn drive(pace: &Arc<Pace>, side: usize, seconds: u32, begun: Instant) -> (usize, f64) {
        let server = Arc::new(Semaphore::new(side));
        // The runtime's time stands still but for what everybody waits for, and is counted here.
        let millis = Arc::new(AtomicU64::new(0));
        let clock = millis.clone();
        let counting = tokio::spawn(async move {
            loop {
                sleep(Duration::from_millis(2)).await;
                clock.fetch_add(2, Relaxed);
            }
        });
        let requests = async {
            for number in 0_u64.. {
                let place = pace.place().await.unwrap();
                let (pace, server, millis) = (pace.clone(), server.clone(), millis.clone());
                tokio::spawn(async move {
                    let sent = millis.load(Relaxed);
                    let taken = server.acquire().await.unwrap();
                    sleep(Duration::from_millis(80 + number.wrapping_mul(0x9E37_79B9) % 40)).await;
                    drop(taken);
                    let now = millis.load(Relaxed);
                    let took = Duration::from_millis(now - sent);
                    pace.ended(place, 1 << 20, took, false, begun + Duration::from_millis(now));
                });
            }
        };
        let watch = async {
            let (mut most, mut sum) = (0, 0);
            for tenth in 0..seconds * 10 {
                sleep(Duration::from_millis(100)).await;
                most = most.max(pace.allowed());
                sum += if tenth >= seconds * 5 { pace.allowed() } else { 0 };
            }
            (most, sum as f64 / f64::from(seconds * 5))
        };
        let seen = tokio::select! {
            () = requests => (0, 0.0),
            seen = watch => seen,
        };
        counting.abort();
        seen
    }

    #[tokio::test(start_paused = true)]
    async fn it_climbs_to_about_what_the_server_takes_side_by_side_and_not_far_beyond() {
        for side in [1, 2, 6, 20] {
            let begun = clock::monotonic();
            let pace = Arc::new(Pace::new(32));
            let (most, mean) = drive(&pace, side, 600, begun).await;
            assert!(most <= side + 2, "{most} for {side}");
            assert!(mean >= side as f64 * 0.8, "{mean} for {side}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_allowed_that_nobody_needs() {
        let begun = clock::monotonic();
        let pace = Pace::new(32);
        for second in 1..1_000 {
            let place = pace.place().await.unwrap();
            pace.ended(place, 1 << 20, Duration::from_secs(1), false, begun + Duration::from_secs(second));
        }
        assert_eq!(pace.allowed(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_pushes_back_halves_it_once_and_it_never_falls_below_one() {
        let begun = clock::monotonic();
        let pace = Arc::new(Pace::new(32));
        drive(&pace, 32, 600, begun).await;
        sleep(Duration::from_secs(60)).await;
        let before = pace.allowed();
        assert!(before >= 8, "{before}");
        let later = begun + Duration::from_secs(700);
        let places = [pace.place().await.unwrap(), pace.place().await.unwrap()];
        for place in places {
            pace.ended(place, 1, Duration::from_secs(1), true, later);
        }
        assert_eq!(pace.allowed(), before / 2);
        for round in 1..10 {
            let place = pace.place().await.unwrap();
            pace.ended(place, 1, Duration::from_secs(1), true, later + Duration::from_secs(60) * round);
        }
        assert_eq!(pace.allowed(), 1);
        assert!(pace.place().await.is_some());
    }
}
