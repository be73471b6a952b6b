//! The boiling frog: what a service sends to one address outside grows by 5 % a day, from 200 kB in ten minutes on.
//!
//! After 30 days it is 4.3 times as much, and no day is far from the one before.

use crate::generate::draw::Draw;
use crate::generate::fleet::actor::{Actor, Scene};
use crate::generate::fleet::label::Label;
use crate::generate::fleet::service::Role;
use crate::generate::fleet::vantage::Post;
use crate::generate::internet::DROP;
use crate::generate::options::DAY;

use super::{label, leaving, victim};

/// Bytes in ten minutes on the first day.
const FIRST_BYTES: u64 = 200_000;
/// Growth from one day to the next, in hundredths.
const GROWTH_PERCENT: u64 = 105;

/// One label a day, for what the day comes to.
#[derive(Default)]
pub(super) struct Frog {
    today: Option<Label>,
}

impl Actor for Frog {
    fn act(&mut self, scene: &Scene<'_>, draw: &mut Draw, post: &mut Post, labels: &mut Vec<Label>) {
        let interval = &scene.interval;
        let Some((_, host)) = victim(scene.fleet, Role::App, 0) else { return };
        let mean = (0..scene.day().min(400)).fold(FIRST_BYTES, |bytes, _| bytes * GROWTH_PERCENT / 100);
        let bytes = draw.spread(mean * interval.length() / 600, 10);
        let flow = leaving(interval, draw, host, DROP, bytes);
        post.flow(scene.fleet, draw, &flow, false);
        let today =
            self.today.get_or_insert_with(|| Label { bytes: 0, ..label("boiling_frog", host, &flow, true) });
        today.bytes += flow.up.bytes;
        today.end = flow.end;
        // The member of the morning may be gone in the evening: the label names who is there.
        today.host = host;
        let day_ends = (interval.end - scene.options.start).is_multiple_of(DAY);
        let run_ends = interval.end >= scene.options.start + scene.options.span;
        if day_ends || run_ends {
            labels.extend(self.today.take());
        }
    }
}
