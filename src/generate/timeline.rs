//! Runs every actor through one aggregation interval after the other and delivers their records in order.

use super::actor::{Actor, Interval, World};
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
