//! What is counted of sessions, as of the last window that folded.

use crate::telemetry::{
    metrics::Metrics,
    shares::{CounterShare, GaugeShare},
};

use super::Sessions;

/// The counters and gauges of the sessions.
#[derive(Debug)]
pub(in crate::score) struct SessionMeters {
    held: GaugeShare,
    ended: CounterShare,
    crowded_out: CounterShare,
}

// === impl SessionMeters ===

impl SessionMeters {
    /// No session yet.
    pub(in crate::score) fn new(metrics: &Metrics) -> Self {
        let counter = |name, help| CounterShare::new(metrics.counter(name, help, Vec::new()));
        Self {
            held: GaugeShare::new(metrics.gauge(
                "floodmark_score_sessions",
                "Conversations of open windows, and sessions that go on; where no sink selects sessions, those with the Internet.",
                Vec::new(),
            )),
            ended: counter("floodmark_score_sessions_ended", "Sessions that have ended, of those that `floodmark_score_sessions` counts."),
            crowded_out: counter(
                "floodmark_score_sessions_crowded_out",
                "Flows that are in no session, because there are as many as may be (score.sessions_max).",
            ),
        }
    }

    /// Notes what all shards hold and have counted.
    pub(in crate::score) fn note<'a>(&self, shards: impl Iterator<Item = &'a Sessions>) {
        let (mut held, mut ended, mut crowded_out) = (0, 0, 0);
        for sessions in shards {
            let (parts, running) = sessions.held();
            held += parts + running;
            ended += sessions.totals.ended;
            crowded_out += sessions.totals.crowded_out;
        }
        self.held.set(held as u64);
        self.ended.raise(ended);
        self.crowded_out.raise(crowded_out);
    }
}
