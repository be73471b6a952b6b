//! Numbers and addresses from eight or sixteen bytes at a time, without a branch for each digit.

use std::net::Ipv4Addr;

const ZEROS: u64 = 0x3030_3030_3030_3030;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
const POWERS: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// The digits at the beginning of some text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Digits {
    /// What they say.
    pub value: u64,
    /// How many there are, 0 to 8.
    pub len: u32,
}

impl Digits {
    /// The leading ASCII digits of eight bytes, the first of which is the lowest byte of `word`.
    #[inline]
    pub(super) fn of(word: u64) -> Self {
        let digits = word ^ ZEROS;
        // A byte above 9 sets its own high bit, by itself or with 0x76 added. A carry out of it spoils only bytes after
        // it, so the lowest bit set marks the first byte that is no digit.
        let others = (digits.wrapping_add(0x7676_7676_7676_7676) | digits) & HIGH_BITS;
        let len = others.trailing_zeros() / 8;
        Self { value: fold(digits, len), len }
    }

    /// The value of `before` followed by these digits; `None` past 64 bits.
    #[inline]
    pub(super) fn after(self, before: u64) -> Option<u64> {
        before.checked_mul(POWERS[self.len as usize])?.checked_add(self.value)
    }
}

/// The number that the lowest `len` bytes of `digits` are, most significant digit first.
#[inline]
fn fold(digits: u64, len: u32) -> u64 {
    if len == 0 {
        return 0;
    }
    // The digits move to the high end, so that leading zeros fill up the eight; then pairs, fours and eights are summed,
    // each in one multiplication.
    let digits = digits << (64 - 8 * len);
    let pairs = digits.wrapping_mul(1 + (10 << 8)) >> 8 & 0x00FF_00FF_00FF_00FF;
    let fours = pairs.wrapping_mul(1 + (100 << 16)) >> 16 & 0x0000_FFFF_0000_FFFF;
    fours.wrapping_mul(1 + (10_000 << 32)) >> 32
}

/// The IPv4 address at the beginning of sixteen bytes (the first is the lowest of `low`, the ninth the lowest of `high`),
/// and its length; it must end at a space or tab. Four numbers from 0 to 255 without leading zeros.
#[inline]
pub(super) fn ipv4(mut low: u64, mut high: u64) -> Option<(Ipv4Addr, usize)> {
    let mut octets = [0; 4];
    let mut len = 0;
    let mut good = true;
    for (index, octet) in octets.iter_mut().enumerate() {
        let digit = |place: u32| u32::from((low >> (8 * place)) as u8 ^ b'0');
        let (first, second, third) = (digit(0), digit(1), digit(2));
        let two = second <= 9;
        let three = two & (third <= 9);
        let value = if three {
            first * 100 + second * 10 + third
        } else if two {
            first * 10 + second
        } else {
            first
        };
        let digits = 1 + u32::from(two) + u32::from(three);
        let stop = (low >> (8 * digits)) as u8;
        let stopped = if index < 3 { stop == b'.' } else { is_separator(stop) };
        good &= (first <= 9) & (value <= 255) & !(two & (first == 0)) & stopped;
        *octet = value as u8;
        let bits = 8 * (digits + 1);
        low = low >> bits | high << (64 - bits);
        high >>= bits;
        len += digits as usize + 1;
    }
    good.then(|| (Ipv4Addr::from(octets), len - 1))
}

/// Whether `byte` stands between columns.
#[inline]
pub(super) const fn is_separator(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// Number of bytes before the first space or tab of eight; 8 where there is none.
#[inline]
pub(super) const fn before_separator(word: u64) -> u32 {
    // A zero byte borrows from the next one, which spoils only bytes after the first match.
    const fn zeros(word: u64) -> u64 {
        word.wrapping_sub(0x0101_0101_0101_0101) & !word & HIGH_BITS
    }
    (zeros(word ^ 0x2020_2020_2020_2020) | zeros(word ^ 0x0909_0909_0909_0909)).trailing_zeros() / 8
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn word(text: &[u8]) -> u64 {
        let mut bytes = [b' '; 8];
        bytes[..text.len()].copy_from_slice(text);
        u64::from_le_bytes(bytes)
    }

    fn ipv4_of(text: &str) -> Option<(Ipv4Addr, usize)> {
        let mut bytes = [b' '; 16];
        let len = text.len().min(16);
        bytes[..len].copy_from_slice(&text.as_bytes()[..len]);
        let (low, high) = bytes.split_at(8);
        ipv4(word(low), word(high))
    }

    #[test]
    fn an_address_with_a_bad_octet_is_none() {
        for text in [
            "10.0.0.01",
            "010.0.0.1",
            "00.0.0.0",
            "256.0.0.1",
            "1.2.3.999",
            "1.2.3",
            "1.2.3.",
            ".1.2.3",
            "1.2.3.4.",
            "1.2.3.4.5",
            "1..2.3",
            "1.2.3.4x",
            "1.2.3.1234",
            "-1.2.3.4",
            "a.b.c.d",
            "",
            "1.2.3.4/24",
            "1,2,3,4",
        ] {
            assert_eq!(ipv4_of(text), None, "{text:?}");
        }
        assert_eq!(ipv4_of("255.255.255.255"), Some((Ipv4Addr::BROADCAST, 15)));
        assert_eq!(ipv4_of("0.0.0.0\t7"), Some((Ipv4Addr::UNSPECIFIED, 7)));
    }

    proptest! {
        #[test]
        fn the_leading_digits_are_what_a_plain_loop_finds(bytes in prop::collection::vec(prop_oneof![b'0'..=b'9', any::<u8>()], 8)) {
            let len = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let value = bytes[..len].iter().fold(0, |value, byte| value * 10 + u64::from(byte - b'0'));
            prop_assert_eq!(Digits::of(word(&bytes)), Digits { value, len: len as u32 });
        }

        #[test]
        fn the_first_separator_is_where_a_plain_loop_finds_it(bytes in prop::collection::vec(prop_oneof![0x08_u8..=0x22, any::<u8>()], 8)) {
            let expected = bytes.iter().position(|byte| is_separator(*byte)).unwrap_or(8);
            prop_assert_eq!(before_separator(word(&bytes)) as usize, expected);
        }

        #[test]
        fn an_address_is_what_the_standard_library_reads(text in "[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}") {
            let expected = text.parse::<Ipv4Addr>().ok().map(|address| (address, text.len()));
            prop_assert_eq!(ipv4_of(&text), expected);
        }

        #[test]
        fn any_text_is_an_address_only_where_the_standard_library_reads_one(text in "[0-9.: x]{0,16}") {
            let column = text.split([' ', '\t']).next().unwrap_or_default();
            let expected = column.parse::<Ipv4Addr>().ok().map(|address| (address, column.len()));
            prop_assert_eq!(ipv4_of(&text), expected);
        }
    }
}
