//! Into `_bulk`: events per CPU-second of floodmark's own CPU, user and system time together, with gzip and without.
//! `cargo bench --bench elasticsearch`; `FLOODMARK_BENCH_LINES` changes the number of lines.
//!
//! A real server takes some thousand documents a second and would be what is measured. Here a server of the bench's own
//! takes everything: it inflates each bulk, counts its documents and answers as Elasticsearch does. Its CPU seconds are its
//! process's, and are not counted.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::{
    fs,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
};

use flate2::read::GzDecoder;
use floodmark::generate::{self, Options};

/// What is measured: the keys of the sink, or none for `discard`.
const CASES: [(&str, Option<&str>); 3] =
    [("discard", None), ("_bulk, gzip", Some("gzip: true")), ("_bulk, not compressed", Some("gzip: false"))];
const ROUNDS: usize = 3;

/// A server that takes everything.
struct Taker {
    port: u16,
    documents: Arc<AtomicU64>,
    bytes: Arc<AtomicU64>,
}

fn main() {
    let lines: u64 =
        std::env::var("FLOODMARK_BENCH_LINES").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("elasticsearch");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("city.mmdb"), generate::city_database().unwrap()).unwrap();
    fs::write(folder.join("asn.mmdb"), generate::asn_database().unwrap()).unwrap();
    fs::write(folder.join("assets.csv"), generate::assets_csv(12)).unwrap();
    let input = folder.join(format!("500-{lines}.log"));
    if !input.exists() {
        let mut file = io::BufWriter::new(fs::File::create(&input).unwrap());
        generate::write(&Options::load(lines, 500, 5_000), &mut file, None).unwrap();
    }
    let taker = Taker::start();
    let mut best = [(f64::INFINITY, 0); CASES.len()];
    // Each case once, and all again: a time at which the machine is slow must not fall on one case alone.
    for _ in 0..ROUNDS {
        for ((_, keys), best) in CASES.iter().zip(&mut best) {
            let config = config(&folder, &input, *keys, taker.port);
            let cpu_s = run(&folder, &config);
            let (documents, bytes) = (taker.documents.swap(0, Relaxed), taker.bytes.swap(0, Relaxed));
            assert!(keys.is_none() || documents >= lines, "{documents} of {lines} documents arrived");
            if cpu_s < best.0 {
                *best = (cpu_s, bytes);
            }
        }
    }
    println!("{lines} lines; of {ROUNDS} runs the one that took the fewest CPU seconds");
    println!("| into | events per CPU-second | CPU s | bytes on the wire for each |");
    println!("|---|--:|--:|--:|");
    for ((name, _), (cpu_s, bytes)) in CASES.iter().zip(best) {
        println!("| {name} | {:.0} | {cpu_s:.2} | {} |", lines as f64 / cpu_s, bytes / lines);
    }
}

fn config(folder: &Path, input: &Path, keys: Option<&str>, port: u16) -> PathBuf {
    let (shown, input) = (folder.display(), input.display());
    let to = match keys {
        None => "discard: {}".to_owned(),
        Some(keys) => {
            format!(
                "elasticsearch: {{ urls: [\"http://127.0.0.1:{port}\"], allow_foreign_template: true, {keys} }}"
            )
        }
    };
    let text = format!(
        "sources: {{ flows: {{ from: {{ file: {{ paths: [\"{input}\"] }} }} }} }}\n\
         enrich:\n  geoip: {{ city: \"{shown}/city.mmdb\", asn: \"{shown}/asn.mmdb\" }}\n\
         \x20 assets: [ {{ file: \"{shown}/assets.csv\" }} ]\n\
         sinks: {{ out: {{ to: {{ {to} }} }} }}\n\
         quarantine: {{ to: {{ file: {{ path: \"{shown}/quarantine.ndjson\" }} }} }}\n\
         dead_letter: {{ to: {{ file: {{ path: \"{shown}/dead.ndjson\" }} }} }}\n\
         limits: {{ threads: 1 }}\n"
    );
    let path = folder.join("bench.yaml");
    fs::write(&path, text).unwrap();
    path
}

/// Runs the binary under the shell's own `time`; its CPU seconds.
fn run(folder: &Path, config: &Path) -> f64 {
    let program = env!("CARGO_BIN_EXE_floodmark");
    let script = format!("TIMEFORMAT='%U %S'; time {program} run -q -c {}", config.display());
    let ended = Command::new("bash").args(["-c", &script]).current_dir(folder).output().unwrap();
    let told = String::from_utf8(ended.stderr).unwrap();
    assert!(ended.status.success(), "{told}");
    let times = told.lines().last().unwrap().split(' ').map(|seconds| seconds.parse::<f64>().unwrap());
    times.sum()
}

// === impl Taker ===

impl Taker {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let taker = Self {
            port: listener.local_addr().unwrap().port(),
            documents: Arc::default(),
            bytes: Arc::default(),
        };
        let (documents, bytes) = (taker.documents.clone(), taker.bytes.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (documents, bytes) = (documents.clone(), bytes.clone());
                // A connection ends when the client is done with it.
                thread::spawn(move || serve(stream, &documents, &bytes));
            }
        });
        taker
    }
}

#[expect(clippy::disallowed_methods, reason = "what it inflates floodmark has sent")]
fn serve(mut stream: TcpStream, documents: &AtomicU64, bytes: &AtomicU64) -> io::Result<()> {
    let mut held = Vec::new();
    let mut part = vec![0; 256 << 10];
    let mut more = |stream: &mut TcpStream, held: &mut Vec<u8>| match stream.read(&mut part)? {
        0 => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
        read => {
            held.extend_from_slice(&part[..read]);
            Ok(())
        }
    };
    loop {
        let end = loop {
            if let Some(end) = held.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            more(&mut stream, &mut held)?;
        };
        let head = String::from_utf8_lossy(&held[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
        let whole: usize = end + length.unwrap_or(0);
        while held.len() < whole {
            more(&mut stream, &mut held)?;
        }
        let body = &held[end..whole];
        let answer = match head.starts_with("post /_bulk") {
            true => {
                bytes.fetch_add(body.len() as u64, Relaxed);
                let mut inflated = Vec::new();
                if head.contains("content-encoding: gzip") {
                    GzDecoder::new(body).read_to_end(&mut inflated)?;
                } else {
                    inflated.extend_from_slice(body);
                }
                let count = inflated.iter().filter(|byte| **byte == b'\n').count() / 2;
                documents.fetch_add(count as u64, Relaxed);
                let items = vec![r#"{"create":{"status":201}}"#; count].join(",");
                format!(r#"{{"errors":false,"items":[{items}]}}"#)
            }
            false => "{}".to_owned(),
        };
        held.drain(..whole);
        let length = answer.len();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{answer}"
        )?;
    }
}
