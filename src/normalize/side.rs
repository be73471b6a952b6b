//! The two sides of a flow: what is known of each, which of them is the host, and which the interface's own.

use super::row::Row;
use crate::event::{Direction, Endpoint, Field, FieldSet, Value};

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
    pub(super) fn outermost<'a>(self, row: &Row<'a>) -> &'a Endpoint {
        let event = row.event;
        let (own, nat) = match self {
            Self::Source => (event.source, event.nat_source),
            Self::Destination => (event.destination, event.nat_destination),
        };
        row.batch.outermost(own, nat)
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
        Direction::Internal => Some(match seen_from(row) {
            b'i' => (Side::Destination, true),
            b'e' => (Side::Source, true),
            _ => (Side::Source, false),
        }),
    }
}

/// Columns that only Transit Gateway flow logs have.
pub(super) const TRANSIT: FieldSet =
    FieldSet::of(&[Field::TgwId, Field::TgwAttachmentId, Field::TgwPairAttachmentId, Field::ResourceType]);

/// The first letter of the direction as the interface saw it; 0 where the record does not say. A transit gateway's is
/// about its attachment, which is nobody's interface.
#[inline]
fn seen_from(row: &Row<'_>) -> u8 {
    if row.plan.fields().and(TRANSIT).is_empty() { row.initial(Field::FlowDirection) } else { 0 }
}

/// The side that is the interface's own, by the rules of enrichment: by `flow-direction` where the record has it, else the
/// side whose address is not the packet's, else the one side that is inside. A transit gateway's log has none.
#[inline]
pub(super) fn own(row: &Row<'_>) -> Option<Side> {
    if !row.plan.fields().and(TRANSIT).is_empty() {
        return None;
    }
    let translated = row.nats.map(|nat| !nat.is_absent());
    let side = match row.initial(Field::FlowDirection) {
        b'e' => Some(Side::Source),
        b'i' => Some(Side::Destination),
        _ if translated == [true, false] => Some(Side::Source),
        _ if translated == [false, true] => Some(Side::Destination),
        _ => match row.event.direction {
            Direction::Outbound => Some(Side::Source),
            Direction::Inbound => Some(Side::Destination),
            _ => None,
        },
    };
    // A side without an address is nobody's.
    side.filter(|side| !side.address(row).is_absent())
}
