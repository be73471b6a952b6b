//! Where a document belongs: the data stream of its kind, or the index of its kind and day.

use jiff::{Timestamp, tz::TimeZone};

use super::config::Into;
use crate::event::{DocumentKind, Namespace};

/// Where documents of one sink are created.
#[derive(Debug, Clone)]
pub(super) struct Target {
    into: Into,
    namespace: Namespace,
}

/// Writes names, and remembers the last one, because most documents of a bulk belong to the same.
#[derive(Debug)]
pub(super) struct Names<'a> {
    target: &'a Target,
    /// Of which kind and day the last one is.
    last: Option<(&'static str, i64)>,
    name: String,
}

/// What comes before the kind.
const STREAM: &str = "logs-floodmark.";
const INDEX: &str = "floodmark-";
const SECONDS_PER_DAY: i64 = 86_400;

// === impl Target ===

impl Target {
    pub(super) fn new(into: Into, namespace: Namespace) -> Self {
        Self { into, namespace }
    }

    pub(super) fn is_stream(&self) -> bool {
        self.into == Into::Streams
    }

    /// A writer of names.
    pub(super) fn names(&self) -> Names<'_> {
        Names { target: self, last: None, name: String::new() }
    }

    /// One name for each kind of document that comes here: that of the stream, or of the index of the day of `at`, in
    /// seconds since 1970.
    pub(super) fn samples(&self, at: u64) -> [String; 4] {
        [DocumentKind::Event, DocumentKind::Syslog, DocumentKind::Session, DocumentKind::Finding]
            .map(|kind| self.names().of(kind, at).to_owned())
    }

    fn name(&self, kind: &str, at: i64) -> String {
        let namespace = self.namespace.as_str();
        if self.is_stream() {
            return format!("{STREAM}{kind}-{namespace}");
        }
        // What is after the year 9999 is of its last day.
        let time = Timestamp::from_second(at).unwrap_or(Timestamp::MAX);
        let date = TimeZone::UTC.to_datetime(time).date();
        format!("{INDEX}{kind}-{namespace}-{:04}.{:02}.{:02}", date.year(), date.month(), date.day())
    }
}

// === impl Names ===

impl Names<'_> {
    /// Where a document of `kind` and of event time `at`, in seconds since 1970, belongs.
    pub(super) fn of(&mut self, kind: DocumentKind, at: u64) -> &str {
        let kind = match kind {
            DocumentKind::Finding => "finding",
            DocumentKind::Syslog => "syslog",
            DocumentKind::Session => "session",
            // A config that sends lines of quarantine or dead letter here is refused.
            DocumentKind::Event | DocumentKind::Quarantined | DocumentKind::DeadLetter => "flow",
        };
        let at = i64::try_from(at).unwrap_or(i64::MAX);
        let these = (kind, at / SECONDS_PER_DAY);
        if self.last != Some(these) {
            self.last = Some(these);
            self.name = self.target.name(kind, at);
        }
        &self.name
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn name(into: Into, kind: DocumentKind, at: u64) -> String {
        let target = Target::new(into, Namespace::try_from("prod".to_owned()).unwrap());
        target.names().of(kind, at).to_owned()
    }

    #[test]
    fn each_kind_has_its_stream_or_an_index_for_each_day_of_event_time() {
        use DocumentKind::{Event, Finding, Session, Syslog};
        assert_eq!(name(Into::Streams, Event, 1_795_260_664), "logs-floodmark.flow-prod");
        assert_eq!(name(Into::Streams, Syslog, 0), "logs-floodmark.syslog-prod");
        assert_eq!(name(Into::Streams, Session, 0), "logs-floodmark.session-prod");
        assert_eq!(name(Into::Streams, Finding, 0), "logs-floodmark.finding-prod");
        assert_eq!(name(Into::DailyIndices, Event, 1_795_305_599), "floodmark-flow-prod-2026.11.21");
        assert_eq!(name(Into::DailyIndices, Finding, 1_795_305_600), "floodmark-finding-prod-2026.11.22");
        assert_eq!(name(Into::DailyIndices, Event, 0), "floodmark-flow-prod-1970.01.01");
        assert_eq!(name(Into::DailyIndices, Event, u64::MAX), "floodmark-flow-prod-9999.12.30");
    }
}
