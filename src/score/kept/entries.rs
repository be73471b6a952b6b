//! What an entry of the state says, read from its bytes.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::{
    event::{Activity, Asset, AssetClass, EntityKind, Partition},
    score::{
        StateError,
        entities::{
            amounts::{Amounts, Sums, Twofold},
            daily::Daily,
            entity::Entity,
            episode::Episode,
            open::{Open, Raised},
            series::{FEATURES, Span},
            shown::Shown,
            stretch::{Said, Stretch},
        },
        grid::Narrow,
        histogram::{Increments, Packed, geometry::LAST, wire::take_byte},
        keys::Key,
        sketch::{cardinality::Cardinality, distinct::Distinct},
        usual::{
            habits::Habits,
            peers::{Epoch, Group},
            pool::Pool,
            sample::{NOTHING, Sample},
        },
        whose::{
            address::address, evidence::Evidence, interfaces::Interface, made::Made, own::Shared,
            registry::entity_name,
        },
    },
};

use super::{
    capture::Times,
    wire::{take_count, take_end, take_int, take_option, take_text, take_uint, take_version, take_wide},
};

/// Serials of restored assets, from the top: enrichment gives its own from the bottom.
static ASSETS: AtomicU64 = AtomicU64::new(u64::MAX);

pub(in crate::score) fn times(mut bytes: &[u8]) -> Result<Times, StateError> {
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
pub(in crate::score) fn take_window(bytes: &mut &[u8]) -> Result<i64, StateError> {
    let window = take_int(bytes)?;
    if (-1_000..1 << 40).contains(&window) { Ok(window) } else { Err(StateError::Torn) }
}

pub(in crate::score) fn interface(
    mut bytes: &[u8],
) -> Result<(Interface, Shared, Option<Evidence>), StateError> {
    let bytes = &mut bytes;
    take_version(bytes)?;
    let scope = [take_text(bytes)?, take_text(bytes)?, take_text(bytes)?];
    let mut interface = Interface::new(scope, take_text(bytes)?);
    let shared = shared(bytes)?;
    for _ in 0..take_count(bytes)? {
        interface.strangers.push(take_wide(bytes)?);
    }
    interface.made = Made::decode(bytes)?;
    let evidence = take_option(bytes, Evidence::decode)?;
    take_end(bytes)?;
    Ok((interface, shared, evidence))
}

/// What the records of an interface share.
pub(in crate::score) fn shared(bytes: &mut &[u8]) -> Result<Shared, StateError> {
    Ok(match take_uint(bytes)? {
        0 => Shared::Anything,
        1 => Shared::One(take_wide(bytes)?),
        2 => Shared::Two(take_wide(bytes)?, take_wide(bytes)?),
        3 => Shared::Nothing,
        _ => return Err(StateError::Torn),
    })
}

/// Scope and name of the group that an entry is about.
pub(in crate::score) fn name_of_group(mut bytes: &[u8]) -> Result<(&str, &str), StateError> {
    let bytes = &mut bytes;
    take_version(bytes)?;
    Ok((take_text(bytes)?, take_text(bytes)?))
}

/// Kind, name, scope and peer group of the entity that an entry is about, and its class.
pub(in crate::score) fn name_of_entity(
    mut bytes: &[u8],
) -> Result<([&str; 4], Option<AssetClass>), StateError> {
    let bytes = &mut bytes;
    take_version(bytes)?;
    let texts = [take_text(bytes)?, take_text(bytes)?, take_text(bytes)?, take_text(bytes)?];
    Ok((texts, take_option(bytes, class)?))
}

pub(in crate::score) fn group(key: Key, mut bytes: &[u8]) -> Result<Group, StateError> {
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

pub(in crate::score) fn entity(key: Key, mut bytes: &[u8]) -> Result<Entity, StateError> {
    let bytes = &mut bytes;
    take_version(bytes)?;
    let kind = take_text(bytes)?;
    let kind = EntityKind::of_name(kind).ok_or(StateError::Text)?;
    let (name, scope, group) = (take_text(bytes)?, take_text(bytes)?, take_text(bytes)?);
    let class = take_option(bytes, class)?;
    let mut entity = Entity::new(key, entity_name((kind, name, scope), group, class), 0);
    entity.first = take_option(bytes, take_window)?.map_or(Narrow::NONE, Narrow::of);
    entity.held_out = u32::try_from(take_uint(bytes)?).map_err(|_| StateError::Torn)?;
    entity.episode = take_option(bytes, episode)?;
    entity.own = Packed::decode(FEATURES, bytes)?;
    for span in Span::ALL {
        entity.own_of_spans[span as usize] = Packed::decode(span.features().len(), bytes)?;
    }
    entity.hour = take_option(bytes, |bytes| stretch(Span::Hour, bytes, amounts))?.map(Box::new);
    entity.day = take_option(bytes, |bytes| stretch(Span::Day, bytes, daily))?.map(Box::new);
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
    open.amounts = twofold(bytes, amounts)?;
    open.raised = take_option(bytes, raised)?.map(Box::new);
    open.activity = take_option(bytes, activity)?.map(Box::new);
    Ok(open)
}

/// Takes what the windows of a span came to off the front of some bytes.
type Take<A> = fn(&mut &[u8]) -> Result<A, StateError>;

fn twofold<A>(bytes: &mut &[u8], take: Take<A>) -> Result<Twofold<A>, StateError> {
    Ok(Twofold { own: take(bytes)?, passed: take_option(bytes, take)?.map(Box::new) })
}

fn daily(bytes: &mut &[u8]) -> Result<Daily, StateError> {
    Ok(Daily {
        bytes_out: take_uint(bytes)?,
        external_bytes_out: take_uint(bytes)?,
        peers: Cardinality::decode(bytes)?,
    })
}

pub(in crate::score) fn amounts(bytes: &mut &[u8]) -> Result<Amounts, StateError> {
    let mut amounts = Amounts::default();
    let Amounts { bytes_out, external_bytes_out, bytes_in, packets, rejects, .. } = &mut amounts;
    for sum in [bytes_out, external_bytes_out, bytes_in, packets, rejects] {
        *sum = take_uint(bytes)?;
    }
    amounts.ports = Distinct::decode(bytes)?;
    amounts.peers = Cardinality::decode(bytes)?;
    amounts.sources = Cardinality::decode(bytes)?;
    amounts.shown = Shown::decode(bytes)?;
    Ok(amounts)
}

fn stretch<A: Sums>(span: Span, bytes: &mut &[u8], take: Take<A>) -> Result<Stretch<A>, StateError> {
    let start = take_window(bytes)?;
    let mut stretch = Stretch::new(start);
    stretch.amounts = twofold(bytes, take)?;
    stretch.held_out = match take_byte(bytes)? {
        0 => false,
        1 => true,
        _ => return Err(StateError::Torn),
    };
    stretch.say(Said {
        told: take_byte(bytes)?,
        magnitude: magnitudes(bytes)?,
        episode: take_option(bytes, episode)?,
    });
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

pub(in crate::score) fn raised(bytes: &mut &[u8]) -> Result<Raised, StateError> {
    let mut raised = Raised { magnitude: magnitudes(bytes)?, ..Raised::default() };
    raised.interface = take_option(bytes, take_text)?.map(Into::into);
    raised.instance = take_option(bytes, take_text)?.map(Into::into);
    raised.address = take_option(bytes, take_wide)?.map(address);
    raised.peer = take_option(bytes, take_wide)?.map(address);
    raised.asset = take_option(bytes, asset)?.map(Arc::new);
    Ok(raised)
}

pub(in crate::score) fn class(bytes: &mut &[u8]) -> Result<AssetClass, StateError> {
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
