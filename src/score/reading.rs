//! What scoring reads out of one record: what it says of its entity, of a contact with the outside, and what tells it
//! from every other record.

use super::{
    address::End,
    columns::{Column, Record},
    fringe::{Contact, external_key},
    grid::Window,
    keys::Key,
    mixer::Mixer,
    own::Side,
    plan::{NO_PORT, Observation, Role, Standing, Vantage, is_reply, port_of},
    repeats,
};

/// The other side of a record whose entity stands on `side`; the packet's own address goes before the record's.
#[inline]
pub(super) fn peer(record: &Record<'_>, side: Side) -> Option<End> {
    let other = side.other();
    record.packet_end(other).or_else(|| record.end(other))
}

/// What `record`, the event at `index`, says of the entity in `slot` on its `side`, with `change` to be made first.
#[inline]
pub(super) fn observation(
    record: &Record<'_>,
    (window, standing): (Window, Standing),
    index: usize,
    (slot, side, change, vantage): (u32, Side, u32, Vantage),
    (peer, addresses): (Option<End>, &Mixer),
) -> Observation {
    // Whom a gateway talks to says something of those behind it only.
    let gateway = vantage.is_gateways();
    let outside = !gateway && peer.is_none_or(|peer| !peer.inside);
    let [source, destination] =
        [Column::SourcePort, Column::DestinationPort].map(|column| record.uint(column));
    Observation {
        window,
        bytes: record.uint(Column::Bytes).unwrap_or(0),
        packets: u32::try_from(record.uint(Column::Packets).unwrap_or(0)).unwrap_or(u32::MAX),
        event: index as u32,
        slot,
        port: if gateway { NO_PORT } else { port_of(source, destination) },
        peer: hash(addresses, peer.map_or(0, |peer| peer.address)),
        change,
        standing,
        role: Role { sends: side == Side::Source, accepted: is_accepted(record), outside, vantage },
    }
}

/// The hash of an address, for sets of addresses.
#[inline]
fn hash(addresses: &Mixer, address: u128) -> u32 {
    (addresses.of_two(address as u64, (address >> 64) as u64) >> 32) as u32
}

/// What `record` says of the entity called `entity`, which stands on `side`, and of `peer`; nothing where that is inside.
#[inline]
pub(super) fn contact(
    record: &Record<'_>,
    (window, end): (Window, i64),
    (entity, side): (u64, Side),
    peer: Option<End>,
    outside: &Mixer,
) -> Option<Contact> {
    let peer = peer.filter(|peer| !peer.inside)?;
    let external = external_key(peer.address);
    let [source, destination] =
        [Column::SourcePort, Column::DestinationPort].map(|column| record.uint(column));
    let answers = is_reply(source.unwrap_or(0), destination.unwrap_or(0));
    let sent = side == Side::Source;
    let port = if answers { source } else { destination };
    Some(Contact {
        external,
        hash: outside.of(external),
        entity,
        bytes: record.uint(Column::Bytes).unwrap_or(0),
        packets: record.uint(Column::Packets).unwrap_or(0),
        window,
        at: u32::try_from(end).unwrap_or(u32::MAX),
        port: narrow(port),
        protocol: narrow(record.uint(Column::Protocol)),
        flags: narrow(record.uint(Column::Flags)),
        sent,
        initiated: if sent { port_of(source, destination) != NO_PORT } else { answers },
        accepted: is_accepted(record),
    })
}

/// What tells `record`, which the interface with the key `at` saw, from every other.
#[inline]
pub(super) fn identity(record: &Record<'_>, at: Key) -> repeats::Identity {
    let uint = |column| record.uint(column).unwrap_or(0);
    let address = |column| record.address(column).unwrap_or(0);
    repeats::Identity {
        interface: at as u64,
        source: address(Column::Source),
        destination: address(Column::Destination),
        source_port: narrow(record.uint(Column::SourcePort)),
        destination_port: narrow(record.uint(Column::DestinationPort)),
        protocol: narrow(record.uint(Column::Protocol)),
        flags: narrow(record.uint(Column::Flags)),
        accepted: is_accepted(record),
        start: uint(Column::Start),
        end: uint(Column::End),
        bytes: uint(Column::Bytes),
        packets: uint(Column::Packets),
    }
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
