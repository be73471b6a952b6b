//! Lines of syslog, as far as every schema writes them alike: the header as ECS names its parts, sender and process.

use std::{io::Write, net::IpAddr};

use super::{
    paths::{
        LOG_LEVEL, PROCESS_NAME, PROCESS_PID, SIDE_PORT, SOURCE_ADDRESS, SOURCE_IP, SYSLOG_APPNAME,
        SYSLOG_ELEMENTS, SYSLOG_FACILITY_CODE, SYSLOG_FACILITY_NAME, SYSLOG_HOSTNAME, SYSLOG_MSGID,
        SYSLOG_PRIORITY, SYSLOG_PROCID, SYSLOG_SEVERITY_CODE, SYSLOG_SEVERITY_NAME, SYSLOG_VERSION,
    },
    pen::Pen,
    piece::piece,
    text::{self, put_uint},
};
use crate::{
    codec::{Element, Elements, Unescaped},
    event::{Span, Syslog},
};

/// Longest text of an address.
const IP_MAX: usize = 45;

/// Appends the text at `span` of `bytes` as the member that `key` begins, up to its opening quotation mark, where there is
/// any.
pub(super) fn put_part<const N: usize>(key: &[u8; N], span: Span, bytes: &[u8], out: &mut Pen<'_>) {
    if !span.is_empty() {
        out.put(key);
        text::put(out, span.of(bytes));
        out.put(b"\",");
    }
}

/// Appends what the header says: `log.level` and `log.syslog`.
#[inline(never)]
pub(super) fn put_log(log: &Syslog, bytes: &[u8], out: &mut Pen<'_>) {
    out.object(piece![Open(LOG_LEVEL, 0)], |out| {
        text::put_member(out, piece![Key(LOG_LEVEL)], log.severity_name());
        out.object(piece![Open(SYSLOG_PRIORITY, 1)], |out| {
            put_priority(log, out);
            if let Some(version) = log.version {
                out.put(piece![Key(SYSLOG_VERSION), Text("\"")]);
                put_uint(out, version.into());
                out.put(b"\",");
            }
            put_part(piece![Key(SYSLOG_HOSTNAME), Text("\"")], log.host, bytes, out);
            put_part(piece![Key(SYSLOG_APPNAME), Text("\"")], log.app, bytes, out);
            put_part(piece![Key(SYSLOG_PROCID), Text("\"")], log.procid, bytes, out);
            put_part(piece![Key(SYSLOG_MSGID), Text("\"")], log.msgid, bytes, out);
            if !log.elements.is_empty() {
                out.put(piece![Open(SYSLOG_ELEMENTS, 2)]);
                Elements::of(log.elements.of(bytes)).for_each(|element| put_element(&element, out));
                out.close();
            }
        });
    });
}

fn put_priority(log: &Syslog, out: &mut Pen<'_>) {
    if let Some(priority) = log.priority {
        out.put(piece![Key(SYSLOG_PRIORITY)]);
        put_uint(out, priority.into());
        out.push(b',');
    }
    out.object(piece![Open(SYSLOG_FACILITY_CODE, 2)], |out| {
        if let Some(code) = log.facility() {
            out.put(piece![Key(SYSLOG_FACILITY_CODE)]);
            put_uint(out, code.into());
            out.push(b',');
        }
        text::put_member(out, piece![Key(SYSLOG_FACILITY_NAME)], log.facility_name());
    });
    out.object(piece![Open(SYSLOG_SEVERITY_CODE, 2)], |out| {
        if let Some(code) = log.severity() {
            out.put(piece![Key(SYSLOG_SEVERITY_CODE)]);
            put_uint(out, code.into());
            out.push(b',');
        }
        text::put_member(out, piece![Key(SYSLOG_SEVERITY_NAME)], log.severity_name());
    });
}

/// Appends an element as an object; the values of a name that comes more than once are a list.
fn put_element(element: &Element<'_>, out: &mut Pen<'_>) {
    let put_value = |value: &[u8], out: &mut Pen<'_>| {
        out.push(b'"');
        // A character is never cut: what escapes and what is escaped are single bytes.
        Unescaped::of(value).for_each(|part| text::put(out, part));
        out.put(b"\",");
    };
    out.push(b'"');
    text::put(out, element.id);
    out.put(b"\":{");
    for (place, (name, value)) in element.parameters().enumerate() {
        if element.parameters().take(place).any(|(before, _)| before == name) {
            continue;
        }
        out.push(b'"');
        text::put(out, name);
        out.put(b"\":");
        let mut more = element.parameters().skip(place + 1).filter(|(other, _)| *other == name).peekable();
        if more.peek().is_none() {
            put_value(value, out);
        } else {
            out.push(b'[');
            put_value(value, out);
            more.for_each(|(_, value)| put_value(value, out));
            out.close_with(b"],");
        }
    }
    out.close();
}

/// Appends who sent the line: `source`.
pub(super) fn put_sender(log: &Syslog, out: &mut Pen<'_>) {
    let Some((address, port)) = log.sender else { return };
    out.put(piece![Open(SOURCE_IP, 0), Key(SOURCE_IP), Text("\"")]);
    put_address(address, out);
    out.put(piece![Text("\","), Key(SOURCE_ADDRESS), Text("\"")]);
    put_address(address, out);
    out.put(piece![Text("\","), Key(SIDE_PORT)]);
    put_uint(out, port.into());
    out.put(b"},");
}

/// Appends the program: `process`.
pub(super) fn put_program(log: &Syslog, bytes: &[u8], out: &mut Pen<'_>) {
    out.object(piece![Open(PROCESS_NAME, 0)], |out| {
        put_part(piece![Key(PROCESS_NAME), Text("\"")], log.app, bytes, out);
        if let Some(pid) = log.pid(bytes) {
            out.put(piece![Key(PROCESS_PID)]);
            put_uint(out, pid);
            out.push(b',');
        }
    });
}

/// Appends an address to the inside of a string.
pub(super) fn put_address(address: IpAddr, out: &mut Pen<'_>) {
    let mut text = [0; IP_MAX];
    let mut room = &mut text[..];
    // An address is never longer.
    let _ = write!(room, "{}", address.to_canonical());
    let left = room.len();
    out.put_cut(&text, IP_MAX - left);
}

/// The host of a line as an address, where it is one.
pub(super) fn host_address(log: &Syslog, bytes: &[u8]) -> Option<IpAddr> {
    let text = log.host.of(bytes);
    let may_be =
        text.len() <= IP_MAX && text.last().is_some_and(|last| last.is_ascii_hexdigit() || *last == b':');
    std::str::from_utf8(text)
        .ok()
        .filter(|_| may_be && text.iter().any(|byte| matches!(byte, b'.' | b':')))?
        .parse()
        .ok()
}
