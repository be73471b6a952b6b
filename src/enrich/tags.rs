//! Tags of instances, interfaces and Auto Scaling groups, which AWS writes percent-encoded, as the text they stand for.

use crate::event::{Event, Span, TAGS, Value};

/// Puts the decoded text of every tag of `events` that has an escape into `derived`, and its span into `values`.
pub(super) fn decode(events: &[Event], values: &mut [Value], bytes: &[u8], derived: &mut Vec<u8>) {
    for event in events {
        let tags = event.fields.and(TAGS);
        if tags.is_empty() {
            continue;
        }
        for field in tags.iter() {
            let slot = event.fields.slot(field).map(|slot| event.row as usize + slot);
            let Some(value) = slot.and_then(|slot| values.get_mut(slot)) else { continue };
            if let Value::Text(span) = *value
                && let Some(decoded) = put_decoded(span.of(bytes), derived)
            {
                *value = Value::Derived(decoded);
            }
        }
    }
}

/// Appends `text` without its escapes. `None`, and nothing appended, where it has none or is no UTF-8 without them. An
/// escape whose digits are none stays as it is.
fn put_decoded(text: &[u8], derived: &mut Vec<u8>) -> Option<Span> {
    let start = derived.len();
    let mut rest = text;
    while let Some(percent) = memchr::memchr(b'%', rest) {
        derived.extend_from_slice(&rest[..percent]);
        let digit = |index: usize| rest.get(index).and_then(|digit| char::from(*digit).to_digit(16));
        match (digit(percent + 1), digit(percent + 2)) {
            (Some(high), Some(low)) => {
                derived.push((high << 4 | low) as u8);
                rest = &rest[percent + 3..];
            }
            _ => {
                derived.push(b'%');
                rest = &rest[percent + 1..];
            }
        }
    }
    derived.extend_from_slice(rest);
    let decoded = &derived[start..];
    if decoded == text || std::str::from_utf8(decoded).is_err() {
        derived.truncate(start);
        return None;
    }
    Some(Span::new(start, derived.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoded(text: &[u8]) -> Vec<u8> {
        let mut derived = b"before".to_vec();
        match put_decoded(text, &mut derived) {
            Some(span) => span.of(&derived).to_vec(),
            None => {
                assert_eq!(derived, b"before", "nothing is left behind");
                text.to_vec()
            }
        }
    }

    #[test]
    fn escapes_are_decoded_and_what_is_no_escape_stays_as_it_is() {
        for (text, expected) in [
            ("web", "web"),
            ("web%2Dserver", "web-server"),
            ("%2d", "-"),
            ("a%20b%3Dc", "a b=c"),
            ("gr%C3%B6%C3%9Fe", "größe"),
            ("100%", "100%"),
            ("100%2", "100%2"),
            ("%zz%41", "%zzA"),
            ("%%41", "%A"),
            ("%22%5C%0A", "\"\\\n"),
        ] {
            assert_eq!(String::from_utf8_lossy(&decoded(text.as_bytes())), expected, "{text}");
        }
    }

    #[test]
    fn what_would_be_no_text_stays_encoded() {
        assert_eq!(decoded(b"%FF%41"), b"%FF%41");
        assert_eq!(decoded(b"\xFF%41"), b"\xFF%41");
    }

    proptest! {
        #[test]
        fn what_was_encoded_as_aws_does_comes_back(text in "\\PC{0,40}") {
            let plain = |byte: u8| byte.is_ascii_alphanumeric();
            let encoded: String = text
                .bytes()
                .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
                .collect();
            prop_assert_eq!(decoded(encoded.as_bytes()), text.as_bytes());
        }
    }
}
