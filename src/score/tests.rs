//! What scoring guarantees, shown on streams of flows; the streams and the runs are made here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod absent;
mod aggregated;
mod agreement;
mod archived;
mod attributed;
mod found;
mod learned;
mod outside;
mod parts;
mod passed;
mod poison;
mod remembered;
mod repeated;
mod roles;
mod snapshots;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::{
    event::{
        Asset, AutonomousSystem, Chunk, Endpoint, Entry, Event, EventId, Finding, IdScheme, Layout, Place,
        Record, Revision, Score, SourceId, Span, Value,
    },
    quantity::Duration,
};

/// Start of a window, and of a day, some time in 2024.
const START: u64 = 1_718_582_400;
const SEED: [u8; 16] = [7; 16];

/// One flow of the streams below.
#[derive(Debug, Clone)]
struct Flow {
    interface: String,
    source: Ipv4Addr,
    destination: Ipv4Addr,
    ports: (u16, u16),
    bytes: u64,
    end: u64,
    accepted: bool,
    direction: &'static str,
    instance: &'static str,
    tag: &'static str,
    /// Seconds from its start to its end.
    lasted: u64,
}

/// One step of a run.
#[derive(Debug, Clone)]
enum Step {
    Assigned(&'static str),
    /// The flows of a partition from one position up to another.
    Flows(&'static str, usize, usize),
    Ended(&'static str),
    Finish,
}

/// What came of a run: by partition and position, in order of steps, and at the end.
#[derive(Debug, PartialEq)]
struct Outcome {
    verdicts: BTreeMap<(String, usize), Option<Said>>,
    findings: Vec<Finding>,
    export: String,
}

/// A verdict, with the name of the entity in place of its number.
#[derive(Debug, PartialEq)]
struct Said {
    name: String,
    score: Option<Score>,
    window_start: u64,
    late: bool,
    raised: bool,
}

type Streams = BTreeMap<&'static str, Vec<Flow>>;

// === impl Flow ===

impl Flow {
    /// `bytes` from a host's own interface to a stranger, at `end`.
    fn sent(host: u8, bytes: u64, end: u64) -> Self {
        Self {
            interface: format!("eni-{host}"),
            source: Ipv4Addr::new(10, 0, 0, host),
            destination: Ipv4Addr::new(203, 0, 113, 9),
            ports: (51_000, 443),
            bytes,
            end,
            accepted: true,
            direction: "",
            instance: "",
            tag: "",
            lasted: 50,
        }
    }

    /// The same to `port`.
    fn at_port(self, port: u16) -> Self {
        Self { ports: (51_000, port), ..self }
    }
}

/// As enrichment leaves them: the second is inside, and of the others two are somewhere.
fn endpoints() -> Vec<Endpoint> {
    let somewhere = |country: &str, number| Endpoint {
        place: Some(Arc::new(Place { country_code: Some(country.into()), ..Place::default() })),
        network: Some(Arc::new(AutonomousSystem { number, ..AutonomousSystem::default() })),
        ..Endpoint::default()
    };
    vec![
        Endpoint::default(),
        Endpoint { internal: true, ..Endpoint::default() },
        somewhere("CH", 64_500),
        somewhere("DE", 64_501),
    ]
}

/// Which of them that of `address` is.
fn place(address: Ipv4Addr) -> u32 {
    match address.octets() {
        [10, ..] => 1,
        [203, .., last] => 2 + u32::from(last) % 2,
        _ => 0,
    }
}

/// A batch of `flows`, which stand at `start` and after in `partition`; those before `learn_from` are known.
fn batch_of(partition: &str, start: usize, flows: &[Flow], learn_from: u64) -> Batch {
    static SERIAL: AtomicUsize = AtomicUsize::new(1);
    let names = [
        "account-id",
        "interface-id",
        "srcaddr",
        "dstaddr",
        "srcport",
        "dstport",
        "protocol",
        "packets",
        "bytes",
        "start",
        "end",
        "action",
        "instance-id",
        "flow-direction",
        "instance-tag",
    ];
    let layout = Layout::of_names(names).unwrap();
    let origin = Origin::from_text(partition);
    let mut chunk = Chunk::new(SourceId(0), Partition::new(partition), origin.clone(), Vec::new());
    chunk.learn_from = learn_from;
    let mut rows = Vec::new();
    for (index, flow) in flows.iter().enumerate() {
        let mut text = |text: &str| {
            let at = chunk.bytes.len();
            chunk.bytes.extend_from_slice(text.as_bytes());
            Span::new(at, chunk.bytes.len())
        };
        let optional = |span: Span| if span.is_empty() { Value::Absent } else { Value::Text(span) };
        rows.push([
            Value::Text(text("123456789012")),
            Value::Text(text(&flow.interface)),
            Value::V4(flow.source, text(&flow.source.to_string())),
            Value::V4(flow.destination, text(&flow.destination.to_string())),
            Value::Uint(flow.ports.0.into()),
            Value::Uint(flow.ports.1.into()),
            Value::Uint(6),
            Value::Uint(flow.bytes.div_ceil(1_000)),
            Value::Uint(flow.bytes),
            Value::Uint(flow.end.saturating_sub(flow.lasted)),
            Value::Uint(flow.end),
            Value::Text(text(if flow.accepted { "ACCEPT" } else { "REJECT" })),
            optional(text(flow.instance)),
            optional(text(flow.direction)),
            optional(text(flow.tag)),
        ]);
        let end = chunk.bytes.len() as u32;
        chunk.records.push(Record { position: (start + index) as u64, end, first_index: 0 });
    }
    chunk.next = (start + flows.len()) as u64;
    let mut batch = Batch::default();
    let scheme = IdScheme::of(&origin);
    batch.fill(chunk, SERIAL.fetch_add(1, Ordering::Relaxed) as u64);
    for (index, row) in rows.into_iter().enumerate() {
        let entry = Entry { span: Span::default(), record: index as u32, index: 0 };
        let chunk = batch.chunk.as_ref().unwrap();
        let event = Event::parsed(chunk, &scheme, entry, &layout, batch.values.len(), 0);
        let flow = &flows[index];
        let event = Event { source: place(flow.source), destination: place(flow.destination), ..event };
        batch.events.push(event);
        batch.values.extend(row);
    }
    batch.endpoints = endpoints();
    batch
}

/// The defaults, but that unusual windows are held out after an hour, so that a short stream shows it.
fn config() -> Config {
    Config { learn_all: Duration::seconds(3_600), activity: true, ..Config::default() }
}

fn scorer_with(config: &Config) -> Scorer {
    Scorer::new(config, &Metrics::default(), SEED)
}

/// What the metric called `name` stands at.
fn metric(metrics: &Metrics, name: &str) -> u64 {
    let page = metrics.page();
    let line =
        page.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])));
    line.and_then(|line| line.rsplit_once(' ')).expect("the metric is on the page").1.parse().unwrap()
}

fn exported(scorer: &Scorer) -> String {
    let mut out = Vec::new();
    scorer.export(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// All that `scorer` would capture at `ticket`, as rows.
fn rows(scorer: &Scorer, ticket: u64) -> review::Export {
    let entries = scorer.capture(ticket).entries.into_iter().filter_map(|(key, value)| Some((key, value?)));
    rows_of(&entries.collect())
}

/// What `entries` of a state hold, as rows.
fn rows_of(entries: &BTreeMap<Vec<u8>, Vec<u8>>) -> review::Export {
    let mut index = review::Index::default();
    entries.iter().for_each(|(key, value)| index.add(key, value).unwrap());
    index.rows(|key| Ok(entries[key].clone())).unwrap()
}

/// Takes the steps numbered `from` and after with as many threads; flows before `learn_from` of their partition are
/// known. Returns everything but the export.
fn take(
    scorer: &Scorer,
    streams: &Streams,
    steps: &[Step],
    threads: usize,
    from: u64,
    learn_from: &BTreeMap<String, u64>,
) -> Outcome {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let nth = next.fetch_add(1, Ordering::Relaxed);
                    let Some(step) = steps.get(nth) else { return };
                    let ticket = from + nth as u64;
                    let mut batch = Batch::default();
                    match step {
                        Step::Assigned(name) => scorer.assigned(ticket, &[Partition::new(name)]),
                        Step::Ended(name) => scorer.ended(ticket, &[Partition::new(name)], &mut batch),
                        Step::Finish => scorer.finish(ticket, &mut batch),
                        Step::Flows(name, start, end) => {
                            let known = learn_from.get(*name).copied().unwrap_or(0);
                            batch = batch_of(name, *start, &streams[name][*start..*end], known);
                            scorer.score(ticket, &mut batch);
                        }
                    }
                    done.lock().unwrap().insert(nth, batch);
                }
            });
        }
    });
    let mut outcome = Outcome { verdicts: BTreeMap::new(), findings: Vec::new(), export: String::new() };
    for batch in done.into_inner().unwrap().into_values() {
        for (event, verdict) in batch.events.iter().zip(&batch.verdicts) {
            let chunk = batch.chunk.as_ref().unwrap();
            let position = chunk.records[event.entry.record as usize].position as usize;
            let verdict = verdict.map(|verdict| {
                let name = &batch.entities[verdict.entity as usize];
                Said {
                    name: format!("{} {}", name.kind.name(), name.name()),
                    score: verdict.score,
                    window_start: verdict.window_start,
                    late: verdict.late,
                    raised: verdict.raised,
                }
            });
            outcome.verdicts.insert((chunk.partition.as_str().to_owned(), position), verdict);
        }
        outcome.findings.extend(batch.findings);
    }
    // The same name has another serial in every scorer.
    for finding in &mut outcome.findings {
        let mut nameless = (*finding.entity).clone();
        nameless.serial = 0;
        finding.entity = Arc::new(nameless);
    }
    outcome
}

/// Which findings there are, and what they come to. What stands between a finding's first document and its last says how its
/// value rose, which depends on how partitions interleave.
fn came_to(findings: &[Finding]) -> BTreeSet<(EventId, EventId, String)> {
    let whole = findings.iter().filter(|finding| !matches!(finding.revision, Revision::Grown(_)));
    let came_to = |finding: &Finding| match finding.revision {
        Revision::Closed => {
            format!("{:?} {} {:?}", finding.evidence, finding.incident, finding.activity)
        }
        _ => String::new(),
    };
    whole.map(|finding| (finding.id, finding.document, came_to(finding))).collect()
}

/// A run of its own over `streams`.
fn run(streams: &Streams, steps: &[Step], threads: usize, seed: [u8; 16]) -> Outcome {
    let scorer = Scorer::new(&config(), &Metrics::default(), seed);
    let mut outcome = take(&scorer, streams, steps, threads, 0, &BTreeMap::new());
    outcome.export = exported(&scorer);
    outcome
}

/// Half a day of `hosts` hosts, some flows out of order and some too late, and after three hours one in a
/// hundred too large.
fn stream(seed: u64, hosts: std::ops::Range<u8>, flows: usize) -> Vec<Flow> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut stream = Vec::new();
    for nth in 0..flows {
        let host = random.random_range(hosts.clone());
        let time = START + (nth * 43_200 / flows) as u64;
        let late = match random.random_range(0..20) {
            0 => random.random_range(0..2_400),
            _ => random.random_range(0..300),
        };
        let bytes = match random.random_range(0..100) {
            0 if nth > flows / 4 => random.random_range(20_000_000..3_000_000_000),
            _ => random.random_range(1_000..200_000),
        };
        let mut flow = Flow::sent(host, bytes, time - late);
        match random.random_range(0..10) {
            0 => flow.accepted = false,
            1 => std::mem::swap(&mut flow.source, &mut flow.destination),
            2 => flow.ports.1 = random.random_range(1..2_000),
            _ => (),
        }
        stream.push(flow);
    }
    stream
}

/// Steps over all flows of one partition, in batches of `size`.
fn whole(streams: &Streams, name: &'static str, size: usize) -> Vec<Step> {
    let flows = streams[name].len();
    let mut steps = vec![Step::Assigned(name)];
    steps.extend((0..flows).step_by(size).map(|start| Step::Flows(name, start, (start + size).min(flows))));
    steps.push(Step::Finish);
    steps
}

/// Steps over two partitions, which take turns by chance.
fn mixed(streams: &Streams, seed: u64) -> Vec<Step> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut steps = vec![Step::Assigned("a"), Step::Assigned("b")];
    let mut at = [("a", 0), ("b", 0)];
    while at.iter().any(|(name, start)| *start < streams[name].len()) {
        // Sometimes one runs far ahead of the other.
        let which = random.random_range(0..2);
        for _ in 0..random.random_range(1..6) {
            let (name, start) = &mut at[which];
            let end = (*start + random.random_range(1..200)).min(streams[name].len());
            if *start < end {
                steps.push(Step::Flows(name, *start, end));
                *start = end;
            }
        }
    }
    steps.extend([Step::Ended("a"), Step::Ended("b"), Step::Finish]);
    steps
}

/// Two partitions that share no host.
fn two_streams(seed: u64, flows: usize) -> Streams {
    Streams::from([("a", stream(seed, 1..6, flows)), ("b", stream(seed + 1, 6..12, flows))])
}
