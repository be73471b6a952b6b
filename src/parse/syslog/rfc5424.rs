//! Headers of RFC 5424, and what is said to be one: without structured data, or with Meraki's seconds since 1970.

use super::{reader::Reader, stamp, zone::Calendar};
use crate::{codec::Elements, event::Syslog};

/// The longest host, program, process and kind that are taken for one. RFC 5424 allows 255, 48, 128 and 32 bytes.
const WORD_MAX: usize = 255;
/// What stands for nothing.
const NIL: &[u8] = b"-";
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Reads the header that `reader` stands at, behind the priority, and the text behind it; false where it is no such header.
pub(super) fn read(reader: &Reader<'_>, log: &mut Syslog, calendar: &mut Calendar<'_>) -> bool {
    let mut reader = *reader;
    let before = *log;
    let read = header(&mut reader, log, calendar).is_some();
    if !read {
        *log = before;
    }
    read
}

fn header(reader: &mut Reader<'_>, log: &mut Syslog, calendar: &mut Calendar<'_>) -> Option<()> {
    let (version, digits) = reader.number(3).filter(|(version, _)| *version == 1)?;
    reader.take(digits);
    reader.takes(b" ").then_some(())?;
    log.version = Some(version as u8);
    let token = reader.token();
    if let Some(nanos) = stamp::epoch(token) {
        log.at_nanos = nanos;
        reader.take(token.len() + 1);
        log.host = reader.take(reader.token_len());
        reader.takes(b" ");
        log.text = reader.take_rest();
        return Some(());
    }
    if token == NIL {
        // Without a priority nothing says that this is syslog.
        log.priority?;
    } else {
        log.at_nanos = stamp::whole(token, calendar)?;
    }
    reader.take(token.len() + 1);
    for part in [&mut log.host, &mut log.app, &mut log.procid, &mut log.msgid] {
        let token = reader.token();
        (token.len() <= WORD_MAX).then_some(())?;
        if token != NIL {
            *part = reader.take(token.len());
            reader.takes(b" ");
        } else {
            reader.take(token.len() + 1);
        }
    }
    match reader.peek() {
        b'[' => {
            if let Some(length) = Elements::length(reader.rest()) {
                log.elements = reader.take(length);
            }
        }
        b'-' if reader.token() == NIL => {
            reader.take(NIL.len());
        }
        _ => {}
    }
    reader.takes(b" ");
    reader.takes(BOM);
    log.text = reader.take_rest();
    Some(())
}
