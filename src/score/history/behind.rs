//! Behind gateways: whose an internal address was in which window, once everything is known.
//!
//! Scoring asks whom it heard last (`addresses`): the newest record of an own interface that named the address. Here it is the
//! same by windows: whoever's first such window is the last one not after the window asked for. Where nobody has said so yet,
//! the address is that of whom its asset or itself names, as soon as that one is known by other records, or an hour after a
//! gateway's record first named it; before, a record at the gateway is nobody's, as live. Of one window whoever has the larger
//! key counts as heard last, and if assets name an address differently, its first one counts.

use std::collections::{BTreeMap, HashMap};

use crate::event::EntityKind;
use crate::score::{
    grid::Window,
    keys::Key,
    whose::{
        address::{Address, End, address},
        addresses::WAIT,
        interfaces::ADDRESSES_MAX,
        registry::entity_key,
    },
};

use super::{
    candidate::{Candidate, View, Whom},
    resolve::Known,
    table::Table,
};

/// Whose an address was.
#[derive(Debug, Default)]
pub(super) struct Owner {
    /// Ascending, and each another than the one before.
    steps: Vec<Step>,
    /// The first record at a gateway that names the address, and the candidate of that.
    passed: Option<(Window, Key, u32)>,
}

/// From which window on an address is an entity's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Step {
    from: Window,
    /// When that was noted, as live: a gateway's record notes it when one comes.
    since: Window,
    entity: Key,
}

/// That a record of an own interface named an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Told {
    first: Window,
    entity: Key,
    /// The name says no more than the address: live it is not noted of an address that no gateway has named.
    plain: bool,
}

/// Whom an address is by its asset, or by itself, from `open` on.
struct Fallback<'a> {
    address: Key,
    candidate: &'a Candidate,
    kind: EntityKind,
    name: Box<str>,
    entity: Key,
    open: Window,
    /// The first window in which somebody else has told.
    until: Window,
    /// The first window of a record at a gateway between these.
    used: Option<Window>,
}

/// Whose the addresses are by their keys, and the address that a candidate behind a gateway has, by its place.
pub(super) type Owners = (BTreeMap<Key, Owner>, HashMap<u32, Key>);

/// Finds whose each address was that gateways may name: candidates are `real` from their first windows on, and those
/// that are not behind gateways stand for the entities with `keys`.
pub(super) fn owners(
    table: &Table,
    real: &[Option<Window>],
    keys: &[Option<Key>],
    known: &mut Known,
) -> Owners {
    let mut owners: BTreeMap<Key, Owner> = BTreeMap::new();
    let mut passed: HashMap<u32, Key> = HashMap::new();
    for ((candidate, first), place) in table.candidates.iter().zip(real).zip(0..) {
        if let (View::Behind(address), Some(first)) = (candidate.view, *first) {
            let key = table.keys.of_address(&candidate.scope, address);
            let seen = (first, candidate.key, place);
            let owner = owners.entry(key).or_default();
            owner.passed = Some(owner.passed.map_or(seen, |known| known.min(seen)));
            passed.insert(place, key);
        }
    }
    for (key, told) in all_told(table, real, keys, known, &owners) {
        owners.entry(key).or_default().tell(told);
    }
    let mut fallbacks: Vec<Fallback<'_>> =
        owners.iter().filter_map(|(key, owner)| owner.fallback(*key, table, known)).collect();
    use_fallbacks(table, &passed, &mut fallbacks);
    let mut used: Vec<_> =
        fallbacks.iter().filter_map(|fallback| Some((fallback.used?, fallback.address, fallback))).collect();
    used.sort_unstable_by_key(|(used, address, _)| (*used, *address));
    for (used, address, fallback) in used {
        if let (true, Some(owner)) = (settle(known, fallback, used), owners.get_mut(&address)) {
            let step = Step { from: fallback.open, since: used, entity: fallback.entity };
            owner.steps.insert(0, step);
            owner.steps.dedup_by_key(|step| step.entity);
        }
    }
    (owners, passed)
}

/// By address, who told that it is theirs, in order.
fn all_told(
    table: &Table,
    real: &[Option<Window>],
    keys: &[Option<Key>],
    known: &Known,
    owners: &BTreeMap<Key, Owner>,
) -> BTreeMap<Key, Vec<Told>> {
    let mut all: BTreeMap<Key, Vec<Told>> = BTreeMap::new();
    for tell in &table.tells {
        if let Some(entity) = keys[tell.candidate as usize] {
            all.entry(tell.address).or_default().push(Told { first: tell.first, entity, plain: false });
        }
    }
    let mut plain = Vec::new();
    for ((candidate, first), entity) in table.candidates.iter().zip(real).zip(keys) {
        let Whom::Address(End { address, inside: true }) = candidate.whom else { continue };
        let (Some(first), Some(entity)) = (*first, *entity) else { continue };
        let is_plain = candidate.view == View::Own && known.kind_of(entity) == Some(EntityKind::Address);
        let told = Told { first, entity, plain: is_plain };
        let key = table.keys.of_address(&candidate.scope, address);
        if is_plain { plain.push((key, told)) } else { all.entry(key).or_default().push(told) }
    }
    for (key, told) in plain {
        if all.contains_key(&key) || owners.contains_key(&key) {
            all.entry(key).or_default().push(told);
        }
    }
    all.values_mut().for_each(|told| told.sort_unstable());
    all
}

/// Finds out which of them any record at a gateway needs.
fn use_fallbacks(table: &Table, passed: &HashMap<u32, Key>, fallbacks: &mut [Fallback<'_>]) {
    let places: HashMap<Key, usize> = fallbacks.iter().map(|fallback| fallback.address).zip(0..).collect();
    if places.is_empty() {
        return;
    }
    for row in table.rows.iter() {
        let Some(place) = passed.get(&row.candidate).and_then(|key| places.get(key)) else { continue };
        let (fallback, window) = (&mut fallbacks[*place], row.window.window());
        if (fallback.open..fallback.until).contains(&window) {
            fallback.used = Some(fallback.used.map_or(window, |used| used.min(window)));
        }
    }
}

/// Makes `fallback` known from window `used` on, if it is or there is room at the gateway's interface; says whether it is.
fn settle(known: &mut Known, fallback: &Fallback<'_>, used: Window) -> bool {
    let is_new = known.first_of(fallback.entity).is_none_or(|first| first > used);
    if let (true, Some(interface), Whom::Address(End { address, .. })) =
        (is_new, fallback.candidate.interface, &fallback.candidate.whom)
    {
        let made = &mut known.made[interface as usize];
        if made.len() >= ADDRESSES_MAX as usize {
            return false;
        }
        made.insert(*address);
    }
    known.meet(fallback.candidate, (fallback.kind, fallback.name.clone(), fallback.entity), used);
    true
}

// === impl Owner ===

impl Owner {
    /// The entity whose it was in `window`.
    pub(super) fn of(&self, window: Window) -> Option<Key> {
        let place = self.steps.partition_point(|step| step.from <= window).checked_sub(1)?;
        Some(self.steps[place].entity)
    }

    /// Whose it is in the end, and since when; of nobody's, since when it waits.
    pub(super) fn last(&self) -> Option<(Option<Key>, Window)> {
        let last = self.steps.last().map(|step| (Some(step.entity), step.since));
        last.or_else(|| self.passed.map(|(first, ..)| (None, first)))
    }

    fn tell(&mut self, told: Vec<Told>) {
        let named = told.iter().filter(|told| !told.plain).map(|told| told.first).min();
        let noted = named.into_iter().chain(self.passed.map(|(first, ..)| first)).min();
        let step = |Told { first, entity, plain }| {
            let since = if plain { first.max(noted.unwrap_or(first)) } else { first };
            Step { from: first, since, entity }
        };
        self.steps = told.into_iter().map(step).collect();
        self.steps.dedup_by_key(|step| step.entity);
    }

    /// Whom the address is where nobody has told, if there is a window for that.
    fn fallback<'a>(&self, key: Key, table: &'a Table, known: &Known) -> Option<Fallback<'a>> {
        let (since, _, place) = self.passed?;
        let candidate = &table.candidates[place as usize];
        let (kind, name): (_, Box<str>) = match &candidate.whom {
            Whom::Named(kind, name) => (*kind, name.clone()),
            Whom::Address(end) => (EntityKind::Address, text_of(end.address)),
            Whom::Interface => return None,
        };
        let entity = entity_key(&table.keys, (kind.name(), &name, &candidate.scope), candidate.class);
        let waited = since + WAIT;
        let open = known.first_of(entity).map_or(waited, |first| first.clamp(since, waited));
        let until = self.steps.first().map_or(Window::MAX, |step| step.from);
        let used = None;
        let fallback = Fallback { address: key, candidate, kind, name, entity, open, until, used };
        (open < until).then_some(fallback)
    }
}

/// `one` as it is written.
fn text_of(one: Address) -> Box<str> {
    address(one).to_string().into()
}
