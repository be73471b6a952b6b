//! Absence: entities that leave a shard to make room for others, and come back from the state when somebody asks for them.
//!
//! Nothing of an entity is lost but what a day had gathered that ended while it was away: its hours and its windows had been
//! learned by then.

use std::time;

use crate::{
    quantity::Duration,
    score::{
        Scorer,
        entities::{entity::Entity, finding::Notice, series::Span},
        grid::{Grid, Window},
        lock,
        shard::{Raiser, Shard, raise},
        usual::bench::Bench,
    },
    telemetry::metrics::{Counter, Metrics},
};

use super::{
    archive::{AT_LAST, Fetched, Order},
    capture::entity_bytes,
    entries::entity,
    wire::{ENTITY, key},
};

/// What is counted of it.
#[derive(Debug)]
pub(in crate::score) struct Absences {
    pub(in crate::score) left: Counter,
    back: Counter,
    unread: Counter,
    forgotten: Counter,
}

// === impl Absences ===

impl Absences {
    /// Nobody has left yet.
    pub(in crate::score) fn new(metrics: &Metrics) -> Self {
        let counter = |name, help| metrics.counter(name, help, Vec::new());
        Self {
            left: counter(
                "floodmark_score_entities_left",
                "Entities that went to the state to make room for others.",
            ),
            back: counter("floodmark_score_entities_back", "Entities that came back from the state."),
            unread: counter(
                "floodmark_score_windows_unread",
                "Windows of entities that were not learned, because the state was not read in time.",
            ),
            forgotten: counter(
                "floodmark_score_entities_forgotten",
                "Entities that were in the state and not seen for score.forget_after.",
            ),
        }
    }

    /// Notes what `shard` has counted since it was asked last.
    pub(in crate::score) fn note(&self, shard: &mut Shard) {
        self.back.inc_by(std::mem::take(&mut shard.back));
        self.unread.inc_by(std::mem::take(&mut shard.unread));
    }
}

// === impl Scorer ===

impl Scorer {
    /// Takes those out of `entities`, which the state holds, whom nobody has seen for `after` when everything through `folded` has
    /// folded: the next capture takes them out of the state.
    pub(in crate::score) fn forget(&self, entities: &mut Vec<Entity>, folded: Window, after: Duration) {
        let after = i64::try_from(after.as_secs()).unwrap_or(i64::MAX);
        if after == 0 {
            return;
        }
        let first = Grid::window(Grid::end(folded).saturating_sub(after));
        let before = entities.len();
        let mut unsaved = lock(&self.unsaved);
        entities.retain(|entity| {
            let is_cold = entity.last_seen().is_none_or(|last| last < first);
            if is_cold {
                unsaved.entries.insert(key(ENTITY, entity.key), None);
            }
            !is_cold
        });
        self.books.absences.forgotten.inc_by((before - entities.len()) as u64);
    }
}

// === impl Entity ===

impl Entity {
    /// The last window that it is known to have been seen in; of the last day that was learned, the first.
    fn last_seen(&self) -> Option<Window> {
        let days = self.habits.as_ref().and_then(|habits| habits.days.last());
        let day = days.map(|day| Grid::window(i64::from(day) * 86_400));
        let told = self.episode.map(|episode| episode.last());
        self.newest().max(day).max(told).max(self.born())
    }
}

// === impl Shard ===

impl Shard {
    /// Keeps what `entity`, who leaves `slot`, has learned until it is captured.
    pub(in crate::score) fn leave(&mut self, slot: u32, entity: &Entity) {
        self.note_gone(slot, entity);
        match (&self.desk, entity.away) {
            (Some(desk), Some(_)) => desk.cancel(entity.key),
            _ => {
                self.left.insert(entity.key, entity_bytes(entity));
            }
        }
    }

    /// Asks for what the entity in `slot`, who is new here, was before.
    pub(in crate::score) fn call_back(&mut self, slot: u32, bench: &Bench<'_>) {
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
    pub(in crate::score) fn await_back(
        &mut self,
        slot: u32,
        order: Order,
        patience: time::Duration,
        bench: &Bench<'_>,
    ) {
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

    /// The place of `window`, which folds, among those that the entity in `slot` has open. Who has come back while it was open is
    /// judged now; the window of who has not is not learned.
    pub(in crate::score) fn present(
        &mut self,
        slot: u32,
        window: Window,
        bench: &Bench<'_>,
        order: (u32, bool, u32),
        notices: &mut Vec<Notice>,
    ) -> Option<usize> {
        let is_here = self.is_here(slot, bench);
        let entity = &mut self.entities[slot as usize];
        let place = entity.find(window).ok()?;
        if !is_here {
            entity.close(place);
            self.unread += 1;
            return None;
        }
        if entity.came_back {
            raise(entity, place, bench, &Raiser { record: None, order }, notices);
            entity.came_back = entity.open.len() > 1;
        }
        Some(place)
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
            if before.is_in(span) {
                self.stretched[span as usize].push(slot);
            }
        }
        own.resume(before);
        self.back += 1;
        self.soil(slot);
    }
}
