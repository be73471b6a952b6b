//! A decimal logarithm that is the same on every machine: a table and straight lines, no mathematical library.

/// Pieces that an octave is cut into.
const PIECES: usize = 64;
/// Binary digits of the mantissa that choose the piece.
const PIECE_BITS: u32 = PIECES.ilog2();
/// Binary digits of a double's mantissa.
const MANTISSA_BITS: u32 = f64::MANTISSA_DIGITS - 1;
/// `LOG2[i]` is log2(1 + i/64), to 32 binary digits.
const LOG2: [f64; PIECES + 1] = table();

/// log10 of `value`, at most 1.4·10^−5 below the real one and never above it by more than the last digit; never
/// decreases with `value`. `value` is a normal number above 0: what is not gives nonsense, but no panic.
#[must_use]
#[inline]
pub const fn log10(value: f64) -> f32 {
    let bits = value.to_bits();
    let exponent = (bits >> MANTISSA_BITS) as i32 - 1023;
    let piece = (bits >> (MANTISSA_BITS - PIECE_BITS)) as usize % PIECES;
    // The rest of the mantissa, as a fraction of the piece: its bits below an exponent of 0, less the 1 they stand for.
    let rest = (bits << PIECE_BITS) & ((1 << MANTISSA_BITS) - 1) | 1023 << MANTISSA_BITS;
    let along = f64::from_bits(rest) - 1.0;
    let low = LOG2[piece];
    let log2 = exponent as f64 + (low + (LOG2[piece + 1] - low) * along);
    (log2 * std::f64::consts::LOG10_2) as f32
}

/// log10 of `value`, where 0 counts as one half.
#[must_use]
#[inline]
pub const fn log10_of(value: u64) -> f32 {
    log10(if value == 0 { 0.5 } else { value as f64 })
}

const fn table() -> [f64; PIECES + 1] {
    let mut table = [1.0; PIECES + 1];
    let mut piece = 0;
    while piece < PIECES {
        table[piece] = log2((PIECES + piece) as u64) as f64 / (1_u64 << 32) as f64;
        piece += 1;
    }
    table
}

/// log2(value / 64) for a value from 64 to 127, in units of 2^−32, rounded down: squares the value again and again, and
/// each time it passes 2, that is a digit.
const fn log2(value: u64) -> u64 {
    let mut power = (value as u128) << (62 - PIECE_BITS);
    let mut digits = 0;
    let mut digit = 0;
    while digit < 32 {
        power = (power * power) >> 62;
        digits <<= 1;
        if power >> 63 > 0 {
            power >>= 1;
            digits |= 1;
        }
        digit += 1;
    }
    digits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn powers_of_two_are_exact_and_zero_counts_as_a_half() {
        for exponent in 0..64 {
            let real = f64::from(exponent) * std::f64::consts::LOG10_2;
            assert_eq!(log10_of(1 << exponent), real as f32);
        }
        assert_eq!(log10_of(0), -log10_of(2));
    }

    proptest! {
        #[test]
        fn it_is_the_real_one_within_the_stated_error(value in any::<u64>(), shift in 0_u32..64) {
            let value = (value >> shift).max(1);
            let error = f64::from(log10_of(value)) - (value as f64).log10();
            prop_assert!((-1.6e-5..=2e-6).contains(&error), "{error}");
        }

        #[test]
        fn it_holds_for_probabilities_too(value in 1e-18..1.0) {
            let error = f64::from(log10(value)) - value.log10();
            prop_assert!((-1.6e-5..=2e-6).contains(&error), "{error}");
        }

        #[test]
        fn it_never_decreases(value in any::<u64>(), shift in 0_u32..64, step in 0_u64..100) {
            let value = value >> shift;
            prop_assert!(log10_of(value) <= log10_of(value.saturating_add(step)));
        }
    }
}
