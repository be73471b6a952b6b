//! What a flow record says of a session: one leg of it, one way, seen at one interface.

use crate::score::{
    gate::plan::{EntityRef, SHARDS},
    grid::Narrow,
    sketch::mixer::Mixer,
    whose::address::Address,
};

/// The five-tuple of a conversation, whichever of the two speaks: the smaller end stands first, as in Community ID v1.
///
/// Its addresses are the packets' own (`pkt-srcaddr`, `pkt-dstaddr`) where a record has them, so that the legs of a flow at
/// the host, at a NAT gateway's inner side and at a transit gateway's attachments are one conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::score) struct Tuple {
    /// In quarters, the most significant first, because there are many of them and a whole would be aligned to sixteen bytes.
    addresses: [[u32; 4]; 2],
    /// What has no ports has 0.
    ports: [u16; 2],
    pub(in crate::score) protocol: u8,
    /// Of whose networks: a hash of the tenant, and of the VPC where both ends are known to be in it.
    pub(in crate::score) estate: u32,
}

const _: () = assert!(size_of::<Tuple>() == 44);

/// One of the two ends of a tuple.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(in crate::score) enum At {
    /// The one that stands first.
    Low,
    /// The other one.
    High,
}

/// The entity at one end: the number of its name, and its place, which may be somebody else's by now. In an order that is the same
/// in every process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::score) struct Who {
    pub(in crate::score) number: u32,
    /// The bits of its [`EntityRef`].
    pub(in crate::score) place: u32,
}

/// What one record says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::score) struct Leg {
    pub(in crate::score) tuple: Tuple,
    /// The tuple's hash under the state's seed.
    pub(in crate::score) hash: u64,
    pub(in crate::score) window: Narrow,
    /// The end that sent it.
    pub(in crate::score) from: At,
    /// The end that it counts for, and who that is.
    pub(in crate::score) own: At,
    pub(in crate::score) who: Who,
    /// A gateway saw it, not an interface of that end's own.
    pub(in crate::score) passed: bool,
    /// The other end is outside.
    pub(in crate::score) outside: bool,
    /// One end is a service that AWS runs.
    pub(in crate::score) aws: bool,
    pub(in crate::score) accepted: bool,
    /// TCP flags, all of the interval ORed; 0 where the log has none.
    pub(in crate::score) flags: u8,
    /// First and last packet, in seconds since 1970.
    pub(in crate::score) start: u32,
    pub(in crate::score) end: u32,
    pub(in crate::score) packets: u32,
    pub(in crate::score) bytes: u64,
}

// === impl At ===

impl At {
    /// Both, in their order.
    pub(in crate::score) const BOTH: [Self; 2] = [Self::Low, Self::High];

    /// The other one.
    #[inline]
    pub(in crate::score) const fn other(self) -> Self {
        match self {
            Self::Low => Self::High,
            Self::High => Self::Low,
        }
    }
}

// === impl Who ===

impl Who {
    /// Nobody that is known: it comes after everybody.
    pub(in crate::score) const NOBODY: Self = Self { number: u32::MAX, place: u32::MAX };

    /// The entity at `place`, whose name has this `number`.
    pub(in crate::score) const fn new(place: EntityRef, number: u32) -> Self {
        Self { number, place: place.bits() }
    }

    /// The shard that it is in.
    pub(in crate::score) const fn shard(self) -> usize {
        EntityRef::from_bits(self.place).shard()
    }

    /// Its slot there.
    pub(in crate::score) const fn slot(self) -> usize {
        EntityRef::from_bits(self.place).slot() as usize
    }
}

// === impl Tuple ===

impl Tuple {
    /// The tuple of what `source` sends to `destination`, and which end the former is.
    #[inline]
    pub(in crate::score) fn new(
        source: (Address, u16),
        destination: (Address, u16),
        protocol: u8,
        estate: u32,
    ) -> (Self, At) {
        let (ends, from) = if source <= destination {
            ([source, destination], At::Low)
        } else {
            ([destination, source], At::High)
        };
        let quarters = |address: Address| [96, 64, 32, 0].map(|shift| (address >> shift) as u32);
        let (addresses, ports) = (ends.map(|end| quarters(end.0)), ends.map(|end| end.1));
        (Self { addresses, ports, protocol, estate }, from)
    }

    /// Address and port of one of its ends.
    #[inline]
    pub(in crate::score) fn end(&self, at: At) -> (Address, u16) {
        let whole = |whole, quarter: &u32| whole << 32 | Address::from(*quarter);
        (self.addresses[at as usize].iter().fold(0, whole), self.port(at))
    }

    /// The port of one of its ends; 0 where it has none.
    #[inline]
    pub(in crate::score) const fn port(&self, at: At) -> u16 {
        self.ports[at as usize]
    }

    /// Its hash; see [`shard_of`].
    #[inline]
    pub(in crate::score) fn hash(&self, mixer: &Mixer) -> u64 {
        let half = |at: usize, nth: usize| {
            let [high, low] = [2 * nth, 2 * nth + 1].map(|place| u64::from(self.addresses[at][place]));
            high << 32 | low
        };
        let ports = u64::from(self.ports[0]) << 16 | u64::from(self.ports[1]);
        let rest = u64::from(self.estate) << 8 | u64::from(self.protocol);
        mixer.of_all([half(0, 0), half(0, 1), half(1, 0), half(1, 1), ports, rest])
    }
}

/// The shard of the conversation that hashes to `hash`: by bits that no table looks at.
#[inline]
pub(in crate::score) const fn shard_of(hash: u64) -> usize {
    (hash >> 40) as usize % SHARDS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_a_flow_are_one_tuple_and_nothing_else_is() {
        let (one, other) = ((0xffff_0a00_0001, 51_000), (0xffff_0a00_0002, 443));
        let (there, from) = Tuple::new(one, other, 6, 7);
        let (back, answer) = Tuple::new(other, one, 6, 7);
        assert_eq!(there, back);
        assert_eq!((from, answer), (At::Low, At::High));
        assert_eq!((there.end(At::Low), there.end(At::High)), (one, other));
        let mixer = Mixer::new([1; 16], "sessions");
        for (source, destination, protocol, estate) in [
            ((one.0, 51_001), other, 6, 7),
            (one, (other.0, 444), 6, 7),
            ((one.0, other.1), (other.0, one.1), 6, 7),
            ((one.0 + 4, one.1), other, 6, 7),
            (one, other, 17, 7),
            (one, other, 6, 8),
        ] {
            let (foreign, _) = Tuple::new(source, destination, protocol, estate);
            assert_ne!(foreign, there);
            assert_ne!(foreign.hash(&mixer), there.hash(&mixer));
        }
    }

    #[test]
    fn a_tuple_of_one_address_is_told_by_its_ports() {
        let address = 0xffff_7f00_0001;
        let (there, from) = Tuple::new((address, 9), (address, 7), 17, 0);
        assert_eq!(from, At::High);
        assert_eq!((there.port(At::Low), there.port(At::High)), (7, 9));
    }
}
