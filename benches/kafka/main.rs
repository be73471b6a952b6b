//! Kafka to Kafka: events per CPU-second of this process, librdkafka included, by compression; and the latency that it adds
//! at half of what it can do, from the append of a record to the append of its document.
//!
//! `tests/run --bench-kafka` starts the broker that it needs. Broker and clients run on the same machine, so CPU seconds are
//! those of this process alone, and the latency holds for a machine that does everything.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod bare;

use std::{
    collections::HashMap,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use floodmark::{
    event::{IdScheme, Origin},
    generate::{self, Options},
    telemetry::clock,
};

/// As in the binary, so that librdkafka alone allocates as it does there.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const LINES: u64 = 1_000_000;
const PARTITIONS: u32 = 8;
const ROUNDS: usize = 3;
/// How documents are compressed, and whether they say where addresses are; what is read is not compressed.
const CASES: [(&str, bool); 6] =
    [("lz4", true), ("zstd", true), ("none", true), ("lz4", false), ("zstd", false), ("none", false)];
/// Records for the latency.
const PACED_LINES: u64 = 300_000;
const PORT: u16 = 19_631;

/// What one run took.
struct Run {
    cpu_s: f64,
    wall_s: f64,
    document_bytes: u64,
    resident_kib: u64,
}

/// The broker's address, the folder of everything, and a number for names that nobody else has.
struct Bench {
    broker: String,
    folder: PathBuf,
    names: u64,
}

fn main() {
    let Ok(broker) = std::env::var("FLOODMARK_KAFKA") else {
        panic!("no broker: tests/run --bench-kafka starts one");
    };
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("kafka-bench");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("city.mmdb"), generate::city_database().unwrap()).unwrap();
    fs::write(folder.join("asn.mmdb"), generate::asn_database().unwrap()).unwrap();
    fs::write(folder.join("assets.csv"), generate::assets_csv(12)).unwrap();
    let mut bench = Bench { broker, folder, names: clock::wall_millis() };
    let most = bench.throughput();
    bench.latency(most / 2.0);
}

impl Bench {
    fn name(&mut self, stem: &str) -> String {
        self.names += 1;
        format!("{stem}-{}", self.names)
    }

    /// Prints what each compression costs; returns the events per second of wall time with the first of them.
    fn throughput(&mut self) -> f64 {
        let input = self.lines("throughput", LINES);
        let topic = self.name("in");
        self.client(&["create", &topic, &PARTITIONS.to_string()]);
        self.client(&["produce", &topic, input.to_str().unwrap()]);
        println!(
            "{LINES} records of one line each, {PARTITIONS} partitions; of {ROUNDS} runs the one with the least CPU"
        );
        println!(
            "| compression | GeoIP | events per CPU-second | CPU s | wall s | bytes a document | resident MiB |"
        );
        println!("|---|---|--:|--:|--:|--:|--:|");
        let mut most = 0.0;
        for (compression, geoip) in CASES {
            let runs: Vec<Run> = (0..ROUNDS).map(|_| self.run(&topic, compression, geoip, LINES)).collect();
            let best = runs.iter().min_by(|one, other| one.cpu_s.total_cmp(&other.cpu_s)).unwrap();
            most = f64::max(most, if compression == "lz4" { LINES as f64 / best.wall_s } else { 0.0 });
            println!(
                "| {compression} | {} | {:.0} | {:.2} | {:.2} | {} | {} |",
                if geoip { "City, ASN" } else { "" },
                LINES as f64 / best.cpu_s,
                best.cpu_s,
                best.wall_s,
                best.document_bytes,
                best.resident_kib / 1024,
            );
        }
        self.bare(&topic);
        self.client(&["delete", &topic]);
        most
    }

    /// Prints what librdkafka alone takes for the same records and for documents as floodmark writes them.
    fn bare(&mut self, topic: &str) {
        let documents = self.documents();
        let used = |compression: &str, bench: &mut Self| {
            let output = bench.name("bare");
            bench.client(&["create", &output, &PARTITIONS.to_string()]);
            let (before, _) = used(std::process::id());
            bare::copy(&bench.broker, topic, &output, compression, LINES, &documents);
            let (after, _) = used(std::process::id());
            bench.client(&["delete", &output]);
            after - before
        };
        println!("\n| librdkafka alone | events per CPU-second | CPU s |\n|---|--:|--:|");
        for compression in ["lz4", "zstd", "none"] {
            let least = (0..ROUNDS).map(|_| used(compression, self)).fold(f64::MAX, f64::min);
            println!("| {compression} | {:.0} | {least:.2} |", LINES as f64 / least);
        }
    }

    /// Some thousand documents as they are written to a topic.
    fn documents(&mut self) -> Vec<String> {
        let input = self.lines("documents", 10_000);
        let shown = self.folder.display();
        let text = format!(
            "sources: {{ flows: {{ from: {{ file: {{ paths: [\"{}\"] }} }} }} }}\n\
             enrich:\n  geoip: {{ city: \"{shown}/city.mmdb\", asn: \"{shown}/asn.mmdb\" }}\n  \
             assets: [ {{ file: \"{shown}/assets.csv\" }} ]\nsinks: {{ out: {{ to: {{ stdout: {{}} }} }} }}\n",
            input.display()
        );
        let config = self.folder.join("documents.yaml");
        fs::write(&config, text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_floodmark"));
        let output = command.args(["run", "-q", "-c"]).arg(&config).output().unwrap();
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    /// Takes `topic` to another one, and compares what has arrived there with what was read.
    fn run(&mut self, topic: &str, compression: &str, geoip: bool, lines: u64) -> Run {
        let output = self.name("out");
        self.client(&["create", &output, &PARTITIONS.to_string()]);
        let mut process = self.start(topic, &output, compression, geoip);
        let begun = clock::monotonic();
        let mut wait = 0_u32;
        let document_bytes = loop {
            let metric = |name| metric(&format!("floodmark_sink_{name}_total{{sink=\"out\"}}"));
            if metric("documents_delivered").is_some_and(|delivered| delivered >= lines) {
                break metric("delivered_bytes").unwrap() / lines;
            }
            wait += 1;
            assert!(wait < 6_000 && process.try_wait().unwrap().is_none(), "not all was delivered");
            thread::sleep(Duration::from_millis(20));
        };
        let wall_s = begun.elapsed().as_secs_f64();
        let (cpu_s, resident_kib) = used(process.id());
        end(&mut process);
        let arrived = self.client(&["count", &output]);
        let total: u64 =
            arrived.lines().find_map(|line| line.strip_prefix("total ")).unwrap().parse().unwrap();
        assert!(total >= lines, "{total} documents of {lines} records");
        self.client(&["delete", &output]);
        Run { cpu_s, wall_s, document_bytes, resident_kib }
    }

    /// Prints the latency at `rate` records a second: the time of a document's append less that of its record's.
    fn latency(&mut self, rate: f64) {
        let (input, output) = (self.name("paced-in"), self.name("paced-out"));
        for topic in [&input, &output] {
            self.client(&["create", topic, &PARTITIONS.to_string(), "message.timestamp.type=LogAppendTime"]);
        }
        let lines = self.lines("paced", PACED_LINES);
        let mut process = self.start(&input, &output, "lz4", true);
        while metric("floodmark_source_kafka_partitions{source=\"flows\"}") != Some(u64::from(PARTITIONS)) {
            assert!(process.try_wait().unwrap().is_none(), "the process ended");
            thread::sleep(Duration::from_millis(50));
        }
        self.client(&["produce", &input, lines.to_str().unwrap(), "--rate", &format!("{rate:.0}")]);
        while metric("floodmark_sink_documents_delivered_total{sink=\"out\"}").is_none_or(|n| n < PACED_LINES)
        {
            thread::sleep(Duration::from_millis(50));
        }
        end(&mut process);
        let appended = self.records(&input, |partition, offset, _, value| {
            IdScheme::of(&Origin::kafka(&input, partition)).event(offset, 0, value.as_bytes()).to_string()
        });
        let written = self
            .records(&output, |_, _, headers, _| headers.strip_prefix("floodmark-id=").unwrap().to_owned());
        let mut added: Vec<u64> = appended.iter().map(|(id, at)| written[id].saturating_sub(*at)).collect();
        added.sort_unstable();
        let at = |share: f64| added[((added.len() - 1) as f64 * share) as usize];
        println!(
            "\nlatency added to {} records at {rate:.0} a second, half of what it can do here, in ms: \
             median {}, p90 {}, p99 {}, most {}",
            added.len(),
            at(0.5),
            at(0.9),
            at(0.99),
            at(1.0)
        );
    }

    /// Time of append of every record of a topic, by the name that `name` gives it.
    fn records(&self, topic: &str, name: impl Fn(i32, u64, &str, &str) -> String) -> HashMap<String, u64> {
        let path = self.folder.join("consumed.tsv");
        self.client(&["consume", topic, path.to_str().unwrap()]);
        let lines = BufReader::new(fs::File::open(&path).unwrap()).lines();
        let times = lines.map(|line| {
            let line = line.unwrap();
            let columns: Vec<&str> = line.splitn(6, '\t').collect();
            let [partition, offset, time, _, headers, value] = columns[..] else { panic!("{line}") };
            (name(partition.parse().unwrap(), offset.parse().unwrap(), headers, value), time.parse().unwrap())
        });
        times.collect()
    }

    fn lines(&self, stem: &str, lines: u64) -> PathBuf {
        let path = self.folder.join(format!("{stem}-{lines}.log"));
        if !path.exists() {
            let options = Options { header: false, ..Options::load(lines, 500, 5_000) };
            let mut file = std::io::BufWriter::new(fs::File::create(&path).unwrap());
            generate::write(&options, &mut file, None).unwrap();
        }
        path
    }

    fn start(&mut self, input: &str, output: &str, compression: &str, geoip: bool) -> Child {
        let (broker, group, shown) =
            (self.broker.clone(), self.name("group"), self.folder.display().to_string());
        let places = if geoip {
            format!("  geoip: {{ city: \"{shown}/city.mmdb\", asn: \"{shown}/asn.mmdb\" }}\n")
        } else {
            String::new()
        };
        let text = format!(
            "sources: {{ flows: {{ from: {{ kafka: {{ brokers: [\"{broker}\"], topics: [\"{input}\"], group: \"{group}\" }} }} }} }}\n\
             enrich:\n{places}  assets: [ {{ file: \"{shown}/assets.csv\" }} ]\n\
             sinks: {{ out: {{ to: {{ kafka: {{ brokers: [\"{broker}\"], topic: \"{output}\", compression: {compression} }} }} }} }}\n\
             limits: {{ threads: 1 }}\ntelemetry: {{ listen: \"127.0.0.1:{PORT}\" }}\n"
        );
        let config = self.folder.join("bench.yaml");
        fs::write(&config, text).unwrap();
        let errors = fs::File::create(self.folder.join("stderr")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_floodmark"));
        command.args(["run", "-q", "-c"]).arg(&config).stdin(Stdio::null()).stderr(errors);
        command.spawn().unwrap()
    }

    /// Runs Kafka's own client.
    fn client(&self, words: &[&str]) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/services/kafka/client");
        let output = Command::new(script).args(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

/// User and system time of a process in seconds, and the most memory that it had in KiB.
fn used(process: u32) -> (f64, u64) {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let ticks = |nth: usize| {
        stat.rsplit(')').next().unwrap().split_whitespace().nth(nth).unwrap().parse::<f64>().unwrap()
    };
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    // Linux counts in hundredths of a second on every platform that the broker runs on.
    ((ticks(11) + ticks(12)) / 100.0, peak.trim_end_matches(" kB").trim().parse().unwrap())
}

fn end(process: &mut Child) {
    let killed = Command::new("kill").arg(process.id().to_string()).status().unwrap();
    assert!(killed.success() && process.wait().unwrap().success(), "it did not end well");
}

/// The value of one series; nothing while the process does not answer.
fn metric(series: &str) -> Option<u64> {
    let mut stream = TcpStream::connect(("127.0.0.1", PORT)).ok()?;
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut page = String::new();
    stream.read_to_string(&mut page).ok()?;
    page.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
}
