//! Syslog: lines per CPU-second of this process from TCP and UDP to full ECS documents, and where the time goes.
//! `cargo bench --bench syslog`; `FLOODMARK_BENCH_LINES` changes the number of lines.
//!
//! The lines are made before, and sent over four connections by this process, so that the CPU seconds of floodmark are
//! its own and hold on a busy machine. Each case runs three times and the best counts. What the source itself takes is the
//! case whose records nothing is parsed from: blank lines of the same length.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use floodmark::generate::{self, Options};

/// How the lines are sent.
struct Case {
    name: &'static str,
    /// What is sent for one line.
    frame: fn(&str) -> String,
    /// Whether documents come of them.
    parsed: bool,
}

const CASES: [Case; 5] = [
    Case { name: "flow log lines, a line feed behind each", frame: |line| format!("{line}\n"), parsed: true },
    Case { name: "RFC 3164, of a Cisco ASA", frame: cisco, parsed: true },
    Case { name: "RFC 5424 with structured data, counted", frame: modern, parsed: true },
    Case {
        name: "RFC 5424 that carries a flow log line",
        frame: |line| format!("<134>1 2026-03-07T14:20:00Z collector vpc - - - {line}\n"),
        parsed: true,
    },
    Case {
        name: "blank lines: the source alone",
        frame: |line| " ".repeat(line.len()) + "\n",
        parsed: false,
    },
];

/// A connection built, as a Cisco ASA tells it.
fn cisco(line: &str) -> String {
    format!(
        "<166>Mar  7 2026 14:20:00 fw-1 : %ASA-6-302013: Built outbound TCP connection {} for \
         outside:198.51.100.7/443 (198.51.100.7/443) to inside:10.1.1.20/51234 (192.0.2.2/51234)\n",
        line.len() * 7919 % 1_000_000
    )
}

/// A login that failed, as rsyslog forwards it, with the octets counted.
fn modern(line: &str) -> String {
    let frame = format!(
        "<38>1 2026-03-07T14:20:00.003264Z web-1 sshd 4711 - [timeQuality tzKnown=\"1\" isSynced=\"1\"] Failed password for \
         invalid user admin from 203.0.113.9 port {} ssh2",
        line.len() * 7919 % 65_536
    );
    format!("{} {frame}", frame.len())
}

const ROUNDS: usize = 3;
const CONNECTIONS: usize = 4;

fn main() {
    let lines: u64 =
        std::env::var("FLOODMARK_BENCH_LINES").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("syslog");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("city.mmdb"), generate::city_database().unwrap()).unwrap();
    fs::write(folder.join("asn.mmdb"), generate::asn_database().unwrap()).unwrap();
    fs::write(folder.join("assets.csv"), generate::assets_csv(12)).unwrap();
    let mut text = Vec::new();
    generate::write(&Options::load(lines, 500, 5_000), &mut text, None).unwrap();
    let text = String::from_utf8(text).unwrap();
    let flows: Vec<&str> = text.lines().collect();
    println!("{lines} lines; of {ROUNDS} runs the one of the fewest CPU seconds");
    println!("| sent as | lines per CPU-second | user s | system s | bytes sent a line |");
    println!("|---|--:|--:|--:|--:|");
    for case in &CASES {
        let parts = flows.chunks(flows.len().div_ceil(CONNECTIONS));
        let streams: Vec<Vec<u8>> = parts
            .map(|part| part.iter().map(|line| (case.frame)(line)).collect::<String>().into_bytes())
            .collect();
        let sent: usize = streams.iter().map(Vec::len).sum();
        let runs = (0..ROUNDS).map(|_| run(&folder, case, &streams, flows.len()));
        let (user_s, system_s) = runs.min_by(|a, b| (a.0 + a.1).total_cmp(&(b.0 + b.1))).unwrap();
        println!(
            "| {} | {:.0} | {user_s:.2} | {system_s:.2} | {} |",
            case.name,
            flows.len() as f64 / (user_s + system_s),
            sent / flows.len()
        );
    }
}

/// Sends the streams to a new process, and says what user and system seconds it took, start and end included. Fails unless
/// every line has become a document.
fn run(folder: &Path, case: &Case, streams: &[Vec<u8>], lines: usize) -> (f64, f64) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut process = start(folder, port);
    // A connection that is refused: it does not listen yet.
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::scope(|scope| {
        for stream in streams {
            scope.spawn(move || {
                let mut connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
                connection.write_all(stream).unwrap();
                connection.shutdown(std::net::Shutdown::Write).unwrap();
                // Closed by the other side when it has read all.
                connection.read_to_end(&mut Vec::new()).unwrap();
            });
        }
    });
    Command::new("kill").arg(child(process.id()).to_string()).status().unwrap();
    let mut errors = String::new();
    process.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    process.wait().unwrap();
    if case.parsed {
        let logged = errors
            .lines()
            .find(|line| line.contains("\"sink\":\"out\""))
            .unwrap_or_else(|| panic!("{errors}"));
        let ended: serde_json::Value = serde_json::from_str(logged).unwrap();
        assert!(ended["documents"].as_u64().unwrap() >= lines as u64, "{logged}");
    }
    let times =
        errors.lines().find_map(|line| line.strip_prefix("TIME ")).unwrap_or_else(|| panic!("{errors}"));
    let mut times = times.split(' ').map(|seconds| seconds.parse::<f64>().unwrap());
    (times.next().unwrap(), times.next().unwrap())
}

/// The process under the shell's own `time`, which counts its CPU seconds.
fn start(folder: &Path, port: u16) -> Child {
    let shown = folder.display();
    let config = format!(
        "sources: {{ flows: {{ from: {{ syslog: {{ listen: [{{ tcp: {{ address: \"127.0.0.1:{port}\" }} }}] }} }} }} }}\n\
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
fn child(parent: u32) -> u32 {
    let path = format!("/proc/{parent}/task/{parent}/children");
    fs::read_to_string(path).unwrap().trim().parse().unwrap()
}
