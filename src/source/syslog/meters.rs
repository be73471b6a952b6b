//! What a listener of syslog shows of itself: connections, and what of it is not read.

use crate::telemetry::metrics::{Counter, Gauge, Metrics};

/// A listener's meters.
#[derive(Debug)]
pub(super) struct Meters {
    /// Open connections.
    pub(super) connections: Gauge,
    closed: Vec<Counter>,
    dropped: Vec<Counter>,
    /// How often a connection was not read for a while, because its peer had sent more than it may.
    pub(super) waits: Counter,
    /// Bytes of datagrams that the kernel keeps.
    pub(super) receive_buffer: Gauge,
}

/// Why a connection ended otherwise than its client wanted: a closed set, which is also the metric's label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closed {
    /// Its address had as many as it may.
    PeerFull,
    /// It brought nothing for too long.
    Idle,
    /// TLS was not agreed on, or not in time.
    Handshake,
    /// It broke off.
    Broken,
}

/// Why datagrams were not read: a closed set, which is also the metric's label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dropped {
    /// The kernel had no room for them.
    Kernel,
    /// Their sender had sent more than it may.
    Rate,
}

// === impl Meters ===

impl Meters {
    /// The meters of a source's listener, called as in `tcp 0.0.0.0:514`.
    pub(super) fn new(metrics: &Metrics, source: &str, listener: &str) -> Self {
        let labels = || vec![("source", source.to_owned()), ("listener", listener.to_owned())];
        let of_reason = |name, help, reason: &str| {
            metrics.counter(name, help, [labels(), vec![("reason", reason.to_owned())]].concat())
        };
        let closed = |reason: Closed| {
            let help = "Connections that ended otherwise than their clients wanted.";
            of_reason("floodmark_source_syslog_connections_closed", help, reason.name())
        };
        let dropped = |reason: Dropped| {
            let help = "Datagrams that arrived and were not read.";
            of_reason("floodmark_source_syslog_datagrams_dropped", help, reason.name())
        };
        Self {
            connections: metrics.gauge(
                "floodmark_source_syslog_connections",
                "Open connections.",
                labels(),
            ),
            closed: Closed::ALL.map(closed).into(),
            dropped: Dropped::ALL.map(dropped).into(),
            waits: metrics.counter(
                "floodmark_source_syslog_waits",
                "Times that a connection was not read for a while, because its peer had sent more than it may.",
                labels(),
            ),
            receive_buffer: metrics.gauge(
                "floodmark_source_syslog_receive_buffer_bytes",
                "Bytes of datagrams that the kernel keeps until they are read.",
                labels(),
            ),
        }
    }

    /// Connections that ended so.
    pub(super) fn closed(&self, reason: Closed) -> &Counter {
        &self.closed[reason as usize]
    }

    /// Datagrams that were dropped so.
    pub(super) fn dropped(&self, reason: Dropped) -> &Counter {
        &self.dropped[reason as usize]
    }
}

// === impl Closed ===

impl Closed {
    const ALL: [Self; 4] = [Self::PeerFull, Self::Idle, Self::Handshake, Self::Broken];

    const fn name(self) -> &'static str {
        match self {
            Self::PeerFull => "peer_full",
            Self::Idle => "idle",
            Self::Handshake => "handshake",
            Self::Broken => "broken",
        }
    }
}

// === impl Dropped ===

impl Dropped {
    const ALL: [Self; 2] = [Self::Kernel, Self::Rate];

    const fn name(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Rate => "rate",
        }
    }
}
