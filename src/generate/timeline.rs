//! Runs every actor through one aggregation interval after the other and delivers their records in order.

use super::attack::Intruder;
use super::backup::Backups;
use super::draw::Draw;
use super::estate::Estate;
use super::flow::{Delivery, Outbox};
use super::internet::Internet;
use super::label::Episode;
use super::life;
use super::options::Options;
use super::record::Record;
use super::rhythm::busyness;

/// One aggregation interval.
#[derive(Debug, Clone, Copy)]
pub(super) struct Interval {
    /// First second.
    pub(super) start: u64,
    /// First second after it.
    pub(super) end: u64,
    /// Busyness in thousandths.
    pub(super) busyness: u64,
}

/// What an actor may look at.
#[derive(Debug)]
pub(super) struct World<'a> {
    pub(super) estate: &'a Estate,
    pub(super) internet: Internet,
    pub(super) interval: Interval,
    pub(super) options: &'a Options,
}

/// Somebody or something that makes traffic, with draws of its own.
pub(super) trait Actor {
    /// Makes the traffic of one interval, and names the episodes that begin in it.
    fn act(&mut self, world: &World<'_>, draw: &mut Draw, outbox: &mut Outbox, episodes: &mut Vec<Episode>);
}

/// The estate profile in time.
pub(super) struct Timeline<'a> {
    options: &'a Options,
    estate: Estate,
    internet: Internet,
    actors: Vec<(Box<dyn Actor>, Draw)>,
    now: u64,
    outbox: Outbox,
    ready: Vec<Delivery>,
    episodes: Vec<Episode>,
    finished: bool,
}

impl Interval {
    /// Seconds.
    pub(super) fn length(&self) -> u64 {
        self.end - self.start
    }

    /// What happens `per_ten_minutes` thousandths of times in ten busy minutes happens so often here.
    pub(super) fn rate(&self, per_ten_minutes: u64) -> u64 {
        per_ten_minutes * self.busyness * self.length() / 600_000
    }

    /// As [`Self::rate`], day and night alike.
    pub(super) fn steady_rate(&self, per_ten_minutes: u64) -> u64 {
        per_ten_minutes * self.length() / 600
    }

    /// A stretch inside the interval of at most `longest` seconds.
    pub(super) fn stretch(&self, draw: &mut Draw, longest: u64) -> (u64, u64) {
        let length = draw.between(1, longest.clamp(1, self.length() - 1));
        let start = self.start + draw.below(self.length() - length);
        (start, start + length)
    }

    /// Nearly the whole interval: what a connection that stays open shows.
    pub(super) fn through(&self, draw: &mut Draw) -> (u64, u64) {
        let margin = self.length() / 10;
        (self.start + draw.below(margin), self.end - 1 - draw.below(margin))
    }
}

impl<'a> Timeline<'a> {
    /// Before the first interval.
    pub(super) fn new(options: &'a Options) -> Self {
        let estate = Estate::new(options.hosts);
        // The order is the order of the streams: what may be left out comes last.
        let mut actors = life::actors(&estate);
        actors.push(Box::new(Backups::new(&estate)));
        actors.push(Box::new(life::Scanners));
        actors.push(Box::new(life::Blindness));
        if options.attack {
            actors.push(Box::new(Intruder::default()));
        }
        let numbered = (0_u64..).zip(actors);
        Self {
            options,
            estate,
            internet: Internet::new(options.externals, options.ipv6_permille),
            actors: numbered.map(|(stream, actor)| (actor, Draw::new(options.seed, stream))).collect(),
            now: options.start,
            outbox: Outbox::default(),
            ready: Vec::new(),
            episodes: Vec::new(),
            finished: false,
        }
    }

    /// Goes one interval on; false when there is none left. A number of lines has no end of its own.
    pub(super) fn step(&mut self) -> bool {
        self.ready.clear();
        self.episodes.clear();
        if self.finished {
            return false;
        }
        let last = self.options.start + self.options.span;
        let endless = self.options.lines.is_some();
        let length = u64::from(self.options.aggregation_seconds);
        let interval = Interval { start: self.now, end: self.now + length, busyness: busyness(self.now) };
        let world = World { estate: &self.estate, internet: self.internet, interval, options: self.options };
        self.outbox.begin();
        for (number, (actor, draw)) in (0_u32..).zip(&mut self.actors) {
            self.outbox.speak_for(number, interval.start);
            actor.act(&world, draw, &mut self.outbox, &mut self.episodes);
        }
        self.now = interval.end;
        self.finished = !endless && self.now >= last;
        let until = if self.finished { u64::MAX } else { self.now };
        let pending = &mut self.outbox.deliveries;
        pending.sort_unstable_by_key(|delivery| (delivery.at, delivery.rank));
        let due = pending.partition_point(|delivery| delivery.at < until);
        self.ready.extend(pending.drain(..due));
        true
    }

    /// First second after the interval of the last step.
    pub(super) fn now(&self) -> u64 {
        self.now
    }

    /// The records that the last step delivered.
    pub(super) fn delivered(&self) -> impl Iterator<Item = &Record> {
        self.ready.iter().map(|delivery| &delivery.record)
    }

    /// The episodes that began in the last step, in order.
    pub(super) fn episodes(&self) -> &[Episode] {
        &self.episodes
    }
}
