//! Registers: what a HyperLogLog holds, five bits each, twelve in a word, and the estimate that follows from them.

use crate::score::histogram::DecodeError;

use super::EXACT_MAX;

/// Registers in a word.
pub(super) const PER_WORD: usize = 12;
/// Bits of a register.
const WIDTH: usize = 5;
/// 1/(2 ln 2), the estimator's constant for many registers.
const ALPHA: f64 = 0.721_347_520_444_481_7;

/// What the estimate follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::score) struct Shape {
    /// Sum of 2^-rank over the registers that are set, in units of 2^-32.
    sum: u64,
    /// How many are not.
    clear: u32,
}

/// Words that hold the registers of precision `precision`.
pub(in crate::score) const fn words_of(precision: u32) -> usize {
    (1_usize << precision).div_ceil(PER_WORD)
}

/// The register `nth` among `words`.
#[inline]
pub(in crate::score) fn register(words: &[u64], nth: usize) -> u32 {
    (words[nth / PER_WORD] >> (nth % PER_WORD * WIDTH) & 31) as u32
}

/// A register and the rank that a hash gives it.
#[derive(Clone, Copy)]
pub(in crate::score) struct Mark {
    word: u32,
    shift: u32,
    rank: u32,
}

// === impl Mark ===

impl Mark {
    /// That of `hash`.
    #[inline]
    pub(in crate::score) const fn of(hash: u32, precision: u32) -> Self {
        let left = 32 - precision;
        let zeros = (hash << precision).leading_zeros();
        Self::new(hash >> left, if zeros < left { zeros + 1 } else { left + 1 })
    }

    #[inline]
    const fn new(nth: u32, rank: u32) -> Self {
        let (word, place) = (nth / PER_WORD as u32, nth % PER_WORD as u32);
        Self { word, shift: place * WIDTH as u32, rank }
    }

    #[inline]
    pub(in crate::score) const fn rank(self) -> u32 {
        self.rank
    }

    /// Raises the register among `words`; gives its rank before where that changed anything.
    #[inline]
    pub(in crate::score) fn raise(self, words: &mut [u64]) -> Option<u32> {
        let word = &mut words[self.word as usize];
        let before = (*word >> self.shift) as u32 & 31;
        if self.rank <= before {
            return None;
        }
        *word ^= u64::from(before ^ self.rank) << self.shift;
        Some(before)
    }
}

/// Raises the register of `hash` among `words`; gives its rank before and after where that changed anything.
#[inline]
pub(super) fn raise(words: &mut [u64], precision: u32, hash: u32) -> Option<(u32, u32)> {
    let mark = Mark::of(hash, precision);
    Some((mark.raise(words)?, mark.rank))
}

/// Raises the registers of `words` to those of `others`.
pub(in crate::score) fn raise_all(words: &mut [u64], precision: u32, others: &[u64]) {
    for nth in 0..1_usize << precision {
        Mark::new(nth as u32, register(others, nth)).raise(words);
    }
}

/// Checks that `words` are registers of this precision.
pub(in crate::score) fn check(words: &[u64], precision: u32) -> Result<(), DecodeError> {
    let mut copy = vec![0; words.len()];
    raise_all(&mut copy, precision, words);
    let fits = |nth| register(words, nth) <= 33 - precision;
    if copy == words && (0..1 << precision).all(fits) { Ok(()) } else { Err(DecodeError::Form) }
}

// === impl Shape ===

impl Shape {
    /// Of `sum` and `clear`.
    pub(in crate::score) const fn new(sum: u64, clear: u32) -> Self {
        Self { sum, clear }
    }

    /// That of registers none of which is set.
    pub(super) const fn empty(precision: u32) -> Self {
        Self::new(0, 1 << precision)
    }

    /// That of `words`.
    pub(super) fn of(words: &[u64], precision: u32) -> Self {
        let mut shape = Self::empty(precision);
        (0..1_usize << precision).for_each(|nth| shape.change(0, register(words, nth)));
        shape
    }

    /// Follows a register from rank `before` to `after`.
    #[inline]
    pub(super) fn change(&mut self, before: u32, after: u32) {
        let weight = |rank: u32| if rank == 0 { 0 } else { 1_u64 << (32 - rank) };
        self.sum = self.sum + weight(after) - weight(before);
        self.clear -= u32::from(before == 0 && after > 0);
    }

    /// How many hashes there probably were.
    #[inline]
    pub(in crate::score) fn estimate(self, precision: u32) -> f64 {
        let all = f64::from(1_u32 << precision);
        if f64::from(self.clear) == all {
            return 0.0;
        }
        let set = self.sum as f64 / 4_294_967_296.0;
        let clear = match precision {
            8 => SIGMAS[self.clear as usize],
            _ => sigma(f64::from(self.clear) / all),
        };
        ALPHA * all * all / (all * clear + set)
    }

    /// The same as a number, of more hashes than are counted exactly.
    #[inline]
    pub(super) fn count(self, precision: u32) -> u32 {
        ((self.estimate(precision) + 0.5) as u32).max(EXACT_MAX as u32 + 1)
    }
}

/// x + Σ x^(2^k) · 2^(k-1): what registers that are clear stand for. `share` is below 1.
pub(in crate::score) const fn sigma(share: f64) -> f64 {
    let (mut power, mut weight, mut sum) = (share, 1.0, share);
    loop {
        power *= power;
        let next = sum + power * weight;
        if next == sum {
            return sum;
        }
        sum = next;
        weight += weight;
    }
}

/// [`sigma`] of so many of 256 registers, as an entity's sets ask for it with every hash that is new to them.
static SIGMAS: [f64; 256] = {
    let mut sigmas = [0.0; 256];
    let mut clear = 0;
    while clear < sigmas.len() {
        sigmas[clear] = sigma(clear as f64 / 256.0);
        clear += 1;
    }
    sigmas
};
