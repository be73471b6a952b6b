//! The interfaces seen so far, and what is remembered of each: whose address is its own, how many entities it made.

use std::{collections::HashSet, sync::Arc};

use hashbrown::{HashMap, HashTable};
use thin_vec::ThinVec;

use crate::{
    event::AssetClass,
    score::{
        gate::columns::{Column, Record},
        grid::Window,
        keys::{Finder, Halves, Key},
        whose::made::Made,
        whose::strangers::Strangers,
    },
};

use super::{
    address::Address,
    evidence::{Evidence, Telling},
    memo::Memo,
    own::Shared,
};

/// Most addresses of one interface that become entities of their own.
pub(in crate::score) const ADDRESSES_MAX: u32 = 1_024;
/// Most addresses outside the internal networks that one interface is believed to own.
pub(in crate::score) const STRANGERS_MAX: usize = 8;

/// One network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::score) struct Interface {
    /// Account, region and VPC, as far as its records say them; thousands of interfaces share one.
    pub(in crate::score) scope: Arc<[Box<str>; 3]>,
    /// Its id: `eni-…`.
    pub(in crate::score) name: Box<str>,
    /// Its own addresses outside the internal networks, in the order in which they were seen.
    pub(in crate::score) strangers: ThinVec<Address>,
    /// Its addresses of which entities were made.
    pub(in crate::score) made: Made,
    /// Whether it differs from what was captured last.
    pub(in crate::score) dirty: bool,
}

/// Every interface, up to a number that hostile input cannot pass.
#[derive(Debug)]
pub(in crate::score) struct Interfaces {
    /// Places in the lists that follow.
    places: HashTable<u32>,
    /// In front of the places.
    memo: Memo,
    keys: Vec<Halves>,
    all: Vec<Interface>,
    /// What the records of each have in common: apart, because every record asks for it.
    shared: Vec<Shared>,
    scopes: HashSet<Arc<[Box<str>; 3]>>,
    dirty: Vec<u32>,
    /// What the traffic of those says whose class nothing else does.
    evidence: HashMap<u32, Evidence>,
    /// Own addresses of all of them outside the internal networks.
    pub(in crate::score) strangers: Strangers,
    max: usize,
}

// === impl Interface ===

impl Interface {
    /// The interface `name` in `scope`, of which no record is known yet.
    pub(in crate::score) fn new(scope: [&str; 3], name: &str) -> Self {
        Self {
            scope: Arc::new(scope.map(Into::into)),
            name: name.into(),
            strangers: ThinVec::new(),
            made: Made::default(),
            dirty: false,
        }
    }

    /// Whether it may make one more entity of an address.
    pub(super) fn has_room(&self) -> bool {
        self.made.count() < ADDRESSES_MAX
    }

    /// Whether `address`, which lies outside the internal networks, is its own. The first few it is seen with are.
    fn owns_stranger(&mut self, address: Address) -> bool {
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
    pub(in crate::score) fn new(max: usize) -> Self {
        Self {
            places: HashTable::new(),
            memo: Memo::new(),
            keys: Vec::new(),
            all: Vec::new(),
            shared: Vec::new(),
            scopes: HashSet::new(),
            dirty: Vec::new(),
            evidence: HashMap::new(),
            strangers: Strangers::default(),
            max,
        }
    }

    /// The place of the interface with `key`.
    #[inline]
    pub(in crate::score) fn find(&mut self, key: Key) -> Option<u32> {
        self.memo.recall(key).or_else(|| {
            let halves = Halves::of(key);
            let place = *self.places.find(halves.low, |place| self.keys[*place as usize] == halves)?;
            self.memo.remember(key, place);
            Some(place)
        })
    }

    /// Reads what [`Self::find`] will read.
    #[inline]
    pub(in crate::score) fn warm(&self, key: Key) -> u64 {
        self.memo.warm(key)
    }

    /// Adds `interface` under `key`, whose records have `shared` in common; `None` when there are as many as may be.
    pub(in crate::score) fn add(
        &mut self,
        key: Key,
        mut interface: Interface,
        shared: Shared,
    ) -> Option<u32> {
        if self.all.len() >= self.max {
            return None;
        }
        let place = self.all.len() as u32;
        match self.scopes.get(&interface.scope) {
            Some(known) => interface.scope = Arc::clone(known),
            None => _ = self.scopes.insert(Arc::clone(&interface.scope)),
        }
        interface.strangers.iter().for_each(|one| self.strangers.note(&interface.scope, *one));
        self.all.push(interface);
        self.shared.push(shared);
        self.keys.push(Halves::of(key));
        let Self { places, keys, .. } = self;
        places.insert_unique(key as u64, place, |place| keys[*place as usize].low);
        Some(place)
    }

    /// What the records of the interface at `place` have in common.
    #[inline]
    pub(in crate::score) fn shared(&self, place: u32) -> Shared {
        self.shared[place as usize]
    }

    /// Reads what [`Self::shared`] will read.
    #[inline]
    pub(super) fn warm_shared(&self, place: u32) -> u64 {
        u64::from(self.shared[place as usize] == Shared::Nothing)
    }

    /// Changes what the records of the interface at `place` have in common.
    pub(in crate::score) fn share(&mut self, place: u32, shared: Shared) {
        self.shared[place as usize] = shared;
        self.change(place);
    }

    /// The interface at `place`.
    #[inline]
    pub(in crate::score) fn get(&self, place: u32) -> &Interface {
        &self.all[place as usize]
    }

    /// The interface at `place`, to be changed.
    pub(in crate::score) fn change(&mut self, place: u32) -> &mut Interface {
        let interface = &mut self.all[place as usize];
        if !interface.dirty {
            interface.dirty = true;
            self.dirty.push(place);
        }
        interface
    }

    /// Whether `address`, which lies outside the internal networks, is that of the interface at `place`.
    pub(super) fn owns_stranger(&mut self, place: u32, address: Address) -> bool {
        let interface = self.change(place);
        let before = interface.strangers.len();
        let is_own = interface.owns_stranger(address);
        if interface.strangers.len() > before {
            let interface = &self.all[place as usize];
            self.strangers.note(&interface.scope, address);
        }
        is_own
    }

    /// Whether there are as many as may be.
    pub(in crate::score) fn is_full(&self) -> bool {
        self.all.len() >= self.max
    }

    /// How many there are.
    pub(in crate::score) fn len(&self) -> usize {
        self.all.len()
    }

    /// The class that the traffic of the interface at `place` says it has, for records of `window`.
    #[inline]
    pub(in crate::score) fn class(&self, place: u32, window: Window) -> Option<AssetClass> {
        // Nearly always there are none at all.
        if self.evidence.is_empty() { None } else { self.evidence.get(&place)?.class(window) }
    }

    /// Takes in what a record of `window` tells of the interface at `place`.
    pub(in crate::score) fn tell(&mut self, place: u32, window: Window, telling: Telling) {
        if self.evidence.entry(place).or_default().add(window, telling) {
            self.change(place);
        }
    }

    /// Takes over what the traffic of the interface at `place` has said.
    pub(in crate::score) fn restore(&mut self, place: u32, evidence: Evidence) {
        self.evidence.insert(place, evidence);
    }

    /// Those that have changed since this was called last.
    pub(in crate::score) fn take_dirty(
        &mut self,
        mut each: impl FnMut(&Interface, Shared, Option<&Evidence>),
    ) {
        for place in std::mem::take(&mut self.dirty) {
            let interface = &mut self.all[place as usize];
            interface.dirty = false;
            each(interface, self.shared[place as usize], self.evidence.get(&place));
        }
    }
}

/// The key of the interface of `record`, by the bytes that name it.
#[inline]
pub(in crate::score) fn interface_key(finder: &Finder, record: &Record<'_>) -> Key {
    let columns = [Column::Account, Column::Region, Column::Vpc, Column::Interface];
    finder.of(columns.map(|column| record.text(column)), [])
}
