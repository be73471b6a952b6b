//! What a crash may cost: nothing. The process is killed at its named crash points and at any moment, started again, and
//! then every event is out, every finding is the same, and the baselines are those of a run that nobody disturbed.

use std::collections::{BTreeMap, BTreeSet};

use floodmark::{
    enrich,
    event::{IdScheme, Origin},
    score::{self, Scorer},
    state::Store,
    telemetry::{crash::CrashPoint, metrics::Metrics},
};

use crate::{
    flows,
    process::{Ended, Folder, Running, free_port, is_finding, metrics, text_at},
};

/// What is left of a run.
#[derive(Debug, PartialEq)]
struct Traces {
    events: BTreeSet<String>,
    findings: BTreeSet<String>,
    /// Canonical text of every baseline and pool.
    baselines: String,
}

/// A followed file that grows window by window, and the process that reads it.
struct Stream {
    folder: Folder,
    port: u16,
    windows: u64,
}

const FILE: &str = "in/flows.log";
const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;

// === impl Stream ===

impl Stream {
    /// A stream that has two windows so far; a snapshot is taken every `every`.
    fn new(every: &str) -> Self {
        let folder = Folder::new();
        folder.write(FILE, flows::estate(2));
        let port = free_port();
        folder.write("c.yaml", config("follow: true", every, &format!("telemetry: {{ listen: \"127.0.0.1:{port}\" }}\n")));
        Self { folder, port, windows: 2 }
    }

    fn start(&self, environment: &[(&str, &str)]) -> Running {
        let mut command = self.folder.command(&["run", "-q", "-c", "c.yaml"]);
        self.folder.start(command.envs(environment.iter().copied()))
    }

    fn grow(&mut self) {
        self.folder.append(FILE, flows::window(self.windows));
        self.windows += 1;
    }

    /// Lets the file grow for as long as the process runs.
    fn grow_until_the_end_of(&mut self, mut process: Running) -> Ended {
        crate::process::until("the crash", || {
            self.grow();
            (!process.is_running()).then_some(())
        });
        process.wait()
    }

    /// Writes a last line, far later than all others, and reads on until it is out. Returns how many records this took.
    fn finish(&mut self) -> u64 {
        let origin = origin(&self.folder, FILE);
        let closing = flows::closing(self.windows);
        let id = IdScheme::of(&origin).event(self.folder.len(FILE), 0, closing.trim_end().as_bytes()).to_string();
        self.folder.append(FILE, &closing);
        let mut process = self.start(&[]);
        let mut seen = 0;
        process.until("delivery of the last line", || {
            // The last line stands last, but for a finding that a fold raised with it.
            let len = self.folder.len("out.ndjson");
            let grown = std::mem::replace(&mut seen, len) != len;
            (grown && self.folder.lines("out.ndjson").iter().rev().take(50).any(|line| line.contains(&id))).then_some(())
        });
        let received = process.until("its metrics", || metrics(self.port)).source("records_received_total");
        process.stop().assert_code(0);
        received as u64
    }

    fn traces(&self) -> Traces {
        traces(&self.folder)
    }

    /// What a run that nobody disturbs leaves of the same file.
    fn undisturbed(&self) -> Traces {
        let mut calm = Self::new("1h");
        let whole = std::fs::read(self.folder.path(FILE)).unwrap();
        let body = whole.len() - flows::closing(self.windows).len();
        calm.folder.write(FILE, &whole[..body]);
        calm.windows = self.windows;
        calm.finish();
        calm.traces()
    }
}

fn config(source: &str, every: &str, rest: &str) -> String {
    format!(
        "sources: {{ flows: {{ from: {{ file: {{ paths: [\"in/*.log\"], {source} }} }} }} }}\n\
         sinks: {{ out: {{ to: {{ file: {{ path: out.ndjson }} }} }} }}\n\
         state: {{ directory: state, every: {every} }}\n{rest}"
    )
}

/// The origin of a file, as the first event of it that was quarantined or the state would name it: from its content.
fn origin(folder: &Folder, name: &str) -> Origin {
    // Its first line holds ten digits, so that the fingerprint is of that line alone. What follows from it is asked of
    // the product itself, which tells it when it parses the file.
    let (_, _) = (folder, name);
    let (told, _) = folder.printed(&["parse", name]);
    let text = told.err.lines().find(|line| line.starts_with("file:")).unwrap_or_default();
    Origin::from_text(&text[..text.find(": ").unwrap_or(text.len())])
}

fn traces(folder: &Folder) -> Traces {
    let mut traces = Traces { events: BTreeSet::new(), findings: BTreeSet::new(), baselines: baselines(folder) };
    for document in folder.documents("out.ndjson") {
        let ids = if is_finding(&document) { &mut traces.findings } else { &mut traces.events };
        ids.insert(text_at(&document, "event.id"));
    }
    traces
}

/// The canonical export of what the state in `folder` holds.
fn baselines(folder: &Folder) -> String {
    let store = Store::open_read_only(&folder.path("state"), score::GEOMETRY).unwrap();
    let mut entries = Vec::new();
    store.read_scoring(&mut |key, value| entries.push((key.to_vec(), value.to_vec()))).unwrap();
    // As the pipeline widens it: under another seed the keys are not those of the entries.
    let seed = [store.header().seed, store.header().seed.rotate_left(32)].map(u64::to_le_bytes).concat();
    let seed: [u8; 16] = seed.try_into().unwrap();
    let internal = enrich::Config::default().internal;
    let scorer = Scorer::restore(&score::Config::default(), &internal, &Metrics::default(), seed, entries).unwrap();
    let mut text = Vec::new();
    scorer.export(&mut text).unwrap();
    String::from_utf8(text).unwrap()
}

/// How often each event's id stands in the output.
fn counts(folder: &Folder) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for document in folder.documents("out.ndjson").iter().filter(|document| !is_finding(document)) {
        *counts.entry(text_at(document, "event.id")).or_default() += 1;
    }
    counts
}

#[track_caller]
fn assert_same(one: &Traces, other: &Traces) {
    let missing: Vec<_> = other.events.difference(&one.events).collect();
    assert!(missing.is_empty(), "{} of {} events are missing", missing.len(), other.events.len());
    assert_eq!(one.events.len(), other.events.len(), "events that are none");
    assert_eq!(one.findings, other.findings, "the findings differ");
    let (one, other): (Vec<&str>, Vec<&str>) = (one.baselines.lines().collect(), other.baselines.lines().collect());
    let differ = one.iter().zip(&other).find(|(one, other)| one != other);
    assert!(differ.is_none() && one.len() == other.len(), "the baselines differ: {differ:?}");
}

/// Crashes at `point` for the `count`-th time it is come to, goes on, and compares. Returns how many records were read
/// twice.
fn crash_at(point: CrashPoint, count: u64, every: &str) -> u64 {
    let mut stream = Stream::new(every);
    let place = format!("{}:{count}", point.name());
    let process = stream.start(&[("FLOODMARK_CRASH_AT", &place)]);
    let ended = stream.grow_until_the_end_of(process);
    assert_eq!(ended.signal(), Some(SIGABRT), "not where it should crash: {}", ended.err);

    let origin = origin(&stream.folder, FILE);
    let known = Store::open_read_only(&stream.folder.path("state"), score::GEOMETRY).unwrap();
    let (committed, scored) = (known.committed(&origin).unwrap(), known.scored(&origin).unwrap());
    drop(known);
    let (committed, scored) = (committed.unwrap_or(0), scored.unwrap_or(0));
    let before = counts(&stream.folder);
    let out = stream.folder.lines("out.ndjson").len();
    let received = stream.finish();
    let text = std::fs::read_to_string(stream.folder.path(FILE)).unwrap();
    let again = text[committed.min(scored) as usize..].lines().count() as u64;
    assert_eq!(received, again, "read on from the earlier of {committed} and {scored}");

    // What is out twice had not been committed.
    let offsets = offsets(&origin, &text);
    for document in stream.folder.documents("out.ndjson").iter().skip(out).filter(|document| !is_finding(document)) {
        let offset = offsets[&text_at(document, "event.id")];
        assert!(offset >= committed, "{offset} was committed and came again");
    }
    let traces = stream.traces();
    assert!(!traces.findings.is_empty(), "the stream was too short to tell: {} windows", stream.windows);
    assert_same(&traces, &stream.undisturbed());
    before.len() as u64 + received - text.lines().count() as u64
}

/// Where each event's line stands, by its id.
fn offsets(origin: &Origin, text: &str) -> BTreeMap<String, u64> {
    let scheme = IdScheme::of(origin);
    let mut next = 0;
    let place = |line: &str| {
        let position = next;
        next += line.len() as u64 + 1;
        (scheme.event(position, 0, line.as_bytes()).to_string(), position)
    };
    text.lines().map(place).collect()
}

#[test]
fn a_crash_between_delivery_and_the_first_commit_loses_nothing() {
    assert!(crash_at(CrashPoint::DeliveredNotCommitted, 1, "1s") > 0, "nothing was replayed");
}

#[test]
fn a_crash_between_delivery_and_a_later_commit_loses_nothing() {
    assert!(crash_at(CrashPoint::DeliveredNotCommitted, 3, "1s") > 0, "nothing was replayed");
}

#[test]
fn a_crash_in_the_middle_of_the_first_snapshot_loses_nothing() {
    assert!(crash_at(CrashPoint::SnapshotWrittenNotValid, 1, "3s") > 0, "nothing was replayed");
}

#[test]
fn a_crash_in_the_middle_of_a_snapshot_keeps_the_one_before() {
    assert!(crash_at(CrashPoint::SnapshotWrittenNotValid, 3, "1s") > 0, "nothing was replayed");
}

#[test]
fn a_crash_between_a_commit_and_its_answer_loses_nothing() {
    // How much is replayed depends on how lately a snapshot was taken; the next test has none.
    crash_at(CrashPoint::CommitSentNotAnswered, 3, "2s");
}

#[test]
fn what_was_committed_before_the_first_snapshot_is_learned_after_a_crash() {
    assert!(crash_at(CrashPoint::CommitSentNotAnswered, 3, "1h") > 0, "nothing was replayed");
}
