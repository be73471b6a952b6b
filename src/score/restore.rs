//! Restoring: from the bytes that captures left in the state to a scorer that goes on where it stood.

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    event::{Activity, Asset, AssetClass, Partition},
    telemetry::metrics::Metrics,
};

use super::{
    Config, Scorer, StateError,
    address::address,
    addresses,
    amounts::{Amounts, Twofold},
    capture::Times,
    cardinality::Cardinality,
    distinct::Distinct,
    entity::{Entity, Open, Raised},
    episode::Episode,
    evidence::Evidence,
    fringe::capture::FRINGE,
    gate::Gate,
    grid::Narrow,
    habits::Habits,
    histogram::{Increments, Packed, geometry::LAST, wire::take_byte},
    identity::KINDS,
    interfaces::Interface,
    keys::Key,
    lock,
    own::Shared,
    peers::{Epoch, Group},
    pool::Pool,
    registry::{EVERYONE, Told, entity_key, entity_name},
    sample::{NOTHING, Sample},
    seat::{decode_at, seat_key},
    series::{FEATURES, Span},
    stretch::Stretch,
    wire::{
        ADDRESS, ENTITY, GATE, GROUP, INTERFACE, hash_of, take_count, take_end, take_int, take_option,
        take_text, take_uint, take_version, take_wide,
    },
};

/// Serials of restored assets, from the top: enrichment gives its own from the bottom.
static ASSETS: AtomicU64 = AtomicU64::new(u64::MAX);

// === impl Scorer ===

impl Scorer {
    /// A scorer that goes on where the captures that make up `entries` left off; `state_seed` is the one that they were
    /// made under. Partitions are waited for once they are assigned again.
    ///
    /// # Errors
    /// When an entry is not what a capture wrote, or was learned with another half-life.
    pub fn restore(
        config: &Config,
        metrics: &Metrics,
        state_seed: [u8; 16],
        entries: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>,
    ) -> Result<Self, StateError> {
        let scorer = Self::new(config, metrics, state_seed);
        let mut gate = lock(&scorer.gate);
        // Sorted, so that the same entries give the same places, and groups are there before their members.
        let entries: BTreeMap<Vec<u8>, Vec<u8>> = entries.into_iter().collect();
        let of = |letter: u8| entries.range(vec![letter]..vec![letter + 1]);
        let known = [ADDRESS, ENTITY, GATE, GROUP, INTERFACE, FRINGE];
        if let Some(key) =
            entries.keys().find(|key| !key.first().is_some_and(|letter| known.contains(letter)))
        {
            return Err(StateError::Key(key.clone()));
        }
        for (key, value) in of(GATE) {
            match *key == seat_key() {
                true => scorer.peers.write().restored = Some(decode_at(value)?),
                false => restore_gate(&mut gate, value, scorer.rules.decay.half_life_seconds())?,
            }
        }
        for (_, value) in of(INTERFACE) {
            let (interface, shared, evidence) = interface(value)?;
            gate.attribution.restore(interface, shared, evidence);
        }
        for (key, value) in of(GROUP) {
            scorer.restore_group(&mut gate, group(hash_of(key)?, value)?);
        }
        let entities = of(ENTITY).map(|(key, value)| entity(hash_of(key)?, value));
        let mut entities = entities.collect::<Result<Vec<Entity>, StateError>>()?;
        // Where there are more than fit, those come in who were active last; the others are where they are.
        entities.sort_by_key(|entity| Reverse(entity.newest()));
        for entity in entities {
            scorer.restore_entity(&mut gate, entity)?;
        }
        for (key, value) in of(ADDRESS) {
            gate.attribution.restore_address(hash_of(key)?, addresses::decode(value)?);
        }
        drop(gate);
        scorer.restore_fringe(&entries)?;
        Ok(scorer)
    }

    fn restore_fringe(&self, entries: &BTreeMap<Vec<u8>, Vec<u8>>) -> Result<(), StateError> {
        let mut lost = 0;
        for (nth, shard) in self.shards.iter().enumerate() {
            let prefix = [FRINGE, nth as u8];
            let own = entries.range(prefix.to_vec()..).take_while(|(key, _)| key.starts_with(&prefix));
            lost += lock(shard).fringe.restore(nth, own.map(|(key, value)| (&**key, &**value)))?;
        }
        if lost > 0 {
            tracing::warn!(
                lost,
                "external addresses or pairs lost their records, because score.externals_max or score.pairs_max is smaller \
                 than it was"
            );
        }
        Ok(())
    }

    fn restore_group(&self, gate: &mut Gate, group: Group) {
        let mut peers = self.peers.write();
        match peers.groups.iter_mut().find(|known| known.key == group.key) {
            Some(everybody) => *everybody = group,
            None => {
                let key = group.key;
                let place = peers.put(group);
                gate.attribution.pools.insert(key, place);
            }
        }
    }

    fn restore_entity(&self, gate: &mut Gate, mut entity: Entity) -> Result<(), StateError> {
        let name = Arc::clone(&entity.name);
        if entity_key(&gate.attribution.keys, (name.kind, &name.name, &name.scope), name.class) != entity.key
        {
            return Err(StateError::Torn);
        }
        entity.pool = gate.attribution.pool(&name.scope, &name.peer_group, &self.peers);
        let told = Told { role: &*name.peer_group != EVERYONE, class: name.class };
        let Some(place) = gate.attribution.registry.add(entity.key, told) else {
            gate.attribution.refused += 1;
            return Ok(());
        };
        let mut shard = lock(&self.shards[place.shard()]);
        for open in &entity.open {
            if open.window() <= gate.folded {
                return Err(StateError::Torn);
            }
            shard.open.entry(open.window()).or_default().push(place.slot());
            gate.openings.enter(place, open.window());
        }
        entity.forget_ended(gate.folded);
        for span in Span::ALL {
            if entity.stretches[span as usize].is_some() {
                shard.stretched[span as usize].push(place.slot());
            }
        }
        if let Some(newest) = entity.newest() {
            gate.openings.was_active(place, newest);
        }
        shard.entities.push(entity);
        Ok(())
    }
}

fn restore_gate(gate: &mut Gate, bytes: &[u8], half_life: u32) -> Result<(), StateError> {
    let Times { half_life_seconds: stored, folded, global, clocks } = times(bytes)?;
    if stored != u64::from(half_life) {
        return Err(StateError::Settings { name: "half_life", stored, set: u64::from(half_life) });
    }
    gate.folded = folded;
    gate.clocks.restore(global, clocks.into_iter().collect());
    Ok(())
}

pub(super) fn times(mut bytes: &[u8]) -> Result<Times, StateError> {
    let bytes = &mut bytes;
    take_version(bytes)?;
    let mut times = Times { half_life_seconds: take_uint(bytes)?, ..Times::default() };
    times.folded = take_time(bytes)?;
    times.global = take_time(bytes)?;
    for _ in 0..take_count(bytes)? {
        times.clocks.insert(Partition::new(take_text(bytes)?), take_time(bytes)?);
    }
    take_end(bytes)?;
    Ok(times)
}

/// A time in seconds or windows that no arithmetic on times can carry over the edge.
fn take_time(bytes: &mut &[u8]) -> Result<i64, StateError> {
    let time = take_int(bytes)?;
    if time.checked_mul(2).is_some() { Ok(time) } else { Err(StateError::Torn) }
}

/// The number of a window; its start and end are times.
pub(super) fn take_window(bytes: &mut &[u8]) -> Result<i64, StateError> {
    let window = take_int(bytes)?;
    if (-1_000..1 << 40).contains(&window) { Ok(window) } else { Err(StateError::Torn) }
}

pub(super) fn interface(mut bytes: &[u8]) -> Result<(Interface, Shared, Option<Evidence>), StateError> {
    let bytes = &mut bytes;
    take_version(bytes)?;
    let scope = [take_text(bytes)?, take_text(bytes)?, take_text(bytes)?];
    let mut interface = Interface::new(scope, take_text(bytes)?);
    let shared = match take_uint(bytes)? {
        0 => Shared::Anything,
        1 => Shared::One(take_wide(bytes)?),
        2 => Shared::Two(take_wide(bytes)?, take_wide(bytes)?),
        3 => Shared::Nothing,
        _ => return Err(StateError::Torn),
    };
    for _ in 0..take_count(bytes)? {
        interface.strangers.push(take_wide(bytes)?);
    }
    interface.made = u32::try_from(take_uint(bytes)?).map_err(|_| StateError::Torn)?;
    let evidence = take_option(bytes, Evidence::decode)?;
    take_end(bytes)?;
    Ok((interface, shared, evidence))
}

/// Scope and name of the group that an entry is about.
pub(super) fn name_of_group(mut bytes: &[u8]) -> Result<(&str, &str), StateError> {
    let bytes = &mut bytes;
    take_version(bytes)?;
    Ok((take_text(bytes)?, take_text(bytes)?))
}

/// Kind, name, scope and peer group of the entity that an entry is about, and its class.
pub(super) fn name_of_entity(mut bytes: &[u8]) -> Result<([&str; 4], Option<AssetClass>), StateError> {
    let bytes = &mut bytes;
    take_version(bytes)?;
    let texts = [take_text(bytes)?, take_text(bytes)?, take_text(bytes)?, take_text(bytes)?];
    Ok((texts, take_option(bytes, class)?))
}

pub(super) fn group(key: Key, mut bytes: &[u8]) -> Result<Group, StateError> {
    let bytes = &mut bytes;
    take_version(bytes)?;
    let (scope, name) = (take_text(bytes)?, take_text(bytes)?);
    let mut group = Group::new(key, scope, name);
    group.born = take_option(bytes, take_window)?;
    for _ in 0..take_count(bytes)? {
        let fold = take_window(bytes)?;
        for pool in &mut *group.pools {
            *pool = Pool::decode(bytes)?;
        }
        group.epochs.push((fold, Arc::new(Epoch::of(&group.pools))));
    }
    for gathered in &mut group.gathered {
        *gathered = Increments::decode(bytes)?;
    }
    take_end(bytes)?;
    if !group.epochs.is_sorted_by(|one, other| one.0 < other.0) {
        return Err(StateError::Torn);
    }
    Ok(group)
}

pub(super) fn entity(key: Key, mut bytes: &[u8]) -> Result<Entity, StateError> {
    let bytes = &mut bytes;
    take_version(bytes)?;
    let kind = take_text(bytes)?;
    let kind = KINDS.into_iter().find(|known| *known == kind).ok_or(StateError::Text)?;
    let (name, scope, group) = (take_text(bytes)?, take_text(bytes)?, take_text(bytes)?);
    let class = take_option(bytes, class)?;
    let mut entity = Entity::new(key, entity_name((kind, name, scope), group, class), 0);
    entity.born = take_option(bytes, take_window)?;
    entity.held_out = u32::try_from(take_uint(bytes)?).map_err(|_| StateError::Torn)?;
    entity.episode = take_option(bytes, episode)?;
    entity.own = Packed::decode(FEATURES, bytes)?;
    for span in Span::ALL {
        entity.own_of_spans[span as usize] = Packed::decode(span.features().len(), bytes)?;
    }
    for span in Span::ALL {
        entity.stretches[span as usize] = take_option(bytes, |bytes| stretch(span, bytes))?.map(Box::new);
    }
    entity.habits = take_option(bytes, |bytes| Ok(Box::new(Habits::decode(bytes)?)))?;
    for _ in 0..take_count(bytes)? {
        entity.pending.push(sample(bytes)?);
    }
    for _ in 0..take_count(bytes)? {
        entity.open.push(open(bytes)?);
    }
    take_end(bytes)?;
    let ascending = entity.pending.is_sorted_by(|one, other| one.window <= other.window)
        && entity.open.is_sorted_by(|one, other| one.window() < other.window());
    if ascending { Ok(entity) } else { Err(StateError::Torn) }
}

fn episode(bytes: &mut &[u8]) -> Result<Episode, StateError> {
    let (start, last) = (take_window(bytes)?, take_window(bytes)?);
    if start <= last { Ok(Episode::of(start, last)) } else { Err(StateError::Torn) }
}

fn sample(bytes: &mut &[u8]) -> Result<Sample, StateError> {
    let [window, seen] = [take_window(bytes)?, take_window(bytes)?].map(Narrow::of);
    let times = take_byte(bytes)?;
    let mut buckets = [0; FEATURES];
    for bucket in &mut buckets {
        *bucket = u16::try_from(take_uint(bytes)?).map_err(|_| StateError::Torn)?;
        if *bucket > LAST && *bucket != NOTHING {
            return Err(StateError::Torn);
        }
    }
    Ok(Sample { window, seen, times, buckets })
}

fn open(bytes: &mut &[u8]) -> Result<Open, StateError> {
    let mut open = Open::new(take_window(bytes)?);
    open.amounts = twofold(bytes)?;
    open.raised = take_option(bytes, raised)?.map(Box::new);
    open.activity = take_option(bytes, activity)?.map(Box::new);
    Ok(open)
}

fn twofold(bytes: &mut &[u8]) -> Result<Twofold, StateError> {
    Ok(Twofold { own: amounts(bytes)?, passed: take_option(bytes, amounts)?.map(Box::new) })
}

pub(super) fn amounts(bytes: &mut &[u8]) -> Result<Amounts, StateError> {
    let mut amounts = Amounts::default();
    let Amounts { bytes_out, external_bytes_out, bytes_in, packets, rejects, .. } = &mut amounts;
    for sum in [bytes_out, external_bytes_out, bytes_in, packets, rejects] {
        *sum = take_uint(bytes)?;
    }
    amounts.ports = Distinct::decode(bytes)?;
    amounts.peers = Cardinality::decode(bytes)?;
    amounts.sources = Cardinality::decode(bytes)?;
    Ok(amounts)
}

fn stretch(span: Span, bytes: &mut &[u8]) -> Result<Stretch, StateError> {
    let start = take_window(bytes)?;
    let mut stretch = Stretch::new(start);
    stretch.amounts = twofold(bytes)?;
    stretch.held_out = match take_byte(bytes)? {
        0 => false,
        1 => true,
        _ => return Err(StateError::Torn),
    };
    stretch.told = take_byte(bytes)?;
    stretch.magnitude = magnitudes(bytes)?;
    stretch.episode = take_option(bytes, episode)?;
    if span.start_of(start) == start { Ok(stretch) } else { Err(StateError::Torn) }
}

fn magnitudes(bytes: &mut &[u8]) -> Result<[Option<u8>; FEATURES], StateError> {
    let mut magnitudes = [None; FEATURES];
    for magnitude in &mut magnitudes {
        let stored = take_option(bytes, take_uint)?;
        *magnitude = stored.map(|stored| u8::try_from(stored).map_err(|_| StateError::Torn)).transpose()?;
    }
    Ok(magnitudes)
}

fn activity(bytes: &mut &[u8]) -> Result<Activity, StateError> {
    let mut activity = Activity { packets: take_uint(bytes)?, ..Activity::default() };
    for (events, sum) in activity.events_by_part.iter_mut().zip(&mut activity.bytes_by_part) {
        *events = u32::try_from(take_uint(bytes)?).map_err(|_| StateError::Torn)?;
        *sum = take_uint(bytes)?;
    }
    Ok(activity)
}

pub(super) fn raised(bytes: &mut &[u8]) -> Result<Raised, StateError> {
    let mut raised = Raised { magnitude: magnitudes(bytes)?, ..Raised::default() };
    raised.interface = take_option(bytes, take_text)?.map(Into::into);
    raised.instance = take_option(bytes, take_text)?.map(Into::into);
    raised.address = take_option(bytes, take_wide)?.map(address);
    raised.peer = take_option(bytes, take_wide)?.map(address);
    raised.asset = take_option(bytes, asset)?.map(Arc::new);
    Ok(raised)
}

pub(super) fn class(bytes: &mut &[u8]) -> Result<AssetClass, StateError> {
    AssetClass::of_name(take_text(bytes)?).ok_or(StateError::Text)
}

fn asset(bytes: &mut &[u8]) -> Result<Asset, StateError> {
    let mut text = || Ok::<_, StateError>(take_option(bytes, take_text)?.map(Into::into));
    let serial = ASSETS.fetch_sub(1, Ordering::Relaxed);
    let mut asset = Asset {
        serial,
        name: text()?,
        owner: text()?,
        role: text()?,
        criticality: text()?,
        ..Asset::default()
    };
    asset.class = take_option(bytes, class)?;
    for _ in 0..take_count(bytes)? {
        asset.tags.insert(take_text(bytes)?.into(), take_text(bytes)?.into());
    }
    Ok(asset)
}
