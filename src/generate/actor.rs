//! An actor: somebody or something that makes traffic, one aggregation interval after the other.

use super::draw::Draw;
use super::estate::Estate;
use super::flow::Outbox;
use super::internet::Internet;
use super::label::Episode;
use super::options::Options;

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
