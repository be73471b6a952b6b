//! One event's row, and how its values are written.

use std::net::IpAddr;

use super::{
    pen::Pen,
    plan::{Member, Plan},
    text,
};
use crate::event::{Batch, Event, Field, Span, Value};

/// An event, its values by field, and whether its bytes need no escape.
pub(super) struct Row<'a> {
    pub(super) batch: &'a Batch,
    pub(super) event: &'a Event,
    pub(super) plan: &'a Plan,
    pub(super) values: &'a [Value],
    pub(super) bytes: &'a [u8],
    /// The addresses of source and destination, as the interface sees them.
    pub(super) addresses: [&'a Value; 2],
    /// The packet's own addresses, where they are others.
    pub(super) nats: [&'a Value; 2],
    /// The whole entry can stand in a JSON string as it is.
    plain: bool,
}

// === impl Row ===

impl<'a> Row<'a> {
    #[inline(always)]
    pub(super) fn new(batch: &'a Batch, event: &'a Event, plan: &'a Plan) -> Self {
        let bytes = batch.bytes();
        let plain = text::is_plain(event.entry.span.of(bytes));
        let (addresses, nats) = ([&Value::Absent; 2], [&Value::Absent; 2]);
        let start = event.row as usize;
        let values = &batch.values[start..start + plan.width()];
        let mut row = Self { batch, event, plan, values, bytes, addresses, nats, plain };
        row.addresses = [row.value(Field::SrcAddr), row.value(Field::DstAddr)];
        let nat = |packet: Field, own| {
            let packet = row.value(packet);
            if packet.is_absent() || row.same_address(packet, own) { &Value::Absent } else { packet }
        };
        row.nats = [nat(Field::PktSrcAddr, row.addresses[0]), nat(Field::PktDstAddr, row.addresses[1])];
        row
    }

    #[inline(always)]
    pub(super) fn value(&self, field: Field) -> &'a Value {
        self.values.get(self.plan.slots().of(field)).unwrap_or(&Value::Absent)
    }

    #[inline(always)]
    pub(super) fn uint(&self, field: Field) -> Option<u64> {
        self.value(field).as_uint()
    }

    /// The text that `field` has; empty where it has none.
    #[inline(always)]
    pub(super) fn text(&self, field: Field) -> &'a [u8] {
        match self.value(field) {
            Value::Derived(span) => span.of(&self.batch.derived),
            other => other.as_text().map_or(&[][..], |span| span.of(self.bytes)),
        }
    }

    /// The first byte of the text that `field` has; 0 where it has none.
    #[inline(always)]
    pub(super) fn initial(&self, field: Field) -> u8 {
        self.text(field).first().copied().unwrap_or(0)
    }

    pub(super) fn address(&self, value: Value) -> Option<IpAddr> {
        value.as_address(&self.batch.derived)
    }

    /// Whether two values name one address.
    #[inline(always)]
    pub(super) fn same_address(&self, a: &Value, b: &Value) -> bool {
        match (a, b) {
            (Value::V4(a, _), Value::V4(b, _)) => a == b,
            (Value::V4(..), _) | (_, Value::V4(..)) => false,
            _ => self.address(*a).is_some() && self.address(*a) == self.address(*b),
        }
    }

    /// Appends a value to the inside of a string. Texts of the entry and addresses are most of what is written.
    #[inline(always)]
    pub(super) fn put(&self, value: &Value, out: &mut Pen<'_>) {
        match *value {
            // What was read as an address holds nothing but digits, letters, points and colons.
            Value::V4(_, span) | Value::V6 { text: span, .. } => text::put_plain(out, self.bytes, span),
            Value::Text(span) if self.is_plain(span) => text::put_plain(out, self.bytes, span),
            other => out.aside(|out| self.put_other(other, out)),
        }
    }

    /// Appends the text at `span` of the chunk's bytes to the inside of a string.
    pub(super) fn put_span(&self, span: Span, out: &mut Pen<'_>) {
        self.put(&Value::Text(span), out);
    }

    /// Appends the entry as received as the member that `key` begins, up to its opening quotation mark.
    #[inline(never)]
    pub(super) fn put_entry(&self, key: &[u8], out: &mut Pen<'_>) {
        out.put_slice(key);
        text::put(out, self.event.entry.span.of(self.bytes));
        out.put(b"\",");
    }

    /// Whether the text at `span` of the chunk's bytes is known to need no escape.
    #[inline(always)]
    fn is_plain(&self, span: Span) -> bool {
        let entry = self.event.entry.span;
        self.plain && span.start >= entry.start && span.end() <= entry.end()
    }

    #[inline(never)]
    fn put_other(&self, value: Value, out: &mut Pen<'_>) {
        match value {
            Value::Uint(number) => text::put_uint(out, number),
            Value::Derived(span) => text::put(out, span.of(&self.batch.derived)),
            other => text::put(out, other.as_text().map_or(&[][..], |span| span.of(self.bytes))),
        }
    }

    /// Appends those members that the row has a value for.
    #[inline(always)]
    pub(super) fn put_members(&self, members: &[Member], out: &mut Pen<'_>) {
        for member in members {
            let value = &self.values[usize::from(member.slot)];
            if value.is_absent() {
                continue;
            }
            member.key.put(out);
            match value {
                Value::Uint(number) => text::put_uint(out, *number),
                value => self.put(value, out),
            }
            if member.key.is_text() {
                out.put(b"\",");
            } else {
                out.push(b',');
            }
        }
    }
}
