//! Text into JSON: a plain copy where nothing needs an escape, and an escape of everything else.

/// Whether `text` can stand between quotation marks as it is: printable ASCII without quotation marks and backslashes.
#[must_use]
#[inline]
pub(super) fn is_plain(text: &[u8]) -> bool {
    let odd = |byte: u8| byte < b' ' || byte >= 0x7f || byte == b'"' || byte == b'\\';
    // No early exit, so that the compiler can look at sixteen bytes at once.
    !text.iter().fold(false, |found, byte| found | odd(*byte))
}

/// Appends `text` to the inside of a JSON string. Bytes that are not UTF-8 become U+FFFD.
#[inline]
pub(super) fn put(out: &mut Vec<u8>, text: &[u8]) {
    if is_plain(text) {
        out.extend_from_slice(text);
    } else {
        put_escaped(out, text);
    }
}

/// Appends `number` in decimal.
#[inline]
pub(super) fn put_uint(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends a finite number; nothing and `false` where it is none.
pub(super) fn put_float(out: &mut Vec<u8>, number: f64) -> bool {
    if number.is_finite() {
        out.extend_from_slice(zmij::Buffer::new().format_finite(number).as_bytes());
    }
    number.is_finite()
}

/// Appends the member that `key` begins and whose value is `text`, where there is one.
#[inline]
pub(super) fn put_member(out: &mut Vec<u8>, key: &[u8], text: Option<&str>) {
    if let Some(text) = text {
        out.extend_from_slice(key);
        out.push(b'"');
        put(out, text.as_bytes());
        out.extend_from_slice(b"\",");
    }
}

#[cold]
fn put_escaped(out: &mut Vec<u8>, text: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for part in text.utf8_chunks() {
        for byte in part.valid().bytes() {
            match byte {
                b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
                b'\n' => out.extend_from_slice(b"\\n"),
                b'\r' => out.extend_from_slice(b"\\r"),
                b'\t' => out.extend_from_slice(b"\\t"),
                0..b' ' | 0x7f => {
                    out.extend_from_slice(b"\\u00");
                    out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
                }
                _ => out.push(byte),
            }
        }
        if !part.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_text_is_read_back_as_it_was(text in any::<String>()) {
            let mut out = b"\"".to_vec();
            put(&mut out, text.as_bytes());
            out.push(b'"');
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }

        #[test]
        fn bytes_that_are_not_utf8_are_read_back_with_replacements(bytes in any::<Vec<u8>>()) {
            let mut out = b"\"".to_vec();
            put(&mut out, &bytes);
            out.push(b'"');
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn only_printable_ascii_without_quotes_and_backslashes_is_plain() {
        for byte in 0..=255_u8 {
            let printable = (b' '..0x7f).contains(&byte) && byte != b'"' && byte != b'\\';
            assert_eq!(is_plain(&[b'a', byte, b'b']), printable, "{byte}");
        }
    }
}
