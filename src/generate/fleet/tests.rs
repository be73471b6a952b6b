//! What a fleet guarantees: the same bytes for the same options, who is there when, and who logs what.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod campaign;
mod estate;
mod lines;
mod scripted;
mod vantage;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::super::options::{DAY, LineFormat, Options};
use super::*;

/// What the tests read of a line.
const FIELDS: &str = "interface-id srcaddr dstaddr srcport dstport packets bytes start end action log-status vpc-id \
                      pkt-srcaddr pkt-dstaddr flow-direction traffic-path ecs-service-name instance-tag";

/// A small fleet over two days, so that it is made in a moment.
fn small() -> Options {
    Options {
        hosts: 60,
        externals: 2_000,
        span: 2 * DAY,
        header: false,
        format: LineFormat::Custom(FIELDS.to_owned()),
        fleet: FleetOptions { services: 40, lines_per_day: 30_000, ..FleetOptions::default() },
        ..Options::fleet()
    }
}

/// What a run leaves.
#[derive(Default)]
struct Made {
    text: String,
    labels: Vec<Value>,
    truth: Vec<Value>,
}

impl Made {
    fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.about("")
    }

    /// The lines that hold `text`.
    fn about(&self, text: &'static str) -> impl Iterator<Item = Line<'_>> {
        let about = self.text.lines().filter(move |line| line.contains(text));
        about.map(|line| Line(line.split(' ').collect()))
    }
}

/// One line of [`FIELDS`].
struct Line<'a>(Vec<&'a str>);

impl<'a> Line<'a> {
    fn of(&self, name: &str) -> &'a str {
        self.0[FIELDS.split_whitespace().position(|known| known == name).unwrap()]
    }

    fn number(&self, name: &str) -> u64 {
        self.of(name).parse().unwrap()
    }

    fn seen(&self) -> bool {
        self.of("log-status") == "OK"
    }
}

fn objects(bytes: &[u8]) -> Vec<Value> {
    std::str::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Everything that `options` make.
fn made(options: &Options) -> Made {
    let (mut text, mut labels, mut truth) = (Vec::new(), Vec::new(), Vec::new());
    let outputs = FleetOutputs {
        flows: FlowsTo::Stream(&mut text),
        labels: Some(&mut labels),
        truth: Some(&mut truth),
        assets: None,
    };
    write_fleet(options, outputs).unwrap();
    Made { text: String::from_utf8(text).unwrap(), labels: objects(&labels), truth: objects(&truth) }
}

/// The assets of a run whose lines nobody wants.
fn assets(options: &Options, directory: &Path) {
    let outputs = FleetOutputs {
        flows: FlowsTo::Stream(&mut std::io::sink()),
        labels: None,
        truth: None,
        assets: Some(directory),
    };
    write_fleet(options, outputs).unwrap();
}

/// Sums of a column by a key.
fn sums<K: Ord>(lines: impl Iterator<Item = (K, u64)>) -> BTreeMap<K, u64> {
    let mut sums = BTreeMap::new();
    for (key, value) in lines {
        *sums.entry(key).or_default() += value;
    }
    sums
}
