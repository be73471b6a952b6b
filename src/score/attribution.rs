//! Attribution: from a record to the internal entity that it is scored for.

use std::{collections::HashMap, sync::Arc};

use crate::event::{Asset, Batch, Endpoint};

use super::{
    Identity,
    address::{End, address},
    columns::{Column, Record, Slots},
    identity::{ADDRESS, INTERFACE, Who, scope_of, who},
    interfaces::{Interface, Interfaces, interface_key},
    keys::{Finder, Key, Keys},
    own::{Ends, Own, Shared, Side},
    peers::{EVERYBODY, POOLS_MAX, SharedPeers},
    plan::{Change, EntityRef},
    registry::{EVERYONE, Registry, entity_key, entity_name},
};

/// How many records are attributed in one go.
pub(super) const FEW: usize = 16;

/// What tells whom a record is about, and what it has learned about that.
#[derive(Debug)]
pub(super) struct Attribution {
    identity: Vec<Identity>,
    /// The columns of tags that `identity` names.
    tags: Vec<Column>,
    pub(super) keys: Keys,
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
    scope: String,
    name: String,
}

/// Whom a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// It names no addresses.
    Blind,
    /// Nobody who may have a baseline.
    Nobody,
    /// An entity, the side it stands on, and what to do to it first (see [`super::plan::Observation::change`]).
    Entity { entity: EntityRef, side: Side, change: u32 },
}

/// A record on its way to whom it is about.
#[derive(Debug, Clone, Copy, Default)]
struct Step {
    /// The key of its interface.
    at: Key,
    interface: Option<u32>,
    own: Option<Own>,
    /// The key of what tells entities apart in its bytes.
    memory: Key,
}

/// A name that is to be looked up or made.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    kind: &'static str,
    key: Key,
    known: bool,
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
    pub(super) fn new(identity: Vec<Identity>, keys: Keys, finder: Finder, entities_max: usize) -> Self {
        let tag = |way: &Identity| match way {
            Identity::Tag(name) => Column::of_tag(name),
            _ => None,
        };
        Self {
            tags: identity.iter().filter_map(tag).collect(),
            identity,
            keys,
            finder,
            interfaces: Interfaces::new(entities_max),
            registry: Registry::new(entities_max),
            pools: HashMap::new(),
            steps: Default::default(),
            found: [Found::Blind; FEW],
            refused: 0,
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

    /// Decides which side of `record`, the `nth` of the few, is its own. One without an end is about no window of anybody.
    #[inline]
    fn take_side(&mut self, nth: usize, record: &Record<'_>, learn: bool) {
        self.steps[nth].own = None;
        if record.uint(Column::End).is_none() {
            return;
        }
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
        let Step { at, interface, .. } = self.steps[nth];
        let shared = interface.map_or_else(Default::default, |place| self.shared(place, &ends, learn));
        let Some(own) = ends.own(shared) else { return };
        let serial = asset_of(record, own.side).map_or(0, |asset| asset.serial);
        let tail = u128::from(serial) << 1 | u128::from(interface.is_some());
        let said = [Column::Service, Column::Asg, Column::Instance].map(|column| record.text(column));
        self.steps[nth].own = Some(own);
        let memory = self.finder.of(said, [at, own.end.address, tail]);
        let with_tag = |memory, column: &Column| self.finder.of([record.text(*column)], [memory]);
        self.steps[nth].memory = self.tags.iter().fold(memory, with_tag);
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
        let Step { own, memory, interface, .. } = self.steps[nth];
        let Some(own) = own else {
            let named = [Column::Source, Column::Destination].map(|column| record.address(column));
            return if named.contains(&None) { Found::Blind } else { Found::Nobody };
        };
        let found = match self.registry.recall(memory) {
            Some(entity) => entity.map(|entity| (entity, 0)),
            None => {
                let found = self.resolve(record, &own, interface, learn, changes, peers);
                if learn {
                    self.registry.remember(memory, found.map(|(entity, _)| entity));
                }
                found
            }
        };
        found.map_or(Found::Nobody, |(entity, change)| Found::Entity { entity, side: own.side, change })
    }

    /// The key of the interface that saw the `nth` of the few records attributed last; another in every process.
    #[inline]
    pub(super) const fn interface_of(&self, nth: usize) -> Key {
        self.steps[nth].at
    }

    /// Takes over `interface` from a snapshot.
    pub(super) fn restore(&mut self, interface: Interface, shared: Shared) {
        let [account, region, vpc] = interface.scope.each_ref().map(|part| part.as_bytes());
        let at = self.finder.of([account, region, vpc, interface.name.as_bytes()], []);
        self.interfaces.add(at, interface, shared);
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

    /// The slow way, taken when the memory has no answer: by name.
    #[cold]
    fn resolve(
        &mut self,
        record: &Record<'_>,
        own: &Own,
        interface: Option<u32>,
        learn: bool,
        changes: &mut Vec<Change>,
        peers: &SharedPeers,
    ) -> Option<(EntityRef, u32)> {
        let asset = asset_of(record, own.side);
        scope_of(record, &mut self.scope);
        let wanted = match who(&self.identity, record, asset.map(|asset| &**asset), &mut self.name)? {
            Who::Named(kind) => self.wanted(kind),
            Who::Address => self.wanted_address(own.end, interface, learn)?,
        };
        let role = asset.and_then(|asset| asset.role.as_deref()).filter(|role| !role.is_empty());
        if let Some(place) = self.registry.find(wanted.key) {
            if !learn || place.has_role || role.is_none() {
                return Some((place.entity, 0));
            }
            self.registry.joined_role(wanted.key);
            return Some((place.entity, self.change(wanted, role, changes, peers)));
        }
        if !learn {
            return None;
        }
        let Some(entity) = self.registry.add(wanted.key, role.is_some()) else {
            self.refused += 1;
            return None;
        };
        if let (ADDRESS, Some(place)) = (wanted.kind, interface) {
            self.interfaces.change(place).made += 1;
        }
        Some((entity, self.change(wanted, role, changes, peers)))
    }

    /// The entity of `kind` that is called what the name buffer says.
    fn wanted(&self, kind: &'static str) -> Wanted {
        let key = entity_key(&self.keys, kind, &self.name, &self.scope);
        Wanted { kind, key, known: self.registry.find(key).is_some() }
    }

    /// The entity that stands for the own address: the address itself, or the interface where it has too many, or where
    /// the address may be anybody's.
    fn wanted_address(&mut self, own: End, interface: Option<u32>, learn: bool) -> Option<Wanted> {
        let End { address: own, inside } = own;
        let ours = inside
            || interface.is_some_and(|place| match learn {
                true => self.interfaces.change(place).owns_stranger(own),
                false => self.interfaces.get(place).strangers.contains(&own),
            });
        if ours {
            self.name.clear();
            self.name.push_str(&address(own).to_string());
            let wanted = self.wanted(ADDRESS);
            if wanted.known || interface.is_none_or(|place| self.interfaces.get(place).has_room()) {
                return Some(wanted);
            }
        }
        self.name.clear();
        self.name.push_str(&self.interfaces.get(interface?).name);
        Some(self.wanted(INTERFACE))
    }

    /// Plans that the entity gets this name and these peers, and returns the number of that change.
    fn change(
        &mut self,
        wanted: Wanted,
        role: Option<&str>,
        changes: &mut Vec<Change>,
        peers: &SharedPeers,
    ) -> u32 {
        let group = role.unwrap_or(EVERYONE);
        let scope = std::mem::take(&mut self.scope);
        let pool = self.pool(&scope, group, peers);
        let name = entity_name(wanted.kind, &self.name, &scope, group);
        self.scope = scope;
        changes.push(Change { key: wanted.key, name, pool });
        changes.len() as u32
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
pub(super) fn direction(record: &Record<'_>) -> Option<Side> {
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
