//! What is known of the estate, written into the state: pages of cells, each when one of them has changed, and [`tallies`].
//!
//! | key | value |
//! |---|---|
//! | `k` | the half day that is now, the first one, and the window that is now |
//! | `k`, the table's size as a power of two, the page (4 bytes) | the page's cells: how many are empty before one that is not, and that one |

use std::collections::BTreeMap;

use super::{
    Known, PAGE,
    tallies::{
        Tallies,
        capture::{self as tallies, is_tally},
    },
};
use crate::score::kept::wire::{
    StateError, VERSION, put_int, put_uint, take_end, take_int, take_uint, take_version,
};

/// First byte of a key of what is known.
pub(in crate::score) const KNOWN: u8 = b'k';

/// The entries of a table that knows what those of `states` know, each in the order of its keys; none where they know nothing.
///
/// # Errors
///
/// When they are not what [`Known::capture`] wrote.
pub(in crate::score) fn merge<'a, E: Iterator<Item = (&'a [u8], &'a [u8])> + Clone>(
    states: impl Iterator<Item = E> + Clone,
) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, StateError> {
    let counted = tallies::merge(states.clone().flatten().filter(|(key, _)| is_tally(key)))?;
    let powers = states.clone().flatten().filter_map(|(key, _)| place(key).ok()?);
    let Some(power) = powers.map(|(power, _)| power).max() else { return Ok(counted) };
    // Whose seed it is does not matter to who only joins cells.
    let mut known = Known::of_size([0; 16], 1 << power, Tallies::new([0; 16], 1));
    let shown = |entries: E| entries.filter(|(key, _)| !is_tally(key));
    states.into_iter().try_for_each(|entries| known.restore(shown(entries)))?;
    let mut merged = counted;
    known.capture(|key, value| merged.extend(value.map(|value| (key, value))));
    Ok(merged)
}

/// Whether `key` is of a table with as many cells as `known`.
pub(in crate::score) fn is_of(key: &[u8], known: &Known) -> bool {
    is_tally(key) || key.get(1).is_none_or(|power| u32::from(*power) == known.power())
}

fn key(power: u32, page: usize) -> Vec<u8> {
    let mut key = vec![KNOWN, power as u8];
    key.extend_from_slice(&(page as u32).to_be_bytes());
    key
}

// === impl Known ===

impl Known {
    /// Gives the entries that have changed since this was called last, with their keys; without a value the key goes.
    pub(in crate::score) fn capture(&mut self, mut each: impl FnMut(Vec<u8>, Option<Vec<u8>>)) {
        let Some(since) = self.since else { return };
        let mut times = vec![VERSION];
        put_int(self.now, &mut times);
        put_int(since, &mut times);
        put_int(self.tallies.now(), &mut times);
        each(vec![KNOWN], Some(times));
        for (nth, page) in self.pages() {
            let mut out = vec![VERSION];
            let mut empty = 0;
            for cell in page {
                if *cell == 0 {
                    empty += 1;
                    continue;
                }
                put_uint(empty, &mut out);
                out.push(*cell);
                empty = 0;
            }
            each(key(self.power(), nth), Some(out));
        }
        self.is_captured();
        self.tallies.capture(each);
    }

    /// Takes over `entries`, which are in the order of their keys, beside what is known already. The next capture holds all of it.
    ///
    /// # Errors
    ///
    /// When they are not what [`Known::capture`] wrote.
    pub(in crate::score) fn restore<'a>(
        &mut self,
        entries: impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone,
    ) -> Result<(), StateError> {
        for (key, mut value) in entries.clone().filter(|(key, _)| !is_tally(key)) {
            let bytes = &mut value;
            take_version(bytes)?;
            let Some((power, page)) = place(key)? else {
                let (now, since, window) = (take_int(bytes)?, take_int(bytes)?, take_int(bytes)?);
                self.tallies.pass(window);
                self.now = self.since.map_or(now, |_| self.now.max(now));
                self.since = Some(self.since.map_or(since, |before| before.min(since)));
                take_end(bytes)?;
                continue;
            };
            let mut place = page * PAGE;
            while !bytes.is_empty() {
                place += usize::try_from(take_uint(bytes)?).map_err(|_| StateError::Torn)?;
                let (cell, rest) = bytes.split_first().ok_or(StateError::Torn)?;
                if place >= (page + 1) * PAGE {
                    return Err(StateError::Torn);
                }
                self.take_over(power, place, *cell);
                place += 1;
                *bytes = rest;
            }
        }
        // As of the window that is now.
        self.tallies.restore(entries.filter(|(key, _)| is_tally(key)))
    }
}

/// The power and the page of a key; none of that of the times.
fn place(key: &[u8]) -> Result<Option<(u32, usize)>, StateError> {
    let wrong = || StateError::Key(key.to_vec());
    match key {
        [KNOWN] => Ok(None),
        [KNOWN, power @ 12..=28, rest @ ..] => {
            let page = u32::from_be_bytes(rest.try_into().map_err(|_| wrong())?) as usize;
            let fits = page < (1 << power) / PAGE;
            if fits { Ok(Some(((*power).into(), page))) } else { Err(wrong()) }
        }
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::{About, Fact};
    use super::*;

    const SEED: [u8; 16] = [3; 16];

    fn fact(of: u64) -> Fact {
        Fact { about: About::Shown, of: [of, 0, 0, 0] }
    }

    fn captured(known: &mut Known) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let mut entries = BTreeMap::new();
        known.capture(|key, value| {
            entries.extend(value.map(|value| (key, value)));
        });
        entries
    }

    fn restored(entries: &BTreeMap<Vec<u8>, Vec<u8>>, entities_max: u32) -> Result<Known, StateError> {
        let mut known = Known::new(SEED, entities_max);
        known.restore(entries.iter().map(|(key, value)| (&**key, &**value)))?;
        Ok(known)
    }

    #[test]
    fn what_is_captured_is_known_again_also_in_a_table_of_another_size() {
        let mut known = Known::new(SEED, 1);
        known.pass(500_000);
        (0..2_000).for_each(|nth| known.note(fact(nth)));
        let all = captured(&mut known);
        assert_eq!(captured(&mut known).len(), 1, "nothing but the times, where nothing is new");
        for entities_max in [1, 100_000] {
            let mut again = restored(&all, entities_max).unwrap();
            assert!((0..2_000).all(|nth| again.has(fact(nth), 1)) && again.days() == 0);
            assert!(captured(&mut again).len() > 1);
        }
        known.pass(500_000 + 144);
        known.note(fact(9_999));
        let few = captured(&mut known);
        assert!((2..7).contains(&few.len()), "{}", few.len());
    }

    #[test]
    fn what_either_of_two_knows_their_merger_knows_in_any_order() {
        let mut states = Vec::new();
        for (window, facts, entities_max) in [(500_000, 0..900, 1), (500_300, 600..2_000, 100_000)] {
            let mut known = Known::new(SEED, entities_max);
            known.pass(window);
            facts.for_each(|nth| known.note(fact(nth)));
            states.push(captured(&mut known));
        }
        let merged = |order: [usize; 2]| {
            let states = order.map(|nth| states[nth].iter().map(|(key, value)| (&**key, &**value)));
            merge(states.into_iter()).unwrap()
        };
        assert_eq!(merged([0, 1]), merged([1, 0]));
        let known = restored(&merged([0, 1]), 100_000).unwrap();
        assert!((0..2_000).all(|nth| known.has(fact(nth), 3)));
        assert!((0..600).filter(|nth| known.has(fact(*nth), 1)).count() < 30, "when it was shown is kept");
        assert_eq!(known.days(), 2);
    }

    #[test]
    fn torn_entries_are_told_and_no_panic() {
        let mut known = Known::new(SEED, 1);
        known.pass(500_000);
        known.note(fact(1));
        let all = captured(&mut known);
        for (entry, value) in &all {
            for end in 0..value.len() {
                let torn = BTreeMap::from([(entry.clone(), value[..end].to_vec())]);
                // A page that ends between two cells is a shorter page.
                let _ = restored(&torn, 1);
            }
        }
        for wrong in [vec![KNOWN, 40, 0, 0, 0, 0], vec![KNOWN, 12, 0, 0, 0, 9], vec![KNOWN, 12]] {
            assert!(restored(&BTreeMap::from([(wrong, vec![VERSION])]), 1).is_err());
        }
    }
}
