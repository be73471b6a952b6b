//! Firehose: what it is told is true, whatever it sends and whatever becomes of the sinks and the process.

mod answers;
pub mod client;
mod hostile;
mod limits;
mod outage;
mod stopping;
mod tls;

use crate::{
    flows,
    process::{Folder, Running, free_port},
};
use client::{Delivery, lives};

/// The access key of the tests.
const KEY: &str = "correct-horse";

/// A process that listens for Firehose, and where.
pub struct Listening {
    pub process: Running,
    /// Of the endpoint.
    pub port: u16,
    /// Of the telemetry pages.
    pub pages: u16,
}

/// A config whose endpoint is at `port`, with `more` keys for it, `to` for its sink, and `rest`.
fn config(port: u16, pages: u16, more: &str, to: &str, rest: &str) -> String {
    let keys = if more.contains("access_keys") { String::new() } else { format!(", access_keys: [{KEY}]") };
    format!(
        "sources:\n  flows:\n    from: {{ firehose: {{ listen: \"127.0.0.1:{port}\"{keys}{more} }} }}\n\
         sinks: {{ siem: {{ to: {to} }} }}\n\
         telemetry: {{ listen: \"127.0.0.1:{pages}\" }}\n{rest}"
    )
}

/// Starts a process and waits until it listens.
pub fn listen(folder: &Folder, more: &str, to: &str, rest: &str) -> Listening {
    let (port, pages) = (free_port(), free_port());
    folder.write("c.yaml", config(port, pages, more, to, rest));
    start(folder, port, pages)
}

/// Starts the process of the config that is there.
fn start(folder: &Folder, port: u16, pages: u16) -> Listening {
    let mut process = folder.start(&mut folder.command(&["run", "-q", "-c", "c.yaml"]));
    process.until("the endpoint", || lives(port));
    Listening { process, port, pages }
}

pub const TO_FILE: &str = "{ file: { path: out.ndjson } }";

/// `count` lines of one request, none of which stands in another of the `number`s.
fn lines(number: u64, count: u64) -> Vec<Vec<u8>> {
    let line = |index: u64| {
        let start = flows::START + number % 500;
        flows::line(index % flows::HOSTS, "198.51.100.7", 1_000 + number * 100_000 + index, start)
            .into_bytes()
    };
    (0..count).map(line).collect()
}

/// The ids of the events in a file, in its order.
fn ids(folder: &Folder, name: &str) -> Vec<String> {
    let events = folder.documents(name).into_iter().filter(|document| !crate::process::is_finding(document));
    events.map(|document| crate::process::text_at(&document, "event.id")).collect()
}

/// The id that the record at `index` of the request `id` gets.
fn event_id(id: &str, index: u64, line: &[u8]) -> String {
    use floodmark::event::{IdScheme, Origin};
    IdScheme::of(&Origin::from_text(&format!("firehose:{id}"))).event(index, 0, line).to_string()
}

/// The ids of everything in `deliveries`.
fn event_ids<'a>(deliveries: impl IntoIterator<Item = &'a Delivery>) -> Vec<String> {
    let of = |delivery: &Delivery| -> Vec<String> {
        let records = delivery.records.iter().enumerate();
        records.map(|(index, line)| event_id(&delivery.id, index as u64, line)).collect()
    };
    deliveries.into_iter().flat_map(of).collect()
}
