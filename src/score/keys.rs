//! Keys: the hash under the state's secret seed that names an entity in the state, and the faster one under a seed of
//! the process that finds it in memory.

use std::hash::{BuildHasher, Hasher};

use foldhash::{SharedSeed, fast::SeedableRandomState};
use siphasher::sip128::{Hasher128, SipHasher24};

use super::sketch::mixer::folded;

/// A 128-bit key; nobody without the seed can find two names with one key.
pub(super) type Key = u128;

/// A key as lists keep it: aligned to eight bytes, so that what stands beside it does not take sixteen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Halves {
    high: u64,
    /// What tables hash by.
    pub(super) low: u64,
}

/// Names things under the state's seed: the same key after a restart.
#[derive(Clone)]
pub(super) struct Keys(SipHasher24);

/// Finds things in memory: another key in every process, computed from the bytes of a record as they stand.
///
/// Folded products of sixteen bytes each under secret numbers, as the fast hashes of today have them, in two lanes that
/// read the bytes once.
#[derive(Clone)]
pub(super) struct Finder {
    starts: [u64; 2],
    factors: [u64; 2],
    last: u64,
}

// === impl Halves ===

impl Halves {
    #[inline]
    pub(super) const fn of(key: Key) -> Self {
        Self { high: (key >> 64) as u64, low: key as u64 }
    }

    #[inline]
    pub(super) const fn key(self) -> Key {
        (self.high as Key) << 64 | self.low as Key
    }
}

// === impl Keys ===

impl Keys {
    /// The keys under `seed`.
    pub(super) fn new(seed: [u8; 16]) -> Self {
        Self(SipHasher24::new_with_key(&seed))
    }

    /// The key of `parts`, told apart by their lengths.
    pub(super) fn of(&self, parts: &[&str]) -> Key {
        let mut hasher = self.0;
        for part in parts {
            hasher.write_u64(part.len() as u64);
            hasher.write(part.as_bytes());
        }
        hasher.finish128().as_u128()
    }

    /// The key of `address` in `scope`.
    pub(super) fn of_address(&self, scope: &str, address: u128) -> Key {
        let mut hasher = self.0;
        // No list of parts begins with so long a one.
        hasher.write_u64(u64::MAX);
        hasher.write_u128(address);
        hasher.write(scope.as_bytes());
        hasher.finish128().as_u128()
    }
}

// === impl Finder ===

impl Finder {
    /// A finder under `seed`.
    pub(super) fn new(seed: u64) -> Self {
        let shared = SeedableRandomState::with_seed(seed, SharedSeed::global_random());
        let number = |nth: u64| shared.hash_one(nth);
        Self { starts: [number(0), number(1)], factors: [number(2), number(3)], last: number(4) | 1 }
    }

    /// The key of `texts`, told apart by their lengths, and `numbers`.
    #[inline]
    pub(super) fn of<const T: usize, const N: usize>(&self, texts: [&[u8]; T], numbers: [u128; N]) -> Key {
        let [mut one, mut other] = self.starts;
        let mut take = |low: u64, high: u64| {
            one = folded(one ^ low, self.factors[0] ^ high);
            other = folded(other ^ low, self.factors[1] ^ high);
        };
        let mut lengths = 0_u64;
        for text in texts {
            lengths = lengths << 16 | text.len() as u64 & 0xffff;
            for (low, high) in Words(text) {
                take(low, high);
            }
        }
        if T > 0 {
            take(lengths, 0);
        }
        for number in numbers {
            take(number as u64, (number >> 64) as u64);
        }
        u128::from(folded(one, self.last)) << 64 | u128::from(folded(other, self.last))
    }
}

/// A text as pairs of words. What is left at the end is taken with bytes that were taken before, or with fewer than there
/// are in a word: texts of one length part, and lengths are told apart besides.
struct Words<'a>(&'a [u8]);

// === impl Words ===

impl Iterator for Words<'_> {
    type Item = (u64, u64);

    #[inline]
    fn next(&mut self) -> Option<(u64, u64)> {
        let text = std::mem::take(&mut self.0);
        if let Some((both, rest)) = text.split_first_chunk::<16>() {
            if !rest.is_empty() {
                // The last sixteen end where the text ends.
                self.0 = if rest.len() < 16 { &text[text.len() - 16..] } else { rest };
            }
            let both = u128::from_le_bytes(*both);
            return Some((both as u64, (both >> 64) as u64));
        }
        if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
            return Some((u64::from_le_bytes(*first), u64::from_le_bytes(*last)));
        }
        if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
            return Some((u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into()));
        }
        let all = text.iter().fold(0, |all, byte| all << 8 | u64::from(*byte));
        (!text.is_empty()).then_some((all, 0))
    }
}

// Neither shows its seed.

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys")
    }
}

impl std::fmt::Debug for Finder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Finder")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tell_parts_apart_and_depend_on_the_seed() {
        let keys = Keys::new([1; 16]);
        assert_eq!(keys.of(&["ab", "c"]), keys.of(&["ab", "c"]));
        assert_ne!(keys.of(&["ab", "c"]), keys.of(&["a", "bc"]));
        assert_ne!(keys.of(&["ab", "c"]), Keys::new([2; 16]).of(&["ab", "c"]));
        let finder = Finder::new(1);
        assert_eq!(finder.of([b"ab", b"c"], [1]), finder.of([b"ab", b"c"], [1]));
        assert_ne!(finder.of([b"ab", b"c"], [1]), finder.of([b"a", b"bc"], [1]));
        assert_ne!(finder.of([b"ab", b"c"], [1]), finder.of([b"ab", b"c"], [2]));
        assert_ne!(finder.of([b"ab", b"c"], [1]), Finder::new(2).of([b"ab", b"c"], [1]));
    }

    #[test]
    fn texts_of_any_length_have_keys_of_their_own_wherever_they_differ() {
        let finder = Finder::new(1);
        let mut keys = std::collections::HashSet::new();
        for len in 0..70 {
            let mut text = vec![b'a'; len];
            assert!(keys.insert(finder.of([&text, b"c"], [])), "{len}");
            for place in 0..len {
                text[place] = b'b';
                assert!(keys.insert(finder.of([&text, b"c"], [])), "{len}, {place}");
                assert!(keys.insert(finder.of([b"c", &text], [])), "{len}, {place}");
                text[place] = b'a';
            }
        }
        let halves = keys.iter().flat_map(|key| [*key as u64, (*key >> 64) as u64]);
        assert_eq!(halves.collect::<std::collections::HashSet<_>>().len(), 2 * keys.len());
    }
}
