//! Resident memory of the whole process over a mature estate, and under a flood: `cargo bench --bench memory`.
//!
//! Twelve weeks of an estate, so that every host has all that a baseline can have: full histograms of ten minutes, hours and
//! days, a season, peaks of weeks, roles. Its last hour meets more of the outside than may be remembered, so that the tables
//! of externals and pairs are full. Then ten million addresses that were never seen before come
//! within one minute of the log. `FLOODMARK_BENCH_PROFILES` chooses `small`, `large` or both (`small,large`, the default).
//!
//! The bars are those of the small and the large profile: 87 and 336 MB, and ± 5 % under the flood. They are told beside what
//! was measured; no bar decides whether this program ends well, because the allocator's pages are the system's to count.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::{
    fmt::Write as _,
    fs,
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    time::Duration,
};

/// How large an estate is, and what its profile may take.
#[derive(Clone, Copy)]
struct Profile {
    name: &'static str,
    hosts: u32,
    externals: u32,
    pairs: u32,
    bar_megabytes: u64,
    /// What the config says that it may take.
    limit: &'static str,
}

const PROFILES: [Profile; 2] = [
    Profile {
        name: "small",
        hosts: 8_000,
        externals: 100_000,
        pairs: 20_000,
        bar_megabytes: 87,
        limit: "512MiB",
    },
    Profile {
        name: "large",
        hosts: 64_000,
        externals: 500_000,
        pairs: 100_000,
        bar_megabytes: 336,
        limit: "1GiB",
    },
];
/// 2026-01-05 00:00 UTC, a Monday.
const START: u64 = 1_767_571_200;
const DAYS: u64 = 84;
const WINDOW_SECONDS: u64 = 600;
const WINDOWS_A_DAY: u64 = 144;
/// A host has a window of every so many.
const EVERY: u64 = 36;
/// Lines of a window of the last hour, at least: what tells repeats (`score.dedup_bytes`) grows with them, and must not do so
/// in the flood alone.
const CROWD_LINES: u32 = 400_000;
const FLOOD: u64 = 10_000_000;
/// Address of the sources of the flood, of which each has a number of its own above: 64.0.0.0/8 and up.
const SPOOFED: u32 = 64 << 24;
/// Addresses of the outside that comes again: 20.0.0.0/8.
const OUTSIDE: u32 = 20 << 24;

fn main() {
    let chosen = std::env::var("FLOODMARK_BENCH_PROFILES").unwrap_or_else(|_| "small,large".into());
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("memory");
    fs::create_dir_all(&folder).unwrap();
    println!(
        "| profile | hosts | externals | pairs | MB after the estate | MB at the most | bar | MB in the flood, least and most |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|");
    for profile in PROFILES.iter().filter(|profile| chosen.split(',').any(|name| name == profile.name)) {
        measure(&folder, profile);
    }
}

/// Runs the binary over `profile`'s estate and flood, and prints a row of what it took.
fn measure(folder: &std::path::Path, profile: &Profile) {
    let mut process = Process::start(folder, profile);
    let mut estate = Estate { profile, draws: 1, lines: String::new(), written: 0 };
    for window in 0..DAYS * WINDOWS_A_DAY {
        estate.window(window);
        process.feed(&mut estate.lines);
    }
    for window in 0..6 {
        estate.crowd(DAYS * WINDOWS_A_DAY + window);
        process.feed(&mut estate.lines);
    }
    process.settle(estate.written);
    let (resident, most) = (process.status("VmRSS"), process.status("VmHWM"));
    let held =
        ["entities", "externals", "pairs"].map(|what| process.gauge(&format!("floodmark_score_{what}")));
    let (mut least, mut largest) = (u64::MAX, 0);
    let sixths = START + (DAYS * WINDOWS_A_DAY + 6) * WINDOW_SECONDS;
    for million in 0..10 {
        for number in million * FLOOD / 10..(million + 1) * FLOOD / 10 {
            let (source, host) = (SPOOFED + number as u32, number as u32 % profile.hosts);
            let end = sixths + number * 60 / FLOOD;
            estate.line((source, address(host)), host, (40_000, 443), (1, 40), end);
            process.feed(&mut estate.lines);
        }
        process.settle(estate.written);
        let now = process.status("VmRSS");
        (least, largest) = (least.min(now), largest.max(now));
    }
    let [hosts, externals, pairs] = held;
    println!(
        "| {} | {hosts} | {externals} | {pairs} | {} | {} | {} | {} to {} |",
        profile.name,
        megabytes(resident),
        megabytes(most),
        profile.bar_megabytes,
        megabytes(least),
        megabytes(largest)
    );
    process.end();
}

/// What writes the lines.
struct Estate<'a> {
    profile: &'a Profile,
    draws: u64,
    lines: String,
    written: u64,
}

impl Estate<'_> {
    /// What the hosts that are awake do in `window`.
    fn window(&mut self, window: u64) {
        let day = window / WINDOWS_A_DAY;
        let end = START + (window + 1) * WINDOW_SECONDS - 30;
        for host in 0..self.profile.hosts {
            if (u64::from(host) * 7 + day * 5 + window).is_multiple_of(EVERY) {
                self.host(host, end);
            }
        }
    }

    /// A host's talk with an address outside, in both directions, with another host, and a port that is closed.
    fn host(&mut self, host: u32, end: u64) {
        let outside = OUTSIDE + self.draw(self.profile.externals.into()) as u32;
        let other = (host + 1 + self.draw(40) as u32) % self.profile.hosts;
        let (out, back) = (self.amount(host), self.amount(host));
        let port = 40_000 + self.draw(20_000) as u16;
        let service = [443, 80, 53, 8_443, 22][self.draw(5) as usize];
        self.line((address(host), outside), host, (port, service), out, end);
        self.line((outside, address(host)), host, (service, port), back, end);
        let inside = self.amount(host);
        self.line((address(host), address(other)), host, (port, 5_432), inside, end);
        let closed = 1_000 + self.draw(400) as u16;
        self.line((address(host), address(other)), host, (port, closed), (2, 120), end);
    }

    /// Everybody outside, over ten minutes, in as many conversations as make [`CROWD_LINES`].
    fn crowd(&mut self, window: u64) {
        let end = START + (window + 1) * WINDOW_SECONDS - 30;
        for number in 0..self.profile.externals.max(CROWD_LINES / 2) {
            let (external, port) =
                (number % self.profile.externals, 40_000 + (number / self.profile.externals) as u16);
            let host = external % self.profile.hosts;
            self.line((address(host), OUTSIDE + external), host, (port, 443), (12, 9_000), end);
            self.line((OUTSIDE + external, address(host)), host, (443, port), (12, 9_000), end);
        }
    }

    /// Packets and bytes: each host has a level of its own, and its windows lie over some six octaves around it.
    fn amount(&mut self, host: u32) -> (u64, u64) {
        let level = 12.0 + f64::from(host.wrapping_mul(0x9E37_79B1) >> 22) / 1024.0 * 12.0;
        let spread: f64 = (0..4).map(|_| self.draw(1 << 20) as f64 / f64::from(1 << 20)).sum::<f64>() - 2.0;
        let bytes = (level + spread * 3.0).exp2() as u64;
        (1 + bytes / 700, bytes)
    }

    /// A number below `most`, which is not 0: splitmix64.
    fn draw(&mut self, most: u64) -> u64 {
        self.draws = self.draws.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.draws ^ (self.draws >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % most
    }

    fn line(
        &mut self,
        (source, destination): (u32, u32),
        host: u32,
        ports: (u16, u16),
        (packets, bytes): (u64, u64),
        end: u64,
    ) {
        let (source, destination) = (Ipv4Addr::from(source), Ipv4Addr::from(destination));
        let (from, to, start) = (ports.0, ports.1, end - 55);
        writeln!(
            self.lines,
            "2 012345678901 eni-{host:017x} {source} {destination} {from} {to} 6 {packets} {bytes} {start} {end} ACCEPT OK"
        )
        .unwrap();
        self.written += 1;
    }
}

/// The address of a host: 10.0.0.0/8.
const fn address(host: u32) -> u32 {
    (10 << 24) + 256 + host
}

const fn megabytes(bytes: u64) -> u64 {
    bytes.div_ceil(1_000_000)
}

/// The binary, fed by its standard input.
struct Process {
    child: Child,
    input: ChildStdin,
    port: u16,
}

impl Process {
    fn start(folder: &std::path::Path, profile: &Profile) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!(
            "sources: {{ flows: {{ from: {{ stdin: {{}} }} }} }}\n\
             sinks: {{ out: {{ to: {{ discard: {{}} }} }} }}\n\
             quarantine: {{ to: {{ file: {{ path: {:?} }} }} }}\n\
             dead_letter: {{ to: {{ file: {{ path: {:?} }} }} }}\n\
             score: {{ entities_max: {}, externals_max: {}, pairs_max: {} }}\n\
             limits: {{ threads: 1, memory: {} }}\n\
             telemetry: {{ listen: \"127.0.0.1:{port}\" }}\n",
            folder.join("quarantine.ndjson"),
            folder.join("dead.ndjson"),
            profile.hosts,
            profile.externals,
            profile.pairs,
            profile.limit
        );
        let path = folder.join(format!("{}.yaml", profile.name));
        fs::write(&path, config).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_floodmark"))
            .args(["run", "-q", "-c"])
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        Self { child, input, port }
    }

    /// Writes `lines` once they are worth a call.
    fn feed(&mut self, lines: &mut String) {
        if lines.len() > 1 << 16 {
            self.input.write_all(lines.as_bytes()).unwrap();
            lines.clear();
        }
    }

    /// Waits until all but what [`Process::feed`] may have kept back of `written` lines has left.
    fn settle(&self, written: u64) {
        for _ in 0..6_000 {
            if self.gauge("floodmark_sink_documents_offered_total") + 2_000 > written {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!(
            "{} of {written} lines left within ten minutes",
            self.gauge("floodmark_sink_documents_offered_total")
        );
    }

    /// The sum of a metric over its labels.
    fn gauge(&self, name: &str) -> u64 {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).unwrap();
        let of = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{']));
        let values = page.lines().filter(of).filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        values.sum::<f64>() as u64
    }

    /// A line of its status in /proc, in bytes.
    fn status(&self, name: &str) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }

    fn end(mut self) {
        drop(self.input);
        assert!(self.child.wait().unwrap().success());
    }
}
