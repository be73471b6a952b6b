//! The registry of entities: from who an event is scored for to the place where that one's baseline stands.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use hashbrown::HashTable;

use crate::event::{AssetClass, EntityName};

use super::{
    grid::Window,
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
    /// Who has left, whose place is not taken yet.
    left: HashMap<Key, Place>,
    /// The places of who has left, by shard, in the order in which they left.
    free: [VecDeque<Key>; SHARDS],
    slots: [u32; SHARDS],
    /// The fold as of which hardly anybody was idle.
    busy: Option<Window>,
    max: usize,
}

/// Where an entity stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) key: Key,
    pub(super) entity: EntityRef,
    pub(super) told: Told,
}

/// What is known of an entity besides its name. What is not yet is taken over when it becomes known, and stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Told {
    /// Whether its peers are a role's.
    pub(super) role: bool,
    pub(super) class: Option<AssetClass>,
}

/// What is remembered of bytes that name nobody: no identity, or one too many.
const NOBODY: u32 = u32::MAX;

static SERIAL: AtomicU64 = AtomicU64::new(1);

/// The name of an entity, with a serial of its own.
pub(super) fn entity_name(
    (kind, name, scope): (&'static str, &str, &str),
    peer_group: &str,
    class: Option<AssetClass>,
) -> Arc<EntityName> {
    Arc::new(EntityName {
        serial: SERIAL.fetch_add(1, Ordering::Relaxed),
        kind,
        name: name.into(),
        scope: scope.into(),
        peer_group: peer_group.into(),
        class,
    })
}

/// The key of the entity `name` of `kind` in `scope`. One that passes on what others send is never one with them, though a
/// load balancer may have the tag of the service behind it.
pub(super) fn entity_key(
    keys: &Keys,
    (kind, name, scope): (&str, &str, &str),
    class: Option<AssetClass>,
) -> Key {
    match class.filter(|class| class.passes_traffic()) {
        None => keys.of(&["entity", scope, kind, name]),
        Some(class) => keys.of(&["entity", scope, kind, name, class.name()]),
    }
}

// === impl Registry ===

impl Registry {
    /// Nobody yet, and never more than `max`.
    pub(super) fn new(max: usize) -> Self {
        Self {
            places: HashTable::new(),
            memo: Memo::new(),
            names: Vec::new(),
            left: HashMap::new(),
            free: Default::default(),
            slots: [0; SHARDS],
            busy: None,
            max,
        }
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

    /// Whether the entity with `key` stands anywhere.
    pub(super) fn knows(&self, key: Key) -> bool {
        self.find(key).is_some() || self.left.contains_key(&key)
    }

    /// Where the entity with `key` stands, who comes back if its place is not taken and there is room.
    pub(super) fn find_again(&mut self, key: Key) -> Option<Place> {
        if let Some(place) = self.find(key) {
            return Some(place);
        }
        if self.places.len() >= self.max {
            return None;
        }
        let place = self.left.remove(&key)?;
        self.places.insert_unique(key as u64, place, |place| place.key as u64);
        Some(place)
    }

    /// Gives the entity with `key` a place; `None` when there are as many as may be. The shard follows from the key.
    pub(super) fn add(&mut self, key: Key, told: Told) -> Option<EntityRef> {
        if self.places.len() >= self.max {
            return None;
        }
        let shard = (key >> 64) as usize % SHARDS;
        let entity = self.vacant(shard).unwrap_or_else(|| {
            self.slots[shard] += 1;
            EntityRef::new(shard, self.slots[shard] - 1)
        });
        let place = entity.bits() as usize;
        if self.names.len() <= place {
            self.names.resize(place + 1, 0);
        }
        self.names[place] = key as u64;
        self.places.insert_unique(key as u64, Place { key, entity, told }, |place| place.key as u64);
        Some(entity)
    }

    /// What the entity is called where it meets the outside: the same under the same seed.
    #[inline]
    pub(super) fn name(&self, entity: EntityRef) -> u64 {
        self.names.get(entity.bits() as usize).copied().unwrap_or(0)
    }

    /// The place of somebody who has left `shard`.
    fn vacant(&mut self, shard: usize) -> Option<EntityRef> {
        while let Some(key) = self.free[shard].pop_front() {
            // Who came back meanwhile has it still.
            if let Some(place) = self.left.remove(&key) {
                return Some(place.entity);
            }
        }
        None
    }

    /// Who has left and whose place is not taken, by their references.
    pub(super) fn gone(&self) -> HashSet<u32> {
        self.left.values().map(|place| place.entity.bits()).collect()
    }

    /// Makes room for `wanted` more, and for a sixteenth of all at least: those go who were active longest ago, as `newest`
    /// has it, and nobody whose newest window has not folded through `folded`. Gives how many go. They stay where they are until
    /// somebody takes their place.
    pub(super) fn make_room(
        &mut self,
        wanted: usize,
        folded: Window,
        newest: impl Fn(EntityRef) -> Window,
    ) -> usize {
        let wanted = wanted.min(self.max / 2);
        if self.max - self.places.len() >= wanted || self.busy == Some(folded) {
            return 0;
        }
        let idle = self.places.iter().map(|place| (newest(place.entity), place.key));
        let mut idle: Vec<(Window, Key)> = idle.filter(|(newest, _)| *newest <= folded).collect();
        let count = wanted.max(self.max / SHARDS).min(idle.len());
        // Looking again before a window has folded would find the same few.
        self.busy = (count < self.max / SHARDS).then_some(folded);
        if count == 0 {
            return 0;
        }
        idle.select_nth_unstable(count - 1);
        idle.truncate(count);
        idle.sort_unstable();
        for (_, key) in idle {
            if let Ok(place) = self.places.find_entry(key as u64, |place| place.key == key) {
                let (place, _) = place.remove();
                self.free[place.entity.shard()].push_back(key);
                self.left.insert(key, place);
            }
        }
        // It may know the places of those who go.
        self.memo.clear();
        count
    }

    /// Notes what is known of the entity with `key` from now on.
    pub(super) fn tell(&mut self, key: Key, told: Told) {
        if let Some(place) = self.places.find_mut(key as u64, |place| place.key == key) {
            place.told = told;
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }
}
