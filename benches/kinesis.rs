//! Kinesis: events per CPU-second of this process from batches of records in memory to full ECS documents, by what the
//! records hold. `cargo bench --bench kinesis`; `FLOODMARK_BENCH_LINES` changes the number of events.
//!
//! The tests' fake serves what was made before, by polling, from this process; what it takes is shown apart. CPU seconds of
//! the process under test are its own, start and end included, and hold on a busy machine. Each case runs three times and
//! the best counts; its threads say where the time went.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

#[path = "../tests/it/kinesis/fake.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod fake;

use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use fake::Fake;
use flate2::{Compression, write::GzEncoder};
use floodmark::{
    codec::kpl::{Aggregator, hash_of},
    generate::{self, Options},
};

/// One case: what a record holds.
struct Case {
    name: &'static str,
    /// Events of one envelope of CloudWatch Logs; 0: a line is on its own.
    envelope: usize,
    /// User records of one aggregate; 0: there is none.
    aggregate: usize,
}

/// What one run took: user and system seconds of the process, and of this one.
struct Run {
    user_s: f64,
    system_s: f64,
    fake_s: f64,
    threads: BTreeMap<String, f64>,
}

/// An aggregate of the KPL is 50 KiB by default; an envelope of 200 events is about 4 KiB once it is gzipped.
const CASES: [Case; 4] = [
    Case { name: "lines", envelope: 0, aggregate: 0 },
    Case { name: "KPL aggregates of lines", envelope: 0, aggregate: 400 },
    Case { name: "CloudWatch envelopes", envelope: 200, aggregate: 0 },
    Case { name: "KPL aggregates of CloudWatch envelopes", envelope: 200, aggregate: 12 },
];
const ROUNDS: usize = 3;
const SHARDS: u128 = 16;

fn main() {
    let lines: u64 =
        std::env::var("FLOODMARK_BENCH_LINES").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("kinesis");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("city.mmdb"), generate::city_database().unwrap()).unwrap();
    fs::write(folder.join("asn.mmdb"), generate::asn_database().unwrap()).unwrap();
    fs::write(folder.join("assets.csv"), generate::assets_csv(12)).unwrap();
    let mut text = Vec::new();
    let options = Options { header: false, ..Options::load(lines, 500, 5_000) };
    generate::write(&options, &mut text, None).unwrap();
    let text = String::from_utf8(text).unwrap();
    let flows: Vec<&str> = text.lines().collect();
    println!("{lines} events of {SHARDS} shards; of {ROUNDS} runs the one of the fewest CPU seconds");
    println!(
        "| records of | events per CPU-second | user s | system s | the fake's s | bytes put an event | by threads, s |"
    );
    println!("|---|--:|--:|--:|--:|--:|---|");
    for case in &CASES {
        let fake = Fake::new();
        let put = fill(&fake, case, &flows);
        let runs = (0..ROUNDS).map(|_| run(&folder, &fake, flows.len()));
        let best = runs.min_by(|a, b| (a.user_s + a.system_s).total_cmp(&(b.user_s + b.system_s))).unwrap();
        let threads: Vec<String> =
            best.threads.iter().map(|(name, seconds)| format!("{name} {seconds:.2}")).collect();
        println!(
            "| {} | {:.0} | {:.2} | {:.2} | {:.2} | {} | {} |",
            case.name,
            flows.len() as f64 / (best.user_s + best.system_s),
            best.user_s,
            best.system_s,
            best.fake_s,
            put / flows.len(),
            threads.join(", ")
        );
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Puts the flows as the case has them; how many bytes these are.
fn fill(fake: &Fake, case: &Case, flows: &[&str]) -> usize {
    let wrapped: Vec<Vec<u8>> = match case.envelope {
        0 => flows.iter().map(|flow| flow.as_bytes().to_vec()).collect(),
        each => {
            let numbered = flows.chunks(each).enumerate();
            numbered.map(|(number, flows)| gzip(envelope(number * each, flows).as_bytes())).collect()
        }
    };
    let mut world = fake.world();
    world.begin("flows", SHARDS);
    let mut length = 0;
    let mut put = |number: usize, bytes: &[u8]| {
        let key = number.to_string();
        length += bytes.len();
        world.put(&key, hash_of(key.as_bytes()), bytes);
    };
    if case.aggregate == 0 {
        wrapped.iter().enumerate().for_each(|(number, bytes)| put(number, bytes));
        return length;
    }
    let mut aggregator = Aggregator::default();
    for (number, records) in wrapped.chunks(case.aggregate).enumerate() {
        // As the KPL does: all of an aggregate go to the shard that the aggregate goes to.
        records.iter().for_each(|record| aggregator.push(&number.to_string(), None, record));
        put(number, &aggregator.finish());
    }
    length
}

/// An envelope of log events, the first of which is number `first`; ids are as long as AWS's.
fn envelope(first: usize, flows: &[&str]) -> String {
    let event = |(number, flow): (usize, &&str)| {
        format!(
            "{{\"id\":\"3752{:052}\",\"timestamp\":1772409600000,\"message\":\"{flow}\"}}",
            first + number
        )
    };
    let events: Vec<String> = flows.iter().enumerate().map(event).collect();
    format!(
        "{{\"messageType\":\"DATA_MESSAGE\",\"owner\":\"012345678901\",\"logGroup\":\"/vpc/flows\",\
         \"logStream\":\"eni-0a1b2c3d4e5f60718-all\",\"subscriptionFilters\":[\"all\"],\"logEvents\":[{}]}}",
        events.join(",")
    )
}

/// Has a new process read everything, and says what it took. Fails unless every event has become a document.
fn run(folder: &Path, fake: &Fake, events: usize) -> Run {
    let _ = fs::remove_dir_all(folder.join("state"));
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let before = used(std::process::id());
    let mut process = start(folder, &fake.url(), port);
    let series = "floodmark_sink_documents_delivered_total{sink=\"out\"}";
    while metric(port, series).is_none_or(|delivered| delivered < events as u64) {
        assert!(process.try_wait().unwrap().is_none(), "it ended: {}", told(folder));
        std::thread::sleep(Duration::from_millis(100));
    }
    let threads = threads(process.id());
    let (user_s, system_s) = used(process.id());
    let after = used(std::process::id());
    Command::new("kill").arg(process.id().to_string()).status().unwrap();
    assert!(process.wait().unwrap().success(), "{}", told(folder));
    Run { user_s, system_s, fake_s: after.0 + after.1 - before.0 - before.1, threads }
}

fn told(folder: &Path) -> String {
    fs::read_to_string(folder.join("stderr")).unwrap_or_default()
}

fn start(folder: &Path, url: &str, port: u16) -> Child {
    let shown = folder.display();
    let config = format!(
        "sources: {{ flows: {{ from: {{ kinesis: {{ stream: flows, endpoint: \"{url}\", checkpoint: {{ file: {{}} }}, \
         aws: {{ region: eu-central-1 }} }} }} }} }}\n\
         enrich:\n  geoip: {{ city: \"{shown}/city.mmdb\", asn: \"{shown}/asn.mmdb\" }}\n  assets: [ {{ file: \
         \"{shown}/assets.csv\" }} ]\n\
         sinks: {{ out: {{ to: {{ discard: {{}} }} }} }}\n\
         quarantine: {{ to: {{ file: {{ path: \"{shown}/quarantine.ndjson\" }} }} }}\n\
         dead_letter: {{ to: {{ file: {{ path: \"{shown}/dead.ndjson\" }} }} }}\n\
         state: {{ directory: \"{shown}/state\" }}\nlimits: {{ threads: 1 }}\n\
         telemetry: {{ listen: \"127.0.0.1:{port}\" }}\n"
    );
    let path = folder.join("bench.yaml");
    fs::write(&path, config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_floodmark"));
    command.args(["run", "-q", "-c"]).arg(&path).env("AWS_ACCESS_KEY_ID", "test");
    command.env("AWS_SECRET_ACCESS_KEY", "test").env("AWS_EC2_METADATA_DISABLED", "true");
    let errors = fs::File::create(folder.join("stderr")).unwrap();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors).spawn().unwrap()
}

/// User and system time in seconds, as a `stat` file of Linux tells it in hundredths.
fn times(path: &str) -> Option<(f64, f64)> {
    let stat = fs::read_to_string(path).ok()?;
    let mut fields = stat.rsplit(')').next()?.split_whitespace().skip(11);
    let mut next = || Some(fields.next()?.parse::<f64>().ok()? / 100.0);
    Some((next()?, next()?))
}

/// User and system time of a process so far.
fn used(process: u32) -> (f64, f64) {
    times(&format!("/proc/{process}/stat")).expect("a process that runs")
}

/// User and system time together of a process's threads, by their names without numbers.
fn threads(process: u32) -> BTreeMap<String, f64> {
    let mut threads = BTreeMap::new();
    for thread in fs::read_dir(format!("/proc/{process}/task")).unwrap() {
        let path = thread.unwrap().path();
        let Ok(name) = fs::read_to_string(path.join("comm")) else { continue };
        let name = name.trim().trim_end_matches(|c: char| c.is_ascii_digit() || c == '-').to_owned();
        let (user_s, system_s) = times(&path.join("stat").display().to_string()).unwrap_or_default();
        *threads.entry(name).or_default() += user_s + system_s;
    }
    threads
}

/// The value of one series; nothing while the process does not answer.
fn metric(port: u16, series: &str) -> Option<u64> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut page = String::new();
    stream.read_to_string(&mut page).ok()?;
    page.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
}
