//! Attribution: from a record to the internal entity that it is scored for.

use std::{collections::HashMap, sync::Arc};

use crate::{
    event::{Asset, AssetClass, Batch, Endpoint, SourceId},
    score::{
        Identity, Tenant,
        gate::{
            columns::{Column, Record, Slots},
            openings::Openings,
            plan::{Change, EntityRef, Vantage},
        },
        grid::Window,
        keys::{Finder, Key, Keys},
        usual::peers::{EVERYBODY, POOLS_MAX, SharedPeers},
    },
};

use super::{
    addresses::Addresses,
    evidence::Evidence,
    identity::scope_of,
    interfaces::{Interface, Interfaces, interface_key},
    own::{Ends, Own, Shared, Side},
    registry::Registry,
    vantage::Sight,
};

/// How many records are attributed in one go.
pub(in crate::score) const FEW: usize = 32;
/// Addresses remembered for each entity that may be: a service has several.
pub(in crate::score) const ADDRESSES_EACH: usize = 2;

/// What tells whom a record is about, and what it has learned about that.
#[derive(Debug)]
pub(in crate::score) struct Attribution {
    pub(in crate::score) identity: Vec<Identity>,
    tenants: Vec<Option<Tenant>>,
    /// Of each source, the number of its tenant.
    tenant_numbers: Vec<u32>,
    /// Whether it is asked of what other workers have said of records: then these told the class of each interface, and a
    /// gateway counts only what is about itself, because what is about others comes to other workers.
    pub(in crate::score) second_hand: bool,
    /// The source whose records are at hand.
    pub(in crate::score) source: u16,
    /// The columns of tags that `identity` names.
    pub(in crate::score) tags: Vec<Column>,
    pub(in crate::score) keys: Keys,
    pub(in crate::score) finder: Finder,
    pub(in crate::score) interfaces: Interfaces,
    pub(in crate::score) registry: Registry,
    /// Place of a peer group's pool by its key.
    pub(in crate::score) pools: HashMap<Key, u32>,
    /// Of the few records that are attributed at a time.
    pub(in crate::score) steps: [Step; FEW],
    found: [Found; FEW],
    /// Entities that were wanted and refused because there are as many as may be.
    pub(in crate::score) refused: u64,
    /// Whose the addresses behind gateways are.
    pub(in crate::score) addresses: Addresses,
    pub(in crate::score) scope: String,
    pub(in crate::score) name: String,
}

/// Whom a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::score) enum Found {
    /// It names no addresses.
    Blind,
    /// Nobody who may have a baseline.
    Nobody,
    /// An entity, the side it stands on, what to do to it first (see [`crate::score::gate::plan::Observation::change`]), and from where
    /// the record shows it.
    Entity { entity: EntityRef, side: Side, change: u32, vantage: Vantage },
}

/// A record on its way to whom it is about.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::score) struct Step {
    /// The key of its interface.
    pub(in crate::score) at: Key,
    pub(in crate::score) interface: Option<u32>,
    /// Its addresses, where it is about anybody.
    pub(in crate::score) ends: Option<Ends>,
    pub(in crate::score) sight: Option<Sight>,
    pub(in crate::score) window: Window,
    /// What the interface is, as far as is known.
    pub(in crate::score) class: Option<AssetClass>,
    /// The key of what tells entities apart in its bytes.
    pub(in crate::score) memory: Key,
    /// The gateway, where the record counts for it too, with its side and what to do to it first.
    beside: Option<(EntityRef, Side, u32)>,
}

/// Whom a record is scored for, on its way to a name.
#[derive(Clone, Copy)]
pub(in crate::score) struct Asked<'a> {
    pub(in crate::score) record: &'a Record<'a>,
    pub(in crate::score) own: Own,
    pub(in crate::score) class: Option<AssetClass>,
    pub(in crate::score) interface: Option<u32>,
    pub(in crate::score) window: Window,
    pub(in crate::score) learn: bool,
}

// === impl Found ===

impl Found {
    /// The entity, where it is one.
    #[inline]
    pub(in crate::score) const fn entity(&self) -> Option<EntityRef> {
        match *self {
            Self::Entity { entity, .. } => Some(entity),
            Self::Blind | Self::Nobody => None,
        }
    }
}

// === impl Attribution ===

impl Attribution {
    /// Nobody known yet. `seed` is the state's; `finder` is the process's.
    pub(in crate::score) fn new(
        (identity, tenants): (Vec<Identity>, Vec<Option<Tenant>>),
        keys: Keys,
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
            tenant_numbers: tenants.iter().map(|tenant| tenant.as_ref().map_or(0, Tenant::number)).collect(),
            tenants,
            second_hand: false,
            source: 0,
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
    pub(in crate::score) fn attribute(
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
        let Some(Sight { own, vantage, beside, .. }) = sight else {
            let named = [Column::Source, Column::Destination].map(|column| record.address(column));
            return if named.contains(&None) { Found::Blind } else { Found::Nobody };
        };
        let asked = Asked { record, own, class, interface, window, learn };
        let found = match vantage {
            Vantage::Passed => self.find_behind(&asked, memory, changes, peers),
            _ => self.recall(&asked, memory, changes, peers),
        };
        let gateway = beside.filter(|_| !self.second_hand).and_then(|own| {
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

    /// Turns to records of `source`.
    pub(in crate::score) const fn turn_to(&mut self, source: SourceId) {
        self.source = source.0;
    }

    /// The number of the tenant of the source at hand; 0 where it has none.
    #[inline]
    pub(in crate::score) fn tenant_number(&self) -> u32 {
        self.tenant_numbers.get(usize::from(self.source)).copied().unwrap_or(0)
    }

    /// Writes the scope of `record`, whose side at hand has `asset`.
    pub(super) fn write_scope(&mut self, record: &Record<'_>, asset: Option<&Arc<Asset>>) {
        scope_of(record, asset.map(|asset| &**asset), &mut self.scope);
        if let Some(Some(tenant)) = self.tenants.get(usize::from(self.source)) {
            tenant.put(&mut self.scope);
        }
    }

    /// The gateway for which the `nth` of the few records attributed last counts too, beside whom it is about: with its
    /// side and what to do to it first.
    #[inline]
    pub(in crate::score) const fn beside(&self, nth: usize) -> Option<(EntityRef, Side, u32)> {
        self.steps[nth].beside
    }

    /// The own side of the interface that saw the `nth` of the few records attributed last, and the interface's class where it
    /// passes traffic on.
    pub(in crate::score) fn seen_from(&self, nth: usize) -> Option<(Side, Option<AssetClass>)> {
        let Step { sight, class, .. } = &self.steps[nth];
        Some((sight.as_ref()?.at, class.filter(|class| class.passes_traffic())))
    }

    /// The key of the interface that saw the `nth` of the few records attributed last; another in every process.
    #[inline]
    pub(in crate::score) const fn interface_of(&self, nth: usize) -> Key {
        self.steps[nth].at
    }

    /// The addresses of the `nth` of the few records attributed last, if it is about anybody.
    #[inline]
    pub(in crate::score) const fn ends_of(&self, nth: usize) -> Option<&Ends> {
        self.steps[nth].ends.as_ref()
    }

    /// Takes over `interface` from a snapshot.
    pub(in crate::score) fn restore(
        &mut self,
        interface: Interface,
        shared: Shared,
        evidence: Option<Evidence>,
    ) {
        let [account, region, vpc] = interface.scope.each_ref().map(|part| part.as_bytes());
        let at = self.finder.of([account, region, vpc, interface.name.as_bytes()], []);
        let place = self.interfaces.add(at, interface, shared);
        if let (Some(place), Some(evidence)) = (place, evidence) {
            self.interfaces.restore(place, evidence);
        }
    }

    /// Takes over from a snapshot whose the address with `key` is, since `window`.
    pub(in crate::score) fn restore_address(&mut self, key: Key, (entity, window): (Option<Key>, Window)) {
        let entity = entity.and_then(|entity| self.registry.find(entity)).map(|place| place.entity);
        self.addresses.restore(key, entity, window);
    }

    /// Lets go of who was active longest ago, so that the next few records may bring as many who are not here; everything
    /// through `folded` has folded. Gives how many go.
    #[inline]
    pub(in crate::score) fn make_room(&mut self, folded: Window, openings: &Openings) -> usize {
        let left = self.registry.make_room(FEW, folded, |entity| openings.newest(entity));
        if left > 0 {
            let gone = self.registry.gone();
            self.addresses.forget(|entity| gone.contains(&entity.bits()), folded);
        }
        left
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

    /// The place of the pool of `group` in `scope`; everybody's, when there are as many as may be.
    pub(in crate::score) fn pool(&mut self, scope: &str, group: &str, peers: &SharedPeers) -> u32 {
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

/// The asset that enrichment found for `side`.
#[inline]
pub(in crate::score) fn asset_of<'a>(record: &Record<'a>, side: Side) -> Option<&'a Arc<Asset>> {
    let event = record.event;
    let (plain, packet) = match side {
        Side::Source => (event.source, event.nat_source),
        Side::Destination => (event.destination, event.nat_destination),
    };
    let found =
        |place: u32| record.batch.endpoints.get(place as usize).and_then(|end: &Endpoint| end.asset.as_ref());
    found(plain).or_else(|| found(packet))
}
