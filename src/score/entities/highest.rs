//! Who rose highest: for each entity the most surprising window that this process has scored, for the summary of a run.

use std::{collections::HashSet, sync::Arc};

use crate::{
    event::{EntityName, Score},
    score::{Scorer, grid::Window, histogram::geometry::bucket_low, lock, shard::Shard},
};

use super::{entity::Entity, peak::Peak};

/// How many of those who have left a shard are remembered with their highest windows: more than a summary tells of all shards.
const GONE_MAX: usize = 16;

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
    /// The `most` entities whose windows were the most surprising, most surprising first; by scope and name where they
    /// are alike. Call it when nothing is being scored.
    #[must_use]
    pub fn highest(&self, most: usize) -> Vec<Highest> {
        let shards: Vec<_> = self.shards.iter().map(lock).collect();
        let entities =
            || shards.iter().flat_map(|shard| &shard.entities).filter(|entity| entity.peak.is_some());
        // Few of many are told in full: those as surprising as the last of them, with all that are just as surprising.
        let mut surprises: Vec<f32> = entities().map(|entity| entity.peak_log10_p).collect();
        let last = match most.checked_sub(1) {
            None => return Vec::new(),
            Some(last) if last < surprises.len() => *surprises.select_nth_unstable_by(last, f32::total_cmp).1,
            Some(_) => f32::INFINITY,
        };
        let mut all: Vec<Highest> =
            entities().filter(|entity| entity.peak_log10_p <= last).filter_map(Entity::highest).collect();
        all.extend(shards.iter().flat_map(|shard| &shard.gone).cloned());
        sort(&mut all);
        // Who left and came back has a window of each time.
        let mut told = HashSet::new();
        all.retain(|highest| {
            let EntityName { kind, name, scope, class, .. } = &*highest.entity;
            told.insert((*kind, name.clone(), scope.clone(), *class))
        });
        all.truncate(most);
        all
    }
}

/// Sorts them, the most surprising first; by scope and name where they are alike.
fn sort(all: &mut [Highest]) {
    all.sort_by(|a, b| {
        let name = |highest: &Highest| (highest.entity.scope.clone(), highest.entity.name.clone());
        a.score.log10_p.total_cmp(&b.score.log10_p).then_with(|| name(a).cmp(&name(b)))
    });
}

// === impl Shard ===

impl Shard {
    /// Remembers how high `entity`, who leaves, has risen, if it is among the highest who have left.
    pub(in crate::score) fn note_gone(&mut self, entity: &Entity) {
        let last = self.gone.last().filter(|_| self.gone.len() >= GONE_MAX);
        if last.is_some_and(|last| last.score.log10_p < entity.peak_log10_p) {
            return;
        }
        if let Some(highest) = entity.highest() {
            self.gone.push(highest);
            sort(&mut self.gone);
            self.gone.truncate(GONE_MAX);
        }
    }
}

// === impl Entity ===

impl Entity {
    /// Remembers `score` of `window`, if it is the most surprising so far; `host` names the asset.
    #[inline]
    pub(in crate::score) fn note_peak(
        &mut self,
        score: &Score,
        window: Window,
        host: impl FnOnce() -> Option<Box<str>>,
    ) {
        // Where p has reached its floor, a window that goes on growing is still told whole.
        let grown = |peak: &Peak| peak.window == window && peak.score.observed < score.observed;
        if score.log10_p < self.peak_log10_p
            || score.log10_p == self.peak_log10_p && self.peak.as_deref().is_some_and(grown)
        {
            self.peak_log10_p = score.log10_p;
            self.peak = Some(Box::new(Peak { score: *score, window, host: host() }));
        }
    }

    fn highest(&self) -> Option<Highest> {
        let Peak { score, window, host } = self.peak.as_deref()?;
        let own = self.own.nth(score.feature as usize).loose();
        let per_window = own.total().max(1) as f64 / f64::from(score.usual.samples.max(1));
        let sizes = own
            .iter()
            .map(|(bucket, weight)| (bucket_low(bucket), (f64::from(weight) / per_window).round() as u64));
        Some(Highest {
            entity: Arc::clone(&self.name),
            host: host.clone(),
            score: *score,
            window_start: u64::try_from(crate::score::grid::Grid::start(*window)).unwrap_or(0),
            sizes: sizes.filter(|(_, windows)| *windows > 0).collect(),
        })
    }
}
