//! The document of one line of syslog: a Base Event.

use crate::{
    event::{Batch, Syslog},
    normalize::{
        pen::Pen,
        syslog::{host_address, put_address, put_log, put_part, put_program, put_sender},
        text::{self, put_uint},
    },
};

use super::Writer;

/// What every line begins with, up to its severity.
const CLASS: &[u8] =
    b"{\"category_uid\":0,\"category_name\":\"Uncategorized\",\"class_uid\":0,\"class_name\":\"Base Event\",\
    \"activity_id\":0,\"activity_name\":\"Unknown\",\"type_uid\":0,\"type_name\":\"Base Event: Unknown\",";

/// What opens the `metadata` of a line.
const LOGGER: &[u8] = concat!(
    "\"metadata\":{\"version\":\"1.8.0\",\"loggers\":[{\"name\":\"floodmark\",\"version\":\"",
    env!("CARGO_PKG_VERSION"),
    "\"}],\"log_name\":\"syslog\",",
)
.as_bytes();

/// The severities of OCSF by those of syslog; the last is of lines that name none.
const SEVERITIES: [&[u8]; 9] = [
    b"\"severity_id\":6,\"severity\":\"Fatal\",",
    b"\"severity_id\":5,\"severity\":\"Critical\",",
    b"\"severity_id\":5,\"severity\":\"Critical\",",
    b"\"severity_id\":4,\"severity\":\"High\",",
    b"\"severity_id\":3,\"severity\":\"Medium\",",
    b"\"severity_id\":2,\"severity\":\"Low\",",
    b"\"severity_id\":1,\"severity\":\"Informational\",",
    b"\"severity_id\":1,\"severity\":\"Informational\",",
    b"\"severity_id\":0,\"severity\":\"Unknown\",",
];

// === impl Writer ===

impl Writer {
    /// Appends the document of event number `index`, which is a line of syslog with this header.
    pub(super) fn put_line(&mut self, batch: &Batch, index: usize, log: &Syslog, out: &mut Pen<'_>) {
        let (event, bytes) = (&batch.events[index], batch.bytes());
        out.put_slice(CLASS);
        out.put_slice(SEVERITIES[usize::from(log.severity().unwrap_or(8)).min(8)]);
        out.put_slice(LOGGER);
        let has_device = !log.host.is_empty() || log.sender.is_some();
        if has_device {
            out.put(b"\"profiles\":[\"host\"],");
        }
        out.put(b"\"processed_time\":");
        put_uint(out, self.now_millis);
        out.put(b",\"uid\":\"");
        out.put(&event.id.text());
        out.put(b"\",\"product\":{\"name\":\"");
        text::put(out, if log.app.is_empty() { b"syslog" } else { log.app.of(bytes) });
        out.put(b"\"},");
        put_part(b"\"event_code\":\"", log.msgid, bytes, out);
        text::put_member(out, b"\"log_level\":", log.severity_name());
        if let Some(sequence) = log.sequence {
            out.put(b"\"sequence\":");
            put_uint(out, sequence);
            out.push(b',');
        }
        out.put_slice(self.labels.member());
        out.close();
        out.put(b"\"time\":");
        put_uint(out, log.at_nanos / 1_000_000);
        out.push(b',');
        put_part(b"\"message\":\"", log.text, bytes, out);
        if self.original {
            out.put(b"\"raw_data\":\"");
            text::put(out, event.entry.span.of(bytes));
            out.put(b"\",\"raw_data_size\":");
            put_uint(out, u64::from(event.entry.span.len));
            out.push(b',');
        }
        if has_device {
            put_device(log, bytes, out);
        }
        out.object(b"\"unmapped\":{", |out| {
            put_log(log, bytes, out);
            if !self.slim {
                put_program(log, bytes, out);
            }
            put_sender(log, out);
        });
        out.end_line();
    }
}

/// Appends who wrote the line: by name or address, or by the sender's address where the line names nobody.
fn put_device(log: &Syslog, bytes: &[u8], out: &mut Pen<'_>) {
    out.put(b"\"device\":{\"type_id\":0,\"type\":\"Unknown\",");
    let address = host_address(log, bytes);
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    match address {
        None if log.host.of(bytes).iter().all(is_plain) => {
            put_part(b"\"hostname\":\"", log.host, bytes, out);
        }
        None => put_part(b"\"name\":\"", log.host, bytes, out),
        Some(_) => {}
    }
    let sender = || log.sender.filter(|_| log.host.is_empty()).map(|(address, _)| address);
    if let Some(address) = address.or_else(sender) {
        out.put(b"\"ip\":\"");
        put_address(address, out);
        out.put(b"\",");
    }
    out.close();
}
