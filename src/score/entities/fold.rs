//! A fold: a window that nobody is waited for any more is judged for the last time, closed and learned.

use std::sync::MutexGuard;

use crate::{
    event::{Detector, Feature, Revision},
    score::{
        grid::{Grid, WINDOW_SECONDS, Window},
        shard::{AHEAD, Shard},
        sketch::mixer::Mixer,
        usual::{
            bench::Bench,
            decay::Decay,
            lesson::Lesson,
            peers::{Peers, moment_of},
        },
    },
};

use super::{
    finding::{Case, Notice},
    series::{FEATURES, Span},
    stretch::{Vote, bits},
};

/// What folding needs besides the state.
#[derive(Debug, Clone, Copy)]
pub(in crate::score) struct Rules {
    pub(in crate::score) grid: Grid,
    pub(in crate::score) decay: Decay,
    pub(in crate::score) learn_all: i64,
    /// Whether windows count and sum up all their events.
    pub(in crate::score) activity: bool,
    /// Which roles a window keeps of many.
    pub(in crate::score) roles: Mixer,
}

/// What folds came to, for the metrics.
#[derive(Debug, Default, Clone, Copy)]
pub(in crate::score) struct Folded {
    /// Windows of entities that were learned.
    pub(in crate::score) learned: u64,
    /// Windows of entities that were held out.
    pub(in crate::score) held_out: u64,
    /// Windows of entities whose day had taught enough.
    pub(in crate::score) capped: u64,
}

/// Folds every open window through `through`, in order, given that everything through `folded` has folded before. Each
/// window folds in all shards before the next one does, and the pools take in what it taught in between.
pub(in crate::score) fn fold_through(
    shards: &mut [MutexGuard<'_, Shard>],
    peers: &mut Peers,
    rules: &Rules,
    mut folded: Window,
    through: Window,
    order: (u32, bool, u32),
    notices: &mut Vec<Notice>,
) -> Folded {
    let mut sum = Folded::default();
    loop {
        let first = shards.iter().filter_map(|shard| shard.first_open()).min();
        let next = first.filter(|window| *window <= through);
        // Windows in which nobody was active have folded too, once something later does.
        let before = next.map_or(through, |window| window - 1);
        end_epoch(shards, peers, rules, folded, before, order, notices);
        folded = folded.max(before);
        let Some(window) = next else { return sum };
        let moment = moment_of(rules.decay, Grid::epoch_of(window));
        let mut votes = Vec::new();
        for shard in &mut *shards {
            let bench = rules.bench(peers, folded);
            shard.fold(window, &bench, order, &mut votes, notices);
        }
        for (pool, lesson) in &votes {
            match lesson {
                Lesson::Learned(sample) => {
                    peers.gather(*pool, 0, &sample.buckets, moment);
                    sum.learned += 1;
                }
                Lesson::HeldOut => sum.held_out += 1,
                Lesson::Enough => sum.capped += 1,
            }
        }
        end_epoch(shards, peers, rules, folded, window, order, notices);
        folded = window;
    }
}

/// Everything through `through` has folded, where it was everything through `folded` before: the pools take in what the
/// epochs gathered that have ended, and what waited for one of these as its judge is looked at again.
fn end_epoch(
    shards: &mut [MutexGuard<'_, Shard>],
    peers: &mut Peers,
    rules: &Rules,
    folded: Window,
    through: Window,
    order: (u32, bool, u32),
    notices: &mut Vec<Notice>,
) {
    let last = Grid::epoch(through);
    if last <= Grid::epoch(folded) {
        return;
    }
    // Only the first of them can have gathered anything.
    let epoch = Grid::epoch_of(folded + 1);
    for span in Span::ALL {
        let end = span.last_of(span.start_of(epoch));
        if end <= last {
            let mut votes = Vec::new();
            let bench = rules.bench(peers, folded);
            shards.iter_mut().for_each(|shard| shard.end(span, &bench, order, &mut votes, notices));
            let moment = moment_of(rules.decay, end);
            for (pool, first, buckets) in votes {
                peers.gather(pool, first, buckets.as_deref().unwrap_or_default(), moment);
            }
        }
    }
    peers.settle(epoch, &rules.grid);
    peers.note(last, moment_of(rules.decay, last));
    look_again(shards, peers, rules, folded, through, order, notices);
}

/// Judges again the open windows whose judge is one of the folds after `folded` and through `through`.
fn look_again(
    shards: &mut [MutexGuard<'_, Shard>],
    peers: &Peers,
    rules: &Rules,
    folded: Window,
    through: Window,
    order: (u32, bool, u32),
    notices: &mut Vec<Notice>,
) {
    let judged = rules.grid.judged_in(folded, through);
    let bench = rules.bench(peers, through);
    for shard in &mut *shards {
        let windows: Vec<Window> = shard.open.range(judged.clone()).map(|(window, _)| *window).collect();
        for window in windows {
            shard.look_again(window, &bench, order, notices);
        }
    }
}

// === impl Rules ===

impl Rules {
    /// A bench with `peers`, when everything through `folded` has folded.
    pub(in crate::score) fn bench<'a>(&self, peers: &'a Peers, folded: Window) -> Bench<'a> {
        let Self { grid, decay, learn_all, activity, roles } = *self;
        Bench { grid, decay, peers, folded, learn_all, activity, roles }
    }
}

// === impl Shard ===

impl Shard {
    /// Folds `window` in this shard: closes its findings, and learns it or holds it out. What came of it goes to
    /// `votes`, with the pool it votes in.
    fn fold(
        &mut self,
        window: Window,
        bench: &Bench<'_>,
        order: (u32, bool, u32),
        votes: &mut Vec<(u32, Lesson)>,
        notices: &mut Vec<Notice>,
    ) {
        let as_of = bench.as_of(window);
        let slots = self.open.remove(&window).unwrap_or_default();
        for (nth, &slot) in slots.iter().enumerate() {
            if nth % AHEAD == 0 {
                let few = slots[nth..].iter().take(AHEAD).copied();
                self.warm(few.clone(), as_of);
                let entities = few.filter_map(|slot| self.entities.get(slot as usize));
                std::hint::black_box(entities.fold(0, |read, entity| read ^ entity.warm_baseline()));
            }
            self.soil(slot);
            let Some(place) = self.present(slot, window, bench, order, notices) else { continue };
            let entity = &mut self.entities[slot as usize];
            let mut log10_p = entity.weigh(place, as_of, bench);
            let judge = *entity.judge(as_of, bench);
            let ledger = self.ledger.as_mut();
            let withheld = ledger.is_some_and(|ledger| ledger.withholds(window, slot, &mut log10_p));
            let holds_out = withheld || judge.holds_out(log10_p);
            let open = entity.close(place);
            let (values, buckets) = (open.values(), open.buckets());
            if let Some(ledger) = self.ledger.as_mut().filter(|_| holds_out) {
                ledger.note(window, slot, values, log10_p);
            }
            if let Some(raised) = &open.raised {
                let incident = entity.episode_of(window).incident(&entity.name);
                for feature in (0..FEATURES).filter(|feature| raised.magnitude[*feature].is_some()) {
                    let Some(detector) = Detector::of(Feature::ALL[feature]) else { continue };
                    let finding = Case {
                        detector,
                        score: judge.score_of(feature, values[feature], log10_p[feature], window),
                        shift: judge.shift(feature, window),
                        revision: Revision::Closed,
                        start: Grid::start(window),
                        seconds: WINDOW_SECONDS,
                        at: Grid::end(window),
                        own: entity.own.nth(feature),
                        incident,
                        raised,
                        activity: open.activity.as_deref(),
                    }
                    .document(entity);
                    notices.push(Notice { order, finding });
                }
                entity.episode = Some(entity.episode_of(window));
            }
            let begins = entity.stretch(&open, holds_out, bench, order, notices);
            for (span, _) in Span::ALL.into_iter().zip(begins).filter(|(_, begins)| *begins) {
                self.stretched[span as usize].push(slot);
            }
            self.spare.extend(open.activity);
            entity.settle(bench.grid.settled(window), bench.decay);
            let told = open.raised.as_ref().map_or(0, |raised| bits(&raised.magnitude));
            let lesson = entity.learn_or_hold(window, (buckets, log10_p, holds_out, told), &judge, bench);
            votes.push((entity.pool, lesson));
        }
    }

    /// Ends the hour or the day of every entity that has one.
    fn end(
        &mut self,
        span: Span,
        bench: &Bench<'_>,
        order: (u32, bool, u32),
        votes: &mut Vec<Vote>,
        notices: &mut Vec<Notice>,
    ) {
        for slot in std::mem::take(&mut self.stretched[span as usize]) {
            self.soil(slot);
            let entity = &mut self.entities[slot as usize];
            votes.extend(entity.end(span, bench, order, notices));
            entity.rest();
        }
    }
}
