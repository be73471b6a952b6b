//! A topic that grows while a test goes on: Kafka's own client, which writes each line that it is given at once.

use std::{
    io::{Read, Write},
    process::{Child, ChildStdin, Stdio},
};

use super::cluster::{Cluster, number};
use crate::flows;

/// A client that writes to one topic.
pub struct Writer {
    child: Child,
    lines: ChildStdin,
    written: u64,
}

/// Hosts of [`lines`]. They divide by the numbers of partitions that tests use: where line I goes to partition I, a
/// host's lines all go to one.
const HOSTS: u64 = 240;

/// The lines `first` and following of hosts that take turns, each with its end; no two are alike.
pub fn lines(first: u64, count: u64) -> String {
    let line = |number: u64| {
        flows::line(number % HOSTS, "198.51.100.7", 20_000 + number % 977, flows::START + number / HOSTS * 60)
            + "\n"
    };
    (first..first + count).map(line).collect()
}

// === impl Writer ===

impl Writer {
    /// Writes to `topic`; the options are those of the command `produce`.
    pub fn new(cluster: &Cluster, topic: &str, options: &[&str]) -> Self {
        let mut command = cluster.script("client");
        command.args(["produce", topic, "/dev/stdin"]).args(options);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = child.stdin.take().unwrap();
        Self { child, lines, written: 0 }
    }

    /// Writes lines, each with its end.
    pub fn write(&mut self, lines: &str) {
        self.lines.write_all(lines.as_bytes()).unwrap();
        self.written += lines.lines().count() as u64;
    }

    /// Writes the next `count` of [`lines`].
    pub fn grow(&mut self, count: u64) {
        self.write(&lines(self.written, count));
    }

    /// How many lines were written so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Returns when the broker has acknowledged every line.
    pub fn finish(mut self) {
        drop(self.lines);
        let mut told = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut told).unwrap();
        assert!(self.child.wait().unwrap().success(), "the client could not write all");
        assert_eq!(number::<u64>(told.trim_end()), self.written);
    }
}
