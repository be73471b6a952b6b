//! Tallies, written into the state: an entry each, when it has changed.
//!
//! | key | value |
//! |---|---|
//! | `kt`, the number of its entity's name (4 bytes), a hash of the rest (16) | since when, changed when and in how many windows, told when, the detector's record |

use std::collections::BTreeMap;

use super::{Key, Record, Slot, Tallies, Tally};
use crate::score::{
    detect::known::capture::KNOWN,
    grid::Narrow,
    kept::wire::{StateError, VERSION, put_int, put_uint, take_end, take_int, take_uint, take_version},
};

/// Second byte of a key.
const TALLY: u8 = b't';

/// Whether `key` is a tally's.
pub(in crate::score) fn is_tally(key: &[u8]) -> bool {
    key.starts_with(&[KNOWN, TALLY])
}

/// What the keys begin with of all that is counted of the entity whose name has this `number`.
pub(in crate::score) fn tallies_of(number: u32) -> Vec<u8> {
    [&[KNOWN, TALLY], &number.to_be_bytes()[..]].concat()
}

/// The entries that hold of each key what the one of `states` says that has seen it in more windows; of equals, some rule that
/// all keep decides.
///
/// # Errors
///
/// When they are not what [`Tallies::capture`] wrote.
pub(in crate::score) fn merge<'a>(
    entries: impl Iterator<Item = (&'a [u8], &'a [u8])>,
) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, StateError> {
    let mut merged: BTreeMap<Vec<u8>, (u16, Vec<u8>)> = BTreeMap::new();
    for (key, value) in entries {
        let one = (decode(value)?.seen, value.to_vec());
        let most = merged.entry(key.to_vec()).or_default();
        *most = one.max(std::mem::take(most));
    }
    Ok(merged.into_iter().map(|(key, (_, value))| (key, value)).collect())
}

fn encode(tally: &Tally) -> Vec<u8> {
    let mut out = vec![VERSION];
    for window in [tally.since, tally.newest, tally.told] {
        put_int(window.window(), &mut out);
    }
    put_uint(tally.seen.into(), &mut out);
    out.extend_from_slice(&tally.record);
    out
}

fn decode(mut value: &[u8]) -> Result<Tally, StateError> {
    let bytes = &mut value;
    take_version(bytes)?;
    let mut window = || {
        let window = take_int(bytes)?;
        let none = Narrow::NONE;
        Ok::<_, StateError>(if window == none.window() { none } else { Narrow::of(window) })
    };
    let (since, newest, told) = (window()?, window()?, window()?);
    let seen = u16::try_from(take_uint(bytes)?).map_err(|_| StateError::Torn)?;
    let (record, rest) = bytes.split_first_chunk().ok_or(StateError::Torn)?;
    let record: Record = *record;
    *bytes = rest;
    take_end(bytes)?;
    Ok(Tally { since, newest, told, seen, record })
}

// === impl Key ===

impl Key {
    fn bytes(self) -> Vec<u8> {
        let mut key = tallies_of(self.whose);
        self.what.iter().for_each(|half| key.extend_from_slice(&half.to_be_bytes()));
        key
    }

    fn from_bytes(key: &[u8]) -> Option<Self> {
        let (whose, what) = key.get(2..)?.split_first_chunk()?;
        let what = u128::from_be_bytes(what.try_into().ok()?);
        Some(Self { whose: u32::from_be_bytes(*whose), what: [(what >> 64) as u64, what as u64] })
    }
}

// === impl Tallies ===

impl Tallies {
    /// Gives the entries that have changed since this was called last, with their keys; without a value the key goes.
    pub(in crate::score) fn capture(&mut self, mut each: impl FnMut(Vec<u8>, Option<Vec<u8>>)) {
        // First, so that what came back after it was given up stays.
        std::mem::take(&mut self.gone).into_iter().for_each(|key| each(key.bytes(), None));
        for slot in self.buckets.iter_mut().flatten().filter(|slot| slot.dirty) {
            each(slot.key.bytes(), Some(encode(&slot.tally)));
            (slot.dirty, slot.kept) = (false, true);
        }
    }

    /// Takes over `entries` as of the window that is now. Those that find no room are gone with the next capture.
    ///
    /// # Errors
    ///
    /// When they are not what [`Tallies::capture`] wrote.
    pub(in crate::score) fn restore<'a>(
        &mut self,
        entries: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    ) -> Result<(), StateError> {
        let mut all = Vec::new();
        for (key, value) in entries {
            let key = Key::from_bytes(key).ok_or_else(|| StateError::Key(key.to_vec()))?;
            all.push(Slot { key, tally: decode(value)?, dirty: false, kept: true });
        }
        // Of those of a bucket the ones that are worth most come last, and stay.
        let now = self.now;
        all.sort_by_key(|slot| (slot.tally.worth(now), slot.tally.newest, slot.key));
        all.into_iter().for_each(|slot| self.place(slot));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::score::sessions::leg::Who;

    const SEED: [u8; 16] = [3; 16];

    fn who(number: u32) -> Who {
        Who { number, place: 0 }
    }

    /// Tallies of so many keys as of window 1,000.
    fn tallies(keys: u64, entities_max: u32) -> Tallies {
        let mut tallies = Tallies::new(SEED, entities_max);
        tallies.pass(1_000);
        for nth in 0..keys {
            let key = tallies.key(1, who(nth as u32), [nth]);
            let mut tally = tallies.get_or_new(key);
            tally.record[3] = nth as u8;
            tallies.put(key, tally);
        }
        tallies
    }

    fn stored(into: &mut BTreeMap<Vec<u8>, Vec<u8>>, tallies: &mut Tallies) -> usize {
        let mut count = 0;
        tallies.capture(|key, value| {
            count += 1;
            match value {
                Some(value) => into.insert(key, value),
                None => into.remove(&key),
            };
        });
        count
    }

    fn restored(entries: &BTreeMap<Vec<u8>, Vec<u8>>, entities_max: u32) -> Result<Tallies, StateError> {
        let mut tallies = Tallies::new(SEED, entities_max);
        tallies.pass(1_000);
        tallies.restore(entries.iter().map(|(key, value)| (&**key, &**value)))?;
        Ok(tallies)
    }

    #[test]
    fn what_is_captured_is_there_again_also_in_a_larger_table_and_only_changes_are_written() {
        let mut state = BTreeMap::new();
        let mut first = tallies(500, 1);
        assert_eq!((stored(&mut state, &mut first), stored(&mut state, &mut first)), (500, 0));
        for entities_max in [1, 100_000] {
            let mut again = restored(&state, entities_max).unwrap();
            for nth in 0..500 {
                let key = again.key(1, who(nth), [nth.into()]);
                assert_eq!(again.get(key), first.get(key));
            }
            assert_eq!(stored(&mut state.clone(), &mut again), 0);
        }
        let key = first.key(1, who(7), [7]);
        first.pass(1_001);
        first.put(key, first.get_or_new(key));
        assert_eq!(stored(&mut state, &mut first), 1);
    }

    #[test]
    fn the_state_holds_what_the_table_holds_however_many_were_given_up() {
        let mut state = BTreeMap::new();
        let mut few = tallies(0, 1);
        for window in 1_000..1_040 {
            few.pass(window);
            for nth in 0..400 {
                let key = few.key(1, who(1), [window as u64 * 300 + nth]);
                few.put(key, few.get_or_new(key));
            }
            stored(&mut state, &mut few);
        }
        let held: Vec<Vec<u8>> = few.buckets.iter().flatten().map(|slot| slot.key.bytes()).collect();
        assert!(
            held.len() > 2_900 && state.len() == held.len() && held.iter().all(|key| state.contains_key(key))
        );
        // A table that is smaller than what there is.
        let mut large = tallies(20_000, 100_000);
        let mut state = BTreeMap::new();
        stored(&mut state, &mut large);
        let mut small = restored(&state, 1).unwrap();
        stored(&mut state, &mut small);
        assert_eq!(state.len(), small.buckets.iter().map(Vec::len).sum::<usize>());
    }

    #[test]
    fn of_two_states_the_one_that_saw_more_counts_in_either_order() {
        let (mut one, mut other) = (BTreeMap::new(), BTreeMap::new());
        stored(&mut one, &mut tallies(40, 1));
        let mut more = tallies(60, 1);
        more.pass(1_001);
        let key = more.key(1, who(5), [5]);
        let mut tally = more.get_or_new(key);
        tally.record[9] = 77;
        more.put(key, tally);
        stored(&mut other, &mut more);
        let of = |state: &BTreeMap<Vec<u8>, Vec<u8>>| state.clone().into_iter().collect::<Vec<_>>();
        let merged = |states: [&BTreeMap<Vec<u8>, Vec<u8>>; 2]| {
            let all = states.map(of).concat();
            merge(all.iter().map(|(key, value)| (&**key, &**value))).unwrap()
        };
        assert_eq!(merged([&one, &other]), merged([&other, &one]));
        let again = restored(&merged([&one, &other]), 1).unwrap();
        assert_eq!(again.get(key).unwrap().record[9], 77);
        assert_eq!(merged([&one, &other]).len(), 60);
    }

    #[test]
    fn torn_entries_are_refused() {
        let mut state = BTreeMap::new();
        stored(&mut state, &mut tallies(1, 1));
        let (key, value) = state.first_key_value().unwrap();
        for end in 0..value.len() {
            assert!(restored(&BTreeMap::from([(key.clone(), value[..end].to_vec())]), 1).is_err());
        }
        for end in 2..key.len() {
            assert!(restored(&BTreeMap::from([(key[..end].to_vec(), value.clone())]), 1).is_err());
        }
    }
}
