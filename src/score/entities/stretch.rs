//! An hour or a day of an entity: added up from its windows as they fold, judged each time, and learned when it is over.
//!
//! Windows fold in order, so that all of one span have folded before the first of the next: a span is judged against
//! everything that ended before it began, and nobody's order matters. What a span tells is what no shorter one has told.

use smallvec::SmallVec;

use crate::{
    event::{Detector, Evidence, Feature, Finding, Revision},
    score::{
        detect::{drift, least},
        grid::{Grid, Narrow, Window},
        histogram::geometry::{LAST, coarse},
        usual::{
            bench::Bench, drift::Drifted, judge::Seeing, knots::Knots, peers::moment_of, sample::NOTHING,
        },
    },
};

use super::{
    amounts::{Amounts, Sums, Twofold},
    daily::Daily,
    entity::Entity,
    episode::Episode,
    finding::{Case, Notice, revise},
    open::{Open, Raised},
    series::{FEATURES, Span},
};

/// What has folded of an hour or a day of an entity.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::score) struct Stretch<A = Amounts> {
    /// The first window of the span.
    pub(in crate::score) start: Narrow,
    /// One of its windows was held out of learning.
    pub(in crate::score) held_out: bool,
    pub(in crate::score) amounts: Twofold<A>,
    /// What was said of it; of most, nothing ever is.
    pub(in crate::score) said: Option<Box<Said>>,
}

/// What was said of an hour or a day.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(in crate::score) struct Said {
    /// By feature, as bits: a shorter span inside it has told of it.
    pub(in crate::score) told: u8,
    /// By feature: floor(log10) of the value that its own last document named.
    pub(in crate::score) magnitude: [Option<u8>; FEATURES],
    /// The episode that its findings belong to.
    pub(in crate::score) episode: Option<Episode>,
}

/// What one of the spans adds up, and where an entity has it.
pub(in crate::score) trait Spanning: Sums {
    const SPAN: Span;

    /// The place of the span that is running.
    fn running(entity: &mut Entity) -> &mut Option<Box<Stretch<Self>>>;
}

impl Spanning for Amounts {
    const SPAN: Span = Span::Hour;

    fn running(entity: &mut Entity) -> &mut Option<Box<Stretch>> {
        &mut entity.hour
    }
}

impl Spanning for Daily {
    const SPAN: Span = Span::Day;

    fn running(entity: &mut Entity) -> &mut Option<Box<Stretch<Self>>> {
        &mut entity.day
    }
}

/// A vote for a pool: the pool, and a bucket of each series of the span; none where it was held out.
pub(in crate::score) type Vote = (u32, Option<SmallVec<[u16; FEATURES]>>);

// Every host that is awake has both.
const _: () = assert!(size_of::<Stretch>() <= 192 && size_of::<Stretch<Daily>>() <= 80);

// === impl Stretch ===

impl<A: Sums> Stretch<A> {
    /// A span that begins with window `start`, of which nothing has folded.
    pub(in crate::score) fn new(start: Window) -> Self {
        Self { start: Narrow::of(start), held_out: false, amounts: Twofold::default(), said: None }
    }

    /// The first window of the span.
    pub(in crate::score) fn start(&self) -> Window {
        self.start.window()
    }

    /// What was said of it.
    pub(in crate::score) fn said(&self) -> Said {
        self.said.as_deref().copied().unwrap_or_default()
    }

    /// Notes what was said of it.
    pub(in crate::score) fn say(&mut self, said: Said) {
        if said != self.said() {
            **self.said.get_or_insert_default() = said;
        }
    }
}

// === impl Said ===

impl Said {
    /// The features that the span has told of itself, as bits.
    fn own_told(&self) -> u8 {
        bits(&self.magnitude)
    }
}

/// The features with a magnitude, as bits.
pub(in crate::score) fn bits(magnitude: &[Option<u8>; FEATURES]) -> u8 {
    magnitude.iter().enumerate().fold(0, |bits, (nth, one)| bits | u8::from(one.is_some()) << nth)
}

// === impl Entity ===

impl Entity {
    /// Takes its window `open`, which has folded, into its hour and its day, and tells what these come to; says which of
    /// them begin with it.
    pub(in crate::score) fn stretch(
        &mut self,
        open: &Open,
        held_out: bool,
        bench: &Bench<'_>,
        order: (u32, bool, u32),
        notices: &mut Vec<Notice>,
    ) -> [bool; Span::ALL.len()] {
        let mut told = open.raised.as_ref().map_or(0, |raised| bits(&raised.magnitude));
        [
            self.lengthen::<Amounts>((open, held_out), &mut told, bench, order, notices),
            self.lengthen::<Daily>((open, held_out), &mut told, bench, order, notices),
        ]
    }

    /// Takes `open` into its hour or its day, of whose features shorter spans have `told`; says whether that begins with it.
    fn lengthen<A: Spanning>(
        &mut self,
        (open, held_out): (&Open, bool),
        told: &mut u8,
        bench: &Bench<'_>,
        order: (u32, bool, u32),
        notices: &mut Vec<Notice>,
    ) -> bool {
        let window = open.window();
        let running = A::running(self).take();
        let begins = running.is_none();
        let mut stretch = running.unwrap_or_else(|| Box::new(Stretch::new(A::SPAN.start_of(window))));
        stretch.amounts.add_up(&open.amounts, !held_out);
        stretch.held_out |= held_out;
        let mut said = stretch.said();
        said.told |= *told;
        self.tell(&stretch, &mut said, window, bench, order, notices);
        *told |= said.own_told();
        stretch.say(said);
        *A::running(self) = Some(stretch);
        begins
    }

    /// Raises what `stretch`, of which so much was `said`, calls for, now that its window `window` has folded.
    fn tell<A: Spanning>(
        &mut self,
        stretch: &Stretch<A>,
        said: &mut Said,
        window: Window,
        bench: &Bench<'_>,
        order: (u32, bool, u32),
        notices: &mut Vec<Notice>,
    ) {
        let span = A::SPAN;
        let values = stretch.amounts.values();
        for (nth, feature) in span.features().iter().enumerate() {
            let place = *feature as usize;
            let (value, mut magnitude) = (values[place], said.magnitude[place]);
            let Some(detector) = bench.watching(*feature) else { continue };
            if !self.has(*feature)
                || value < least(*feature)
                || magnitude.is_none() && said.told & 1 << place != 0
            {
                continue;
            }
            let Some(revision) = revise(&mut magnitude, value) else { continue };
            let seeing = self.see(span, nth, stretch.start(), value, bench);
            if !seeing.marks() {
                continue;
            }
            said.magnitude[place] = magnitude;
            let episode = *said.episode.get_or_insert_with(|| Episode::joined(self.episode, window));
            self.episode = Some(self.episode.map_or(episode, |last| last.later(episode)));
            let at = Grid::end(window);
            let case = (detector, *feature, revision, at, episode);
            notices
                .push(Notice { order, finding: self.case(span, nth, stretch.start(), value, &seeing, case) });
        }
    }

    /// Ends its hour or day: closes its findings, learns it or holds it out, and returns its vote.
    pub(in crate::score) fn end(
        &mut self,
        span: Span,
        bench: &Bench<'_>,
        order: (u32, bool, u32),
        notices: &mut Vec<Notice>,
    ) -> Option<Vote> {
        match span {
            Span::Hour => self.end_of::<Amounts>(bench, order, notices),
            Span::Day => self.end_of::<Daily>(bench, order, notices),
        }
    }

    fn end_of<A: Spanning>(
        &mut self,
        bench: &Bench<'_>,
        order: (u32, bool, u32),
        notices: &mut Vec<Notice>,
    ) -> Option<Vote> {
        let span = A::SPAN;
        let stretch = A::running(self).take()?;
        let (start, said) = (stretch.start(), stretch.said());
        let last = span.last_of(start);
        let values = stretch.amounts.values();
        let mut buckets = SmallVec::new();
        let mut surprising: SmallVec<[(usize, u16); 8]> = SmallVec::new();
        let mut held_out = span == Span::Hour && stretch.held_out;
        let mut alone = false;
        for (nth, feature) in span.features().iter().enumerate() {
            if !self.has(*feature) {
                buckets.push(NOTHING);
                continue;
            }
            let value = values[*feature as usize];
            let seeing = self.see(span, nth, start, value, bench);
            let holds_out = seeing.holds_out(value >= least(*feature));
            held_out |= holds_out;
            alone |= seeing.is_alone(span.windows() as u32);
            surprising.extend(holds_out.then_some((nth, seeing.bucket)));
            buckets.push(seeing.bucket);
            let told = said.magnitude[*feature as usize].zip(bench.watching(*feature)).zip(said.episode);
            if let Some(((_, detector), episode)) = told {
                let case = (detector, *feature, Revision::Closed, Grid::end(last), episode);
                notices.push(Notice { order, finding: self.case(span, nth, start, value, &seeing, case) });
            }
        }
        let drifted = self.note(&stretch, &surprising, (alone, held_out));
        for (feature, drifted) in drifted {
            notices.push(Notice { order, finding: self.drift(start, feature, &drifted, bench) });
        }
        if held_out {
            return Some((self.pool, None));
        }
        if let Some(habits) = &self.habits {
            for (nth, bucket) in buckets.iter_mut().enumerate().filter(|(_, bucket)| **bucket != NOTHING) {
                *bucket = coarse(habits.influence.bounded(span.first() + nth, *bucket, LAST));
            }
        }
        let at = moment_of(bench.decay, last);
        self.own_of_spans[span as usize].change(buckets.len(), |nth, own| match buckets[nth] {
            NOTHING => {}
            bucket => own.record_bucket_at(bucket, at),
        });
        Some((self.pool, Some(buckets)))
    }

    /// Takes note of what `stretch`, which ends, says of its ways: of what is `surprising` in it, and, of an hour, what it came to
    /// and showed. Returns what has drifted.
    fn note<A: Spanning>(
        &mut self,
        stretch: &Stretch<A>,
        surprising: &[(usize, u16)],
        (alone, held_out): (bool, bool),
    ) -> SmallVec<[(Feature, Drifted); 2]> {
        let (span, start, said) = (A::SPAN, stretch.start(), stretch.said());
        let habits = self.habits.get_or_insert_default();
        let adrift = alone && habits.is_adrift();
        for (nth, bucket) in surprising {
            let own = 1 << span.features()[*nth] as u8;
            let corroborated = adrift || (said.told | said.own_told()) & !own != 0;
            habits.ring.hold(span.last_of(start), (span.first() + nth) as u8, *bucket, corroborated);
        }
        if span == Span::Day {
            return SmallVec::new();
        }
        if surprising.is_empty() {
            habits.show(start, stretch.amounts.shown());
        }
        let values = stretch.amounts.values();
        let drifted: SmallVec<_> = habits.end_hour(start, &values, held_out).collect();
        if alone && !drifted.is_empty() {
            // What its windows were held out for before that was known.
            habits.ring.corroborate(start);
        }
        drifted
    }

    /// How surprising `value` is for its span, in the `nth` of the span's features.
    fn see(&self, span: Span, nth: usize, start: Window, value: u64, bench: &Bench<'_>) -> Seeing {
        let now = moment_of(bench.decay, start - 1);
        let own = self.own_of_spans[span as usize].nth(nth);
        let windows = now.windows(own.total(), own.landmark());
        let pooled = bench.peers.judging_span(span, self.pool, windows, now);
        let young = |born| Grid::start(start) - Grid::start(born) < bench.learn_all;
        let tied = Knots::of(own, &[], &pooled.frozen()[span.first() + nth], now);
        let shift = match span {
            Span::Hour if span.features()[nth].is_volume() => {
                self.habits.as_ref().map_or(0, |habits| habits.shifts(start - 1, start).of(start))
            }
            _ => 0,
        };
        Seeing::of(tied, value, shift, pooled.born.is_none_or(young))
    }

    /// The document that says that `feature` has drifted, as the hour that begins with window `start` showed.
    fn drift(&mut self, start: Window, feature: Feature, drifted: &Drifted, bench: &Bench<'_>) -> Finding {
        let last = Span::Hour.last_of(start);
        let episode = Episode::joined(self.episode, last);
        self.episode = Some(self.episode.map_or(episode, |before| before.later(episode)));
        let nth = Span::Hour.features().iter().position(|one| *one == feature).unwrap_or(0);
        let seeing = self.see(Span::Hour, nth, start, drifted.now, bench);
        let case = (&drift::DETECTOR, feature, Revision::Created, Grid::end(last), episode);
        let mut finding = self.case(Span::Hour, nth, start, drifted.now, &seeing, case);
        if let Evidence::Unusual { score, .. } = &mut finding.evidence {
            score.usual.median = drifted.usual;
        }
        finding
    }

    /// A document of a finding about its span.
    fn case(
        &self,
        span: Span,
        nth: usize,
        start: Window,
        value: u64,
        seeing: &Seeing,
        (detector, feature, revision, at, episode): (&'static Detector, Feature, Revision, i64, Episode),
    ) -> Finding {
        Case {
            detector,
            score: seeing.score(feature, value),
            revision,
            start: Grid::start(start),
            seconds: span.seconds(),
            at,
            own: self.own_of_spans[span as usize].nth(nth),
            shift: seeing.shift(),
            incident: episode.incident(&self.name),
            raised: &Raised::default(),
            activity: None,
        }
        .document(self)
    }
}
