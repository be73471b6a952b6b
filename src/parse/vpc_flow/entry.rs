//! One entry: a line of columns, from its bytes to a row of values, in one pass over the bytes.

use super::{
    address::{ipv4, ipv6},
    plain,
    program::What,
    word::{Window, before_gap, decimal, first, load, word},
};
use crate::{
    event::{Column, Layout, Span, Value},
    parse::{ParseError, Writer},
};

/// Reads the line that `entry` covers with `layout`, whose program `out` has loaded.
///
/// Columns stand between runs of spaces and tabs, since AWS never writes an empty one; `-` is a value that is absent.
/// Lines as AWS writes them, with one blank between two columns, are read here; whatever is odd about one, an error
/// included, is found out by [`plain::read`].
#[inline]
pub(super) fn read(entry: Span, layout: &Layout, out: &mut Writer<'_>) -> Result<(), ParseError> {
    if columns(entry, layout, out).is_none() {
        out.restart();
        plain::read(entry, layout, out)?;
    }
    let row = &out.values[out.start.row..];
    let seconds = |slot: Option<u8>| slot.and_then(|slot| row.get(usize::from(slot))?.as_uint());
    match (seconds(out.program.start), seconds(out.program.end)) {
        (Some(start), Some(end)) if start > end => Err(ParseError::TimeBackwards { start, end }),
        (None, None) => Err(ParseError::NoTime),
        _ => Ok(()),
    }
}

/// How many bytes behind the line there have to be: no window on its last byte reaches past them.
const BEHIND: usize = size_of::<Window>() - 1;

/// Reads the columns, if each is as its step says and one blank stands between any two; else `None`.
#[inline]
fn columns(entry: Span, layout: &Layout, out: &mut Writer<'_>) -> Option<()> {
    let line_end = entry.end() as usize;
    // From the column that is read to some bytes behind the line.
    let mut rest = out.bytes.get(entry.start as usize..line_end + BEHIND)?;
    let row = out.values.get_mut(out.start.row..)?;
    let mut behind_last = false;
    for (number, step) in out.program.steps().iter().enumerate() {
        let window: &Window = rest.first_chunk()?;
        let left = rest.len() - BEHIND;
        let slot = usize::from(step.slot);
        let span = |len: usize| Span { start: (line_end - left) as u32, len: len as u32 };
        let dash = window[0] == b'-';
        let len = match step.what {
            What::Uint => match decimal(window, left) {
                Some((number, len)) if number <= step.max => {
                    *row.get_mut(slot)? = Value::Uint(number);
                    len
                }
                None if dash => 1,
                _ => return None,
            },
            What::Address => match ipv4(window, left) {
                Some((address, len)) => {
                    *row.get_mut(slot)? = Value::V4(address, span(len));
                    len
                }
                None if dash => 1,
                None => {
                    let len = text(rest, window, left);
                    *row.get_mut(slot)? = other_address(rest.get(..len)?, span(len), out.derived)?;
                    len
                }
            },
            What::Text | What::Action | What::LogStatus | What::Extra => {
                let len = text(rest, window, left);
                if dash && len == 1 {
                    // A row's slots begin as absent.
                } else if step.what == What::Extra {
                    let Some(Column::Extra(name)) = layout.columns().get(number) else { return None };
                    out.extras.push((name.clone(), span(len)));
                } else if fits(step.what, window, len) {
                    *row.get_mut(slot)? = Value::Text(span(len));
                } else {
                    return None;
                }
                len
            }
        };
        if len < left {
            if len == 0 || !matches!(rest.get(len)?, b' ' | b'\t') {
                return None;
            }
        } else {
            behind_last = true;
        }
        rest = rest.get(len + 1..)?;
    }
    behind_last.then_some(())
}

/// Length of the text that begins with `window`, up to the first space or control character of the line or to its end,
/// `left` bytes on.
#[inline]
fn text(rest: &[u8], window: &Window, left: usize) -> usize {
    let mut len = before_gap(load(window, 0));
    if len == 8 {
        len += before_gap(load(window, 8));
        while len % 8 == 0 && len < left {
            let Some(word) = rest.get(len..).and_then(|rest| rest.first_chunk()) else { break };
            let more = before_gap(u64::from_le_bytes(*word));
            len += more;
            if more == 0 {
                break;
            }
        }
    }
    len.min(left)
}

/// Whether the `len` bytes at the window's beginning are a word that such a column can hold.
#[inline]
fn fits(what: What, window: &Window, len: usize) -> bool {
    const ACCEPT: u64 = word(b"ACCEPT");
    const REJECT: u64 = word(b"REJECT");
    const OK: u64 = word(b"OK");
    const NODATA: u64 = word(b"NODATA");
    const SKIPDATA: u64 = word(b"SKIPDATA");
    match what {
        What::Action => matches!(len, 1..=8) && matches!(first(load(window, 0), len), ACCEPT | REJECT),
        What::LogStatus => {
            matches!(len, 1..=8) && matches!(first(load(window, 0), len), OK | NODATA | SKIPDATA)
        }
        _ => true,
    }
}

/// The IPv6 address that `text` is.
#[inline(never)]
fn other_address(text: &[u8], span: Span, derived: &mut Vec<u8>) -> Option<Value> {
    let address = ipv6(text)?;
    let octets = derived.len() as u32;
    derived.extend_from_slice(&address.octets());
    Some(Value::V6 { text: span, octets })
}
