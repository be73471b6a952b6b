//! The other side: Firehose as AWS documents it, and a client of HTTP that can be told to misbehave.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, write::GzEncoder};
use floodmark::telemetry::clock;
use serde_json::Value;

use super::KEY;

/// A connection.
pub struct Client {
    stream: TcpStream,
    pub key: Option<String>,
    pub gzip: bool,
    /// More lines of the head.
    pub more: String,
}

/// What Firehose wants to deliver.
#[derive(Clone)]
pub struct Delivery {
    pub id: String,
    pub records: Vec<Vec<u8>>,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub text: String,
}

/// Firehose: it tries again until it is told 200 or its retry duration is over.
pub struct Driver {
    pub port: u16,
    pub key: String,
    pub gzip: bool,
    /// The first wait; AWS's is a second. It doubles up to 120 times itself.
    pub first_wait: Duration,
    /// AWS's is up to 7,200 s.
    pub retry_duration: Duration,
    /// How long an answer may take; AWS's is 180 s.
    pub patience: Duration,
}

/// Whether somebody on `port` says at `/health` that it lives.
pub fn lives(port: u16) -> Option<()> {
    Client::connect(port)?.is_healthy().then_some(())
}

// === impl Client ===

impl Client {
    /// A connection to `port`; nothing where nobody listens.
    pub fn connect(port: u16) -> Option<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(180))).ok()?;
        stream.set_write_timeout(Some(Duration::from_secs(180))).ok()?;
        Some(Self { stream, key: Some(KEY.to_owned()), gzip: false, more: String::new() })
    }

    pub fn patience(&self, patience: Duration) {
        self.stream.set_read_timeout(Some(patience)).unwrap();
    }

    /// Whether `/health` is answered with 200, without a key.
    pub fn is_healthy(&mut self) -> bool {
        let sent = self.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
        sent.is_some() && self.reply().is_some_and(|reply| reply.status == 200)
    }

    /// Sends a delivery and reads its answer; nothing where the connection breaks.
    pub fn deliver(&mut self, delivery: &Delivery) -> Option<Reply> {
        self.send(&delivery.id, &delivery.body())?;
        self.reply()
    }

    /// Sends a body under an id, gzipped where asked for.
    pub fn send(&mut self, id: &str, body: &str) -> Option<()> {
        let bytes = if self.gzip { gzip(body.as_bytes()) } else { body.as_bytes().to_vec() };
        let head = self.head(id, bytes.len());
        self.write(head.as_bytes())?;
        self.write(&bytes)
    }

    /// The head that Firehose sends before a body of `length` bytes.
    pub fn head(&self, id: &str, length: usize) -> String {
        let key =
            self.key.as_ref().map(|key| format!("X-Amz-Firehose-Access-Key: {key}\r\n")).unwrap_or_default();
        let encoding = if self.gzip { "Content-Encoding: gzip\r\n" } else { "" };
        format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             X-Amz-Firehose-Protocol-Version: 1.0\r\nX-Amz-Firehose-Request-Id: {id}\r\n\
             X-Amz-Firehose-Source-Arn: arn:aws:firehose:eu-west-1:012345678901:deliverystream/flows\r\n\
             {key}{encoding}{}Content-Length: {length}\r\n\r\n",
            self.more
        )
    }

    pub fn write(&mut self, bytes: &[u8]) -> Option<()> {
        self.stream.write_all(bytes).ok()
    }

    /// Reads one answer, as long as its Content-Length says.
    pub fn reply(&mut self) -> Option<Reply> {
        let mut bytes = Vec::new();
        let head = loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break String::from_utf8(bytes.drain(..end + 4).collect()).unwrap();
            }
            let mut block = [0; 4096];
            match self.stream.read(&mut block) {
                Ok(0) | Err(_) => return None,
                Ok(count) => bytes.extend_from_slice(&block[..count]),
            }
        };
        if head.starts_with("HTTP/1.1 100") {
            return self.reply();
        }
        let lower = head.to_lowercase();
        let length = lower.split_once("content-length: ")?.1.split("\r\n").next()?.parse().unwrap();
        let have = bytes.len();
        bytes.resize(length, 0);
        self.stream.read_exact(&mut bytes[have..]).ok()?;
        let status = head.split(' ').nth(1)?.parse().unwrap();
        Some(Reply { status, head, text: String::from_utf8(bytes).unwrap() })
    }
}

// === impl Reply ===

impl Reply {
    /// Fails unless Firehose would understand it as the answer to the request `id`, as AWS documents it.
    #[track_caller]
    pub fn assert_is_for(&self, id: &str) {
        let said: Value = serde_json::from_str(&self.text).expect(&self.text);
        assert_eq!(said["requestId"], id, "{self:?}");
        assert!(said["timestamp"].as_u64().is_some_and(|millis| millis > 1_700_000_000_000), "{self:?}");
        let known = ["requestId", "timestamp", "errorMessage"];
        assert!(said.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())), "{self:?}");
        assert_eq!(said["errorMessage"].is_string(), self.status != 200, "{self:?}");
        assert!(said["errorMessage"].as_str().is_none_or(|text| text.len() <= 8192), "{self:?}");
        let head = self.head.to_lowercase();
        assert!(head.contains("content-type: application/json\r\n"), "{head}");
        assert!(head.contains("content-length: ") && !head.contains("content-encoding"), "{head}");
        assert!(!(300..400).contains(&self.status) && self.status != 413, "{head}");
    }

    /// Whether Firehose would take it for a success.
    pub fn is_success(&self, id: &str) -> bool {
        if self.status == 200 {
            self.assert_is_for(id);
        }
        self.status == 200
    }
}

// === impl Delivery ===

impl Delivery {
    pub fn new(id: &str, records: Vec<Vec<u8>>) -> Self {
        Self { id: id.to_owned(), records }
    }

    pub fn body(&self) -> String {
        let record = |bytes: &Vec<u8>| format!("{{\"data\":\"{}\"}}", STANDARD.encode(bytes));
        let records: Vec<_> = self.records.iter().map(record).collect();
        format!(
            "{{\"requestId\":\"{}\",\"timestamp\":1772409600000,\"records\":[{}]}}",
            self.id,
            records.join(",")
        )
    }
}

// === impl Driver ===

impl Driver {
    /// Firehose, twenty times as fast as AWS's.
    pub fn of(port: u16) -> Self {
        Self {
            port,
            key: KEY.to_owned(),
            gzip: false,
            first_wait: Duration::from_millis(50),
            retry_duration: Duration::from_secs(150),
            patience: Duration::from_secs(30),
        }
    }

    /// Delivers; how many tries it took, or nothing where the retry duration was over first.
    pub fn deliver(&self, delivery: &Delivery) -> Option<u32> {
        let begun = clock::monotonic();
        let mut wait = self.first_wait;
        // Jitter of 15 % both ways, the same for the same id.
        let mut noise = delivery.id.bytes().fold(17_u64, |sum, byte| sum.wrapping_mul(31) + u64::from(byte));
        for tries in 1.. {
            if self.once(delivery) {
                return Some(tries);
            }
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let percent = 85 + (noise >> 33) % 31;
            std::thread::sleep(wait * percent as u32 / 100);
            wait = (wait * 2).min(self.first_wait * 120);
            if begun.elapsed() > self.retry_duration {
                return None;
            }
        }
        None
    }

    fn once(&self, delivery: &Delivery) -> bool {
        let Some(mut client) = Client::connect(self.port) else { return false };
        client.key = Some(self.key.clone());
        client.gzip = self.gzip;
        client.patience(self.patience);
        client.deliver(delivery).is_some_and(|reply| reply.is_success(&delivery.id))
    }
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
