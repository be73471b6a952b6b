//! The allocation budget of the hot path, once every table has grown: none per event; at most eight per batch to resolve a
//! received chunk, or an envelope of CloudWatch Logs, and as many from there to its documents; and at most eight when an
//! entity begins a window, for the sets that count its peers. Exact on any machine, so it decides where a timing could not.
//! And the bytes that stay allocated, beside what the memory plan says.
//!
//! This is the one place where unsafe code is allowed: a counting allocator has to be an allocator.

#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use floodmark::{
    codec::{Lines, Positions},
    enrich::{self, Enricher, Stage},
    event::{Batch, Chunk, Documents, Origin, Partition, Receipt, SourceId},
    generate::{self, LineFormat, Options},
    normalize::{Fields, Form, Normalizer, Sampling, SchemaName, Select, Selection},
    parse::{self, Input, Parser, Resolver},
    score::{self, Scorer},
    telemetry::{books::SourceBooks, metrics::Metrics},
};

struct Counting;

static COUNTING: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
/// Bytes that are allocated now.
static LIVE: AtomicU64 = AtomicU64::new(0);

/// What the second half of a case's lines took; the first half warms everything up.
#[derive(Default)]
struct Taken {
    chunks: u64,
    batches: u64,
    events: u64,
    /// Allocations from a received chunk to a resolved one.
    resolving: u64,
    /// Allocations from there to the documents.
    writing: u64,
}

// SAFETY: every call goes to the system's allocator as it came; counting touches only atomics.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        LIVE.fetch_add(layout.size() as u64, Ordering::Relaxed);
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as u64, Ordering::Relaxed);
        // SAFETY: the caller's promise about `pointer` and `layout` is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count();
        LIVE.fetch_add(new_size as u64, Ordering::Relaxed);
        LIVE.fetch_sub(layout.size() as u64, Ordering::Relaxed);
        // SAFETY: the caller's promise about `pointer`, `layout` and `new_size` is passed on.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count() {
    if COUNTING.load(Ordering::Relaxed) {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
    }
}

/// How many allocations `work` makes.
fn counted(work: impl FnOnce()) -> u64 {
    ALLOCATIONS.store(0, Ordering::Relaxed);
    COUNTING.store(true, Ordering::Relaxed);
    work();
    COUNTING.store(false, Ordering::Relaxed);
    ALLOCATIONS.load(Ordering::Relaxed)
}

/// How many bytes more are allocated after `work` than before it, and what it comes to.
fn kept<T>(work: impl FnOnce() -> T) -> (i64, T) {
    let before = LIVE.load(Ordering::Relaxed);
    let result = work();
    (LIVE.load(Ordering::Relaxed).wrapping_sub(before) as i64, result)
}

/// What a case reads.
struct Case {
    name: &'static str,
    options: Options,
    /// Whether the databases know the addresses.
    geo: bool,
    form: Form,
    /// What each line has beside what is generated: the columns' names, and what they hold.
    beside: Option<(&'static str, &'static str)>,
    wrapping: Wrapping,
    /// Which events leave.
    selection: Selection,
}

/// What the lines stand in.
#[derive(Clone, Copy)]
enum Wrapping {
    None,
    /// Each in a `{"message": …}`.
    Member,
    /// Two hundred in each envelope of CloudWatch Logs.
    Envelope,
    /// Each in a line of syslog, and one behind it that is no flow.
    Syslog,
}

const BATCH_BUDGET: u64 = 8;
/// For the open window, its three sets and its judge.
const WINDOW_BUDGET: u64 = 8;
const EVENTS_PER_ENVELOPE: usize = 200;
const CHUNK_BYTES: usize = 64 * 1024;
const LINES: u64 = 120_000;
/// Hosts of the plans' case: documents remember as many.
const HOSTS: u32 = 8_192;
/// Columns of version 8 to 11: tags that are decoded, and codes that have words.
const TAGGED: Option<(&str, &str)> =
    Some(("instance-tag asg-tag encryption-status reject-reason", "web%2Dserver gr%C3%B6%C3%9Fe 3 BPA"));

fn main() {
    let mut verdicts = Vec::new();
    for case in cases() {
        let Taken { chunks, batches, events, resolving, writing } = measure(&case);
        let envelopes = match case.wrapping {
            Wrapping::Envelope => events.div_ceil(EVENTS_PER_ENVELOPE as u64),
            Wrapping::None | Wrapping::Member | Wrapping::Syslog => 0,
        };
        let allowed = [
            (chunks + envelopes) * BATCH_BUDGET,
            batches * BATCH_BUDGET + windows(&case.options) * WINDOW_BUDGET,
        ];
        println!(
            "test {}: {resolving} and {writing} allocations to resolve and to write {events} events in {batches} batches, {} \
             and {} allowed ... {}",
            case.name,
            allowed[0],
            allowed[1],
            told(resolving <= allowed[0] && writing <= allowed[1], &mut verdicts)
        );
    }
    for (name, bytes, plan) in plans() {
        // Hosts of an hour have four tenths of what old ones have; who plans for more turns away who has room.
        let verdict = told((plan / 3..=plan).contains(&bytes), &mut verdicts);
        println!("test {name}: {bytes} bytes stay allocated, {plan} planned ... {verdict}");
    }
    let failed = verdicts.iter().filter(|passed| !**passed).count();
    let passed = verdicts.len() - failed;
    println!(
        "\ntest result: {}. {passed} passed; {failed} failed",
        ["FAILED", "ok"][usize::from(failed == 0)]
    );
    std::process::exit(i32::from(failed > 0));
}

/// The word for a case that has `passed`, which is noted.
fn told(passed: bool, verdicts: &mut Vec<bool>) -> &'static str {
    verdicts.push(passed);
    ["FAILED", "ok"][usize::from(passed)]
}

/// What is read, in how many forms.
fn cases() -> Vec<Case> {
    let load = || Options { header: true, ..Options::load(LINES, 200, 500) };
    let v5 = || Options { format: LineFormat::V5, ..load() };
    let v6 = || Options { ipv6_permille: 1000, ..load() };
    let rejected = || Options { rejected_permille: 500, ..load() };
    let (ecs, ocsf) = (SchemaName::Ecs, SchemaName::Ocsf);
    let case = |name, options, schema: SchemaName| Case {
        name,
        options,
        geo: true,
        form: schema.into(),
        beside: None,
        wrapping: Wrapping::None,
        selection: Selection::default(),
    };
    vec![
        case("v2", load(), ecs),
        case("v5", v5(), ecs),
        case("IPv6", v6(), ecs),
        Case { geo: false, ..case("unknown geo", load(), ecs) },
        case("rejected lines", rejected(), ecs),
        Case { beside: TAGGED, ..case("v11", v5(), ecs) },
        Case { selection: chosen(), ..case("v5, chosen by fields and sampled", v5(), ecs) },
        case("v5 without a header, learned", Options { header: false, ..v5() }, ecs),
        Case { wrapping: Wrapping::Member, ..case("v2 in messages", load(), ecs) },
        Case { wrapping: Wrapping::Envelope, ..case("v2 in envelopes", load(), ecs) },
        Case { wrapping: Wrapping::Syslog, ..case("v2 and others in syslog", load(), ecs) },
        Case { wrapping: Wrapping::Syslog, ..case("v2 and others in syslog as OCSF", load(), ocsf) },
        Case { form: Form { original: true, ..ecs.into() }, ..case("v2 with the line", load(), ecs) },
        case("v2 as OCSF", load(), ocsf),
        Case {
            form: Form { original: true, ..ocsf.into() },
            ..case("v2 as OCSF with the line", load(), ocsf)
        },
        Case { form: Form { fields: Fields::Slim, ..ecs.into() }, ..case("v5, slim", v5(), ecs) },
        Case { form: Form { fields: Fields::Slim, ..ocsf.into() }, ..case("v5 as OCSF, slim", v5(), ocsf) },
        case("v5 as OCSF", v5(), ocsf),
        case("IPv6 as OCSF", v6(), ocsf),
        Case { geo: false, ..case("unknown geo as OCSF", load(), ocsf) },
        case("rejected lines as OCSF", rejected(), ocsf),
        Case { beside: TAGGED, ..case("v11 as OCSF", v5(), ocsf) },
        Case { selection: Select::Sessions.into(), ..case("sessions", v5(), ecs) },
        Case { selection: Select::EventsAndSessions.into(), ..case("sessions too, as OCSF", v5(), ocsf) },
    ]
}

/// What parts of the memory plan take when they are full, and what the plan says.
fn plans() -> [(&'static str, i64, i64); 4] {
    let scoring = |entities_max, externals_max| score::Config {
        entities_max,
        externals_max,
        pairs_max: externals_max / 5,
        ..score::Config::default()
    };
    let (few, many) = (scoring(HOSTS, 1_000), scoring(HOSTS, 100_000));
    let scorer = |config| Scorer::new(config, &Metrics::default(), [7; 16]);
    let outside = kept(|| scorer(&many)).0 - kept(|| scorer(&few)).0;
    let outside_planned = score::outside_bytes_max(&many) - score::outside_bytes_max(&few);
    let options = Options { header: true, ..Options::load(LINES, HOSTS, 1_000) };
    let case = Case {
        name: "hosts",
        options,
        geo: false,
        form: SchemaName::Ecs.into(),
        beside: None,
        wrapping: Wrapping::None,
        selection: Selection::default(),
    };
    let (text, mut bench, _folder) = prepare(&case, &few);
    bench.read(&text);
    let stitching =
        score::Config { stitches: true, tells_sessions: true, sessions_max: 50_000, ..few.clone() };
    let (text, mut stitched, _folder) = prepare(&case, &stitching);
    stitched.read(&text);
    let hosts_planned = score::memory_bytes_max(&few) - score::memory_bytes_max(&scoring(0, 1_000));
    [
        ("the outside", outside, outside_planned as i64),
        ("hosts", bench.scored, hosts_planned as i64),
        ("sessions", stitched.scored - bench.scored, score::sessions_bytes_max(&stitching) as i64),
        ("what documents say again", bench.written, Normalizer::MEMORY_BYTES_MAX as i64),
    ]
}

/// How many windows all hosts together begin at most in the second half of the lines.
fn windows(options: &Options) -> u64 {
    (options.span / 2).div_ceil(u64::from(score::WINDOW_SECONDS)) * u64::from(options.hosts)
}

/// Asks about a value of every kind, and leaves about half of the events out.
fn chosen() -> Selection {
    let condition = "not source.ip in {10.0.0.0/24, 2001:db8::/32} and (destination.port in {22, 443} or source.bytes > 1kB) \
        and not (source.geo.city_name like \"*x*\" or event.action = reject and floodmark.entity.name = \"10.0.0.1\")";
    let sample = Sampling { below: 90, keep: "1/2".parse().unwrap() };
    Selection { filter: Some(condition.parse().unwrap()), sample: Some(sample), ..Selection::default() }
}

/// What the second half of the case's lines takes.
fn measure(case: &Case) -> Taken {
    let scoring = score::Config {
        activity: case.selection.sample.is_some(),
        stitches: case.selection.select.has_sessions(),
        tells_sessions: case.selection.select.has_sessions(),
        ..score::Config::default()
    };
    let (text, mut bench, _folder) = prepare(case, &scoring);
    let middle = text.len() / 2;
    let middle = middle + text[middle..].iter().position(|byte| *byte == b'\n').unwrap() + 1;
    bench.read(&text[..middle]);
    bench.read(&text[middle..])
}

/// The case's lines, what takes them through, and the folder of its databases.
fn prepare(case: &Case, scoring: &score::Config) -> (Vec<u8>, Bench, tempfile::TempDir) {
    let mut text = Vec::new();
    generate::write(&case.options, &mut text, None).unwrap();
    if let Some((names, values)) = case.beside {
        let lines = String::from_utf8(text).unwrap();
        let lines = lines.lines().enumerate();
        let widened =
            lines.map(|(index, line)| format!("{line} {}\n", if index == 0 { names } else { values }));
        text = widened.collect::<String>().into_bytes();
    }
    let text = wrapped(String::from_utf8(text).unwrap(), case.wrapping).into_bytes();
    let folder = tempfile::tempdir().unwrap();
    let mut config = enrich::Config::default();
    if case.geo {
        let (city, asn) = (folder.path().join("city.mmdb"), folder.path().join("asn.mmdb"));
        std::fs::write(&city, generate::city_database().unwrap()).unwrap();
        std::fs::write(&asn, generate::asn_database().unwrap()).unwrap();
        (config.geoip.city, config.geoip.asn) = (Some(city), Some(asn));
    }
    let metrics = Metrics::default();
    let books = SourceBooks::new(&metrics, "flows");
    let inputs: Arc<[Input]> = Arc::new([Input { format: case.wrapping.format(), books }]);
    let shared = enrich::Shared::open(&config, &metrics).unwrap();
    let bench = Bench {
        resolver: Resolver::new(inputs.clone()),
        parser: Parser::new(inputs),
        enricher: Enricher::new(shared),
        scorer: Scorer::new(scoring, &metrics, [7; 16]),
        normalizer: Normalizer::new(
            case.form.build(&floodmark::event::Namespace::default(), score::WINDOW_SECONDS),
        ),
        batch: Batch::default(),
        documents: Documents::new(Receipt::unclaimed()),
        selection: case.selection.clone(),
        tickets: 0,
        scored: 0,
        written: 0,
    };
    (text, bench, folder)
}

fn wrapped(text: String, wrapping: Wrapping) -> String {
    let lines: Vec<&str> = text.lines().collect();
    match wrapping {
        Wrapping::None => text,
        Wrapping::Syslog => lines.iter().map(|line| in_syslog(line)).collect(),
        Wrapping::Member => lines.iter().map(|line| format!("{{\"message\":\"{line}\"}}\n")).collect(),
        Wrapping::Envelope => lines.chunks(EVENTS_PER_ENVELOPE).enumerate().map(envelope).collect(),
    }
}

fn in_syslog(line: &str) -> String {
    format!(
        "<134>1 2026-11-22T10:14:15.003Z relay1 vpcflow 7 - [a b=\"c\" b=\"\\\"d\\\"\"] {line}\n\
         <38>Nov 22 10:14:15 web1 sshd[21012]: Failed password for \u{e9}\n"
    )
}

impl Wrapping {
    fn format(self) -> Box<dyn parse::Format> {
        match self {
            Self::Syslog => {
                let timezone = "Europe/Berlin".parse().unwrap();
                parse::Config::Syslog { fields: parse::Fields::default(), timezone }.format()
            }
            _ => parse::Config::Auto.format(),
        }
    }
}

fn envelope((number, lines): (usize, &[&str])) -> String {
    let event = |(index, line): (usize, &&str)| {
        format!(
            "{{\"id\":\"3752{:048}\",\"timestamp\":1,\"message\":\"{line}\"}}",
            number * EVENTS_PER_ENVELOPE + index
        )
    };
    let events: Vec<String> = lines.iter().enumerate().map(event).collect();
    format!(
        "{{\"messageType\":\"DATA_MESSAGE\",\"owner\":\"1\",\"logGroup\":\"/vpc/flows\",\"logStream\":\"eni-1\",\"logEvents\":[{}]}}\n",
        events.join(",")
    )
}

struct Bench {
    resolver: Resolver,
    parser: Parser,
    enricher: Enricher,
    scorer: Scorer,
    normalizer: Normalizer,
    batch: Batch,
    documents: Documents,
    selection: Selection,
    tickets: u64,
    /// Bytes that scoring has kept, and that writing has but for the documents.
    scored: i64,
    written: i64,
}

impl Bench {
    /// Takes `text` through; what happens from resolving to documents is counted.
    fn read(&mut self, text: &[u8]) -> Taken {
        let mut lines = Lines::new(Lines::LIMIT, Positions::Offset, 0);
        let (mut resolved, mut taken) = (Vec::new(), Taken::default());
        for block in text.chunks(CHUNK_BYTES) {
            let (partition, origin) = (Partition::new("flows"), Origin::file(1));
            let mut chunk = Chunk::new(SourceId(0), partition, origin, Vec::with_capacity(2 * CHUNK_BYTES));
            lines.push(block, &mut chunk);
            taken.resolving += counted(|| self.resolver.chunk(chunk, &mut resolved));
            taken.chunks += 1;
            for chunk in resolved.drain(..) {
                taken.writing += counted(|| self.write(chunk));
                self.tickets += 1;
                taken.batches += 1;
                taken.events += self.batch.events.len() as u64;
                self.batch.empty();
            }
        }
        taken
    }

    fn write(&mut self, chunk: Chunk) {
        self.parser.parse(chunk, &mut self.batch);
        self.enricher.apply(&mut self.batch);
        self.scored += kept(|| self.scorer.score(self.tickets, &mut self.batch)).0;
        if let Some(sessions) = self.batch.lay_out_sessions() {
            self.enricher.apply(sessions);
        }
        self.documents.bytes.reserve(CHUNK_BYTES * 40);
        let write = || {
            self.normalizer.documents(&self.batch, &self.selection, 1_795_260_605_000, &mut self.documents)
        };
        self.written += kept(write).0;
        self.documents.recycle().confirm();
    }
}
