//! Who rose highest: for each entity the most surprising window that this process has scored, for the summary of a run.

use std::{collections::HashSet, sync::Arc};

use crate::{
    event::{EntityName, Score},
    score::{Scorer, grid::Window, histogram::geometry::bucket_low, lock, shard::Shard},
};

use super::{
    entity::Entity,
    peak::{KEPT_MAX, Peak},
};

/// The most surprising window of one entity.
#[derive(Debug, Clone, PartialEq)]
pub struct Highest {
    /// The entity.
    pub entity: Arc<EntityName>,
    /// What the asset list calls it, where it does.
    pub host: Option<Box<str>>,
    /// Its score.
    pub score: Score,
    /// Start of the window, seconds since 1970.
    pub window_start: u64,
    /// The sizes of the windows that were learned, for the same feature: a value and how many windows were about that
    /// large, each counted once however long ago it was.
    pub sizes: Vec<(u64, u64)>,
}

// === impl Scorer ===

impl Scorer {
    /// The `most` entities whose windows were the most surprising, at most sixteen, most surprising first; by scope and name
    /// where they are alike. Call it when nothing is being scored.
    #[must_use]
    pub fn highest(&self, most: usize) -> Vec<Highest> {
        let mut all: Vec<Highest> = self.shards.iter().flat_map(|shard| lock(shard).highest()).collect();
        sort(&mut all);
        // Who left and came back has a window of each time.
        let mut told = HashSet::new();
        all.retain(|highest| {
            let name = &highest.entity;
            told.insert((name.kind, name.name().to_owned(), name.scope().to_owned(), name.class))
        });
        all.truncate(most.min(KEPT_MAX));
        all
    }
}

/// Sorts them, the most surprising first; by scope and name where they are alike.
fn sort(all: &mut [Highest]) {
    all.sort_by(|a, b| {
        let name = |highest: &Highest| (highest.entity.scope().to_owned(), highest.entity.name().to_owned());
        a.score.log10_p.total_cmp(&b.score.log10_p).then_with(|| name(a).cmp(&name(b)))
    });
}

// === impl Shard ===

impl Shard {
    /// Remembers `score` of `window` of the entity in `slot`, if it is among the most surprising; `host` names its asset.
    #[inline]
    pub(in crate::score) fn note_peak(
        &mut self,
        slot: u32,
        score: &Score,
        window: Window,
        host: impl FnOnce() -> Option<Box<str>>,
    ) {
        let Self { entities, peaks, .. } = self;
        let name = |slot: u32| {
            let name = &entities[slot as usize].name;
            (name.scope(), name.name())
        };
        if peaks.takes(slot, (score, window), name) {
            peaks.note(slot, Peak { score: *score, window, host: host() }, name);
        }
    }

    /// Remembers how high the entity in `slot`, who leaves, has risen, if it is among the highest who have left.
    pub(in crate::score) fn note_gone(&mut self, slot: u32, entity: &Entity) {
        if let Some(peak) = self.peaks.take(slot) {
            self.gone.push(peak.told_of(entity));
            sort(&mut self.gone);
            self.gone.truncate(KEPT_MAX);
        }
    }

    fn highest(&self) -> Vec<Highest> {
        let here = self.peaks.iter().map(|(slot, peak)| peak.told_of(&self.entities[slot as usize]));
        here.chain(self.gone.iter().cloned()).collect()
    }
}

// === impl Peak ===

impl Peak {
    fn told_of(&self, entity: &Entity) -> Highest {
        let Self { score, window, host } = self;
        let own = entity.own.nth(score.feature as usize).loose();
        let per_window = own.total().max(1) as f64 / f64::from(score.usual.samples.max(1));
        let sizes = own
            .iter()
            .map(|(bucket, weight)| (bucket_low(bucket), (f64::from(weight) / per_window).round() as u64));
        Highest {
            entity: Arc::clone(&entity.name),
            host: host.clone(),
            score: *score,
            window_start: u64::try_from(crate::score::grid::Grid::start(*window)).unwrap_or(0),
            sizes: sizes.filter(|(_, windows)| *windows > 0).collect(),
        }
    }
}
