//! Attack during warm-up: a database is emptied on the first day, when nobody knows what is usual, and again on the last.
//!
//! A gigabyte in five minutes each time. Whoever learns the first as usual does not see the second.

use crate::generate::draw::Draw;
use crate::generate::fleet::actor::{Actor, Scene};
use crate::generate::fleet::label::Label;
use crate::generate::fleet::service::Role;
use crate::generate::fleet::vantage::Post;
use crate::generate::internet::DROP;
use crate::generate::options::DAY;

use super::{afternoon, label, leaving, victim};

#[derive(Default)]
pub(super) struct WarmUp {
    times: u32,
}

impl Actor for WarmUp {
    fn act(&mut self, scene: &Scene<'_>, draw: &mut Draw, post: &mut Post, labels: &mut Vec<Label>) {
        let interval = &scene.interval;
        let last_day = scene.options.span / DAY - 1;
        let strikes = interval.start == afternoon(scene.options, interval.start);
        if !strikes || scene.day() != 0 && scene.day() != last_day {
            return;
        }
        let Some((_, host)) = victim(scene.fleet, Role::Database, 0) else { return };
        self.times += 1;
        let bytes = draw.between(1_000_000_000, 1_040_000_000);
        let flow = leaving(interval, draw, host, DROP, bytes);
        labels.push(label("warm_up", host, &flow, self.times == 1));
        post.flow(scene.fleet, draw, &flow, false);
    }
}
