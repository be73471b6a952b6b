//! What a window that has folded teaches its entity, if anything: how learning is kept from being spoiled.

use crate::{
    event::Feature,
    score::{
        entities::{
            entity::Entity,
            series::{FEATURES, SERIES, Span},
        },
        grid::{EPOCH_WINDOWS, Grid, Narrow, Window},
        histogram::geometry::coarse,
    },
};

use super::{
    bench::Bench,
    decay::Decay,
    influence::{Known, ceiling_of_release},
    judge::Judge,
    peers::moment_of,
    ring::Released,
    sample::{NOTHING, Sample},
};

/// What a window taught.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::score) enum Lesson {
    /// This, to the entity and to its pools.
    Learned(Sample),
    /// Nothing: it is too surprising, and waits in quarantine.
    HeldOut,
    /// Nothing: its day has taught as much as a day may.
    Enough,
}

/// Windows of a day.
const DAY: Window = 24 * EPOCH_WINDOWS;

// === impl Entity ===

impl Entity {
    /// Learns `window`, whose values lie in these buckets with these probabilities, or holds it out. The last of the four
    /// are the features that it has raised findings of, as bits.
    pub(in crate::score) fn learn_or_hold(
        &mut self,
        window: Window,
        (mut buckets, log10_p, holds_out, told): ([u16; FEATURES], [f32; FEATURES], bool, u8),
        judge: &Judge,
        bench: &Bench<'_>,
    ) -> Lesson {
        self.begin_day(window, bench.decay);
        if holds_out {
            self.held_out += 1;
            let habits = self.habits.get_or_insert_default();
            let adrift = judge.is_alone() && habits.is_adrift();
            for feature in (0..FEATURES).filter(|feature| Judge::surprises(log10_p[*feature])) {
                let corroborated = adrift || told & !(1 << feature) != 0;
                habits.ring.hold(window, feature as u8, buckets[feature], corroborated);
            }
            return Lesson::HeldOut;
        }
        for (feature, bucket) in buckets.iter_mut().enumerate() {
            *bucket = (*bucket).min(judge.ceiling(feature));
        }
        if let Some(habits) = &mut self.habits {
            if !habits.influence.admit(window) {
                return Lesson::Enough;
            }
            for (feature, bucket) in buckets.iter_mut().enumerate() {
                *bucket = habits.influence.bounded(feature, *bucket, judge.ceiling(feature));
            }
            habits.learned(window);
        }
        for (feature, bucket) in buckets.iter_mut().enumerate() {
            *bucket = if self.has(Feature::ALL[feature]) { coarse(*bucket) } else { NOTHING };
        }
        let sample = Sample::of(window, buckets);
        self.learn(sample);
        Lesson::Learned(sample)
    }

    /// Begins the day of `window`, if it has not begun: says how much it may teach, and lets out of quarantine what has
    /// become a habit.
    fn begin_day(&mut self, window: Window, decay: Decay) {
        let Some(mut habits) = self.habits.take() else { return };
        let (mut begins, days) = (None, habits.days.count());
        habits.influence.begin(window, || {
            let known = self.known(days, window, decay);
            begins = Some(known);
            known
        });
        if let Some(known) = begins {
            for released in habits.ring.release() {
                self.release(window, &released, &known, decay);
            }
        }
        self.habits = Some(habits);
    }

    /// What is known when the day of `window` begins, of which `days` were learned.
    fn known(&self, days: u16, window: Window, decay: Decay) -> Known<SERIES> {
        let evening = moment_of(decay, window.div_euclid(DAY) * DAY + DAY - 1);
        let own = self.baseline(decay);
        let mut highest = [0; SERIES];
        let spans = self.own_of_spans.iter().zip(Span::ALL).map(|(own, span)| (span.first(), own));
        for (first, own) in std::iter::once((0, &own)).chain(spans) {
            for (place, series) in highest[first..].iter_mut().zip(own.series()) {
                *place = series.range().map_or(0, |(_, highest)| highest);
            }
        }
        let first = own.nth(0);
        let windows = evening.windows(first.total(), first.landmark());
        Known { days, windows, highest }
    }

    /// Learns what came out of quarantine when `window` folded.
    fn release(&mut self, window: Window, released: &Released, known: &Known<SERIES>, decay: Decay) {
        let series = usize::from(released.series);
        let Some(highest) = known.highest.get(series) else { return };
        let bucket = coarse(released.bucket.min(ceiling_of_release(*highest, known.windows)));
        if series < FEATURES {
            let mut buckets = [NOTHING; FEATURES];
            buckets[series] = bucket;
            let seen = Narrow::of(released.window);
            self.learn(Sample { seen, times: released.windows, ..Sample::of(window, buckets) });
            return;
        }
        let span = if series < Span::Day.first() { Span::Hour } else { Span::Day };
        let at = moment_of(decay, Grid::epoch_of(released.window));
        self.own_of_spans[span as usize].change(span.features().len(), |nth, own| {
            if span.first() + nth == series {
                (0..released.windows).for_each(|_| own.record_bucket_at(bucket, at));
            }
        });
    }
}
