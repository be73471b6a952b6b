//! An entity: its name, its baseline, the samples that wait to enter it, and its open windows.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::{
    event::{Asset, EntityName, Feature, Maturity},
    score::{
        grid::{EPOCH_WINDOWS, Grid, Narrow, Window},
        histogram::Packed,
        kept::archive::Order,
        keys::Key,
        usual::{
            bench::Bench,
            decay::{Decay, Moment},
            habits::{Habits, Shifts},
            judge::{Appointment, Judge},
            knots::Knots,
            maturity::maturity,
            peers::moment_of,
            roles::{self, Role},
            sample::Sample,
        },
    },
};

use super::{
    daily::Daily,
    episode::Episode,
    open::Open,
    series::{FEATURES, Span},
    stretch::Stretch,
};

/// One entity.
#[derive(Debug)]
pub(in crate::score) struct Entity {
    pub(in crate::score) key: Key,
    pub(in crate::score) name: Arc<EntityName>,
    /// Its peers, by their place among the groups.
    pub(in crate::score) pool: u32,
    /// Its first window that was in time to be learned; none before that.
    pub(in crate::score) first: Narrow,
    /// How many of its windows were held out of learning.
    pub(in crate::score) held_out: u32,
    /// The episode of its last folded window with a finding.
    pub(in crate::score) episode: Option<Episode>,
    /// The baseline of windows.
    pub(in crate::score) own: Packed,
    /// Its hour and its day, as far as they have folded, and their baselines.
    pub(in crate::score) hour: Option<Box<Stretch>>,
    pub(in crate::score) day: Option<Box<Stretch<Daily>>>,
    pub(in crate::score) own_of_spans: [Packed; Span::ALL.len()],
    /// What it knows of its own ways, once its first hour has ended.
    pub(in crate::score) habits: Option<Box<Habits>>,
    /// The asset of its own side, as it was last seen in this process.
    pub(in crate::score) asset: Option<Arc<Asset>>,
    /// Windows that were learned and that some open window must be judged without: kept apart, ascending.
    pub(in crate::score) pending: Vec<Sample>,
    /// Windows that have not folded, ascending.
    pub(in crate::score) open: Vec<Open>,
    /// Judges of two epochs that follow each other, while they have something to judge.
    judges: [Option<Box<Judge>>; 2],
    /// Whether it differs from what was captured last.
    pub(in crate::score) dirty: bool,
    /// The order by which it is fetched, while the state may have more of it.
    pub(in crate::score) away: Option<Order>,
    /// Whether it came back while windows were open, so that they were not judged as they grew.
    pub(in crate::score) came_back: bool,
    /// The batch that names it.
    pub(in crate::score) named_by: u64,
    /// Its place there.
    pub(in crate::score) named_at: u32,
}

// === impl Entity ===

impl Entity {
    /// An entity of which nothing is known but its name.
    pub(in crate::score) fn new(key: Key, name: Arc<EntityName>, pool: u32) -> Self {
        Self {
            key,
            name,
            pool,
            first: Narrow::NONE,
            held_out: 0,
            episode: None,
            own: Packed::new(),
            hour: None,
            day: None,
            own_of_spans: Default::default(),
            habits: None,
            asset: None,
            pending: Vec::new(),
            open: Vec::new(),
            judges: [None, None],
            dirty: false,
            away: None,
            came_back: false,
            named_by: 0,
            named_at: 0,
        }
    }

    /// Whether it is known to serve `port` of `protocol`.
    pub(in crate::score) fn serves(&self, protocol: u8, port: u16) -> bool {
        let key = roles::port(protocol, port);
        self.habits.as_deref().is_some_and(|habits| habits.roles().has(Role::ServerPort, key))
    }

    /// Whether it is known to serve anything.
    pub(in crate::score) fn is_server(&self) -> bool {
        self.habits.as_deref().is_some_and(|habits| habits.roles().keys(Role::ServerPort).len() > 0)
    }

    /// Takes over what it was before it left.
    pub(in crate::score) fn resume(&mut self, before: Self) {
        let Self { first, held_out, episode, own, hour, day, own_of_spans, habits, pending, .. } = before;
        let came_back = !self.open.is_empty();
        *self = Self {
            first,
            held_out,
            episode,
            own,
            hour,
            day,
            own_of_spans,
            habits,
            pending,
            open: std::mem::take(&mut self.open),
            asset: self.asset.take(),
            dirty: self.dirty,
            named_by: self.named_by,
            named_at: self.named_at,
            came_back,
            ..Self::new(self.key, Arc::clone(&self.name), self.pool)
        };
    }

    /// Forgets an hour or a day that has ended while it was away, given that everything through `folded` has folded.
    pub(in crate::score) fn forget_ended(&mut self, folded: Window) {
        let has_ended = |span: Span, start: Window| Grid::epoch(span.last_of(start)) <= Grid::epoch(folded);
        self.hour.take_if(|hour| has_ended(Span::Hour, hour.start()));
        self.day.take_if(|day| has_ended(Span::Day, day.start()));
    }

    /// Whether an hour or a day of it is running.
    pub(in crate::score) fn is_in(&self, span: Span) -> bool {
        match span {
            Span::Hour => self.hour.is_some(),
            Span::Day => self.day.is_some(),
        }
    }

    /// Its first window that was in time to be learned.
    pub(in crate::score) fn born(&self) -> Option<Window> {
        (self.first != Narrow::NONE).then(|| self.first.window())
    }

    /// The newest window that it knows of.
    pub(in crate::score) fn newest(&self) -> Option<Window> {
        let learned = self.pending.last().map(|sample| sample.window.window());
        self.open.last().map(Open::window).max(learned)
    }

    /// Whether `feature` says something of it: of what passes on other people's traffic, only how much that is and how much
    /// of it was refused.
    #[inline]
    pub(in crate::score) fn has(&self, feature: Feature) -> bool {
        self.name.gateway().is_none() || feature.is_of_gateways()
    }

    /// Gives it another name and other peers, who judge it from now on.
    pub(in crate::score) fn rename(&mut self, name: Arc<EntityName>, pool: u32) {
        self.name = name;
        self.pool = pool;
        self.judges = [None, None];
        self.named_by = 0;
    }

    /// The place of its open window `window`, which is begun if there is none; and whether it was.
    #[inline]
    pub(in crate::score) fn enter(&mut self, window: Window) -> (usize, bool) {
        match self.find(window) {
            Ok(place) => (place, false),
            Err(place) => {
                // Nearly always one, of hundreds of bytes, where a vector makes room for four.
                self.open.reserve_exact(1);
                self.open.insert(place, Open::new(window));
                // The least, not the first: which partition's record comes first must not matter.
                self.first = Narrow::of(self.born().map_or(window, |born| born.min(window)));
                (place, true)
            }
        }
    }

    /// The place of its open window `window`, or where it would stand.
    #[inline]
    pub(in crate::score) fn find(&self, window: Window) -> Result<usize, usize> {
        // Nearly always the newest.
        match self.open.last() {
            Some(open) if open.window() == window => Ok(self.open.len() - 1),
            Some(open) if open.window() > window => self.open.binary_search_by_key(&window, Open::window),
            _ => Err(self.open.len()),
        }
    }

    /// Reads what an observation will read of the entity itself, the judge of fold `as_of` with it, so that the memory of
    /// several entities is fetched side by side.
    #[inline]
    pub(in crate::score) fn warm(&self, as_of: Window) -> u64 {
        let judge =
            self.judges[place_of(as_of)].as_ref().map_or(0, |judge| std::ptr::from_ref(&**judge) as u64);
        self.named_by ^ u64::from(self.dirty) ^ judge
    }

    /// Reads what judging as of fold `as_of` will read behind the entity's pointers.
    #[inline]
    pub(in crate::score) fn warm_behind(&self, as_of: Window) -> u64 {
        let open = self.open.last().map_or(0, Open::warm) ^ Arc::strong_count(&self.name) as u64;
        match &self.judges[place_of(as_of)] {
            Some(judge) if judge.as_of() == as_of => open ^ judge.warm(),
            _ => open ^ self.warm_baseline(),
        }
    }

    /// Reads what adding up its hour and its day, and ending them, will read behind the entity's pointers.
    #[inline]
    pub(super) fn warm_spans(&self) -> u64 {
        let hour = self.hour.as_ref().map_or(0, |hour| hour.amounts.warm() ^ hour.start() as u64);
        let day = self.day.as_ref().map_or(0, |day| day.amounts.warm() ^ day.start() as u64);
        let habits = self.habits.as_ref().map_or(0, |habits| habits.warm());
        self.own_of_spans.iter().fold(hour ^ day ^ habits, |read, own| read ^ own.warm())
    }

    /// Reads what appointing a judge or learning a window will read behind the entity's pointers.
    #[inline]
    pub(super) fn warm_baseline(&self) -> u64 {
        self.own.warm() ^ self.pending.first().map_or(0, |sample| u64::from(sample.buckets[0]))
    }

    /// The judge as of fold `as_of`, which must have run and not be older than what is settled.
    #[inline]
    pub(in crate::score) fn judge(&mut self, as_of: Window, bench: &Bench<'_>) -> &Judge {
        let Self { own, pending, pool, judges, habits, .. } = self;
        let judge = judges[place_of(as_of)].get_or_insert_with(|| Box::new(Judge::none()));
        if judge.as_of() != as_of {
            appoint(judge, (own, pending, habits.as_deref()), *pool, as_of, bench);
        }
        judge
    }

    /// The episode of its window `window`, which has a finding, as far as the windows before it have told of theirs. Once
    /// they have folded that is final.
    pub(in crate::score) fn episode_of(&self, window: Window) -> Episode {
        let raised = self.open.iter().filter(|open| open.window() < window && open.raised.is_some());
        let before = raised.fold(self.episode, |before, open| Some(Episode::joined(before, open.window())));
        Episode::joined(before, window)
    }

    /// Learns `sample`.
    pub(in crate::score) fn learn(&mut self, sample: Sample) {
        // Most have one or two, and wait long.
        self.pending.reserve_exact(1);
        self.pending.push(sample);
    }

    /// Takes its open window at `place` out; a window that is over leaves no room behind.
    pub(in crate::score) fn close(&mut self, place: usize) -> Open {
        let open = self.open.remove(place);
        if self.open.is_empty() {
            self.open = Vec::new();
        }
        open
    }

    /// Lets its judges go while it has no window open: the next one is judged as of another fold.
    pub(super) fn rest(&mut self) {
        if self.open.is_empty() {
            self.judges = [None, None];
        }
    }

    /// Moves the samples of windows through `settled` into the baseline: every window still to be judged is judged with
    /// them. They go in order of window, whenever that is done.
    pub(in crate::score) fn settle(&mut self, settled: Window, decay: Decay) {
        let count = self.pending.iter().take_while(|sample| sample.window.window() <= settled).count();
        if count > 0 {
            self.own = self.with(count, decay);
            self.pending.drain(..count);
            if self.pending.is_empty() {
                self.pending = Vec::new();
            }
            for judge in &mut self.judges {
                // What it judged has folded.
                judge.take_if(|judge| judge.as_of() < settled);
            }
        }
        if let Some(habits) = &mut self.habits {
            habits.settle(settled);
        }
    }

    /// The baseline with everything that was learned, whether settled or not.
    pub(in crate::score) fn baseline(&self, decay: Decay) -> Packed {
        self.with(self.pending.len(), decay)
    }

    /// The baseline with the first `count` samples that wait.
    fn with(&self, count: usize, decay: Decay) -> Packed {
        let moment = |sample: &Sample| moment_of(decay, Grid::epoch_of(sample.seen.window()));
        let waiting: Vec<(Moment, &Sample)> =
            self.pending[..count].iter().map(|sample| (moment(sample), sample)).collect();
        let mut own = self.own.clone();
        own.change(FEATURES, |feature, own| {
            let taught = waiting.iter().filter_map(|(at, sample)| sample.taught(feature, *at));
            taught.for_each(|(bucket, at)| own.record_bucket_at(bucket, at));
        });
        own
    }
}

/// Makes `judge` that of fold `as_of` for who has learned `own`, with what is `pending`, and has these `habits`.
#[cold]
fn appoint(
    judge: &mut Judge,
    (own, pending, habits): (&Packed, &[Sample], Option<&Habits>),
    pool: u32,
    as_of: Window,
    bench: &Bench<'_>,
) {
    let now = bench.moment(as_of);
    let waiting = pending.iter().filter(|sample| sample.window.window() <= as_of);
    let moments: SmallVec<[(Moment, &Sample); 16]> =
        waiting.map(|sample| (bench.moment(Grid::epoch_of(sample.seen.window())), sample)).collect();
    let mut series = own.series();
    let first = series.next().unwrap_or_default();
    let whole = moments.iter().filter(|(_, sample)| sample.seen == sample.window).count();
    let windows = now.windows(first.total(), first.landmark()) + whole as u32;
    let pooled = bench.peers.judging(pool, windows, as_of, now);
    let judged = bench.grid.judged_in(as_of - 1, as_of).start;
    let shifts = habits.map_or_else(Shifts::default, |habits| habits.shifts(as_of, judged));
    let maturity = maturity(windows, shifts.days);
    // Who is warming and has peers is judged by them alone: its own past may be an attacker's.
    let alone = maturity == Maturity::Warming && pooled.suffice;
    let appointment = Appointment { as_of, now, pooled, learn_all: bench.learn_all, shifts, maturity };
    if alone {
        return judge.appoint_for_newcomer(&appointment, windows);
    }
    let mut series = std::iter::once(first).chain(series);
    let mut waiting = SmallVec::<[_; 16]>::new();
    judge.appoint(&appointment, |feature, pool| {
        let own = series.next().unwrap_or_default();
        waiting.clear();
        waiting.extend(moments.iter().filter_map(|(at, sample)| sample.taught(feature, *at)));
        Knots::of(own, &waiting, pool, now)
    });
}

/// Where the judge of fold `as_of` stands: those of two epochs that follow each other are needed together.
#[inline]
const fn place_of(as_of: Window) -> usize {
    (as_of.div_euclid(EPOCH_WINDOWS) & 1) as usize
}
