//! What stands between the time and the text of a line: the program with its process, and what single makers put there.

use super::reader::Reader;
use crate::event::{Span, Syslog};

/// The longest name of a program, and the longest of its process.
const APP_MAX: usize = 64;
const PROCID_MAX: usize = 64;
/// The longest bracket of NetApp's.
const BRACKET_MAX: usize = 200;

/// A program, its process, and how many bytes they take with the colon and the blank behind them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag {
    pub app_len: usize,
    /// Where the process stands, where there is one.
    pub procid: Option<(usize, usize)>,
    pub len: usize,
}

/// Severities as words, in the order of their numbers; of two words of one severity the other stands in the second row.
const LEVELS: [[&[u8]; 2]; 8] = [
    [b"emerg", b"emergency"],
    [b"alert", b"alert"],
    [b"crit", b"critical"],
    [b"err", b"error"],
    [b"warning", b"warn"],
    [b"notice", b"notification"],
    [b"info", b"informational"],
    [b"debug", b"debugging"],
];

/// The tag that `text` begins with: a name, then `[process]` and mostly a colon, or a colon, or a tabulator.
pub(super) fn of(text: &[u8]) -> Option<Tag> {
    let mut len = 0;
    loop {
        let is_name = |byte: &u8| {
            byte.is_ascii_graphic() && !matches!(byte, b':' | b'[' | b'=' | b'"' | b',' | b'{' | b'<' | b'%')
        };
        len += text.get(len..)?.iter().take(APP_MAX + 1).take_while(|byte| is_name(byte)).count();
        if len == 0 || len > APP_MAX {
            return None;
        }
        // Modules of Perl and C++ have colons in their names.
        match text.get(len..) {
            Some([b':', b':', next, ..]) if is_name(next) => len += 2,
            _ => break,
        }
    }
    let behind = |len: usize| len + usize::from(text.get(len) == Some(&b' '));
    match text.get(len)? {
        b'[' => {
            let start = len + 1;
            let inside = text.get(start..)?;
            let ends = |byte: &u8| matches!(byte, b']' | b' ' | b'[');
            let end = start + inside.iter().take(PROCID_MAX + 1).position(ends)?;
            let colon = end + 1;
            match (text.get(end), text.get(colon)) {
                (Some(b']'), Some(b':')) => {
                    Some(Tag { app_len: len, procid: Some((start, end)), len: behind(colon + 1) })
                }
                (Some(b']'), Some(b' ') | None) => {
                    Some(Tag { app_len: len, procid: Some((start, end)), len: behind(colon) })
                }
                _ => None,
            }
        }
        b':' => {
            let is_end = matches!(text.get(len + 1), None | Some(b' ' | b'\t'));
            let name = &text[..len];
            // Without a blank behind the colon it may be a URL, a path, a time, an address.
            let is_plain = || {
                name[0].is_ascii_alphabetic()
                    && name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
                    && !matches!(text.get(len + 1), Some(b'/' | b'\\' | b':' | b'0'..=b'9'))
            };
            (is_end || is_plain()).then(|| Tag { app_len: len, procid: None, len: behind(len + 1) })
        }
        b'\t' => Some(Tag { app_len: len, procid: None, len: len + 1 }),
        _ => None,
    }
}

/// Takes the tag that the line goes on with, and what stands before it in the lines of F5's and HP's devices.
pub(super) fn read(reader: &mut Reader<'_>, log: &mut Syslog) {
    if alone(reader, log) {
        return;
    }
    let token = reader.token();
    let mut after = *reader;
    let word = after.take(token.len());
    after.skip_blanks();
    let Some(tag) = of(after.rest()) else { return };
    if let Some(level) = level(token) {
        // A word that says something else than the priority stays where it is.
        if log.priority.is_some_and(|priority| priority & 7 != level) {
            return;
        }
        log.level = Some(level);
    } else if (3..=6).contains(&token.len()) && token.iter().all(u8::is_ascii_digit) {
        log.msgid = word;
    } else {
        return;
    }
    *reader = after;
    take(reader, &tag, log);
}

/// Takes the tag, if the line goes on with one at once, and says whether it did.
pub(super) fn alone(reader: &mut Reader<'_>, log: &mut Syslog) -> bool {
    let tag = of(reader.rest());
    if let Some(tag) = &tag {
        take(reader, tag, log);
    }
    tag.is_some()
}

fn take(reader: &mut Reader<'_>, tag: &Tag, log: &mut Syslog) {
    let mut inside = *reader;
    log.app = inside.take(tag.app_len);
    if let Some((start, end)) = tag.procid {
        inside.take(start - tag.app_len);
        log.procid = inside.take(end - start);
    }
    reader.take(tag.len);
}

/// The number of a severity by its word.
pub(super) fn level(word: &[u8]) -> Option<u8> {
    let place = LEVELS.iter().position(|words| words.iter().any(|known| known.eq_ignore_ascii_case(word)))?;
    Some(place as u8)
}

/// Takes NetApp's `[host:kind:severity]: `.
pub(super) fn bracket(reader: &mut Reader<'_>, log: &mut Syslog) {
    let text = reader.rest();
    let window = &text[..text.len().min(BRACKET_MAX)];
    let Some(end) = window.iter().position(|byte| *byte == b']') else { return };
    let Some(inside) = text.get(1..end).filter(|_| text.get(end + 1) == Some(&b':')) else { return };
    let mut parts = inside.split(|byte| *byte == b':');
    let (Some(host), Some(kind), Some(word), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return;
    };
    let Some(level) = level(word).filter(|_| !host.is_empty() && !inside.contains(&b' ')) else { return };
    reader.take(1);
    let named = reader.take(host.len());
    if log.host.is_empty() {
        log.host = named;
    }
    reader.take(1);
    log.msgid = reader.take(kind.len());
    log.level = Some(level);
    reader.take(1 + word.len() + 2);
    reader.takes(b" ");
}

/// Reads Solaris' `[ID number facility.severity] `, which is taken away.
pub(super) fn number(reader: &mut Reader<'_>, log: &mut Syslog) {
    let mut inside = *reader;
    if !inside.takes(b"[ID ") {
        return;
    }
    let Some((_, digits)) = inside.number(10) else { return };
    let number = inside.take(digits);
    let text = inside.rest();
    let Some(end) = text.iter().take(40).position(|byte| *byte == b']') else { return };
    inside.take(end + 1);
    inside.takes(b" ");
    log.msgid = number;
    *reader = inside;
}

/// Reads what Cisco's devices call a line, `%FACILITY-SEVERITY-MNEMONIC:`, which stays in the text; false where it is none.
pub(super) fn mnemonic(reader: &Reader<'_>, log: &mut Syslog) -> bool {
    let text = reader.rest();
    if text.first() != Some(&b'%') {
        return false;
    }
    let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let len = 1 + text[1..].iter().take(APP_MAX + 1).take_while(is_name).count();
    if len > APP_MAX || !matches!(text.get(len..), Some([b':', ..] | [b' ', b':', ..])) {
        return false;
    }
    let name = &text[1..len];
    let Some(dash) = name
        .windows(3)
        .position(|three| three[0] == b'-' && three[2] == b'-' && matches!(three[1], b'0'..=b'7'))
    else {
        return false;
    };
    let mut inside = *reader;
    inside.take(1);
    let facility: Span = inside.take(dash);
    inside.take(3);
    let kind = inside.take(name.len() - dash - 3);
    if facility.is_empty() || kind.is_empty() {
        return false;
    }
    if log.app.is_empty() {
        log.app = facility;
    }
    log.msgid = kind;
    log.level = Some(name[dash + 1] - b'0');
    true
}
