//! Vantage points: whom a record at a gateway is about.
//!
//! A flow through a gateway is logged again at the gateway's own interface, where one address is the gateway's. Which side
//! that is, `flow-direction` says; else it is the side that the packet calls otherwise, else the address that all records of
//! the interface share, else the side whose asset is a gateway, else the only side inside.
//!
//! Where the gateway's address stands there for somebody else's, the packets are passed on, and the record counts for the host
//! behind the gateway: the other side where that is inside (of two VPCs that a transit gateway joins it is the one whose
//! VPC the interface is in, so that the scope is right), else whom the packet names in the gateway's place. Otherwise the
//! gateway itself is the end of what the record shows: a NAT gateway toward the outside, a load balancer, an endpoint.
//!
//! Of the same packets the gateway counts one sight. A NAT gateway sees them twice, toward the host and toward the outside:
//! it counts the latter. A transit gateway's attachments see each direction once in each VPC, and count all they see.

use crate::{event::AssetClass, score::gate::plan::Vantage};

use super::{
    address::End,
    own::{Ends, Own, Shared, Side},
};

/// Whom a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::score) struct Sight {
    pub(in crate::score) own: Own,
    pub(in crate::score) vantage: Vantage,
    /// The interface's own side.
    pub(in crate::score) at: Side,
    /// The gateway's own side, where the record counts for it too.
    pub(in crate::score) beside: Option<Own>,
}

// === impl Sight ===

impl Sight {
    /// A record of an interface of the entity's own.
    pub(in crate::score) const fn own(own: Own) -> Self {
        Self { own, vantage: Vantage::Own, at: own.side, beside: None }
    }

    /// A record of `ends` at a gateway of `class`, whose records have `shared` in common; `asset` is the side whose asset is a
    /// gateway, where only one is.
    pub(super) fn at_gateway(
        class: AssetClass,
        ends: &Ends,
        shared: Shared,
        asset: Option<Side>,
    ) -> Option<Self> {
        let side = gateway_side(ends, shared, asset)?;
        let (mine, packet) = ends.both(side);
        let (other, _) = ends.both(side.other());
        let itself = Own { side, end: mine };
        // Without the packet's addresses only these two are known to pass on what comes from hosts inside.
        let translates = matches!(class, AssetClass::NatGateway | AssetClass::TransitGateway);
        let stands_in = packet.map_or(translates && other.inside, |packet| packet.address != mine.address);
        let behind = match packet.filter(|packet| packet.inside) {
            _ if !stands_in => None,
            _ if other.inside => Some(Own { side: side.other(), end: other }),
            packet => packet.map(|end| Own { side, end }),
        };
        Some(match behind {
            None => Self { own: itself, vantage: Vantage::Gateway, at: side, beside: None },
            Some(own) => {
                let beside = (class != AssetClass::NatGateway).then_some(itself);
                Self { own, vantage: Vantage::Passed, at: side, beside }
            }
        })
    }
}

/// The side that is the gateway's own.
fn gateway_side(ends: &Ends, shared: Shared, asset: Option<Side>) -> Option<Side> {
    let translated = |side| {
        let (plain, packet) = ends.both(side);
        packet.is_some_and(|packet| packet.address != plain.address)
    };
    let only = |is: &dyn Fn(Side) -> bool| match [Side::Source, Side::Destination].map(is) {
        [true, false] => Some(Side::Source),
        [false, true] => Some(Side::Destination),
        _ => None,
    };
    let at = |address| only(&|side| ends.both(side).0.address == address);
    let common = match shared {
        Shared::One(address) => at(address),
        _ => None,
    };
    let inside = |side| ends.both(side).0.inside;
    ends.own.or_else(|| only(&translated)).or(common).or(asset).or_else(|| only(&inside))
}

// === impl Ends ===

impl Ends {
    /// Where exactly one side has an address of the interface's in place of the packet's, and the other is inside: the
    /// packet's address there, and the other side's.
    pub(super) fn stands_in(&self) -> Option<(End, End)> {
        let translated = |side| {
            let (plain, packet) = self.both(side);
            packet.filter(|packet| packet.address != plain.address && plain.inside)
        };
        let (packet, other) = match [Side::Source, Side::Destination].map(translated) {
            [Some(packet), None] => (packet, self.destination),
            [None, Some(packet)] => (packet, self.source),
            _ => return None,
        };
        other.inside.then_some((packet, other))
    }

    /// The interface's own side, where that is certain: by `flow-direction`, or by the address that all its records share.
    #[inline]
    pub(in crate::score) fn surely(&self, shared: Shared) -> Option<Side> {
        let common = || match shared {
            Shared::One(address) if address == self.source.address => Some(Side::Source),
            Shared::One(address) if address == self.destination.address => Some(Side::Destination),
            _ => None,
        };
        self.own.or_else(common)
    }

    /// The address on `side`, and the packet's own where the record has one.
    fn both(&self, side: Side) -> (End, Option<End>) {
        match side {
            Side::Source => (self.source, self.packet_source),
            Side::Destination => (self.destination, self.packet_destination),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::address::number;
    use super::*;

    const HOST: &str = "10.0.1.5";
    const NAT: &str = "10.0.0.220";
    const FAR: &str = "10.20.3.4";
    const OUT: &str = "203.0.113.5";

    fn end(text: &str) -> End {
        End { address: number(text.parse().unwrap()), inside: text.starts_with("10.") }
    }

    /// `packets` without anything where the log does not have them.
    fn ends(source: &str, destination: &str, packets: Option<(&str, &str)>, own: Option<Side>) -> Ends {
        let [packet_source, packet_destination] =
            [packets.map(|packets| packets.0), packets.map(|packets| packets.1)].map(|text| text.map(end));
        Ends { source: end(source), destination: end(destination), packet_source, packet_destination, own }
    }

    #[test]
    fn every_record_at_a_gateway_is_about_the_host_behind_it_or_the_gateway_as_awss_examples_have_them() {
        let (up, down) = (Some(Side::Source), Some(Side::Destination));
        let nat = AssetClass::NatGateway;
        let transit = AssetClass::TransitGateway;
        // class, ends, whom it is about, whether the gateway counts it too
        let cases = [
            // A NAT gateway: from the host, to the outside, from the outside, to the host.
            (nat, ends(HOST, NAT, Some((HOST, OUT)), down), (Vantage::Passed, Side::Source, HOST), false),
            (nat, ends(NAT, OUT, Some((NAT, OUT)), up), (Vantage::Gateway, Side::Source, NAT), false),
            (nat, ends(OUT, NAT, Some((OUT, NAT)), down), (Vantage::Gateway, Side::Destination, NAT), false),
            (nat, ends(NAT, HOST, Some((OUT, HOST)), up), (Vantage::Passed, Side::Destination, HOST), false),
            // A transit gateway's attachment: to the other VPC, and from there.
            (transit, ends(HOST, NAT, Some((HOST, FAR)), down), (Vantage::Passed, Side::Source, HOST), true),
            (
                transit,
                ends(NAT, HOST, Some((FAR, HOST)), up),
                (Vantage::Passed, Side::Destination, HOST),
                true,
            ),
            // A load balancer ends what it gets; one that keeps the clients' addresses does not.
            (
                AssetClass::LoadBalancer,
                ends(OUT, NAT, Some((OUT, NAT)), down),
                (Vantage::Gateway, Side::Destination, NAT),
                false,
            ),
            (
                AssetClass::LoadBalancer,
                ends(NAT, HOST, Some((NAT, HOST)), up),
                (Vantage::Gateway, Side::Source, NAT),
                false,
            ),
            (
                AssetClass::LoadBalancer,
                ends(OUT, NAT, Some((OUT, HOST)), down),
                (Vantage::Passed, Side::Destination, HOST),
                true,
            ),
            (
                AssetClass::Endpoint,
                ends(HOST, NAT, None, down),
                (Vantage::Gateway, Side::Destination, NAT),
                false,
            ),
        ];
        let shared = Shared::One(end(NAT).address);
        for (class, said, (vantage, side, address), beside) in cases {
            // flow-direction, else the packet's addresses or the address that all records have.
            for ends in [said, Ends { own: None, ..said }] {
                let sight = Sight::at_gateway(class, &ends, shared, None).unwrap();
                assert_eq!(sight.vantage, vantage, "{ends:?}");
                assert_eq!((sight.own.side, sight.own.end), (side, end(address)), "{ends:?}");
                assert_eq!(sight.beside.map(|own| own.end), beside.then(|| end(NAT)), "{ends:?}");
            }
        }
    }

    #[test]
    fn without_the_packets_addresses_the_asset_or_the_shared_address_tells_the_gateways_side() {
        let inner = ends(HOST, NAT, None, None);
        let outer = ends(NAT, OUT, None, None);
        let nat = |ends, shared, asset| Sight::at_gateway(AssetClass::NatGateway, ends, shared, asset);
        assert_eq!(nat(&inner, Shared::Nothing, None), None, "nobody can tell");
        for (shared, asset) in
            [(Shared::One(end(NAT).address), None), (Shared::Nothing, Some(Side::Destination))]
        {
            let sight = nat(&inner, shared, asset).unwrap();
            assert_eq!((sight.vantage, sight.own.end), (Vantage::Passed, end(HOST)));
        }
        let sight = nat(&outer, Shared::Nothing, None).unwrap();
        assert_eq!((sight.vantage, sight.own.end), (Vantage::Gateway, end(NAT)));
    }
}
