//! What scoring reads out of one record: what it says of its entity, of a contact with the outside, and what tells it
//! from every other record.

use crate::score::{
    fringe::{Contact, external_key},
    grid::{Narrow, Window},
    keys::Key,
    sessions::leg::{Leg, Tuple, Who},
    sketch::{mixer::Mixer, repeats},
    whose::{
        address::End,
        own::{Ends, Side},
    },
};

use super::{
    columns::{Column, Record},
    plan::{NO_PORT, Observation, Role, Standing, Vantage, is_reply, port_of, served},
};

/// The numbers of a record, read once.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::score) struct Said {
    /// Ports, where the record has them.
    source_port: Option<u64>,
    destination_port: Option<u64>,
    protocol: u8,
    flags: u8,
    accepted: bool,
    start: u64,
    /// When it ends, in seconds since 1970.
    pub(in crate::score) end: Option<u64>,
    bytes: u64,
    packets: u64,
    /// What tells the networks that it is of from others; only where sessions are stitched.
    pub(super) estate: u32,
    /// Whether one end is a service that AWS runs.
    pub(super) aws: bool,
}

// === impl Said ===

impl Said {
    /// Those of `record`.
    #[inline]
    pub(in crate::score) fn of(record: &Record<'_>) -> Self {
        let uint = |column| record.uint(column);
        Self {
            source_port: uint(Column::SourcePort),
            destination_port: uint(Column::DestinationPort),
            protocol: narrow(uint(Column::Protocol)),
            flags: narrow(uint(Column::Flags)),
            accepted: is_accepted(record),
            start: uint(Column::Start).unwrap_or(0),
            end: uint(Column::End),
            bytes: uint(Column::Bytes).unwrap_or(0),
            packets: uint(Column::Packets).unwrap_or(0),
            estate: 0,
            aws: record.is_with_aws(),
        }
    }

    fn packets(&self) -> u32 {
        u32::try_from(self.packets).unwrap_or(u32::MAX)
    }

    /// What the event at `index`, which says this, says of the entity in `slot` on its `side`, with `change` to be made first.
    #[inline]
    pub(in crate::score) fn observation(
        &self,
        (window, standing): (Window, Standing),
        index: usize,
        (slot, side, change, vantage): (u32, Side, u32, Vantage),
        (peer, addresses): (Option<End>, &Mixer),
    ) -> Observation {
        // Whom a gateway talks to says something of those behind it only.
        let gateway = vantage.is_gateways();
        // AWS's own services are outside, and not somebody else's: what goes there is no loss.
        let outside = !gateway && !self.aws && peer.is_none_or(|peer| !peer.inside);
        let port = if gateway { NO_PORT } else { port_of(self.source_port, self.destination_port) };
        let served = served(self.source_port.unwrap_or(0), self.destination_port.unwrap_or(0));
        Observation {
            window,
            bytes: self.bytes,
            packets: self.packets(),
            event: index as u32,
            slot,
            port,
            peer: hash(addresses, peer.map_or(0, |peer| peer.address)),
            change,
            served: if gateway { 0 } else { served },
            protocol: self.protocol,
            standing,
            role: Role { sends: side == Side::Source, accepted: self.accepted, outside, vantage },
        }
    }

    /// What it says of the entity called `entity`, which stands on `side`, and of `peer`; nothing where that is inside.
    #[inline]
    pub(in crate::score) fn contact(
        &self,
        (window, end): (Window, i64),
        (entity, side): (u64, Side),
        peer: Option<End>,
        outside: &Mixer,
    ) -> Option<Contact> {
        let peer = peer.filter(|peer| !peer.inside)?;
        let external = external_key(peer.address);
        let (source, destination) = (self.source_port, self.destination_port);
        let answers = is_reply(source.unwrap_or(0), destination.unwrap_or(0));
        let sent = side == Side::Source;
        Some(Contact {
            external,
            hash: outside.of(external),
            entity,
            bytes: self.bytes,
            window,
            packets: self.packets(),
            at: u32::try_from(end).unwrap_or(u32::MAX),
            port: narrow(if answers { source } else { destination }),
            protocol: self.protocol,
            flags: self.flags,
            sent,
            initiated: if sent { destination.is_some_and(|port| port > 0) && !answers } else { answers },
            accepted: self.accepted,
        })
    }

    /// What it says of a session between `ends`; it counts for `who`, on `side`.
    #[inline]
    pub(in crate::score) fn leg(
        &self,
        (window, end): (Window, i64),
        (who, side, vantage): (Who, Side, Vantage),
        ends: &Ends,
        tuples: &Mixer,
    ) -> Leg {
        let (source, destination) = ends.packets();
        let (tuple, from) = Tuple::new(
            (source, narrow(self.source_port)),
            (destination, narrow(self.destination_port)),
            self.protocol,
            self.estate,
        );
        Leg {
            tuple,
            hash: tuple.hash(tuples),
            window: Narrow::of(window),
            from,
            own: if side == Side::Source { from } else { from.other() },
            who,
            passed: vantage == Vantage::Passed,
            outside: !ends.opposite(side).inside,
            aws: self.aws,
            accepted: self.accepted,
            flags: self.flags,
            start: u32::try_from(self.start).unwrap_or(u32::MAX).min(u32::try_from(end).unwrap_or(u32::MAX)),
            end: u32::try_from(end).unwrap_or(u32::MAX),
            packets: self.packets(),
            bytes: self.bytes,
        }
    }

    /// What tells the record between `ends`, which the interface with the key `at` saw, from every other.
    #[inline]
    pub(in crate::score) fn identity(&self, ends: &Ends, at: Key) -> repeats::Identity {
        repeats::Identity {
            interface: at as u64,
            source: ends.source.address,
            destination: ends.destination.address,
            source_port: narrow(self.source_port),
            destination_port: narrow(self.destination_port),
            protocol: self.protocol,
            flags: self.flags,
            accepted: self.accepted,
            start: self.start,
            end: self.end.unwrap_or(0),
            bytes: self.bytes,
            packets: self.packets,
        }
    }
}

/// The hash of an address, for sets of addresses.
#[inline]
fn hash(addresses: &Mixer, address: u128) -> u32 {
    (addresses.of_two(address as u64, (address >> 64) as u64) >> 32) as u32
}

/// Whether the flow was let through; a log that does not say so has only such flows.
#[inline]
fn is_accepted(record: &Record<'_>) -> bool {
    record.text(Column::Action) != b"REJECT"
}

/// The number of a column that holds no larger ones; 0 where there is none.
#[inline]
fn narrow<T: TryFrom<u64> + Default>(number: Option<u64>) -> T {
    number.and_then(|number| T::try_from(number).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_to_a_service_that_aws_runs_does_not_go_outside() {
        let peer = |inside| Some(End { address: 0xffff_cb00_7109, inside });
        let outside = |aws, inside, vantage| {
            let said = Said { aws, bytes: 1_000, ..Said::default() };
            let whose = (0, Side::Source, 0, vantage);
            let observation = said.observation(
                (0, Standing::Learned),
                0,
                whose,
                (peer(inside), &Mixer::new([1; 16], "peers")),
            );
            assert_eq!(observation.bytes, 1_000, "it is sent all the same");
            observation.role.outside
        };
        assert!(outside(false, false, Vantage::Own));
        assert!(!outside(true, false, Vantage::Own));
        assert!(!outside(false, true, Vantage::Own));
    }
}
