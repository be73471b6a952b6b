//! The document of one event.

use crate::{
    event::{Batch, Field},
    normalize::{
        extras::ExtraNames,
        floodmark::put_floodmark,
        pen::Pen,
        row::Row,
        side,
        syslog::put_log,
        text::put_uint,
        words::{WORDS, put_words},
    },
};

use super::{
    Activity, Writer,
    endpoint::{Device, put_endpoints},
    plan::Group,
};

/// What wrote the log, after the document's id and up to the version of the log.
pub(super) const VPC: &[u8] =
    b"\",\"log_provider\":\"AWS\",\"log_name\":\"VPC Flow Logs\",\"product\":{\"name\":\"Amazon VPC\",\
    \"vendor_name\":\"AWS\",\"feature\":{\"name\":\"Flow Logs\"},";
const TRANSIT_GATEWAY: &[u8] =
    b"\",\"log_provider\":\"AWS\",\"log_name\":\"Transit Gateway Flow Logs\",\"product\":{\
    \"name\":\"AWS Transit Gateway\",\"vendor_name\":\"AWS\",\"feature\":{\"name\":\"Flow Logs\"},";

// === impl Writer ===

impl Writer {
    /// Appends the document of event number `index`; where `SLIM`, only what a slim one holds.
    #[inline(always)]
    pub(super) fn put_event<const SLIM: bool>(
        &mut self,
        batch: &Batch,
        index: usize,
        rate: u32,
        out: &mut Pen<'_>,
    ) {
        let event = &batch.events[index];
        self.plan.fit(event.fields);
        let row = Row::new(batch, event, &self.plan);
        let activity = Activity::of(&row);
        let own = side::own(&row);
        let device = Device::of(&row, own);
        let has_device = device.is_known(&row);
        out.put_slice(&self.heads[activity as usize][usize::from(!has_device)]);
        out.put(&event.id.text());
        out.put_slice(if event.fields.and(side::TRANSIT).is_empty() { VPC } else { TRANSIT_GATEWAY });
        row.put_members(row.plan.members(Group::Product), out);
        out.close();
        row.put_members(row.plan.members(Group::Metadata), out);
        out.put_slice(self.labels.member());
        out.close();
        put_times(row.uint(Field::Start), row.uint(Field::End), self.now_millis, out);
        row.put_members(row.plan.members(Group::Document), out);
        let verdict = batch.verdicts.get(index).and_then(Option::as_ref);
        let judged =
            verdict.map(|verdict| self.baselines.judged(verdict, &batch.entities[verdict.entity as usize]));
        if let Some(judged) = &judged {
            // The class knows a score only beside what a control did.
            if activity.is_control() {
                judged.put_points(b"\"risk_score\":", out);
            }
            if !SLIM || judged.is_high() {
                judged.put_reason(b"\"message\":\"", out);
            }
        }
        if self.original {
            out.aside(|out| row.put_entry(b"\"raw_data\":\"", out));
            out.put(b"\"raw_data_size\":");
            put_uint(out, u64::from(event.entry.span.len));
            out.push(b',');
        }
        if let Some(service) = event.service {
            out.put(b"\"app_name\":\"");
            out.put_slice(service.as_bytes());
            out.put(b"\",");
        }
        // The interface stands in the device; an endpoint need not repeat it.
        let ends = if SLIM { device.apart() } else { device };
        put_endpoints(&row, &ends, &mut self.places, &mut self.assets, out);
        if !SLIM {
            put_point(own, out);
        }
        self.connections.put(&row, out);
        put_traffic::<SLIM>(&row, out);
        put_cloud(&row, out);
        if has_device {
            device.put(&row, &mut self.assets, out);
        }
        out.object(b"\"unmapped\":{", |out| {
            if !SLIM {
                put_unmapped(&mut self.extras, &row, out);
            }
            let told = judged.as_ref().filter(|judged| !SLIM || judged.is_high());
            put_floodmark(&row, told, &mut self.assets, &mut self.stamps, rate, out);
        });
        out.end_line();
    }
}

/// Appends what has no place in the class.
#[inline(always)]
fn put_unmapped(extras: &mut ExtraNames, row: &Row<'_>, out: &mut Pen<'_>) {
    row.put_members(row.plan.members(Group::Unmapped), out);
    put_words(row, &WORDS[1..], out);
    extras.put(row, out);
    if let Some(log) = row.batch.syslog(row.event) {
        out.aside(|out| put_log(log, row.bytes, out));
    }
}

/// Appends from which side the flow was seen.
#[inline(always)]
fn put_point(own: Option<side::Side>, out: &mut Pen<'_>) {
    match own {
        Some(side::Side::Source) => {
            out.put(b"\"observation_point_id\":1,\"observation_point\":\"Source\",");
        }
        Some(side::Side::Destination) => {
            out.put(b"\"observation_point_id\":2,\"observation_point\":\"Destination\",");
        }
        None => {}
    }
}

/// Appends when it was, in milliseconds: a document's time is its start.
#[inline(always)]
pub(super) fn put_times(start: Option<u64>, end: Option<u64>, now_millis: u64, out: &mut Pen<'_>) {
    out.put(b"\"time\":");
    match start.or(end) {
        Some(seconds) => put_millis(seconds, out),
        // A record without a time has the one when it was taken in.
        None => {
            put_uint(out, now_millis);
            out.push(b',');
        }
    }
    if let Some(start) = start {
        out.put(b"\"start_time\":");
        put_millis(start, out);
    }
    if let Some(end) = end {
        out.put(b"\"end_time\":");
        put_millis(end, out);
    }
    if let (Some(start), Some(end)) = (start, end) {
        out.put(b"\"duration\":");
        put_millis(end.saturating_sub(start), out);
    }
}

/// Appends seconds as milliseconds, with a comma.
#[inline(always)]
pub(super) fn put_millis(seconds: u64, out: &mut Pen<'_>) {
    match seconds {
        0 => out.put(b"0,"),
        // Numbers of eight digits are written without a call, and nearly every time has ten.
        1_000_000_000..10_000_000_000 => {
            put_uint(out, seconds / 100);
            let rest = (seconds % 100) as u8;
            out.put(&[b'0' + rest / 10, b'0' + rest % 10, b'0', b'0', b'0', b',']);
        }
        _ => {
            put_uint(out, seconds);
            out.put(b"000,");
        }
    }
}

/// Appends how much was sent. The record tells of one way, so what both ways took is what went out.
#[inline(always)]
fn put_traffic<const SLIM: bool>(row: &Row<'_>, out: &mut Pen<'_>) {
    out.object(b"\"traffic\":{", |out| {
        if let Some(bytes) = row.uint(Field::Bytes) {
            out.put(b"\"bytes\":");
            put_uint(out, bytes);
            if !SLIM {
                out.put(b",\"bytes_out\":");
                put_uint(out, bytes);
            }
            out.push(b',');
        }
        if let Some(packets) = row.uint(Field::Packets) {
            out.put(b"\"packets\":");
            put_uint(out, packets);
            if !SLIM {
                out.put(b",\"packets_out\":");
                put_uint(out, packets);
            }
            out.push(b',');
        }
    });
}

#[inline(always)]
pub(super) fn put_cloud(row: &Row<'_>, out: &mut Pen<'_>) {
    out.put(b"\"cloud\":{\"provider\":\"AWS\",");
    out.object(b"\"account\":{", |out| row.put_members(row.plan.members(Group::Account), out));
    row.put_members(row.plan.members(Group::Cloud), out);
    out.close();
}
