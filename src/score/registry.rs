//! The registry of entities: from who an event is scored for to the place where that one's baseline stands.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use hashbrown::HashTable;

use crate::event::EntityName;

use super::{
    keys::{Key, Keys},
    plan::{EntityRef, SHARDS},
};

/// The peer group of an entity whose role nobody knows.
pub(super) const EVERYONE: &str = "all";

/// Every entity's place by its key, and a memory in front of it that answers for the bytes of a record.
#[derive(Debug)]
pub(super) struct Registry {
    places: HashTable<Place>,
    /// As many places as a power of two, in sets; a key's low bits are its set.
    memo: Vec<Remembered>,
    /// How many of them are taken.
    answers: usize,
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

/// What some bytes of a record came to. The upper 96 bits of the key must fit; the others are its set,
/// or nearly; of 16 bytes, so that four share a line of the processor's cache.
#[derive(Debug, Clone, Copy)]
struct Remembered {
    high: u64,
    low: u32,
    answer: u32,
}

/// What is remembered of bytes that name nobody: no identity, or one too many.
const NOBODY: u32 = u32::MAX;
/// Places in a set: a key may stand in any of its set, which is one line of the processor's cache. The memory doubles
/// when a set holds more than one on average; sets that overflow are rare then.
const WAYS: usize = 4;
/// Sizes of the memory: it must hold what is on the wire at a time, and stay in the processor's caches where it can.
const MEMO_MIN: usize = 1 << 12;
const MEMO_MAX: usize = 1 << 19;

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

// === impl Remembered ===

impl Remembered {
    /// A place that is not taken.
    const NOTHING: Self = Self { high: 0, low: 0, answer: NOBODY };

    fn new(key: Key, answer: u32) -> Self {
        Self { high: (key >> 64) as u64, low: (key >> 32) as u32, answer }
    }

    #[inline]
    fn is_of(&self, key: Key) -> bool {
        self.high == (key >> 64) as u64 && self.low == (key >> 32) as u32
    }
}

// === impl Registry ===

impl Registry {
    /// Nobody yet, and never more than `max`.
    pub(super) fn new(max: usize) -> Self {
        Self {
            places: HashTable::new(),
            memo: vec![Remembered::NOTHING; MEMO_MIN],
            answers: 0,
            slots: [0; SHARDS],
            max,
        }
    }

    /// Bytes that the memory in front takes for a registry of at most `max` entities.
    pub(super) fn memo_bytes(max: usize) -> usize {
        (2 * WAYS * max).next_power_of_two().clamp(MEMO_MIN, MEMO_MAX) * size_of::<Remembered>()
    }

    /// What the bytes under `key` came to when they were last seen; `None` when that is forgotten.
    #[inline]
    pub(super) fn recall(&self, key: Key) -> Option<Option<EntityRef>> {
        let place = self.set_of(key);
        let remembered = self.memo[place..place + WAYS].iter().find(|remembered| remembered.is_of(key))?;
        Some((remembered.answer != NOBODY).then(|| EntityRef::from_bits(remembered.answer)))
    }

    /// Remembers what the bytes under `key` came to.
    pub(super) fn remember(&mut self, key: Key, answer: Option<EntityRef>) {
        if self.answers * WAYS > self.memo.len() && self.memo.len() < MEMO_MAX {
            self.widen();
        }
        let place = self.set_of(key);
        let free = self.memo[place..place + WAYS].iter().position(|remembered| remembered.high == 0);
        self.answers += usize::from(free.is_some());
        // A full set loses one of its four; which one follows from the key.
        let way = free.unwrap_or((key >> 96) as usize % WAYS);
        self.memo[place + way] = Remembered::new(key, answer.map_or(NOBODY, EntityRef::bits));
    }

    /// Where the set of `key` begins.
    #[inline]
    fn set_of(&self, key: Key) -> usize {
        (key as usize & (self.memo.len() / WAYS - 1)) * WAYS
    }

    /// Doubles the memory. It keeps nothing: what a key's place was in the narrow one does not tell its place in the wide.
    fn widen(&mut self) {
        self.memo = vec![Remembered::NOTHING; self.memo.len() * 2];
        self.answers = 0;
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
        self.places.insert_unique(key as u64, Place { key, entity, has_role }, |place| place.key as u64);
        Some(entity)
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
