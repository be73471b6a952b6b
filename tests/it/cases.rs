//! Golden cases: a log as it stands in a file, and every document and every word that `floodmark parse` makes of it.
//!
//! `tests/cases/FORMAT/NAME` holds `in.log`, where it needs one the format string in `fields`, where it
//! needs some further arguments in `args`, the documents in
//! `ecs.ndjson` and `ocsf.ndjson` (without `event.ingested` and `metadata.processed_time`) and what is told a person in
//! `said.txt`. `FLOODMARK_BLESS=1` writes the last three anew: read the difference before you keep it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// The folders of all cases, in order.
fn cases() -> Vec<PathBuf> {
    let inside = |folder: &Path| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let formats = inside(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases"));
    // What is there is no log; see `snapshots::golden`.
    let formats = formats.filter(|format| !format.ends_with("snapshots"));
    let mut cases: Vec<PathBuf> = formats.flat_map(|format| inside(&format)).collect();
    cases.sort();
    cases
}

/// What `floodmark parse` makes of the case in this schema: documents, and what it says.
fn parsed(case: &Path, schema: &str) -> [String; 2] {
    let mut command = Command::new(env!("CARGO_BIN_EXE_floodmark"));
    command.current_dir(case).args(["parse", "--schema", schema]);
    if let Ok(fields) = fs::read_to_string(case.join("fields")) {
        command.args(["--fields", fields.trim()]);
    }
    if let Ok(more) = fs::read_to_string(case.join("args")) {
        command.args(more.split_whitespace());
    }
    let output = command.arg("in.log").output().unwrap();
    let documents = String::from_utf8(output.stdout).unwrap();
    let documents = documents.lines().map(|line| {
        let document: Value = serde_json::from_str(line).expect(line);
        let ingested = match schema {
            "ecs" => format!("\"ingested\":{},", document["event"]["ingested"]),
            _ => format!("\"processed_time\":{},", document["metadata"]["processed_time"]),
        };
        assert!(line.contains(&ingested), "{line}");
        line.replacen(&ingested, "", 1) + "\n"
    });
    [documents.collect(), String::from_utf8(output.stderr).unwrap()]
}

#[test]
fn every_case_is_understood_as_it_stands_beside_it() {
    let cases = cases();
    assert!(cases.len() >= 5, "{cases:?}");
    let bless = std::env::var_os("FLOODMARK_BLESS").is_some();
    let mut wrong = Vec::new();
    for case in &cases {
        let [ecs, said] = parsed(case, "ecs");
        let [ocsf, said_again] = parsed(case, "ocsf");
        assert_eq!(said, said_again, "what is told does not depend on the schema");
        for (name, found) in [("ecs.ndjson", ecs), ("ocsf.ndjson", ocsf), ("said.txt", said)] {
            let path = case.join(name);
            if bless {
                fs::write(&path, &found).unwrap();
            }
            if fs::read_to_string(&path).ok().as_ref() != Some(&found) {
                wrong.push(format!("{}:\n{found}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
