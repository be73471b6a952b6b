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
