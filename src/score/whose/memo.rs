//! A memo: what bytes of a record came to when they were last seen, in little memory that is quick to reach. It may
//! forget; who asks it knows the long way.

use crate::score::keys::Key;

/// Answers by key.
#[derive(Debug)]
pub(in crate::score) struct Memo {
    /// As many places as a power of two, in sets; bits in the middle of a key are its set.
    places: Vec<Answer>,
    /// How many of them are taken.
    taken: usize,
}

/// An answer and the upper 96 bits of its key, its set among them. Of 16 bytes, so that four share a line of the processor's
/// cache.
#[derive(Debug, Clone, Copy)]
struct Answer {
    high: u64,
    low: u32,
    answer: u32,
}

/// Places in a set: a key may stand in any of its set, which is one line of the processor's cache. The memo doubles when
/// a set holds more than two on average; one in twenty overflows then, and what it loses is looked up the long way.
const WAYS: usize = 4;
/// Sizes of the memo: it must hold what is on the wire at a time, and stay in the processor's caches where it can.
const PLACES_MIN: usize = 1 << 12;
const PLACES_MAX: usize = 1 << 18;

// === impl Answer ===

impl Answer {
    /// A place that is not taken.
    const NOTHING: Self = Self { high: 0, low: 0, answer: 0 };

    fn new(key: Key, answer: u32) -> Self {
        Self { high: (key >> 64) as u64, low: (key >> 32) as u32, answer }
    }

    #[inline]
    fn is_of(&self, key: Key) -> bool {
        self.high == (key >> 64) as u64 && self.low == (key >> 32) as u32
    }
}

// === impl Memo ===

impl Memo {
    /// A memo that knows nothing.
    pub(in crate::score) fn new() -> Self {
        Self { places: vec![Answer::NOTHING; PLACES_MIN], taken: 0 }
    }

    /// Bytes that it takes for at most `max` answers.
    pub(in crate::score) fn bytes(max: usize) -> usize {
        (4 * max).next_power_of_two().clamp(PLACES_MIN, PLACES_MAX) * size_of::<Answer>()
    }

    /// What `key` came to; `None` when that is forgotten.
    #[inline]
    pub(super) fn recall(&self, key: Key) -> Option<u32> {
        let set = self.set_of((key >> 32) as u32);
        let found = self.places[set..set + WAYS].iter().find(|answer| answer.is_of(key))?;
        Some(found.answer)
    }

    /// Reads where `key` stands, whatever stands there, so that the memory of several keys is fetched side by side.
    #[inline]
    pub(in crate::score) fn warm(&self, key: Key) -> u64 {
        self.places[self.set_of((key >> 32) as u32)].high
    }

    /// Remembers what `key` came to.
    pub(in crate::score) fn remember(&mut self, key: Key, answer: u32) {
        if self.taken * 2 > self.places.len() && self.places.len() < PLACES_MAX {
            self.widen();
        }
        self.put(Answer::new(key, answer));
    }

    /// Puts `answer` into its set.
    fn put(&mut self, answer: Answer) {
        let set = self.set_of(answer.low);
        let free = self.places[set..set + WAYS].iter().position(|answer| answer.high == 0);
        self.taken += usize::from(free.is_some());
        // A full set loses one of its four; which one follows from the key.
        let way = free.unwrap_or((answer.high >> 32) as usize % WAYS);
        self.places[set + way] = answer;
    }

    /// Forgets everything.
    pub(in crate::score) fn clear(&mut self) {
        self.places.fill(Answer::NOTHING);
        self.taken = 0;
    }

    /// Where the set of a key begins, of which `low` are bits 32 to 63.
    #[inline]
    fn set_of(&self, low: u32) -> usize {
        (low as usize & (self.places.len() / WAYS - 1)) * WAYS
    }

    /// Doubles the memo, which goes on knowing what it knows.
    #[cold]
    fn widen(&mut self) {
        let wide = vec![Answer::NOTHING; self.places.len() * 2];
        let narrow = std::mem::replace(&mut self.places, wide);
        self.taken = 0;
        narrow.into_iter().filter(|answer| answer.high != 0).for_each(|answer| self.put(answer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_knows_nearly_all_that_it_knew_before_it_grew() {
        let mut memo = Memo::new();
        let key = |nth: u32| u128::from(nth + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834);
        (0..20_000).for_each(|nth| memo.remember(key(nth), nth));
        let known = (0..20_000).filter(|nth| memo.recall(key(*nth)) == Some(*nth)).count();
        assert!(known > 19_000, "{known} of 20,000");
    }

    #[test]
    fn it_answers_for_the_key_alone_and_forgets_rather_than_mixes_up() {
        let mut memo = Memo::new();
        let key = |nth: u32| u128::from(nth + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834);
        for nth in 0..10_000 {
            assert_eq!(memo.recall(key(nth)), None);
            memo.remember(key(nth), nth);
            assert_eq!(memo.recall(key(nth)), Some(nth));
        }
        let known = (0..10_000).filter_map(|nth| memo.recall(key(nth)).map(|answer| (nth, answer)));
        let known: Vec<(u32, u32)> = known.collect();
        assert!(known.iter().all(|(nth, answer)| nth == answer));
        assert!(known.len() > 1_000, "{} are known still", known.len());
        assert!(memo.places.len() * size_of::<Answer>() <= Memo::bytes(10_000));
    }
}
