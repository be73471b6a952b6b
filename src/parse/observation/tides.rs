//! How far the streams have come whose records are interleaved in one partition: as far as the one that is behind.

use std::collections::BTreeMap;

/// How far each stream of a partition has come.
#[derive(Debug, Default)]
pub(in crate::parse) struct Tides {
    streams: BTreeMap<Box<[u8]>, Tide>,
    low: u64,
    /// How many streams there are; 0 while nobody could say.
    count: u64,
    /// When something came first, milliseconds since 1970.
    begun: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Tide {
    /// The latest end of its records, or what its marks say, seconds since 1970.
    latest: u64,
    /// When that last moved, milliseconds since 1970.
    stirred: u64,
}

/// How far ahead of the clock a record's end may lie and still be believed, in seconds: what scoring believes.
const AHEAD_MAX: u64 = 86_400;
/// The most streams of which is known how far they are; further ones are not waited for.
const STREAMS_MAX: usize = 4_096;
/// How long it takes until every stream has been heard of where nobody could say how many there are, in milliseconds: each is
/// marked every ten seconds.
const HEARD_MS: u64 = 21_000;

// === impl Tides ===

impl Tides {
    /// Notes that `stream` has come to `end`, in seconds since 1970, as was heard at `now`, in milliseconds.
    pub(super) fn see(&mut self, stream: &[u8], end: u64, now: u64) {
        self.begun.get_or_insert(now);
        let latest = if end <= now / 1_000 + AHEAD_MAX { end } else { 0 };
        let room = self.streams.len() < STREAMS_MAX;
        match self.streams.get_mut(stream) {
            Some(tide) if tide.latest < latest => *tide = Tide { latest, stirred: now },
            None if room => drop(self.streams.insert(stream.into(), Tide { latest, stirred: now })),
            Some(_) | None => {}
        }
    }

    /// Notes that there are so many streams; 0 says nothing.
    pub(super) fn count(&mut self, streams: u64) {
        if streams > 0 {
            self.count = streams.min(STREAMS_MAX as u64);
        }
    }

    /// Whether every stream has been heard of; one that says nothing for `idle` is not waited for.
    fn is_whole(&self, now: u64, idle: u64) -> bool {
        let has_waited = |most| self.begun.is_some_and(|begun| now >= begun + most);
        match self.count {
            0 => has_waited(HEARD_MS),
            count => self.streams.len() as u64 >= count || has_waited(idle),
        }
    }

    /// Up to where all streams have come that moved in the last `idle` milliseconds, in seconds since 1970; it never goes back. 0
    /// before all have been heard of.
    pub(super) fn low(&mut self, now: u64, idle: u64) -> u64 {
        if !self.is_whole(now, idle) {
            return self.low;
        }
        let moves = |tide: &&Tide| now.saturating_sub(tide.stirred) < idle;
        let low = self.streams.values().filter(moves).map(|tide| tide.latest).min().unwrap_or(0);
        self.low = self.low.max(low);
        self.low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;
    const IDLE: u64 = 600_000;

    fn at(seconds: u64) -> u64 {
        (NOW + seconds) * 1_000
    }

    #[test]
    fn the_stream_that_is_behind_says_how_far_all_are_until_it_is_idle() {
        let mut tides = Tides::default();
        assert_eq!(tides.low(at(0), IDLE), 0);
        tides.see(b"ahead", NOW, at(0));
        assert_eq!(tides.low(at(20), IDLE), 0, "others may not have been heard of");
        tides.see(b"behind", NOW - 7_200, at(21));
        assert_eq!(tides.low(at(21), IDLE), NOW - 7_200);
        // Heard of again and again, it does not move.
        tides.see(b"behind", NOW - 7_200, at(500));
        tides.see(b"ahead", NOW + 590, at(590));
        tides.see(b"ahead", NOW + 100, at(591));
        assert_eq!(tides.low(at(620), IDLE), NOW - 7_200);
        assert_eq!(tides.low(at(621), IDLE), NOW + 590);
        tides.see(b"behind", NOW - 7_100, at(622));
        assert_eq!(tides.low(at(622), IDLE), NOW + 590, "what has passed stays so");
    }

    #[test]
    fn as_many_streams_as_there_are_need_no_time_and_one_that_is_not_heard_of_is_waited_for_until_it_is_idle()
    {
        let mut tides = Tides::default();
        tides.count(3);
        tides.see(b"one", NOW, at(0));
        tides.see(b"two", NOW - 60, at(0));
        tides.count(0);
        assert_eq!(tides.low(at(599), IDLE), 0, "one has said nothing");
        tides.see(b"one", NOW + 60, at(600));
        assert_eq!(tides.low(at(600), IDLE), NOW + 60);
        let mut tides = Tides::default();
        for name in [b"one", b"two", b"six"] {
            tides.count(3);
            tides.see(name, NOW, at(0));
        }
        assert_eq!(tides.low(at(0), IDLE), NOW);
        tides.count(4);
        tides.see(b"one", NOW + 60, at(1));
        assert_eq!(tides.low(at(1), IDLE), NOW, "what has passed stays so");
    }

    #[test]
    fn a_record_from_the_far_future_moves_nothing() {
        let mut tides = Tides::default();
        tides.see(b"one", NOW, at(0));
        tides.see(b"one", NOW * 3, at(0));
        assert_eq!(tides.low(at(21), IDLE), NOW);
    }
}
