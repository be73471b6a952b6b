//! One entry that is a JSON object: from its members to a row of values.

use std::fmt;

use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::{Deserializer, value::RawValue};

use super::{entry::times, plain};
use crate::{
    event::{Column, Kind, Layout, Span, Value},
    parse::{ParseError, Writer},
};

/// Reads the object that `entry` covers, whose members are the columns of `layout` in this order: their names made it.
///
/// A member that is `null`, `""` or `"-"` is absent. A number may be written as one or as a string.
///
/// # Errors
/// When a member does not hold what its field can be, or the object has another number of members.
pub(super) fn read(entry: Span, layout: &Layout, out: &mut Writer<'_>) -> Result<(), ParseError> {
    let members = Members { entry, layout, out: &mut *out };
    let from = &mut Deserializer::from_slice(entry.of(members.out.bytes));
    // It was read before, when it was found; what could not be read was rejected then.
    let found = from.deserialize_map(members).map_err(|_| ParseError::Columns { found: 0 })??;
    if found != layout.columns().len() {
        return Err(ParseError::Columns { found: found as u32 });
    }
    times(out)
}

struct Members<'w, 'b> {
    entry: Span,
    layout: &'w Layout,
    out: &'w mut Writer<'b>,
}

impl<'de> Visitor<'de> for Members<'_, '_> {
    type Value = Result<usize, ParseError>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut found, mut misfit) = (0, None);
        while map.next_key::<IgnoredAny>()?.is_some() {
            let value: &RawValue = map.next_value()?;
            if let Some(column) = self.layout.columns().get(found)
                && !self.member(column, value.get())
            {
                misfit.get_or_insert((found, value.get()));
            }
            found += 1;
        }
        Ok(match misfit {
            None => Ok(found),
            Some((column, text)) => Err(ParseError::Value { column: column as u32, span: self.span(text) }),
        })
    }
}

impl Members<'_, '_> {
    /// Takes the member of `column`; says whether it holds what it can.
    fn member(&mut self, column: &Column, raw: &str) -> bool {
        let text = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(raw);
        if matches!(text, "" | "-") || raw == "null" {
            return true;
        }
        let row = &mut self.out.values[self.out.start.row..];
        let span = Span::new(0, text.len());
        let start = text.as_ptr().addr() - self.out.bytes.as_ptr().addr();
        let span = Span { start: start as u32, ..span };
        let is_escaped = raw.len() != text.len() && memchr::memchr(b'\\', text.as_bytes()).is_some();
        match column {
            Column::Extra(name) => self.out.extras.push((name.clone(), span)),
            Column::Known { field, slot } => {
                let kind = field.info().kind;
                let value = if is_escaped {
                    unescaped(raw, self.out.derived).filter(|_| kind == Kind::Text)
                } else {
                    plain::value(text.as_bytes(), span, kind, self.out.derived)
                };
                match value {
                    Some(value) => row[usize::from(*slot)] = value,
                    None => return false,
                }
            }
        }
        true
    }

    fn span(&self, part: &str) -> Span {
        let start = part.as_ptr().addr() - self.out.bytes.as_ptr().addr();
        debug_assert!(start >= self.entry.start as usize, "a member of the entry");
        Span::new(start, start + part.len())
    }
}

/// The string that `raw` writes with escapes, in `derived`.
fn unescaped(raw: &str, derived: &mut Vec<u8>) -> Option<Value> {
    let text: String = serde_json::from_str(raw).ok()?;
    let start = derived.len();
    derived.extend_from_slice(text.as_bytes());
    Some(Value::Derived(Span::new(start, derived.len())))
}
