//! Who is who: from candidates to entities, once everything is known of their interfaces.
//!
//! What scoring decides by who comes first is decided here by the first window in which somebody was seen, and among those of one
//! window by key: the order of reading means nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    super::{
        address::{Address, End, address},
        grid::Window,
        identity::{ADDRESS, INTERFACE},
        interfaces::{ADDRESSES_MAX, STRANGERS_MAX},
        keys::Key,
        own::Shared,
        registry::entity_key,
    },
    candidate::{Candidate, Whom},
    table::Table,
};

/// An entity of the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Somebody {
    pub(super) key: Key,
    pub(super) kind: &'static str,
    pub(super) name: Box<str>,
    pub(super) scope: Box<str>,
    /// What its asset is there for, as it was first said; empty where nobody said.
    pub(super) role: Box<str>,
    /// Its first window, and the first in which its role was said.
    first: Window,
    role_since: Option<Window>,
}

/// Who everybody is.
#[derive(Debug, Default)]
pub(super) struct Everybody {
    /// In order of their first windows.
    pub(super) entities: Vec<Somebody>,
    /// By candidate: the entity, by its place, or nobody.
    pub(super) of_candidate: Vec<Option<u32>>,
    /// By interface: its own addresses outside, and how many entities its addresses have made.
    pub(super) owned: Vec<(Vec<Address>, u32)>,
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
    let mut entities: HashMap<Key, Somebody> = HashMap::new();
    let mut keys: Vec<Option<Key>> = Vec::with_capacity(real.len());
    let mut made: Vec<BTreeSet<Address>> = vec![BTreeSet::new(); table.interfaces.len()];
    for (candidate, first) in table.candidates.iter().zip(&real) {
        let named = first.and_then(|first| Some((first, named(table, candidate, &own, &mut made)?)));
        keys.push(named.map(|(first, (kind, name))| {
            let key = entity_key(&table.keys, kind, &name, &candidate.scope);
            let new = Somebody {
                key,
                kind,
                name,
                scope: candidate.scope.clone(),
                role: "".into(),
                first,
                role_since: None,
            };
            entities.entry(key).or_insert(new).meet(first, &candidate.role);
            key
        }));
    }
    let mut entities: Vec<Somebody> = entities.into_values().collect();
    entities.sort_unstable_by_key(|entity| (entity.first, entity.key));
    let places: HashMap<Key, u32> = entities.iter().map(|entity| entity.key).zip(0..).collect();
    let owned = own.iter().zip(&made);
    Everybody {
        of_candidate: keys.iter().map(|key| key.and_then(|key| places.get(&key).copied())).collect(),
        owned: owned.map(|(own, made)| (own.strangers.clone(), made.len() as u32)).collect(),
        entities,
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
) -> Option<(&'static str, Box<str>)> {
    match &candidate.whom {
        Whom::Named(kind, name) => return Some((kind, name.clone())),
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
                return Some((ADDRESS, address(*one).to_string().into()));
            }
        }
        Whom::Interface => {}
    }
    Some((INTERFACE, table.interfaces[candidate.interface? as usize].name.clone()))
}

// === impl Somebody ===

impl Somebody {
    /// Takes in that it was first seen with `role` in window `first`.
    fn meet(&mut self, first: Window, role: &str) {
        self.first = self.first.min(first);
        let sooner = match self.role_since {
            None => true,
            Some(since) => (first, role) < (since, &*self.role),
        };
        if !role.is_empty() && sooner {
            (self.role, self.role_since) = (role.into(), Some(first));
        }
    }
}
