//! The data path stage by stage, on generated lines held in memory: `cargo bench --bench pipeline`.
//!
//! Criterion prints events per second (its "elements") of one thread. Compare two builds in one run on one machine; the
//! whole process, with its system time, is measured by `whole_process`.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::{hint::black_box, sync::Arc};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use floodmark::{
    codec::{Lines, Positions},
    enrich::{self, Enricher, Stage},
    event::{Batch, Chunk, Documents, Origin, Partition, Receipt, SourceId},
    generate::{self, LineFormat, Options},
    normalize::{Normalizer, SchemaName, Selection},
    parse::{self, Input, Parser, Resolver},
    score::{self, Scorer},
    telemetry::{books::SourceBooks, metrics::Metrics},
};

const LINES: u64 = 40_000;
const CHUNK_BYTES: usize = 128 * 1024;
const INGESTED_MILLIS: u64 = 1_795_260_605_000;

/// Everything that the stages need, with the databases of the demo.
struct Line {
    inputs: Arc<[Input]>,
    parser: Parser,
    enricher: Enricher,
    scorer: Scorer,
    normalizer: Normalizer,
    tickets: u64,
}

impl Line {
    fn new() -> Self {
        Self::of(&parse::Config::Auto)
    }

    fn of(config_of_lines: &parse::Config) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = enrich::Config::default();
        let (city, asn) = (folder.path().join("city.mmdb"), folder.path().join("asn.mmdb"));
        std::fs::write(&city, generate::city_database().unwrap()).unwrap();
        std::fs::write(&asn, generate::asn_database().unwrap()).unwrap();
        (config.geoip.city, config.geoip.asn) = (Some(city), Some(asn));
        let metrics = Metrics::default();
        let books = SourceBooks::new(&metrics, "flows");
        let inputs: Arc<[Input]> = Arc::new([Input { format: config_of_lines.format(), books }]);
        let shared = enrich::Shared::open(&config, &metrics).unwrap();
        Self {
            parser: Parser::new(inputs.clone()),
            inputs,
            enricher: Enricher::new(shared),
            scorer: Scorer::new(&score::Config::default(), &metrics, [7; 16]),
            normalizer: Normalizer::new(
                SchemaName::Ecs.build(&floodmark::event::Namespace::default(), score::WINDOW_SECONDS),
            ),
            tickets: 0,
        }
    }

    fn resolved(&self, text: &[u8]) -> Vec<Chunk> {
        let mut resolver = Resolver::new(self.inputs.clone());
        let mut out = Vec::new();
        framed(text).into_iter().for_each(|chunk| resolver.chunk(chunk, &mut out));
        out
    }

    fn parsed(&self, text: &[u8]) -> Vec<Batch> {
        let parse = |chunk| {
            let mut batch = Batch::default();
            self.parser.parse(chunk, &mut batch);
            batch
        };
        self.resolved(text).into_iter().map(parse).collect()
    }

    fn score(&mut self, batch: &mut Batch) {
        self.scorer.score(self.tickets, batch);
        self.tickets += 1;
    }
}

fn framed(text: &[u8]) -> Vec<Chunk> {
    let mut lines = Lines::new(Lines::LIMIT, Positions::Offset, 0);
    let block = |block: &[u8]| {
        let mut chunk = Chunk::new(SourceId(0), Partition::new("flows"), Origin::file(1), Vec::new());
        lines.push(block, &mut chunk);
        chunk
    };
    text.chunks(CHUNK_BYTES).map(block).collect()
}

fn lines(format: LineFormat) -> Vec<u8> {
    let mut text = Vec::new();
    let options = Options { format, header: true, ..Options::load(LINES, 8_000, 100_000) };
    generate::write(&options, &mut text, None).unwrap();
    text
}

/// Lines as hosts, routers and firewalls send them, about 150 bytes each.
fn syslog() -> Vec<u8> {
    let shapes = [
        "<38>Nov 22 10:14:15 web1 sshd[21012]: Failed password for invalid user admin from 203.0.113.66 port 52344 ssh2",
        "<165>1 2026-11-22T10:14:15.003Z mail.example.net postfix/smtpd 2101 - [meta sequenceId=\"17\"] connect from unknown",
        "<166>Nov 22 2026 10:14:15 asa1 : %ASA-6-302013: Built outbound TCP connection 447235 for outside:198.51.100.7/443",
        "<189>date=2026-11-22 time=10:14:15 devname=\"FG100E-1\" logid=\"0000000013\" type=\"traffic\" srcip=10.1.1.20",
        "<14>Nov 22 10:14:15 PA-VM-1 1,2026/11/22 10:14:15,007251000000001,TRAFFIC,end,2562,10.1.1.20,198.51.100.7,allow",
        "<30>2026-11-22T11:16:00.123456+01:00 log1 systemd[1]: Started Session 42 of user alice.",
    ];
    let lines = shapes.iter().cycle().take(LINES as usize);
    lines.flat_map(|line| line.bytes().chain([b'\n'])).collect()
}

fn lines_of_syslog(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("syslog");
    group.throughput(Throughput::Elements(LINES)).sample_size(20);
    let config =
        parse::Config::Syslog { fields: parse::Fields::default(), timezone: parse::Timezone::default() };
    let (text, mut line) = (syslog(), Line::of(&config));
    group.bench_function("resolve and parse", |bencher| {
        bencher.iter_batched(|| framed(&text), |chunks| parse(&line, chunks), BatchSize::LargeInput);
    });
    let mut documents = Documents::new(Receipt::unclaimed());
    group.bench_function("frame, resolve, parse, enrich, score, ECS", |bencher| {
        bencher.iter(|| {
            let mut batch = Batch::default();
            let mut resolver = Resolver::new(line.inputs.clone());
            let mut resolved = Vec::new();
            for chunk in framed(&text) {
                resolver.chunk(chunk, &mut resolved);
                for chunk in resolved.drain(..) {
                    line.parser.parse(chunk, &mut batch);
                    line.enricher.apply(&mut batch);
                    line.score(&mut batch);
                    line.normalizer.documents(&batch, &Selection::default(), INGESTED_MILLIS, &mut documents);
                    black_box(&documents.bytes);
                    documents.recycle().confirm();
                }
            }
        });
    });
    group.finish();
}

fn stages(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("stage");
    group.throughput(Throughput::Elements(LINES)).sample_size(20);
    for (name, format) in [("v2", LineFormat::V2), ("v5", LineFormat::V5)] {
        let text = lines(format);
        let mut line = Line::new();
        group.bench_function(format!("resolve and parse, {name}"), |bencher| {
            bencher.iter_batched(|| framed(&text), |chunks| parse(&line, chunks), BatchSize::LargeInput);
        });
        group.bench_function(format!("enrich, {name}"), |bencher| {
            let enrich = |mut batches: Vec<Batch>, line: &mut Line| {
                batches.iter_mut().for_each(|batch| line.enricher.apply(batch));
                batches
            };
            let setup = |line: &Line| line.parsed(&text);
            let mut other = Line::new();
            bencher.iter_batched(
                || setup(&line),
                |batches| enrich(batches, &mut other),
                BatchSize::LargeInput,
            );
        });
        let mut enriched = line.parsed(&text);
        enriched.iter_mut().for_each(|batch| line.enricher.apply(batch));
        group.bench_function(format!("score, {name}"), |bencher| {
            bencher.iter(|| {
                let mut fresh = Line::new();
                for batch in &mut enriched {
                    batch.verdicts.clear();
                    batch.entities.clear();
                    batch.findings.clear();
                    fresh.score(batch);
                }
            });
        });
        let mut documents = Documents::new(Receipt::unclaimed());
        group.bench_function(format!("normalize, {name}"), |bencher| {
            bencher.iter(|| {
                for batch in &enriched {
                    line.normalizer.documents(batch, &Selection::default(), INGESTED_MILLIS, &mut documents);
                    black_box(&documents.bytes);
                    documents.recycle().confirm();
                }
            });
        });
    }
    group.finish();
}

fn parse(line: &Line, chunks: Vec<Chunk>) -> Vec<Batch> {
    let mut resolver = Resolver::new(line.inputs.clone());
    let (mut resolved, mut batches) = (Vec::new(), Vec::new());
    for chunk in chunks {
        resolver.chunk(chunk, &mut resolved);
        for chunk in resolved.drain(..) {
            let mut batch = Batch::default();
            line.parser.parse(chunk, &mut batch);
            batches.push(batch);
        }
    }
    batches
}

fn whole(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("whole");
    let text = lines(LineFormat::V2);
    group.throughput(Throughput::Elements(LINES)).sample_size(20);
    group.bench_function("lines to documents, one thread", |bencher| {
        let mut line = Line::new();
        let (mut batch, mut documents) = (Batch::default(), Documents::new(Receipt::unclaimed()));
        bencher.iter(|| {
            for chunk in line.resolved(&text) {
                line.parser.parse(chunk, &mut batch);
                line.enricher.apply(&mut batch);
                line.score(&mut batch);
                line.normalizer.documents(&batch, &Selection::default(), INGESTED_MILLIS, &mut documents);
                black_box(&documents.bytes);
                documents.recycle().confirm();
                batch.empty();
            }
        });
    });
    group.finish();
}

criterion_group!(benches, stages, whole, lines_of_syslog);
criterion_main!(benches);
