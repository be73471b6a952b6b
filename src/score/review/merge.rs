//! Merging what several processes have learned of one estate under one seed, entry by entry.
//!
//! Histograms and pools are added up, sketches are united, first windows are the earliest, rings and weeks are joined. In
//! whatever order states are merged, the same comes out, byte for byte; and in whatever grouping too, as long as all of
//! them were learned inside one landmark period (two half-lives): where a landmark is passed, weights are rounded, and
//! a rounded sum may differ from a sum of rounded ones by half a unit of 16 to 64 a window. What
//! both learned of the same window counts twice: nobody can tell it apart.

use std::{collections::BTreeMap, sync::Arc};

use crate::score::{
    StateError,
    detect::known::capture::{self as known, KNOWN},
    entities::{
        amounts::Sums,
        entity::Entity,
        episode::Episode,
        open::{Open, Raised},
        series::{FEATURES, SERIES, Span},
        stretch::Stretch,
    },
    fringe::capture::FRINGE,
    grid::{Narrow, Window},
    histogram::Packed,
    kept::{
        capture::{Times, entity_bytes, group_bytes, interface_bytes, put_raised, times_bytes},
        entries,
        wire::{ADDRESS, ENTITY, GATE, GROUP, INTERFACE, hash_of, key},
    },
    keys::Key,
    policy::budget::BUDGET,
    sessions::capture::SESSIONS,
    usual::peers::{Epoch, Group},
    whose::{
        addresses,
        evidence::Evidence,
        interfaces::Interface,
        own::Shared,
        registry::{EVERYONE, entity_name},
    },
};

/// Entries of a state: keys with their values.
type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

/// Merges `states`, which were learned under one seed and one half-life.
///
/// # Errors
/// When an entry is not what a capture wrote, or half-lives differ.
pub fn merge(states: &[&Entries]) -> Result<Entries, StateError> {
    let mut times: Option<Times> = None;
    let mut by_key: BTreeMap<&[u8], Vec<&[u8]>> = BTreeMap::new();
    for state in states {
        for (key, value) in *state {
            match key.first() {
                Some(&GATE) => times = Some(joined_times(times, entries::times(value)?)?),
                Some(&(ADDRESS | ENTITY | GROUP | INTERFACE)) => by_key.entry(key).or_default().push(value),
                // Who comes from outside is learned again within the hour, and conversations end.
                Some(&(FRINGE | SESSIONS)) => {}
                // A table of its own.
                Some(&KNOWN) => {}
                // Alerts of several processes are counted by each.
                Some(&BUDGET) => {}
                _ => return Err(StateError::Key(key.clone())),
            }
        }
    }
    let Some(times) = times else { return Ok(Entries::new()) };
    let mut merged = Entries::new();
    for (key, values) in by_key {
        let bytes = match key[0] {
            ENTITY => entity(key, &values, times.folded)?,
            GROUP => group(key, &values)?,
            ADDRESS => address(&values)?,
            _ => interface(&values)?,
        };
        merged.insert(key.to_vec(), bytes);
    }
    let shown = states.iter().map(|state| state.range(vec![KNOWN]..vec![KNOWN + 1]));
    let shown = shown.map(|entries| entries.map(|(key, value)| (&**key, &**value)));
    merged.extend(known::merge(shown)?);
    merged.insert(key(GATE, 0), times_bytes(&times));
    Ok(merged)
}

fn joined_times(one: Option<Times>, other: Times) -> Result<Times, StateError> {
    let Some(mut one) = one else { return Ok(other) };
    if one.half_life_seconds != other.half_life_seconds {
        let (stored, set) = (other.half_life_seconds, one.half_life_seconds);
        return Err(StateError::Settings { name: "half_life", stored, set });
    }
    one.folded = one.folded.max(other.folded);
    one.global = one.global.max(other.global);
    for (partition, clock) in other.clocks {
        let known = one.clocks.entry(partition).or_insert(clock);
        *known = clock.max(*known);
    }
    Ok(one)
}

fn entity(key: &[u8], values: &[&[u8]], folded: Window) -> Result<Vec<u8>, StateError> {
    let hash = hash_of(key)?;
    let mut all = values.iter().map(|value| entries::entity(hash, value)).collect::<Result<Vec<_>, _>>()?;
    // All of them move to the latest landmark first, so that nothing depends on their order.
    advance(&mut all, FEATURES, |entity| &mut entity.own);
    for span in Span::ALL {
        advance(&mut all, span.features().len(), |entity| &mut entity.own_of_spans[span as usize]);
    }
    let mut all = all.into_iter();
    let Some(mut merged) = all.next() else { return Err(StateError::Torn) };
    all.for_each(|other| join(&mut merged, other));
    // One of them has folded these; what the other had of them is not known to be whole.
    merged.open.retain(|open| open.window() > folded);
    merged.forget_ended(folded);
    merged.pending.sort_unstable_by_key(|sample| {
        (sample.window.window(), sample.seen.window(), sample.times, sample.buckets)
    });
    Ok(entity_bytes(&merged))
}

fn advance(all: &mut [Entity], series: usize, own: impl Fn(&mut Entity) -> &mut Packed) {
    let landmark = all.iter_mut().map(|entity| own(entity).landmark()).max().unwrap_or(0);
    all.iter_mut().for_each(|entity| own(entity).advance(series, landmark));
}

fn join(own: &mut Entity, other: Entity) {
    let group = |entity: &Entity| {
        let group = entity.name.peer_group();
        (group != EVERYONE, group.to_owned())
    };
    // What only one of them knows of its class, or two know differently.
    let class = own.name.class.into_iter().chain(other.name.class).min_by_key(|class| *class as u8);
    let group = group(own).max(group(&other)).1;
    if (&*group, class) != (own.name.peer_group(), own.name.class) {
        own.name = entity_name((own.name.kind, own.name.name(), own.name.scope()), &group, class);
    }
    own.first = own.born().into_iter().chain(other.born()).min().map_or(Narrow::NONE, Narrow::of);
    own.held_out = own.held_out.saturating_add(other.held_out);
    own.episode = own.episode.into_iter().chain(other.episode).max_by_key(|one| (one.last(), one.start()));
    own.own.merge(FEATURES, &other.own);
    for span in Span::ALL {
        let (place, count) = (span as usize, span.features().len());
        own.own_of_spans[place].merge(count, &other.own_of_spans[place]);
    }
    join_stretch(&mut own.hour, other.hour);
    join_stretch(&mut own.day, other.day);
    match (&mut own.habits, other.habits) {
        (Some(own), Some(other)) => own.merge(&other),
        (own @ None, other) => *own = other,
        (Some(_), None) => {}
    }
    own.pending.extend(other.pending);
    for open in other.open {
        match own.find(open.window()) {
            Ok(place) => join_open(&mut own.open[place], open),
            Err(place) => own.open.insert(place, open),
        }
    }
}

/// The later of two hours or days; of the same one, all that both saw.
fn join_stretch<A: Sums>(own: &mut Option<Box<Stretch<A>>>, other: Option<Box<Stretch<A>>>) {
    let Some(other) = other else { return };
    match own {
        Some(own) if own.start == other.start => {
            own.amounts.merge(&other.amounts);
            own.held_out |= other.held_out;
            let (mut said, others) = (own.said(), other.said());
            said.told |= others.told;
            join_magnitudes(&mut said.magnitude, &others.magnitude);
            let episodes = said.episode.into_iter().chain(others.episode);
            said.episode = episodes.max_by_key(|one: &Episode| (one.last(), one.start()));
            own.say(said);
        }
        Some(own) if own.start > other.start => {}
        _ => *own = Some(other),
    }
}

fn join_magnitudes(own: &mut [Option<u8>; FEATURES], other: &[Option<u8>; FEATURES]) {
    for (own, other) in own.iter_mut().zip(other) {
        *own = (*own).max(*other);
    }
}

fn join_open(own: &mut Open, other: Open) {
    own.amounts.merge(&other.amounts);
    match (&mut own.activity, other.activity) {
        (Some(own), Some(other)) => {
            own.packets = own.packets.saturating_add(other.packets);
            for part in 0..own.events_by_part.len() {
                own.events_by_part[part] =
                    own.events_by_part[part].saturating_add(other.events_by_part[part]);
                own.bytes_by_part[part] = own.bytes_by_part[part].saturating_add(other.bytes_by_part[part]);
            }
        }
        (own @ None, other) => *own = other,
        (Some(_), None) => {}
    }
    match (&mut own.raised, other.raised) {
        (Some(own), Some(other)) => join_raised(own, &other),
        (own @ None, other) => *own = other,
        (Some(_), None) => {}
    }
}

/// What either has told; the physical thing is that of the one whose bytes are larger: any rule that all keep will do.
fn join_raised(own: &mut Raised, other: &Raised) {
    let thing = |raised: &Raised| {
        let mut bytes = Vec::new();
        put_raised(&Raised { magnitude: [None; FEATURES], ..raised.clone() }, &mut bytes);
        bytes
    };
    let mut magnitude = own.magnitude;
    join_magnitudes(&mut magnitude, &other.magnitude);
    if thing(other) > thing(own) {
        *own = other.clone();
    }
    own.magnitude = magnitude;
}

/// Adds up the pools hour by hour: as of each hour that either knows, what both knew by then.
fn group(key: &[u8], values: &[&[u8]]) -> Result<Vec<u8>, StateError> {
    let hash = hash_of(key)?;
    let mut groups = Vec::with_capacity(values.len());
    for value in values {
        groups.push(entries::group(hash, value)?);
    }
    let Some(first) = groups.first() else { return Err(StateError::Torn) };
    let mut merged = Group::new(hash, &first.scope, &first.name);
    merged.born = groups.iter().filter_map(|group| group.born).min();
    for group in &groups {
        for (gathered, other) in merged.gathered.iter_mut().zip(&group.gathered) {
            gathered.merge(other);
        }
    }
    let mut folds: Vec<Window> =
        groups.iter().flat_map(|group| group.epochs.iter().map(|(fold, _)| *fold)).collect();
    folds.sort_unstable();
    folds.dedup();
    for fold in folds {
        let known: Vec<_> = groups.iter().filter_map(|group| Some(group.as_of(fold)?.pools())).collect();
        // All of them move to the latest landmark first, so that nothing depends on their order.
        let mut pools = Box::<[crate::score::usual::pool::Pool; SERIES]>::default();
        for nth in 0..SERIES {
            let landmark = known.iter().map(|known| known[nth].landmark()).max().unwrap_or(0);
            for known in &known {
                let mut pool = known[nth].clone();
                pool.advance(landmark);
                pools[nth].merge(&pool);
            }
        }
        merged.epochs.push((fold, Arc::new(Epoch::of(&pools))));
    }
    Ok(group_bytes(&merged))
}

/// What the records of both have in common, and every address that either believed to be its own.
fn interface(values: &[&[u8]]) -> Result<Vec<u8>, StateError> {
    let mut merged: Option<(Interface, Shared)> = None;
    let mut heard: Option<Evidence> = None;
    for value in values {
        let (other, shared, evidence) = entries::interface(value)?;
        if let Some(evidence) = evidence {
            heard.get_or_insert_default().merge(evidence);
        }
        merged = Some(match merged.take() {
            None => (other, shared),
            Some((mut own, common)) => {
                own.strangers.extend_from_slice(&other.strangers);
                own.made.merge(&other.made);
                (own, shared_by(common, shared))
            }
        });
    }
    let Some((mut own, shared)) = merged else { return Err(StateError::Torn) };
    own.strangers.sort_unstable();
    own.strangers.dedup();
    // In one order, whichever side its first record had them on.
    let shared = match shared {
        Shared::Two(one, other) => Shared::Two(one.min(other), one.max(other)),
        shared => shared,
    };
    Ok(interface_bytes(&own, shared, heard.as_ref()))
}

/// Whose it is by the newest word; where nobody has said so, it has waited since the first.
fn address(values: &[&[u8]]) -> Result<Vec<u8>, StateError> {
    let mut whose: Option<(Window, Key)> = None;
    let mut waits: Option<Window> = None;
    for value in values {
        match addresses::decode(value)? {
            (Some(entity), since) => whose = whose.max(Some((since, entity))),
            (None, since) => waits = Some(waits.map_or(since, |waits| waits.min(since))),
        }
    }
    match (whose, waits) {
        (Some((since, entity)), _) => Ok(addresses::encode(Some(entity), since)),
        (None, Some(since)) => Ok(addresses::encode(None, since)),
        (None, None) => Err(StateError::Torn),
    }
}

fn shared_by(one: Shared, other: Shared) -> Shared {
    if one == Shared::Anything || other == Shared::Anything {
        return if one == Shared::Anything { other } else { one };
    }
    let others = other.addresses().1;
    let both: Vec<_> = one.addresses().1.into_iter().filter(|address| others.contains(address)).collect();
    match both[..] {
        [] => Shared::Nothing,
        [one] => Shared::One(one),
        [one, other, ..] => Shared::Two(one, other),
    }
}
