//! IPv4 addresses sixteen bytes at a time, and IPv6 addresses.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::word::{Window, load_half};

/// For an octet of so many digits, the least it can be without a leading zero: hundreds, tens and ones in a byte each.
/// None has no digits.
const LEAST: [u32; 4] = [u32::MAX, 0, 0x00_01_00, 0x01_00_00];
/// 255, in the same form.
const MOST: u32 = 0x02_05_05;

/// The IPv4 address at the window's beginning, and its length: four numbers from 0 to 255 without leading zeros. `None`
/// where there is none. What follows it is not looked at, but for a digit.
#[inline]
pub(super) fn ipv4(window: &Window) -> Option<(Ipv4Addr, u32)> {
    let (a, first) = octet(window, 0)?;
    let (b, second) = octet(window, after_dot(window, first)?)?;
    let (c, third) = octet(window, after_dot(window, second)?)?;
    let (d, end) = octet(window, after_dot(window, third)?)?;
    Some((Ipv4Addr::new(a, b, c, d), end))
}

/// The place behind the dot at `at`, if there is one.
#[inline]
fn after_dot(window: &Window, at: u32) -> Option<u32> {
    (window[at as usize & 15] == b'.').then_some(at + 1)
}

/// The octet at `at`, which is at most 12, and the place behind it; `None` where there is none.
#[inline]
fn octet(window: &Window, at: u32) -> Option<(u8, u32)> {
    let digits = load_half(window, at) ^ 0x3030_3030;
    // A byte above 9 has its high bit set, by itself or with 0x76 added.
    let marks = (digits.wrapping_add(0x7676_7676) | digits) & 0x8080_8080;
    let len = marks.trailing_zeros() / 8;
    let least = *LEAST.get(len as usize)?;
    // Moved to the high end, with zeros before them; where there is none, the table has said so already.
    let aligned = digits.wrapping_shl(32 - 8 * len);
    let ordered = aligned.swap_bytes();
    // Hundreds, tens and ones are summed in the highest byte.
    let sum = (aligned.wrapping_mul(1 + (10 << 8) + (100 << 16)) >> 24) as u8;
    (ordered >= least && ordered <= MOST).then_some((sum, at + len))
}

/// The IPv6 address that `text` is, in any form of RFC 4291, section 2.2.
pub(super) fn ipv6(text: &[u8]) -> Option<Ipv6Addr> {
    let mut groups = Groups::default();
    let mut digits = 0;
    let mut group = 0_u16;
    for (index, byte) in text.iter().enumerate() {
        let digit = HEX[usize::from(*byte)];
        if digit < 16 {
            group = group << 4 | u16::from(digit);
            digits += 1;
            if digits > 4 {
                return None;
            }
        } else if *byte == b':' {
            if digits > 0 {
                groups.push(group)?;
            } else if index > 0 || text.get(1) != Some(&b':') {
                groups.open(&text[..index])?;
            }
            (group, digits) = (0, 0);
        } else {
            // The last 32 bits as an IPv4 address, or no address at all.
            return std::str::from_utf8(text).ok()?.parse().ok();
        }
    }
    if digits > 0 {
        groups.push(group)?;
    } else if !text.ends_with(b"::") {
        return None;
    }
    groups.address()
}

/// The value of each hexadecimal digit; 16 for every other byte.
const HEX: [u8; 256] = {
    let mut values = [16; 256];
    let mut value = 0;
    while value < 16 {
        let digit = b"0123456789abcdef"[value];
        values[digit as usize] = value as u8;
        values[digit.to_ascii_uppercase() as usize] = value as u8;
        value += 1;
    }
    values
};

/// The groups of an IPv6 address while it is read.
#[derive(Default)]
struct Groups {
    groups: [u16; 8],
    len: usize,
    /// How many groups stand before the `::`.
    gap: Option<usize>,
}

// === impl Groups ===

impl Groups {
    #[inline]
    fn push(&mut self, group: u16) -> Option<()> {
        *self.groups.get_mut(self.len)? = group;
        self.len += 1;
        Some(())
    }

    /// Notes the `::` whose second colon follows `before`.
    fn open(&mut self, before: &[u8]) -> Option<()> {
        if self.gap.is_some() || !before.ends_with(b":") {
            return None;
        }
        self.gap = Some(self.len);
        Some(())
    }

    fn address(mut self) -> Option<Ipv6Addr> {
        match self.gap {
            None => (self.len == 8).then_some(())?,
            // The two colons stand for one group at least.
            Some(gap) => {
                let behind = self.len - gap;
                if self.len == 8 {
                    return None;
                }
                self.groups.copy_within(gap..self.len, 8 - behind);
                self.groups[gap..8 - behind].fill(0);
            }
        }
        Some(Ipv6Addr::from_segments(self.groups))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The address that `text` is, as it stands in a chunk with other bytes behind it.
    fn v4(text: &str) -> Option<Ipv4Addr> {
        let behind = format!("{text} 12.3.4.5 6.7.8.9 10");
        let found = ipv4(behind.as_bytes().first_chunk().unwrap());
        found.filter(|(_, len)| *len as usize == text.len()).map(|(address, _)| address)
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
            "1/2.3.4",
            "1.2.3/4",
        ] {
            assert_eq!(v4(text), None, "{text:?}");
        }
        assert_eq!(v4("255.255.255.255"), Some(Ipv4Addr::BROADCAST));
        assert_eq!(v4("0.0.0.0"), Some(Ipv4Addr::UNSPECIFIED));
    }

    #[test]
    fn ipv6_in_the_forms_that_are_easily_mistaken() {
        for text in [
            "::",
            "::1",
            "1::",
            ":",
            ":::",
            "",
            "1",
            "1:",
            ":1",
            ":1::",
            "1::2::3",
            "1:2:3:4:5:6:7:8",
            "1:2:3:4:5:6:7::",
            "::2:3:4:5:6:7:8",
            "1:2:3:4::5:6:7:8",
            "1:2:3:4:5:6:7:8:9",
            "1:2:3:4:5:6:7",
            "1:2:3:4:5:6:7:",
            ":2:3:4:5:6:7:8",
            "12345::",
            "::ffff:10.1.2.3",
            "::10.0.0.01",
            "::1%eth0",
            "1::2:",
            "1::2::",
            "1:::2",
            "é::",
        ] {
            assert_eq!(ipv6(text.as_bytes()), text.parse().ok(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn an_address_is_what_the_standard_library_reads(text in "[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}") {
            prop_assert_eq!(v4(&text), text.parse().ok());
        }

        #[test]
        fn any_text_is_an_address_only_where_the_standard_library_reads_one(text in "[0-9.:x]{0,20}") {
            prop_assert_eq!(v4(&text), text.parse().ok());
        }

        #[test]
        fn an_ipv6_address_is_what_the_standard_library_reads(
            text in "(:{0,2}[0-9a-fA-F]{0,5}){0,9}:{0,3}(\\.[0-9]){0,3}",
        ) {
            prop_assert_eq!(ipv6(text.as_bytes()), text.parse().ok());
        }

        #[test]
        fn every_ipv6_address_is_read_as_it_is_written(bits in any::<u128>(), holes in any::<u8>()) {
            let hole = |index: u32| if holes >> index & 1 == 1 { 0 } else { u128::from(u16::MAX) << (16 * index) };
            let address = Ipv6Addr::from_bits(bits & (0..8).map(hole).sum::<u128>());
            prop_assert_eq!(ipv6(address.to_string().as_bytes()), Some(address));
        }
    }
}
