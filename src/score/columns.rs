//! What scoring reads of a record, with each column's slot looked up once per layout instead of once per event.

use crate::event::{Batch, Event, Field, FieldSet, Value};

use super::{
    address::{Address, End, number},
    own::Side,
};

/// The columns that scoring reads, in the order of [`WANTED`].
#[derive(Debug, Clone, Copy)]
#[repr(usize)]
pub(super) enum Column {
    Account,
    Region,
    Vpc,
    Interface,
    Source,
    Destination,
    PacketSource,
    PacketDestination,
    SourcePort,
    DestinationPort,
    Bytes,
    Packets,
    Protocol,
    Flags,
    Start,
    End,
    Action,
    Direction,
    InterfaceType,
    Service,
    Asg,
    Instance,
    InstanceTag,
    InstanceTag2,
    InterfaceTag,
    InterfaceTag2,
    AsgTag2,
}

const WANTED: [Field; 27] = [
    Field::AccountId,
    Field::Region,
    Field::VpcId,
    Field::InterfaceId,
    Field::SrcAddr,
    Field::DstAddr,
    Field::PktSrcAddr,
    Field::PktDstAddr,
    Field::SrcPort,
    Field::DstPort,
    Field::Bytes,
    Field::Packets,
    Field::Protocol,
    Field::TcpFlags,
    Field::Start,
    Field::End,
    Field::Action,
    Field::FlowDirection,
    Field::InterfaceType,
    Field::EcsServiceName,
    Field::AsgTag,
    Field::InstanceId,
    Field::InstanceTag,
    Field::InstanceTag2,
    Field::InterfaceTag,
    Field::InterfaceTag2,
    Field::AsgTag2,
];
/// The columns that hold a tag.
const TAG_COLUMNS: [Column; 6] = [
    Column::Asg,
    Column::InstanceTag,
    Column::InstanceTag2,
    Column::InterfaceTag,
    Column::InterfaceTag2,
    Column::AsgTag2,
];
/// The slot of a column that the layout does not have.
const NOWHERE: u8 = u8::MAX;

/// Where the wanted columns stand in the rows of one layout.
#[derive(Debug, Default)]
pub(super) struct Slots {
    fields: FieldSet,
    slots: [u8; WANTED.len()],
    known: bool,
}

/// One event of a batch, as scoring reads it.
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    pub(super) batch: &'a Batch,
    pub(super) event: &'a Event,
    slots: &'a [u8; WANTED.len()],
}

// === impl Column ===

impl Column {
    /// The column of tags that is called `name` in a format string.
    pub(super) fn of_tag(name: &str) -> Option<Self> {
        TAG_COLUMNS.into_iter().find(|column| WANTED[*column as usize].info().name == name)
    }
}

// === impl Slots ===

impl Slots {
    /// `event` of `batch`, ready to be read.
    #[inline]
    pub(super) fn read<'a>(&'a mut self, batch: &'a Batch, event: &'a Event) -> Record<'a> {
        if !self.known || self.fields != event.fields {
            self.learn(event.fields);
        }
        Record { batch, event, slots: &self.slots }
    }

    #[cold]
    fn learn(&mut self, fields: FieldSet) {
        let slot = |field| fields.slot(field).and_then(|slot| u8::try_from(slot).ok());
        self.slots = WANTED.map(|field| slot(field).unwrap_or(NOWHERE));
        self.fields = fields;
        self.known = true;
    }
}

// === impl Record ===

impl<'a> Record<'a> {
    /// What the record says in `column`.
    #[inline]
    pub(super) fn value(&self, column: Column) -> Value {
        match self.slots[column as usize] {
            NOWHERE => Value::Absent,
            slot => self.batch.values[self.event.row as usize + slot as usize],
        }
    }

    /// The number in `column`.
    #[inline]
    pub(super) fn uint(&self, column: Column) -> Option<u64> {
        self.value(column).as_uint()
    }

    /// The text in `column`; empty where there is none.
    #[inline]
    pub(super) fn text(&self, column: Column) -> &'a [u8] {
        match self.value(column) {
            Value::Absent | Value::Uint(_) => &[],
            Value::Derived(span) => span.of(&self.batch.derived),
            other => other.as_text().map_or(&[], |span| span.of(self.batch.bytes())),
        }
    }

    /// The address on `side`, and whether it is inside.
    #[inline]
    pub(super) fn end(&self, side: Side) -> Option<End> {
        let (column, place) = match side {
            Side::Source => (Column::Source, self.event.source),
            Side::Destination => (Column::Destination, self.event.destination),
        };
        Some(End { address: self.address(column)?, inside: self.is_inside(place) })
    }

    /// The packet's own address on `side`, where the record has one. One that is the same as the record's is no endpoint
    /// of its own.
    #[inline]
    pub(super) fn packet_end(&self, side: Side) -> Option<End> {
        let (column, place) = match side {
            Side::Source => (Column::PacketSource, self.event.nat_source),
            Side::Destination => (Column::PacketDestination, self.event.nat_destination),
        };
        let address = self.address(column)?;
        match self.end(side) {
            Some(plain) if plain.address == address => Some(plain),
            _ => Some(End { address, inside: self.is_inside(place) }),
        }
    }

    #[inline]
    fn is_inside(&self, place: u32) -> bool {
        self.batch.endpoints.get(place as usize).is_some_and(|endpoint| endpoint.internal)
    }

    /// The address in `column`.
    #[inline]
    pub(super) fn address(&self, column: Column) -> Option<Address> {
        match self.value(column) {
            Value::V4(address, _) => Some(0xffff_0000_0000 | u128::from(u32::from(address))),
            Value::Absent => None,
            other => other.as_address(&self.batch.derived).map(number),
        }
    }
}
