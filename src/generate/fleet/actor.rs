//! What makes traffic in a fleet, and what it may look at.

use crate::generate::actor::Interval;
use crate::generate::bundle::moment;
use crate::generate::draw::Draw;
use crate::generate::internet::Internet;
use crate::generate::options::{DAY, Options};

use super::Fleet;
use super::label::Label;
use super::service::Role;
use super::vantage::Post;

/// What an actor sees of one interval.
#[derive(Debug)]
pub(super) struct Scene<'a> {
    pub(super) fleet: &'a Fleet,
    pub(super) options: &'a Options,
    pub(super) internet: Internet,
    pub(super) interval: Interval,
    /// Share of conversations over IPv6, where both sides have it, in thousandths.
    pub(super) six_permille: u64,
    /// Whether it is the last day of a month or the first.
    pub(super) month_end: bool,
    /// Records that the actors before this one have made in the interval.
    pub(super) made: u64,
}

/// Somebody or something that makes traffic, with draws of its own, so that leaving it out changes nobody else's.
///
/// An attack is an actor too: see [`super::attack`].
pub(super) trait Actor {
    /// Makes the traffic of one interval, and labels what was scripted.
    fn act(&mut self, scene: &Scene<'_>, draw: &mut Draw, post: &mut Post, labels: &mut Vec<Label>);
}

impl Scene<'_> {
    /// What the month's end makes of the traffic of a role, in hundredths.
    pub(super) fn month_percent(&self, role: Role) -> u64 {
        match role {
            Role::Batch | Role::Worker if self.month_end => 250,
            _ if self.month_end => 115,
            _ => 100,
        }
    }

    /// Which day of the span it is, from 0 on.
    pub(super) fn day(&self) -> u64 {
        (self.interval.start - self.options.start) / DAY
    }

    /// The day of the week, from 0 on Monday.
    pub(super) fn weekday(&self) -> u64 {
        (self.interval.start / DAY + 3) % 7
    }
}

/// Whether `time` is on the last day of a month or the first (UTC).
pub(super) fn is_month_end(time: u64) -> bool {
    let day = |time| moment(time).to_zoned(jiff::tz::TimeZone::UTC).day();
    day(time) == 1 || day(time + DAY) == 1
}
