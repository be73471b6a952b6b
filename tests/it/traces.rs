//! What a run leaves behind: its events, its findings and what it has learned, to be compared with those of another run.

use std::collections::{BTreeMap, BTreeSet};

use floodmark::{
    enrich,
    score::{self, Scorer},
    state::Store,
    telemetry::metrics::Metrics,
};

use crate::process::{Folder, is_finding, text_at};

/// The signal by which a process ends that crashes by itself.
pub const SIGABRT: i32 = 6;
/// The signal that no process can refuse.
pub const SIGKILL: i32 = 9;

/// What is left of a run.
#[derive(Debug, PartialEq)]
pub struct Traces {
    pub events: BTreeSet<String>,
    pub findings: BTreeSet<String>,
    /// Canonical text of every baseline and pool.
    pub baselines: String,
}

/// What the runs in `folder` have left.
pub fn traces(folder: &Folder) -> Traces {
    let mut traces =
        Traces { events: BTreeSet::new(), findings: BTreeSet::new(), baselines: baselines(folder) };
    for document in folder.documents("out.ndjson") {
        let ids = if is_finding(&document) { &mut traces.findings } else { &mut traces.events };
        ids.insert(text_at(&document, "event.id"));
    }
    traces
}

/// The canonical export of what the state in `folder` holds.
pub fn baselines(folder: &Folder) -> String {
    let store = Store::open_read_only(&folder.path("state"), score::GEOMETRY).unwrap();
    let mut entries = Vec::new();
    store.read_scoring(&mut |key, value| entries.push((key.to_vec(), value.to_vec()))).unwrap();
    // As the pipeline widens it: under another seed the keys are not those of the entries.
    let seed = [store.header().seed, store.header().seed.rotate_left(32)].map(u64::to_le_bytes).concat();
    let seed: [u8; 16] = seed.try_into().unwrap();
    let internal = enrich::Config::default().internal;
    let scorer =
        Scorer::restore(&score::Config::default(), &internal, &Metrics::default(), seed, entries).unwrap();
    let mut text = Vec::new();
    scorer.export(&mut text).unwrap();
    String::from_utf8(text).unwrap()
}

/// How often each event's id stands in the output.
pub fn counts(folder: &Folder) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for document in folder.documents("out.ndjson").iter().filter(|document| !is_finding(document)) {
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
    assert_eq!(one.findings, other.findings, "the findings differ");
    let (one, other): (Vec<&str>, Vec<&str>) =
        (one.baselines.lines().collect(), other.baselines.lines().collect());
    let differ = one.iter().zip(&other).find(|(one, other)| one != other);
    assert!(differ.is_none() && one.len() == other.len(), "the baselines differ: {differ:?}");
}
