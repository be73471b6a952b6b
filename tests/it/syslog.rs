//! Syslog: whoever sends and however, what was taken is delivered or quarantined, and counted.

mod connections;
mod datagrams;
mod hostile;
mod lines;
mod rsyslog;
mod sender;
mod tls;
mod unix;

use crate::{
    flows,
    process::{Folder, Page, Running, free_port, metrics, until},
};

/// A process that listens for syslog, and where its telemetry pages are.
struct Listening {
    process: Running,
    pages: u16,
}

/// What opens the socket of a listener on a loopback port.
fn at(kind: &str, port: u16) -> String {
    format!("{kind}: {{ address: \"127.0.0.1:{port}\" }}")
}

/// A config with these listeners, with `more` keys beside them, and `rest`. Whatever is no flow log line is quarantined.
fn config(pages: u16, listeners: &[String], more: &str, rest: &str) -> String {
    config_as(pages, listeners, more, rest, "{ vpc_flow: {} }")
}

/// The same of a format of one's choice.
fn config_as(pages: u16, listeners: &[String], more: &str, rest: &str, format: &str) -> String {
    let listeners: Vec<String> = listeners.iter().map(|listener| format!("{{ {listener} }}")).collect();
    format!(
        "sources:\n  flows:\n    from: {{ syslog: {{ listen: [ {} ]{more} }} }}\n    format: {format}\n\
         sinks: {{ siem: {{ to: {{ file: {{ path: out.ndjson }} }} }} }}\n\
         quarantine: {{ to: {{ file: {{ path: quarantine.ndjson }} }} }}\n\
         telemetry: {{ listen: \"127.0.0.1:{pages}\" }}\n{rest}",
        listeners.join(", ")
    )
}

/// Starts a process and waits until it listens.
fn listen(folder: &Folder, listeners: &[String], more: &str) -> Listening {
    let pages = free_port();
    folder.write("c.yaml", config(pages, listeners, more, ""));
    start(folder, pages)
}

/// The same, where lines are read in a format of one's choice.
fn listen_as(folder: &Folder, listeners: &[String], more: &str, format: &str) -> Listening {
    let pages = free_port();
    folder.write("c.yaml", config_as(pages, listeners, more, "", format));
    start(folder, pages)
}

/// Starts the process of the config that is there, and waits until its listeners have their metrics.
fn start(folder: &Folder, pages: u16) -> Listening {
    let mut process = folder.start(&mut folder.command(&["run", "-q", "-c", "c.yaml"]));
    process.until("the listeners", || {
        metrics(pages).filter(|page| page.text.contains("floodmark_source_syslog_connections{"))
    });
    Listening { process, pages }
}

impl Listening {
    /// Waits until `wanted` holds of the metrics.
    fn until(&mut self, what: &str, wanted: impl Fn(&Page) -> bool) -> Page {
        let pages = self.pages;
        self.process.until(what, || metrics(pages).filter(|page| wanted(page)))
    }

    /// Stops the process, and fails unless its books balanced before: nothing was in flight any more, and so many records
    /// were received.
    #[track_caller]
    fn close(mut self, records: i64) {
        let page = self.until("the last record", |page| {
            page.source("records_received_total") >= records && in_flight(page) == 0
        });
        assert_balances(&page, records);
        self.process.stop().assert_code(0);
    }
}

fn in_flight(page: &Page) -> i64 {
    page.source("records_in_flight")
        + page.source("entries_in_flight")
        + page.sink("siem", "in_flight")
        + page.sink("quarantine", "in_flight")
}

#[track_caller]
fn assert_balances(page: &Page, records: i64) {
    assert_eq!(page.source("records_received_total"), records);
    assert_eq!(
        page.source("records_received_total"),
        page.source("records_opened_total") + page.source("records_quarantined_total")
    );
    assert_eq!(
        page.source("entries_found_total"),
        page.source("entries_parsed_total")
            + page.source("entries_quarantined_total")
            + page.source("entries_ignored_blank_total")
            + page.source("entries_ignored_header_total")
    );
}

/// A flow log line that no other `number` has: its bytes are a number of its own.
fn line(number: u64) -> String {
    flows::line(number % flows::HOSTS, "198.51.100.7", 1_000 + number, flows::START + number % 500)
}

/// The numbers of the lines that were delivered to `out.ndjson`, in its order.
fn delivered(folder: &Folder) -> Vec<u64> {
    let number = |line: &str| {
        let (_, bytes) = line.split_once("\"source\":{")?.1.split_once("\"bytes\":")?;
        let digits = bytes.find(|byte: char| !byte.is_ascii_digit())?;
        Some(bytes[..digits].parse::<u64>().ok()? - 1_000)
    };
    folder.lines("out.ndjson").iter().filter_map(|line| number(line)).collect()
}

/// What was quarantined: reason, sender and text of each, in order.
fn quarantined(folder: &Folder) -> Vec<(String, String, String)> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let documents = folder.documents("quarantine.ndjson").into_iter();
    let row = |document: serde_json::Value| {
        let text = |key: &str| document[key].as_str().unwrap_or_default().to_owned();
        let bytes = STANDARD.decode(text("bytes")).unwrap();
        (text("reason"), text("sender"), String::from_utf8_lossy(&bytes).into_owned())
    };
    documents.map(row).collect()
}

#[test]
fn several_listeners_of_one_source_deliver_and_none_is_opened_where_one_cannot_be() {
    let folder = Folder::new();
    let (tcp, udp) = (free_port(), free_port());
    let listeners = [at("tcp", tcp), at("udp", udp), "unix: { path: s.sock }".to_owned()];
    let listening = listen(&folder, &listeners, "");
    sender::tcp(tcp, format!("{}\n", line(1)).as_bytes());
    sender::udp(udp, line(2).as_bytes());
    sender::unix_datagram(&folder.path("s.sock"), line(3).as_bytes());
    listening.close(3);
    let mut numbers = delivered(&folder);
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3]);
    assert!(!folder.path("s.sock").exists(), "the socket's file goes with the process");

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    folder.write("taken.yaml", config(free_port(), &[at("udp", udp), at("tcp", port)], "", ""));
    for arguments in [["run", "-c", "taken.yaml"].as_slice(), &["check", "--online", "-c", "taken.yaml"]] {
        let ended = folder.run(arguments);
        ended.assert_code(69);
        ended.assert_told(&format!("tcp 127.0.0.1:{port}"));
    }
    folder.write("free.yaml", config(free_port(), &[at("udp", udp), at("tcp", tcp)], "", ""));
    folder.run(&["check", "--online", "-c", "free.yaml"]).assert_code(0);
}

#[test]
fn what_was_quarantined_says_who_sent_it_and_comes_back_with_the_id_it_had() {
    let folder = Folder::new();
    let port = free_port();
    let wrong = config(free_port(), &[at("tcp", port)], "", "").replace("vpc_flow: {}", FIVE_COLUMNS);
    folder.write("wrong.yaml", wrong);
    let mut process = folder.start(&mut folder.command(&["run", "-q", "-c", "wrong.yaml"]));
    process.until("the socket", || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
    let from = sender::tcp(port, format!("{}\n{}\n", line(1), line(2)).as_bytes());
    until("two lines of quarantine", || (folder.lines("quarantine.ndjson").len() == 2).then_some(()));
    process.stop().assert_code(0);
    assert!(quarantined(&folder).iter().all(|(_, sender, _)| *sender == from.to_string()), "{from}");
    let ids = |name: &str, key: &str| -> Vec<String> {
        folder.documents(name).iter().map(|row| crate::process::text_at(row, key)).collect()
    };
    let before = ids("quarantine.ndjson", "event_id");
    std::fs::rename(folder.path("quarantine.ndjson"), folder.path("again.ndjson")).unwrap();
    folder.run(&["replay", "-c", "wrong.yaml", "again.ndjson"]).assert_code(0);
    assert!(
        quarantined(&folder).iter().all(|(_, sender, _)| *sender == from.to_string()),
        "kept in a replay"
    );
    folder.write("right.yaml", config(free_port(), &[at("tcp", port)], "", ""));
    folder.run(&["replay", "-c", "right.yaml", "again.ndjson"]).assert_code(0);
    assert_eq!(ids("out.ndjson", "event.id"), before);
}

const FIVE_COLUMNS: &str = "vpc_flow: { fields: \"${srcaddr} ${dstaddr} ${bytes} ${start} ${end}\" }";
