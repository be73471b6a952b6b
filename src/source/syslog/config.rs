//! What `from: { syslog: … }` holds.

use std::{fmt, net::SocketAddr, num::NonZeroU32, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    quantity::{ByteSize, Duration},
    secret::Secret,
    source::tls::{Guests, Tls},
};

/// Syslog over UDP, TCP, TLS and Unix sockets. Syslog has no answers: what a sender has handed to the network is gone for
/// it, so a sender should have a queue of its own. What it sends again after a broken connection comes again, under new ids.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where to listen: one or more of `udp`, `tcp`, `tls` and `unix`.
    #[schemars(length(min = 1, max = 64))]
    pub listen: Vec<Listen>,
    /// The longest record, 480B to 8MiB; of a longer one this much is quarantined and the rest skipped. Each connection may
    /// hold this much in memory. Default: `64KiB`.
    #[serde(default = "line_bytes_max")]
    pub line_bytes_max: ByteSize,
    /// The most connections at a time, over all listeners, 1 to 10,000; others wait. Default: 256.
    #[serde(default = "connections_max")]
    #[schemars(range(min = 1, max = 10_000))]
    pub connections_max: u16,
    /// The most connections of one address at a time, 1 to 10,000; others are closed. Default: 64.
    #[serde(default = "connections_per_peer_max")]
    #[schemars(range(min = 1, max = 10_000))]
    pub connections_per_peer_max: u16,
    /// The most records a second of one address. Above that, its connections are not read for a while, and its datagrams
    /// are dropped and counted. Default: no limit.
    #[serde(default)]
    pub records_per_second_max: Option<NonZeroU32>,
    /// How long a connection may bring nothing before it is closed, 1s to 7d. Default: `1h`.
    #[serde(default = "idle_timeout")]
    pub idle_timeout: Duration,
    /// How long a client may take to agree on TLS, 100ms to 5m. Default: `10s`.
    #[serde(default = "handshake_timeout")]
    pub handshake_timeout: Duration,
}

/// One place to listen.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Listen {
    /// Datagrams, one record each (RFC 5426). What arrives while nothing is read, the kernel drops.
    Udp(Udp),
    /// Connections, with octet counting or line feeds (RFC 6587), told apart at each record.
    Tcp(Tcp),
    /// The same under TLS (RFC 5425).
    Tls(TlsListener),
    /// A socket in the file system, for senders on this host.
    Unix(Unix),
}

/// Where datagrams arrive.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Udp {
    /// Address and port. `[::]` takes IPv4 too.
    #[schemars(with = "String")]
    pub address: SocketAddr,
    /// How much the kernel keeps until it is read, 64KiB to 1GiB; the kernel gives no more than `net.core.rmem_max`. Default:
    /// `4MiB`.
    #[serde(default = "receive_buffer")]
    pub receive_buffer: ByteSize,
    /// Let other processes listen there too; the kernel shares the senders out among them. Default: false.
    #[serde(default)]
    pub reuse_port: bool,
}

/// Where connections arrive.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tcp {
    /// Address and port. `[::]` takes IPv4 too.
    #[schemars(with = "String")]
    pub address: SocketAddr,
    /// How many connections wait to be taken, 1 to 65,535; the kernel gives no more than `net.core.somaxconn`. Default: 1,024.
    #[serde(default = "backlog")]
    #[schemars(range(min = 1))]
    pub backlog: u16,
    /// How much of a connection the kernel keeps until it is read, 4KiB to 1GiB. Default: what the kernel thinks best.
    #[serde(default)]
    pub receive_buffer: Option<ByteSize>,
    /// Let other processes listen there too; the kernel shares the connections out among them. Default: false.
    #[serde(default)]
    pub reuse_port: bool,
}

/// Where connections under TLS arrive.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsListener {
    /// Address and port; 6514 is the usual one. `[::]` takes IPv4 too.
    #[schemars(with = "String")]
    pub address: SocketAddr,
    /// PEM file of our certificate and those between it and its authority. Read again when it changes.
    pub certificate: PathBuf,
    /// The certificate's key in PEM, not encrypted; best as `{ file: PATH }`.
    pub key: Secret,
    /// PEM file of authorities: only clients with a certificate that one of them has signed are let in. Default: anybody is.
    #[serde(default)]
    pub client_ca: Option<PathBuf>,
    /// How many connections wait to be taken, 1 to 65,535; the kernel gives no more than `net.core.somaxconn`. Default: 1,024.
    #[serde(default = "backlog")]
    #[schemars(range(min = 1))]
    pub backlog: u16,
    /// How much of a connection the kernel keeps until it is read, 4KiB to 1GiB. Default: what the kernel thinks best.
    #[serde(default)]
    pub receive_buffer: Option<ByteSize>,
    /// Let other processes listen there too; the kernel shares the connections out among them. Default: false.
    #[serde(default)]
    pub reuse_port: bool,
}

/// Where senders of this host come.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unix {
    /// Where the socket is made. One that a process left behind is replaced; any other file is not.
    pub path: PathBuf,
    /// Who may write to it, as an octal number in quotes. Default: `"0660"`.
    #[serde(default = "mode")]
    #[schemars(regex(pattern = r"^0?[0-7]{3}$"))]
    pub mode: String,
    /// Datagrams, as `/dev/log` has them, or connections. Default: `datagram`.
    #[serde(default)]
    pub kind: UnixKind,
}

/// What a Unix socket carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnixKind {
    /// One record each.
    #[default]
    Datagram,
    /// Connections, framed as over TCP.
    Stream,
}

/// The most of one datagram, and so what each place of a batch holds.
pub(super) const DATAGRAM_BYTES: usize = 64 << 10;
/// What one call takes of datagrams, at most.
pub(super) const BATCH_BYTES: usize = quinn_udp::BATCH_SIZE * DATAGRAM_BYTES;
/// Connections that hold a chunk which is not in flight yet, at most.
pub(super) const TURNS: usize = 8;
/// What is read at a time.
pub(super) const BLOCK_BYTES: usize = 64 << 10;
/// Bytes of a chunk that is full; the block that fills it may make it larger.
pub(super) const CHUNK_BYTES: usize = 128 << 10;
/// What a connection takes beside its half record: its task, and TLS's own buffers.
const CONNECTION_BYTES: u64 = 48 << 10;

const fn line_bytes_max() -> ByteSize {
    ByteSize::bytes(64 << 10)
}

const fn connections_max() -> u16 {
    256
}

const fn connections_per_peer_max() -> u16 {
    64
}

const fn idle_timeout() -> Duration {
    Duration::seconds(3_600)
}

const fn handshake_timeout() -> Duration {
    Duration::seconds(10)
}

const fn receive_buffer() -> ByteSize {
    ByteSize::mebibytes(4)
}

const fn backlog() -> u16 {
    1_024
}

fn mode() -> String {
    "0660".to_owned()
}

// === impl Config ===

impl Config {
    /// Bytes that it takes beside what is in flight: half records and buffers of connections, chunks that are being filled
    /// with what is read into them, batches of datagrams, and addresses whose rate is watched.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        let line = self.line_bytes_max.as_u64();
        let of_datagrams = |listen: &&Listen| match listen {
            Listen::Udp(_) => true,
            Listen::Unix(unix) => unix.kind == UnixKind::Datagram,
            Listen::Tcp(_) | Listen::Tls(_) => false,
        };
        let datagrams = self.listen.iter().filter(of_datagrams).count() as u64;
        let watched = self.records_per_second_max.map_or(0, |_| super::peers::BYTES_MAX);
        u64::from(self.connections_max) * (line + CONNECTION_BYTES)
            + TURNS as u64 * (CHUNK_BYTES + 2 * BLOCK_BYTES) as u64
            + TURNS as u64 * line
            + datagrams * (2 * BATCH_BYTES + CHUNK_BYTES) as u64
            + watched
    }

    /// What no type can see: the key, what is wrong with it, and what helps.
    #[must_use]
    pub fn problems(&self) -> Vec<(String, &'static str, &'static str)> {
        let millis = |duration: Duration| duration.as_millis();
        let rows = [
            (
                self.listen.is_empty(),
                "listen",
                "it listens nowhere",
                "name at least one of `udp`, `tcp`, `tls`, `unix`",
            ),
            (
                !(480..=8 << 20).contains(&self.line_bytes_max.as_u64()),
                "line_bytes_max",
                "a record has 480B to 8MiB",
                "leave it at 64KiB, more than senders send",
            ),
            (self.connections_max == 0, "connections_max", "nobody could connect", "leave it at 256"),
            (
                self.connections_per_peer_max == 0,
                "connections_per_peer_max",
                "nobody could connect",
                "leave it at 64",
            ),
            (
                !(1_000..=7 * 86_400_000).contains(&millis(self.idle_timeout)),
                "idle_timeout",
                "a connection is closed after 1s to 7d of nothing",
                "leave it at 1h",
            ),
            (
                !(100..=300_000).contains(&millis(self.handshake_timeout)),
                "handshake_timeout",
                "a handshake may take 100ms to 5m",
                "leave it at 10s",
            ),
        ];
        let own = rows.into_iter().filter(|(wrong, ..)| *wrong);
        let own = own.map(|(_, key, text, help)| (key.to_owned(), text, help));
        let places = self.listen.iter().enumerate().filter_map(|(index, listen)| {
            let (key, text, help) = listen.problem()?;
            Some((format!("listen[{index}].{}.{key}", listen.kind()), text, help))
        });
        own.chain(places).collect()
    }
}

// === impl Listen ===

impl Listen {
    /// Its key in the config.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Udp(_) => "udp",
            Self::Tcp(_) => "tcp",
            Self::Tls(_) => "tls",
            Self::Unix(_) => "unix",
        }
    }

    fn problem(&self) -> Option<(&'static str, &'static str, &'static str)> {
        let buffer = |bytes: &Option<ByteSize>, least: u64| {
            let wrong = bytes.is_some_and(|bytes| !(least..=1 << 30).contains(&bytes.as_u64()));
            wrong.then_some((
                "receive_buffer",
                "the kernel keeps 4KiB to 1GiB, of datagrams at least 64KiB",
                "leave it out, or write 4MiB",
            ))
        };
        match self {
            Self::Udp(udp) => buffer(&Some(udp.receive_buffer), 64 << 10),
            Self::Tcp(tcp) => buffer(&tcp.receive_buffer, 4 << 10),
            Self::Tls(tls) => buffer(&tls.receive_buffer, 4 << 10),
            Self::Unix(unix) => unix.mode_bits().is_none().then_some((
                "mode",
                "it is no octal number of three digits",
                "write `\"0660\"`, or `\"0666\"` for everybody",
            )),
        }
    }
}

/// As in an error or a label: `tcp 0.0.0.0:514`, `unix /run/floodmark.sock`.
impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind();
        match self {
            Self::Udp(Udp { address, .. })
            | Self::Tcp(Tcp { address, .. })
            | Self::Tls(TlsListener { address, .. }) => {
                write!(f, "{kind} {address}")
            }
            Self::Unix(Unix { path, .. }) => write!(f, "{kind} {}", path.display()),
        }
    }
}

// === impl TlsListener ===

impl TlsListener {
    /// As a listener without TLS.
    pub(super) fn tcp(&self) -> Tcp {
        let Self { address, backlog, receive_buffer, reuse_port, .. } = *self;
        Tcp { address, backlog, receive_buffer, reuse_port }
    }

    /// Our certificate, and who may come. No protocol is agreed on: syslog has none to choose from.
    pub(super) fn certificate(&self) -> (Tls, Guests) {
        let tls = Tls { certificate: self.certificate.clone(), key: self.key.clone() };
        (tls, Guests { client_ca: self.client_ca.clone(), protocols: Vec::new(), silent: true })
    }
}

// === impl Unix ===

impl Unix {
    /// Who may write to it, as a number.
    pub(super) fn mode_bits(&self) -> Option<u32> {
        let is_octal = self.mode.bytes().all(|byte| byte.is_ascii_digit());
        let bits = is_octal.then(|| u32::from_str_radix(&self.mode, 8).ok())??;
        (self.mode.len() >= 3 && bits <= 0o777).then_some(bits)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn config(json: &str) -> Config {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn what_is_wrong_is_told_by_its_place_and_what_is_right_is_not() {
        let right = config(
            r#"{ "listen": [{ "udp": { "address": "0.0.0.0:514" } }, { "unix": { "path": "s", "mode": "666" } }] }"#,
        );
        assert_eq!(right.problems(), []);
        let wrong = config(
            r#"{ "listen": [{ "udp": { "address": "0.0.0.0:514" } }, { "unix": { "path": "s", "mode": "rw" } },
                 { "tcp": { "address": "[::]:514", "receive_buffer": "1KiB" } }],
                 "line_bytes_max": "1KiB", "idle_timeout": "10ms", "handshake_timeout": "1h" }"#,
        );
        let keys: Vec<String> = wrong.problems().into_iter().map(|(key, ..)| key).collect();
        assert_eq!(
            keys,
            ["idle_timeout", "handshake_timeout", "listen[1].unix.mode", "listen[2].tcp.receive_buffer"]
        );
        assert_eq!(config(r#"{ "listen": [] }"#).problems()[0].0, "listen");
    }

    #[test]
    fn memory_grows_with_connections_their_lines_and_the_listeners_of_datagrams() {
        let of = |listen: &str, rest: &str| {
            config(&format!(r#"{{ "listen": [{listen}] {rest} }}"#)).memory_bytes()
        };
        let (udp, tcp) =
            (r#"{ "udp": { "address": "0.0.0.0:1" } }"#, r#"{ "tcp": { "address": "0.0.0.0:1" } }"#);
        let one = of(tcp, "");
        assert!(one < 40 << 20, "{one}");
        assert_eq!(of(udp, "") - one, (4 << 20) + (128 << 10));
        assert_eq!(of(tcp, r#", "connections_max": 512"#) - one, 256 * (112 << 10));
        assert_eq!(of(tcp, r#", "line_bytes_max": "128KiB""#) - one, (256 + 8) * (64 << 10));
        assert!(of(tcp, r#", "records_per_second_max": 5"#) > one);
    }
}
