//! What is true of a conversation, in bits, so that a detector passes over what is not its business without reading it.

use std::ops::BitOr;

/// See the top of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::score) struct Traits(u16);

// === impl Traits ===

impl Traits {
    /// Nothing.
    pub(in crate::score) const NONE: Self = Self(0);
    /// The client is an entity.
    pub(in crate::score) const CLIENT: Self = Self(1);
    /// The server is an entity.
    pub(in crate::score) const SERVER: Self = Self(1 << 1);
    /// The server is outside.
    pub(in crate::score) const OUTBOUND: Self = Self(1 << 2);
    /// The same, and it is no service of AWS.
    pub(in crate::score) const INTERNET: Self = Self(1 << 9);
    /// The protocol is none of ICMP, TCP and UDP.
    pub(in crate::score) const ODD: Self = Self(1 << 10);
    /// The client is outside.
    pub(in crate::score) const INBOUND: Self = Self(1 << 3);
    /// The server has said something that is no refusal.
    pub(in crate::score) const ANSWERED: Self = Self(1 << 4);
    /// Both sides have talked as two that understand each other do.
    pub(in crate::score) const ESTABLISHED: Self = Self(1 << 5);
    /// What the client sent was refused, and nothing came back.
    pub(in crate::score) const REFUSED: Self = Self(1 << 6);
    /// The client looks for something that is not there.
    pub(in crate::score) const GROPES: Self = Self(1 << 7);
    /// The protocol is ICMP.
    pub(in crate::score) const ICMP: Self = Self(1 << 8);

    /// These if `is`, else nothing.
    pub(in crate::score) const fn when(self, is: bool) -> Self {
        if is { self } else { Self::NONE }
    }

    /// Whether all of `others` are among them.
    pub(in crate::score) const fn has(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// These and `others`.
    pub(in crate::score) const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }
}

impl BitOr for Traits {
    type Output = Self;

    fn bitor(self, others: Self) -> Self {
        self.and(others)
    }
}
