//! One entry: a line of columns into a row of values.

use super::columns::Columns;
use crate::{
    event::{Column, Field, Layout, Span},
    parse::{ParseError, Writer},
};

/// Reads the line that `entry` covers with `layout`.
///
/// Columns stand between runs of spaces and tabs, since AWS never writes an empty one; `-` is a value that is absent.
#[inline]
pub(super) fn read(entry: Span, layout: &Layout, out: &mut Writer<'_>) -> Result<(), ParseError> {
    let mut columns = Columns::new(entry, out.bytes());
    let (mut start, mut end) = (None, None);
    for (number, column) in layout.columns().iter().enumerate() {
        if columns.is_done() {
            return Err(misfit(entry, layout, out.bytes(), None));
        }
        match column {
            Column::Known { field, slot } => {
                let Ok(value) = columns.value(field.info().kind, out) else {
                    let first = ParseError::Value { column: number as u32, span: columns.span() };
                    return Err(misfit(entry, layout, out.bytes(), Some(first)));
                };
                match field {
                    Field::Start => start = value.as_uint(),
                    Field::End => end = value.as_uint(),
                    _ => {}
                }
                out.put(*slot, value);
            }
            Column::Extra(name) => {
                if let Some(text) = columns.text() {
                    out.extra(name, text);
                }
            }
        }
    }
    if !columns.is_done() {
        return Err(misfit(entry, layout, out.bytes(), None));
    }
    match (start, end) {
        (Some(start), Some(end)) if start > end => Err(ParseError::TimeBackwards { start, end }),
        (None, None) => Err(ParseError::NoTime),
        _ => Ok(()),
    }
}

/// Why a line does not fit whose first bad column is `first`. A line of another layout nearly always has a bad column
/// too, but what is wrong with it is its number of columns.
#[cold]
fn misfit(entry: Span, layout: &Layout, bytes: &[u8], first: Option<ParseError>) -> ParseError {
    let found = Columns::new(entry, bytes).count();
    match first {
        Some(error) if found == layout.columns().len() => error,
        _ => ParseError::Columns { found: found as u32 },
    }
}
