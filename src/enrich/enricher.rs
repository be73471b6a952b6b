//! The stage itself: one per worker thread, with the thread's caches.

use std::{net::IpAddr, sync::Arc};

use super::{
    Shared, Stage, Tables,
    asset::AssetNumber,
    cache::{AddressCache, v6_words},
    columns::Columns,
    community_id, direction,
    known::{Known, KnownList, KnownNumber},
    own_side::{self, Side, Sides},
    protocol,
    records::RecordCache,
    service, tags,
};
use crate::event::{AutonomousSystem, Batch, Endpoint, Event, Place, Span, Value};

mod ask;

use ask::{COMBINED_SLOTS, Combined};

/// Adds to every event what its record does not say. After warm-up it allocates nothing per event, however many
/// addresses come by.
#[derive(Debug)]
pub struct Enricher {
    shared: Arc<Shared>,
    tables: Arc<Tables>,
    v4: V4Cache,
    v6: V6Cache,
    known: KnownList,
    records: Records,
    combined: Box<[Combined]>,
    columns: Columns,
    /// What the Community IDs of a block of events are made of.
    flows: Vec<community_id::Hashed>,
    /// Tells the batch at hand from those before it, in the rows that name a place in its endpoints.
    filling: u32,
}

/// Decoded records, and what could not be decoded.
#[derive(Debug)]
struct Records {
    places: RecordCache<Place>,
    networks: RecordCache<AutonomousSystem>,
    errors: u64,
}

/// The parts of a batch that are read while its events are written.
struct Page<'a> {
    bytes: &'a [u8],
    values: &'a [Value],
    derived: &'a mut Vec<u8>,
    endpoints: &'a mut Vec<Endpoint>,
}

/// One side of an event: its place in the batch's endpoints, and whether it is inside.
#[derive(Debug, Clone, Copy)]
struct Found {
    endpoint: u32,
    internal: bool,
    /// Whether that depends on the record's scope or time.
    asks: bool,
    /// The number of what is known of its address.
    number: KnownNumber,
}

/// The sides of an event: source, destination, and the packet's own where they differ.
type Ends = [Option<(IpAddr, Found)>; 4];

// Both have sets of one cache line.
type V4Cache = AddressCache<u32, 8>;
type V6Cache = AddressCache<[u64; 2], 3>;

/// Sets of addresses remembered, by family. Of 100,000 IPv4 addresses in turn 95 in a hundred are still there, and they
/// take 1 MiB, half of what today's cores have as a cache of their own.
const V4_SETS: usize = 1 << 14;
const V6_SETS: usize = 1 << 13;
/// Records remembered. A City database tells a few hundred thousand places apart, an ASN database 80,000 networks; what
/// one network sees of them is far less.
const PLACE_SLOTS: usize = 1 << 14;
const NETWORK_SLOTS: usize = 1 << 13;
/// Events located one after the other before they are named: as many as the processor's own cache holds besides, and a
/// multiple of the Community IDs that are made at once.
const BLOCK_EVENTS: usize = 64;
/// What a decoded record takes: with texts and allocator, as real databases have them.
const PLACE_BYTES: usize = 448;
const NETWORK_BYTES: usize = 128;

// === impl Enricher ===

impl Enricher {
    /// An enricher over `shared`'s tables, with empty caches.
    #[must_use]
    pub fn new(shared: Arc<Shared>) -> Self {
        Self {
            tables: shared.tables(),
            v4: V4Cache::new(V4_SETS, shared.seed),
            v6: V6Cache::new(V6_SETS, shared.seed),
            known: KnownList::new(shared.seed),
            records: Records {
                places: RecordCache::new(PLACE_SLOTS),
                networks: RecordCache::new(NETWORK_SLOTS),
                errors: 0,
            },
            combined: vec![Combined::default(); COMBINED_SLOTS].into_boxed_slice(),
            columns: Columns::of(Default::default()),
            flows: Vec::with_capacity(BLOCK_EVENTS),
            filling: 0,
            shared,
        }
    }

    /// Bytes that the caches of one enricher take at most. Without a City, Country or ASN database it is a third of that.
    #[must_use]
    pub const fn memory_bytes() -> usize {
        V4Cache::memory_bytes(V4_SETS)
            + V6Cache::memory_bytes(V6_SETS)
            + KnownList::MEMORY_BYTES_MAX
            + PLACE_SLOTS * (16 + PLACE_BYTES)
            + NETWORK_SLOTS * (16 + NETWORK_BYTES)
            + COMBINED_SLOTS * size_of::<Combined>()
    }

    /// Looks for new tables, and makes void what is remembered of the batch before.
    fn begin(&mut self) {
        if let Some(tables) = self.shared.newer_than(self.tables.generation()) {
            self.tables = tables;
            self.forget_addresses();
            self.records.places.clear();
            self.records.networks.clear();
        }
        if self.filling == u32::MAX {
            self.known.forget_endpoints();
            self.combined.fill(Combined::default());
            self.filling = 0;
        }
        self.filling += 1;
    }

    fn forget_addresses(&mut self) {
        self.v4.clear();
        self.v6.clear();
        self.known.clear();
    }

    /// Tells the metrics what the batch brought.
    fn end(&mut self) {
        let meters = &self.shared.meters;
        meters.addresses.tell(&mut self.v4.tally);
        meters.addresses.tell(&mut self.v6.tally);
        meters.places.tell(&mut self.records.places.tally);
        meters.networks.tell(&mut self.records.networks.tally);
        meters.errors.inc_by(std::mem::take(&mut self.records.errors));
    }

    /// Reads from the sets of the addresses of `block`. Nothing here waits for what is read, so the sets of many addresses
    /// come from memory at the same time.
    fn touch(&mut self, block: &[Event], values: &[Value]) {
        let mut touched = 0;
        for event in block {
            let columns = self.columns_of(event);
            let row = row_of(event, values);
            for column in [columns.source, columns.destination] {
                if let Value::V4(address, _) = column.value(row) {
                    touched |= self.v4.touch(address.into());
                }
            }
        }
        std::hint::black_box(touched);
    }

    /// Finds the endpoints of `event` and which way it goes.
    #[inline]
    fn locate(&mut self, tables: &Tables, event: &mut Event, page: &mut Page<'_>) {
        let columns = self.columns_of(event);
        let row = page.row(event);
        let source = columns.source.address(row, page.derived);
        let destination = columns.destination.address(row, page.derived);
        let packet_source =
            columns.packet_source.address(row, page.derived).filter(|packet| Some(*packet) != source);
        let packet_destination = columns
            .packet_destination
            .address(row, page.derived)
            .filter(|packet| Some(*packet) != destination);

        let mut find = |address: IpAddr| (address, self.find(tables, address, page.endpoints));
        let mut ends: Ends =
            [source, destination, packet_source, packet_destination].map(|address| address.map(&mut find));
        if ends.iter().flatten().any(|(_, found)| found.asks) {
            self.ask(tables, row, page, &mut ends);
        }
        let [from, to, packet_from, packet_to] = ends.map(|end| end.map(|(_, found)| found));
        let endpoint = |found: Option<Found>| found.map_or(Batch::NO_ENDPOINT, |found| found.endpoint);
        event.nat_source = endpoint(packet_from);
        event.nat_destination = endpoint(packet_to);
        event.source = endpoint(from);
        event.destination = endpoint(to);
        event.direction =
            direction::between(from.map(|found| found.internal), to.map(|found| found.internal));

        if tables.assets.has_ids()
            && let Some(asset) = asset_by_id(tables, &columns, row, page)
        {
            let side = own_side::of(Sides {
                flow_direction: columns.flow_direction.text(row, page.bytes, page.derived),
                source_internal: from.map(|found| found.internal),
                destination_internal: to.map(|found| found.internal),
                source_translated: packet_source.is_some(),
                destination_translated: packet_destination.is_some(),
            });
            match side {
                Some(Side::Source) => {
                    event.source = self.combine(tables, event.source, Some(asset), false, page.endpoints);
                }
                Some(Side::Destination) => {
                    event.destination =
                        self.combine(tables, event.destination, Some(asset), false, page.endpoints);
                }
                None => {}
            }
        }
    }

    /// Names what the numbers of `event` stand for, and puts what its Community ID is made of to the other flows; says
    /// whether it has one.
    #[inline]
    fn name(&mut self, event: &mut Event, page: &Page<'_>) -> bool {
        let columns = self.columns_of(event);
        let row = page.row(event);
        let Some(protocol) = columns.protocol.uint::<u8>(row) else { return false };
        let source_port = columns.source_port.uint::<u16>(row);
        let destination_port = columns.destination_port.uint::<u16>(row);
        event.transport = protocol::keyword(protocol);
        event.service = service::of(protocol, source_port, destination_port);
        let source = columns.source.address(row, page.derived);
        let Some((source, destination)) = source.zip(columns.destination.address(row, page.derived)) else {
            return false;
        };
        let ports = source_port.zip(destination_port);
        community_id::put(source, destination, protocol, ports, &mut self.flows)
    }

    /// Names what the numbers of all of `block` stand for, and the flows themselves by their Community IDs.
    fn name_all(&mut self, block: &mut [Event], page: &mut Page<'_>) {
        self.flows.clear();
        let mut start = page.derived.len();
        for event in block {
            if self.name(event, page) {
                event.community_id = Span::new(start, start + community_id::LEN);
                start += community_id::LEN;
            }
        }
        community_id::append(&self.flows, page.derived);
    }

    /// Where the fields of `event` stand; the same for every event of one layout.
    #[inline]
    fn columns_of(&mut self, event: &Event) -> Columns {
        if event.fields != self.columns.fields {
            self.columns = Columns::of(event.fields);
        }
        self.columns
    }

    /// What is known of `address`, with its place in the batch's endpoints.
    #[inline]
    fn find(&mut self, tables: &Tables, address: IpAddr, endpoints: &mut Vec<Endpoint>) -> Found {
        let number = match address {
            IpAddr::V4(address) => self.v4.get(address.into()),
            IpAddr::V6(address) => self.v6.get(v6_words(address.octets())),
        };
        let number = number.unwrap_or_else(|| self.learn(tables, address));
        let row = self.known.row(number);
        if row.filling != self.filling {
            row.filling = self.filling;
            row.endpoint = self.records.endpoint(tables, address, row.known, endpoints);
        }
        Found { endpoint: row.endpoint, internal: row.known.internal, asks: row.known.asks(), number }
    }

    /// Looks `address` up in the tables and remembers what they say.
    #[cold]
    fn learn(&mut self, tables: &Tables, address: IpAddr) -> KnownNumber {
        let known = tables.know(address, &mut self.records.errors);
        if !self.known.has_room_for(known) {
            self.forget_addresses();
        }
        let number = self.known.number(known);
        match address {
            IpAddr::V4(address) => self.v4.insert(address.into(), number),
            IpAddr::V6(address) => self.v6.insert(v6_words(address.octets()), number),
        }
        number
    }
}

impl Stage for Enricher {
    fn apply(&mut self, batch: &mut Batch) {
        self.enrich(batch, true);
    }
}

impl Enricher {
    /// Only finds the endpoints of every event and which way it goes: what attribution needs, and nothing that is written.
    pub fn locate_all(&mut self, batch: &mut Batch) {
        self.enrich(batch, false);
    }

    fn enrich(&mut self, batch: &mut Batch, with_names: bool) {
        self.begin();
        if batch.endpoints.is_empty() {
            batch.endpoints.push(Endpoint::default());
        }
        let tables = self.tables.clone();
        let Batch { chunk, derived, events, values, endpoints, .. } = batch;
        if with_names {
            derived.reserve(events.len() * community_id::LEN);
        }
        let bytes = chunk.as_ref().map_or(&[][..], |chunk| &chunk.bytes);
        let mut page = Page { bytes, values, derived, endpoints };
        for block in events.chunks_mut(BLOCK_EVENTS) {
            self.touch(block, page.values);
            for event in &mut *block {
                self.locate(&tables, event, &mut page);
            }
            if with_names {
                self.name_all(block, &mut page);
            }
        }
        tags::decode(events, values, bytes, derived);
        self.end();
    }
}

// === impl Page ===

impl<'a> Page<'a> {
    /// The values of `event`.
    #[inline]
    fn row(&self, event: &Event) -> &'a [Value] {
        row_of(event, self.values)
    }
}

/// The row of `event` in its batch's `values`.
#[inline]
fn row_of<'a>(event: &Event, values: &'a [Value]) -> &'a [Value] {
    let start = event.row as usize;
    &values[start..start + event.fields.len()]
}

/// The asset of the record's interface or, where the lists do not name that, of its instance.
fn asset_by_id(tables: &Tables, columns: &Columns, row: &[Value], page: &Page<'_>) -> Option<AssetNumber> {
    let by_id = |id: &[u8]| tables.assets.by_id(id, || columns.time(row));
    let interface = columns.interface.text(row, page.bytes, page.derived).and_then(by_id);
    interface.or_else(|| columns.instance.text(row, page.bytes, page.derived).and_then(by_id))
}

// === impl Records ===

impl Records {
    /// The place in `endpoints` of an address of which this is `known`; an address of which nothing is known has the one
    /// that is always there.
    fn endpoint(
        &mut self,
        tables: &Tables,
        address: IpAddr,
        known: Known,
        endpoints: &mut Vec<Endpoint>,
    ) -> u32 {
        let Self { places, networks, errors } = self;
        let place = known.place.and_then(|key| places.get(key, || tables.place(address, key, errors)));
        let network = known.network.and_then(|key| networks.get(key, || tables.network(address, errors)));
        let asset = known.asset.and_then(|answer| tables.assets.asset(answer.only()?).cloned());
        let provider = known.provider.and_then(|number| tables.providers.provider(number).cloned());
        let endpoint = Endpoint { internal: known.internal, place, network, asset, provider };
        if !endpoint.says_anything() {
            return Batch::NO_ENDPOINT;
        }
        endpoints.push(endpoint);
        endpoints.len() as u32 - 1
    }
}

#[cfg(test)]
mod estate;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod tests;
