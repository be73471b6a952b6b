//! Attribution: from a record to the internal entity that it is scored for.

use std::{collections::HashMap, sync::Arc};

use crate::event::{Asset, AssetClass, Batch, Endpoint};

use super::{
    Identity,
    address::Address,
    addresses::Addresses,
    columns::{Column, Record, Slots},
    evidence::{Evidence, Telling},
    grid::{Grid, Window},
    interfaces::{Interface, Interfaces, interface_key},
    keys::{Finder, Key, Keys},
    mixer::Mixer,
    own::{Ends, Own, Shared, Side},
    peers::{EVERYBODY, POOLS_MAX, SharedPeers},
    plan::{Change, EntityRef, Vantage},
    registry::Registry,
    vantage::Sight,
};

/// How many records are attributed in one go.
pub(super) const FEW: usize = 16;
/// Addresses remembered for each entity that may be: a service has several.
pub(super) const ADDRESSES_EACH: usize = 2;

/// What tells whom a record is about, and what it has learned about that.
#[derive(Debug)]
pub(super) struct Attribution {
    pub(super) identity: Vec<Identity>,
    /// The columns of tags that `identity` names.
    tags: Vec<Column>,
    pub(super) keys: Keys,
    mixer: Mixer,
    finder: Finder,
    pub(super) interfaces: Interfaces,
    pub(super) registry: Registry,
    /// Place of a peer group's pool by its key.
    pub(super) pools: HashMap<Key, u32>,
    /// Of the few records that are attributed at a time.
    steps: [Step; FEW],
    found: [Found; FEW],
    /// Entities that were wanted and refused because there are as many as may be.
    pub(super) refused: u64,
    /// Whose the addresses behind gateways are.
    pub(super) addresses: Addresses,
    pub(super) scope: String,
    pub(super) name: String,
}

/// Whom a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// It names no addresses.
    Blind,
    /// Nobody who may have a baseline.
    Nobody,
    /// An entity, the side it stands on, what to do to it first (see [`super::plan::Observation::change`]), and from where
    /// the record shows it.
    Entity { entity: EntityRef, side: Side, change: u32, vantage: Vantage },
}

/// A record on its way to whom it is about.
#[derive(Debug, Clone, Copy, Default)]
struct Step {
    /// The key of its interface.
    at: Key,
    interface: Option<u32>,
    sight: Option<Sight>,
    window: Window,
    /// What the interface is, as far as is known.
    class: Option<AssetClass>,
    /// The key of what tells entities apart in its bytes.
    memory: Key,
    /// The gateway, where the record counts for it too, with its side and what to do to it first.
    beside: Option<(EntityRef, Side, u32)>,
}

/// Whom a record is scored for, on its way to a name.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) record: &'a Record<'a>,
    pub(super) own: Own,
    pub(super) class: Option<AssetClass>,
    pub(super) interface: Option<u32>,
    pub(super) window: Window,
    pub(super) learn: bool,
}

// === impl Found ===

impl Found {
    /// The entity, where it is one.
    #[inline]
    pub(super) const fn entity(&self) -> Option<EntityRef> {
        match *self {
            Self::Entity { entity, .. } => Some(entity),
            Self::Blind | Self::Nobody => None,
        }
    }
}

// === impl Attribution ===

impl Attribution {
    /// Nobody known yet. `seed` is the state's; `finder` is the process's.
    pub(super) fn new(
        identity: Vec<Identity>,
        (keys, mixer): (Keys, Mixer),
        finder: Finder,
        entities_max: usize,
    ) -> Self {
        let tag = |way: &Identity| match way {
            Identity::Tag(name) => Column::of_tag(name),
            _ => None,
        };
        Self {
            tags: identity.iter().filter_map(tag).collect(),
            identity,
            mixer,
            keys,
            finder,
            interfaces: Interfaces::new(entities_max),
            registry: Registry::new(entities_max),
            pools: HashMap::new(),
            steps: Default::default(),
            found: [Found::Blind; FEW],
            refused: 0,
            addresses: Addresses::new(ADDRESSES_EACH * entities_max),
            scope: String::new(),
            name: String::new(),
        }
    }

    /// Finds whom the records of `batch` from `first` on are about, [`FEW`] of them or as many as are left; what is given
    /// beyond those means nothing. Nothing is
    /// remembered of those that are not to be learned.
    ///
    /// It goes over them again and again, each time one look-up further: what a look-up reads from memory is then fetched
    /// for all of them side by side, where one record after the other would wait for it each time.
    pub(super) fn attribute(
        &mut self,
        slots: &mut Slots,
        batch: &Batch,
        first: usize,
        changes: &mut Vec<Change>,
        peers: &SharedPeers,
    ) -> [Found; FEW] {
        let events = &batch.events[first..batch.events.len().min(first + FEW)];
        let mut read = 0;
        for (step, event) in self.steps.iter_mut().zip(events) {
            step.at = interface_key(&self.finder, &slots.read(batch, event));
        }
        for step in &self.steps[..events.len()] {
            read ^= self.interfaces.warm(step.at);
        }
        for (nth, event) in events.iter().enumerate() {
            let at = self.steps[nth].at;
            self.steps[nth].interface = self.interface(&slots.read(batch, event), at, event.learn);
        }
        for step in &self.steps[..events.len()] {
            read ^= step.interface.map_or(0, |place| self.interfaces.warm_shared(place));
        }
        for (nth, event) in events.iter().enumerate() {
            self.take_side(nth, &slots.read(batch, event), event.learn);
        }
        for step in &self.steps[..events.len()] {
            read ^= self.registry.warm(step.memory);
        }
        std::hint::black_box(read);
        for (nth, event) in events.iter().enumerate() {
            self.found[nth] = self.find(nth, &slots.read(batch, event), event.learn, changes, peers);
        }
        self.found
    }

    /// Decides whom `record`, the `nth` of the few, is about. One without an end is about no window of anybody.
    #[inline]
    fn take_side(&mut self, nth: usize, record: &Record<'_>, learn: bool) {
        self.steps[nth].sight = None;
        let Some(end) = record.uint(Column::End) else { return };
        let (Some(source), Some(destination)) = (record.end(Side::Source), record.end(Side::Destination))
        else {
            return;
        };
        let ends = Ends {
            source,
            destination,
            packet_source: record.packet_end(Side::Source),
            packet_destination: record.packet_end(Side::Destination),
            own: direction(record),
        };
        let window = Grid::window(i64::try_from(end).unwrap_or(i64::MAX));
        let Step { at, interface, .. } = self.steps[nth];
        let shared = interface.map_or_else(Default::default, |place| self.shared(place, &ends, learn));
        let named = class_of(record, &ends, shared);
        let class = named.or_else(|| self.interfaces.class(interface?, window));
        if let (None, true, Some(place)) = (class, learn, interface) {
            self.hear(place, window, record, &ends);
        }
        let gateway = class.filter(|class| class.passes_traffic());
        let sight = match gateway {
            Some(class) => Sight::at_gateway(class, &ends, shared, side_of_gateway(record)),
            None => ends.own(shared).map(Sight::own),
        };
        let Some(sight) = sight else { return };
        let memory = self.memory(record, (at, interface), (&sight.own, sight.vantage), class);
        let step = &mut self.steps[nth];
        (step.sight, step.window, step.class, step.memory) = (Some(sight), window, class, memory);
    }

    /// The key of what tells whom a record is scored for.
    #[inline]
    fn memory(
        &self,
        record: &Record<'_>,
        (at, interface): (Key, Option<u32>),
        (own, vantage): (&Own, Vantage),
        class: Option<AssetClass>,
    ) -> Key {
        let serial = asset_of(record, own.side).map_or(0, |asset| asset.serial);
        let kind = (class.map_or(0, |class| 1 + class as u128) << 2)
            | u128::from(vantage == Vantage::Passed) << 1
            | u128::from(interface.is_some());
        let tail = u128::from(serial) << 64 | u128::from(self.addresses.age()) << 8 | kind;
        if vantage == Vantage::Passed {
            // What the record says besides is about the gateway.
            return self.finder.of([], [at, own.end.address, tail]);
        }
        let said = [Column::Service, Column::Asg, Column::Instance].map(|column| record.text(column));
        let memory = self.finder.of(said, [at, own.end.address, tail]);
        let with_tag = |memory, column: &Column| self.finder.of([record.text(*column)], [memory]);
        self.tags.iter().fold(memory, with_tag)
    }

    /// Takes in what `record` tells of the class of the interface at `place`.
    #[inline]
    fn hear(&mut self, place: u32, window: Window, record: &Record<'_>, ends: &Ends) {
        let Some((packet, other)) = ends.stands_in() else { return };
        if record.text(Column::Action) == b"REJECT" {
            return;
        }
        let telling = match packet.inside {
            true => Telling::Inside(self.hash(packet.address)),
            false => Telling::Outside(other.address),
        };
        self.interfaces.tell(place, window, telling);
    }

    /// Whom `record`, the `nth` of the few, is about.
    #[inline]
    fn find(
        &mut self,
        nth: usize,
        record: &Record<'_>,
        learn: bool,
        changes: &mut Vec<Change>,
        peers: &SharedPeers,
    ) -> Found {
        let Step { sight, memory, interface, window, class, at, .. } = self.steps[nth];
        self.steps[nth].beside = None;
        let Some(Sight { own, vantage, beside }) = sight else {
            let named = [Column::Source, Column::Destination].map(|column| record.address(column));
            return if named.contains(&None) { Found::Blind } else { Found::Nobody };
        };
        let asked = Asked { record, own, class, interface, window, learn };
        let found = match vantage {
            Vantage::Passed => self.find_behind(&asked, memory, changes, peers),
            _ => self.recall(&asked, memory, changes, peers),
        };
        let gateway = beside.and_then(|own| {
            let memory = self.memory(record, (at, interface), (&own, Vantage::Beside), class);
            let asked = Asked { own, ..asked };
            let (entity, change) = self.recall(&asked, memory, changes, peers)?;
            Some((entity, own.side, change))
        });
        match (found, gateway) {
            (Some((entity, change)), gateway) => {
                self.steps[nth].beside = gateway;
                Found::Entity { entity, side: own.side, change, vantage }
            }
            (None, Some((entity, side, change))) => {
                Found::Entity { entity, side, change, vantage: Vantage::Gateway }
            }
            (None, None) => Found::Nobody,
        }
    }

    /// The entity that is asked for, as it is remembered or by name.
    #[inline]
    fn recall(
        &mut self,
        asked: &Asked<'_>,
        memory: Key,
        changes: &mut Vec<Change>,
        peers: &SharedPeers,
    ) -> Option<(EntityRef, u32)> {
        if let Some(entity) = self.registry.recall(memory) {
            return entity.map(|entity| (entity, 0));
        }
        let found = self.resolve(asked, changes, peers);
        if asked.learn {
            self.registry.remember(memory, found.map(|(entity, _)| entity));
        }
        found
    }

    /// The gateway for which the `nth` of the few records attributed last counts too, beside whom it is about: with its
    /// side and what to do to it first.
    #[inline]
    pub(super) const fn beside(&self, nth: usize) -> Option<(EntityRef, Side, u32)> {
        self.steps[nth].beside
    }

    /// The hash of `address` under the state's seed, for sets of addresses.
    #[inline]
    pub(super) fn hash(&self, address: Address) -> u32 {
        (self.mixer.of_two(address as u64, (address >> 64) as u64) >> 32) as u32
    }

    /// Takes over `interface` from a snapshot.
    pub(super) fn restore(&mut self, interface: Interface, shared: Shared, evidence: Option<Evidence>) {
        let [account, region, vpc] = interface.scope.each_ref().map(|part| part.as_bytes());
        let at = self.finder.of([account, region, vpc, interface.name.as_bytes()], []);
        let place = self.interfaces.add(at, interface, shared);
        if let (Some(place), Some(evidence)) = (place, evidence) {
            self.interfaces.restore(place, evidence);
        }
    }

    /// Takes over from a snapshot whose the address with `key` is, since `window`.
    pub(super) fn restore_address(&mut self, key: Key, (entity, window): (Option<Key>, Window)) {
        let entity = entity.and_then(|entity| self.registry.find(entity)).map(|place| place.entity);
        self.addresses.restore(key, entity, window);
    }

    /// The place of the record's interface, which is added if `learn` and there is room.
    #[inline]
    fn interface(&mut self, record: &Record<'_>, at: Key, learn: bool) -> Option<u32> {
        if record.text(Column::Interface).is_empty() {
            return None;
        }
        if let Some(place) = self.interfaces.find(at) {
            return Some(place);
        }
        if !learn || self.interfaces.is_full() {
            return None;
        }
        let text = |column| String::from_utf8_lossy(record.text(column));
        let scope = [text(Column::Account), text(Column::Region), text(Column::Vpc)];
        let scope = [&*scope[0], &*scope[1], &*scope[2]];
        let place =
            self.interfaces.add(at, Interface::new(scope, &text(Column::Interface)), Shared::default())?;
        self.interfaces.change(place);
        Some(place)
    }

    /// What the records of the interface at `place` have in common, this one included if `learn`.
    #[inline]
    fn shared(&mut self, place: u32, ends: &Ends, learn: bool) -> Shared {
        let shared = self.interfaces.shared(place);
        if !learn || ends.own.is_some() {
            return shared;
        }
        let next = shared.and(ends.source.address, ends.destination.address);
        if next != shared {
            self.interfaces.share(place, next);
        }
        next
    }

    /// The place of the pool of `group` in `scope`; everybody's, when there are as many as may be.
    pub(super) fn pool(&mut self, scope: &str, group: &str, peers: &SharedPeers) -> u32 {
        let key = self.keys.of(&["pool", scope, group]);
        if let Some(place) = self.pools.get(&key) {
            return *place;
        }
        if self.pools.len() >= POOLS_MAX {
            return EVERYBODY;
        }
        let place = peers.write().add(key, scope, group);
        self.pools.insert(key, place);
        place
    }
}

/// The interface's own side, as `flow-direction` has it.
#[inline]
fn direction(record: &Record<'_>) -> Option<Side> {
    match record.text(Column::Direction) {
        b"egress" => Some(Side::Source),
        b"ingress" => Some(Side::Destination),
        _ => None,
    }
}

/// The asset that enrichment found for `side`.
#[inline]
pub(super) fn asset_of<'a>(record: &Record<'a>, side: Side) -> Option<&'a Arc<Asset>> {
    let event = record.event;
    let (plain, packet) = match side {
        Side::Source => (event.source, event.nat_source),
        Side::Destination => (event.destination, event.nat_destination),
    };
    let found =
        |place: u32| record.batch.endpoints.get(place as usize).and_then(|end: &Endpoint| end.asset.as_ref());
    found(plain).or_else(|| found(packet))
}

/// The class of the interface of `record`: as the record says it, else the asset of the interface's own side.
///
/// Where the own side is not known either, both may be inside, and one may be a gateway: that it is the one whose interface
/// logged the record its asset must say.
#[inline]
fn class_of(record: &Record<'_>, ends: &Ends, shared: Shared) -> Option<AssetClass> {
    let said = record.text(Column::InterfaceType);
    if !said.is_empty()
        && let Some(class) = AssetClass::of_interface_type(said)
    {
        return Some(class);
    }
    if let Some(side) = ends.surely(shared) {
        return asset_of(record, side)?.class;
    }
    let side = side_of_gateway(record)?;
    let asset = asset_of(record, side)?;
    let logged_by = asset.tags.get(INTERFACE_TAG)?;
    (logged_by.as_bytes() == record.text(Column::Interface)).then_some(asset.class)?
}

/// The tag in which an asset that AWS described has the id of its interface.
const INTERFACE_TAG: &str = "interface-id";

/// The side whose asset passes on what others send, where only one does.
#[inline]
fn side_of_gateway(record: &Record<'_>) -> Option<Side> {
    let is =
        |side| asset_of(record, side).and_then(|asset| asset.class).is_some_and(AssetClass::passes_traffic);
    match [Side::Source, Side::Destination].map(is) {
        [true, false] => Some(Side::Source),
        [false, true] => Some(Side::Destination),
        _ => None,
    }
}
