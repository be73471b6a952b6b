//! Keys: the hash under the state's secret seed that names an entity in the state, and the faster one under a seed of
//! the process that finds it in memory.

use std::hash::{BuildHasher, Hasher};

use foldhash::{SharedSeed, fast::SeedableRandomState};
use siphasher::sip128::{Hasher128, SipHasher24};

/// A 128-bit key; nobody without the seed can find two names with one key.
pub(super) type Key = u128;

/// Names things under the state's seed: the same key after a restart.
#[derive(Clone)]
pub(super) struct Keys(SipHasher24);

/// Finds things in memory: another key in every process, computed from the bytes of a record as they stand.
#[derive(Clone)]
pub(super) struct Finder {
    one: SeedableRandomState,
    other: SeedableRandomState,
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
        let shared = SharedSeed::global_random();
        Self {
            one: SeedableRandomState::with_seed(seed, shared),
            other: SeedableRandomState::with_seed(seed.rotate_left(32) ^ 0x9e37_79b9_7f4a_7c15, shared),
        }
    }

    /// The key of `texts`, told apart by their lengths, and `numbers`.
    #[inline]
    pub(super) fn of<const T: usize, const N: usize>(&self, texts: [&[u8]; T], numbers: [u128; N]) -> Key {
        let mut one = self.one.build_hasher();
        let mut other = self.other.build_hasher();
        let mut lengths = 0_u64;
        for text in texts {
            lengths = lengths << 16 | text.len() as u64 & 0xffff;
            if !text.is_empty() {
                one.write(text);
                other.write(text);
            }
        }
        one.write_u64(lengths);
        other.write_u64(lengths);
        for number in numbers {
            one.write_u128(number);
            other.write_u128(number);
        }
        u128::from(one.finish()) << 64 | u128::from(other.finish())
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
    }
}
