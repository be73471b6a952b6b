//! The registry of entities: from who an event is scored for to the place where that one's baseline stands.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use hashbrown::HashTable;

use crate::event::EntityName;

use super::{
    keys::{Key, Keys},
    memo::Memo,
    plan::{EntityRef, SHARDS},
};

/// The peer group of an entity whose role nobody knows.
pub(super) const EVERYONE: &str = "all";

/// Every entity's place by its key, and a memory in front of it that answers for the bytes of a record.
#[derive(Debug)]
pub(super) struct Registry {
    places: HashTable<Place>,
    memo: Memo,
    /// Half of each entity's key by its reference: what it is called where it meets the outside.
    names: Vec<u64>,
    slots: [u32; SHARDS],
    max: usize,
}

/// Where an entity stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) key: Key,
    pub(super) entity: EntityRef,
    /// Whether its peers are a role's; the others are moved to their role when one becomes known.
    pub(super) has_role: bool,
}

/// What is remembered of bytes that name nobody: no identity, or one too many.
const NOBODY: u32 = u32::MAX;

static SERIAL: AtomicU64 = AtomicU64::new(1);

/// The name of an entity, with a serial of its own.
pub(super) fn entity_name(kind: &'static str, name: &str, scope: &str, peer_group: &str) -> Arc<EntityName> {
    Arc::new(EntityName {
        serial: SERIAL.fetch_add(1, Ordering::Relaxed),
        kind,
        name: name.into(),
        scope: scope.into(),
        peer_group: peer_group.into(),
    })
}

/// The key of the entity `name` of `kind` in `scope`.
pub(super) fn entity_key(keys: &Keys, kind: &str, name: &str, scope: &str) -> Key {
    keys.of(&["entity", scope, kind, name])
}

// === impl Registry ===

impl Registry {
    /// Nobody yet, and never more than `max`.
    pub(super) fn new(max: usize) -> Self {
        Self { places: HashTable::new(), memo: Memo::new(), names: Vec::new(), slots: [0; SHARDS], max }
    }

    /// What the bytes under `key` came to when they were last seen; `None` when that is forgotten.
    #[inline]
    pub(super) fn recall(&self, key: Key) -> Option<Option<EntityRef>> {
        let answer = self.memo.recall(key)?;
        Some((answer != NOBODY).then(|| EntityRef::from_bits(answer)))
    }

    /// Reads what [`Self::recall`] will read.
    #[inline]
    pub(super) fn warm(&self, key: Key) -> u64 {
        self.memo.warm(key)
    }

    /// Remembers what the bytes under `key` came to.
    pub(super) fn remember(&mut self, key: Key, answer: Option<EntityRef>) {
        self.memo.remember(key, answer.map_or(NOBODY, EntityRef::bits));
    }

    /// Where the entity with `key` stands.
    pub(super) fn find(&self, key: Key) -> Option<Place> {
        self.places.find(key as u64, |place| place.key == key).copied()
    }

    /// Gives the entity with `key` a place; `None` when there are as many as may be. The shard follows from the key.
    pub(super) fn add(&mut self, key: Key, has_role: bool) -> Option<EntityRef> {
        if self.places.len() >= self.max {
            return None;
        }
        let shard = (key >> 64) as usize % SHARDS;
        let entity = EntityRef::new(shard, self.slots[shard]);
        self.slots[shard] += 1;
        let place = entity.bits() as usize;
        if self.names.len() <= place {
            self.names.resize(place + 1, 0);
        }
        self.names[place] = key as u64;
        self.places.insert_unique(key as u64, Place { key, entity, has_role }, |place| place.key as u64);
        Some(entity)
    }

    /// What the entity is called where it meets the outside: the same under the same seed.
    #[inline]
    pub(super) fn name(&self, entity: EntityRef) -> u64 {
        self.names.get(entity.bits() as usize).copied().unwrap_or(0)
    }

    /// Notes that the peers of the entity with `key` are a role's from now on.
    pub(super) fn joined_role(&mut self, key: Key) {
        if let Some(place) = self.places.find_mut(key as u64, |place| place.key == key) {
            place.has_role = true;
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }
}
