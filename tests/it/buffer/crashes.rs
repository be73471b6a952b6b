//! Kills with a disk buffer: at its named crash points, and at any moment.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::{
    process::text_at,
    traces::{SIGABRT, SIGKILL},
};
use floodmark::telemetry::crash::CrashPoint;

/// A followed file that grows window by window.
struct Stream {
    folder: Folder,
    port: u16,
    windows: u64,
}

// === impl Stream ===

impl Stream {
    fn new() -> Self {
        let folder = Folder::new();
        folder.write("in.log", flows::estate(2));
        Self { folder, port: free_port(), windows: 2 }
    }

    fn start(&self, to: &str, environment: &[(&str, &str)]) -> Running {
        self.folder.write("c.yaml", config(self.port, to, "256MiB", GOOD));
        let mut command = self.folder.command(&["run", "-q", "-c", "c.yaml"]);
        self.folder.start(command.envs(environment.iter().copied()))
    }

    fn grow(&mut self) {
        self.folder.append("in.log", flows::window(self.windows));
        self.windows += 1;
    }

    /// How often each event is in `name`.
    fn counts(&self, name: &str) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for document in self.folder.documents(name).iter().filter(|document| !is_finding(document)) {
            *counts.entry(text_at(document, "event.id")).or_insert(0) += 1;
        }
        counts
    }

    /// Runs until everything is out, and fails unless the sinks have every line. How many came twice to the buffered one.
    fn finish(&self) -> usize {
        let lines = self.folder.lines("in.log").len();
        let mut process = self.start(UP, &[]);
        let mut seen = 0;
        process.until("delivery of all", || {
            let len = self.folder.len("siem.ndjson") + self.folder.len("good.ndjson");
            // Looked at when it stands still, because reading it all is slow.
            let still = std::mem::replace(&mut seen, len) == len;
            let all = |name| self.counts(name).len() == lines;
            (still && all("siem.ndjson") && all("good.ndjson")).then_some(())
        });
        let page = process.until("an empty buffer", || {
            metrics(self.port).filter(|page| page.sink("siem", "in_flight") == 0)
        });
        assert_balance(&page, "siem");
        assert!(status(&process, "VmRSS") < 256 << 20, "{}", status(&process, "VmRSS"));
        process.stop().assert_code(0);
        self.counts("siem.ndjson").values().filter(|count| **count > 1).count()
    }
}

/// Crashes at `point` for the `count`-th time it is come to, and goes on. How many events came twice.
fn crash_at(point: CrashPoint, count: u64) -> usize {
    let mut stream = Stream::new();
    let place = format!("{}:{count}", point.name());
    let mut process = stream.start(UP, &[("FLOODMARK_CRASH_AT", &place)]);
    crate::process::until("the crash", || {
        stream.grow();
        (!process.is_running()).then_some(())
    });
    let ended = process.wait();
    assert_eq!(ended.signal(), Some(SIGABRT), "not where it should crash: {}", ended.err);
    stream.finish()
}

#[test]
fn a_crash_between_the_disk_and_the_first_confirmation_loses_nothing() {
    // It is in the buffer and not committed, so it is read again too.
    assert!(crash_at(CrashPoint::BufferedNotConfirmed, 1) > 0, "nothing was replayed");
}

#[test]
fn a_crash_between_the_disk_and_a_later_confirmation_loses_nothing() {
    assert!(crash_at(CrashPoint::BufferedNotConfirmed, 6) > 0, "nothing was replayed");
}

#[test]
fn a_crash_between_delivery_and_the_first_mark_delivers_again_and_loses_nothing() {
    assert!(crash_at(CrashPoint::DeliveredNotMarked, 1) > 0, "nothing was delivered again");
}

#[test]
fn a_crash_between_delivery_and_a_later_mark_delivers_again_and_loses_nothing() {
    assert!(crash_at(CrashPoint::DeliveredNotMarked, 6) > 0, "nothing was delivered again");
}

#[test]
fn a_process_killed_again_and_again_loses_nothing_whether_its_sink_is_there_or_not() {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut stream = Stream::new();
    for round in 0..5 {
        let mut process = stream.start(if round % 2 == 0 { DOWN } else { UP }, &[]);
        let moment = stream.folder.len("good.ndjson") + random.random_range(1..600_000);
        process.until("progress", || {
            stream.grow();
            (stream.folder.len("good.ndjson") >= moment).then_some(())
        });
        assert_eq!(process.kill().signal(), Some(SIGKILL));
    }
    assert!(
        stream.folder.len("siem.ndjson") < stream.folder.len("good.ndjson"),
        "nothing waited for the sink"
    );
    stream.finish();
}
