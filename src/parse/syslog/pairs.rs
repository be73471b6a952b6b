//! Lines without a header whose text begins with pairs of names and values, as firewalls write them: when and by whom.

use super::{reader::Reader, stamp, zone::Calendar};
use crate::event::Syslog;

/// Pairs that are looked at.
const PAIRS_MAX: usize = 24;
/// The longest name of a pair.
const NAME_MAX: usize = 32;

/// Takes from the pairs that the line goes on with the time and the host; nothing of the line is taken away by that.
pub(super) fn read(reader: &Reader<'_>, log: &mut Syslog, calendar: &mut Calendar<'_>) {
    let mut reader = *reader;
    let (mut date, mut time, mut zone): (&[u8], &[u8], &[u8]) = (&[], &[], &[]);
    for _ in 0..PAIRS_MAX {
        let Some(name) = name(reader.rest()) else { break };
        reader.take(name.len() + 1);
        let is_quoted = reader.takes(b"\"");
        let len = match is_quoted {
            true => memchr::memchr(b'"', reader.rest()),
            false => Some(reader.token_len()),
        };
        let Some(len) = len else { break };
        let value = &reader.rest()[..len];
        let span = reader.take(len);
        match name {
            b"date" => date = value,
            b"time" | b"timestamp" => time = value,
            b"tz" => zone = value,
            b"devname" | b"device_name" if !is_host(value) => {}
            b"devname" | b"device_name" => log.host = span,
            _ => {}
        }
        reader.takes(b"\"");
        reader.skip_blanks();
    }
    if time.is_empty() {
        return;
    }
    // The longest that is read: a date, a time with a fraction, and a zone.
    let mut text = [b' '; 64];
    let mut at = 0;
    for part in [date, time, zone] {
        let Some(room) = text.get_mut(at..at + part.len()) else { return };
        room.copy_from_slice(part);
        at += part.len() + usize::from(!part.is_empty());
    }
    if let Some((nanos, _)) = stamp::read(&text, calendar) {
        log.at_nanos = nanos;
    }
}

/// The name of the pair that `text` begins with.
fn name(text: &[u8]) -> Option<&[u8]> {
    let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let len = text.iter().take(NAME_MAX + 1).take_while(is_name).count();
    (len > 0 && text.get(len) == Some(&b'=')).then(|| &text[..len])
}

fn is_host(value: &[u8]) -> bool {
    (1..=255).contains(&value.len()) && value.iter().all(|byte| byte.is_ascii_graphic())
}
