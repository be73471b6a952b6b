//! The stage itself: one per worker thread, with the thread's caches.

use std::{net::IpAddr, sync::Arc};

use super::{
    Shared, Stage, Tables,
    asset::AssetNumber,
    cache::{AddressCache, Known, RecordCache, v6_address, v6_words},
    columns::Columns,
    community_id, direction,
    meters::Tally,
    own_side::{self, Side, Sides},
    protocol, service,
};
use crate::event::{AutonomousSystem, Batch, Endpoint, Event, Place, Span, Value};

/// Adds to every event what its record does not say. After warm-up it allocates nothing per event, however many
/// addresses come by.
#[derive(Debug)]
pub struct Enricher {
    shared: Arc<Shared>,
    tables: Arc<Tables>,
    v4: AddressCache<u32>,
    v6: AddressCache<[u64; 2]>,
    records: Records,
    combined: Box<[Combined]>,
    columns: Columns,
    /// Tells the batch at hand from those before it, in the slots that name a place in its endpoints.
    filling: u32,
    addresses: Tally,
}

/// Decoded records, and what could not be decoded.
#[derive(Debug)]
struct Records {
    places: RecordCache<Place>,
    networks: RecordCache<AutonomousSystem>,
    errors: u64,
}

/// An endpoint with the asset of an interface or instance in place of its address's.
#[derive(Debug, Clone, Copy, Default)]
struct Combined {
    filling: u32,
    base: u32,
    asset: u32,
    endpoint: u32,
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
}

/// Addresses remembered, by family. With 100,000 IPv4 addresses in turn seven of ten are still there.
const V4_SLOTS: usize = 1 << 17;
const V6_SLOTS: usize = 1 << 14;
/// Records remembered. A City database tells a few hundred thousand places apart, an ASN database 80,000 networks; what
/// one network sees of them is far less.
const PLACE_SLOTS: usize = 1 << 14;
const NETWORK_SLOTS: usize = 1 << 13;
const COMBINED_SLOTS: usize = 1 << 10;
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
            v4: AddressCache::new(V4_SLOTS, shared.seed),
            v6: AddressCache::new(V6_SLOTS, shared.seed),
            records: Records {
                places: RecordCache::new(PLACE_SLOTS),
                networks: RecordCache::new(NETWORK_SLOTS),
                errors: 0,
            },
            combined: vec![Combined::default(); COMBINED_SLOTS].into_boxed_slice(),
            columns: Columns::of(Default::default()),
            filling: 0,
            addresses: Tally::default(),
            shared,
        }
    }

    /// Bytes that the caches of one enricher take at most. Without a City, Country or ASN database it is a third of that.
    #[must_use]
    pub const fn memory_bytes() -> usize {
        AddressCache::<u32>::memory_bytes(V4_SLOTS)
            + AddressCache::<[u64; 2]>::memory_bytes(V6_SLOTS)
            + PLACE_SLOTS * (16 + PLACE_BYTES)
            + NETWORK_SLOTS * (16 + NETWORK_BYTES)
            + COMBINED_SLOTS * size_of::<Combined>()
    }

    /// Looks for new tables, and makes what slots say of the batch before void.
    fn begin(&mut self) {
        let newer = self.shared.newer_than(self.tables.generation());
        let is_over = self.filling == u32::MAX;
        if let Some(tables) = newer {
            self.tables = tables;
            self.v4.clear();
            self.v6.clear();
            self.records.places.clear();
            self.records.networks.clear();
        } else if is_over {
            self.v4.clear();
            self.v6.clear();
        }
        if is_over {
            self.combined.fill(Combined::default());
            self.filling = 0;
        }
        self.filling += 1;
    }

    /// Tells the metrics what the batch brought.
    fn end(&mut self) {
        let meters = &self.shared.meters;
        meters.addresses.tell(&mut self.addresses);
        meters.places.tell(&mut self.records.places.tally);
        meters.networks.tell(&mut self.records.networks.tally);
        meters.errors.inc_by(std::mem::take(&mut self.records.errors));
    }

    #[inline]
    fn enrich(&mut self, tables: &Tables, event: &mut Event, page: &mut Page<'_>) {
        if event.fields != self.columns.fields {
            self.columns = Columns::of(event.fields);
        }
        let columns = self.columns;
        let start = event.row as usize;
        let row = &page.values[start..start + event.fields.len()];
        let source = columns.source.address(row, page.derived);
        let destination = columns.destination.address(row, page.derived);
        let packet_source =
            columns.packet_source.address(row, page.derived).filter(|packet| Some(*packet) != source);
        let packet_destination = columns
            .packet_destination
            .address(row, page.derived)
            .filter(|packet| Some(*packet) != destination);

        let mut find = |address: IpAddr| self.find(tables, address, page.endpoints);
        let from = source.map(&mut find);
        let to = destination.map(&mut find);
        let endpoint = |found: Option<Found>| found.map_or(Batch::NO_ENDPOINT, |found| found.endpoint);
        event.nat_source = endpoint(packet_source.map(&mut find));
        event.nat_destination = endpoint(packet_destination.map(&mut find));
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
                    event.source = self.combine(tables, event.source, asset, page.endpoints)
                }
                Some(Side::Destination) => {
                    event.destination = self.combine(tables, event.destination, asset, page.endpoints);
                }
                None => {}
            }
        }

        let Some(protocol) = columns.protocol.uint::<u8>(row) else { return };
        let source_port = columns.source_port.uint::<u16>(row);
        let destination_port = columns.destination_port.uint::<u16>(row);
        event.transport = protocol::keyword(protocol);
        event.service = service::of(protocol, source_port, destination_port);
        if let (Some(source), Some(destination)) = (source, destination)
            && let Some(id) =
                community_id::of(source, destination, protocol, source_port.zip(destination_port))
        {
            let start = page.derived.len();
            page.derived.extend_from_slice(&id);
            event.community_id = Span::new(start, start + id.len());
        }
    }

    /// What is known of `address`, with its place in the batch's endpoints.
    #[inline]
    fn find(&mut self, tables: &Tables, address: IpAddr, endpoints: &mut Vec<Endpoint>) -> Found {
        let Self { v4, v6, records, filling, addresses, .. } = self;
        match address {
            IpAddr::V4(address) => {
                let bits = u32::from(address);
                let slot = v4.slot(bits, addresses, || tables.know(address.into(), &mut records.errors));
                if slot.filling != *filling {
                    slot.filling = *filling;
                    slot.endpoint = records.endpoint(tables, address.into(), slot.known(), endpoints);
                }
                Found { endpoint: slot.endpoint, internal: slot.is_internal() }
            }
            IpAddr::V6(address) => {
                let words = v6_words(address.octets());
                let slot = v6.slot(words, addresses, || tables.know(v6_address(words), &mut records.errors));
                if slot.filling != *filling {
                    slot.filling = *filling;
                    slot.endpoint = records.endpoint(tables, address.into(), slot.known(), endpoints);
                }
                Found { endpoint: slot.endpoint, internal: slot.is_internal() }
            }
        }
    }

    /// The endpoint that is like `base` but for its asset.
    fn combine(
        &mut self,
        tables: &Tables,
        base: u32,
        asset: AssetNumber,
        endpoints: &mut Vec<Endpoint>,
    ) -> u32 {
        let spread = (u64::from(base) << 32 | u64::from(asset.get())).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let slot = &mut self.combined[(spread >> (u64::BITS - COMBINED_SLOTS.trailing_zeros())) as usize];
        let wanted = Combined { filling: self.filling, base, asset: asset.get(), endpoint: slot.endpoint };
        if (slot.filling, slot.base, slot.asset) != (wanted.filling, wanted.base, wanted.asset) {
            let like = endpoints[base as usize].clone();
            *slot = Combined { endpoint: endpoints.len() as u32, ..wanted };
            endpoints.push(Endpoint { asset: tables.assets.asset(asset).cloned(), ..like });
        }
        slot.endpoint
    }
}

impl Stage for Enricher {
    fn apply(&mut self, batch: &mut Batch) {
        self.begin();
        if batch.endpoints.is_empty() {
            batch.endpoints.push(Endpoint::default());
        }
        let tables = self.tables.clone();
        let Batch { chunk, derived, events, values, endpoints, .. } = batch;
        derived.reserve(events.len() * community_id::LEN);
        let bytes = chunk.as_ref().map_or(&[][..], |chunk| &chunk.bytes);
        let mut page = Page { bytes, values, derived, endpoints };
        for event in events {
            self.enrich(&tables, event, &mut page);
        }
        self.end();
    }
}

/// The asset of the record's interface or, where the lists do not name that, of its instance.
fn asset_by_id(tables: &Tables, columns: &Columns, row: &[Value], page: &Page<'_>) -> Option<AssetNumber> {
    let by_id = |id: &[u8]| tables.assets.by_id(id);
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
        let asset = known.asset.and_then(|number| tables.assets.asset(number).cloned());
        if place.is_none() && network.is_none() && asset.is_none() && !known.internal {
            return Batch::NO_ENDPOINT;
        }
        endpoints.push(Endpoint { internal: known.internal, place, network, asset });
        endpoints.len() as u32 - 1
    }
}

#[cfg(test)]
mod scene;
#[cfg(test)]
mod tests;
