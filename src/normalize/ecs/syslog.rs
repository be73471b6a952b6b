//! The document of one line of syslog.

use crate::{
    event::{Batch, Syslog},
    normalize::{
        paths::{
            EVENT_DATASET, EVENT_ID, EVENT_INGESTED, EVENT_KIND, EVENT_ORIGINAL, EVENT_SEQUENCE,
            HOST_HOSTNAME, HOST_IP, HOST_NAME, MESSAGE, RELATED_HOSTS, RELATED_IP, TIMESTAMP,
        },
        pen::Pen,
        piece::piece,
        syslog::{host_address, put_address, put_log, put_part, put_program, put_sender},
        text::{self, put_uint},
    },
};

use super::Writer;

// === impl Writer ===

impl Writer {
    /// Renders what follows the timestamp of every line of the batch, up to its id.
    pub(super) fn begin_lines(&mut self, stream: &[u8], namespace: &[u8]) {
        let kind = piece![
            Text("\"},"),
            Open(EVENT_KIND, 0),
            Key(EVENT_KIND),
            Text("\"event\","),
            Key(EVENT_DATASET),
            Text("\"floodmark.syslog\","),
            Key(EVENT_INGESTED),
            Text("\""),
        ];
        let parts: [&[u8]; 9] = [
            self.labels.member(),
            stream,
            b"floodmark.syslog",
            namespace,
            &self.namespace,
            kind,
            &self.now,
            b"\",",
            piece![Key(EVENT_ID), Text("\"")],
        ];
        self.line_head.clear();
        parts.iter().for_each(|part| self.line_head.extend_from_slice(part));
    }

    /// Appends the document of event number `index`, which is a line of syslog with this header.
    pub(super) fn put_line(&mut self, batch: &Batch, index: usize, log: &Syslog, out: &mut Pen<'_>) {
        let (event, bytes) = (&batch.events[index], batch.bytes());
        out.put(piece![Text("{"), Key(TIMESTAMP), Text("\"")]);
        self.stamps.put_nanos(log.at_nanos, out);
        out.put(b"\",");
        out.put_slice(&self.line_head);
        out.put(&event.id.text());
        out.put(b"\",");
        if let Some(sequence) = log.sequence {
            out.put(piece![Key(EVENT_SEQUENCE)]);
            put_uint(out, sequence);
            out.push(b',');
        }
        if self.original {
            out.put(piece![Key(EVENT_ORIGINAL), Text("\"")]);
            text::put(out, event.entry.span.of(bytes));
            out.put(b"\",");
        }
        out.close();
        put_part(piece![Key(MESSAGE), Text("\"")], log.text, bytes, out);
        put_log(log, bytes, out);
        put_host(log, bytes, out);
        if !self.slim {
            put_program(log, bytes, out);
        }
        put_sender(log, out);
        if !self.slim {
            put_related(log, bytes, out);
        }
        out.end_line();
    }
}

/// The address of the host: what the line names it by, or that of the sender where the line names no host.
fn address(log: &Syslog, bytes: &[u8]) -> Option<std::net::IpAddr> {
    let sender = || log.sender.filter(|_| log.host.is_empty()).map(|(address, _)| address);
    host_address(log, bytes).or_else(sender)
}

fn put_host(log: &Syslog, bytes: &[u8], out: &mut Pen<'_>) {
    out.object(piece![Open(HOST_NAME, 0)], |out| {
        put_part(piece![Key(HOST_HOSTNAME), Text("\"")], log.host, bytes, out);
        put_part(piece![Key(HOST_NAME), Text("\"")], log.host, bytes, out);
        if let Some(address) = address(log, bytes) {
            out.put(piece![Key(HOST_IP), Text("[\"")]);
            put_address(address, out);
            out.put(b"\"],");
        }
    });
}

fn put_related(log: &Syslog, bytes: &[u8], out: &mut Pen<'_>) {
    out.object(piece![Open(RELATED_IP, 0)], |out| {
        let sender = log.sender.map(|(address, _)| address.to_canonical());
        let host = host_address(log, bytes).filter(|host| Some(host.to_canonical()) != sender);
        out.enclosed(piece![Key(RELATED_IP), Text("[")], b"],", |out| {
            for address in [sender, host].into_iter().flatten() {
                out.push(b'"');
                put_address(address, out);
                out.put(b"\",");
            }
        });
        if !log.host.is_empty() {
            out.put(piece![Key(RELATED_HOSTS), Text("[\"")]);
            text::put(out, log.host.of(bytes));
            out.put(b"\"],");
        }
    });
}
