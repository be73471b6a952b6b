//! Watermarks: how far each partition's event time has come, and how far all that are waited for have.

use std::collections::HashMap;

use crate::event::Partition;

/// One partition's clock.
#[derive(Debug, Clone)]
pub(in crate::score) struct Clock {
    /// Which partition.
    pub(in crate::score) partition: Partition,
    /// The latest event time among its records; absent before its first one.
    pub(in crate::score) watermark: Option<i64>,
    /// Whether it is assigned and not ended.
    waited: bool,
    /// When it last had a record or was assigned, milliseconds by the clock of the ticks.
    stirred: u64,
}

/// Every partition's clock and the one watermark that follows from them.
///
/// The global watermark is the least among the partitions that are assigned, not ended and not idle; it never goes back.
/// While all that are left are idle it is the furthest of theirs: nobody holds anybody back, and nothing folds without a
/// record that says time has passed.
#[derive(Debug)]
pub(in crate::score) struct Clocks {
    clocks: Vec<Clock>,
    places: HashMap<Partition, usize>,
    global: i64,
    now: u64,
    idle: u64,
}

/// The watermark before any record.
pub(in crate::score) const NEVER: i64 = i64::MIN / 4;

/// How far ahead of the clock of the ticks an event time may lie and still be believed, in seconds: a day is more than any
/// host's clock is wrong by, and less than a broken record would skip.
const AHEAD_MAX: i64 = 86_400;

// === impl Clocks ===

impl Clocks {
    /// No partition yet; one that has no record for `idle` milliseconds is not waited for.
    pub(in crate::score) fn new(idle: u64) -> Self {
        Self { clocks: Vec::new(), places: HashMap::new(), global: NEVER, now: 0, idle }
    }

    /// The watermark of everything.
    pub(in crate::score) fn global(&self) -> i64 {
        self.global
    }

    /// The latest event time that any record had.
    pub(in crate::score) fn furthest(&self) -> i64 {
        self.clocks.iter().filter_map(|clock| clock.watermark).fold(self.global, i64::max)
    }

    /// The latest event time that is believed: one record from the far future would otherwise fold everything, and all that
    /// come after it would be late for good. Before the first tick any time is.
    pub(in crate::score) fn believed(&self) -> i64 {
        match i64::try_from(self.now / 1_000) {
            Ok(now) if now > 0 => now.saturating_add(AHEAD_MAX),
            _ => i64::MAX,
        }
    }

    /// The watermark of the partition at `place`.
    #[inline]
    pub(in crate::score) fn watermark(&self, place: usize) -> i64 {
        self.clocks[place].watermark.unwrap_or(NEVER)
    }

    /// Waits for `partitions` from here on.
    pub(in crate::score) fn assigned(&mut self, partitions: &[Partition]) {
        for partition in partitions {
            self.enter(partition);
        }
    }

    /// Waits for `partitions` no more. They go at once: one after the other, those that are left for a moment would move
    /// everything as far as they have come, and what is behind would be late when it comes back.
    pub(in crate::score) fn ended(&mut self, partitions: &[Partition]) {
        for partition in partitions {
            if let Some(place) = self.places.get(partition) {
                self.clocks[*place].waited = false;
            }
        }
        self.advance();
        self.forget();
    }

    /// Takes the time; partitions that have stood still for too long are not waited for.
    pub(in crate::score) fn tick(&mut self, now: u64) {
        self.now = self.now.max(now);
        self.advance();
        self.forget();
    }

    /// The place of `partition`, from which records come now.
    pub(in crate::score) fn enter(&mut self, partition: &Partition) -> usize {
        let place = match self.places.get(partition) {
            Some(place) => *place,
            None => self.put(partition.clone(), None),
        };
        self.clocks[place].waited = true;
        self.clocks[place].stirred = self.now;
        place
    }

    /// The least watermark among the partitions that are waited for besides the one at `place`.
    pub(in crate::score) fn others(&self, place: usize) -> i64 {
        let others =
            self.clocks.iter().enumerate().filter(|(other, clock)| *other != place && self.holds(clock));
        others.map(|(_, clock)| clock.watermark.unwrap_or(NEVER)).min().unwrap_or(i64::MAX)
    }

    /// Moves the partition at `place` to `watermark`, and everything to the least of that and `others`.
    pub(super) fn move_to(&mut self, place: usize, watermark: i64, others: i64) {
        self.clocks[place].watermark = Some(watermark);
        self.global = self.global.max(watermark.min(others));
    }

    /// The clocks, in order of partition.
    pub(in crate::score) fn sorted(&self) -> Vec<(&Partition, i64)> {
        let known = self.clocks.iter().filter_map(|clock| Some((&clock.partition, clock.watermark?)));
        let mut sorted: Vec<_> = known.collect();
        sorted.sort();
        sorted
    }

    /// Takes over what a snapshot says; nobody is waited for until assigned.
    pub(in crate::score) fn restore(&mut self, global: i64, clocks: Vec<(Partition, i64)>) {
        self.global = global;
        for (partition, watermark) in clocks {
            self.put(partition, Some(watermark));
        }
    }

    fn put(&mut self, partition: Partition, watermark: Option<i64>) -> usize {
        let place = self.clocks.len();
        self.places.insert(partition.clone(), place);
        self.clocks.push(Clock { partition, watermark, waited: false, stirred: self.now });
        place
    }

    fn holds(&self, clock: &Clock) -> bool {
        clock.waited && self.now.saturating_sub(clock.stirred) < self.idle
    }

    fn advance(&mut self) {
        let held = self.clocks.iter().filter(|clock| self.holds(clock)).map(|clock| clock.watermark);
        let furthest =
            || self.clocks.iter().filter(|clock| clock.waited).filter_map(|clock| clock.watermark).max();
        let watermark = match held.min() {
            Some(least) => least,
            None => furthest(),
        };
        self.global = self.global.max(watermark.unwrap_or(NEVER));
    }

    /// Drops the clocks of ended partitions that everything has overtaken: whatever is late by such a clock lies in a
    /// window that has folded, so the clock decides nothing any more. Rotated files would pile up otherwise.
    fn forget(&mut self) {
        let global = self.global;
        let before = self.clocks.len();
        self.clocks
            .retain(|clock| clock.waited || clock.watermark.is_some_and(|watermark| watermark > global));
        if self.clocks.len() < before {
            let places = self.clocks.iter().enumerate();
            self.places = places.map(|(place, clock)| (clock.partition.clone(), place)).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(clocks: &mut Clocks, name: &str, watermark: i64) {
        let place = clocks.enter(&Partition::new(name));
        let others = clocks.others(place);
        clocks.move_to(place, watermark, others);
    }

    #[test]
    fn everything_waits_for_the_slowest_assigned_partition_that_has_a_record_or_may_have_one() {
        let mut clocks = Clocks::new(1_000);
        clocks.assigned(&["a", "b"].map(Partition::new));
        moved(&mut clocks, "a", 500);
        assert_eq!(clocks.global(), NEVER, "b may still have an old record");
        moved(&mut clocks, "b", 300);
        assert_eq!(clocks.global(), 300);
        moved(&mut clocks, "b", 900);
        assert_eq!(clocks.global(), 500);
        clocks.ended(&[Partition::new("a")]);
        assert_eq!(clocks.global(), 900);
    }

    #[test]
    fn a_partition_that_stands_still_is_not_waited_for_and_the_watermark_never_goes_back() {
        let mut clocks = Clocks::new(1_000);
        clocks.tick(5_000);
        moved(&mut clocks, "a", 500);
        clocks.assigned(&[Partition::new("b")]);
        moved(&mut clocks, "a", 800);
        assert_eq!(clocks.global(), 500, "b is waited for");
        clocks.tick(5_900);
        moved(&mut clocks, "a", 850);
        clocks.tick(6_000);
        assert_eq!(clocks.global(), 850, "b is idle, a is not");
        moved(&mut clocks, "b", 100);
        assert_eq!(clocks.global(), 850);
        clocks.tick(60_000);
        assert_eq!(clocks.global(), 850, "all are idle; time has not passed in the records");
    }

    #[test]
    fn partitions_that_go_together_move_nothing_where_none_is_left_and_are_waited_for_when_they_come_back() {
        let both = ["a", "b"].map(Partition::new);
        for (ahead, behind) in [("a", "b"), ("b", "a")] {
            let mut clocks = Clocks::new(1_000);
            clocks.assigned(&both);
            moved(&mut clocks, ahead, 900);
            moved(&mut clocks, behind, 100);
            clocks.ended(&both);
            clocks.tick(1);
            assert_eq!(clocks.global(), 100, "{ahead} was ahead");
            clocks.assigned(&both);
            clocks.tick(2);
            moved(&mut clocks, behind, 200);
            assert_eq!(clocks.global(), 200, "{behind} is waited for");
        }
    }

    #[test]
    fn the_clock_of_an_ended_partition_is_kept_only_while_it_decides_something() {
        let mut clocks = Clocks::new(1_000);
        for name in 0..100 {
            let partition = Partition::new(&name.to_string());
            moved(&mut clocks, partition.as_str(), 100);
            clocks.ended(&[partition]);
        }
        assert_eq!(clocks.clocks.len(), 0);
    }
}
