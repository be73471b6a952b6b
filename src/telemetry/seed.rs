//! The one source of randomness: a seed from the operating system, from which everything else is derived.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A fresh 64-bit seed that nobody outside the process can guess.
///
/// The standard library keys its hash maps from the operating system's generator; hashing nothing under such a key
/// gives a value as unpredictable as the key.
#[must_use]
pub fn fresh() -> u64 {
    RandomState::new().build_hasher().finish()
}
