//! A fast hash under the state's seed, for what is counted in sketches: the same in every process that has the state,
//! so that what is kept can be merged and read again.
//!
//! Folded 64 × 64 → 128 bit products under secret keys, as the fast hashes of today do. It is no cryptography: it spreads
//! keys that an attacker chooses, without seeing what they hash to.

use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher24};

/// Hashes numbers under a seed and for a purpose.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Mixer {
    keys: [u64; 4],
}

/// The two halves of the product of `one` and `other`, folded into one.
#[inline]
pub(in crate::score) const fn folded(one: u64, other: u64) -> u64 {
    let product = one as u128 * other as u128;
    product as u64 ^ (product >> 64) as u64
}

// === impl Mixer ===

impl Mixer {
    /// The hash under the state's `seed` for `purpose`: those of different purposes have nothing to do with each other.
    #[must_use]
    pub fn new(seed: [u8; 16], purpose: &str) -> Self {
        let derived = |nth: u8| {
            let mut hasher = SipHasher24::new_with_key(&seed);
            hasher.write(purpose.as_bytes());
            hasher.write_u8(nth);
            hasher.finish128().as_u128()
        };
        let (one, other) = (derived(0), derived(1));
        // An odd factor is never nought, which would swallow whatever it meets.
        Self { keys: [one as u64, (one >> 64) as u64 | 1, other as u64, (other >> 64) as u64 | 1] }
    }

    /// The hash of one number.
    #[inline]
    #[must_use]
    pub const fn of(&self, number: u64) -> u64 {
        self.of_two(number, 0)
    }

    /// The hash of two numbers, in this order.
    #[inline]
    #[must_use]
    pub const fn of_two(&self, one: u64, other: u64) -> u64 {
        let [first, second, third, fourth] = self.keys;
        // The rotation makes the first number count where the other meets its own key.
        let once = folded(one ^ first, second) ^ one.rotate_left(32);
        folded(once ^ third, other ^ fourth) ^ folded(once ^ other.rotate_left(17), second)
    }

    /// The hash of any numbers, in this order.
    #[inline]
    #[must_use]
    pub fn of_all<const N: usize>(&self, numbers: [u64; N]) -> u64 {
        numbers.iter().fold(N as u64, |hash, number| self.of_two(hash, *number))
    }
}

// It does not show its seed.
impl std::fmt::Debug for Mixer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mixer")
    }
}

/// Scales `hash`, of 32 bits, to a place below `places`: as a fraction of them, not as a remainder.
#[inline]
#[must_use]
pub const fn place(hash: u32, places: usize) -> usize {
    ((hash as u64 * places as u64) >> 32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bit_of_either_number_changes_half_of_the_hash() {
        let mixer = Mixer::new([7; 16], "test");
        let (mut least, mut most) = (f64::MAX, 0.0_f64);
        for bit in 0..128 {
            let flip = |number: u64| {
                let (one, other) = (number.wrapping_mul(0x9e37_79b9_7f4a_7c15), number);
                let flipped = (one ^ (1_u128 << bit) as u64, other ^ (1_u128 << bit >> 64) as u64);
                (mixer.of_two(one, other) ^ mixer.of_two(flipped.0, flipped.1)).count_ones()
            };
            let mean = f64::from((0..1_000).map(flip).sum::<u32>()) / 1_000.0;
            (least, most) = (least.min(mean), most.max(mean));
        }
        assert!(least > 30.5 && most < 33.5, "{least} to {most} bits of 64");
    }

    #[test]
    fn every_sixteenth_gets_its_share_of_neighbours() {
        for stride in [1, 256, 65_536, 1 << 32] {
            let mixer = Mixer::new([3; 16], "test");
            let mut shares = [0_u32; 16];
            (0..160_000).for_each(|nth| shares[place((mixer.of(nth * stride) >> 32) as u32, 16)] += 1);
            assert!(shares.iter().all(|share| (9_600..10_400).contains(share)), "{stride}: {shares:?}");
        }
    }

    #[test]
    fn seeds_and_purposes_part_and_processes_agree() {
        let hash = |seed, purpose| Mixer::new([seed; 16], purpose).of(5);
        assert_eq!(hash(1, "a"), hash(1, "a"));
        assert_ne!(hash(1, "a"), hash(2, "a"));
        assert_ne!(hash(1, "a"), hash(1, "b"));
        assert_ne!(Mixer::new([1; 16], "a").of_two(1, 2), Mixer::new([1; 16], "a").of_two(2, 1));
    }
}
