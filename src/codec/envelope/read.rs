//! One pass over one JSON value, member by member: what it is, is known when all of them are.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Found, Opener, Text};
use crate::event::{Origin, Position, Span};

/// A value to be read, which `span` covers in `bytes`.
pub(super) struct Value<'a> {
    pub opener: &'a mut Opener,
    pub bytes: &'a [u8],
    pub span: Span,
}

/// Where `part` of `bytes` begins in them.
pub(super) fn offset(part: &[u8], bytes: &[u8]) -> usize {
    part.as_ptr().addr() - bytes.as_ptr().addr()
}

/// The members that say what an object is.
#[derive(Default)]
struct Members {
    text: Option<Text>,
    group: Option<Text>,
    kind: Option<Text>,
    /// Whether there is a list of log events, and how many of its places hold none.
    events: Option<usize>,
}

/// The name of a member, as far as it matters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Name {
    Text,
    Kind,
    Group,
    Events,
    Id,
    Other,
}

const CONTROL: &[u8] = b"CONTROL_MESSAGE";

// === impl Value ===

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let first = self.opener.names.len();
        let mut members = Members::default();
        while let Some(name) = map.next_key_seed(Key(Some(&mut self.opener.names)))? {
            let text = Str { bytes: self.bytes, decoded: &mut self.opener.decoded };
            match name {
                Name::Text => members.text = map.next_value_seed(text)?,
                Name::Kind => members.kind = map.next_value_seed(text)?,
                Name::Group => members.group = map.next_value_seed(text)?,
                Name::Events => {
                    let events = Events { opener: &mut *self.opener, bytes: self.bytes };
                    members.events = Some(map.next_value_seed(events)?);
                }
                Name::Id | Name::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        self.note(&members, first);
        Ok(())
    }
}

impl Value<'_> {
    /// Notes what the object with these members is; the names of all stand from `first` on.
    fn note(self, members: &Members, first: usize) {
        let Self { opener, bytes, span } = self;
        let is_control = members.kind.is_some_and(|kind| kind.of(bytes, &opener.decoded) == CONTROL);
        match (members.events, members.text) {
            _ if is_control => opener.found.push(Found::Control),
            (Some(odd), _) => {
                let group = members.group.map(|group| group.of(bytes, &opener.decoded));
                if let Some(group) = group.and_then(|group| std::str::from_utf8(group).ok()) {
                    opener.found.push(Found::LogGroup(Origin::log_group(group)));
                }
                let grouped = members.group.is_some();
                let texts = opener
                    .events
                    .drain(..)
                    .map(|(text, position)| Found::Text { text, log_event: position.filter(|_| grouped) });
                opener.found.extend(texts);
                if odd > 0 {
                    let detail = "a log event of it has no message";
                    opener.found.push(Found::Odd { span, detail });
                }
            }
            (None, Some(text)) => opener.found.push(Found::Text { text, log_event: None }),
            (None, None) => {
                let names = (first, opener.names.len());
                opener.found.push(Found::Object { span, names });
            }
        }
    }
}

/// A member's name; written to the text that it holds, where it holds one, with a zero behind it.
struct Key<'a>(Option<&'a mut String>);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Name;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Name, D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Name, E> {
        if let Some(names) = self.0 {
            names.push_str(name);
            names.push('\0');
        }
        Ok(match name {
            "message" => Name::Text,
            "messageType" => Name::Kind,
            "logGroup" => Name::Group,
            "logEvents" => Name::Events,
            "id" => Name::Id,
            _ => Name::Other,
        })
    }
}

/// A string; nothing where the value is something else.
struct Str<'a> {
    bytes: &'a [u8],
    decoded: &'a mut Vec<u8>,
}

impl<'de> DeserializeSeed<'de> for Str<'_> {
    type Value = Option<Text>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Option<Text>, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Str<'_> {
    type Value = Option<Text>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Option<Text>, E> {
        let start = offset(text.as_bytes(), self.bytes);
        Ok(Some(Text::AsReceived(Span::new(start, start + text.len()))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Option<Text>, E> {
        let start = self.decoded.len();
        self.decoded.extend_from_slice(text.as_bytes());
        let span = Span::new(start, self.decoded.len());
        // Room behind it, so that a line at its end can be read as one that has its terminator.
        self.decoded.push(b'\n');
        Ok(Some(Text::Decoded(span)))
    }

    fn visit_unit<E>(self) -> Result<Option<Text>, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Option<Text>, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Option<Text>, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Option<Text>, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Option<Text>, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Option<Text>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<Text>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

/// A list of log events; says how many of its places hold none.
struct Events<'a> {
    opener: &'a mut Opener,
    bytes: &'a [u8],
}

impl<'de> DeserializeSeed<'de> for Events<'_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<usize, D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Events<'_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of log events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<usize, A::Error> {
        let mut odd = 0;
        while let Some(whole) =
            seq.next_element_seed(LogEvent { opener: &mut *self.opener, bytes: self.bytes })?
        {
            odd += usize::from(!whole);
        }
        Ok(odd)
    }
}

/// A log event; says whether it has a message.
struct LogEvent<'a> {
    opener: &'a mut Opener,
    bytes: &'a [u8],
}

impl<'de> DeserializeSeed<'de> for LogEvent<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<bool, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for LogEvent<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a log event")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let (mut id, mut message) = (None, None);
        while let Some(name) = map.next_key_seed(Key(None))? {
            let text = Str { bytes: self.bytes, decoded: &mut self.opener.decoded };
            match name {
                Name::Id => id = map.next_value_seed(text)?,
                Name::Text => message = map.next_value_seed(text)?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let Some(message) = message else { return Ok(false) };
        let position = id.map(|id| position(id.of(self.bytes, &self.opener.decoded)));
        self.opener.events.push((message, position));
        Ok(true)
    }
}

/// The position that an id stands for: the decimal number modulo 2^64. CloudWatch's have 56 digits; an id of something
/// else that is no number is taken as one in the same way, byte by byte.
fn position(id: &[u8]) -> Position {
    if id.iter().all(u8::is_ascii_digit) {
        return id
            .iter()
            .fold(0, |number: u64, digit| number.wrapping_mul(10).wrapping_add(u64::from(digit - b'0')));
    }
    id.iter().fold(0, |number: u64, byte| number.wrapping_mul(257).wrapping_add(u64::from(*byte)))
}

// === impl Text ===

impl Text {
    /// Its bytes, where it was received in `bytes`.
    fn of<'a>(self, bytes: &'a [u8], decoded: &'a [u8]) -> &'a [u8] {
        match self {
            Self::AsReceived(span) => span.of(bytes),
            Self::Decoded(span) => span.of(decoded),
        }
    }
}
