//! Addresses: whose an internal address is, as the records of its own interface last said.
//!
//! A gateway's record names the host behind it by its address alone, while the host's own records name the service that it
//! runs; both must count for one entity. What a host's own records say is noted here, where it is more than the address.
//! Addresses pass from one host to the next: the newest word counts.
//!
//! Where nobody has said anything, an address waits for an hour before it becomes an entity of its own: the log of its own
//! interface may be on its way. Only where interfaces are not logged does it stay without.

use hashbrown::HashTable;

use crate::score::{
    gate::plan::EntityRef,
    grid::{EPOCH_WINDOWS, Narrow, Window},
    kept::wire::{
        StateError, VERSION, put_int, put_option, put_wide, take_end, take_int, take_option, take_version,
        take_wide,
    },
    keys::{Halves, Key},
};

/// Whose each address is, up to a number that hostile input cannot pass.
#[derive(Debug)]
pub(in crate::score) struct Addresses {
    rows: Vec<Row>,
    /// Places in the rows.
    places: HashTable<u32>,
    /// Keys of what has changed, with those of their entities.
    dirty: Vec<(Key, Option<Noted>)>,
    max: usize,
    /// Counts how often everything was forgotten: places of before mean nothing.
    age: u32,
}

/// The key of the entity whose an address is, where there is one, and since when.
type Noted = (Option<Key>, Window);

/// Whose an address is.
#[derive(Debug, Clone, Copy)]
struct Row {
    key: Halves,
    /// Its entity, or [`NOBODY`].
    entity: u32,
    /// Since when, or from when on it has waited.
    since: Narrow,
}

/// Whose an address is, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::score) enum Whose {
    /// This entity's.
    Entity(EntityRef),
    /// Nobody has said so for an hour or longer: it may be an entity of its own.
    Open,
    /// Nobody has said so yet.
    Waiting,
}

const NOBODY: u32 = u32::MAX;
/// How long an address waits for the log of its own interface.
pub(in crate::score) const WAIT: Window = EPOCH_WINDOWS;

// === impl Addresses ===

impl Addresses {
    /// Nothing known, and never more than `max`.
    pub(in crate::score) fn new(max: usize) -> Self {
        Self { rows: Vec::new(), places: HashTable::new(), dirty: Vec::new(), max, age: 0 }
    }

    /// Bytes that `max` addresses take.
    pub(in crate::score) const fn bytes(max: usize) -> usize {
        // A table is at least half full, and has a byte beside each place.
        max * (size_of::<Row>() + 2 * (size_of::<u32>() + 1))
    }

    /// Counts how often everything was forgotten.
    #[inline]
    pub(in crate::score) const fn age(&self) -> u32 {
        self.age
    }

    /// Whether none is remembered.
    #[inline]
    pub(in crate::score) const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The place of the address with `key`, if it has one.
    pub(in crate::score) fn find(&self, key: Key) -> Option<u32> {
        let rows = &self.rows;
        self.places.find(key as u64, |place| rows[*place as usize].key == Halves::of(key)).copied()
    }

    /// The place of the address with `key`, which waits from `window` on if it is new. When there are as many as may be,
    /// all are forgotten: those that are still in use come again.
    pub(in crate::score) fn enter(&mut self, key: Key, window: Window) -> u32 {
        if let Some(place) = self.find(key) {
            return place;
        }
        if self.rows.len() >= self.max {
            self.dirty.extend(self.rows.iter().map(|row| (row.key.key(), None)));
            self.rows.clear();
            self.places.clear();
            self.age = self.age.wrapping_add(1);
        }
        self.put(key, None, window);
        self.note(key, None, window);
        self.rows.len() as u32 - 1
    }

    /// Whose the address at `place` is, for records of `window`.
    #[inline]
    pub(in crate::score) fn whose(&self, place: u32, window: Window) -> Whose {
        let row = &self.rows[place as usize];
        match row.entity {
            NOBODY if window >= row.since.window() + WAIT => Whose::Open,
            NOBODY => Whose::Waiting,
            entity => Whose::Entity(EntityRef::from_bits(entity)),
        }
    }

    /// Notes that the address at `place` is that of `entity`, which has `key`, as a record of `window` says; what a later
    /// one has said stays.
    pub(in crate::score) fn settle(&mut self, place: u32, (entity, key): (EntityRef, Key), window: Window) {
        let row = &mut self.rows[place as usize];
        let since = Narrow::of(window);
        if row.entity != NOBODY && row.since > since || row.entity == entity.bits() {
            return;
        }
        (row.entity, row.since) = (entity.bits(), since);
        let own = row.key.key();
        self.note(own, Some(key), window);
    }

    /// Forgets that an address is that of an entity that `has_left`, whose place will be another's: it waits, from `window` on,
    /// for its own interface's log to say so again. The state keeps what it was.
    pub(in crate::score) fn forget(&mut self, has_left: impl Fn(EntityRef) -> bool, window: Window) {
        for row in &mut self.rows {
            if row.entity != NOBODY && has_left(EntityRef::from_bits(row.entity)) {
                (row.entity, row.since) = (NOBODY, Narrow::of(window));
            }
        }
    }

    /// Takes over an address from a snapshot.
    pub(in crate::score) fn restore(&mut self, key: Key, entity: Option<EntityRef>, window: Window) {
        if self.rows.len() < self.max && self.find(key).is_none() {
            self.put(key, entity, window);
        }
    }

    /// Gives the key and the bytes of each that has changed since this was called last, in the order in which they did; of
    /// those that were forgotten none.
    pub(in crate::score) fn take_dirty(&mut self, mut each: impl FnMut(Key, Option<Vec<u8>>)) {
        for (key, row) in self.dirty.drain(..) {
            each(key, row.map(|(entity, window)| encode(entity, window)));
        }
    }

    fn put(&mut self, key: Key, entity: Option<EntityRef>, window: Window) {
        let row = Row {
            key: Halves::of(key),
            entity: entity.map_or(NOBODY, EntityRef::bits),
            since: Narrow::of(window),
        };
        let place = self.rows.len() as u32;
        self.rows.push(row);
        let rows = &self.rows;
        self.places.insert_unique(key as u64, place, |place| rows[*place as usize].key.low);
    }

    fn note(&mut self, key: Key, entity: Option<Key>, window: Window) {
        self.dirty.push((key, Some((entity, window))));
    }
}

/// The bytes of an entry: the key of the entity, where there is one, and since when.
pub(in crate::score) fn encode(entity: Option<Key>, window: Window) -> Vec<u8> {
    let mut out = vec![VERSION];
    put_option(entity, &mut out, put_wide);
    put_int(window, &mut out);
    out
}

/// What an entry says: the key of the entity, where there is one, and since when.
pub(in crate::score) fn decode(mut bytes: &[u8]) -> Result<(Option<Key>, Window), StateError> {
    let bytes = &mut bytes;
    take_version(bytes)?;
    let entity = take_option(bytes, take_wide)?;
    let window = take_int(bytes)?;
    take_end(bytes)?;
    if window.unsigned_abs() < 1 << 40 { Ok((entity, window)) } else { Err(StateError::Torn) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn an_address_waits_for_an_hour_and_belongs_to_whom_the_newest_record_says() {
        let mut addresses = Addresses::new(10);
        let place = addresses.enter(7, 100);
        assert_eq!(addresses.enter(7, 101), place);
        assert_eq!(addresses.whose(place, 105), Whose::Waiting);
        assert_eq!(addresses.whose(place, 106), Whose::Open);
        let [first, second] = [EntityRef::new(1, 2), EntityRef::new(3, 4)];
        addresses.settle(place, (second, 22), 90);
        assert_eq!(addresses.whose(place, 80), Whose::Entity(second), "whenever it is asked");
        addresses.settle(place, (first, 11), 89);
        assert_eq!(addresses.whose(place, 100), Whose::Entity(second), "a late record has had its time");
        addresses.settle(place, (first, 11), 91);
        assert_eq!(addresses.whose(place, 100), Whose::Entity(first));
    }

    #[test]
    fn what_is_captured_is_what_stands_there_and_a_full_table_starts_over() {
        let mut addresses = Addresses::new(3);
        let mut stored = BTreeMap::new();
        let mut take = |addresses: &mut Addresses| {
            addresses.take_dirty(|key, bytes| match bytes {
                Some(bytes) => _ = stored.insert(key, decode(&bytes).unwrap()),
                None => _ = stored.remove(&key),
            });
            stored.clone()
        };
        for key in 1..=3 {
            addresses.enter(key, 5);
        }
        let place = addresses.enter(2, 5);
        addresses.settle(place, (EntityRef::new(0, 0), 99), 6);
        assert_eq!(
            take(&mut addresses),
            BTreeMap::from([(1, (None, 5)), (2, (Some(99), 6)), (3, (None, 5))])
        );
        let age = addresses.age();
        addresses.enter(4, 7);
        assert_eq!((addresses.rows.len(), addresses.age()), (1, age + 1));
        assert_eq!(take(&mut addresses), BTreeMap::from([(4, (None, 7))]));
    }
}
