//! rsyslog as the sender, with its disk-assisted queue on: 100,000 lines, none lost while floodmark is stopped or killed and
//! started again.
//!
//! Syslog has no answers. What was handed to a process that is killed while it works is gone, whoever the sender is; so the
//! kill comes when all that was sent is delivered, and the rest is sent while nobody listens.

use std::{
    collections::BTreeSet,
    env,
    fs::File,
    process::{Child, Command, Stdio},
};

use super::{Listening, config, delivered, in_flight, line, quarantined, start, tls::Authority};
use crate::{
    process::{Folder, free_port, metrics, until},
    skipped::skip,
};

const LINES: u64 = 100_000;

/// rsyslogd, which reads `in.log` as it grows and sends its lines. It ends with the test.
struct Rsyslog {
    child: Child,
    folder: std::path::PathBuf,
}

/// How it sends.
enum Over {
    /// Lines as they stand, each with a line feed.
    Lines,
    /// Counted frames with a priority and a header, in TLS, with a certificate of its own.
    CountedTls,
}

// === impl Rsyslog ===

impl Rsyslog {
    /// The binary, or nothing, and then the test `name` is on the list of those skipped.
    fn binary(name: &str) -> Option<String> {
        let found = env::var("FLOODMARK_RSYSLOGD").ok();
        if found.is_none() {
            let absent = env::var("FLOODMARK_RSYSLOG_ABSENT");
            let reason = absent.unwrap_or_else(|_| "FLOODMARK_RSYSLOGD names no rsyslogd".to_owned());
            skip(name, &reason);
        }
        found
    }

    /// Starts it, as a sender to `port`. What reads the file waits while the queue is full: by default rsyslog drops after two
    /// seconds.
    fn start(binary: &str, folder: &Folder, port: u16, over: &Over) -> Self {
        let place = folder.path(".").canonicalize().unwrap();
        let shown = place.display();
        std::fs::create_dir_all(place.join("queue")).unwrap();
        let (tls, action) = match over {
            Over::Lines => (String::new(), "TCP_Framing=\"traditional\" template=\"bare\"".to_owned()),
            Over::CountedTls => (
                format!(
                    "defaultNetstreamDriverCAFile=\"{shown}/ca.pem\" defaultNetstreamDriverCertFile=\"{shown}/client.pem\" \
                     defaultNetstreamDriverKeyFile=\"{shown}/client.key\""
                ),
                "TCP_Framing=\"octet-counted\" template=\"RSYSLOG_SyslogProtocol23Format\" StreamDriver=\"gtls\" \
                 StreamDriverMode=\"1\" StreamDriverAuthMode=\"x509/name\" StreamDriverPermittedPeers=\"localhost\""
                    .to_owned(),
            ),
        };
        let text = format!(
            "global(workDirectory=\"{shown}/queue\" maxMessageSize=\"64k\" {tls})\n\
             module(load=\"imfile\" mode=\"inotify\")\n\
             template(name=\"bare\" type=\"string\" string=\"%msg%\\n\")\n\
             input(type=\"imfile\" File=\"{shown}/in.log\" Tag=\"flows\" Ruleset=\"out\" addMetadata=\"off\")\n\
             ruleset(name=\"out\") {{\n  action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{port}\" protocol=\"tcp\" {action}\n    \
             queue.type=\"LinkedList\" queue.filename=\"forward\" queue.size=\"20000\" queue.maxDiskSpace=\"1g\"\n    \
             queue.timeoutEnqueue=\"180000\" queue.saveOnShutdown=\"on\" action.resumeRetryCount=\"-1\" \
             action.resumeInterval=\"1\")\n}}\n"
        );
        folder.write("rsyslog.conf", text);
        let told = File::create(place.join("rsyslog.err")).unwrap();
        let mut command = Command::new(binary);
        command.args(["-n", "-iNONE", "-f", "rsyslog.conf"]).current_dir(&place).stdin(Stdio::null());
        let child = command.stdout(Stdio::null()).stderr(told).spawn().unwrap();
        Self { child, folder: place }
    }

    fn told(&self) -> String {
        std::fs::read_to_string(self.folder.join("rsyslog.err")).unwrap()
    }
}

impl Drop for Rsyslog {
    fn drop(&mut self) {
        // A test that fails leaves nothing behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(numbers: std::ops::Range<u64>) -> String {
    numbers.map(|number| line(number) + "\n").collect()
}

/// The numbers that came out, as events or, with the header in front that a format of lines does not know, in quarantine.
fn came_out(folder: &Folder, over: &Over) -> BTreeSet<u64> {
    match over {
        Over::Lines => delivered(folder).into_iter().collect(),
        Over::CountedTls => quarantined(folder)
            .into_iter()
            .map(|(.., text)| {
                let columns: Vec<&str> = text.split(' ').collect();
                let bytes = columns.len().checked_sub(5).unwrap_or_else(|| panic!("{text}"));
                columns[bytes].parse::<u64>().unwrap_or_else(|_| panic!("{text}")) - 1_000
            })
            .collect(),
    }
}

/// Waits until `count` numbers came out of all that was received, and nothing is in flight.
fn until_out(listening: &mut Listening, rsyslog: &Rsyslog, folder: &Folder, over: &Over, count: u64) {
    let pages = listening.pages;
    listening.process.until("the lines", || {
        assert!(rsyslog.folder.exists(), "{}", rsyslog.told());
        let quiet = metrics(pages).is_some_and(|page| in_flight(&page) == 0);
        (quiet && came_out(folder, over).len() as u64 >= count).then_some(())
    });
}

fn listener(over: &Over, port: u16) -> String {
    match over {
        // So small that not all is sent before floodmark stops.
        Over::Lines => format!("tcp: {{ address: \"127.0.0.1:{port}\", receive_buffer: 64KiB }}"),
        Over::CountedTls => format!(
            "tls: {{ address: \"127.0.0.1:{port}\", receive_buffer: 64KiB, certificate: cert.pem, key: {{ file: key.pem }}, client_ca: ca.pem }}"
        ),
    }
}

fn restarts_lose_nothing(name: &str, over: &Over) {
    let Some(binary) = Rsyslog::binary(name) else { return };
    let folder = Folder::new();
    let (certificate, key) = Authority::new(&folder).signs("relay");
    folder.write("client.pem", certificate);
    folder.write("client.key", key);
    let (port, pages) = (free_port(), free_port());
    folder.write("c.yaml", config(pages, &[listener(over, port)], "", ""));
    folder.write("in.log", lines(0..1_000));
    let rsyslog = Rsyslog::start(&binary, &folder, port, over);
    let mut listening = start(&folder, pages);
    until_out(&mut listening, &rsyslog, &folder, over, 1_000);

    // Stopped while it is sent to.
    folder.append("in.log", lines(1_000..LINES / 2));
    listening.until("the middle", |page| page.source("records_received_total") > 5_000);
    listening.process.stop().assert_code(0);
    let first = came_out(&folder, over).len() as u64;
    assert!((5_000..=LINES / 2).contains(&first), "{first}");
    let mut listening = start(&folder, pages);
    until_out(&mut listening, &rsyslog, &folder, over, LINES / 2);

    // Killed when all that was sent is delivered; the sender finds out before it sends more.
    listening.process.kill();
    folder.append("in.log", lines(LINES / 2..LINES));
    until("the queue on disk", || {
        let files = std::fs::read_dir(folder.path("queue")).unwrap().flatten();
        files
            .into_iter()
            .any(|file| file.file_name().to_string_lossy().starts_with("forward.0"))
            .then_some(())
    });
    let mut listening = start(&folder, pages);
    until_out(&mut listening, &rsyslog, &folder, over, LINES);
    let page = listening.until("rest", |page| in_flight(page) == 0);
    super::assert_balances(&page, page.source("records_received_total"));
    listening.process.stop().assert_code(0);
    let numbers = came_out(&folder, over);
    assert!(numbers.into_iter().eq(0..LINES), "{}", rsyslog.told());
}

#[test]
fn a_hundred_thousand_lines_of_rsyslog_over_tcp_survive_a_stop_and_a_kill_of_floodmark() {
    let name = "a_hundred_thousand_lines_of_rsyslog_over_tcp_survive_a_stop_and_a_kill_of_floodmark";
    restarts_lose_nothing(name, &Over::Lines);
}

#[test]
fn a_hundred_thousand_lines_of_rsyslog_over_tls_survive_a_stop_and_a_kill_of_floodmark() {
    let name = "a_hundred_thousand_lines_of_rsyslog_over_tls_survive_a_stop_and_a_kill_of_floodmark";
    restarts_lose_nothing(name, &Over::CountedTls);
}
