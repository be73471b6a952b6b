//! Own address: which side of a record is the interface's own.
//!
//! A flow log record does not say so before version 5, and where it does, NAT and transit put other people's addresses
//! there. What is decided here decides who gets a baseline, so an address that an attacker can choose must not get one.

use super::address::{Address, End};

/// Which side of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::score) enum Side {
    /// The sender.
    Source,
    /// The receiver.
    Destination,
}

// === impl Side ===

impl Side {
    /// The other one.
    #[inline]
    pub(in crate::score) const fn other(self) -> Self {
        match self {
            Self::Source => Self::Destination,
            Self::Destination => Self::Source,
        }
    }
}

/// The addresses of one record and what it says of its way.
#[derive(Debug, Clone, Copy)]
pub(in crate::score) struct Ends {
    pub(in crate::score) source: End,
    pub(in crate::score) destination: End,
    pub(in crate::score) packet_source: Option<End>,
    pub(in crate::score) packet_destination: Option<End>,
    /// The interface's own side, as `flow-direction` has it.
    pub(in crate::score) own: Option<Side>,
}

/// What the records of one interface have in common so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::score) enum Shared {
    /// No record yet.
    #[default]
    Anything,
    /// Both addresses of every record so far are the same two.
    Two(Address, Address),
    /// One address stands in every record so far.
    One(Address),
    /// No address stands in all of them: the interface has several, or forwards.
    Nothing,
}

/// The own side of a record and what stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::score) struct Own {
    pub(in crate::score) side: Side,
    pub(in crate::score) end: End,
}

// === impl Shared ===

impl Shared {
    /// What is left in common with one more record between `source` and `destination`.
    #[inline]
    pub(in crate::score) fn and(self, source: Address, destination: Address) -> Self {
        let in_it = |address| address == source || address == destination;
        match self {
            Self::Anything if source == destination => Self::One(source),
            Self::Anything => Self::Two(source, destination),
            Self::Two(one, other) => match (in_it(one), in_it(other)) {
                (true, true) => self,
                (true, false) => Self::One(one),
                (false, true) => Self::One(other),
                (false, false) => Self::Nothing,
            },
            Self::One(one) if in_it(one) => self,
            Self::One(_) | Self::Nothing => Self::Nothing,
        }
    }
}

impl Shared {
    /// Its form, as a number, and the addresses in it: what the state keeps.
    pub(in crate::score) fn addresses(&self) -> (u64, Vec<Address>) {
        match *self {
            Self::Anything => (0, Vec::new()),
            Self::One(one) => (1, vec![one]),
            Self::Two(one, other) => (2, vec![one, other]),
            Self::Nothing => (3, Vec::new()),
        }
    }
}

// === impl Ends ===

impl Ends {
    /// What stands for `side`: the packet's own address where that is inside, else the record's.
    #[inline]
    pub(in crate::score) fn at(&self, side: Side) -> End {
        let (plain, packet) = match side {
            Side::Source => (self.source, self.packet_source),
            Side::Destination => (self.destination, self.packet_destination),
        };
        match packet {
            Some(packet) if packet.address != plain.address && packet.inside => packet,
            _ => plain,
        }
    }

    /// Who stands opposite of `side`; the packet's own address goes before the record's.
    #[inline]
    pub(in crate::score) fn opposite(&self, side: Side) -> End {
        match side {
            Side::Source => self.packet_destination.unwrap_or(self.destination),
            Side::Destination => self.packet_source.unwrap_or(self.source),
        }
    }

    /// The addresses of sender and receiver; the packet's own go before the record's.
    #[inline]
    pub(in crate::score) fn packets(&self) -> (Address, Address) {
        (self.opposite(Side::Destination).address, self.opposite(Side::Source).address)
    }

    /// The interface's own side: by `flow-direction`; else the address common to its records; else an internal side, the
    /// packet's addresses first, the sender before the receiver.
    ///
    /// A common address that is not inside counts only where no side is. Otherwise an interface that forwards for many
    /// hosts to one stranger would make that stranger an entity.
    #[inline]
    pub(in crate::score) fn own(&self, shared: Shared) -> Option<Own> {
        if let Some(side) = self.own {
            return Some(Own { side, end: self.at(side) });
        }
        if let Shared::One(address) = shared {
            let (side, end) = if address == self.source.address {
                (Side::Source, self.source)
            } else {
                (Side::Destination, self.destination)
            };
            if end.inside || !self.source.inside && !self.destination.inside {
                return Some(Own { side, end: End { address, ..end } });
            }
        }
        let ladder = [
            (Side::Source, self.packet_source),
            (Side::Destination, self.packet_destination),
            (Side::Source, Some(self.source)),
            (Side::Destination, Some(self.destination)),
        ];
        let inside = |(side, end): (Side, Option<End>)| {
            let end = end.filter(|end| end.inside)?;
            Some(Own { side, end })
        };
        ladder.into_iter().find_map(inside)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::address::number;
    use super::*;

    fn at(text: &str) -> Address {
        number(text.parse().unwrap())
    }

    #[test]
    fn the_own_address_follows_the_rules_in_their_order() {
        let end =
            |text: &str| End { address: at(text), inside: text.starts_with("10.") || text.starts_with("fd") };
        let one = |text| Shared::One(at(text));
        // source, destination, packet source, packet destination, direction, common → side, address
        type Case<'a> = (&'a str, &'a str, &'a str, &'a str, Option<Side>, Shared, Option<(Side, &'a str)>);
        let (src, dst) = (Side::Source, Side::Destination);
        let cases: [Case<'_>; 13] = [
            ("10.0.0.1", "10.0.0.2", "", "", Some(src), one("10.0.0.2"), Some((src, "10.0.0.1"))),
            ("10.0.0.1", "10.0.0.2", "", "", Some(dst), one("10.0.0.1"), Some((dst, "10.0.0.2"))),
            (
                "10.0.0.9",
                "8.8.8.8",
                "10.0.1.5",
                "8.8.8.8",
                Some(src),
                Shared::Nothing,
                Some((src, "10.0.1.5")),
            ),
            (
                "10.0.0.9",
                "8.8.8.8",
                "9.9.9.9",
                "8.8.8.8",
                Some(src),
                Shared::Nothing,
                Some((src, "10.0.0.9")),
            ),
            ("2600::1", "2600::2", "", "", Some(dst), Shared::Nothing, Some((dst, "2600::2"))),
            ("10.0.0.1", "10.0.0.2", "", "", None, one("10.0.0.2"), Some((dst, "10.0.0.2"))),
            (
                "10.0.0.1",
                "10.0.0.2",
                "",
                "",
                None,
                Shared::Two(at("10.0.0.1"), at("10.0.0.2")),
                Some((src, "10.0.0.1")),
            ),
            ("8.8.8.8", "10.0.0.2", "", "", None, one("8.8.8.8"), Some((dst, "10.0.0.2"))),
            ("2600::1", "2600::2", "", "", None, one("2600::2"), Some((dst, "2600::2"))),
            ("10.0.0.9", "8.8.8.8", "10.0.1.5", "8.8.8.8", None, Shared::Nothing, Some((src, "10.0.1.5"))),
            ("8.8.8.8", "10.0.0.9", "8.8.8.8", "10.0.1.5", None, Shared::Nothing, Some((dst, "10.0.1.5"))),
            ("8.8.8.8", "fd00::1", "", "", None, Shared::Nothing, Some((dst, "fd00::1"))),
            ("8.8.8.8", "9.9.9.9", "", "", None, Shared::Nothing, None),
        ];
        for (source, destination, packet_source, packet_destination, own, shared, expected) in cases {
            let packet = |text: &str| (!text.is_empty()).then(|| end(text));
            let ends = Ends {
                source: end(source),
                destination: end(destination),
                packet_source: packet(packet_source),
                packet_destination: packet(packet_destination),
                own,
            };
            let expected = expected.map(|(side, address)| Own { side, end: end(address) });
            assert_eq!(ends.own(shared), expected, "{source} > {destination}, {shared:?}, {own:?}");
        }
    }

    #[test]
    fn the_common_address_is_what_stands_in_every_record() {
        let start = Shared::default().and(1, 2);
        assert_eq!(start, Shared::Two(1, 2));
        assert_eq!(start.and(2, 1), Shared::Two(1, 2), "the same two again decide nothing");
        assert_eq!(start.and(3, 1), Shared::One(1));
        assert_eq!(start.and(2, 3).and(1, 3), Shared::Nothing);
        assert_eq!(Shared::Nothing.and(1, 2), Shared::Nothing, "what failed once is not tried again");
    }
}
