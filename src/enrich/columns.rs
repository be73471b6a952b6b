//! Where in a row the fields stand that enrichment reads: found once per layout, not once per event.

use std::net::IpAddr;

use crate::event::{Field, FieldSet, Value};

/// The slots of the fields that enrichment reads, for events with one set of fields.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns {
    /// The set they hold for.
    pub(super) fields: FieldSet,
    pub(super) source: Slot,
    pub(super) destination: Slot,
    pub(super) packet_source: Slot,
    pub(super) packet_destination: Slot,
    pub(super) source_port: Slot,
    pub(super) destination_port: Slot,
    pub(super) protocol: Slot,
    pub(super) interface: Slot,
    pub(super) instance: Slot,
    pub(super) flow_direction: Slot,
    pub(super) start: Slot,
    pub(super) end: Slot,
    pub(super) account: Slot,
    pub(super) region: Slot,
    pub(super) vpc: Slot,
    pub(super) source_vpc: Slot,
    pub(super) destination_vpc: Slot,
}

/// A slot in a row, or none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot(u8);

// === impl Columns ===

impl Columns {
    /// The columns of events that have `fields`.
    pub(super) fn of(fields: FieldSet) -> Self {
        let slot = |field| Slot(fields.slot(field).map_or(Slot::NONE, |slot| slot as u8));
        Self {
            fields,
            source: slot(Field::SrcAddr),
            destination: slot(Field::DstAddr),
            packet_source: slot(Field::PktSrcAddr),
            packet_destination: slot(Field::PktDstAddr),
            source_port: slot(Field::SrcPort),
            destination_port: slot(Field::DstPort),
            protocol: slot(Field::Protocol),
            interface: slot(Field::InterfaceId),
            instance: slot(Field::InstanceId),
            flow_direction: slot(Field::FlowDirection),
            start: slot(Field::Start),
            end: slot(Field::End),
            account: slot(Field::AccountId),
            region: slot(Field::Region),
            vpc: slot(Field::VpcId),
            source_vpc: slot(Field::TgwSrcVpcId),
            destination_vpc: slot(Field::TgwDstVpcId),
        }
    }
}

impl Columns {
    /// The time that `row` is joined as of, seconds since 1970: its end, or its start where it has none; the largest number
    /// where it has neither.
    pub(super) fn time(&self, row: &[Value]) -> i64 {
        let time = self.end.uint(row).or_else(|| self.start.uint(row));
        time.unwrap_or(i64::MAX)
    }
}

// === impl Slot ===

impl Slot {
    const NONE: u8 = u8::MAX;

    /// What `row` says.
    #[inline]
    pub(super) fn value(self, row: &[Value]) -> Value {
        row.get(usize::from(self.0)).copied().unwrap_or_default()
    }

    /// The address that `row` says.
    #[inline]
    pub(super) fn address(self, row: &[Value], derived: &[u8]) -> Option<IpAddr> {
        self.value(row).as_address(derived)
    }

    /// The number that `row` says, where it fits.
    #[inline]
    pub(super) fn uint<T: TryFrom<u64>>(self, row: &[Value]) -> Option<T> {
        self.value(row).as_uint().and_then(|number| T::try_from(number).ok())
    }

    /// The text that `row` says; `bytes` are the chunk's, `derived` the batch's.
    #[inline]
    pub(super) fn text<'a>(self, row: &[Value], bytes: &'a [u8], derived: &'a [u8]) -> Option<&'a [u8]> {
        match self.value(row) {
            Value::Derived(span) => Some(span.of(derived)),
            other => other.as_text().map(|span| span.of(bytes)),
        }
    }
}
