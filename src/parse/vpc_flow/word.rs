//! Eight bytes at a time: where columns and numbers end, and what digits say, without a branch for each byte.

const ZEROS: u64 = 0x3030_3030_3030_3030;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
const ONES: u64 = 0x0101_0101_0101_0101;
const POWERS: [u64; 8] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];

/// What a column is read from: its bytes and what follows them.
pub(super) type Window = [u8; 20];

/// The eight bytes of `window` from `at` on, which is at most 12, the first as the lowest.
#[inline]
pub(super) fn load(window: &Window, at: usize) -> u64 {
    window[at..].first_chunk().map_or(0, |word| u64::from_le_bytes(*word))
}

/// The four bytes of `window` from `at` on, which is at most 15, the first as the lowest.
#[inline]
pub(super) fn load_half(window: &Window, at: u32) -> u32 {
    window[at as usize & 15..].first_chunk().map_or(0, |word| u32::from_le_bytes(*word))
}

/// How many bytes of `word` stand before the first that is a space or a control character; 8 where none is.
#[inline]
pub(super) fn before_gap(word: u64) -> usize {
    // A byte below 0x21 borrows from the next, so only the first mark is sure.
    let marks = word.wrapping_sub(0x21 * ONES) & !word & HIGH_BITS;
    marks.trailing_zeros() as usize / 8
}

/// `text`, of eight bytes at most, as [`first`] gives it.
pub(super) const fn word(text: &[u8]) -> u64 {
    let mut word = 0;
    let mut index = 0;
    while index < text.len() {
        word |= (text[index] as u64) << (64 - 8 * (text.len() - index));
        index += 1;
    }
    word
}

/// The first `len` bytes of `word`, 1 to 8, moved to its end, with zero bytes before them.
#[inline]
pub(super) const fn first(word: u64, len: usize) -> u64 {
    word << (64 - 8 * len)
}

/// The number that the digits at the window's beginning are, and how many: 1 to 15. `None` where there is none, or where
/// it is longer.
#[inline]
pub(super) fn decimal(window: &Window) -> Option<(u64, usize)> {
    let high = load(window, 0) ^ ZEROS;
    match digits_of(high) {
        0 => None,
        len @ 1..8 => Some((sum(first(high, len)), len)),
        _ => {
            let low = load(window, 8) ^ ZEROS;
            let len = digits_of(low);
            let power = POWERS.get(len)?;
            let low = if len == 0 { 0 } else { sum(first(low, len)) };
            Some((sum(high) * power + low, 8 + len))
        }
    }
}

/// How many of the eight bytes are digits, up to the first that is none.
#[inline]
const fn digits_of(digits: u64) -> usize {
    marks(digits).trailing_zeros() as usize / 8
}

/// The high bit of each byte that is above 9.
#[inline]
const fn marks(digits: u64) -> u64 {
    // Such a byte has its high bit set, by itself or with 0x76 added.
    (digits.wrapping_add(0x76 * ONES) | digits) & HIGH_BITS
}

/// The number that eight digits are, the first in the lowest byte.
#[inline]
const fn sum(digits: u64) -> u64 {
    // Pairs, fours and eights are summed in one multiplication each.
    let pairs = digits.wrapping_mul(1 + (10 << 8)) >> 8 & 0x00FF_00FF_00FF_00FF;
    let fours = pairs.wrapping_mul(1 + (100 << 16)) >> 16 & 0x0000_FFFF_0000_FFFF;
    fours.wrapping_mul(1 + (10_000 << 32)) >> 32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_number_is_what_the_standard_library_reads(digits in "[0-9]{0,18}", after in "[^0-9][ -~]{20}") {
            let text = format!("{digits}{after}");
            let expected = (1..16).contains(&digits.len()).then(|| (digits.parse::<u64>().unwrap(), digits.len()));
            prop_assert_eq!(decimal(text.as_bytes().first_chunk().unwrap()), expected);
        }

        #[test]
        fn a_gap_is_where_a_plain_loop_finds_it(word in prop::array::uniform8(prop_oneof![0x1F_u8..=0x23, any::<u8>()])) {
            let expected = word.iter().position(|byte| *byte <= b' ').unwrap_or(8);
            prop_assert_eq!(before_gap(u64::from_le_bytes(word)), expected);
        }

        #[test]
        fn a_word_is_the_same_in_a_line_and_as_a_constant(text in "[A-Z]{8}", len in 1_usize..=8) {
            let line: [u8; 8] = text.as_bytes().try_into().unwrap();
            prop_assert_eq!(first(u64::from_le_bytes(line), len), word(&line[..len]));
        }
    }
}
