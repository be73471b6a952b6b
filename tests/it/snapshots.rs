//! Baselines as files: what one process has learned, another begins with, elsewhere, and says of the next records what the
//! first would have said.

mod golden;
#[cfg(feature = "aws")]
mod s3;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use floodmark::state::snapshot::{Facts, SnapshotReader, SnapshotWriter};
use serde_json::Value;

use crate::{
    flows,
    process::{Folder, Running, free_port, is_finding, metrics},
};

/// Windows that are learned, and windows after them; the gigabyte of window 120 is among the latter.
const LEARNED: u64 = 110;
const NEXT: u64 = 140;

/// Reads `in/NAME` once, with `state` as it is written.
fn config(name: &str, state: &str) -> String {
    format!(
        "sources: {{ flows: {{ from: {{ file: {{ paths: [\"in/{name}\"] }} }} }} }}\n\
         sinks: {{ out: {{ to: {{ file: {{ path: out.ndjson }} }} }} }}\n\
         score: {{ learn_all: 0s }}\nlimits: {{ threads: 1 }}\n{state}\n"
    )
}

/// What goes to a folder of snapshots.
fn to_folder(more: &str) -> String {
    format!("state: {{ directory: state, snapshots: {{ to: {{ directory: kept }}, {more} }} }}")
}

/// The records that come after those that were learned.
fn next() -> String {
    (LEARNED..NEXT).map(flows::window).collect()
}

/// A folder with the next records alone, and no state.
fn elsewhere(state: &str) -> Folder {
    let folder = Folder::new();
    folder.write("in/2.log", next());
    folder.write("2.yaml", config("2.log", state));
    folder
}

/// A process that has learned, and ended; its snapshot is in `kept`.
fn learned() -> Folder {
    let folder = Folder::new();
    folder.write("in/1.log", flows::estate(LEARNED));
    folder.write("1.yaml", config("1.log", &to_folder("every: 1h")));
    let ended = folder.run(&["run", "-q", "-c", "1.yaml"]);
    ended.assert_code(0);
    ended.assert_told("wrote a snapshot of the baselines");
    fs::remove_file(folder.path("out.ndjson")).unwrap();
    folder
}

/// The snapshots in a folder, the oldest first.
fn kept(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "floodmark"));
    paths.sort();
    paths
}

fn only(folder: &Path) -> PathBuf {
    let kept = kept(folder);
    assert_eq!(kept.len(), 1, "{kept:?}");
    kept[0].clone()
}

/// The documents that are out, but for when they were made.
fn said(folder: &Folder) -> Vec<Value> {
    let mut documents = folder.documents("out.ndjson");
    for document in &mut documents {
        let event = document["event"].as_object_mut().unwrap();
        event.remove("ingested");
        event.remove("created");
    }
    documents.sort_by_cached_key(Value::to_string);
    documents
}

/// Fails with the first document that differs.
#[track_caller]
fn assert_said(folder: &Folder, expected: &[Value]) {
    let said = said(folder);
    let differ = said.iter().zip(expected).find(|(one, other)| one != other);
    assert!(differ.is_none(), "{differ:?}");
    assert_eq!(said.len(), expected.len());
}

/// What the process that has learned says of the next records.
fn said_by(learned: &Folder) -> Vec<Value> {
    learned.write("in/2.log", next());
    learned.write("2.yaml", config("2.log", "state: { directory: state }"));
    learned.run(&["run", "-q", "-c", "2.yaml"]).assert_code(0);
    let said = said(learned);
    assert!(said.iter().any(is_finding), "nothing rose above the mark");
    said
}

/// The whole of a snapshot, with other facts.
fn with_facts(path: &Path, facts: impl Fn(Facts) -> Facts) -> Vec<u8> {
    let mut reader = SnapshotReader::new(fs::File::open(path).unwrap()).unwrap();
    let mut writer = SnapshotWriter::new(Vec::new(), &facts(reader.facts().clone())).unwrap();
    while let Some(row) = reader.next_row().unwrap() {
        writer.put(row.section, row.key, row.value).unwrap();
    }
    writer.finish().unwrap().0
}

fn telemetry(port: u16) -> String {
    format!("telemetry: {{ listen: \"127.0.0.1:{port}\" }}")
}

/// A process that follows a file, with a snapshot every so often.
fn follow(folder: &Folder, state: &str, environment: &[(&str, &str)]) -> (Running, u16) {
    let port = free_port();
    folder.write("in/f.log", flows::estate(3));
    let text = config("f.log", state).replace("f.log\"]", "f.log\"], follow: true");
    folder.write("f.yaml", format!("{text}\nshutdown: {{ grace: 3s }}\n{}", telemetry(port)));
    let mut command = folder.command(&["run", "-q", "-c", "f.yaml"]);
    (folder.start(command.envs(environment.iter().copied())), port)
}

#[test]
fn what_begins_with_a_snapshot_says_of_the_next_records_what_the_first_would_have_said() {
    let first = learned();
    let snapshot = only(&first.path("kept"));
    let expected = said_by(&first);

    let second = elsewhere("state: { directory: state }");
    fs::copy(&snapshot, second.path("base.floodmark")).unwrap();
    let ended = second.run(&["run", "-q", "-c", "2.yaml", "--baseline", "base.floodmark"]);
    ended.assert_code(0);
    ended.assert_told("began with a baseline");
    assert_said(&second, &expected);

    let latest = format!(
        "state: {{ directory: state, baseline: latest, snapshots: {{ to: {{ directory: {} }} }} }}",
        first.path("kept").display()
    );
    let third = elsewhere(&latest);
    third.run(&["run", "-q", "-c", "2.yaml"]).assert_code(0);
    assert_said(&third, &expected);
    assert_eq!(kept(&first.path("kept")).len(), 2, "it wrote one of its own at its end");

    let without_state = elsewhere("");
    let path = snapshot.to_str().unwrap();
    without_state.run(&["run", "-q", "-c", "2.yaml", "--baseline", path]).assert_code(0);
    assert_said(&without_state, &expected);

    let nothing = elsewhere("state: { directory: state }");
    nothing.run(&["run", "-q", "-c", "2.yaml"]).assert_code(0);
    assert!(said(&nothing) != expected, "the baseline makes no difference");
}

#[test]
fn a_state_that_is_not_empty_goes_before_a_baseline_and_a_reset_makes_way_for_it() {
    let first = learned();
    let snapshot = only(&first.path("kept"));
    let expected = said_by(&first);
    let second = elsewhere("state: { directory: state }");
    second.run(&["run", "-q", "-c", "2.yaml"]).assert_code(0);
    let path = snapshot.to_str().unwrap();
    let ended = second.run(&["run", "-q", "-c", "2.yaml", "--baseline", path]);
    ended.assert_code(0);
    ended.assert_told("the state is not empty and goes before the baseline; --reset-state");
    fs::remove_file(second.path("out.ndjson")).unwrap();
    let ended = second.run(&["run", "-q", "-c", "2.yaml", "--baseline", path, "--reset-state"]);
    ended.assert_code(0);
    ended.assert_told("began with a baseline");
    assert_said(&second, &expected);
    assert!(second.path("state/state.redb.reset-1").exists());
}

#[test]
fn a_baseline_that_does_not_fit_is_refused_with_the_remedy_and_the_state_stays_empty() {
    let first = learned();
    let good = only(&first.path("kept"));
    let bytes = fs::read(&good).unwrap();
    let folder = elsewhere("state: { directory: state }");
    let mut flipped = bytes.clone();
    flipped[bytes.len() / 2] ^= 1;
    let mut version = bytes.clone();
    version[8] += 1;
    folder.write("flipped", flipped);
    folder.write("version", version);
    folder.write("half", &bytes[..bytes.len() / 2]);
    folder.write("geometry", with_facts(&good, |facts| Facts { geometry: 99, ..facts }));
    folder.write("features", with_facts(&good, |facts| Facts { features: 1, ..facts }));
    let slower = |facts: Facts| Facts { settings: [("half_life".into(), "864000".into())].into(), ..facts };
    folder.write("slower", with_facts(&good, slower));
    folder.write("seed", with_facts(&good, |facts| Facts { seed: facts.seed ^ 1, ..facts }));
    for (name, code, told) in [
        ("flipped", 74, "damaged at byte"),
        ("version", 74, "is of version 2, this program reads version 1"),
        ("half", 74, "copy it again, or take an older one"),
        ("geometry", 74, "its geometry is 63"),
        ("features", 74, "its list of features is 1"),
        ("slower", 74, "set `score.half_life` to 864000 s"),
        ("seed", 74, "take an older one, or learn anew without it"),
        ("2.yaml", 74, "it does not begin as one does"),
        ("nowhere", 69, "No such file"),
        ("latest", 78, "state.snapshots"),
    ] {
        let ended = folder.run(&["run", "-q", "-c", "2.yaml", "--baseline", name]);
        assert_eq!(ended.code(), Some(code), "{name}: {}", ended.err);
        ended.assert_told(told);
        ended.assert_told("could not begin with the baseline");
    }
    folder.run(&["run", "-q", "-c", "2.yaml", "--baseline", ""]).assert_code(64);
    assert_eq!(folder.len("out.ndjson"), 0);
    let ended = folder.run(&["run", "-q", "-c", "2.yaml", "--baseline", good.to_str().unwrap()]);
    ended.assert_code(0);
    ended.assert_told("began with a baseline");
}

#[test]
fn the_latest_of_none_is_no_baseline_and_nothing_stops_for_it() {
    let folder = elsewhere(&to_folder("every: 1h").replace("state,", "state, baseline: latest,"));
    let ended = folder.run(&["run", "-q", "-c", "2.yaml"]);
    ended.assert_code(0);
    ended.assert_told("there is no snapshot yet that could be the latest");
    assert_eq!(kept(&folder.path("kept")).len(), 1);
}

#[test]
fn a_config_that_no_snapshot_can_come_of_is_told_with_its_place() {
    let folder = elsewhere("state: { directory: state, baseline: latest }");
    let ended = folder.run(&["check", "-c", "2.yaml"]);
    ended.assert_code(78);
    ended.assert_told("state.baseline");
    folder.write("3.yaml", config("2.log", &to_folder("every: 10ms, keep: 0")));
    folder.run(&["check", "-c", "3.yaml"]).assert_code(78);
    folder.write("4.yaml", config("2.log", &to_folder("every: 10ms")));
    folder.run(&["check", "-c", "4.yaml"]).assert_told("state.snapshots.every: must be at least 1s");
    folder.write("kept", "a file");
    folder.write("5.yaml", config("2.log", &to_folder("every: 1h")));
    let ended = folder.run(&["check", "--online", "-c", "5.yaml"]);
    ended.assert_code(69);
    ended.assert_told("state.snapshots.to");
}

#[test]
fn snapshots_come_at_their_interval_for_their_owner_alone_and_the_oldest_go() {
    let folder = Folder::new();
    let state = to_folder("every: 1s, keep: 2").replace("state,", "state, every: 200ms,");
    let (mut process, port) = follow(&folder, &state, &[]);
    folder.write("kept/baseline-of-mine.floodmark", "nothing of ours is deleted");
    let page = process.until("four snapshots", || {
        metrics(port).filter(|page| page.sum("floodmark_state_snapshots_written_total", &[]) >= 4)
    });
    assert_eq!(page.sum("floodmark_state_snapshots_failed_total", &[]), 0);
    for gauge in ["last_seconds", "bytes", "rows"] {
        assert!(page.sum(&format!("floodmark_state_snapshot_{gauge}"), &[]) > 0, "{gauge}");
    }
    process.stop().assert_code(0);
    let kept = kept(&folder.path("kept"));
    assert_eq!(kept.len(), 3, "{kept:?}");
    assert!(kept[2].ends_with("baseline-of-mine.floodmark"));
    for path in &kept[..2] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        SnapshotReader::new(fs::File::open(path).unwrap()).unwrap();
    }
}

#[test]
fn a_folder_that_cannot_be_written_stops_no_documents_and_is_tried_again() {
    let folder = Folder::new();
    folder.write("kept", "a file");
    let state = to_folder("every: 1s").replace("state,", "state, every: 200ms,");
    let (mut process, port) = follow(&folder, &state, &[]);
    let failed =
        |least| metrics(port).filter(|page| page.sum("floodmark_state_snapshots_failed_total", &[]) >= least);
    process.until("a failure", || failed(2));
    let before = folder.len("out.ndjson");
    folder.append("in/f.log", flows::window(3));
    process.until("documents", || (folder.len("out.ndjson") > before).then_some(()));
    fs::remove_file(folder.path("kept")).unwrap();
    process.until("a snapshot", || (!kept(&folder.path("kept")).is_empty()).then_some(()));
    let ended = process.stop();
    ended.assert_code(0);
    ended.assert_told("could not write a snapshot of the baselines; the one before stays");
}

#[cfg(feature = "crash-points")]
#[test]
fn a_crash_in_the_middle_of_a_snapshot_leaves_the_one_before_and_what_is_left_of_it_goes() {
    use crate::traces::SIGABRT;

    let folder = Folder::new();
    let state = to_folder("every: 1s").replace("state,", "state, every: 200ms,");
    let (process, _) = follow(&folder, &state, &[("FLOODMARK_CRASH_AT", "baseline_written_not_named:2")]);
    let ended = process.wait();
    assert_eq!(ended.signal(), Some(SIGABRT), "{}", ended.err);
    let named = only(&folder.path("kept"));
    let mut reader = SnapshotReader::new(fs::File::open(&named).unwrap()).unwrap();
    while reader.next_row().unwrap().is_some() {}
    let files = || fs::read_dir(folder.path("kept")).unwrap().count();
    assert_eq!(files(), 2, "one was about to get its name");
    let (mut process, _) = follow(&folder, &state, &[]);
    process.until("another", || (kept(&folder.path("kept")).len() > 1).then_some(()));
    process.stop().assert_code(0);
    assert_eq!(files(), kept(&folder.path("kept")).len(), "nothing else is left");
    let second = elsewhere("state: { directory: state }");
    second.run(&["run", "-q", "-c", "2.yaml", "--baseline", named.to_str().unwrap()]).assert_code(0);
}
