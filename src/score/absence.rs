//! Absence: entities that leave a shard to make room for others, and come back from the state when somebody asks for them.
//!
//! Nothing of an entity is lost but what a day had gathered that ended while it was away: its hours and its windows had been
//! learned by then.

use std::time::Duration;

use super::{
    archive::{AT_LAST, Fetched, Order},
    bench::Bench,
    capture::entity_bytes,
    entity::Entity,
    restore::entity,
    series::Span,
    shard::Shard,
};

// === impl Shard ===

impl Shard {
    /// Keeps what `entity`, who leaves, has learned until it is captured.
    pub(super) fn leave(&mut self, entity: &Entity) {
        if entity.away.is_none() {
            self.left.insert(entity.key, entity_bytes(entity));
        }
    }

    /// Asks for what the entity in `slot`, who is new here, was before.
    pub(super) fn call_back(&mut self, slot: u32, bench: &Bench<'_>) {
        let Some(desk) = &self.desk else { return };
        let key = self.entities[slot as usize].key;
        if let Some(bytes) = self.left.remove(&key) {
            self.arrive(slot, Fetched::Here(bytes), bench);
            return;
        }
        let fetched = desk.order(key);
        self.arrive(slot, fetched, bench);
    }

    /// Waits for the entity in `slot` for at most `patience`.
    #[cold]
    pub(super) fn await_back(&mut self, slot: u32, order: Order, patience: Duration, bench: &Bench<'_>) {
        if let Some(desk) = &self.desk {
            let fetched = desk.fetch(self.entities[slot as usize].key, order, patience);
            self.arrive(slot, fetched, bench);
        }
    }

    /// Waits for the entity in `slot`, whose window folds or is captured; says whether it is here.
    pub(super) fn is_here(&mut self, slot: u32, bench: &Bench<'_>) -> bool {
        if let Some(order) = self.entities[slot as usize].away {
            self.await_back(slot, order, AT_LAST, bench);
        }
        self.entities[slot as usize].away.is_none()
    }

    fn arrive(&mut self, slot: u32, fetched: Fetched, bench: &Bench<'_>) {
        let key = self.entities[slot as usize].key;
        let before = match fetched {
            Fetched::Later(order) => {
                self.entities[slot as usize].away = Some(order);
                return;
            }
            Fetched::Nothing => None,
            Fetched::Here(bytes) => match entity(key, &bytes) {
                Ok(before) => Some(before),
                Err(error) => {
                    tracing::error!(%error, "could not take a baseline back from the state; it begins anew");
                    None
                }
            },
        };
        let own = &mut self.entities[slot as usize];
        own.away = None;
        let Some(mut before) = before else { return };
        before.forget_ended(bench.folded);
        for span in Span::ALL {
            if before.stretches[span as usize].is_some() {
                self.stretched[span as usize].push(slot);
            }
        }
        own.resume(before);
        self.back += 1;
        self.soil(slot);
    }
}
