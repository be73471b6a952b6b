//! Shares: metrics to which several holders contribute, each what it knows, and which show the sum.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use super::metrics::{Counter, Gauge};

/// One holder's share of a gauge. It goes with its holder.
#[derive(Debug)]
pub struct GaugeShare {
    gauge: Gauge,
    own: AtomicI64,
}

/// One holder's share of a counter, which stays.
#[derive(Debug)]
pub struct CounterShare {
    counter: Counter,
    own: AtomicU64,
}

// === impl GaugeShare ===

impl GaugeShare {
    /// A share of nothing so far.
    #[must_use]
    pub const fn new(gauge: Gauge) -> Self {
        Self { gauge, own: AtomicI64::new(0) }
    }

    /// Makes the share `value`, or as much as a gauge can show.
    pub fn set(&self, value: u64) {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        let before = self.own.swap(value, Ordering::Relaxed);
        if value != before {
            self.gauge.inc_by(value.wrapping_sub(before));
        }
    }
}

impl Drop for GaugeShare {
    fn drop(&mut self) {
        self.set(0);
    }
}

// === impl CounterShare ===

impl CounterShare {
    /// A share of nothing so far.
    #[must_use]
    pub const fn new(counter: Counter) -> Self {
        Self { counter, own: AtomicU64::new(0) }
    }

    /// Takes the share up to `total`; a share never goes down.
    pub fn raise(&self, total: u64) {
        let before = self.own.fetch_max(total, Ordering::Relaxed);
        self.counter.inc_by(total.saturating_sub(before));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_shows_the_sum_of_the_shares_that_there_are() {
        let gauge = Gauge::default();
        let (one, other) = (GaugeShare::new(gauge.clone()), GaugeShare::new(gauge.clone()));
        one.set(5);
        other.set(7);
        one.set(2);
        assert_eq!(gauge.get(), 9);
        drop(other);
        assert_eq!(gauge.get(), 2);
    }

    #[test]
    fn a_counter_shows_the_sum_of_all_shares_that_there_were() {
        let counter = Counter::default();
        let (one, other) = (CounterShare::new(counter.clone()), CounterShare::new(counter.clone()));
        one.raise(5);
        other.raise(7);
        one.raise(6);
        one.raise(3);
        drop(other);
        assert_eq!(counter.get(), 13);
    }
}
