//! A capture: what has changed since the last one, consistent at one ticket, as bytes for the state.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
};

use crate::{
    event::{Activity, Asset, AssetClass, Bookmark, Origin, Partition, Position},
    score::{
        Scorer, Unsaved,
        entities::{
            amounts::{Amounts, Sums, Twofold},
            daily::Daily,
            entity::Entity,
            episode::Episode,
            open::{Open, Raised},
            series::FEATURES,
            stretch::Stretch,
        },
        fringe::capture::Depth,
        gate::Gate,
        grid::Window,
        keys::{Key, Keys},
        lock,
        seat::seat_key,
        shard::Shard,
        usual::{bench::Bench, habits::Habits, peers::Group},
        whose::{address::number, evidence::Evidence, interfaces::Interface, own::Shared},
    },
};

use super::wire::{
    ADDRESS, ENTITY, GATE, GROUP, INTERFACE, VERSION, key, put_int, put_option, put_text, put_uint, put_wide,
};

/// What has changed since the last capture.
///
/// A capture is either stored or given back with [`Scorer::give_back`], before the next one is taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capture {
    /// Which capture of this scorer it is, from 1.
    pub number: u64,
    /// Keys of the state, in order, and their new values; without a value the key goes.
    pub entries: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    /// Up to where each origin is scored in this state: everything before is in it, nothing after.
    pub positions: Vec<(Origin, Position)>,
    /// The same as their sources write it, where a position does not outlive the process; nothing where what was known
    /// counts no longer.
    pub cursors: Vec<(Origin, Option<Bookmark>)>,
    /// Of a part, a position that is not after any record of a window that is open in it; none where no window is.
    pub open_from: Option<Position>,
}

// === impl Scorer ===

impl Scorer {
    /// What has changed since the last capture, when everything before `ticket` is scored and nothing after it. It
    /// becomes valid when every sink has confirmed everything up to its positions.
    pub fn capture(&self, ticket: u64) -> Capture {
        let Unsaved { mut entries, mut positions, mut cursors } = std::mem::take(&mut *lock(&self.unsaved));
        let number = self.captures.fetch_add(1, Ordering::Relaxed) + 1;
        let (mut depth, mut folded, mut open_from) = (Depth::Records, 0, None);
        self.gate_turn.take(ticket, || {
            let mut gate = lock(&self.gate);
            for origin in std::mem::take(&mut gate.anew) {
                positions.remove(&origin);
            }
            for (origin, position) in std::mem::take(&mut gate.positions) {
                let scored = positions.entry(origin).or_default();
                *scored = position.max(*scored);
            }
            cursors.append(&mut gate.cursors);
            (depth, folded) = (gate.depth(), gate.folded);
            open_from = gate.begun.first();
            let keys = gate.attribution.keys.clone();
            entries.insert(key(GATE, 0), Some(gate_bytes(&gate, self.rules.decay.half_life_seconds())));
            gate.attribution.interfaces.take_dirty(|interface, shared, evidence| {
                let bytes = interface_bytes(interface, shared, evidence);
                entries.insert(interface_key(&keys, interface), Some(bytes));
            });
            gate.attribution.addresses.take_dirty(|hash, bytes| {
                entries.insert(key(ADDRESS, hash), bytes);
            });
        });
        for (nth, turn) in self.shard_turns.iter().enumerate() {
            turn.wait(ticket);
            let peers = self.peers.read();
            let mut shard = lock(&self.shards[nth]);
            for (left, bytes) in shard.take_left(&self.rules.bench(&peers, folded)) {
                if let Some(desk) = &shard.desk {
                    desk.hold(number, left, Arc::from(&*bytes));
                }
                entries.insert(key(ENTITY, left), Some(bytes));
            }
            shard.take_dirty(|entity| {
                entries.insert(key(ENTITY, entity.key), Some(entity_bytes(entity)));
            });
            shard.fringe.capture(nth, depth, |key, entry| {
                entries.insert(key, entry);
            });
            shard.sessions.capture(nth, |key, entry| {
                entries.insert(key, entry);
            });
            drop(shard);
            drop(peers);
            if nth + 1 == self.shard_turns.len() {
                // No later ticket folds before this one is through with the last shard.
                lock(&self.known).capture(|key, entry| {
                    entries.insert(key, entry);
                });
                if let Some(bytes) = self.peers.read().seat_bytes() {
                    entries.insert(seat_key(), Some(bytes));
                }
                self.peers.write().take_dirty(|group| {
                    entries.insert(key(GROUP, group.key), Some(group_bytes(group)));
                });
            }
            turn.pass(ticket);
        }
        entries.extend(self.telling.take(ticket, || lock(&self.budget).capture()));
        Capture {
            number,
            entries: entries.into_iter().collect(),
            positions: positions.into_iter().collect(),
            cursors: cursors.into_iter().collect(),
            open_from,
        }
    }

    /// Captures up to the one of this `number` are stored: what they hold of entities that have left is read from there.
    pub fn stored(&self, number: u64) {
        if let Some(desk) = &lock(&self.shards[0]).desk {
            desk.stored(number);
        }
    }

    /// Takes back a capture that could not be stored: the next one holds it too, with what came since.
    pub fn give_back(&self, capture: Capture) {
        let mut unsaved = lock(&self.unsaved);
        unsaved.entries.extend(capture.entries);
        unsaved.positions.extend(capture.positions);
        unsaved.cursors.extend(capture.cursors);
    }
}

// === impl Shard ===

impl Shard {
    /// What entities that left since this was called last have learned; it waits for those who are on their way back.
    fn take_left(&mut self, bench: &Bench<'_>) -> BTreeMap<Key, Vec<u8>> {
        // Who arrives stands in this list already.
        for nth in 0..self.dirty.len() {
            self.is_here(self.dirty[nth], bench);
        }
        std::mem::take(&mut self.left)
    }

    /// Gives each entity that has changed since this was called last.
    fn take_dirty(&mut self, mut each: impl FnMut(&Entity)) {
        for slot in std::mem::take(&mut self.dirty) {
            let entity = &mut self.entities[slot as usize];
            if entity.away.is_some() {
                // The state has more of it than is here.
                self.dirty.push(slot);
                continue;
            }
            entity.dirty = false;
            each(entity);
        }
    }
}

/// What the gate's entry holds: the half-life, what has folded, and how far the clocks are, by partition in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::score) struct Times {
    pub(in crate::score) half_life_seconds: u64,
    pub(in crate::score) folded: Window,
    pub(in crate::score) global: i64,
    pub(in crate::score) clocks: BTreeMap<Partition, i64>,
}

fn gate_bytes(gate: &Gate, half_life_seconds: u32) -> Vec<u8> {
    let clocks = gate.clocks.sorted().into_iter().map(|(partition, clock)| (partition.clone(), clock));
    times_bytes(&Times {
        half_life_seconds: half_life_seconds.into(),
        folded: gate.folded,
        global: gate.clocks.global(),
        clocks: clocks.collect(),
    })
}

pub(in crate::score) fn times_bytes(times: &Times) -> Vec<u8> {
    let mut out = vec![VERSION];
    put_uint(times.half_life_seconds, &mut out);
    put_int(times.folded, &mut out);
    put_int(times.global, &mut out);
    put_uint(times.clocks.len() as u64, &mut out);
    for (partition, watermark) in &times.clocks {
        put_text(partition.as_str(), &mut out);
        put_int(*watermark, &mut out);
    }
    out
}

fn interface_key(keys: &Keys, interface: &Interface) -> Vec<u8> {
    let [account, region, vpc] = interface.scope.each_ref().map(|part| &**part);
    key(INTERFACE, keys.of(&["interface", account, region, vpc, &interface.name]))
}

pub(in crate::score) fn interface_bytes(
    interface: &Interface,
    shared: Shared,
    evidence: Option<&Evidence>,
) -> Vec<u8> {
    let mut out = vec![VERSION];
    interface.scope.iter().for_each(|part| put_text(part, &mut out));
    put_text(&interface.name, &mut out);
    let addresses = shared.addresses();
    put_uint(addresses.0, &mut out);
    addresses.1.iter().for_each(|address| put_wide(*address, &mut out));
    put_uint(interface.strangers.len() as u64, &mut out);
    interface.strangers.iter().for_each(|address| put_wide(*address, &mut out));
    interface.made.encode(&mut out);
    put_option(evidence, &mut out, Evidence::encode);
    out
}

pub(in crate::score) fn group_bytes(group: &Group) -> Vec<u8> {
    let mut out = vec![VERSION];
    put_text(&group.scope, &mut out);
    put_text(&group.name, &mut out);
    put_option(group.born, &mut out, put_int);
    put_uint(group.epochs.len() as u64, &mut out);
    for (fold, epoch) in &group.epochs {
        put_int(*fold, &mut out);
        out.extend_from_slice(&epoch.bytes);
    }
    group.gathered.iter().for_each(|gathered| gathered.encode(&mut out));
    out
}

pub(in crate::score) fn entity_bytes(entity: &Entity) -> Vec<u8> {
    let mut out = vec![VERSION];
    for text in [entity.name.kind.name(), entity.name.name(), entity.name.scope(), entity.name.peer_group()] {
        put_text(text, &mut out);
    }
    put_option(entity.name.class, &mut out, put_class);
    put_option(entity.born(), &mut out, put_int);
    put_uint(entity.held_out.into(), &mut out);
    put_option(entity.episode, &mut out, put_episode);
    entity.own.encode(&mut out);
    entity.own_of_spans.iter().for_each(|own| own.encode(&mut out));
    put_option(entity.hour.as_deref(), &mut out, put_hour);
    put_option(entity.day.as_deref(), &mut out, put_day);
    put_option(entity.habits.as_deref(), &mut out, Habits::encode);
    put_uint(entity.pending.len() as u64, &mut out);
    for sample in &entity.pending {
        put_int(sample.window.window(), &mut out);
        put_int(sample.seen.window(), &mut out);
        out.push(sample.times);
        sample.buckets.iter().for_each(|bucket| put_uint(u64::from(*bucket), &mut out));
    }
    put_uint(entity.open.len() as u64, &mut out);
    entity.open.iter().for_each(|open| put_open(open, &mut out));
    out
}

fn put_class(class: AssetClass, out: &mut Vec<u8>) {
    put_text(class.name(), out);
}

fn put_episode(episode: Episode, out: &mut Vec<u8>) {
    put_int(episode.start(), out);
    put_int(episode.last(), out);
}

pub(in crate::score) fn put_open(open: &Open, out: &mut Vec<u8>) {
    put_int(open.window(), out);
    put_twofold(&open.amounts, out, put_amounts);
    put_option(open.raised.as_deref(), out, put_raised);
    put_option(open.activity.as_deref(), out, put_activity);
}

fn put_twofold<A>(amounts: &Twofold<A>, out: &mut Vec<u8>, put: fn(&A, &mut Vec<u8>)) {
    put(&amounts.own, out);
    put_option(amounts.passed.as_deref(), out, put);
}

pub(in crate::score) fn put_amounts(amounts: &Amounts, out: &mut Vec<u8>) {
    let Amounts { bytes_out, external_bytes_out, bytes_in, packets, rejects, ports, peers, sources, shown } =
        amounts;
    for sum in [bytes_out, external_bytes_out, bytes_in, packets, rejects] {
        put_uint(*sum, out);
    }
    ports.encode(out);
    peers.encode(out);
    sources.encode(out);
    shown.encode(out);
}

fn put_daily(daily: &Daily, out: &mut Vec<u8>) {
    let Daily { bytes_out, external_bytes_out, peers } = daily;
    put_uint(*bytes_out, out);
    put_uint(*external_bytes_out, out);
    peers.encode(out);
}

pub(in crate::score) fn put_hour(hour: &Stretch, out: &mut Vec<u8>) {
    put_stretch(hour, out, put_amounts);
}

pub(in crate::score) fn put_day(day: &Stretch<Daily>, out: &mut Vec<u8>) {
    put_stretch(day, out, put_daily);
}

fn put_stretch<A: Sums>(stretch: &Stretch<A>, out: &mut Vec<u8>, put: fn(&A, &mut Vec<u8>)) {
    let said = stretch.said();
    put_int(stretch.start(), out);
    put_twofold(&stretch.amounts, out, put);
    out.extend([u8::from(stretch.held_out), said.told]);
    put_magnitudes(&said.magnitude, out);
    put_option(said.episode, out, put_episode);
}

fn put_magnitudes(magnitudes: &[Option<u8>; FEATURES], out: &mut Vec<u8>) {
    for magnitude in magnitudes {
        put_option(*magnitude, out, |magnitude, out| put_uint(u64::from(magnitude), out));
    }
}

fn put_activity(activity: &Activity, out: &mut Vec<u8>) {
    put_uint(activity.packets, out);
    for (events, bytes) in activity.events_by_part.iter().zip(activity.bytes_by_part) {
        put_uint(u64::from(*events), out);
        put_uint(bytes, out);
    }
}

pub(in crate::score) fn put_raised(raised: &Raised, out: &mut Vec<u8>) {
    put_magnitudes(&raised.magnitude, out);
    for text in [&raised.interface, &raised.instance] {
        put_option(text.as_deref(), out, put_text);
    }
    for ip in [raised.address, raised.peer] {
        put_option(ip, out, |ip, out| put_wide(number(ip), out));
    }
    put_option(raised.asset.as_deref(), out, put_asset);
}

fn put_asset(asset: &Asset, out: &mut Vec<u8>) {
    for text in [&asset.name, &asset.owner, &asset.role, &asset.criticality] {
        put_option(text.as_deref(), out, put_text);
    }
    put_option(asset.class, out, put_class);
    put_uint(asset.tags.len() as u64, out);
    for (name, value) in &asset.tags {
        put_text(name, out);
        put_text(value, out);
    }
}
