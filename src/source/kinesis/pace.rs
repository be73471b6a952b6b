//! How often a shard is asked: within what it gives, and not for nothing.

use std::time::Duration;

use super::api::Answer;

/// The pace of one shard.
#[derive(Debug)]
pub(super) struct Pace {
    every: Duration,
    /// Answers without a record, one after the other, while nothing was left to read.
    empty: u32,
}

/// Bytes a second that a shard gives to all who ask.
const BYTES_A_SECOND: u64 = 2 << 20;
/// How long a shard that has nothing new is left alone, at most, where the config asks more often.
const IDLE: Duration = Duration::from_secs(1);

// === impl Pace ===

impl Pace {
    /// One call after `every`.
    pub(super) fn new(every: Duration) -> Self {
        Self { every, empty: 0 }
    }

    /// How long after the beginning of one call the next may begin, by what that one gave.
    pub(super) fn after(&mut self, answer: &Answer) -> Duration {
        let bytes: u64 = answer.records.iter().map(|record| record.bytes.len() as u64).sum();
        let cost = Duration::from_millis(bytes * 1000 / BYTES_A_SECOND);
        let is_idle = bytes == 0 && answer.behind_millis.unwrap_or_default() == 0;
        self.empty = if is_idle { self.empty.saturating_add(1) } else { 0 };
        let idle =
            self.every.saturating_mul(1 << self.empty.saturating_sub(1).min(8)).min(IDLE.max(self.every));
        self.every.max(cost).max(if is_idle { idle } else { Duration::ZERO })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::kinesis::{Sequence, api::Received};

    fn answer(bytes: usize, behind_millis: i64) -> Answer {
        let sequence = Sequence::parse("1").unwrap();
        let records = (bytes > 0).then(|| Received { sequence, bytes: vec![b'x'; bytes] });
        Answer { records: records.into_iter().collect(), behind_millis: Some(behind_millis), next: None }
    }

    #[test]
    fn after_a_large_answer_a_shard_is_left_alone_for_as_long_as_it_cost() {
        let mut pace = Pace::new(Duration::from_millis(250));
        assert_eq!(pace.after(&answer(100, 0)), Duration::from_millis(250));
        assert_eq!(pace.after(&answer(10 << 20, 9)), Duration::from_secs(5));
    }

    #[test]
    fn a_shard_with_nothing_new_is_asked_less_often_until_something_comes() {
        let mut pace = Pace::new(Duration::from_millis(250));
        let waits: Vec<_> = (0..5).map(|_| pace.after(&answer(0, 0)).as_millis()).collect();
        assert_eq!(waits, [250, 500, 1000, 1000, 1000]);
        assert_eq!(pace.after(&answer(0, 70)).as_millis(), 250, "there is something, further on");
        pace.after(&answer(0, 0));
        pace.after(&answer(0, 0));
        assert_eq!(pace.after(&answer(10, 0)).as_millis(), 250);
        assert_eq!(pace.after(&answer(0, 0)).as_millis(), 250);
        let mut slow = Pace::new(Duration::from_secs(30));
        assert_eq!((0..4).map(|_| slow.after(&answer(0, 0))).max(), Some(Duration::from_secs(30)));
    }
}
