//! The books: what the process counted, what it wrote, and what the test had put in, are the same numbers.

use std::collections::BTreeMap;

use crate::{
    flows,
    process::{Folder, Page, free_port, is_finding, metrics, text_at},
};

/// Input whose kinds of lines are counted while it is put together.
#[derive(Default)]
struct Mixture {
    bytes: Vec<u8>,
    good: u64,
    blank: u64,
    header: u64,
    /// By reason.
    bad: BTreeMap<&'static str, u64>,
}

/// Bytes of the longest line that is read whole.
const LINE_BYTES_MAX: usize = 96 * 1024;

// === impl Mixture ===

impl Mixture {
    fn good(&mut self, line: &str, end: &str) {
        self.good += 1;
        self.bytes.extend_from_slice(line.as_bytes());
        self.bytes.extend_from_slice(end.as_bytes());
    }

    fn bad(&mut self, reason: &'static str, line: &[u8]) {
        *self.bad.entry(reason).or_default() += 1;
        self.bytes.extend_from_slice(line);
        self.bytes.push(b'\n');
    }

    fn blank(&mut self, line: &str) {
        self.blank += 1;
        self.bytes.extend_from_slice(line.as_bytes());
    }

    fn header(&mut self, end: &str) {
        self.header += 1;
        self.bytes.extend_from_slice(flows::HEADER.as_bytes());
        self.bytes.extend_from_slice(end.as_bytes());
    }

    /// Every kind of line, among the windows `first` to `last` of the estate.
    fn of_windows(first: u64, last: u64) -> Self {
        let mut mixture = Self::default();
        mixture.header("\n");
        for window in first..last {
            for line in flows::window(window).lines() {
                mixture.good(line, if mixture.good.is_multiple_of(3) { "\r\n" } else { "\n" });
            }
            mixture.odd(window);
        }
        mixture
    }

    /// What is odd in a window; each kind comes again after some windows.
    fn odd(&mut self, window: u64) {
        let start = flows::START + window * flows::WINDOW;
        let sound = flows::line(1, "198.51.100.9", 70_000, start);
        match window % 10 {
            0 => self.blank("\n"),
            1 => self.blank(" \t\r\n"),
            2 => self.header("\r\n"),
            3 => self.bad("too_few_columns", b"2 012345678901 eni-1"),
            4 => self.bad("too_many_columns", (sound + " more").as_bytes()),
            5 => self.bad("bad_number", sound.replace(" 70000 ", " 7e4 ").as_bytes()),
            6 => self.bad("bad_address", sound.replace("198.51.100.9", "198.51.100.999").as_bytes()),
            7 => self.bad("not_utf8", &[sound.as_bytes(), b"\xff\xfe"].concat()),
            // Over 64 KiB and read whole: a text column may be of any length.
            8 => self.good(&sound.replace("eni-", &format!("eni-{}", "a".repeat(70_000))), "\n"),
            _ => self.bad("line_too_long", &[b'x'; LINE_BYTES_MAX + 1]),
        }
    }

    fn records(&self) -> u64 {
        self.good + self.blank + self.header + self.bad.values().sum::<u64>()
    }

    fn gzip(&self) -> Vec<u8> {
        use std::io::Write;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&self.bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(&self) -> Vec<u8> {
        zstd::bulk::compress(&self.bytes, 1).unwrap()
    }
}

/// The sum of what several mixtures hold.
fn sum(mixtures: &[&Mixture]) -> Mixture {
    let mut all = Mixture::default();
    for mixture in mixtures {
        (all.good, all.blank, all.header) =
            (all.good + mixture.good, all.blank + mixture.blank, all.header + mixture.header);
        mixture.bad.iter().for_each(|(reason, count)| *all.bad.entry(reason).or_default() += count);
    }
    all
}

/// Compares the source's books with `all`, and each account with its sum.
fn assert_source(page: &Page, all: &Mixture) {
    let bad: u64 = all.bad.values().sum();
    for (name, count) in [
        ("records_received_total", all.records()),
        ("records_opened_total", all.records()),
        ("records_quarantined_total", 0),
        ("records_ignored_control_total", 0),
        ("records_in_flight", 0),
        ("entries_found_total", all.records()),
        ("entries_parsed_total", all.good),
        ("entries_ignored_header_total", all.header),
        ("entries_ignored_blank_total", all.blank),
        ("entries_quarantined_total", bad),
        ("entries_in_flight", 0),
    ] {
        assert_eq!(page.source(name), count as i64, "{name}");
    }
    for (reason, count) in &all.bad {
        let labels = ["source=\"flows\"", &format!("reason=\"{reason}\"")];
        assert_eq!(
            page.sum("floodmark_source_entries_quarantined_total", &labels),
            *count as i64,
            "{reason}"
        );
    }
}

/// Compares a sink's books with what it should have been offered and have written.
fn assert_sink(page: &Page, sink: &str, offered: u64, delivered: u64) {
    for (name, count) in [
        ("offered_total", offered),
        ("delivered_total", delivered),
        ("filtered_total", offered - delivered),
        ("dead_lettered_total", 0),
        ("abandoned_total", 0),
        ("dropped_total", 0),
        ("in_flight", 0),
    ] {
        assert_eq!(page.sink(sink, name), count as i64, "{sink} {name}");
    }
}

/// Compares the lines in quarantine with `all`, by reason.
fn assert_quarantine(folder: &Folder, all: &Mixture) {
    let mut found = BTreeMap::new();
    for line in folder.documents("quarantine.ndjson") {
        *found.entry(text_at(&line, "reason")).or_insert(0) += 1;
    }
    let wanted: BTreeMap<String, u64> =
        all.bad.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect();
    assert_eq!(found, wanted);
}

fn from_files(extra: &str) -> String {
    format!("file: {{ paths: [in/], line_bytes_max: {LINE_BYTES_MAX}{extra} }}")
}

fn config(from: &str, rest: &str) -> String {
    format!(
        "sources: {{ flows: {{ from: {{ {from} }} }} }}\n\
         sinks:\n  all: {{ to: {{ file: {{ path: all.ndjson }} }} }}\n  \
         findings: {{ to: {{ file: {{ path: findings.ndjson }} }}, select: findings }}\n\
         high: {{ to: {{ file: {{ path: high.ndjson }} }}, select: {{ score: 40 }} }}\n\
         score: {{ entities_max: 1000 }}\n{rest}"
    )
    .replace("\nhigh:", "\n  high:")
}

#[test]
fn a_followed_sources_books_equal_what_was_put_in_and_what_came_out() {
    let folder = Folder::new();
    let mixtures = [(0, 70), (70, 90), (90, 110)].map(|(first, last)| Mixture::of_windows(first, last));
    let [growing, packed, denser] = &mixtures;
    folder.write("in/1.log.gz", packed.gzip());
    folder.write("in/2.log.zst", denser.zstd());
    // The last line is still being written: it is no record yet.
    let half = flows::line(3, "198.51.100.9", 70_000, flows::START + 69 * flows::WINDOW);
    folder.write("in/3.log", [&growing.bytes, half.as_bytes()].concat());
    let port = free_port();
    let rest = format!("state: {{ directory: state }}\ntelemetry: {{ listen: \"127.0.0.1:{port}\" }}\n");
    folder.write("c.yaml", config(&from_files(", follow: true"), &rest));
    let mut process = folder.start(&mut folder.command(&["run", "-q", "-c", "c.yaml"]));

    let all = sum(&[packed, denser, growing]);
    let bad: u64 = all.bad.values().sum();
    let settled = |page: &Page| {
        let sinks = ["all", "findings", "high", "quarantine"];
        page.source("records_received_total") == all.records() as i64
            && page.source("entries_in_flight") == 0
            && page.sink("all", "delivered_total") >= all.good as i64
            && page.sink("quarantine", "delivered_total") == bad as i64
            && sinks.iter().all(|sink| page.sink(sink, "in_flight") == 0)
    };
    let page = process.until("delivery of everything", || metrics(port).filter(settled));
    assert_source(&page, &all);
    let (documents, high) = (folder.documents("all.ndjson"), folder.documents("high.ndjson"));
    let findings = documents.iter().filter(|document| is_finding(document)).count() as u64;
    assert_eq!(documents.len() as u64, all.good + findings);
    let offered = all.good + findings;
    assert_sink(&page, "all", offered, offered);
    assert_sink(&page, "findings", offered, folder.lines("findings.ndjson").len() as u64);
    assert_sink(&page, "high", offered, high.len() as u64);
    assert_sink(&page, "quarantine", bad, bad);
    assert_eq!(folder.lines("findings.ndjson").len() as u64, findings);
    assert!(findings > 0 && (findings..offered).contains(&(high.len() as u64)), "{findings} {}", high.len());
    assert_quarantine(&folder, &all);
    // What the disk has is what was counted in bytes too.
    let bytes = page.sum("floodmark_sink_delivered_bytes_total", &["sink=\"all\""]);
    assert_eq!(bytes as u64, folder.len("all.ndjson"));
    let received = mixtures.iter().map(|mixture| mixture.bytes.len()).sum::<usize>();
    let cut = 2 * all.bad["line_too_long"] as usize;
    assert_eq!(page.source("received_bytes_total") as usize, received - cut, "what was kept of a cut line");
    process.stop().assert_code(0);
}

#[test]
fn read_once_files_and_their_half_and_broken_lines_are_counted_in_the_summary_and_the_files() {
    let folder = Folder::new();
    let mut plain = Mixture::of_windows(0, 20);
    // A last line without an end is a line; half a record is not.
    plain.good(&flows::line(3, "198.51.100.9", 70_000, flows::START + 19 * flows::WINDOW), "");
    let mut half = Mixture::of_windows(20, 40);
    half.bad("too_few_columns", b"2 012345678901 eni-00000000000000001 10.0");
    half.bytes.pop();
    let broken = Mixture::of_windows(40, 41);
    folder.write("in/1.log", &plain.bytes);
    folder.write("in/2.log.gz", half.gzip());
    // Cut inside: what comes before the break may be any part of it, so nothing of it is counted but the break.
    let whole = broken.zstd();
    folder.write("in/3.log.zst", &whole[..whole.len() / 2]);
    folder.write("c.yaml", config(&from_files(""), ""));
    let ended = folder.run(&["run", "-c", "c.yaml"]);
    ended.assert_code(0);
    let mut all = sum(&[&plain, &half]);
    *all.bad.entry("truncated").or_default() += 1;
    let told = format!(
        "{} events, {} quarantined, {} headers and blank lines",
        grouped(all.good),
        all.bad.values().sum::<u64>(),
        all.header + all.blank
    );
    ended.assert_told(&told);
    let events = folder.documents("all.ndjson").iter().filter(|document| !is_finding(document)).count();
    assert_eq!(events as u64, all.good);
    assert_quarantine(&folder, &all);
}

/// `1234` as `1,234`.
fn grouped(count: u64) -> String {
    if count < 1_000 { count.to_string() } else { format!("{},{:03}", count / 1_000, count % 1_000) }
}

#[test]
fn what_stdin_brings_is_counted_plain_and_compressed_alike() {
    let mut mixture = Mixture::of_windows(0, 20);
    mixture.good(&flows::line(3, "198.51.100.9", 70_000, flows::START + 19 * flows::WINDOW), "");
    for bytes in [mixture.bytes.clone(), mixture.gzip(), mixture.zstd()] {
        let folder = Folder::new();
        folder.write("input", bytes);
        let from = format!("stdin: {{ line_bytes_max: {LINE_BYTES_MAX} }}");
        folder.write("c.yaml", config(&from, ""));
        let input = std::fs::File::open(folder.path("input")).unwrap();
        folder.start(folder.command(&["run", "-q", "-c", "c.yaml"]).stdin(input)).wait().assert_code(0);
        assert_eq!(folder.lines("all.ndjson").len() as u64, mixture.good);
        assert_quarantine(&folder, &mixture);
    }
}
