//! One entry read in the plainest way: for lines that are odd or wrong, and to say what is wrong with them.

use std::net::IpAddr;

use crate::{
    event::{Column, Kind, Layout, Span, Value},
    parse::{ParseError, Writer},
};

/// Reads the columns of the line that `entry` covers.
///
/// The number of columns is looked at first: a line of another layout nearly always has a bad column too, but what is
/// wrong with it is the number.
///
/// # Errors
/// When the line has another number of columns than `layout`, or one of them does not hold what its field can be.
#[cold]
pub(super) fn read(entry: Span, layout: &Layout, out: &mut Writer<'_>) -> Result<(), ParseError> {
    let line = entry.of(out.bytes);
    let found = columns(line).count();
    if found != layout.columns().len() {
        return Err(ParseError::Columns { found: found as u32 });
    }
    let row = &mut out.values[out.start.row..];
    for (number, (column, (at, text))) in layout.columns().iter().zip(columns(line)).enumerate() {
        let span = Span { start: entry.start + at as u32, len: text.len() as u32 };
        // A row's slots begin as absent.
        if text == b"-" {
            continue;
        }
        match column {
            Column::Known { field, slot } => {
                let misfit = ParseError::Value { column: number as u32, span };
                row[usize::from(*slot)] = value(text, span, field.info().kind, out.derived).ok_or(misfit)?;
            }
            Column::Extra(name) => out.extras.push((name.clone(), span)),
        }
    }
    Ok(())
}

/// The columns of `line`, and where each begins.
fn columns(line: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = 0;
    line.split(|byte| matches!(byte, b' ' | b'\t'))
        .map(move |text| {
            let start = at;
            at += text.len() + 1;
            (start, text)
        })
        .filter(|(_, text)| !text.is_empty())
}

/// What `text`, which `span` covers in the chunk's bytes, says as a value of this kind.
pub(super) fn value(text: &[u8], span: Span, kind: Kind, derived: &mut Vec<u8>) -> Option<Value> {
    match kind {
        Kind::Uint(max) => uint(text).filter(|number| *number <= max).map(Value::Uint),
        Kind::Address => Some(match std::str::from_utf8(text).ok()?.parse().ok()? {
            IpAddr::V4(address) => Value::V4(address, span),
            IpAddr::V6(address) => {
                let octets = derived.len() as u32;
                derived.extend_from_slice(&address.octets());
                Value::V6 { text: span, octets }
            }
        }),
        Kind::Text => Some(Value::Text(span)),
        Kind::Action => matches!(text, b"ACCEPT" | b"REJECT").then_some(Value::Text(span)),
        Kind::LogStatus => matches!(text, b"OK" | b"NODATA" | b"SKIPDATA").then_some(Value::Text(span)),
    }
}

/// The number that `text` is: one to twenty ASCII digits, as many as the greatest number of 64 bits has.
fn uint(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 20 {
        return None;
    }
    text.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 { None } else { number.checked_mul(10)?.checked_add(u64::from(digit)) }
    })
}
