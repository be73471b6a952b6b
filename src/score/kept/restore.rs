//! Restoring: from the bytes that captures left in the state to a scorer that goes on where it stood.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use crate::{
    score::{
        Config, Scorer, StateError,
        detect::known::capture::{KNOWN, is_of},
        entities::{entity::Entity, series::Span},
        fringe::capture::FRINGE,
        gate::{Gate, plan::EntityRef},
        lock,
        policy::budget::{BUDGET, Budget},
        seat::{decode_at, seat_key},
        sessions::{capture::SESSIONS, leg::Who},
        usual::peers::Group,
        whose::{
            addresses,
            registry::{EVERYONE, Told, entity_key},
        },
    },
    telemetry::metrics::Metrics,
};

use super::{
    capture::Times,
    entries::{self},
    wire::{ADDRESS, ENTITY, GATE, GROUP, INTERFACE, hash_of},
};

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
        let known = [ADDRESS, ENTITY, GATE, GROUP, INTERFACE, FRINGE, SESSIONS, KNOWN, BUDGET];
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
            let (interface, shared, evidence) = entries::interface(value)?;
            gate.attribution.restore(interface, shared, evidence);
        }
        for (key, value) in of(GROUP) {
            scorer.restore_group(&mut gate, entries::group(hash_of(key)?, value)?);
        }
        let entities = of(ENTITY).map(|(key, value)| entries::entity(hash_of(key)?, value));
        let mut entities = entities.collect::<Result<Vec<Entity>, StateError>>()?;
        scorer.forget(&mut entities, gate.folded, config.forget_after);
        // Where there are more than fit, those come in who were active last; the others are where they are.
        entities.sort_by_key(|entity| Reverse(entity.newest()));
        for entity in entities {
            scorer.restore_entity(&mut gate, entity)?;
        }
        for (key, value) in of(ADDRESS) {
            gate.attribution.restore_address(hash_of(key)?, addresses::decode(value)?);
        }
        scorer.restore_fringe(&entries)?;
        scorer.restore_sessions(&gate, &entries)?;
        if gate.tuples.is_some() {
            scorer.restore_known(of(KNOWN).map(|(key, value)| (&**key, &**value)))?;
        }
        if let Some((_, value)) = of(BUDGET).next() {
            *lock(&scorer.budget) = Budget::restore(value)?;
        }
        drop(gate);
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

    fn restore_sessions(&self, gate: &Gate, entries: &BTreeMap<Vec<u8>, Vec<u8>>) -> Result<(), StateError> {
        let prefix = [SESSIONS];
        let of = |prefix: &[u8]| {
            let prefix = prefix.to_vec();
            entries.range(prefix.clone()..).take_while(move |(key, _)| key.starts_with(&prefix))
        };
        // Whatever comes back is written anew: what finds no room, or is too old, goes.
        lock(&self.unsaved).entries.extend(of(&prefix).map(|(key, _)| (key.clone(), None)));
        let Some(tuples) = &gate.tuples else { return Ok(()) };
        let mut places = HashMap::new();
        for (nth, shard) in self.shards.iter().enumerate() {
            for (slot, entity) in lock(shard).entities.iter().enumerate() {
                let who = Who::new(EntityRef::new(nth, slot as u32), entity.name.number());
                places.insert(who.number, who);
            }
        }
        let found = |number| places.get(&number).copied();
        let mut lost = 0;
        for (nth, shard) in self.shards.iter().enumerate() {
            let own = of(&[SESSIONS, nth as u8]).map(|(key, value)| (&**key, &**value));
            lost += lock(shard).sessions.restore(nth, own, gate.folded, &tuples.mixer, found)?;
        }
        if lost > 0 {
            tracing::warn!(lost, "sessions were given up, because score.sessions_max is smaller than it was");
        }
        Ok(())
    }

    fn restore_known<'a>(
        &self,
        entries: impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone,
    ) -> Result<(), StateError> {
        let mut known = lock(&self.known);
        let other = entries.clone().filter(|(key, _)| !is_of(key, &known));
        let other: Vec<_> = other.map(|(key, _)| (key.to_vec(), None)).collect();
        known.restore(entries)?;
        if other.is_empty() {
            known.is_captured();
        }
        lock(&self.unsaved).entries.extend(other);
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
        if entity_key(&gate.attribution.keys, (name.kind.name(), name.name(), name.scope()), name.class)
            != entity.key
        {
            return Err(StateError::Torn);
        }
        entity.pool = gate.attribution.pool(name.scope(), name.peer_group(), &self.peers);
        let told = Told { role: name.peer_group() != EVERYONE, class: name.class, number: name.number() };
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
            if entity.is_in(span) {
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
    let Times { half_life_seconds: stored, folded, global, clocks } = entries::times(bytes)?;
    if stored != u64::from(half_life) {
        return Err(StateError::Settings { name: "half_life", stored, set: u64::from(half_life) });
    }
    gate.folded = folded;
    gate.clocks.restore(global, clocks.into_iter().collect());
    Ok(())
}
