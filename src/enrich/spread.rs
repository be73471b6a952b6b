//! Spreads what differs in the lower bits of a number over its upper ones, which choose a place in a table.

/// An odd number whose bits look random: 2^64 divided by the golden ratio, which Knuth's multiplicative hashing uses.
pub(super) const ODD: u64 = 0x9e37_79b9_7f4a_7c15;

/// `number`, spread.
#[inline]
pub(super) const fn spread(number: u64) -> u64 {
    number.wrapping_mul(ODD)
}
