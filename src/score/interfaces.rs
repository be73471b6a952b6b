//! The interfaces seen so far, and what is remembered of each: whose address is its own, how many entities it made.

use hashbrown::{HashMap, HashTable};

use crate::event::AssetClass;

use super::{
    address::Address,
    columns::{Column, Record},
    evidence::{Evidence, Telling},
    grid::Window,
    keys::{Finder, Key},
    memo::Memo,
    own::Shared,
};

/// Most addresses of one interface that become entities of their own.
pub(super) const ADDRESSES_MAX: u32 = 1_024;
/// Most addresses outside the internal networks that one interface is believed to own.
pub(super) const STRANGERS_MAX: usize = 8;

/// One network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Interface {
    /// Account, region and VPC, as far as its records say them.
    pub(super) scope: [Box<str>; 3],
    /// Its id: `eni-…`.
    pub(super) name: Box<str>,
    /// Its own addresses outside the internal networks, in the order in which they were seen.
    pub(super) strangers: Vec<Address>,
    /// How many entities its addresses have made.
    pub(super) made: u32,
    /// Whether it differs from what was captured last.
    pub(super) dirty: bool,
}

/// Every interface, up to a number that hostile input cannot pass.
#[derive(Debug)]
pub(super) struct Interfaces {
    places: HashTable<(Key, u32)>,
    /// In front of the places.
    memo: Memo,
    all: Vec<Interface>,
    /// What the records of each have in common: apart, because every record asks for it.
    shared: Vec<Shared>,
    dirty: Vec<u32>,
    /// What the traffic of those says whose class nothing else does.
    evidence: HashMap<u32, Evidence>,
    max: usize,
}

// === impl Interface ===

impl Interface {
    /// The interface `name` in `scope`, of which no record is known yet.
    pub(super) fn new(scope: [&str; 3], name: &str) -> Self {
        Self { scope: scope.map(Into::into), name: name.into(), strangers: Vec::new(), made: 0, dirty: false }
    }

    /// Whether it may make one more entity of an address.
    pub(super) fn has_room(&self) -> bool {
        self.made < ADDRESSES_MAX
    }

    /// Whether `address`, which lies outside the internal networks, is its own. The first few it is seen with are.
    pub(super) fn owns_stranger(&mut self, address: Address) -> bool {
        if self.strangers.contains(&address) {
            return true;
        }
        if self.strangers.len() >= STRANGERS_MAX {
            return false;
        }
        self.strangers.push(address);
        true
    }
}

// === impl Interfaces ===

impl Interfaces {
    /// No interface yet, and never more than `max`.
    pub(super) fn new(max: usize) -> Self {
        Self {
            places: HashTable::new(),
            memo: Memo::new(),
            all: Vec::new(),
            shared: Vec::new(),
            dirty: Vec::new(),
            evidence: HashMap::new(),
            max,
        }
    }

    /// The place of the interface with `key`.
    #[inline]
    pub(super) fn find(&mut self, key: Key) -> Option<u32> {
        self.memo.recall(key).or_else(|| {
            let place = self.places.find(key as u64, |entry| entry.0 == key)?.1;
            self.memo.remember(key, place);
            Some(place)
        })
    }

    /// Reads what [`Self::find`] will read.
    #[inline]
    pub(super) fn warm(&self, key: Key) -> u64 {
        self.memo.warm(key)
    }

    /// Adds `interface` under `key`, whose records have `shared` in common; `None` when there are as many as may be.
    pub(super) fn add(&mut self, key: Key, interface: Interface, shared: Shared) -> Option<u32> {
        if self.all.len() >= self.max {
            return None;
        }
        let place = self.all.len() as u32;
        self.all.push(interface);
        self.shared.push(shared);
        self.places.insert_unique(key as u64, (key, place), |entry| entry.0 as u64);
        Some(place)
    }

    /// What the records of the interface at `place` have in common.
    #[inline]
    pub(super) fn shared(&self, place: u32) -> Shared {
        self.shared[place as usize]
    }

    /// Reads what [`Self::shared`] will read.
    #[inline]
    pub(super) fn warm_shared(&self, place: u32) -> u64 {
        u64::from(self.shared[place as usize] == Shared::Nothing)
    }

    /// Changes what the records of the interface at `place` have in common.
    pub(super) fn share(&mut self, place: u32, shared: Shared) {
        self.shared[place as usize] = shared;
        self.change(place);
    }

    /// The interface at `place`.
    #[inline]
    pub(super) fn get(&self, place: u32) -> &Interface {
        &self.all[place as usize]
    }

    /// The interface at `place`, to be changed.
    pub(super) fn change(&mut self, place: u32) -> &mut Interface {
        let interface = &mut self.all[place as usize];
        if !interface.dirty {
            interface.dirty = true;
            self.dirty.push(place);
        }
        interface
    }

    /// Whether there are as many as may be.
    pub(super) fn is_full(&self) -> bool {
        self.all.len() >= self.max
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// The class that the traffic of the interface at `place` says it has, for records of `window`.
    #[inline]
    pub(super) fn class(&self, place: u32, window: Window) -> Option<AssetClass> {
        // Nearly always there are none at all.
        if self.evidence.is_empty() { None } else { self.evidence.get(&place)?.class(window) }
    }

    /// Takes in what a record of `window` tells of the interface at `place`.
    pub(super) fn tell(&mut self, place: u32, window: Window, telling: Telling) {
        if self.evidence.entry(place).or_default().add(window, telling) {
            self.change(place);
        }
    }

    /// Takes over what the traffic of the interface at `place` has said.
    pub(super) fn restore(&mut self, place: u32, evidence: Evidence) {
        self.evidence.insert(place, evidence);
    }

    /// Those that have changed since this was called last.
    pub(super) fn take_dirty(&mut self, mut each: impl FnMut(&Interface, Shared, Option<&Evidence>)) {
        for place in std::mem::take(&mut self.dirty) {
            let interface = &mut self.all[place as usize];
            interface.dirty = false;
            each(interface, self.shared[place as usize], self.evidence.get(&place));
        }
    }
}

/// The key of the interface of `record`, by the bytes that name it.
#[inline]
pub(super) fn interface_key(finder: &Finder, record: &Record<'_>) -> Key {
    let columns = [Column::Account, Column::Region, Column::Vpc, Column::Interface];
    finder.of(columns.map(|column| record.text(column)), [])
}
