//! The same input gives the same documents: run again, with other numbers of threads, and however it is cut into files; and
//! whoever shuffles it within the lateness changes nothing that lasts.

use std::io::Write;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use crate::{
    flows,
    process::{Folder, is_finding, is_session},
    traces::{Traces, traces},
};

const WINDOWS: u64 = 400;
/// Seconds by which a record may be late: what `score.lateness` is where nobody says otherwise.
const LATENESS: u64 = 600;

fn config(paths: &str, out: &str, threads: u32) -> String {
    format!(
        "sources: {{ flows: {{ from: {{ file: {{ paths: [{paths}] }} }} }} }}\n\
         sinks: {{ out: {{ to: {{ file: {{ path: {out} }} }}, select: events_and_sessions }} }}\n\
         score: {{ learn_all: 0s }}\n\
         limits: {{ threads: {threads} }}\n"
    )
}

/// Runs over `paths` and gives the documents in their order, without what the wall clock says.
fn documents(folder: &Folder, paths: &str, threads: u32) -> Vec<Value> {
    let _ = std::fs::remove_file(folder.path("out.ndjson"));
    folder.write("c.yaml", config(paths, "out.ndjson", threads));
    folder.run(&["run", "-q", "-c", "c.yaml"]).assert_code(0);
    let mut documents = folder.documents("out.ndjson");
    for document in &mut documents {
        let event = document["event"].as_object_mut().unwrap();
        assert!(event.remove("ingested").is_some());
        event.remove("created");
    }
    documents
}

/// The events without their ids, then the sessions, then the findings: between which events these leave depends on where chunks
/// end.
fn sorted(documents: Vec<Value>) -> Vec<Value> {
    let (findings, rest): (Vec<Value>, Vec<Value>) = documents.into_iter().partition(is_finding);
    let (sessions, mut events): (Vec<Value>, Vec<Value>) = rest.into_iter().partition(is_session);
    for event in &mut events {
        assert!(event["event"].as_object_mut().unwrap().remove("id").is_some());
    }
    events.extend(sessions);
    events.extend(findings);
    events
}

#[track_caller]
fn assert_same(one: &[Value], other: &[Value], what: &str) {
    let differ = one.iter().zip(other).position(|(one, other)| one != other);
    assert!(differ.is_none(), "{what}: {} and {}", one[differ.unwrap()], other[differ.unwrap()]);
    assert_eq!(one.len(), other.len(), "{what}");
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_second_run_and_one_two_or_four_threads_give_the_same_documents_in_the_same_order() {
    let folder = Folder::new();
    folder.write("in.log", flows::estate(WINDOWS));
    let first = documents(&folder, "in.log", 1);
    assert!(first.iter().filter(|document| is_finding(document)).count() >= 6, "too quiet to tell");
    assert!(first.iter().any(|document| document["event"]["risk_score"].is_u64()));
    for threads in [1, 2, 4] {
        assert_same(&documents(&folder, "in.log", threads), &first, &format!("{threads} threads"));
    }
}

#[test]
fn one_file_many_files_and_compressed_files_give_the_same_events_but_for_their_ids() {
    let folder = Folder::new();
    folder.write("whole.log", flows::estate(WINDOWS));
    let whole = sorted(documents(&folder, "whole.log", 2));
    let parts = 7;
    for part in 0..parts {
        let text: String =
            (WINDOWS * part / parts..WINDOWS * (part + 1) / parts).map(flows::window).collect();
        let text = format!("{}\n{text}", flows::HEADER);
        folder.write(&format!("plain/{part}.log"), &text);
        folder.write(&format!("gzip/{part}.log.gz"), gzip(&text));
        folder.write(&format!("zstd/{part}.log.zst"), zstd::bulk::compress(text.as_bytes(), 1).unwrap());
    }
    let plain = documents(&folder, "plain", 2);
    assert_same(&sorted(plain.clone()), &whole, "many files");
    // Positions count decompressed bytes, so that compressing a file changes no id.
    assert_same(&documents(&folder, "gzip", 2), &plain, "gzip");
    assert_same(&documents(&folder, "\"zstd/*.zst\"", 2), &plain, "zstd");
    let findings = plain.iter().filter(|document| is_finding(document)).count();
    assert!(findings >= 6, "too quiet to tell: {findings}");
}

/// What a run over `text` leaves for good: its findings, and what it has learned.
fn left(text: &str) -> Traces {
    let folder = Folder::new();
    folder.write("in.log", text);
    let state = "state: { directory: state, every: 1h }\n";
    folder.write("c.yaml", config("in.log", "out.ndjson", 2) + state);
    folder.run(&["run", "-q", "-c", "c.yaml"]).assert_code(0);
    traces(&folder)
}

#[test]
fn lines_shuffled_within_the_lateness_leave_the_same_findings_and_baselines() {
    let text = flows::estate(WINDOWS) + &flows::closing(WINDOWS);
    let in_order = left(&text);
    assert!(in_order.findings.len() >= 6, "too quiet to tell: {:?}", in_order.findings);
    assert!(in_order.sessions.len() >= 100, "{} sessions", in_order.sessions.len());
    for seed in [1, 2, 3] {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut lines: Vec<(u64, &str)> = text
            .lines()
            .map(|line| {
                let end: u64 = line.split(' ').nth(11).unwrap().parse().unwrap();
                (end + random.random_range(0..LATENESS), line)
            })
            .collect();
        lines.sort_by_key(|(when, _)| *when);
        let shuffled: String = lines.iter().map(|(_, line)| format!("{line}\n")).collect();
        assert!(shuffled != text);
        let shuffled = left(&shuffled);
        assert_eq!(shuffled.events.len(), in_order.events.len());
        assert_eq!(shuffled.findings, in_order.findings, "seed {seed}");
        assert_eq!(shuffled.sessions, in_order.sessions, "seed {seed}");
        assert_eq!(shuffled.baselines, in_order.baselines, "seed {seed}");
    }
}
