//! What `from: { firehose: … }` holds.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    quantity::{ByteSize, Duration},
    secret::Secret,
    source::{intake::RECORD_BYTES_MAX, tls::Tls},
};

/// An HTTP endpoint for Amazon Data Firehose, delivery protocol 1.0. A request is answered when everything in it is
/// delivered or quarantined.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Address and port to listen on. `/health` answers 200 there without a key; every other path takes requests.
    #[schemars(with = "String")]
    pub listen: SocketAddr,
    /// Our certificate, for HTTPS. Firehose asks for one that an authority it trusts has signed, on port 443. Needed
    /// unless `listen` is a loopback address or `behind_proxy` is set.
    #[serde(default)]
    pub tls: Option<Tls>,
    /// A proxy or balancer before us ends TLS, and nobody else can reach `listen`: plain HTTP is taken on any address.
    /// Default: false.
    #[serde(default)]
    pub behind_proxy: bool,
    /// The access keys that are taken; Firehose sends one. Write the new one beside the old one to change it. Keys in
    /// files are read again every 5 s. At least one, unless `without_keys` is set.
    #[serde(default)]
    pub access_keys: Vec<Secret>,
    /// Take requests from anybody who can reach `listen`, without a key. Default: false.
    #[serde(default)]
    pub without_keys: bool,
    /// How long a request may take from its first byte to its answer, 1s to 170s: Firehose waits 180 s. What is not
    /// delivered by then is answered with 503, and Firehose sends it again. Default: `120s`.
    #[serde(default = "deadline")]
    pub deadline: Duration,
    /// The largest body, decompressed, 64KiB to 256MiB. Firehose sends 64MiB at most; a smaller number is refused with
    /// 400. Default: `64MiB`.
    #[serde(default = "body_bytes_max")]
    pub body_bytes_max: ByteSize,
    /// The longest record, 1KiB to 8MiB; of a longer one this much is quarantined and the rest skipped. Default:
    /// `1MiB`; Firehose sends 1,024,000 bytes at most.
    #[serde(default = "record_bytes_max")]
    pub record_bytes_max: ByteSize,
    /// The most bytes of bodies that are read and not decoded yet, over all connections; a request waits for its room
    /// before it is read. At least `body_bytes_max`. Default: `64MiB`.
    #[serde(default = "body_bytes_max")]
    pub waiting_bytes_max: ByteSize,
    /// The most connections at a time, 1 to 10,000; others wait. Default: 48.
    #[serde(default = "connections_max")]
    #[schemars(range(min = 1, max = 10_000))]
    pub connections_max: u16,
}

/// What one connection takes at most: a head of 128 KiB, what is read of a body, and TLS's own buffers.
const CONNECTION_BYTES: u64 = 256 << 10;
/// What decoding takes beside the body and what becomes of it: a block, and one record's base64.
const DECODING_BYTES: u64 = 1 << 20;

const fn deadline() -> Duration {
    Duration::seconds(120)
}

const fn body_bytes_max() -> ByteSize {
    ByteSize::mebibytes(64)
}

const fn record_bytes_max() -> ByteSize {
    ByteSize::mebibytes(1)
}

const fn connections_max() -> u16 {
    48
}

// === impl Config ===

impl Config {
    /// Bytes that it takes beside what is in flight: bodies that wait, the one whose records are fed, a record that is being
    /// inflated, and connections.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        self.waiting_bytes_max.as_u64()
            + self.body_bytes_max.as_u64()
            + DECODING_BYTES
            + RECORD_BYTES_MAX as u64
            + 2 * self.record_bytes_max.as_u64()
            + u64::from(self.connections_max) * CONNECTION_BYTES
    }

    /// What no type can see: the key, what is wrong with it, and what helps.
    #[must_use]
    pub fn problems(&self) -> Vec<(&'static str, &'static str, &'static str)> {
        let body = self.body_bytes_max.as_u64();
        let rows = [
            (
                self.tls.is_none() && !self.behind_proxy && !self.listen.ip().is_loopback(),
                "listen",
                "access keys and flow logs would cross the network in plain text",
                "set `tls`; or set `behind_proxy: true` where a proxy ends TLS and only it can reach this address",
            ),
            (
                self.access_keys.is_empty() && !self.without_keys,
                "access_keys",
                "anybody who reaches the address could send records",
                "name at least one key; or set `without_keys: true` where something else keeps others out",
            ),
            (
                !self.access_keys.is_empty() && self.without_keys,
                "without_keys",
                "`access_keys` names keys, which would not be asked for",
                "leave one of the two out",
            ),
            (
                !(1_000..=170_000).contains(&self.deadline.as_millis()),
                "deadline",
                "Firehose waits 180 s for an answer",
                "write a time from 1s to 170s",
            ),
            (
                !(64 << 10..=256 << 20).contains(&body),
                "body_bytes_max",
                "a body has 64KiB to 256MiB",
                "leave it at 64MiB, the most that Firehose sends",
            ),
            (
                !(1 << 10..=8 << 20).contains(&self.record_bytes_max.as_u64()),
                "record_bytes_max",
                "a record has 1KiB to 8MiB",
                "leave it at 1MiB, more than Firehose sends",
            ),
            (
                !(body..=1 << 40).contains(&self.waiting_bytes_max.as_u64()),
                "waiting_bytes_max",
                "the largest body must fit, and at most 1TiB",
                "write at least `body_bytes_max`",
            ),
        ];
        rows.into_iter().filter(|(wrong, ..)| *wrong).map(|(_, key, text, help)| (key, text, help)).collect()
    }
}
