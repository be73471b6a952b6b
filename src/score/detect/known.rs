//! What is known of the estate: the facts that it has shown, such as that a service has answered or that a host calls a port, and
//! on which half day each was shown last. One table of fixed size, however many facts there are.
//!
//! A fact has four cells of a byte, each with the half day on which one of its facts was shown last; it was shown no later than
//! the oldest of them says. Others that share all four make a fact known that is not: with 15 cells a fact that is three in a
//! thousand, with seven one in thirty. It costs a novelty that is not told.
//!
//! Nothing depends on the order within a half day, so that shards, threads and restarts agree. What takes counts, and not facts, stands
//! beside it in [`tallies`].

pub(in crate::score) mod capture;
pub(in crate::score) mod tallies;

use self::tallies::Tallies;
use crate::score::{
    grid::{Grid, Window},
    sketch::mixer::Mixer,
};

/// See the top of the file.
#[derive(Debug)]
pub(in crate::score) struct Known {
    mixer: Mixer,
    cells: Box<[u8]>,
    /// The half day that is now, counted from 1970, and the first one.
    pub(super) now: i64,
    pub(super) since: Option<i64>,
    /// Which pages differ from what was captured last.
    pub(super) dirty: Vec<bool>,
    /// What detectors count over hours.
    pub(in crate::score) tallies: Tallies,
}

/// What a fact is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(in crate::score) enum About {
    /// A service has answered: networks, address, protocol and port.
    Answered,
    /// Somebody does new things of a kind: see [`super::novel`].
    Restless,
    /// Somebody has looked for a service that is not there: whose, and its networks, address, protocol and port.
    Sought,
    /// A fact that a detector asks for: its id's hash, whose, and what.
    Shown,
}

/// A fact: what about, and of whom or what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::score) struct Fact {
    pub(in crate::score) about: About,
    pub(in crate::score) of: [u64; 4],
}

const HALF_DAY_SECONDS: i64 = 12 * 3_600;
/// Older stamps are forgotten: half of what a byte can tell apart.
const KEPT_HALF_DAYS: i64 = 120;
/// Cells a page of the state.
pub(super) const PAGE: usize = 1 << 12;
/// Of each entity; a fleet of 8,000 shows some 30 facts each.
const CELLS_EACH: usize = 64;
const CELLS_MIN: usize = 1 << 18;
const CELLS_MAX: usize = 1 << 28;

// === impl Known ===

impl Known {
    /// Nothing yet, under the state's `seed`, of as many as `entities_max`.
    pub(in crate::score) fn new(seed: [u8; 16], entities_max: u32) -> Self {
        Self::of_size(seed, Self::cells(entities_max), Tallies::new(seed, entities_max))
    }

    /// A table of so many cells.
    fn of_size(seed: [u8; 16], cells: usize, tallies: Tallies) -> Self {
        Self {
            mixer: Mixer::new(seed, "known"),
            cells: vec![0; cells].into_boxed_slice(),
            now: 0,
            since: None,
            dirty: vec![false; cells / PAGE],
            tallies,
        }
    }

    /// The most bytes that it takes with `entities_max`.
    pub(in crate::score) fn bytes(entities_max: u32) -> usize {
        Self::cells(entities_max) + Tallies::bytes(entities_max)
    }

    fn cells(entities_max: u32) -> usize {
        (entities_max as usize * CELLS_EACH).next_power_of_two().clamp(CELLS_MIN, CELLS_MAX)
    }

    /// It is `window` now: forgets what is too old.
    pub(in crate::score) fn pass(&mut self, window: Window) {
        self.tallies.pass(window);
        let half = Grid::start(window).div_euclid(HALF_DAY_SECONDS);
        if half <= self.now && self.since.is_some() {
            return;
        }
        let before = std::mem::replace(&mut self.now, half);
        if self.since.is_none() {
            self.since = Some(half);
            return;
        }
        // A day before it would be too old, so that nothing is ever taken for new when it wraps.
        let forgets = |cell: u8| cell > 0 && (half - before + age(cell, before)) >= KEPT_HALF_DAYS;
        for (page, dirty) in self.cells.chunks_mut(PAGE).zip(&mut self.dirty) {
            for cell in page.iter_mut().filter(|cell| forgets(**cell)) {
                (*cell, *dirty) = (0, true);
            }
        }
    }

    /// For how many whole days anything has been noted.
    pub(in crate::score) fn days(&self) -> i64 {
        self.since.map_or(0, |since| (self.now - since) / 2)
    }

    /// Notes that `fact` has been shown.
    pub(in crate::score) fn note(&mut self, fact: Fact) {
        let stamp = stamp(self.now);
        for place in self.places(fact) {
            if self.cells[place] != stamp {
                self.cells[place] = stamp;
                self.dirty[place / PAGE] = true;
            }
        }
    }

    /// Whether `fact` has been shown within the last so many `days`.
    pub(in crate::score) fn has(&self, fact: Fact, days: i64) -> bool {
        self.places(fact).into_iter().all(|place| {
            let cell = self.cells[place];
            cell > 0 && age(cell, self.now) <= days * 2
        })
    }

    fn places(&self, Fact { about, of: [a, b, c, d] }: Fact) -> [usize; 4] {
        let hash = self.mixer.of_all([about as u64, a, b, c, d]);
        let other = self.mixer.of(hash) | 1;
        // From the top, so that a table of another size has its cells where this one's stand.
        let shift = 64 - self.cells.len().trailing_zeros();
        [0, 1, 2, 3].map(|nth| (hash.wrapping_add(other.wrapping_mul(nth)) >> shift) as usize)
    }

    /// What it holds is what was captured last.
    pub(in crate::score) fn is_captured(&mut self) {
        self.dirty.fill(false);
    }

    /// The cells of every page that differs from what was captured last.
    pub(super) fn pages(&self) -> impl Iterator<Item = (usize, &[u8])> {
        let pages = self.cells.chunks(PAGE).zip(&self.dirty).enumerate();
        pages.filter(|(_, (_, dirty))| **dirty).map(|(nth, (page, _))| (nth, page))
    }

    /// How many cells there are, as a power of two.
    pub(super) fn power(&self) -> u32 {
        self.cells.len().trailing_zeros()
    }

    /// Takes over the cell at `place` of a table of 2 to the power of `power` cells.
    pub(super) fn take_over(&mut self, power: u32, place: usize, cell: u8) {
        let own = self.power();
        let (first, count) = match own >= power {
            true => (place << (own - power), 1 << (own - power)),
            false => (place >> (power - own), 1),
        };
        for place in first..first + count {
            let is_newer = cell > 0
                && (self.cells[place] == 0 || age(cell, self.now) < age(self.cells[place], self.now));
            if is_newer {
                self.cells[place] = cell;
                self.dirty[place / PAGE] = true;
            }
        }
    }
}

/// The stamp of a half day: never 0.
fn stamp(half: i64) -> u8 {
    (half.rem_euclid(255) + 1) as u8
}

/// How many half days ago `cell` was stamped.
fn age(cell: u8, now: i64) -> i64 {
    (now - (i64::from(cell) - 1)).rem_euclid(255)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: [u8; 16] = [3; 16];
    const HALF_DAY: Window = 72;

    fn fact(of: u64) -> Fact {
        Fact { about: About::Shown, of: [of, 0, 0, 0] }
    }

    #[test]
    fn a_fact_is_known_for_as_long_as_is_asked_and_no_longer_than_two_months() {
        let mut known = Known::new(SEED, 1);
        known.pass(1_000 * HALF_DAY);
        assert!(!known.has(fact(1), 30));
        known.note(fact(1));
        for (half_days, day, month) in
            [(0, true, true), (2, true, true), (3, false, true), (60, false, true), (61, false, false)]
        {
            known.pass((1_000 + half_days) * HALF_DAY);
            assert_eq!(
                (known.has(fact(1), 1), known.has(fact(1), 30)),
                (day, month),
                "after {half_days} half days"
            );
        }
        assert!(known.has(fact(1), 59));
        known.pass(1_119 * HALF_DAY);
        assert!(known.has(fact(1), 60));
        known.pass(1_255 * HALF_DAY);
        assert!(!known.has(fact(1), 200), "and is not new again when the stamps come round");
        assert_eq!(known.days(), 127);
    }

    #[test]
    fn what_was_never_shown_is_rarely_taken_for_known() {
        let mut known = Known::new(SEED, 1);
        known.pass(5);
        (0..known.cells.len() as u64 / 15).for_each(|nth| known.note(fact(nth)));
        assert!((0..known.cells.len() as u64 / 15).all(|nth| known.has(fact(nth), 1)));
        let wrong = (0..100_000).filter(|nth| known.has(fact(1 << 40 | nth), 1)).count();
        assert!(wrong < 400, "{wrong} of 100,000");
    }

    #[test]
    fn a_larger_or_smaller_table_takes_over_what_is_known() {
        let (mut small, mut large) = (Known::new(SEED, 1), Known::new(SEED, 50_000));
        let all = |known: &Known| -> Vec<(usize, u8)> { known.cells.iter().copied().enumerate().collect() };
        small.pass(5);
        large.pass(5);
        (0..1_000).for_each(|nth| small.note(fact(nth)));
        all(&small).into_iter().for_each(|(place, cell)| large.take_over(small.power(), place, cell));
        assert!((0..1_000).all(|nth| large.has(fact(nth), 1)));
        let mut again = Known::new(SEED, 1);
        again.pass(5);
        all(&large).into_iter().for_each(|(place, cell)| again.take_over(large.power(), place, cell));
        assert_eq!(again.cells, small.cells);
    }
}
