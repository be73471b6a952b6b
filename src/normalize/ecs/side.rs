//! How a side of a flow is written.

use crate::{
    event::Field,
    normalize::{
        paths::{SIDE_PORT, SOURCE_ADDRESS, SOURCE_BYTES, SOURCE_IP, SOURCE_NAT_IP, SOURCE_PACKETS},
        pen::{Pen, Said},
        piece::piece,
        row::Row,
        side::Side,
        text::put_uint,
    },
};

use super::place::Places;

// === impl Side ===

impl Side {
    /// Appends this side's object, which `begin` opens, without its address in other words where `SLIM`; returns what a source says of how much was sent.
    #[inline(always)]
    pub(super) fn put<const SLIM: bool, const B: usize>(
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
                if !SLIM {
                    out.put(piece![Text("\","), Key(SOURCE_ADDRESS), Text("\"")]);
                    row.put(address, out);
                }
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
