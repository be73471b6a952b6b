//! What a run leaves behind: its events, its findings and what it has learned, to be compared with those of another run.

use std::collections::{BTreeMap, BTreeSet};

use floodmark::{
    score::{self, Scorer},
    state::Store,
    telemetry::metrics::Metrics,
};

use serde_json::Value;

use crate::process::{Folder, at, is_finding, is_session, text_at};

/// The signal by which a process ends that crashes by itself.
pub const SIGABRT: i32 = 6;
/// The signal that no process can refuse.
pub const SIGKILL: i32 = 9;

/// What is left of a run.
#[derive(Debug, PartialEq)]
pub struct Traces {
    pub events: BTreeSet<String>,
    /// Every document of a session, without when it was written.
    pub sessions: BTreeSet<String>,
    /// Every finding by its id: that it was raised, and what it came to when it closed.
    pub findings: BTreeSet<String>,
    /// The ids of the documents between a finding's first and last. Which of them there are says how its value rose, and
    /// that depends on how partitions interleave: a crossing that waits for its judge is told at what it has come to, and
    /// jumps over the magnitudes before that.
    pub revisions: BTreeSet<String>,
    /// Canonical text of every baseline and pool.
    pub baselines: String,
}

/// What the runs in `folder` have left.
pub fn traces(folder: &Folder) -> Traces {
    let mut traces = Traces {
        events: BTreeSet::new(),
        sessions: BTreeSet::new(),
        findings: BTreeSet::new(),
        revisions: BTreeSet::new(),
        baselines: baselines(folder),
    };
    for mut document in folder.documents("out.ndjson") {
        let id = text_at(&document, "event.id");
        if is_session(&document) {
            document["event"].as_object_mut().unwrap().remove("ingested");
            traces.sessions.insert(document.to_string());
        } else if !is_finding(&document) {
            traces.events.insert(id);
        } else if let Some(fact) = lasting(&document) {
            traces.findings.insert(fact);
        } else {
            traces.revisions.insert(id);
        }
    }
    traces
}

/// What a finding's document says that every run over the same records must say; nothing of a document between the first
/// and the last.
fn lasting(document: &Value) -> Option<String> {
    let id = text_at(document, "floodmark.finding.id");
    match &*text_at(document, "floodmark.finding.revision") {
        // Against what it was measured and by how much it rose, too: a record that was not learned would show.
        "closed" => Some(format!("{id} closed at {}", at(document, "floodmark.score"))),
        // What it stood at then is as far as its partitions had come.
        "created" => Some(format!("{id} created")),
        _ => None,
    }
}

/// The canonical export of what the state in `folder` holds.
pub fn baselines(folder: &Folder) -> String {
    let store = Store::open_read_only(&folder.path("state"), score::GEOMETRY).unwrap();
    let mut entries = Vec::new();
    store.read_scoring(&mut |key, value| entries.push((key.to_vec(), value.to_vec()))).unwrap();
    // As the pipeline widens it: under another seed the keys are not those of the entries.
    let seed = [store.header().seed, store.header().seed.rotate_left(32)].map(u64::to_le_bytes).concat();
    let seed: [u8; 16] = seed.try_into().unwrap();
    let scorer = Scorer::restore(&score::Config::default(), &Metrics::default(), seed, entries).unwrap();
    let mut text = Vec::new();
    scorer.export(&mut text).unwrap();
    String::from_utf8(text).unwrap()
}

/// How often each event's id stands in the output.
pub fn counts(folder: &Folder) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    let documents = folder.documents("out.ndjson");
    for document in documents.iter().filter(|document| !is_finding(document) && !is_session(document)) {
        *counts.entry(text_at(document, "event.id")).or_default() += 1;
    }
    counts
}

/// Fails where one run has left something else than the other.
#[track_caller]
pub fn assert_same(one: &Traces, other: &Traces) {
    let missing: Vec<_> = other.events.difference(&one.events).collect();
    assert!(missing.is_empty(), "{} of {} events are missing", missing.len(), other.events.len());
    assert_eq!(one.events.len(), other.events.len(), "events that are none");
    let differ: Vec<_> = one.sessions.symmetric_difference(&other.sessions).collect();
    assert!(
        differ.is_empty(),
        "the sessions differ, {} and {}: {differ:?}",
        one.sessions.len(),
        other.sessions.len()
    );
    assert_eq!(one.findings, other.findings, "the findings differ");
    assert_eq!(one.revisions, other.revisions, "the revisions differ");
    let (one, other): (Vec<&str>, Vec<&str>) =
        (one.baselines.lines().collect(), other.baselines.lines().collect());
    let differ = one.iter().zip(&other).find(|(one, other)| one != other);
    assert!(differ.is_none() && one.len() == other.len(), "the baselines differ: {differ:?}");
}
