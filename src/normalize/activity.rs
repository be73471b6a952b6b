//! What a finding tells of the window's events, those that never left included, and for how many events one stands.

use super::{
    paths::{
        ACTIVITY_BYTES, ACTIVITY_BYTES_SERIES, ACTIVITY_EVENTS, ACTIVITY_EVENTS_SERIES, ACTIVITY_PACKETS,
        SAMPLE_RATE,
    },
    pen::Pen,
    piece::piece,
    text::put_uint,
};
use crate::event::Activity;

/// Appends the object with counts, sums and series.
pub(super) fn put_activity(activity: &Activity, out: &mut Pen<'_>) {
    out.put(piece![Open(ACTIVITY_EVENTS, 2), Key(ACTIVITY_EVENTS)]);
    put_uint(out, activity.events());
    out.put(piece![Text(","), Key(ACTIVITY_BYTES)]);
    put_uint(out, activity.bytes());
    out.put(piece![Text(","), Key(ACTIVITY_PACKETS)]);
    put_uint(out, activity.packets);
    out.push(b',');
    put_series(piece![Key(ACTIVITY_EVENTS_SERIES), Text("[")], activity.events_by_part.map(u64::from), out);
    put_series(piece![Key(ACTIVITY_BYTES_SERIES), Text("[")], activity.bytes_by_part, out);
    out.close();
}

fn put_series(begin: &[u8], numbers: [u64; Activity::PARTS], out: &mut Pen<'_>) {
    out.put_slice(begin);
    for number in numbers {
        put_uint(out, number);
        out.push(b',');
    }
    out.close_with(b"],");
}

/// Appends for how many events the document stands, where that is more than its own.
#[inline(always)]
pub(super) fn put_rate(rate: u32, out: &mut Pen<'_>) {
    if rate > 1 {
        out.aside(|out| put_sampled(rate, out));
    }
}

#[cold]
#[inline(never)]
fn put_sampled(rate: u32, out: &mut Pen<'_>) {
    out.put(piece![Open(SAMPLE_RATE, 1), Key(SAMPLE_RATE)]);
    put_uint(out, u64::from(rate));
    out.put(b"},");
}
