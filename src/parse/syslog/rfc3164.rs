//! Headers as RFC 3164 describes them and as devices write them: parts in odd places, or missing.

use std::net::IpAddr;

use super::{pairs, reader::Reader, stamp, tag, zone::Calendar};
use crate::event::Syslog;

/// The longest host that is taken for one.
const HOST_MAX: usize = 255;
/// Numbers and hosts before the time, at most.
const PREFIXES_MAX: usize = 4;
/// What AIX puts before the host of a line that it passes on.
const FORWARDED: &[u8] = b"Message forwarded from ";

/// Reads what is left of the line.
pub(super) fn read(reader: &mut Reader<'_>, log: &mut Syslog, calendar: &mut Calendar<'_>) {
    let begin = *reader;
    reader.skip_blanks();
    if prefix(reader, log, calendar) {
        behind(reader, log);
    } else {
        *reader = begin;
        (log.host, log.sequence) = Default::default();
        if log.priority.is_some() {
            reader.skip_blanks();
            if !tag::mnemonic(reader, log) {
                tag::alone(reader, log);
            }
        } else {
            tag::mnemonic(reader, log);
        }
        pairs::read(reader, log, calendar);
    }
    log.text = reader.take_rest();
}

/// Takes everything up to the time and the time, or up to Cisco's name of the line; false where neither comes.
fn prefix(reader: &mut Reader<'_>, log: &mut Syslog, calendar: &mut Calendar<'_>) -> bool {
    for _ in 0..PREFIXES_MAX {
        // NX-OS and ASA put a colon before the time.
        reader.takes(b":");
        reader.skip_blanks();
        let mut at = *reader;
        // IOS marks a clock that was not set, or is out of step.
        if matches!(at.peek(), b'*' | b'.') {
            at.take(1);
        }
        if let Some((nanos, len)) = stamp::read(at.rest(), calendar) {
            log.at_nanos = nanos;
            at.take(len);
            *reader = at;
            return true;
        }
        if let Some((number, digits)) = at.number(18)
            && at.rest().get(digits..digits + 2) == Some(b": ")
        {
            log.sequence = Some(number);
            reader.take(digits + 2);
            continue;
        }
        if reader.peek() == b'%' && (log.sequence.is_some() || !log.host.is_empty()) {
            return tag::mnemonic(reader, log);
        }
        let len =
            reader.rest().iter().take(HOST_MAX).take_while(|byte| is_host_byte(**byte) && **byte != b':');
        let len = len.count();
        if len == 0 || reader.rest().get(len) != Some(&b':') {
            return false;
        }
        log.host = reader.take(len);
        reader.take(1);
    }
    false
}

/// Reads what follows the time.
fn behind(reader: &mut Reader<'_>, log: &mut Syslog) {
    if reader.takes(b":") {
        reader.skip_blanks();
    } else {
        reader.skip_blanks();
        let mut relayed = *reader;
        if relayed.takes(FORWARDED) {
            let host = relayed.token();
            let len = host.len() - usize::from(host.ends_with(b":"));
            log.host = relayed.take(len);
            relayed.takes(b":");
            relayed.skip_blanks();
            *reader = relayed;
        } else if let Some(len) = host_len(reader) {
            log.host = reader.take(len);
            reader.takes(b":");
            reader.skip_blanks();
            if reader.takes(b": ") {
                reader.skip_blanks();
            }
        }
    }
    if reader.peek() == b'[' {
        tag::bracket(reader, log);
    } else if !tag::mnemonic(reader, log) {
        tag::read(reader, log);
        tag::number(reader, log);
    }
    // IOS XR names the line behind its program.
    tag::mnemonic(reader, log);
}

/// How long the host is that the line goes on with, if it is one and not the program or the text.
fn host_len(reader: &Reader<'_>) -> Option<usize> {
    let rest = reader.rest();
    let token = reader.token();
    if token.is_empty() || token.len() > HOST_MAX || token.len() == rest.len() {
        return None;
    }
    let after = &rest[token.len() + 1..];
    if let Some(name) = token.strip_suffix(b":") {
        // A host of Cisco's, or an access point of Ubiquiti's, whose name has commas.
        let is_host = after.starts_with(b"%") || name.contains(&b',') && tag::of(after).is_some();
        return (is_host && !name.is_empty()).then_some(name.len());
    }
    if token.iter().all(|byte| is_host_byte(*byte)) {
        let is_address = || std::str::from_utf8(token).is_ok_and(|text| text.parse::<IpAddr>().is_ok());
        let is_host = !token.contains(&b':') && !token.contains(&b'\t') || is_address();
        return (is_host && tag::level(token).is_none()).then_some(token.len());
    }
    let is_odd = token.contains(&b',') && !token.iter().any(|byte| matches!(byte, b'=' | b'['));
    (is_odd && tag::of(after).is_some()).then_some(token.len())
}

/// Whether a host can have this byte in its name or address.
fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'_' | b'.' | b':' | b'/' | b'@' | b'%' | b'+')
        || byte >= 0x80
}
