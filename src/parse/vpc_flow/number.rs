//! Separators and decimal numbers eight bytes at a time, without a branch for each byte; IPv4 addresses.

use std::net::Ipv4Addr;

const ZEROS: u64 = 0x3030_3030_3030_3030;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
const SPACES: u64 = 0x2020_2020_2020_2020;
const TABS: u64 = 0x0909_0909_0909_0909;
const POWERS: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// The number that the first `len` bytes of `text` are; `None` where one is no ASCII digit, or past 64 bits.
#[inline]
pub(super) fn decimal(text: &[u8], len: usize) -> Option<u64> {
    match len {
        1..=8 => eight(text, len),
        9..=16 => Some(eight(text, 8)? * POWERS[len - 8] + eight(&text[8..], len - 8)?),
        // The longest number of 64 bits has twenty digits.
        17..=20 => {
            decimal(text, 16)?.checked_mul(POWERS[len - 16])?.checked_add(eight(&text[16..], len - 16)?)
        }
        _ => None,
    }
}

/// The number that the first `len` bytes of `text`, 1 to 8, are.
#[inline]
fn eight(text: &[u8], len: usize) -> Option<u64> {
    // The digits move to the high end, so that zeros before them fill up the eight.
    let digits = (load(text) ^ ZEROS) << (64 - 8 * len);
    // A byte above 9 has its high bit set, by itself or with 0x76 added.
    if (digits.wrapping_add(0x7676_7676_7676_7676) | digits) & HIGH_BITS != 0 {
        return None;
    }
    // Pairs, fours and eights are summed in one multiplication each.
    let pairs = digits.wrapping_mul(1 + (10 << 8)) >> 8 & 0x00FF_00FF_00FF_00FF;
    let fours = pairs.wrapping_mul(1 + (100 << 16)) >> 16 & 0x0000_FFFF_0000_FFFF;
    Some(fours.wrapping_mul(1 + (10_000 << 32)) >> 32)
}

/// The first eight bytes of `text`, the first as the lowest; behind its end there are zeros.
#[inline]
fn load(text: &[u8]) -> u64 {
    match text.first_chunk() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => text.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

/// The IPv4 address that `text` is: four numbers from 0 to 255 without leading zeros.
#[inline(never)]
pub(super) fn ipv4(text: &[u8]) -> Option<Ipv4Addr> {
    let mut address = Quad::default();
    for byte in text {
        let digit = u32::from(byte ^ b'0');
        if digit <= 9 {
            address.octet = address.octet.wrapping_mul(10).wrapping_add(digit);
            address.digits += 1;
        } else if *byte != b'.' || !address.close() {
            return None;
        }
    }
    (address.close() && address.octets == 4).then(|| Ipv4Addr::from_bits(address.bits))
}

/// An IPv4 address while it is read.
#[derive(Default)]
struct Quad {
    bits: u32,
    octets: u32,
    octet: u32,
    digits: usize,
}

impl Quad {
    /// Takes the octet read; `false` where it is none.
    #[inline]
    fn close(&mut self) -> bool {
        // The least octet of so many digits: a smaller one has a leading zero.
        const LEAST: [u32; 4] = [u32::MAX, 0, 10, 100];
        let good = LEAST.get(self.digits).is_some_and(|least| (*least..=255).contains(&self.octet));
        self.bits = self.bits << 8 | self.octet;
        self.octets += 1;
        self.octet = 0;
        self.digits = 0;
        good
    }
}

/// Which of the first 64 bytes of `text` are spaces or tabs, the first as the lowest bit.
#[inline]
pub(super) fn separators(text: &[u8]) -> u64 {
    let block = &text[..text.len().min(64)];
    let mut mask = 0;
    let (words, rest) = block.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        mask |= separators_of_eight(u64::from_le_bytes(*word)) << (8 * index);
    }
    if !rest.is_empty() {
        mask |= separators_of_eight(load(rest)) << (8 * words.len());
    }
    mask
}

/// Which bytes of `word` are spaces or tabs, one bit each.
#[inline]
fn separators_of_eight(word: u64) -> u64 {
    // The high bit of each byte that is not zero; nothing carries from byte to byte.
    const fn filled(word: u64) -> u64 {
        (word & !HIGH_BITS).wrapping_add(!HIGH_BITS) | word
    }
    let found = !(filled(word ^ SPACES) & filled(word ^ TABS)) & HIGH_BITS;
    // Eight bits that stand eight apart, moved together.
    (found >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
            assert_eq!(ipv4(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(ipv4(b"255.255.255.255"), Some(Ipv4Addr::BROADCAST));
        assert_eq!(ipv4(b"0.0.0.0"), Some(Ipv4Addr::UNSPECIFIED));
    }

    #[test]
    fn the_longest_number_has_64_bits() {
        assert_eq!(decimal(b"18446744073709551615", 20), Some(u64::MAX));
        assert_eq!(decimal(b"18446744073709551616", 20), None);
        assert_eq!(decimal(b"99999999999999999999", 20), None);
        assert_eq!(decimal(b"000000000000000000001", 21), None);
        assert_eq!(decimal(b"", 0), None);
    }

    proptest! {
        #[test]
        fn a_number_is_what_the_standard_library_reads(
            digits in "[0-9]{1,20}", bad in prop::option::of((0_usize..20, any::<u8>())), after in "[ -~]{0,9}",
        ) {
            let mut bytes = digits.into_bytes();
            let len = bytes.len();
            if let Some((place, byte)) = bad {
                bytes[place % len] = byte;
            }
            let text = std::str::from_utf8(&bytes).ok().filter(|text| !text.starts_with('+'));
            let expected = text.and_then(|text| text.parse::<u64>().ok());
            bytes.extend_from_slice(after.as_bytes());
            prop_assert_eq!(decimal(&bytes, len), expected);
        }

        #[test]
        fn separators_are_where_a_plain_loop_finds_them(
            text in prop::collection::vec(prop_oneof![0x08_u8..=0x22, any::<u8>(), Just(0xA0)], 0..80),
        ) {
            let expected = text.iter().take(64).enumerate().fold(0_u64, |mask, (index, byte)| {
                mask | u64::from(matches!(byte, b' ' | b'\t')) << index
            });
            prop_assert_eq!(separators(&text), expected);
        }

        #[test]
        fn an_address_is_what_the_standard_library_reads(text in "[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}") {
            prop_assert_eq!(ipv4(text.as_bytes()), text.parse().ok());
        }

        #[test]
        fn any_text_is_an_address_only_where_the_standard_library_reads_one(text in "[0-9.: x]{0,20}") {
            prop_assert_eq!(ipv4(text.as_bytes()), text.parse().ok());
        }
    }
}
