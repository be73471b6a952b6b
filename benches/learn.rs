//! Learning an archive: records per CPU-second of `floodmark learn`, user and system time together, from files to baselines
//! that are written. `cargo bench --bench learn`; `FLOODMARK_BENCH_LINES` changes the number of lines a day.
//!
//! The archive is two days of the generator's fleet, as gzip and plain, in version 2 and with all 54 fields. CPU seconds and
//! not wall time, because they hold on a busy machine; each case runs three times and the best counts. The second pass
//! learns the same entities whatever the number of lines, so that fewer lines cost more each.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// One case: what the archive is like.
struct Case {
    name: &'static str,
    format: &'static str,
    gzip: bool,
}

const CASES: [Case; 4] = [
    Case { name: "version 2, gzip", format: "v2", gzip: true },
    Case { name: "version 2, plain", format: "v2", gzip: false },
    Case { name: "version 11, gzip", format: "v11", gzip: true },
    Case { name: "version 11, plain", format: "v11", gzip: false },
];
const ROUNDS: usize = 3;
const PROGRAM: &str = env!("CARGO_BIN_EXE_floodmark");

/// What one run took.
#[derive(Clone, Copy)]
struct Run {
    records: u64,
    /// Windows of entities that were learned or held out.
    windows: u64,
    user_s: f64,
    system_s: f64,
}

fn main() {
    let lines: u64 =
        std::env::var("FLOODMARK_BENCH_LINES").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("learn");
    fs::create_dir_all(&folder).unwrap();
    println!("about {lines} lines a day; of {ROUNDS} runs the one of the fewest CPU seconds");
    println!("| archive | records | windows | records per CPU-second | user s | system s |");
    println!("|---|--:|--:|--:|--:|--:|");
    for case in &CASES {
        let archive = archive(&folder, case, lines);
        let runs = (0..ROUNDS).map(|_| run(&folder, &archive));
        let best = runs.min_by(|one, other| one.cpu_s().total_cmp(&other.cpu_s())).unwrap();
        println!(
            "| {} | {} | {} | {:.0} | {:.2} | {:.2} |",
            case.name,
            best.records,
            best.windows,
            best.records as f64 / best.cpu_s(),
            best.user_s,
            best.system_s
        );
    }
}

impl Run {
    fn cpu_s(&self) -> f64 {
        self.user_s + self.system_s
    }
}

/// Generates the archive, if an earlier run has not.
fn archive(folder: &Path, case: &Case, lines: u64) -> PathBuf {
    let packed = if case.gzip { "gzip" } else { "plain" };
    let path = folder.join(format!("{}-{packed}-{lines}", case.format));
    if !path.exists() {
        let partial = path.with_extension("partial");
        let mut command = Command::new(PROGRAM);
        command.args(["generate", "--profile", "fleet", "--span", "2d", "--format", case.format]);
        command.args(["--lines-per-day", &lines.to_string(), "--out"]).arg(&partial);
        command.args(case.gzip.then_some("--gzip"));
        assert!(command.stdout(Stdio::null()).status().unwrap().success());
        fs::rename(partial, &path).unwrap();
    }
    path
}

/// Learns `archive` in a process of its own, under the shell's `time`, which counts its CPU seconds; with one thread, so that
/// no table is merged.
fn run(folder: &Path, archive: &Path) -> Run {
    let out = folder.join("out");
    if out.exists() {
        fs::remove_dir_all(&out).unwrap();
    }
    let script = format!(
        "TIMEFORMAT='TIME %U %S'; time \"{PROGRAM}\" learn \"{}\" --out \"{}\" --threads 1",
        archive.display(),
        out.display()
    );
    let output = Command::new("bash").args(["-c", &script]).stdin(Stdio::null()).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let times =
        errors.lines().find_map(|line| line.strip_prefix("TIME ")).unwrap_or_else(|| panic!("{errors}"));
    let mut times = times.split(' ').map(|seconds| seconds.parse::<f64>().unwrap());
    let (user_s, system_s) = (times.next().unwrap(), times.next().unwrap());
    let report: serde_json::Value =
        serde_json::from_slice(&fs::read(out.join("report.json")).unwrap()).unwrap();
    let number = |value: &serde_json::Value| value.as_u64().unwrap();
    Run {
        records: number(&report["coverage"]["records"]),
        windows: number(&report["windows_learned"]) + number(&report["windows_held_out"]),
        user_s,
        system_s,
    }
}
