//! One entry: a line of columns into a row of values.

use std::net::Ipv6Addr;

use super::number::{decimal, ipv4};
use crate::{
    event::{Column, Field, Kind, Layout, Span, Value},
    parse::{ParseError, Writer},
};

/// When the flow was seen, in seconds since 1970.
#[derive(Debug, Default)]
struct Time {
    start: Option<u64>,
    end: Option<u64>,
}

/// A column that does not hold what it should.
struct Misfit;

/// Reads the line that `entry` covers with `layout`.
///
/// Columns stand between runs of spaces and tabs, since AWS never writes an empty one; `-` is a value that is absent. The
/// number of columns is looked at first: a line of another layout nearly always has a bad column too, but what is wrong
/// with it is the number.
#[inline]
pub(super) fn read(entry: Span, layout: &Layout, out: &mut Writer<'_>) -> Result<(), ParseError> {
    let line = entry.of(out.bytes);
    let found = out.columns.split(line);
    if found != layout.columns().len() {
        return Err(ParseError::Columns { found: found as u32 });
    }
    let mut time = Time::default();
    let row = &mut out.values[out.start.row..];
    for (number, (column, at)) in layout.columns().iter().zip(out.columns.first(found)).enumerate() {
        let rest = &line[at.start as usize..];
        let len = at.len as usize;
        // A row's slots begin as absent, so nothing is written for `-`.
        if len == 1 && rest[0] == b'-' {
            continue;
        }
        let span = Span { start: entry.start + at.start, len: at.len };
        match column {
            Column::Known { field, slot } => {
                let slot = &mut row[usize::from(*slot)];
                if value(rest, span, *field, &mut time, slot, out.derived).is_err() {
                    return Err(ParseError::Value { column: number as u32, span });
                }
            }
            Column::Extra(name) => out.extras.push((name.clone(), span)),
        }
    }
    match (time.start, time.end) {
        (Some(start), Some(end)) if start > end => Err(ParseError::TimeBackwards { start, end }),
        (None, None) => Err(ParseError::NoTime),
        _ => Ok(()),
    }
}

/// Reads the column that `rest` begins with and `span` covers in the chunk's bytes.
#[inline]
fn value(
    rest: &[u8],
    span: Span,
    field: Field,
    time: &mut Time,
    slot: &mut Value,
    derived: &mut Vec<u8>,
) -> Result<(), Misfit> {
    let len = span.len as usize;
    let known = match field.info().kind {
        Kind::Uint(max) => {
            let number = decimal(rest, len).filter(|number| *number <= max).ok_or(Misfit)?;
            match field {
                Field::Start => time.start = Some(number),
                Field::End => time.end = Some(number),
                _ => {}
            }
            *slot = Value::Uint(number);
            return Ok(());
        }
        Kind::Address => {
            *slot = match ipv4(&rest[..len]) {
                Some(address) => Value::V4(address, span),
                None => ipv6(&rest[..len], span, derived)?,
            };
            return Ok(());
        }
        Kind::Text => true,
        Kind::Action => matches!(&rest[..len], b"ACCEPT" | b"REJECT"),
        Kind::LogStatus => matches!(&rest[..len], b"OK" | b"NODATA" | b"SKIPDATA"),
    };
    *slot = Value::Text(span);
    if known { Ok(()) } else { Err(Misfit) }
}

/// The IPv6 address that `text` is, in any form of RFC 4291, section 2.2.
fn ipv6(text: &[u8], span: Span, derived: &mut Vec<u8>) -> Result<Value, Misfit> {
    let text = std::str::from_utf8(text).map_err(|_| Misfit)?;
    let address: Ipv6Addr = text.parse().map_err(|_| Misfit)?;
    let octets = derived.len() as u32;
    derived.extend_from_slice(&address.octets());
    Ok(Value::V6 { text: span, octets })
}
