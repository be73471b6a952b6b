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
    times(out)
}

/// Looks whether the row that was read has a time, and whether its first second is not after its last.
#[inline]
pub(super) fn times(out: &Writer<'_>) -> Result<(), ParseError> {
    let row = &out.values[out.start.row..];
    let seconds = |slot: Option<u8>| slot.and_then(|slot| row.get(usize::from(slot))?.as_uint());
    match (seconds(out.program.start), seconds(out.program.end)) {
        (Some(start), Some(end)) if start > end => Err(ParseError::TimeBackwards { start, end }),
        // A layout without either column is one that AWS writes; columns without a value are not.
        (None, None) if out.program.start.or(out.program.end).is_some() => Err(ParseError::NoTime),
        _ => Ok(()),
    }
}

/// How many bytes behind the line there have to be: no window on its last byte reaches past them.
const BEHIND: usize = size_of::<Window>() - 1;

/// Reads the columns, if each is as its step says and one blank stands between any two; else `None`.
#[inline]
fn columns(entry: Span, layout: &Layout, out: &mut Writer<'_>) -> Option<()> {
    let end = entry.end() as usize + BEHIND;
    // From the column that is read to some bytes behind the line.
    let mut rest = out.bytes.get(entry.start as usize..end)?;
    let row = out.values.get_mut(out.start.row..)?;
    for step in out.program.steps() {
        let window: &Window = rest.first_chunk()?;
        let start = end - rest.len();
        let place = usize::from(step.place);
        let len = match step.what {
            What::Uint => match decimal(window) {
                Some((number, len)) if number <= step.max => {
                    *row.get_mut(place)? = Value::Uint(number);
                    len
                }
                None if window[0] == b'-' => 1,
                _ => return None,
            },
            What::Address => address(rest, start, row.get_mut(place)?, out.derived)?,
            What::Text | What::Action | What::LogStatus => {
                let span = text(rest, start);
                if fits(step.what, window, span.len as usize) {
                    *row.get_mut(place)? = Value::Text(span);
                } else if span.len != 1 || window[0] != b'-' {
                    return None;
                }
                span.len as usize
            }
            What::Extra => {
                let span = text(rest, start);
                let Some(Column::Extra(name)) = layout.columns().get(place) else { return None };
                if span.len > 1 || window[0] != b'-' {
                    out.extras.push((name.clone(), span));
                }
                if span.len == 0 {
                    return None;
                }
                span.len as usize
            }
        };
        let (gap, next) = rest.get(len..)?.split_first()?;
        let ended = next.len() + 1 == BEHIND;
        if *gap != b' ' && !ended && *gap != b'\t' {
            return None;
        }
        rest = next;
    }
    // All of the line is read and the byte behind it, and no column went on behind the line.
    (rest.len() + 1 == BEHIND).then_some(())
}

/// The text that `rest` begins with, up to the first space or control character; `rest` begins at `start`.
#[inline]
fn text(rest: &[u8], start: usize) -> Span {
    let (words, _) = rest.as_chunks();
    let mut len = 0;
    for word in words {
        let more = before_gap(u64::from_le_bytes(*word));
        len += more;
        if more < 8 {
            break;
        }
    }
    Span { start: start as u32, len: len as u32 }
}

/// Reads the address that `rest` begins with, or its absence, into `slot`, and returns its length.
#[inline(never)]
fn address(rest: &[u8], start: usize, slot: &mut Value, derived: &mut Vec<u8>) -> Option<usize> {
    let window: &Window = rest.first_chunk()?;
    if let Some((address, len)) = ipv4(window) {
        *slot = Value::V4(address, Span { start: start as u32, len });
        return Some(len as usize);
    }
    let span = text(rest, start);
    let text = rest.get(..span.len as usize)?;
    if text != b"-" {
        let address = ipv6(text)?;
        *slot = Value::V6 { text: span, octets: derived.len() as u32 };
        derived.extend_from_slice(&address.octets());
    }
    Some(text.len())
}

/// Whether the `len` bytes at the window's beginning are what such a column can hold; not when it is absent.
#[inline]
fn fits(what: What, window: &Window, len: usize) -> bool {
    const ACCEPT: u64 = word(b"ACCEPT");
    const REJECT: u64 = word(b"REJECT");
    const OK: u64 = word(b"OK");
    const NODATA: u64 = word(b"NODATA");
    const SKIPDATA: u64 = word(b"SKIPDATA");
    if what == What::Text {
        return len > 1 || len == 1 && window[0] != b'-';
    }
    if !matches!(len, 1..=8) {
        return false;
    }
    let word = first(load(window, 0), len);
    match what {
        What::Action => word == ACCEPT || word == REJECT,
        _ => word == OK || word == NODATA || word == SKIPDATA,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::{
        event::{Batch, FIELDS, Field, Reason, Record},
        parse::trial::{Trial, chunk, rejects, says},
    };

    const FIELDS_READ: &str =
        "${version} ${srcaddr} ${made-up} ${interface-id} ${start} ${pkt-dstaddr} ${action} ${log-status}";

    /// What the batch says of its first line.
    fn said(batch: &Batch) -> Result<Vec<Option<String>>, String> {
        match rejects(batch).first() {
            Some((_, detail)) => Err((*detail).to_owned()),
            None => {
                let extras = &batch.extras[..batch.events[0].extras_len as usize];
                let extras =
                    extras.iter().map(|(_, span)| String::from_utf8(span.of(batch.bytes()).into()).ok());
                Ok(FIELDS.iter().map(|row| says(batch, 0, row.field)).chain(extras).collect())
            }
        }
    }

    /// A column for each field, right more often than not.
    fn column(right: &'static str) -> impl Strategy<Value = String> {
        prop_oneof![30 => right, 1 => Just("-".to_owned()), 1 => "[-0-9A-F.:\u{7}é]{1,20}"]
    }

    #[test]
    fn an_entry_ends_with_its_span_whatever_follows() {
        let mut two = chunk("file:1", 0, b"");
        two.bytes = b"10.0.0.1 170000000010.0.0.2 1700000001\n".to_vec();
        two.records =
            [(0, 19), (19, 39)].map(|(position, end)| Record { position, end, first_index: 0 }).into();
        let batch = Trial::configured("${srcaddr} ${end}").chunk(two);
        let ends = [0, 1].map(|index| says(&batch, index, Field::End));
        assert_eq!(ends, [Some("1700000000".to_owned()), Some("1700000001".to_owned())]);
    }

    #[test]
    fn there_is_no_empty_column() {
        for fields in ["${made-up} ${newer} ${end}", "${vpc-id} ${region} ${end}"] {
            let text = b" x 1700000000\nx  1700000000\nx y 1700000000\nx y 1700000000\n";
            let batch = Trial::configured(fields).file(text);
            let few = (Reason::TooFewColumns, "2 columns, the layout has 3");
            assert_eq!(rejects(&batch), [few, few], "{fields}");
        }
    }

    proptest! {
        /// A line at the very end of a chunk has no room behind it and is read by the plain reader.
        #[test]
        fn a_line_says_the_same_in_one_pass_and_read_plainly(
            columns in (
                column("1?[0-9]{1,2}"),
                column("1?[0-9](\\.(1?[1-9]?[0-9]|2[0-5][0-9])){3}"),
                column("[!-~]{1,30}"),
                column("[!-~]{1,30}"),
                column("[0-9]{1,12}"),
                column("[0-9A-Fa-f]{1,4}(:[0-9a-f]{1,4}){7}|[0-9a-f]{0,4}::[0-9a-f]{1,4}"),
                column("ACCEPT|REJECT"),
                column("OK|NODATA|SKIPDATA"),
            ),
            gap in prop_oneof![8 => Just(" "), 1 => Just("\t"), 1 => Just("  ")],
            odd in (0_usize..30, prop_oneof![Just("\t"), Just("  "), Just("x"), Just("."), Just("\u{7}"), Just("")]),
            around in prop_oneof![8 => Just(("", "")), 1 => Just((" ", "")), 1 => Just(("", " ")), 1 => Just(("", " 7"))],
            end in prop_oneof![Just("\n"), Just("\r\n")],
        ) {
            let (a, b, c, d, e, f, g, h) = columns;
            let mut line = around.0.to_owned();
            for (index, column) in [a, b, c, d, e, f, g, h].iter().enumerate() {
                line += if index == 0 { "" } else if index == odd.0 { odd.1 } else { gap };
                line += column;
            }
            line += around.1;
            let more = format!("{line}{end}1 10.0.0.1 x eni-1 1 10.0.0.2 ACCEPT OK\n");
            let one_pass = Trial::configured(FIELDS_READ).file(more.as_bytes());
            let plain = Trial::configured(FIELDS_READ).file(line.as_bytes());
            prop_assert_eq!(said(&one_pass), said(&plain), "{:?}", line);
        }
    }
}
