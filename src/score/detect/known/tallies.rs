//! Tallies: what detectors count over hours, one record of 84 bytes a key, in a table of fixed size.
//!
//! A detector reads and writes the bytes of its own records; what every tally has beside them is whose it is, since when, in which window
//! it was changed last, in how many, and when it was last told. What a key is of decides its bucket, which has room for twelve. Where
//! a bucket is full the tally of least worth goes: worth is the number of windows in which it was changed, halved for each three
//! hours of silence. So a flood of keys takes the place of the flood's own, and what comes again and again stays.
//!
//! Windows fold one after the other, and detectors look at each in one order: threads and restarts agree.

pub(in crate::score) mod capture;

use super::Fact;
use crate::score::{
    grid::{Narrow, Window},
    sessions::leg::Who,
    sketch::mixer::Mixer,
};

/// See the top of the file.
#[derive(Debug)]
pub(in crate::score) struct Tallies {
    mixers: [Mixer; 2],
    buckets: Box<[Vec<Slot>]>,
    now: Window,
    /// Keys that the state has and this has not.
    gone: Vec<Key>,
}

/// What a tally is of: the number of its entity's name, and a hash of the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::score) struct Key {
    whose: u32,
    what: [u64; 2],
}

/// What a detector keeps of a key; the bytes of a new one are nought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::score) struct Tally {
    /// The window in which it began.
    pub(in crate::score) since: Narrow,
    /// The window in which it was changed last.
    pub(in crate::score) newest: Narrow,
    /// The window in which it was told last.
    told: Narrow,
    /// In how many windows it was changed.
    seen: u16,
    pub(in crate::score) record: Record,
}

/// What a detector writes and reads as it likes, whatever the bytes are.
pub(in crate::score) type Record = [u8; 84];

#[derive(Debug, Clone, Copy)]
struct Slot {
    key: Key,
    tally: Tally,
    /// Whether it differs from what was captured last, and whether the state has any of it.
    dirty: bool,
    kept: bool,
}

/// Windows in a day.
pub(in crate::score) const DAY: Window = 144;
/// A tally that was not changed for so long is forgotten.
const KEPT: Window = 7 * DAY;
/// The silence that halves what a tally is worth.
const HALVES: Window = 18;
/// Tallies a bucket.
const WAYS: usize = 12;
/// How many a bucket makes room for at a time.
const FEW: usize = 4;
/// Entities a bucket.
const ENTITIES_EACH: usize = 24;
const BUCKETS_MIN: usize = 1 << 8;
const BUCKETS_MAX: usize = 1 << 16;
/// What the allocator adds to a list.
const LIST_BYTES: usize = 16;

// Twelve thousand of them are to take no more than two mebibytes.
const _: () = assert!(size_of::<Slot>() <= 128);

// === impl Tally ===

impl Tally {
    /// Nothing yet.
    fn new(now: Window) -> Self {
        Self { since: Narrow::of(now), newest: Narrow::NONE, told: Narrow::NONE, seen: 0, record: [0; 84] }
    }

    /// What it is worth in window `now`.
    fn worth(&self, now: Window) -> u16 {
        let silent = (now - self.newest.window()).max(0);
        self.seen.checked_shr((silent / HALVES).min(16) as u32).unwrap_or(0)
    }

    /// For how many windows there has been one, as of window `now`.
    pub(in crate::score) fn age(&self, now: Window) -> Window {
        now - self.since.window()
    }

    /// Whether it is to be told in window `now`: it was not told for a day. From then on it was.
    pub(in crate::score) fn tells(&mut self, now: Window) -> bool {
        let tells = self.told == Narrow::NONE || now - self.told.window() >= DAY;
        if tells {
            self.told = Narrow::of(now);
        }
        tells
    }
}

// === impl Tallies ===

impl Tallies {
    /// None yet, under the state's `seed`, with room for those of `entities_max`.
    pub(in crate::score) fn new(seed: [u8; 16], entities_max: u32) -> Self {
        Self {
            mixers: ["tallies", "tallies'"].map(|purpose| Mixer::new(seed, purpose)),
            buckets: vec![Vec::new(); Self::buckets(entities_max)].into_boxed_slice(),
            now: 0,
            gone: Vec::new(),
        }
    }

    fn buckets(entities_max: u32) -> usize {
        (entities_max as usize / ENTITIES_EACH).next_power_of_two().clamp(BUCKETS_MIN, BUCKETS_MAX)
    }

    /// The most bytes that they take with `entities_max`.
    pub(in crate::score) fn bytes(entities_max: u32) -> usize {
        let bucket = size_of::<Vec<Slot>>() + LIST_BYTES + WAYS * size_of::<Slot>();
        Self::buckets(entities_max) * (bucket + WAYS * size_of::<Key>())
    }

    /// The key of what the detector with this `id` counts of `who`.
    pub(in crate::score) fn key<const N: usize>(&self, id: u64, who: Who, what: [u64; N]) -> Key {
        let hash = |mixer: &Mixer| mixer.of_two(mixer.of_two(id, who.number.into()), mixer.of_all(what));
        Key { whose: who.number, what: self.mixers.each_ref().map(hash) }
    }

    /// What tells `fact` from some thousand others, for records with little room: never 0.
    pub(in crate::score) fn mark(&self, fact: Fact) -> u16 {
        (self.mixers[0].of_all(fact.of) as u16).max(1)
    }

    /// It is `window` now.
    pub(in crate::score) fn pass(&mut self, window: Window) {
        self.now = self.now.max(window);
    }

    /// The window that is now.
    pub(in crate::score) const fn now(&self) -> Window {
        self.now
    }

    /// What there is of `key`.
    pub(in crate::score) fn get(&self, key: Key) -> Option<Tally> {
        let slot = self.buckets[self.bucket(key)].iter().find(|slot| slot.key == key);
        slot.map(|slot| slot.tally).filter(|tally| self.now - tally.newest.window() < KEPT)
    }

    /// What there is of `key`, or a new one.
    pub(in crate::score) fn get_or_new(&self, key: Key) -> Tally {
        self.get(key).unwrap_or_else(|| Tally::new(self.now))
    }

    /// What there is of `key` where it began less than a day ago; else a new one, which knows when the old one was told.
    pub(in crate::score) fn of_day(&self, key: Key) -> Tally {
        match self.get(key) {
            Some(tally) if tally.age(self.now) < DAY => tally,
            old => Tally { told: old.map_or(Narrow::NONE, |tally| tally.told), ..Tally::new(self.now) },
        }
    }

    /// Keeps `tally` for `key`.
    pub(in crate::score) fn put(&mut self, key: Key, mut tally: Tally) {
        if tally.newest.window() != self.now {
            tally.seen = tally.seen.saturating_add(1);
            tally.newest = Narrow::of(self.now);
        }
        self.place(Slot { key, tally, dirty: true, kept: false });
    }

    fn bucket(&self, key: Key) -> usize {
        key.what[0] as usize & (self.buckets.len() - 1)
    }

    fn place(&mut self, slot: Slot) {
        let (now, nth) = (self.now, self.bucket(slot.key));
        let bucket = &mut self.buckets[nth];
        if let Some(own) = bucket.iter_mut().find(|own| own.key == slot.key) {
            *own = Slot { kept: own.kept || slot.kept, ..slot };
            return;
        }
        if bucket.len() < WAYS {
            if bucket.len() == bucket.capacity() {
                bucket.reserve_exact(FEW);
            }
            bucket.push(slot);
            return;
        }
        let worth = |slot: &Slot| (slot.tally.worth(now), slot.tally.newest, slot.key);
        if let Some(least) = bucket.iter_mut().min_by_key(|slot| worth(slot)) {
            let given_up = std::mem::replace(least, slot);
            self.gone.extend(given_up.kept.then_some(given_up.key));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const SEED: [u8; 16] = [3; 16];

    fn who(number: u32) -> Who {
        Who { number, place: 0 }
    }

    fn count(tallies: &mut Tallies, key: Key) -> u8 {
        let mut tally = tallies.of_day(key);
        tally.record[0] += 1;
        tallies.put(key, tally);
        tally.record[0]
    }

    #[test]
    fn a_tally_of_a_day_begins_anew_after_it_and_is_told_once_a_day() {
        let mut tallies = Tallies::new(SEED, 1);
        let (key, other) = (tallies.key(1, who(1), [2]), tallies.key(1, who(2), [2]));
        for (window, expected) in [(1_000, 1), (1_001, 2), (1_143, 3), (1_144, 1), (1_145, 2)] {
            tallies.pass(window);
            assert_eq!(count(&mut tallies, key), expected, "in window {window}");
        }
        assert_eq!(tallies.get(other), None);
        let mut tally = tallies.get(key).unwrap();
        assert!(tally.tells(1_145) && !tally.tells(1_146) && !tally.tells(1_288) && tally.tells(1_289));
        tallies.put(key, tally);
        tallies.pass(1_145 + DAY);
        assert!(!tallies.of_day(key).tells(1_289), "a new day does not forget that it was told");
        tallies.pass(1_145 + KEPT);
        assert_eq!(tallies.get(key), None);
    }

    #[test]
    fn a_flood_of_keys_takes_the_place_of_its_own_and_what_comes_again_stays() {
        let mut tallies = Tallies::new(SEED, 1);
        let keys: Vec<Key> = (0..500).map(|nth| tallies.key(1, who(1), [nth])).collect();
        for window in 1_000..1_006 {
            tallies.pass(window);
            for key in &keys {
                count(&mut tallies, *key);
            }
        }
        for nth in 0..200_000_u64 {
            tallies.pass(1_006 + nth as Window / 20_000);
            let key = tallies.key(2, who(2), [nth]);
            count(&mut tallies, key);
        }
        let stayed = keys.iter().filter(|key| tallies.get(**key).is_some()).count();
        assert_eq!(stayed, keys.len());
        let held: usize = tallies.buckets.iter().map(Vec::len).sum();
        assert_eq!(held, BUCKETS_MIN * WAYS);
        assert!(tallies.buckets.iter().all(|bucket| bucket.capacity() == WAYS), "what the bound counts");
    }

    #[test]
    fn the_default_takes_two_mebibytes() {
        let bytes = Tallies::bytes(crate::score::Config::default().entities_max);
        assert!((1 << 20..=2 << 20).contains(&bytes), "{bytes}");
    }
}
