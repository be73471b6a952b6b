//! Silence: while no broker can be reached librdkafka waits and reports nothing, and somebody has to say so.

use std::time::{Duration, Instant};

use super::ledger::Tally;
use crate::kafka::{Fault, Session};

/// When a report was last heard.
#[derive(Debug)]
pub struct Quiet {
    heard: Tally,
    since: Instant,
}

/// How long documents may be out without any report.
const QUIET_MAX: Duration = Duration::from_secs(5);

// === impl Quiet ===

impl Quiet {
    /// Nothing was heard until `now`.
    pub fn new(now: Instant) -> Self {
        Self { heard: Tally::default(), since: now }
    }

    /// Whether reports have come since it was last asked. Silence counts from the last report, or from when there was
    /// nothing to report.
    pub fn hear(&mut self, tally: Tally, now: Instant) -> bool {
        let came = tally.reports != self.heard.reports;
        if came || self.heard.out == 0 || tally.out == 0 {
            self.since = now;
        }
        self.heard = tally;
        came
    }

    /// What is wrong, where documents have been out for too long or the brokers refuse who we are.
    pub fn trouble(&self, tally: Tally, now: Instant, session: &Session) -> Option<String> {
        let silent = now.saturating_duration_since(self.since);
        if tally.out == 0 || silent < QUIET_MAX && !session.is_refused() {
            return None;
        }
        let fault = if session.is_refused() { Fault::Authentication } else { Fault::Unreachable };
        let last = session.last_error().unwrap_or_else(|| "the brokers say nothing".to_owned());
        Some(format!("could not get documents confirmed: {last}; {}", fault.remedy()))
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::{ClientContext, error::KafkaError, error::RDKafkaErrorCode};

    use super::*;
    use crate::telemetry::clock;

    const fn tally(out: usize, reports: u64) -> Tally {
        Tally { out, reports }
    }

    #[test]
    fn silence_is_trouble_only_while_documents_are_out_and_for_long_enough() {
        let (session, start) = (Session::default(), clock::monotonic());
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut quiet = Quiet::new(start);
        let mut trouble = |seconds, tally| {
            quiet.hear(tally, at(seconds));
            quiet.trouble(tally, at(seconds), &session)
        };
        assert_eq!(trouble(60, tally(0, 0)), None, "nothing to report");
        assert_eq!(trouble(120, tally(9, 0)), None, "the minutes before do not count");
        assert_eq!(trouble(124, tally(9, 0)), None);
        assert!(trouble(125, tally(9, 0)).unwrap().contains("`brokers`"));
        assert_eq!(trouble(126, tally(8, 1)), None, "one report is enough");
        assert_eq!(trouble(130, tally(9, 1)), None);
        assert!(trouble(131, tally(9, 1)).is_some());
    }

    #[test]
    fn a_refusal_of_who_we_are_is_trouble_at_once() {
        let (session, start) = (Session::default(), clock::monotonic());
        let mut quiet = Quiet::new(start);
        session.error(KafkaError::Global(RDKafkaErrorCode::Authentication), "no such user");
        quiet.hear(tally(1, 0), start);
        let trouble = quiet.trouble(tally(1, 0), start, &session).unwrap();
        assert!(trouble.contains("no such user") && trouble.contains("`sasl`"), "{trouble}");
    }
}
