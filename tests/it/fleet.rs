//! What `floodmark generate --profile fleet` writes is what floodmark reads: every line of every format, and the files as a
//! bucket has them.

use std::{fs, path::PathBuf};

use crate::process::Folder;

/// A small fleet for six hours.
const SMALL: [&str; 11] = [
    "generate",
    "--profile",
    "fleet",
    "--hosts",
    "40",
    "--services",
    "24",
    "--lines-per-day",
    "12000",
    "--span",
    "6h",
];

fn generate(folder: &Folder, more: &[&str]) {
    folder.run(&[&SMALL, more].concat()).assert_code(0);
}

/// The files below `folder`.
fn files(folder: PathBuf) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![folder];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { left.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

#[test]
fn every_line_of_every_format_of_a_fleet_is_read() {
    let folder = Folder::new();
    for format in
        ["v2", "v5", "v11", "${srcaddr} ${dstaddr} ${bytes} ${end} ${ecs-service-name} ${log-status}"]
    {
        let (_, text) = folder.printed(&[&SMALL[..], &["--format", format]].concat());
        folder.write("flows.log", &text);
        let lines = text.lines().filter(|line| !line.contains("srcaddr")).count();
        let (ended, documents) = folder.printed(&["parse", "flows.log"]);
        ended.assert_code(0);
        ended.assert_told(&format!("{lines} events, 0 bad lines"));
        assert_eq!(documents.lines().count(), lines, "{format}");
    }
}

#[test]
fn a_bucket_of_a_fleet_is_read_whole_and_its_labels_and_truth_are_json() {
    let folder = Folder::new();
    let more = [
        "--out",
        "bucket",
        "--gzip",
        "--format",
        "v5",
        "--truth",
        "truth.ndjson",
        "--labels",
        "labels.ndjson",
    ];
    generate(&folder, &more);
    let paths: Vec<String> =
        files(folder.path("bucket")).iter().map(|path| path.to_str().unwrap().to_owned()).collect();
    assert!(paths.len() >= 24 && paths.iter().all(|path| path.ends_with(".log.gz")), "{paths:?}");
    let mut arguments = vec!["parse"];
    arguments.extend(paths.iter().map(String::as_str));
    let (ended, documents) = folder.printed(&arguments);
    ended.assert_code(0);
    ended.assert_told(", 0 bad lines");
    assert!(documents.lines().count() > 2_000, "{}", ended.err);
    assert!(folder.documents("truth.ndjson").iter().all(|row| row["bytes_out"].is_u64()));
}

#[test]
fn options_of_a_fleet_are_refused_where_there_is_none() {
    let folder = Folder::new();
    let ended = folder.run(&["generate", "--vpcs", "3", "--span", "1h", "--without-attack"]);
    ended.assert_code(64);
    ended.assert_told("could not use option --vpcs: it belongs to --profile fleet");
    let ended = folder.run(&["generate", "--profile", "fleet", "--attack", "ransom"]);
    ended.assert_told("it is none of warm-up, boiling-frog, contamination, chaff, flood");
}
