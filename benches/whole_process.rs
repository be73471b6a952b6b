//! The whole process on a generated million lines: events per CPU-second, user and system time together, and the mean
//! size of a document. `cargo bench --bench whole_process`; `FLOODMARK_BENCH_LINES` changes the number of lines.
//!
//! CPU seconds and not wall time, because they hold on a busy machine; each case runs three times and the best counts.

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
}

#[derive(Clone, Copy, PartialEq)]
enum Input {
    /// 8,000 internal hosts and 100,000 external addresses, version 2.
    Estate,
    /// 100,000 internal sources, version 2.
    ManySources,
    /// 8,000 internal hosts, all 29 fields of versions 2 to 5.
    Version5,
}

const CASES: [Case; 6] = [
    Case { name: "v2, discard, 1 thread", input: Input::Estate, sink: "discard: {}", threads: 1 },
    Case { name: "v2, discard, 2 threads", input: Input::Estate, sink: "discard: {}", threads: 2 },
    Case { name: "v2, stdout, 1 thread", input: Input::Estate, sink: "stdout: {}", threads: 1 },
    Case { name: "v2, stdout, 2 threads", input: Input::Estate, sink: "stdout: {}", threads: 2 },
    Case {
        name: "v2, 100,000 sources, discard, 1 thread",
        input: Input::ManySources,
        sink: "discard: {}",
        threads: 1,
    },
    Case { name: "v5, discard, 1 thread", input: Input::Version5, sink: "discard: {}", threads: 1 },
];
const RUNS: usize = 3;

/// What one run took.
struct Run {
    user_s: f64,
    system_s: f64,
    wall_s: f64,
    bytes: u64,
}

fn main() {
    let lines: u64 =
        std::env::var("FLOODMARK_BENCH_LINES").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("whole-process");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("city.mmdb"), generate::city_database().unwrap()).unwrap();
    fs::write(folder.join("asn.mmdb"), generate::asn_database().unwrap()).unwrap();
    fs::write(folder.join("assets.csv"), generate::assets_csv(12)).unwrap();
    println!("{lines} lines; the best of {RUNS} runs");
    println!(
        "{:40} {:>9} {:>7} {:>7} {:>7} {:>12} {:>8}",
        "", "events/s", "user", "sys", "wall", "bytes", "mean"
    );
    println!("{:40} {:>9}", "", "of CPU");
    for case in CASES {
        let input = input(&folder, case.input, lines);
        let config = config(&folder, &input, &case);
        let runs = (0..RUNS).map(|_| run(&config, case.sink.starts_with("stdout")));
        let best = runs.min_by(|a, b| (a.user_s + a.system_s).total_cmp(&(b.user_s + b.system_s))).unwrap();
        let cpu = best.user_s + best.system_s;
        println!(
            "{:40} {:>9.0} {:>7.2} {:>7.2} {:>7.2} {:>12} {:>8}",
            case.name,
            lines as f64 / cpu,
            best.user_s,
            best.system_s,
            best.wall_s,
            best.bytes,
            best.bytes / lines
        );
    }
}

/// Generates the input, if an earlier run has not.
fn input(folder: &Path, input: Input, lines: u64) -> PathBuf {
    let (name, options) = match input {
        Input::Estate => ("v2", Options::load(lines, 8_000, 100_000)),
        Input::ManySources => ("sources", Options::load(lines, 100_000, 100_000)),
        Input::Version5 => {
            let load = Options::load(lines, 8_000, 100_000);
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
    writeln!(text, "sinks: {{ out: {{ to: {{ {} }} }} }}", case.sink).unwrap();
    writeln!(text, "quarantine: {{ to: {{ file: {{ path: \"{shown}/quarantine.ndjson\" }} }} }}").unwrap();
    writeln!(text, "dead_letter: {{ to: {{ file: {{ path: \"{shown}/dead.ndjson\" }} }} }}").unwrap();
    writeln!(text, "limits: {{ threads: {} }}", case.threads).unwrap();
    let path = folder.join("bench.yaml");
    fs::write(&path, text).unwrap();
    path
}

/// Runs the binary under the shell's own `time`, which counts its CPU seconds; documents on stdout go through a pipe.
fn run(config: &Path, counts_stdout: bool) -> Run {
    let program = env!("CARGO_BIN_EXE_floodmark");
    let sink = if counts_stdout { "| wc -c" } else { "" };
    let script = format!(
        "TIMEFORMAT='TIME %U %S %R'; {{ time {program} run -c {} --log-format json; }} {sink}",
        config.display()
    );
    let output = Command::new("bash").args(["-c", &script]).stdin(Stdio::null()).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let times =
        errors.lines().find_map(|line| line.strip_prefix("TIME ")).unwrap_or_else(|| panic!("{errors}"));
    let mut times = times.split(' ').map(|seconds| seconds.parse::<f64>().unwrap());
    let mut next = || times.next().unwrap();
    let (user_s, system_s, wall_s) = (next(), next(), next());
    let bytes = if counts_stdout {
        String::from_utf8_lossy(&output.stdout).trim().parse().unwrap()
    } else {
        let delivered = errors.lines().find_map(|line| line.split("\"delivered_bytes\":").nth(1));
        delivered
            .and_then(|rest| rest.split([',', '}']).next()?.parse().ok())
            .unwrap_or_else(|| panic!("{errors}"))
    };
    Run { user_s, system_s, wall_s, bytes }
}
