//! A fold: a window that nobody is waited for any more is judged for the last time, closed and learned.

use std::sync::MutexGuard;

use crate::{
    event::{Feature, Revision},
    score::{
        grid::{EPOCH_WINDOWS, Grid, WINDOW_SECONDS, Window},
        sessions::judged::{Judged, Judgement},
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
    entity::Entity,
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
    /// The features whose detectors are on, as bits.
    pub(in crate::score) told: u8,
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

/// Folds every open window through `through`, in order, given that everything through `folded` has folded before, and that
/// everything through `wish` is due. Each
/// window folds in all shards before the next one does, and the pools take in what it taught in between.
pub(in crate::score) fn fold_through(
    shards: &mut [MutexGuard<'_, Shard>],
    peers: &mut Peers,
    rules: &Rules,
    mut folded: Window,
    (through, wish): (Window, Window),
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
        let Some(window) = next else { break };
        let judged = Grid::epoch_of(window) - EPOCH_WINDOWS;
        take_in(shards, peers, rules, folded, judged, order, notices);
        let moment = moment_of(rules.decay, Grid::epoch_of(window));
        let mut votes = Vec::new();
        for shard in &mut *shards {
            let bench = rules.bench(peers, folded);
            shard.fold(window, &bench, order, &mut votes, notices);
        }
        for (_, lesson) in &votes {
            match lesson {
                Lesson::Learned(_) => sum.learned += 1,
                Lesson::HeldOut => sum.held_out += 1,
                Lesson::Enough => sum.capped += 1,
            }
        }
        let learned = votes.iter().filter_map(|(pool, lesson)| match lesson {
            Lesson::Learned(sample) => Some((*pool, &sample.buckets[..])),
            Lesson::HeldOut | Lesson::Enough => None,
        });
        peers.gather(0, learned, moment);
        end_epoch(shards, peers, rules, folded, window, order, notices);
        folded = window;
    }
    take_in(shards, peers, rules, folded, Grid::epoch(folded), order, notices);
    if peers.seat.is_some() {
        peers.pass_through(nothing_through(shards, folded, wish));
    }
    sum
}

/// The last epoch in which nothing is left to teach, where everything through `folded` has folded and no more comes of what is due,
/// through `wish`.
fn nothing_through(shards: &[MutexGuard<'_, Shard>], folded: Window, wish: Window) -> Window {
    let opened = shards.iter().filter_map(|shard| shard.first_open()).min();
    let begun = Span::ALL
        .into_iter()
        .filter(|span| shards.iter().any(|shard| !shard.stretched[*span as usize].is_empty()));
    let ends = begun.map(|span| span.last_of(span.start_of(folded)));
    let next = ends.chain(opened.map(Grid::epoch_of)).min();
    next.map_or(Grid::epoch(wish), |next| Grid::epoch(wish).min(next - EPOCH_WINDOWS))
}

/// The pools take in what all parts taught through `epoch`, where others do, and what waited for that as its judge is looked at
/// again.
fn take_in(
    shards: &mut [MutexGuard<'_, Shard>],
    peers: &mut Peers,
    rules: &Rules,
    folded: Window,
    epoch: Window,
    order: (u32, bool, u32),
    notices: &mut Vec<Notice>,
) {
    if let Some(learned) = peers.take_in(epoch, rules) {
        look_again(shards, peers, rules, learned, folded, order, notices);
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
    let mut taught = epoch;
    for span in Span::ALL {
        let end = span.last_of(span.start_of(epoch));
        if end <= last {
            if end > taught {
                peers.teach(taught);
                taught = end;
            }
            take_in(shards, peers, rules, folded, end - EPOCH_WINDOWS, order, notices);
            let mut votes = Vec::new();
            let bench = rules.bench(peers, folded);
            shards.iter_mut().for_each(|shard| shard.end(span, &bench, order, &mut votes, notices));
            let moment = moment_of(rules.decay, end);
            let learned = votes.iter().filter_map(|(pool, buckets)| Some((*pool, buckets.as_deref()?)));
            peers.gather(span.first(), learned, moment);
        }
    }
    if peers.seat.is_some() {
        // What is gathered here is a part of what the epoch taught.
        return peers.teach(taught);
    }
    peers.settle(epoch, &rules.grid);
    peers.note(last, moment_of(rules.decay, last));
    look_again(shards, peers, rules, (folded, through), through, order, notices);
}

/// Judges again the open windows whose judge is one of the folds after `before` and through `now`.
fn look_again(
    shards: &mut [MutexGuard<'_, Shard>],
    peers: &Peers,
    rules: &Rules,
    (before, now): (Window, Window),
    folded: Window,
    order: (u32, bool, u32),
    notices: &mut Vec<Notice>,
) {
    let judged = rules.grid.judged_in(before, now);
    let bench = rules.bench(peers, folded);
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
        let Self { grid, decay, learn_all, activity, roles, told } = *self;
        Bench { grid, decay, peers, folded, learn_all, activity, roles, told }
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
                let behind = |entity: &Entity| entity.warm_baseline() ^ entity.warm_spans();
                std::hint::black_box(entities.fold(0, |read, entity| read ^ behind(entity)));
            }
            self.soil(slot);
            let Some(place) = self.present(slot, window, bench, order, notices) else { continue };
            let entity = &mut self.entities[slot as usize];
            let values = entity.open[place].values();
            let judge = *entity.judge(as_of, bench);
            let buckets = judge.buckets(values, window);
            let mut log10_p = judge.all_log10_p(buckets);
            let ledger = self.ledger.as_mut();
            let withheld = ledger.is_some_and(|ledger| ledger.withholds(window, slot, &mut log10_p));
            let open = entity.close(place);
            if self.sessions.is_on() {
                let judged = Judged::of(judge.points(log10_p), open.raised.is_some());
                let points = judge.points_each(log10_p);
                self.judged.insert((window, slot), Judgement { judged, points });
            }
            let holds_out = withheld || judge.holds_out(values, log10_p);
            if let Some(ledger) = self.ledger.as_mut().filter(|_| holds_out) {
                ledger.note(window, slot, values, log10_p);
            }
            if let Some(raised) = &open.raised {
                let incident = entity.episode_of(window).incident(&entity.name);
                for feature in (0..FEATURES).filter(|feature| raised.magnitude[*feature].is_some()) {
                    let Some(detector) = bench.watching(Feature::ALL[feature]) else { continue };
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
        let slots = std::mem::take(&mut self.stretched[span as usize]);
        for (nth, &slot) in slots.iter().enumerate() {
            if nth % AHEAD == 0 {
                let few = slots[nth..].iter().take(AHEAD);
                let entities = few.filter_map(|slot| self.entities.get(*slot as usize));
                let near = entities.clone().fold(0, |read, entity| read ^ entity.pool);
                let far = entities.fold(0, |read, entity| read ^ entity.warm_spans());
                std::hint::black_box((near, far));
            }
            self.soil(slot);
            let entity = &mut self.entities[slot as usize];
            votes.extend(entity.end(span, bench, order, notices));
            entity.rest();
        }
    }
}
