//! Contamination: in one ten minutes of ten a service sends 50 MB outside while its baseline is learned, and in the last
//! quarter of the span once a day.

use crate::generate::draw::Draw;
use crate::generate::fleet::actor::{Actor, Scene};
use crate::generate::fleet::label::Label;
use crate::generate::fleet::service::Role;
use crate::generate::fleet::vantage::Post;
use crate::generate::internet::DROP;

use super::{afternoon, label, last_quarter, leaving, victim};

/// Thousandths of the windows that are contaminated.
const PERMILLE: u64 = 100;
/// Median bytes of a contaminated window.
const BYTES: u64 = 50_000_000;

pub(super) struct Contamination;

impl Actor for Contamination {
    fn act(&mut self, scene: &Scene<'_>, draw: &mut Draw, post: &mut Post, labels: &mut Vec<Label>) {
        let interval = &scene.interval;
        // A window is contaminated once, however finely it is logged.
        if !interval.start.is_multiple_of(600) {
            return;
        }
        let poison = interval.start < last_quarter(scene.options);
        let drawn = draw.permille(PERMILLE);
        if !(if poison { drawn } else { interval.start == afternoon(scene.options, interval.start) }) {
            return;
        }
        let Some((_, host)) = victim(scene.fleet, Role::App, 1) else { return };
        let bytes = draw.spread(BYTES, 20);
        let flow = leaving(interval, draw, host, DROP, bytes);
        labels.push(label("contamination", host, &flow, poison));
        post.flow(scene.fleet, draw, &flow, false);
    }
}
