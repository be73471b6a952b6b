//! The table: what the records of an archive say, whatever order they come in.

use std::collections::HashMap;

use hashbrown::HashTable;

use crate::event::{Batch, Field};

use super::{
    super::{
        Config, Identity, Tenant,
        attribution::asset_of,
        columns::{Column, Record, Slots},
        gate::END_MAX,
        grid::{Grid, Narrow, Window},
        identity::{Who, scope_of, who},
        interfaces::interface_key,
        keys::{Finder, Key, Keys},
        mixer::Mixer,
        plan::{Standing, Vantage},
        reading::{observation, peer},
        sighting::{class_of, ends_of, side_of_interface, sight_of},
    },
    candidate::{Candidate, Choice, Look, View, When, Whom, choices},
    counts::Counts,
    interface::{Interface, may_be, met},
    rows::Rows,
};
use crate::telemetry::seed;

/// What the records of an archive, or of a part of it, say of each window of whomever they may be about.
#[derive(Debug)]
pub struct Table {
    identity: Vec<Identity>,
    /// Whose estate the archive tells of.
    tenant: Option<Tenant>,
    /// The columns of tags that `identity` names.
    tags: Vec<Column>,
    pub(super) keys: Keys,
    finder: Finder,
    /// The hash of addresses, as scoring has it.
    addresses: Mixer,
    slots: Slots,
    pub(super) interfaces: Vec<Interface>,
    /// By the bytes that name them in a record, and by their keys.
    interface_places: [HashTable<(Key, u32)>; 2],
    pub(super) candidates: Vec<Candidate>,
    candidate_places: HashMap<Key, u32>,
    /// The candidate that the bytes of a record stand for, if they stand for any, and its tell.
    memory: HashTable<(Key, u32, u32)>,
    pub(super) tells: Vec<Tell>,
    tell_places: HashMap<(Key, u32), u32>,
    /// By candidate: its last row, and the window of that.
    last: Vec<(Narrow, u32)>,
    pub(super) rows: Rows,
    pub(super) counts: Counts,
    /// Records that end later, in seconds since 1970, are not believed.
    believed: i64,
    scope: String,
    name: String,
}

/// That an own record of somebody who has a name named an address: so it is that one's, for what gateways say of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tell {
    /// The hash of the address and its scope.
    pub(super) address: Key,
    pub(super) candidate: u32,
    /// The first window of such a record.
    pub(super) first: Window,
}

/// In place of a candidate or a tell: none.
const NOBODY: u32 = u32::MAX;
/// What a candidate or an interface takes: with its texts and its places in tables.
const CANDIDATE_BYTES: usize = size_of::<Candidate>() + 192;

// === impl Table ===

impl Table {
    /// An empty table under the state's `seed`; records that end after `believed`, in seconds since 1970, are counted and
    /// not believed.
    #[must_use]
    pub fn new(config: &Config, state_seed: [u8; 16], believed: i64) -> Self {
        let keys = Keys::new(state_seed);
        let finder = Finder::new(seed::fresh());
        let tag = |way: &Identity| match way {
            Identity::Tag(name) => Column::of_tag(name),
            _ => None,
        };
        Self {
            tags: config.identity.iter().filter_map(tag).collect(),
            identity: config.identity.clone(),
            tenant: config.tenants.first().cloned().flatten(),
            addresses: Mixer::new(state_seed, "addresses"),
            keys,
            finder,
            slots: Slots::default(),
            interfaces: Vec::new(),
            interface_places: Default::default(),
            candidates: Vec::new(),
            candidate_places: HashMap::new(),
            memory: HashTable::new(),
            tells: Vec::new(),
            tell_places: HashMap::new(),
            last: Vec::new(),
            rows: Rows::default(),
            counts: Counts::default(),
            believed,
            scope: String::new(),
            name: String::new(),
        }
    }

    /// Bytes that it takes, sketches included.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        let names = (self.candidates.len() + self.interfaces.len()) * CANDIDATE_BYTES;
        let memory = self.memory.capacity() * (size_of::<(Key, u32, u32)>() + 1)
            + self.tells.capacity() * 2 * (size_of::<Tell>() + size_of::<u32>());
        self.rows.bytes() + (names + memory) as u64
    }

    /// How many windows of candidates it holds.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// What became of the records, to be added to.
    pub fn counts(&mut self) -> &mut Counts {
        &mut self.counts
    }

    /// Takes in the events of `batch`, which must know what is inside, and counts what could not be read.
    pub fn add(&mut self, batch: &Batch) {
        let mut slots = std::mem::take(&mut self.slots);
        for event in &batch.events {
            self.take(&slots.read(batch, event));
        }
        self.slots = slots;
        for reject in &batch.rejects {
            self.counts.quarantined[reject.reason as usize] += 1;
        }
        self.counts.bytes += batch.bytes().len() as u64;
    }

    fn take(&mut self, record: &Record<'_>) {
        self.counts.records += 1;
        let Some(end) = record.uint(Column::End) else {
            self.counts.timeless += 1;
            return;
        };
        let end = i64::try_from(end).unwrap_or(i64::MAX).min(END_MAX);
        let Some(ends) = ends_of(record) else {
            self.count_blind(record);
            return;
        };
        if end > self.believed {
            self.counts.early += 1;
            return;
        }
        let at = interface_key(&self.finder, record);
        let interface = self.interface(record, at);
        let told = side_of_interface(record);
        let look = |shared| {
            let mut ends = ends;
            if ends.surely(shared).is_none() {
                ends.own = told;
            }
            let class = class_of(record, &ends, shared);
            Some(Look { sight: sight_of(record, &ends, shared, class)?, class })
        };
        let found = choices(&ends, (interface.is_some(), told.is_some()), look);
        if let (Some(place), None) = (interface, ends.own) {
            let shared = &mut self.interfaces[place as usize].shared;
            *shared = shared.and(ends.source.address, ends.destination.address);
        }
        let mut anybody = false;
        for choice in &found {
            anybody |= self.give(record, (at, interface), choice, Grid::window(end));
        }
        self.counts.nobody += u64::from(!anybody);
    }

    #[cold]
    fn count_blind(&mut self, record: &Record<'_>) {
        let Counts { no_data, skipped, blind, .. } = &mut self.counts;
        let count = match record.batch.text(record.event, Field::LogStatus) {
            Some(b"NODATA") => no_data,
            Some(b"SKIPDATA") => skipped,
            _ => blind,
        };
        *count += 1;
    }

    /// Adds `record` to the row of whoever stands on the side chosen; says whether anybody does.
    #[inline]
    fn give(
        &mut self,
        record: &Record<'_>,
        (at, interface): (Key, Option<u32>),
        choice: &Choice,
        window: Window,
    ) -> bool {
        let Choice { own, vantage, class, when, whole } = *choice;
        if let (When::Is(address), Some(place)) = (when, interface)
            && !may_be(self.interfaces[place as usize].shared, address)
        {
            // It can turn out no more that the record is about it.
            return true;
        }
        let serial = |side| asset_of(record, side).map_or(0, |asset| asset.serial);
        let (form, guard) = when.numbers();
        let class = class.map_or(0, |class| 1 + class as u128);
        let flags = u128::from(form) << 2 | u128::from(whole) << 1 | u128::from(own.end.inside);
        let flags = class << 6 | (vantage as u128) << 4 | flags;
        let said = [Column::Service, Column::Asg, Column::Instance].map(|column| record.text(column));
        let tail = u128::from(serial(own.side)) << 16 | flags;
        let mut memory = self.finder.of(said, [at, own.end.address, tail]);
        if form == 2 {
            memory = self.finder.of([], [memory, guard]);
        }
        if vantage == Vantage::Passed {
            // The scope of what is behind a gateway may be the other side's.
            memory = self.finder.of([], [memory, serial(own.side.other()).into()]);
        }
        let with_tag = |memory, column: &Column| self.finder.of([record.text(*column)], [memory]);
        let memory = self.tags.iter().fold(memory, with_tag);
        let known = self.memory.find(memory as u64, |entry| entry.0 == memory);
        let (candidate, tell) = known.map(|entry| (entry.1, entry.2)).unwrap_or_else(|| {
            let (found, tell) = self.candidate(record, interface, choice, window);
            self.memory.insert_unique(memory as u64, (memory, found, tell), |entry| entry.0 as u64);
            (found, tell)
        });
        if candidate == NOBODY {
            return false;
        }
        if let Some(tell) = self.tells.get_mut(tell as usize) {
            tell.first = tell.first.min(window);
        }
        let (last, place) = self.last[candidate as usize];
        let place = if last == Narrow::of(window) {
            place
        } else {
            let place = self.rows.enter(candidate, window);
            self.last[candidate as usize] = (Narrow::of(window), place);
            place
        };
        let met = (peer(record, own.side), &self.addresses);
        let whose = (0, own.side, 0, vantage);
        let seen = observation(record, (window, Standing::Learned), 0, whose, met);
        self.rows.add(place, &seen);
        true
    }

    /// The place of the record's interface, where it names one.
    #[inline]
    fn interface(&mut self, record: &Record<'_>, at: Key) -> Option<u32> {
        if record.text(Column::Interface).is_empty() {
            return None;
        }
        if let Some(entry) = self.interface_places[0].find(at as u64, |entry| entry.0 == at) {
            return Some(entry.1);
        }
        let text = |column| String::from_utf8_lossy(record.text(column));
        let scope = [text(Column::Account), text(Column::Region), text(Column::Vpc)];
        let scope = [&*scope[0], &*scope[1], &*scope[2]];
        let place = self.enter_interface(Interface::new(&self.keys, scope, &text(Column::Interface)));
        self.interface_places[0].insert_unique(at as u64, (at, place), |entry| entry.0 as u64);
        Some(place)
    }

    /// The place of `interface`, which takes in what is known of it.
    pub(super) fn enter_interface(&mut self, interface: Interface) -> u32 {
        let key = interface.key;
        if let Some(entry) = self.interface_places[1].find(key as u64, |entry| entry.0 == key) {
            self.interfaces[entry.1 as usize].merge(&interface);
            return entry.1;
        }
        let place = self.interfaces.len() as u32;
        self.interface_places[1].insert_unique(key as u64, (key, place), |entry| entry.0 as u64);
        self.interfaces.push(Interface { shared: met(interface.shared, interface.shared), ..interface });
        place
    }

    /// The place of the interface with `key`.
    pub(super) fn interface_with(&self, key: Key) -> Option<u32> {
        self.interface_places[1].find(key as u64, |entry| entry.0 == key).map(|entry| entry.1)
    }

    /// The slow way, taken once for the bytes of a record: by name. Gives the candidate and its tell.
    #[cold]
    fn candidate(
        &mut self,
        record: &Record<'_>,
        interface: Option<u32>,
        choice: &Choice,
        window: Window,
    ) -> (u32, u32) {
        let Choice { own, vantage, class, when, whole } = *choice;
        let asset = asset_of(record, own.side);
        // A gateway's record describes the gateway, but for the scope.
        let (view, spoken, class, placed) = match vantage {
            Vantage::Own => (View::Own, Some(record), class, asset),
            Vantage::Gateway | Vantage::Beside => (View::Gateway, Some(record), class, asset),
            Vantage::Passed => {
                let class = asset.and_then(|asset| asset.class);
                let other = || asset_of(record, own.side.other());
                (View::Behind(own.end.address), None, class, asset.or_else(other))
            }
        };
        scope_of(record, placed.map(|asset| &**asset), &mut self.scope);
        if let Some(tenant) = &self.tenant {
            tenant.put(&mut self.scope);
        }
        let named = who(&self.identity, spoken, asset.map(|asset| &**asset), &mut self.name);
        let whom = match named {
            None => return (NOBODY, NOBODY),
            Some(Who::Named(kind)) => Whom::Named(kind, self.name.as_str().into()),
            Some(Who::Address) if whole => Whom::Interface,
            Some(Who::Address) => Whom::Address(own.end),
        };
        let role = asset.and_then(|asset| asset.role.as_deref()).unwrap_or_default();
        let of = interface.map_or(0, |place| self.interfaces[place as usize].key);
        let tells = matches!(whom, Whom::Named(..)) && !matches!(view, View::Behind(_)) && own.end.inside;
        let seen = (when, view, class);
        let candidate = Candidate::new(&self.keys, (of, interface), seen, whom, (self.scope.as_str(), role));
        let candidate = self.enter_candidate(candidate);
        let address = self.keys.of_address(&self.scope, own.end.address);
        let tell = if tells { self.enter_tell(Tell { address, candidate, first: window }) } else { NOBODY };
        (candidate, tell)
    }

    /// The place of `tell`, which takes in what is known of it.
    pub(super) fn enter_tell(&mut self, tell: Tell) -> u32 {
        let next = self.tells.len() as u32;
        let place = *self.tell_places.entry((tell.address, tell.candidate)).or_insert(next);
        match self.tells.get_mut(place as usize) {
            Some(known) => known.first = known.first.min(tell.first),
            None => self.tells.push(tell),
        }
        place
    }

    /// The place of `candidate`.
    pub(super) fn enter_candidate(&mut self, candidate: Candidate) -> u32 {
        let (places, candidates) = (&mut self.candidate_places, &mut self.candidates);
        let last = &mut self.last;
        *places.entry(candidate.key).or_insert_with(|| {
            candidates.push(candidate);
            last.push((Narrow::NONE, 0));
            candidates.len() as u32 - 1
        })
    }

    /// The place of the candidate with `key`.
    pub(super) fn candidate_with(&self, key: Key) -> Option<u32> {
        self.candidate_places.get(&key).copied()
    }

    /// Takes in `other`, which was made under the same seed: what comes of it is as if its records had been added.
    pub fn merge(&mut self, other: Self) {
        self.counts.add(&other.counts);
        let interfaces: Vec<u32> =
            other.interfaces.into_iter().map(|interface| self.enter_interface(interface)).collect();
        let candidates = other.candidates.into_iter().map(|candidate| {
            let interface = candidate.interface.map(|place| interfaces[place as usize]);
            self.enter_candidate(Candidate { interface, ..candidate })
        });
        let candidates: Vec<u32> = candidates.collect();
        for tell in other.tells {
            self.enter_tell(Tell { candidate: candidates[tell.candidate as usize], ..tell });
        }
        for slab in other.rows.into_slabs() {
            for row in slab {
                self.rows.merge(candidates[row.candidate as usize], row.window.window(), &row.amounts);
            }
        }
    }
}
