//! Firehose: events per CPU-second of this process from bodies of CloudWatch Logs envelopes to full ECS documents, by how
//! the bodies are wrapped. `cargo bench --bench firehose`; `FLOODMARK_BENCH_LINES` changes the number of log events.
//!
//! The bodies are made before, and posted by four connections that keep the process busy; CPU seconds are its own, and
//! hold on a busy machine. Each case runs three times and the best counts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, write::GzEncoder};
use floodmark::generate::{self, Options};

/// What one record of a body holds.
#[derive(Clone, Copy, PartialEq)]
enum Record {
    /// A gzipped envelope of CloudWatch Logs with 200 log events.
    Envelope,
    /// One line, as VPC Flow Logs are delivered without CloudWatch.
    Line,
}

/// One case: what its bodies are made of.
struct Case {
    name: &'static str,
    record: Record,
    /// Whether a body is gzipped as a whole.
    gzip: bool,
}

const CASES: [Case; 4] = [
    Case { name: "CloudWatch envelopes", record: Record::Envelope, gzip: false },
    Case { name: "CloudWatch envelopes, bodies gzipped", record: Record::Envelope, gzip: true },
    Case { name: "lines", record: Record::Line, gzip: false },
    Case { name: "lines, bodies gzipped", record: Record::Line, gzip: true },
];
const ROUNDS: usize = 3;
const KEY: &str = "0123456789abcdef0123456789abcdef";
const EVENTS_PER_ENVELOPE: usize = 200;
/// Log events of one body: about a mebibyte of text.
const EVENTS_PER_BODY: usize = 8_000;
const CONNECTIONS: usize = 4;

fn main() {
    let lines: u64 =
        std::env::var("FLOODMARK_BENCH_LINES").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("firehose");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("city.mmdb"), generate::city_database().unwrap()).unwrap();
    fs::write(folder.join("asn.mmdb"), generate::asn_database().unwrap()).unwrap();
    fs::write(folder.join("assets.csv"), generate::assets_csv(12)).unwrap();
    let mut text = Vec::new();
    generate::write(&Options::load(lines, 500, 5_000), &mut text, None).unwrap();
    let text = String::from_utf8(text).unwrap();
    let flows: Vec<&str> = text.lines().collect();
    println!("{lines} log events; of {ROUNDS} runs the one of the fewest CPU seconds");
    println!("| bodies of | events per CPU-second | user s | system s | bytes posted an event |");
    println!("|---|--:|--:|--:|--:|");
    for case in &CASES {
        let bodies: Vec<Vec<u8>> = flows
            .chunks(EVENTS_PER_BODY)
            .enumerate()
            .map(|(number, flows)| body(case, number, flows))
            .collect();
        let posted: usize = bodies.iter().map(Vec::len).sum();
        let runs = (0..ROUNDS).map(|_| run(&folder, case, &bodies, flows.len()));
        let (user_s, system_s) = runs.min_by(|a, b| (a.0 + a.1).total_cmp(&(b.0 + b.1))).unwrap();
        println!(
            "| {} | {:.0} | {user_s:.2} | {system_s:.2} | {} |",
            case.name,
            flows.len() as f64 / (user_s + system_s),
            posted / flows.len()
        );
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A body with `flows`; its id is its number.
fn body(case: &Case, number: usize, flows: &[&str]) -> Vec<u8> {
    let records: Vec<String> = match case.record {
        Record::Line => flows.iter().map(|flow| STANDARD.encode(flow)).collect(),
        Record::Envelope => flows
            .chunks(EVENTS_PER_ENVELOPE)
            .enumerate()
            .map(|(part, flows)| {
                let first = number * EVENTS_PER_BODY + part * EVENTS_PER_ENVELOPE;
                STANDARD.encode(gzip(envelope(first, flows).as_bytes()))
            })
            .collect(),
    };
    let records: Vec<String> =
        records.into_iter().map(|record| format!("{{\"data\":\"{record}\"}}")).collect();
    let body = format!(
        "{{\"requestId\":\"{}\",\"timestamp\":1772409600000,\"records\":[{}]}}",
        id(number),
        records.join(",")
    );
    if case.gzip { gzip(body.as_bytes()) } else { body.into_bytes() }
}

fn id(number: usize) -> String {
    format!("ed4acda5-034f-9f42-bba1-{number:012x}")
}

/// An envelope of log events, the first of which is number `first`; ids are as long as AWS's.
fn envelope(first: usize, flows: &[&str]) -> String {
    let event = |(number, flow): (usize, &&str)| {
        format!(
            "{{\"id\":\"3752{:048}\",\"timestamp\":1772409600000,\"message\":\"{flow}\"}}",
            first + number
        )
    };
    let events: Vec<String> = flows.iter().enumerate().map(event).collect();
    format!(
        "{{\"messageType\":\"DATA_MESSAGE\",\"owner\":\"012345678901\",\"logGroup\":\"/vpc/flows\",\
         \"logStream\":\"eni-0a1b2c3d4e5f60718-all\",\"subscriptionFilters\":[\"all\"],\"logEvents\":[{}]}}",
        events.join(",")
    )
}

/// Posts the bodies to a new process, and says what user and system seconds it took, start and end included. Fails unless
/// every body is answered with 200 and every log event has become a document.
fn run(folder: &Path, case: &Case, bodies: &[Vec<u8>], events: usize) -> (f64, f64) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut process = start(folder, port);
    // A connection that is refused: it does not listen yet.
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| {
                let mut connection = BufReader::new(TcpStream::connect(("127.0.0.1", port)).unwrap());
                while let Some((number, body)) =
                    Some(next.fetch_add(1, Relaxed)).and_then(|n| Some((n, bodies.get(n)?)))
                {
                    post(&mut connection, case, number, body);
                }
            });
        }
    });
    let floodmark = children(process.id());
    Command::new("kill").arg(floodmark.to_string()).status().unwrap();
    let mut errors = String::new();
    process.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    process.wait().unwrap();
    let logged =
        errors.lines().find(|line| line.contains("\"sink\":\"out\"")).unwrap_or_else(|| panic!("{errors}"));
    let ended: serde_json::Value = serde_json::from_str(logged).unwrap();
    assert!(ended["documents"].as_u64().unwrap() >= events as u64, "{logged}");
    let times =
        errors.lines().find_map(|line| line.strip_prefix("TIME ")).unwrap_or_else(|| panic!("{errors}"));
    let mut times = times.split(' ').map(|seconds| seconds.parse::<f64>().unwrap());
    (times.next().unwrap(), times.next().unwrap())
}

/// The process under the shell's own `time`, which counts its CPU seconds.
fn start(folder: &Path, port: u16) -> Child {
    let shown = folder.display();
    fs::write(folder.join("key"), KEY).unwrap();
    let config = format!(
        "sources: {{ flows: {{ from: {{ firehose: {{ listen: \"127.0.0.1:{port}\", behind_proxy: true, access_keys: [{{ \
         file: \"{shown}/key\" }}] }} }} }} }}\n\
         enrich:\n  geoip: {{ city: \"{shown}/city.mmdb\", asn: \"{shown}/asn.mmdb\" }}\n  assets: [ {{ file: \
         \"{shown}/assets.csv\" }} ]\n\
         sinks: {{ out: {{ to: {{ discard: {{}} }} }} }}\n\
         quarantine: {{ to: {{ file: {{ path: \"{shown}/quarantine.ndjson\" }} }} }}\n\
         dead_letter: {{ to: {{ file: {{ path: \"{shown}/dead.ndjson\" }} }} }}\n\
         limits: {{ threads: 1 }}\n"
    );
    let path = folder.join("bench.yaml");
    fs::write(&path, config).unwrap();
    let script = format!(
        "TIMEFORMAT='TIME %U %S'; time {} run -c {} --log-format json",
        env!("CARGO_BIN_EXE_floodmark"),
        path.display()
    );
    let mut command = Command::new("bash");
    command.args(["-c", &script]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// The one child of a process.
fn children(parent: u32) -> u32 {
    let path = format!("/proc/{parent}/task/{parent}/children");
    fs::read_to_string(path).unwrap().trim().parse().unwrap()
}

fn post(connection: &mut BufReader<TcpStream>, case: &Case, number: usize, body: &[u8]) {
    let encoding = if case.gzip { "Content-Encoding: gzip\r\n" } else { "" };
    let head = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         X-Amz-Firehose-Protocol-Version: 1.0\r\nX-Amz-Firehose-Request-Id: {}\r\n\
         X-Amz-Firehose-Source-Arn: arn:aws:firehose:eu-west-1:012345678901:deliverystream/flows\r\n\
         X-Amz-Firehose-Access-Key: {KEY}\r\n{encoding}Content-Length: {}\r\n\r\n",
        id(number),
        body.len()
    );
    connection.get_mut().write_all(head.as_bytes()).unwrap();
    connection.get_mut().write_all(body).unwrap();
    let mut line = String::new();
    connection.read_line(&mut line).unwrap();
    assert!(line.starts_with("HTTP/1.1 200 "), "{line}");
    let mut length = 0;
    while line != "\r\n" {
        line.clear();
        connection.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    connection.read_exact(&mut vec![0; length]).unwrap();
}
