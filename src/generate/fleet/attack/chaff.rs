//! Chaff: in three ten minutes of ten a service sends amounts of all sizes to addresses all over the Internet, which widens
//! what is usual for it; on the last day a theft of 300 MB hides among them.

use crate::generate::draw::Draw;
use crate::generate::fleet::actor::{Actor, Scene};
use crate::generate::fleet::label::Label;
use crate::generate::fleet::service::Role;
use crate::generate::fleet::vantage::Post;
use crate::generate::internet::DROP;
use crate::generate::options::DAY;

use super::{afternoon, label, leaving, victim};

/// Thousandths of the windows that have chaff.
const PERMILLE: u64 = 300;
/// Median bytes of one piece of chaff, and its log standard deviation in hundredths.
const BYTES: u64 = 1_000_000;
const SIGMA: u32 = 170;
/// Bytes of the theft.
const STOLEN: u64 = 300_000_000;

pub(super) struct Chaff;

impl Actor for Chaff {
    fn act(&mut self, scene: &Scene<'_>, draw: &mut Draw, post: &mut Post, labels: &mut Vec<Label>) {
        let interval = &scene.interval;
        if !interval.start.is_multiple_of(600) {
            return;
        }
        let thrown = draw.permille(PERMILLE);
        let Some((_, host)) = victim(scene.fleet, Role::App, 2) else { return };
        if thrown {
            let mut whole: Option<Label> = None;
            for _ in 0..draw.between(1, 8) {
                let outside = scene.internet.client(draw);
                let bytes = draw.spread(BYTES, SIGMA);
                let flow = leaving(interval, draw, host, outside, bytes);
                post.flow(scene.fleet, draw, &flow, false);
                let one = label("chaff", host, &flow, true);
                whole = Some(match whole {
                    Some(sum) => sum.and(one),
                    None => one,
                });
            }
            labels.extend(whole);
        }
        let last_day = scene.options.span / DAY - 1;
        if scene.day() == last_day && interval.start == afternoon(scene.options, interval.start) {
            let flow = leaving(interval, draw, host, DROP, STOLEN);
            labels.push(label("chaff", host, &flow, false));
            post.flow(scene.fleet, draw, &flow, false);
        }
    }
}

impl Label {
    /// Both episodes as one.
    fn and(self, other: Self) -> Self {
        Self {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
            bytes: self.bytes + other.bytes,
            peer: "many".to_owned(),
            ..self
        }
    }
}
