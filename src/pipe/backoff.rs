//! Backoff: how long to wait before the next try.

use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Waits that double from `first` up to `most`, each shortened by up to half at random, so that many who failed
/// together do not return together.
#[derive(Debug)]
pub struct Backoff {
    first: Duration,
    most: Duration,
    tries: u32,
    random: ChaCha8Rng,
}

// === impl Backoff ===

impl Backoff {
    /// Waits from `first` to `most`; the jitter follows from `seed`.
    #[must_use]
    pub fn new(first: Duration, most: Duration, seed: u64) -> Self {
        Self { first, most, tries: 0, random: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// The same waits from the first on, with a jitter of their own.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self::new(self.first, self.most, self.random.random())
    }

    /// The next wait; never shorter than `at_least`, which the other side may have asked for.
    pub fn next_wait(&mut self, at_least: Option<Duration>) -> Duration {
        let full = self.first.saturating_mul(1 << self.tries.min(20)).min(self.most);
        self.tries = self.tries.saturating_add(1);
        let percent = 50 + self.random.random_range(0..=50);
        (full * percent / 100).max(at_least.unwrap_or_default())
    }

    /// Starts over after a success.
    pub fn reset(&mut self) {
        self.tries = 0;
    }

    /// How many waits there were since the last success.
    #[must_use]
    pub fn tries(&self) -> u32 {
        self.tries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_most_and_start_over_after_a_success() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1), 1);
        for full in [100, 200, 400, 800, 1000, 1000] {
            let wait = backoff.next_wait(None).as_millis();
            assert!((full / 2..=full).contains(&wait), "{wait} of {full}");
        }
        assert!(backoff.next_wait(Some(Duration::from_secs(9))) >= Duration::from_secs(9));
        backoff.reset();
        assert!(backoff.next_wait(None) <= Duration::from_millis(100));
    }
}
