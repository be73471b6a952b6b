//! What a crash may cost: nothing. The process is killed at its named crash points and at any moment, started again, and
//! then every event is out, every finding is the same, and the baselines are those of a run that nobody disturbed.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
    process::Stdio,
    time::Duration,
};

use floodmark::{
    event::{IdScheme, Origin},
    score,
    state::Store,
    telemetry::crash::CrashPoint,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use crate::{
    flows,
    process::{Ended, Folder, Running, free_port, is_finding, is_session, metrics, text_at},
    traces::{SIGABRT, SIGKILL, Traces, assert_same, counts, traces},
};

/// A followed file that grows window by window, and the process that reads it.
pub struct Stream {
    pub folder: Folder,
    port: u16,
    windows: u64,
}

const FILE: &str = "in/flows.log";

// === impl Stream ===

impl Stream {
    /// A stream that has two windows so far; a snapshot is taken every `every`.
    pub fn new(every: &str) -> Self {
        let folder = Folder::new();
        folder.write(FILE, flows::estate(2));
        let port = free_port();
        folder.write(
            "c.yaml",
            config("follow: true", every, &format!("telemetry: {{ listen: \"127.0.0.1:{port}\" }}\n")),
        );
        Self { folder, port, windows: 2 }
    }

    pub fn start(&self, environment: &[(&str, &str)]) -> Running {
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

    /// Starts once more, and stops when the whole file is delivered. Returns how many records this took.
    fn finish(&mut self) -> u64 {
        let mut process = self.start(&[]);
        self.grow_whole(&mut process);
        let received = process.until("its metrics", || metrics(self.port)).source("records_received_total");
        process.stop().assert_code(0);
        received as u64
    }

    /// Lets the file grow past the second gigabyte, writes a last line, far later than all others, and waits until `process`
    /// has delivered it.
    pub fn grow_whole(&mut self, process: &mut Running) {
        while self.windows < 130 {
            self.grow();
        }
        let origin = origin(&self.folder, FILE);
        let closing = flows::closing(self.windows);
        let id =
            IdScheme::of(&origin).event(self.folder.len(FILE), 0, closing.trim_end().as_bytes()).to_string();
        self.folder.append(FILE, &closing);
        let mut seen = 0;
        process.until("delivery of the last line", || {
            // The last line stands last, but for sessions that it ended and findings that it raised.
            let len = self.folder.len("out.ndjson");
            let grown = std::mem::replace(&mut seen, len) != len;
            (grown && self.folder.lines("out.ndjson").iter().rev().take(500).any(|line| line.contains(&id)))
                .then_some(())
        });
    }

    pub fn traces(&self) -> Traces {
        traces(&self.folder)
    }

    /// What a run that nobody disturbs leaves of the same file.
    pub fn undisturbed(&self) -> Traces {
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
         sinks: {{ out: {{ to: {{ file: {{ path: out.ndjson }} }}, select: events_and_sessions }} }}\n\
         score: {{ learn_all: 0s }}\n\
         state: {{ directory: state, every: {every} }}\n{rest}"
    )
}

/// The origin of a file, which `parse` tells with the format that it found.
fn origin(folder: &Folder, name: &str) -> Origin {
    let (told, _) = folder.printed(&["parse", name]);
    let text = told.err.lines().find(|line| line.starts_with("file:")).unwrap_or_default();
    Origin::from_text(&text[..text.find(": ").unwrap_or(text.len())])
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
    let documents = stream.folder.documents("out.ndjson");
    let is_event = |document: &&Value| !is_finding(document) && !is_session(document);
    for document in documents.iter().skip(out).filter(is_event) {
        let offset = offsets[&text_at(document, "event.id")];
        assert!(offset >= committed, "{offset} was committed and came again");
    }
    let traces = stream.traces();
    let is_telling = !traces.findings.is_empty() && traces.sessions.len() > 20;
    assert!(is_telling, "the stream was too short to tell: {} windows", stream.windows);
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

#[test]
fn what_a_snapshot_holds_is_not_learned_twice_when_nothing_was_committed_yet() {
    // The second snapshot comes before the first commit, which takes a second.
    assert!(crash_at(CrashPoint::SnapshotWrittenNotValid, 2, "200ms") > 0, "nothing was replayed");
}

#[test]
fn a_process_killed_again_and_again_while_its_input_grows_loses_nothing() {
    for seed in [1, 2] {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut stream = Stream::new("500ms");
        for _ in 0..5 {
            let mut process = stream.start(&[]);
            // At a moment that depends on what it has delivered, in the middle of whatever it does then.
            let moment = stream.folder.len("out.ndjson") + random.random_range(1..400_000);
            process.until("progress", || {
                stream.grow();
                (stream.folder.len("out.ndjson") >= moment).then_some(())
            });
            assert_eq!(process.kill().signal(), Some(SIGKILL));
        }
        let before: u64 = counts(&stream.folder).len() as u64;
        let received = stream.finish();
        let lines = stream.folder.lines(FILE).len() as u64;
        let twice = counts(&stream.folder).values().filter(|count| **count > 1).count();
        assert!(twice > 0 || before + received > lines, "nothing was replayed");
        assert_same(&stream.traces(), &stream.undisturbed());
    }
}

/// Files that are read once, into a sink that a test can hold up; while it is, a snapshot follows the other as soon as
/// that one is delivered, however fast the machine is.
fn read_once() -> Folder {
    let folder = Folder::new();
    for (name, first) in [("in/1.log", 0), ("in/2.log", 300), ("in/3.log", 600)] {
        let text: String = (first..first + 300).map(flows::window).collect();
        folder.write(name, format!("{}\n{text}", flows::HEADER));
    }
    let more = "\nlimits: { threads: 1 }\n";
    let held =
        config("follow: false", "10ms", more).replace("sinks: {", "sinks: { held: { to: { stdout: {} } },");
    folder.write("held.yaml", held);
    folder.write("c.yaml", config("follow: false", "200ms", more));
    folder
}

/// Starts on the files, takes `megabytes` of documents off its hands, a little at a time, and gives the process back. It
/// cannot have come to its end by then: more than what fits its queue is still to be taken.
fn held_up(folder: &Folder, environment: &[(&str, &str)], megabytes: u32, pause: Duration) -> Running {
    let mut command = folder.command(&["run", "-q", "-c", "held.yaml"]);
    let mut process = folder.start(command.envs(environment.iter().copied()).stdout(Stdio::piped()));
    let mut out = process.stdout();
    let mut taken = vec![0; 1 << 20];
    for _ in 0..megabytes {
        if out.read_exact(&mut taken).is_err() {
            break;
        }
        std::thread::sleep(pause);
    }
    // Kept open, so that a closed pipe is not what ends the process.
    std::mem::forget(out);
    process
}

/// What a run over the files leaves that nobody disturbs.
fn undisturbed_once(folder: &Folder) -> Traces {
    let calm = read_once();
    calm.run(&["run", "-q", "-c", "c.yaml"]).assert_code(0);
    let lines =
        ["in/1.log", "in/2.log", "in/3.log"].map(|name| folder.lines(name).len() - 1).iter().sum::<usize>();
    let traces = traces(&calm);
    assert_eq!(traces.events.len(), lines);
    assert!(!traces.findings.is_empty());
    traces
}

#[test]
fn read_once_files_killed_midway_and_read_again_are_learned_once() {
    let folder = read_once();
    let calm = undisturbed_once(&folder);
    for megabytes in [2, 5] {
        let folder = read_once();
        let ended = held_up(&folder, &[], megabytes, Duration::from_millis(100)).kill();
        assert_eq!(ended.signal(), Some(SIGKILL), "{}", ended.err);
        let before = counts(&folder).len();
        assert!((1..calm.events.len()).contains(&before), "not killed midway: {before} events were out");
        folder.run(&["run", "-q", "-c", "c.yaml"]).assert_code(0);
        assert!(counts(&folder).values().any(|count| *count > 1), "nothing was replayed");
        assert_same(&traces(&folder), &calm);
        // Once more: everything is delivered again, and nothing is learned again.
        folder.run(&["run", "-q", "-c", "c.yaml"]).assert_code(0);
        assert_same(&traces(&folder), &calm);
    }
}

#[test]
fn read_once_files_go_on_from_a_snapshot_taken_before_a_crash() {
    let folder = read_once();
    let calm = undisturbed_once(&folder);
    // The first snapshot may come before anything is scored, and a machine may be through with all before it has taken
    // two: the next try takes them later, and is held up for longer.
    let folder = (1..8)
        .map(|try_number| {
            let folder = read_once();
            let sooner = std::fs::read_to_string(folder.path("held.yaml")).unwrap();
            folder.write("held.yaml", sooner.replace("10ms", &format!("{}ms", 10 * try_number)));
            let point = [("FLOODMARK_CRASH_AT", "snapshot_written_not_valid:2")];
            let mut process = held_up(&folder, &point, 100, Duration::from_millis(60 * try_number));
            crate::process::until("the end", || (!process.is_running()).then_some(()));
            (folder, process.wait())
        })
        .filter(|(_, ended)| ended.signal() == Some(SIGABRT))
        .map(|(folder, _)| folder)
        .find(|folder| {
            let store = Store::open_read_only(&folder.path("state"), score::GEOMETRY).unwrap();
            store.scored(&origin(folder, "in/1.log")).unwrap().is_some()
        })
        .expect("a crash with a snapshot before it that holds something of the first file");
    folder.run(&["run", "-q", "-c", "c.yaml"]).assert_code(0);
    assert_same(&traces(&folder), &calm);
}

#[test]
fn a_chunk_at_which_the_process_crashed_three_times_is_quarantined_and_the_rest_delivered() {
    let mut stream = Stream::new("1s");
    while stream.windows < 600 {
        stream.grow();
    }
    // In a line of its own that nothing is wrong with, in the middle of the file.
    let text = std::fs::read_to_string(stream.folder.path(FILE)).unwrap();
    let middle = text.len() / 2 + text[text.len() / 2..].find('\n').unwrap() + 1;
    let poison = flows::line(3, "198.51.100.13", 66_613, flows::START + 300 * flows::WINDOW) + "\n";
    stream.folder.write(FILE, [&text[..middle], &poison, &text[middle..]].concat());
    let poisoned = [("FLOODMARK_POISON", "198.51.100.13")];
    for run in 1..=3 {
        let ended = stream.start(&poisoned).wait();
        assert_eq!(ended.code(), Some(70), "run {run}: {}", ended.err);
    }
    let mut process = stream.start(&poisoned);
    let lines = stream.folder.lines(FILE).len();
    let quarantined = process.until("delivery of the rest", || {
        let quarantined = stream.folder.documents("quarantine.ndjson");
        (counts(&stream.folder).len() + quarantined.len() == lines).then_some(quarantined)
    });
    process.stop().assert_code(0);
    let reasons: BTreeSet<String> = quarantined.iter().map(|line| text_at(line, "reason")).collect();
    assert_eq!(reasons, BTreeSet::from(["crashed".to_owned()]));
    assert!(quarantined.len() < lines / 2, "only the chunk: {} of {lines}", quarantined.len());
    let ids: BTreeSet<String> = quarantined.iter().map(|line| text_at(line, "event_id")).collect();
    let offsets =
        offsets(&origin(&stream.folder, FILE), &std::fs::read_to_string(stream.folder.path(FILE)).unwrap());
    let poison_id = offsets.iter().find(|(_, offset)| **offset == middle as u64).unwrap().0;
    assert!(ids.contains(poison_id));
    assert!(counts(&stream.folder).keys().all(|id| !ids.contains(id)), "delivered and quarantined");
}
