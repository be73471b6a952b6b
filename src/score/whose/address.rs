//! Addresses as scoring has them: numbers, and whether they are inside.

use std::net::IpAddr;

/// An address as one number: IPv6 as it is, IPv4 mapped into it.
pub(in crate::score) type Address = u128;

/// An address of a record, and what enrichment says of it: networks and assets of the record's time decide what is inside,
/// for the direction that is written and for who is scored alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::score) struct End {
    pub(in crate::score) address: Address,
    pub(in crate::score) inside: bool,
}

/// `address` as a number.
#[inline]
pub(in crate::score) fn number(address: IpAddr) -> Address {
    match address {
        IpAddr::V4(address) => 0xffff_0000_0000 | u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

/// The address that `number` stands for.
pub(in crate::score) fn address(number: Address) -> IpAddr {
    if number >> 32 == 0xffff { IpAddr::V4((number as u32).into()) } else { IpAddr::V6(number.into()) }
}

/// Appends the address that `number` stands for to `text`, as it is written.
pub(in crate::score) fn write(number: Address, text: &mut String) {
    if number >> 32 != 0xffff {
        text.push_str(&address(number).to_string());
        return;
    }
    // Every new host's is written, for which the standard library's way is long.
    for (nth, octet) in (number as u32).to_be_bytes().into_iter().enumerate() {
        if nth > 0 {
            text.push('.');
        }
        let [hundreds, tens, ones] = [octet / 100, octet / 10 % 10, octet % 10];
        let leading = usize::from(hundreds == 0) + usize::from(hundreds == 0 && tens == 0);
        let digits = [hundreds, tens, ones].into_iter().skip(leading);
        digits.for_each(|digit| text.push(char::from(b'0' + digit)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_the_standard_library_has_them() {
        for octet in 0..=255_u8 {
            for known in [IpAddr::from([octet, 0, 99, 100]), IpAddr::from([10, 9, octet, octet])] {
                let mut text = String::new();
                write(number(known), &mut text);
                assert_eq!(text, known.to_string());
            }
        }
        let mut text = String::new();
        write(1, &mut text);
        assert_eq!(text, "::1");
    }
}
