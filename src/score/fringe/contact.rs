//! What a flow record says of an entity and an external address, and how the latter is named.

/// What a flow record says of an entity and an external address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contact {
    /// The external address (see [`external_key`]).
    pub external: u64,
    /// Its hash: [`Mixer::of`](super::Mixer::of) under the fringe's mixer, whose shard it belongs to (see [`shard_of`]).
    pub hash: u64,
    /// The entity, by a hash under the state's seed.
    pub entity: u64,
    /// Bytes of the record.
    pub bytes: u64,
    /// The window that the record counts in.
    pub window: i64,
    /// Packets of the record.
    pub packets: u32,
    /// When the record ends, in seconds since 1970.
    pub at: u32,
    /// The port that the conversation is about, or 0.
    pub port: u16,
    /// IANA's number of the protocol.
    pub protocol: u8,
    /// TCP flags as the log has them; 0 where it has none.
    pub flags: u8,
    /// The entity sent this, so that it left; else it came in.
    pub sent: bool,
    /// The entity began the conversation; else the outside did, or nobody can tell.
    pub initiated: bool,
    /// The network let it through.
    pub accepted: bool,
}

pub(super) const TCP: u8 = 6;
const FIN: u8 = 1;
/// Bytes a packet that answers to a connection which nobody completes do not reach: a SYN-ACK has at most 60, with IPv6 80.
const BARE: u64 = 96;

/// The shard of the external address that hashes to `hash`.
#[inline]
#[must_use]
pub const fn shard_of(hash: u64) -> usize {
    (hash >> 60) as usize
}

/// The key of an external address, given as IPv6 with IPv4 mapped into it: IPv4 by itself, also where a NAT64 gateway
/// embeds it (64:ff9b::/96, RFC 6052); of IPv6 the upper half, because whoever has a /64 has all of it. The keys of IPv4 lie
/// where `0:ffff::/32` would, which is reserved (RFC 4291, section 2.4) and nobody's.
#[inline]
#[must_use]
pub const fn external_key(address: u128) -> u64 {
    let above = address >> 32;
    if above == 0xffff || above == 0x0064_ff9b << 64 {
        0xffff_0000_0000 | address as u64 & 0xffff_ffff
    } else {
        (address >> 64) as u64
    }
}

/// The address that a key stands for, as IPv6 with IPv4 mapped into it, and how many of its bits count: 128 or 64.
#[must_use]
pub const fn external_address(key: u64) -> (u128, u8) {
    if key >> 32 == 0xffff { (key as u128, 128) } else { ((key as u128) << 64, 64) }
}

// === impl Contact ===

impl Contact {
    /// Whether the record by itself shows that both sides talk: over TCP the entity has sent more than what an unfinished
    /// handshake takes, or has closed the connection. That needs the other side's sequence numbers, which a spoofed source
    /// never sees; a SYN-ACK, however often it is sent, shows nothing.
    #[inline]
    pub(super) fn shows_both(&self) -> bool {
        self.sent
            && self.accepted
            && self.protocol == TCP
            && (self.flags & FIN > 0 || self.bytes > u64::from(self.packets) * BARE)
    }

    /// Whether the record counts as a visit: what the entity answers does not, lest every SYN that is answered counts twice.
    #[inline]
    pub(super) const fn is_visit(&self) -> bool {
        !self.sent || self.initiated
    }
}
