//! The registry of entities: from who an event is scored for to the place where that one's baseline stands.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use hashbrown::HashTable;

use crate::{
    event::{AssetClass, EntityKind, EntityName},
    score::{
        gate::plan::{EntityRef, SHARDS},
        grid::Window,
        keys::{Halves, Key, Keys},
    },
};

use super::memo::Memo;

/// The peer group of an entity whose role nobody knows.
pub(in crate::score) const EVERYONE: &str = "all";

/// Every entity's place by its key, and a memory in front of it that answers for the bytes of a record.
#[derive(Debug)]
pub(in crate::score) struct Registry {
    /// Places in the rows, which are the bits of a reference.
    places: HashTable<u32>,
    rows: Vec<Row>,
    memo: Memo,
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
pub(in crate::score) struct Place {
    pub(in crate::score) key: Key,
    pub(in crate::score) entity: EntityRef,
    pub(in crate::score) told: Told,
}

/// A place by its reference: apart from the table, which is at times three quarters empty.
#[derive(Debug, Clone, Copy, Default)]
struct Row {
    key: Halves,
    told: Told,
}

/// What is known of an entity besides its key. What is not yet is taken over when it becomes known, and stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::score) struct Told {
    /// Whether its peers are a role's.
    pub(in crate::score) role: bool,
    pub(in crate::score) class: Option<AssetClass>,
    /// The number of its name.
    pub(in crate::score) number: u32,
}

/// What is remembered of bytes that name nobody: no identity, or one too many.
const NOBODY: u32 = u32::MAX;

static SERIAL: AtomicU64 = AtomicU64::new(1);

/// The name of an entity, with a serial of its own.
pub(in crate::score) fn entity_name(
    (kind, name, scope): (EntityKind, &str, &str),
    peer_group: &str,
    class: Option<AssetClass>,
) -> Arc<EntityName> {
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    Arc::new(EntityName::new(serial, (kind, name, scope), peer_group, class))
}

/// The key of the entity `name` of `kind` in `scope`. One that passes on what others send is never one with them, though a
/// load balancer may have the tag of the service behind it.
pub(in crate::score) fn entity_key(
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
    pub(in crate::score) fn new(max: usize) -> Self {
        Self {
            places: HashTable::new(),
            rows: Vec::new(),
            memo: Memo::new(),
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
    pub(in crate::score) fn warm(&self, key: Key) -> u64 {
        self.memo.warm(key)
    }

    /// Remembers what the bytes under `key` came to.
    pub(in crate::score) fn remember(&mut self, key: Key, answer: Option<EntityRef>) {
        self.memo.remember(key, answer.map_or(NOBODY, EntityRef::bits));
    }

    /// Where the entity with `key` stands.
    pub(in crate::score) fn find(&self, key: Key) -> Option<Place> {
        let place =
            *self.places.find(key as u64, |place| self.rows[*place as usize].key == Halves::of(key))?;
        Some(Place { key, entity: EntityRef::from_bits(place), told: self.rows[place as usize].told })
    }

    /// Whether the entity with `key` stands anywhere.
    pub(in crate::score) fn knows(&self, key: Key) -> bool {
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
        self.put(place);
        Some(place)
    }

    /// Puts `place`, which stands nowhere, where it belongs.
    fn put(&mut self, Place { key, entity, told }: Place) {
        let place = entity.bits() as usize;
        if self.rows.len() <= place {
            self.rows.resize(place + 1, Row::default());
        }
        self.rows[place] = Row { key: Halves::of(key), told };
        let Self { places, rows, .. } = self;
        places.insert_unique(key as u64, entity.bits(), |place| rows[*place as usize].key.low);
    }

    /// Gives the entity with `key` a place; `None` when there are as many as may be. The shard follows from the key.
    pub(in crate::score) fn add(&mut self, key: Key, told: Told) -> Option<EntityRef> {
        if self.places.len() >= self.max {
            return None;
        }
        let shard = (key >> 64) as usize % SHARDS;
        let entity = self.vacant(shard).unwrap_or_else(|| {
            self.slots[shard] += 1;
            EntityRef::new(shard, self.slots[shard] - 1)
        });
        self.put(Place { key, entity, told });
        Some(entity)
    }

    /// The number of the entity's name: the same in every process.
    #[inline]
    pub(in crate::score) fn number(&self, entity: EntityRef) -> u32 {
        self.rows.get(entity.bits() as usize).map_or(0, |row| row.told.number)
    }

    /// What the entity is called where it meets the outside: the same under the same seed.
    #[inline]
    pub(in crate::score) fn name(&self, entity: EntityRef) -> u64 {
        self.rows.get(entity.bits() as usize).map_or(0, |row| row.key.low)
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
    pub(in crate::score) fn gone(&self) -> HashSet<u32> {
        self.left.values().map(|place| place.entity.bits()).collect()
    }

    /// Makes room for `wanted` more, and for a sixteenth of all at least: those go who were active longest ago, as `newest`
    /// has it, and nobody whose newest window has not folded through `folded`. Gives how many go. They stay where they are until
    /// somebody takes their place.
    pub(in crate::score) fn make_room(
        &mut self,
        wanted: usize,
        folded: Window,
        newest: impl Fn(EntityRef) -> Window,
    ) -> usize {
        let wanted = wanted.min(self.max / 2);
        if self.max - self.places.len() >= wanted || self.busy == Some(folded) {
            return 0;
        }
        let idle = self.places.iter().map(|place| {
            let row = &self.rows[*place as usize];
            (newest(EntityRef::from_bits(*place)), row.key.key())
        });
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
            let Some(place) = self.find(key) else { continue };
            if let Ok(entry) = self.places.find_entry(key as u64, |other| *other == place.entity.bits()) {
                entry.remove();
                self.free[place.entity.shard()].push_back(key);
                self.left.insert(key, place);
            }
        }
        // It may know the places of those who go.
        self.memo.clear();
        count
    }

    /// Notes what is known of the entity with `key` from now on.
    pub(in crate::score) fn tell(&mut self, key: Key, told: Told) {
        if let Some(place) = self.find(key) {
            self.rows[place.entity.bits() as usize].told = told;
        }
    }

    /// How many there are.
    pub(in crate::score) fn len(&self) -> usize {
        self.places.len()
    }
}
