//! Which leases have expired, by this worker's own monotonic clock: a lease has when its counter has not changed for the
//! failover time. No time stands in the table, so that no two clocks need agree.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use super::row::Row;

/// What was seen of each lease, and since when.
#[derive(Debug)]
pub(super) struct Watch {
    failover: Duration,
    seen: HashMap<Arc<str>, Seen>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    counter: u64,
    /// When the counter was first seen at this value.
    since: Instant,
    /// Whether it was seen at another value before.
    has_moved: bool,
}

// === impl Watch ===

impl Watch {
    pub(super) fn new(failover: Duration) -> Self {
        Self { failover, seen: HashMap::new() }
    }

    /// Looks at all leases there are, as they were read at `now`; those that are not among them are forgotten.
    pub(super) fn see(&mut self, rows: &[Row], now: Instant) {
        let mut before = std::mem::take(&mut self.seen);
        for row in rows {
            let seen = match before.remove(&row.shard) {
                Some(seen) if seen.counter == row.counter => seen,
                seen => Seen { counter: row.counter, since: now, has_moved: seen.is_some() },
            };
            self.seen.insert(row.shard.clone(), seen);
        }
    }

    /// Whether nobody holds the lease any more: it is free, or its counter stood still for the failover time.
    pub(super) fn is_available(&self, row: &Row, now: Instant) -> bool {
        row.owner.is_none() || self.stood_still(row, now, self.failover)
    }

    /// Whether it has been available for so long that whoever should take it does not.
    pub(super) fn is_neglected(&self, row: &Row, now: Instant) -> bool {
        self.stood_still(row, now, self.failover * 3)
    }

    /// Whether whoever holds the lease was seen to renew it, and not too long ago. One that died before it was looked at is not.
    pub(super) fn is_alive(&self, row: &Row, now: Instant) -> bool {
        let has_moved = self.seen.get(&row.shard).is_some_and(|seen| seen.has_moved);
        has_moved && !row.is_finished() && !self.is_available(row, now)
    }

    fn stood_still(&self, row: &Row, now: Instant, span: Duration) -> bool {
        let seen = self.seen.get(&row.shard).filter(|seen| seen.counter == row.counter);
        seen.is_some_and(|seen| now.saturating_duration_since(seen.since) > span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{source::kinesis::Checkpoint, telemetry::clock};

    fn row(owner: Option<&str>, counter: u64) -> Row {
        Row {
            shard: "shardId-0".into(),
            owner: owner.map(str::to_owned),
            counter,
            checkpoint: Checkpoint::TrimHorizon,
            stamp: None,
            parents: Vec::new(),
            children: Vec::new(),
        }
    }

    #[test]
    fn a_lease_expires_when_its_counter_stood_still_for_the_failover_time_by_our_own_clock() {
        let start = clock::monotonic();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut watch = Watch::new(Duration::from_secs(10));
        watch.see(&[row(Some("them"), 1)], at(0));
        assert!(!watch.is_available(&row(Some("them"), 1), at(10)));
        assert!(watch.is_available(&row(Some("them"), 1), at(11)));
        // Changed at any time since it was looked at last: it may have been just now.
        watch.see(&[row(Some("them"), 2)], at(11));
        assert!(!watch.is_available(&row(Some("them"), 2), at(21)));
        watch.see(&[row(Some("them"), 2)], at(20));
        assert!(watch.is_available(&row(Some("them"), 2), at(22)), "seen again is not renewed");
        assert!(!watch.is_neglected(&row(Some("them"), 2), at(41)));
        assert!(watch.is_neglected(&row(Some("them"), 2), at(42)));
    }

    #[test]
    fn who_holds_a_lease_is_alive_when_it_was_seen_to_renew_it_within_the_failover_time() {
        let start = clock::monotonic();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut watch = Watch::new(Duration::from_secs(10));
        watch.see(&[row(Some("them"), 1)], at(0));
        assert!(!watch.is_alive(&row(Some("them"), 1), at(0)), "it may have died before");
        watch.see(&[row(Some("them"), 2)], at(3));
        watch.see(&[row(Some("them"), 2)], at(6));
        assert!(watch.is_alive(&row(Some("them"), 2), at(6)));
        assert!(!watch.is_alive(&row(Some("them"), 2), at(14)), "it has expired");
        assert!(!watch.is_alive(&row(None, 2), at(6)), "it was given back");
    }

    #[test]
    fn a_free_lease_is_available_at_once_and_a_forgotten_one_begins_anew() {
        let start = clock::monotonic();
        let mut watch = Watch::new(Duration::from_secs(10));
        watch.see(&[row(None, 0)], start);
        assert!(watch.is_available(&row(None, 0), start));
        let later = start + Duration::from_secs(60);
        watch.see(&[], later);
        watch.see(&[row(Some("them"), 0)], later);
        assert!(!watch.is_available(&row(Some("them"), 0), later + Duration::from_secs(5)));
    }
}
