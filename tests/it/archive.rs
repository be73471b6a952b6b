//! `floodmark learn`: the same baselines however an archive is read, a list of what stood out, and a `run` that goes on from it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::process::Folder;

/// A small fleet for four days, with two attacks on what is learned.
const FLEET: [&str; 20] = [
    "generate",
    "--profile",
    "fleet",
    "--hosts",
    "30",
    "--services",
    "24",
    "--lines-per-day",
    "16000",
    "--span",
    "4d",
    "--format",
    "v5",
    "--attack",
    "warm-up",
    "--attack",
    "contamination",
    "--out",
    "archive",
    "--gzip",
];
const CONFIG: &str = "sources: { archive: { from: { file: { paths: [more.log] } } } }
sinks: { out: { to: { file: { path: out.ndjson } } } }
score: { identity: [address] }
";

fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut left) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { left.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// The only baseline in `folder`.
fn baseline(folder: &Path) -> PathBuf {
    let all = files(folder).into_iter().filter(|path| path.extension().is_some_and(|end| end == "floodmark"));
    let all: Vec<_> = all.collect();
    assert_eq!(all.len(), 1, "{all:?}");
    all[0].clone()
}

fn learn(folder: &Folder, paths: &[&str], more: &[&str]) {
    let ended = folder.run(&[&["learn", "--config", "config.yaml", "--seed", "seed"], paths, more].concat());
    ended.assert_code(0);
}

fn archive() -> Folder {
    let folder = Folder::new();
    folder.write("config.yaml", CONFIG);
    folder.run(&[&FLEET[..], &["--labels", "labels.ndjson"]].concat()).assert_code(0);
    folder
}

#[test]
fn threads_order_and_parts_give_the_same_bytes_and_every_labelled_attack_is_held_out() {
    let folder = archive();
    learn(&folder, &["archive"], &["--out", "whole", "--threads", "1"]);
    let (bytes, report) = (
        fs::read(baseline(&folder.path("whole"))).unwrap(),
        fs::read(folder.path("whole/report.json")).unwrap(),
    );
    let same = |name: &str| {
        assert!(fs::read(baseline(&folder.path(name))).unwrap() == bytes, "{name}: another baseline");
        assert!(fs::read(folder.path(name).join("report.json")).unwrap() == report, "{name}: another report");
    };
    learn(&folder, &["archive"], &["--out", "two", "--threads", "2"]);
    same("two");
    let all: Vec<String> =
        files(&folder.path("archive")).into_iter().map(|path| path.to_str().unwrap().to_owned()).collect();
    let nth = |rest: usize| -> Vec<&str> {
        all.iter().enumerate().filter(|(nth, _)| nth % 3 == rest).map(|(_, path)| path.as_str()).collect()
    };
    for (part, threads) in [(0, "2"), (1, "1")] {
        learn(&folder, &nth(part), &["--partial", &format!("{part}.part"), "--threads", threads]);
    }
    // Two parts and the rest of the files, in another order.
    learn(&folder, &[&["1.part", "0.part"], &nth(2)[..]].concat(), &["--out", "parts"]);
    same("parts");

    let report: Value = serde_json::from_slice(&report).unwrap();
    let held_out: BTreeSet<(String, i64)> = report["held_out"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["feature"] == "bytes_out" && one["of_whole_archive"] == true)
        .map(|one| {
            let start: jiff::Timestamp = one["window_start"].as_str().unwrap().parse().unwrap();
            (one["entity"].as_str().unwrap().to_owned(), start.as_second())
        })
        .collect();
    let labels = folder.documents("labels.ndjson");
    let mut labelled = BTreeSet::new();
    for label in labels.iter().filter(|label| label["attack"] == true) {
        let (start, end) = (label["start"].as_i64().unwrap(), label["end"].as_i64().unwrap());
        let address = label["address"].as_str().unwrap().to_owned();
        let windows: Vec<_> =
            (start / 600..=end / 600).map(|window| (address.clone(), window * 600)).collect();
        assert!(windows.iter().any(|window| held_out.contains(window)), "not held out: {label}");
        labelled.extend(windows);
    }
    assert!(labelled.len() > 20, "{} labelled windows", labelled.len());
    // The same traffic where it passes the NAT gateway, and backups, which are labelled and no attack.
    let windows = report["windows_learned"].as_u64().unwrap();
    let others = held_out.iter().filter(|window| !labelled.contains(window)).count() as u64;
    assert!(others < windows / 200, "{others} of {windows} windows held out without a label");
}

#[test]
fn run_begins_with_what_was_learned_and_knows_everybody() {
    let folder = archive();
    learn(&folder, &["archive"], &["--out", "learned"]);
    let path = baseline(&folder.path("learned"));
    let more =
        ["generate", "--profile", "fleet", "--hosts", "30", "--services", "24", "--lines-per-day", "16000"];
    let (_, text) =
        folder.printed(&[&more[..], &["--span", "1h", "--start", "1772791200", "--format", "v5"]].concat());
    folder.write("more.log", &text);
    let path = path.to_str().unwrap();
    let ended = folder.run(&["run", "--config", "config.yaml", "--baseline", path]);
    ended.assert_code(0);
    let documents = folder.documents("out.ndjson");
    let mature = documents.iter().filter(|one| one.to_string().contains("\"mature\"")).count();
    assert!(mature * 3 > documents.len(), "{mature} of {} know their entity", documents.len());
}

#[test]
fn what_does_not_belong_together_is_refused_with_a_remedy() {
    let folder = Folder::new();
    let line = |host: u8, end: u64| {
        format!(
            "2 123456789012 eni-{host} 10.0.0.{host} 192.0.2.7 40000 443 6 10 840 {end} {end} ACCEPT OK\n"
        )
    };
    folder.write("one.log", line(1, 1_700_000_000));
    folder.write("two.log", line(2, 1_700_000_600) + "2 nonsense\n");
    folder.run(&["learn", "one.log", "--partial", "one.part"]).assert_code(0);
    folder.run(&["learn", "two.log", "--partial", "two.part"]).assert_code(0);
    let refused = |arguments: &[&str], code: i32, told: &str| {
        let ended = folder.run(arguments);
        ended.assert_code(code);
        ended.assert_told(told);
    };
    refused(&["learn", "one.part", "two.part", "--out", "out"], 64, "the same `--seed FILE`");
    refused(&["learn", "none.log", "--out", "out"], 66, "no such file");
    refused(&["learn", "one.log", "--out", "out", "--max-memory", "1KiB"], 69, "raise `--max-memory`");
    folder.write("config.yaml", CONFIG);
    refused(&["learn", "one.part", "--config", "config.yaml", "--out", "out"], 78, "identity");
    refused(&["run", "--config", "config.yaml", "--baseline", "one.part"], 74, "floodmark learn PART…");
    let source = |tenant: &str| format!("{{ tenant: {tenant}, from: {{ file: {{ paths: [more.log] }} }} }}");
    let sources = format!("sources: {{ a: {}, b: {} }}", source("blue"), source("red"));
    folder.write(
        "two.yaml",
        format!("{sources}\nsinks: {{ out: {{ to: {{ file: {{ path: out.ndjson }} }} }} }}\n"),
    );
    refused(&["learn", "one.log", "--config", "two.yaml", "--out", "out"], 78, "`tenant`");
    folder.write("seed", "no seed");
    refused(&["learn", "one.log", "--seed", "seed", "--out", "out"], 64, "16 hexadecimal digits");
    let mut torn = fs::read(folder.path("one.part")).unwrap();
    let middle = torn.len() / 2;
    torn[middle] ^= 1;
    folder.write("torn.part", torn);
    refused(&["learn", "torn.part", "--out", "out"], 74, "torn.part");
    // What could not be read is counted, and its neighbours are learned.
    let ended = folder.run(&["learn", "one.log", "two.log", "one.log", "--out", "out"]);
    ended.assert_code(0);
    ended.assert_told("1 could not be read: too_few_columns");
    refused(
        &["learn", &baseline(&folder.path("out")).display().to_string(), "--out", "again"],
        64,
        "a baseline already",
    );
}
