//! What a Firehose source shows of itself: requests by how they were answered, bodies, connections, keys.

use hyper::StatusCode;

use crate::telemetry::metrics::{Counter, Gauge, Metrics};

/// How a request was answered: a closed set, which is also the metric's label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answered {
    /// Everything in it is delivered or quarantined.
    Delivered,
    /// It was delivered before.
    Replayed,
    /// Its access key is missing or wrong.
    Refused,
    /// It is no request of Firehose, or over a limit.
    Unreadable,
    /// There was no room for it within its deadline.
    Busy,
    /// It was fed, and not delivered within its deadline.
    Late,
    /// The sinks gave it up, because the process ends.
    Abandoned,
    /// The process ends.
    Stopping,
}

/// A source's meters.
#[derive(Debug)]
pub(super) struct Meters {
    requests: Vec<Counter>,
    /// Bytes of bodies, as they came.
    pub(super) body_bytes: Counter,
    /// Open connections.
    pub(super) connections: Gauge,
    /// Requests whose access key was missing or wrong.
    pub(super) keys_refused: Counter,
    /// Requests that came again under the id of one that was on its way or delivered.
    pub(super) requests_replayed: Counter,
}

// === impl Answered ===

impl Answered {
    const ALL: [Self; 8] = [
        Self::Delivered,
        Self::Replayed,
        Self::Refused,
        Self::Unreadable,
        Self::Busy,
        Self::Late,
        Self::Abandoned,
        Self::Stopping,
    ];

    /// The status that Firehose is told: 200 once nothing can be lost, never 413, after which it would drop the records.
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::Delivered | Self::Replayed => StatusCode::OK,
            Self::Refused => StatusCode::UNAUTHORIZED,
            Self::Unreadable => StatusCode::BAD_REQUEST,
            Self::Busy | Self::Late | Self::Abandoned | Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Replayed => "replayed",
            Self::Refused => "refused",
            Self::Unreadable => "unreadable",
            Self::Busy => "busy",
            Self::Late => "late",
            Self::Abandoned => "abandoned",
            Self::Stopping => "stopping",
        }
    }
}

// === impl Meters ===

impl Meters {
    pub(super) fn new(metrics: &Metrics, source: &str) -> Self {
        let labels = || vec![("source", source.to_owned())];
        let requests = |answered: Answered| {
            let labels = vec![("source", source.to_owned()), ("outcome", answered.name().to_owned())];
            metrics.counter(
                "floodmark_source_firehose_requests",
                "Requests by how they were answered.",
                labels,
            )
        };
        Self {
            requests: Answered::ALL.map(requests).into(),
            body_bytes: metrics.counter(
                "floodmark_source_firehose_body_bytes",
                "Bytes of bodies, as they came.",
                labels(),
            ),
            connections: metrics.gauge(
                "floodmark_source_firehose_connections",
                "Open connections.",
                labels(),
            ),
            keys_refused: metrics.counter(
                "floodmark_source_firehose_keys_refused",
                "Requests whose access key was missing or wrong.",
                labels(),
            ),
            requests_replayed: metrics.counter(
                "floodmark_source_firehose_requests_replayed",
                "Requests that came again while they were on their way or after they were delivered.",
                labels(),
            ),
        }
    }

    /// Requests that were answered so.
    pub(super) fn requests(&self, answered: Answered) -> &Counter {
        &self.requests[answered as usize]
    }
}
