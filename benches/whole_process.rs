//! The whole process on a generated million lines: events per CPU-second, user and system time together, and the mean
//! size of a document. `cargo bench --bench whole_process`; `FLOODMARK_BENCH_LINES` changes the number of lines.
//!
//! CPU seconds and not wall time, because they hold on a busy machine; each case runs three times and the best counts.
//! The load has a hundred records a second: a host of 8,000 has eight in a window, one of 100,000 hardly two, so that nearly
//! every record opens a window that folds, whose host and external source have not been seen for thousands of records.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use floodmark::generate::{self, LineFormat, Options};

/// One case: what is read, and what is done with it.
struct Case {
    name: &'static str,
    input: Input,
    sink: &'static str,
    threads: u16,
    /// Whether the whole process has one core: with one worker it has two otherwise, the other for its reading.
    one_core: bool,
    /// Whether there is a state: what is learned is written at the end, all of it, as it is every minute otherwise.
    state: bool,
    /// Whether slim sessions leave instead of events.
    sessions: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Input {
    /// 500 internal hosts and 5,000 external addresses, version 2.
    Estate,
    /// 8,000 internal hosts and 100,000 external sources, version 2.
    LargeEstate,
    /// 100,000 internal hosts with a window for nearly every record, and as many external sources, version 2.
    ManyHosts,
    /// 500 internal hosts, all 29 fields of versions 2 to 5.
    Version5,
}

const DISCARD: &str = "discard: {}";
const STDOUT: &str = "stdout: {}";
/// A case on `threads` workers and as many cores as there are.
const fn case(name: &'static str, input: Input, sink: &'static str, threads: u16) -> Case {
    Case { name, input, sink, threads, one_core: false, state: false, sessions: false }
}

const CASES: [Case; 13] = [
    Case { one_core: true, ..case("500 hosts, discard, on one core", Input::Estate, DISCARD, 1) },
    case("500 hosts, discard", Input::Estate, DISCARD, 1),
    Case { sessions: true, ..case("500 hosts, sessions, discard", Input::Estate, DISCARD, 1) },
    case("500 hosts, discard", Input::Estate, DISCARD, 2),
    case("500 hosts, stdout", Input::Estate, STDOUT, 1),
    case("500 hosts, version 5, discard", Input::Version5, DISCARD, 1),
    case("8,000 hosts and 100,000 sources, discard", Input::LargeEstate, DISCARD, 1),
    Case {
        state: true,
        ..case("8,000 hosts and 100,000 sources, state, discard", Input::LargeEstate, DISCARD, 1)
    },
    Case {
        state: true,
        ..case("8,000 hosts and 100,000 sources, state, discard", Input::LargeEstate, DISCARD, 2)
    },
    Case {
        sessions: true,
        ..case("8,000 hosts and 100,000 sources, sessions, discard", Input::LargeEstate, DISCARD, 1)
    },
    case("8,000 hosts and 100,000 sources, stdout", Input::LargeEstate, STDOUT, 1),
    case("100,000 hosts, discard", Input::ManyHosts, DISCARD, 1),
    Case { state: true, ..case("100,000 hosts, state, discard", Input::ManyHosts, DISCARD, 1) },
];
const ROUNDS: usize = 3;

/// What one run took.
#[derive(Clone, Copy)]
struct Run {
    user_s: f64,
    system_s: f64,
    wall_s: f64,
    /// The mean of a document.
    document_bytes: u64,
}

fn main() {
    let lines: u64 =
        std::env::var("FLOODMARK_BENCH_LINES").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("whole-process");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("city.mmdb"), generate::city_database().unwrap()).unwrap();
    fs::write(folder.join("asn.mmdb"), generate::asn_database().unwrap()).unwrap();
    fs::write(folder.join("assets.csv"), generate::assets_csv(12)).unwrap();
    let inputs = CASES.map(|case| input(&folder, case.input, lines));
    let mut best: [Option<Run>; CASES.len()] = [None; CASES.len()];
    // Each case once, and all again: a time at which the machine is slow must not fall on one case alone.
    for _ in 0..ROUNDS {
        for ((case, input), best) in CASES.iter().zip(&inputs).zip(&mut best) {
            let run = run(&config(&folder, input, case), case, lines);
            *best = Some(best.map_or(run, |before| before.less(run)));
        }
    }
    println!("{lines} lines; of {ROUNDS} runs the least of each time");
    println!(
        "| input and sink | threads | events per CPU-second | user s | system s | wall s | bytes a document |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|");
    for (case, best) in CASES.iter().zip(best.into_iter().flatten()) {
        println!(
            "| {} | {} | {:.0} | {:.2} | {:.2} | {:.2} | {} |",
            case.name,
            case.threads,
            lines as f64 / best.cpu_s(),
            best.user_s,
            best.system_s,
            best.wall_s,
            best.document_bytes
        );
    }
}

impl Run {
    fn cpu_s(&self) -> f64 {
        self.user_s + self.system_s
    }

    /// The CPU seconds of the run that took fewer, and the wall time of the one that was over sooner.
    fn less(self, other: Self) -> Self {
        let wall_s = self.wall_s.min(other.wall_s);
        Self { wall_s, ..if self.cpu_s() <= other.cpu_s() { self } else { other } }
    }
}

/// Generates the input, if an earlier run has not.
fn input(folder: &Path, input: Input, lines: u64) -> PathBuf {
    let (name, options) = match input {
        Input::Estate => ("500", Options::load(lines, 500, 5_000)),
        Input::LargeEstate => ("8000", Options::load(lines, 8_000, 100_000)),
        Input::ManyHosts => ("sources", Options::load(lines, 100_000, 100_000)),
        Input::Version5 => {
            let load = Options::load(lines, 500, 5_000);
            ("v5", Options { format: LineFormat::V5, header: true, ..load })
        }
    };
    let path = folder.join(format!("{name}-{lines}.log"));
    if !path.exists() {
        let mut file = std::io::BufWriter::new(fs::File::create(&path).unwrap());
        generate::write(&options, &mut file, None).unwrap();
    }
    path
}

fn config(folder: &Path, input: &Path, case: &Case) -> PathBuf {
    let mut text = String::new();
    writeln!(
        text,
        "sources: {{ flows: {{ from: {{ file: {{ paths: [{:?}] }} }} }} }}",
        input.display().to_string()
    )
    .unwrap();
    let shown = folder.display();
    writeln!(text, "enrich:").unwrap();
    writeln!(text, "  geoip: {{ city: \"{shown}/city.mmdb\", asn: \"{shown}/asn.mmdb\" }}").unwrap();
    writeln!(text, "  assets: [ {{ file: \"{shown}/assets.csv\" }} ]").unwrap();
    let select = if case.sessions { ", select: sessions, fields: slim" } else { "" };
    writeln!(text, "sinks: {{ out: {{ to: {{ {} }}{select} }} }}", case.sink).unwrap();
    writeln!(text, "quarantine: {{ to: {{ file: {{ path: \"{shown}/quarantine.ndjson\" }} }} }}").unwrap();
    writeln!(text, "dead_letter: {{ to: {{ file: {{ path: \"{shown}/dead.ndjson\" }} }} }}").unwrap();
    let memory = if case.input == Input::ManyHosts {
        // Every host is scored, where the default has room for 24,000.
        writeln!(text, "score: {{ entities_max: 110000 }}").unwrap();
        "1GiB"
    } else {
        "512MiB"
    };
    writeln!(text, "limits: {{ threads: {}, memory: {memory} }}", case.threads).unwrap();
    if case.state {
        let state = folder.join("state");
        if state.exists() {
            fs::remove_dir_all(&state).unwrap();
        }
        writeln!(text, "state: {{ directory: {:?} }}", state.display().to_string()).unwrap();
    }
    let path = folder.join("bench.yaml");
    fs::write(&path, text).unwrap();
    path
}

/// Runs the binary under the shell's own `time`, which counts its CPU seconds; documents on stdout go through a pipe.
/// Fails unless every line has become a document, or all have become sessions.
fn run(config: &Path, case: &Case, lines: u64) -> Run {
    let program = env!("CARGO_BIN_EXE_floodmark");
    let cores = if case.one_core { "taskset -c 0" } else { "" };
    let sink = if case.sink == STDOUT { "| wc -c" } else { "" };
    let script = format!(
        "TIMEFORMAT='TIME %U %S %R'; {{ time {cores} {program} run -c {} --log-format json; }} {sink}",
        config.display()
    );
    let output = Command::new("bash").args(["-c", &script]).stdin(Stdio::null()).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let times =
        errors.lines().find_map(|line| line.strip_prefix("TIME ")).unwrap_or_else(|| panic!("{errors}"));
    let mut times = times.split(' ').map(|seconds| seconds.parse::<f64>().unwrap());
    let mut next = || times.next().unwrap();
    let (user_s, system_s, wall_s) = (next(), next(), next());
    let logged =
        errors.lines().find(|line| line.contains("\"sink\":\"out\"")).unwrap_or_else(|| panic!("{errors}"));
    let ended: serde_json::Value = serde_json::from_str(logged).unwrap();
    let [documents, bytes] = ["documents", "bytes"].map(|count| ended[count].as_u64().unwrap());
    assert!(documents >= lines || case.sessions && documents > 0, "{documents} documents of {lines} lines");
    if case.sink == STDOUT {
        let counted: u64 = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap();
        assert_eq!(counted, bytes, "what arrived is what was counted");
    }
    Run { user_s, system_s, wall_s, document_bytes: bytes / documents }
}
