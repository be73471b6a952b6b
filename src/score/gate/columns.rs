//! What scoring reads of a record, with each column's slot looked up once per layout instead of once per event.

use crate::{
    event::{Batch, Endpoint, Event, Field, FieldSet, Value, is_run_by_aws},
    score::whose::{
        address::{Address, End, number},
        own::Side,
    },
};

/// The columns that scoring reads, in the order of [`WANTED`].
#[derive(Debug, Clone, Copy)]
#[repr(usize)]
pub(in crate::score) enum Column {
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
    SourceService,
    DestinationService,
}

const WANTED: [Field; 29] = [
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
    Field::PktSrcAwsService,
    Field::PktDstAwsService,
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
pub(in crate::score) struct Slots {
    fields: FieldSet,
    slots: [u8; WANTED.len()],
    known: bool,
}

/// One event of a batch, as scoring reads it.
#[derive(Clone, Copy)]
pub(in crate::score) struct Record<'a> {
    pub(in crate::score) batch: &'a Batch,
    pub(in crate::score) event: &'a Event,
    slots: &'a [u8; WANTED.len()],
}

// === impl Column ===

impl Column {
    /// The column of tags that is called `name` in a format string.
    pub(in crate::score) fn of_tag(name: &str) -> Option<Self> {
        TAG_COLUMNS.into_iter().find(|column| WANTED[*column as usize].info().name == name)
    }
}

// === impl Slots ===

impl Slots {
    /// `event` of `batch`, ready to be read.
    #[inline]
    pub(in crate::score) fn read<'a>(&'a mut self, batch: &'a Batch, event: &'a Event) -> Record<'a> {
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
    pub(in crate::score) fn value(&self, column: Column) -> Value {
        match self.slots[column as usize] {
            NOWHERE => Value::Absent,
            slot => self.batch.values[self.event.row as usize + slot as usize],
        }
    }

    /// The number in `column`.
    #[inline]
    pub(in crate::score) fn uint(&self, column: Column) -> Option<u64> {
        self.value(column).as_uint()
    }

    /// The text in `column`; empty where there is none.
    #[inline]
    pub(in crate::score) fn text(&self, column: Column) -> &'a [u8] {
        match self.value(column) {
            Value::Absent | Value::Uint(_) => &[],
            Value::Derived(span) => span.of(&self.batch.derived),
            other => other.as_text().map_or(&[], |span| span.of(self.batch.bytes())),
        }
    }

    /// The address on `side`, and whether it is inside.
    #[inline]
    pub(in crate::score) fn end(&self, side: Side) -> Option<End> {
        let (column, place) = match side {
            Side::Source => (Column::Source, self.event.source),
            Side::Destination => (Column::Destination, self.event.destination),
        };
        Some(End { address: self.address(column)?, inside: self.is_inside(place) })
    }

    /// The packet's own address on `side`, where the record has one. One that is the same as the record's is no endpoint
    /// of its own.
    #[inline]
    pub(in crate::score) fn packet_end(&self, side: Side) -> Option<End> {
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

    /// Whether one of its ends is a service that AWS itself runs: by the record's own word, or by AWS's published ranges.
    #[inline]
    pub(in crate::score) fn is_with_aws(&self) -> bool {
        let event = self.event;
        let places = [event.source, event.destination, event.nat_source, event.nat_destination];
        let is_awss = |place: &u32| {
            let endpoint = self.batch.endpoints.get(*place as usize);
            endpoint.is_some_and(Endpoint::is_run_by_aws)
        };
        let says = |column| std::str::from_utf8(self.text(column)).is_ok_and(is_run_by_aws);
        says(Column::SourceService) || says(Column::DestinationService) || places.iter().any(is_awss)
    }

    #[inline]
    fn is_inside(&self, place: u32) -> bool {
        self.batch.endpoints.get(place as usize).is_some_and(|endpoint| endpoint.internal)
    }

    /// The address in `column`.
    #[inline]
    pub(in crate::score) fn address(&self, column: Column) -> Option<Address> {
        match self.value(column) {
            Value::V4(address, _) => Some(0xffff_0000_0000 | u128::from(u32::from(address))),
            Value::Absent => None,
            other => other.as_address(&self.batch.derived).map(number),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use super::*;
    use crate::event::{Chunk, Entry, IdScheme, Layout, Origin, Partition, Provider, SourceId, Span};

    /// A batch of one record, which says that its ends are of these services, and what lies in some ranges: S3 of AWS, EC2 of
    /// AWS, and storage of another.
    fn batch(said: [&str; 2]) -> Batch {
        let layout = Layout::of_names(["pkt-src-aws-service", "pkt-dst-aws-service"]).unwrap();
        let mut chunk = Chunk::new(SourceId(0), Partition::new("p"), Origin::stdin(), Vec::new());
        let mut values = Vec::new();
        for text in said {
            let at = chunk.bytes.len();
            chunk.bytes.extend_from_slice(text.as_bytes());
            let span = Span::new(at, chunk.bytes.len());
            values.push(if text.is_empty() { Value::Absent } else { Value::Text(span) });
        }
        chunk.records.push(crate::event::Record { position: 0, end: 0, first_index: 0 });
        let entry = Entry { span: Span::default(), record: 0, index: 0 };
        let event = Event::parsed(&chunk, &IdScheme::of(&chunk.origin), entry, &layout, 0, 0);
        let mut batch = Batch::default();
        batch.fill(chunk, 1);
        batch.events.push(event);
        batch.values.extend(values);
        for (name, service) in [("aws", "S3"), ("aws", "EC2"), ("azure", "Storage")] {
            let provider = Some(Arc::new(Provider::new(0, name, Some(service), None)));
            batch.endpoints.push(Endpoint { provider, ..Endpoint::default() });
        }
        batch
    }

    fn is_with_aws(said: [&str; 2], [source, destination, nat_destination]: [u32; 3]) -> bool {
        let batch = batch(said);
        let event = Event { source, destination, nat_destination, ..batch.events[0] };
        Slots::default().read(&batch, &event).is_with_aws()
    }

    #[test]
    fn what_aws_runs_is_told_from_what_others_rent_there_by_its_ranges() {
        let none = Batch::NO_ENDPOINT;
        // Places in the batch's endpoints: nobody, S3, EC2, another's storage.
        assert!(is_with_aws(["", ""], [0, 1, none]) && is_with_aws(["", ""], [1, 0, none]));
        for other in [0, 2, 3] {
            assert!(!is_with_aws(["", ""], [0, other, none]), "{other}");
        }
        assert!(is_with_aws(["", ""], [0, 2, 1]), "behind a gateway");
    }

    #[test]
    fn the_record_itself_may_say_that_one_end_is_aws_s() {
        let nobody = [0, 0, Batch::NO_ENDPOINT];
        assert!(is_with_aws(["S3", ""], nobody) && is_with_aws(["", "DYNAMODB"], nobody));
        assert!(!is_with_aws(["", "EC2"], nobody) && !is_with_aws(["", ""], nobody));
    }
}
