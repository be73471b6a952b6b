//! The two sides of a flow: which of them is the host, and how each is written.

use crate::{
    event::{Batch, Direction, Endpoint, Field, Value},
    normalize::{
        paths::{SIDE_PORT, SOURCE_BYTES, SOURCE_IP, SOURCE_NAT_IP, SOURCE_PACKETS},
        pen::{Pen, Said},
        piece::piece,
        text::put_uint,
    },
};

use super::{place::Places, row::Row};

/// One side of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Source,
    Destination,
}

// === impl Side ===

impl Side {
    /// The address of this side, as the interface sees it.
    #[inline(always)]
    pub(super) fn address<'a>(self, row: &Row<'a>) -> &'a Value {
        row.addresses[self as usize]
    }

    /// The packet's own address on this side, where it is another.
    #[inline(always)]
    pub(super) fn nat<'a>(self, row: &Row<'a>) -> &'a Value {
        row.nats[self as usize]
    }

    /// What enrichment found about this side's address.
    #[inline(always)]
    pub(super) fn endpoint<'a>(self, row: &Row<'a>) -> &'a Endpoint {
        let place = match self {
            Self::Source => row.event.source,
            Self::Destination => row.event.destination,
        };
        &row.batch.endpoints[place as usize]
    }

    /// The endpoint whose place and network stand for this side: its own, or the packet's where its own is internal.
    #[inline(always)]
    fn outermost<'a>(self, row: &Row<'a>) -> &'a Endpoint {
        let own = self.endpoint(row);
        let nat = match self {
            Self::Source => row.event.nat_source,
            Self::Destination => row.event.nat_destination,
        };
        if own.internal && nat != Batch::NO_ENDPOINT { &row.batch.endpoints[nat as usize] } else { own }
    }

    /// Appends this side's object, which `begin` opens; returns what a source says of how much was sent.
    #[inline(always)]
    pub(super) fn put<const B: usize>(
        self,
        begin: &[u8; B],
        row: &Row<'_>,
        places: &mut Places,
        out: &mut Pen<'_>,
    ) -> Option<Said> {
        let mut volume = None;
        let port = match self {
            Self::Source => Field::SrcPort,
            Self::Destination => Field::DstPort,
        };
        out.object(begin, |out| {
            let address = self.address(row);
            if !address.is_absent() {
                out.put(piece![Key(SOURCE_IP), Text("\"")]);
                row.put(address, out);
                out.put(b"\",");
            }
            if let Some(port) = row.uint(port) {
                out.put(piece![Key(SIDE_PORT)]);
                put_uint(out, port);
                out.push(b',');
            }
            if self == Self::Source {
                volume = Some(out.put_said(|out| put_volume(row, out)));
            }
            let nat = self.nat(row);
            if !nat.is_absent() {
                out.put(piece![Open(SOURCE_NAT_IP, 1), Key(SOURCE_NAT_IP), Text("\"")]);
                row.put(nat, out);
                out.put(b"\"},");
            }
            places.put(self.outermost(row), out);
        });
        volume
    }
}

/// Appends how many bytes and packets were sent; the record tells of one way, so only a source has them, and what went
/// over the network is as much.
#[inline(always)]
pub(super) fn put_volume(row: &Row<'_>, out: &mut Pen<'_>) {
    if let Some(bytes) = row.uint(Field::Bytes) {
        out.put(piece![Key(SOURCE_BYTES)]);
        put_uint(out, bytes);
        out.push(b',');
    }
    if let Some(packets) = row.uint(Field::Packets) {
        out.put(piece![Key(SOURCE_PACKETS)]);
        put_uint(out, packets);
        out.push(b',');
    }
}

/// The side that is the host: the internal one. Between two internal sides it is the interface's own where the record
/// says which, else the sender, and then the interface's instance is not known to be that side's.
#[inline(always)]
pub(super) fn host(row: &Row<'_>) -> Option<(Side, bool)> {
    match row.event.direction {
        Direction::Outbound => Some((Side::Source, true)),
        Direction::Inbound => Some((Side::Destination, true)),
        Direction::External | Direction::Unknown => None,
        Direction::Internal => Some(match row.initial(Field::FlowDirection) {
            b'i' => (Side::Destination, true),
            b'e' => (Side::Source, true),
            _ => (Side::Source, false),
        }),
    }
}
