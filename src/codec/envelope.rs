//! Opens JSON that wraps flow log entries: `{"message": "2 123…"}`, objects whose members are the fields, and the envelopes
//! in which CloudWatch Logs delivers log events. Any of them may stand one after the other, or in an array.

mod read;

use serde::de::DeserializeSeed;
use serde_json::{Deserializer, value::RawValue};

use crate::event::{Origin, Position, Span};
use read::{Value, offset};

/// Opens JSON values; keeps the room of what it found for the next time.
#[derive(Debug, Default)]
pub struct Opener {
    found: Vec<Found>,
    decoded: Vec<u8>,
    names: String,
    events: Vec<(Text, Option<Position>)>,
}

/// What a value holds, in the order it stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The log events that follow are of this log group.
    LogGroup(Origin),
    /// Text that is one entry, or several lines.
    Text {
        /// The text.
        text: Text,
        /// The position of the log event that it is, where it has an id.
        log_event: Option<Position>,
    },
    /// An object whose members are the columns.
    Object {
        /// The object.
        span: Span,
        /// Where the names of its members stand, for [`Opener::names`].
        names: (usize, usize),
    },
    /// A message that only says that the connection works.
    Control,
    /// A value that holds something and no entry.
    Odd {
        /// The value.
        span: Span,
        /// What is missing.
        detail: &'static str,
    },
}

/// A string of the JSON without its quotation marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text {
    /// It has no escapes: its bytes stand where it was received.
    AsReceived(Span),
    /// Its escapes are resolved, in [`Opener::decoded`].
    Decoded(Span),
}

/// JSON that is none.
#[derive(Debug, thiserror::Error)]
#[error("could not read JSON: {cause}")]
pub struct OpenError {
    /// Where the value begins that is not whole or not JSON; what stands before it was opened.
    pub at: u32,
    /// What is wrong with it.
    pub cause: serde_json::Error,
}

// === impl Opener ===

impl Opener {
    /// Opens the values that `span` begins with in `bytes`, in place of what it had opened before. Returns what is left
    /// from the first byte on that begins neither an object nor an array.
    ///
    /// # Errors
    /// When a value is not JSON or breaks off. Those before it are found.
    pub fn open(&mut self, bytes: &[u8], span: Span) -> Result<Span, OpenError> {
        self.found.clear();
        self.decoded.clear();
        self.names.clear();
        let json = span.of(bytes);
        let end = span.end() as usize;
        // Nearly always it is one object, and one pass is enough.
        if self.object(json.trim_ascii(), bytes).is_ok() {
            return Ok(Span::new(end, end));
        }
        let mut values = Deserializer::from_slice(json).into_iter::<&RawValue>();
        loop {
            let blank =
                json[values.byte_offset()..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            let at = values.byte_offset() + blank;
            let place = span.start as usize + at;
            if !matches!(json.get(at), Some(b'{' | b'[')) {
                return Ok(Span::new(place, end));
            }
            let error = |cause| OpenError { at: place as u32, cause };
            match values.next() {
                None => return Ok(Span::new(end, end)),
                Some(Err(cause)) => return Err(error(cause)),
                Some(Ok(value)) if value.get().starts_with('[') => {
                    let each: Vec<&RawValue> = serde_json::from_str(value.get()).map_err(error)?;
                    each.iter()
                        .try_for_each(|value| self.object(value.get().as_bytes(), bytes))
                        .map_err(error)?;
                }
                Some(Ok(value)) => self.object(value.get().as_bytes(), bytes).map_err(error)?,
            }
        }
    }

    /// What it found.
    pub fn found(&self) -> impl Iterator<Item = &Found> {
        self.found.iter()
    }

    /// Bytes of strings whose escapes were resolved.
    #[must_use]
    pub fn decoded(&self) -> &[u8] {
        &self.decoded
    }

    /// The names of an object's members, each with a zero behind it.
    #[must_use]
    pub fn names(&self, names: (usize, usize)) -> &str {
        self.names.get(names.0..names.1).unwrap_or_default()
    }

    /// Opens one value; leaves nothing of it behind where it is not whole.
    fn object(&mut self, json: &[u8], bytes: &[u8]) -> Result<(), serde_json::Error> {
        let before = (self.found.len(), self.decoded.len(), self.names.len());
        self.events.clear();
        let start = offset(json, bytes);
        let mut from = Deserializer::from_slice(json);
        let value = Value { opener: self, bytes, span: Span::new(start, start + json.len()) };
        let opened = value.deserialize(&mut from).and_then(|()| from.end());
        if opened.is_err() {
            self.found.truncate(before.0);
            self.decoded.truncate(before.1);
            self.names.truncate(before.2);
        }
        opened
    }
}

#[cfg(test)]
mod tests;
