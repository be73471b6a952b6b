//! Who is who: from candidates to entities, once everything is known of their interfaces.
//!
//! What scoring decides by who comes first is decided here by the first window in which somebody was seen, and among those of one
//! window by key: the order of reading means nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{
    event::{AssetClass, EntityKind},
    score::{
        grid::Window,
        keys::Key,
        whose::made::Made,
        whose::{
            address::{Address, End, address},
            interfaces::{ADDRESSES_MAX, STRANGERS_MAX},
            own::Shared,
            registry::{EVERYONE, entity_key},
        },
    },
};

use super::{
    behind::{Owner, Owners, owners},
    candidate::{Candidate, View, Whom},
    table::Table,
};

/// An entity of the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Somebody {
    pub(super) key: Key,
    pub(super) kind: EntityKind,
    pub(super) name: Box<str>,
    pub(super) scope: Box<str>,
    /// What it is, as it was first said.
    pub(super) class: Option<AssetClass>,
    /// What its asset is there for, as it was first said; empty where nobody said.
    role: Box<str>,
    /// Its first window, and the first in which its role and its class were said.
    first: Window,
    role_since: Option<Window>,
    class_since: Option<Window>,
}

/// Everybody who is known so far.
#[derive(Debug, Default)]
pub(super) struct Known {
    entities: HashMap<Key, Somebody>,
    /// By interface: the addresses that it made entities of.
    pub(super) made: Vec<BTreeSet<Address>>,
}

/// Who everybody is.
#[derive(Debug, Default)]
pub(super) struct Everybody {
    /// In order of their first windows.
    pub(super) entities: Vec<Somebody>,
    /// By candidate that is behind no gateway: the entity, by its place, or nobody.
    of_candidate: Vec<Option<u32>>,
    /// By interface: its own addresses outside, and those of which entities were made.
    pub(super) owned: Vec<(Vec<Address>, Made)>,
    places: HashMap<Key, u32>,
    owners: Owners,
}

/// Decides who everybody in `table` is.
pub(super) fn resolve(table: &Table) -> Everybody {
    let mut firsts: Vec<Option<Window>> = vec![None; table.candidates.len()];
    for row in table.rows.iter() {
        let (window, first) = (row.window.window(), &mut firsts[row.candidate as usize]);
        *first = Some(first.map_or(window, |first| first.min(window)));
    }
    let holds = |candidate: &Candidate| {
        candidate.when.holds(
            candidate.interface.map_or(Shared::Anything, |place| table.interfaces[place as usize].shared),
        )
    };
    let candidates = table.candidates.iter().zip(&firsts);
    let real: Vec<Option<Window>> =
        candidates.map(|(candidate, first)| first.filter(|_| holds(candidate))).collect();
    let own = own_addresses(table, &real);
    let made = vec![BTreeSet::new(); table.interfaces.len()];
    let mut known = Known { entities: HashMap::new(), made };
    let mut keys: Vec<Option<Key>> = Vec::with_capacity(real.len());
    for (candidate, first) in table.candidates.iter().zip(&real) {
        let first = first.filter(|_| !matches!(candidate.view, View::Behind(_)));
        let named = first.and_then(|first| Some((first, named(table, candidate, &own, &mut known.made)?)));
        keys.push(named.map(|(first, (kind, name))| {
            let key = entity_key(&table.keys, (kind.name(), &name, &candidate.scope), candidate.class);
            known.meet(candidate, (kind, name, key), first);
            key
        }));
    }
    let owners = owners(table, &real, &keys, &mut known);
    let Known { entities, made } = known;
    let mut entities: Vec<Somebody> = entities.into_values().collect();
    entities.sort_unstable_by_key(|entity| (entity.first, entity.key));
    let places: HashMap<Key, u32> = entities.iter().map(|entity| entity.key).zip(0..).collect();
    let owned = own.iter().zip(&made);
    Everybody {
        of_candidate: keys.iter().map(|key| key.and_then(|key| places.get(&key).copied())).collect(),
        owned: owned.map(|(own, made)| (own.strangers.clone(), Made::of(&table.keys, made))).collect(),
        entities,
        places,
        owners,
    }
}

// === impl Everybody ===

impl Everybody {
    /// The entity, by its place, that the candidate at `candidate` stands for in `window`, and whether it stands behind a gateway.
    pub(super) fn whose(&self, candidate: u32, window: Window) -> Option<(u32, bool)> {
        let (owners, passed) = &self.owners;
        match passed.get(&candidate) {
            None => Some((self.of_candidate[candidate as usize]?, false)),
            Some(address) => {
                let entity = owners.get(address)?.of(window)?;
                Some((*self.places.get(&entity)?, true))
            }
        }
    }

    /// Whose the addresses are in the end, and since when, by their keys: the `most` that are newest.
    pub(super) fn addresses(&self, most: usize) -> Vec<(Key, Option<u32>, Window)> {
        let last = |(key, owner): (&Key, &Owner)| {
            let (entity, since) = owner.last()?;
            Some((*key, entity.and_then(|entity| self.places.get(&entity).copied()), since))
        };
        let mut all: Vec<_> = self.owners.0.iter().filter_map(last).collect();
        if all.len() > most {
            all.sort_unstable_by_key(|(key, _, since)| (std::cmp::Reverse(*since), *key));
            all.truncate(most);
        }
        all
    }
}

// === impl Known ===

impl Known {
    /// Takes in that the entity called so, which `candidate` stands for, was seen in window `first`.
    pub(super) fn meet(
        &mut self,
        candidate: &Candidate,
        (kind, name, key): (EntityKind, Box<str>, Key),
        first: Window,
    ) {
        let new = || Somebody {
            key,
            kind,
            name,
            scope: candidate.scope.clone(),
            class: None,
            role: "".into(),
            first,
            role_since: None,
            class_since: None,
        };
        self.entities.entry(key).or_insert_with(new).meet(first, &candidate.role, candidate.class);
    }

    /// The kind of the entity with `key`.
    pub(super) fn kind_of(&self, key: Key) -> Option<EntityKind> {
        Some(self.entities.get(&key)?.kind)
    }

    /// The first window of the entity with `key`.
    pub(super) fn first_of(&self, key: Key) -> Option<Window> {
        Some(self.entities.get(&key)?.first)
    }
}

/// The addresses of an interface that may have a baseline.
#[derive(Debug, Clone, Default)]
struct OwnAddresses {
    inside: BTreeSet<Address>,
    strangers: Vec<Address>,
}

/// By interface: the first 1,024 addresses inside and the first eight outside that its records name as its own.
fn own_addresses(table: &Table, real: &[Option<Window>]) -> Vec<OwnAddresses> {
    let mut seen: Vec<BTreeMap<(bool, Address), Window>> = vec![BTreeMap::new(); table.interfaces.len()];
    for (candidate, first) in table.candidates.iter().zip(real) {
        if let (Some(first), Some(place), Whom::Address(End { address, inside })) =
            (first, candidate.interface, &candidate.whom)
            && !matches!(candidate.view, View::Behind(_))
        {
            let known = seen[place as usize].entry((*inside, *address)).or_insert(*first);
            *known = (*known).min(*first);
        }
    }
    let first_of = |seen: BTreeMap<(bool, Address), Window>| {
        let mut order: Vec<_> =
            seen.into_iter().map(|((inside, address), first)| (first, address, inside)).collect();
        order.sort_unstable();
        let of = |wanted: bool, most: usize| {
            let those = order.iter().filter(move |(_, _, inside)| *inside == wanted);
            those.take(most).map(|(_, address, _)| *address)
        };
        OwnAddresses {
            inside: of(true, ADDRESSES_MAX as usize).collect(),
            strangers: of(false, STRANGERS_MAX).collect(),
        }
    };
    seen.into_iter().map(first_of).collect()
}

/// The kind and the name of the entity that `candidate` stands for; none where it may be anybody's.
fn named(
    table: &Table,
    candidate: &Candidate,
    own: &[OwnAddresses],
    made: &mut [BTreeSet<Address>],
) -> Option<(EntityKind, Box<str>)> {
    match &candidate.whom {
        Whom::Named(kind, name) => return Some((*kind, name.clone())),
        Whom::Address(End { address: one, inside }) => {
            let ours = match candidate.interface {
                None => *inside,
                Some(place) => {
                    let own = &own[place as usize];
                    if *inside { own.inside.contains(one) } else { own.strangers.contains(one) }
                }
            };
            if ours {
                if let Some(place) = candidate.interface {
                    made[place as usize].insert(*one);
                }
                return Some((EntityKind::Address, address(*one).to_string().into()));
            }
        }
        Whom::Interface => {}
    }
    Some((EntityKind::Interface, table.interfaces[candidate.interface? as usize].name.clone()))
}

// === impl Somebody ===

impl Somebody {
    /// Takes in that it was first seen with `role` and as of `class` in window `first`.
    fn meet(&mut self, first: Window, role: &str, class: Option<AssetClass>) {
        self.first = self.first.min(first);
        let sooner = match self.role_since {
            None => true,
            Some(since) => (first, role) < (since, &*self.role),
        };
        if !role.is_empty() && sooner {
            (self.role, self.role_since) = (role.into(), Some(first));
        }
        let rank = |class: Option<AssetClass>| class.map(|class| class as u8);
        let sooner = match self.class_since {
            None => true,
            Some(since) => (first, rank(class)) < (since, rank(self.class)),
        };
        if class.is_some() && sooner {
            (self.class, self.class_since) = (class, Some(first));
        }
    }

    /// Whom it is compared with.
    pub(super) fn group(&self) -> &str {
        match self.class.filter(|class| class.passes_traffic()) {
            Some(class) => class.name(),
            None if self.role.is_empty() => EVERYONE,
            None => &self.role,
        }
    }
}
