//! A value: what a field says, in sixteen bytes, with text as a span.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Span;

/// What one field of one event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Value {
    /// The record has no such value: its column is `-`, or it has no such column.
    #[default]
    Absent,
    /// Text in the chunk's bytes, as received.
    Text(Span),
    /// Text in the batch's derived bytes.
    Derived(Span),
    /// A whole number: a count, a port, a protocol, seconds since 1970.
    Uint(u64),
    /// An IPv4 address and its text in the chunk's bytes.
    V4(Ipv4Addr, Span),
    /// An IPv6 address: its text in the chunk's bytes. The sixteen bytes stand before the offset given, in the batch's
    /// derived bytes.
    V6 {
        /// The address as received.
        text: Span,
        /// Offset of its sixteen bytes, most significant first, in the batch's derived bytes.
        octets: u32,
    },
}

// === impl Value ===

impl Value {
    /// The number, where it is one.
    #[must_use]
    #[inline]
    pub const fn as_uint(self) -> Option<u64> {
        match self {
            Self::Uint(number) => Some(number),
            _ => None,
        }
    }

    /// Whether the record has no such value.
    #[must_use]
    #[inline]
    pub const fn is_absent(self) -> bool {
        matches!(self, Self::Absent)
    }

    /// The text in the chunk's bytes, where there is one.
    #[must_use]
    #[inline]
    pub const fn as_text(self) -> Option<Span> {
        match self {
            Self::Text(span) | Self::V4(_, span) | Self::V6 { text: span, .. } => Some(span),
            Self::Absent | Self::Derived(_) | Self::Uint(_) => None,
        }
    }

    /// The address, where it is one; `derived` is the batch's derived bytes.
    #[must_use]
    #[inline]
    pub fn as_address(self, derived: &[u8]) -> Option<IpAddr> {
        match self {
            Self::V4(address, _) => Some(IpAddr::V4(address)),
            Self::V6 { octets, .. } => {
                let bytes: [u8; 16] = derived.get(octets as usize..octets as usize + 16)?.try_into().ok()?;
                Some(IpAddr::V6(Ipv6Addr::from(bytes)))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_takes_sixteen_bytes() {
        assert_eq!(size_of::<Value>(), 16);
    }
}
