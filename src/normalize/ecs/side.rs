//! The two sides of a flow: which of them is the host, and how each is written.

use std::ops::Range;

use crate::{
    event::{Batch, Direction, Endpoint, Field, Value},
    normalize::{
        paths::{SIDE_PORT, SOURCE_BYTES, SOURCE_IP, SOURCE_NAT_IP, SOURCE_PACKETS},
        piece::{object, piece},
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
    #[inline]
    pub(super) fn address(self, row: &Row<'_>) -> Value {
        row.value(match self {
            Self::Source => Field::SrcAddr,
            Self::Destination => Field::DstAddr,
        })
    }

    /// The packet's own address on this side, where it is another.
    #[inline]
    pub(super) fn nat(self, row: &Row<'_>) -> Value {
        let packet = row.value(match self {
            Self::Source => Field::PktSrcAddr,
            Self::Destination => Field::PktDstAddr,
        });
        if packet.is_absent() || row.same_address(packet, self.address(row)) { Value::Absent } else { packet }
    }

    /// What enrichment found about this side's address.
    #[inline]
    pub(super) fn endpoint<'a>(self, row: &Row<'a>) -> &'a Endpoint {
        let place = match self {
            Self::Source => row.event.source,
            Self::Destination => row.event.destination,
        };
        &row.batch.endpoints[place as usize]
    }

    /// The endpoint whose place and network stand for this side: its own, or the packet's where its own is internal.
    #[inline]
    fn outermost<'a>(self, row: &Row<'a>) -> &'a Endpoint {
        let own = self.endpoint(row);
        let nat = match self {
            Self::Source => row.event.nat_source,
            Self::Destination => row.event.nat_destination,
        };
        if own.internal && nat != Batch::NO_ENDPOINT { &row.batch.endpoints[nat as usize] } else { own }
    }

    /// Appends this side's object; returns where in `out` the members are that tell how much was sent.
    #[inline]
    pub(super) fn put(self, row: &Row<'_>, places: &mut Places, out: &mut Vec<u8>) -> Range<usize> {
        let mut volume = 0..0;
        let (begin, port): (&[u8], _) = match self {
            Self::Source => (piece![Open(SOURCE_IP, 0)], Field::SrcPort),
            Self::Destination => (piece![Open(crate::normalize::paths::DESTINATION_IP, 0)], Field::DstPort),
        };
        object(out, begin, |out| {
            let address = self.address(row);
            if !address.is_absent() {
                out.extend_from_slice(piece![Key(SOURCE_IP), Text("\"")]);
                row.put(address, out);
                out.extend_from_slice(b"\",");
            }
            if let Some(port) = row.uint(port) {
                out.extend_from_slice(piece![Key(SIDE_PORT)]);
                put_uint(out, port);
                out.push(b',');
            }
            if self == Self::Source {
                let start = out.len();
                put_volume(row, out);
                volume = start..out.len();
            }
            let nat = self.nat(row);
            if !nat.is_absent() {
                out.extend_from_slice(piece![Open(SOURCE_NAT_IP, 1), Key(SOURCE_NAT_IP), Text("\"")]);
                row.put(nat, out);
                out.extend_from_slice(b"\"},");
            }
            places.put(self.outermost(row), out);
        });
        volume
    }
}

/// Appends how many bytes and packets were sent; the record tells of one way, so only a source has them.
#[inline]
fn put_volume(row: &Row<'_>, out: &mut Vec<u8>) {
    if let Some(bytes) = row.uint(Field::Bytes) {
        out.extend_from_slice(piece![Key(SOURCE_BYTES)]);
        put_uint(out, bytes);
        out.push(b',');
    }
    if let Some(packets) = row.uint(Field::Packets) {
        out.extend_from_slice(piece![Key(SOURCE_PACKETS)]);
        put_uint(out, packets);
        out.push(b',');
    }
}

/// The side that is the host: the internal one. Between two internal sides it is the interface's own where the record
/// says which, else the sender, and then the interface's instance is not known to be that side's.
#[inline]
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
