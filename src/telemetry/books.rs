//! The books: every record, entry and document is counted where something happens to it, and nothing is derived.
//!
//! Per source, in records: received = opened + quarantined + ignored (control) + in flight. In entries: found = parsed +
//! quarantined + ignored (header, blank) + in flight. Per sink, in documents: offered + recovered (from
//! the disk buffer of an earlier run) = delivered + filtered + sampled + dead-lettered + abandoned (a drain that timed out) +
//! revoked (another worker's by now) + dropped (as configured) + damaged (in the disk buffer, whose file is kept) + in flight.
//! What is in a disk buffer is in flight.

use super::metrics::{Counter, Gauge, Metrics};
use crate::event::Reason;

/// One source's books. Clones share them.
#[derive(Debug, Clone)]
pub struct SourceBooks {
    /// Records received, counted by the source.
    pub records_received: Counter,
    /// Records whose entries were found, counted when they are resolved.
    pub records_opened: Counter,
    /// Records that could not be opened, counted when they are resolved.
    pub records_quarantined: Counter,
    /// Records that only keep a connection alive, counted when they are resolved.
    pub records_ignored_control: Counter,
    /// Records received and not resolved yet.
    pub records_in_flight: Gauge,
    /// Bytes received, as they were after decompression.
    pub bytes_received: Counter,
    /// Entries found in records.
    pub entries_found: Counter,
    /// Entries parsed into events.
    pub entries_parsed: Counter,
    /// Header lines.
    pub entries_ignored_header: Counter,
    /// Blank lines.
    pub entries_ignored_blank: Counter,
    /// Entries found and not parsed yet.
    pub entries_in_flight: Gauge,
    entries_quarantined: Vec<Counter>,
}

/// One sink's books. Clones share them.
#[derive(Debug, Clone)]
pub struct SinkBooks {
    /// Documents that could have left: one for each event and finding.
    pub documents_offered: Counter,
    /// Documents that earlier runs left in the disk buffer.
    pub documents_recovered: Counter,
    /// Documents that the other side has confirmed.
    pub documents_delivered: Counter,
    /// Documents that the sink's `select` or `where` leaves out, or that an earlier run delivered.
    pub documents_filtered: Counter,
    /// Documents that the sink's `sample` leaves out.
    pub documents_sampled: Counter,
    /// Documents refused for good, which the dead letter has confirmed.
    pub documents_dead_lettered: Counter,
    /// Documents given up because the drain timed out.
    pub documents_abandoned: Counter,
    /// Documents given up because their partition went to another worker, who delivers them.
    pub documents_revoked: Counter,
    /// Documents dropped because the operator chose `when_full: drop`, or has no dead letter.
    pub documents_dropped: Counter,
    /// Documents that the disk buffer could not give back; the file is kept.
    pub documents_damaged: Counter,
    /// Documents on their way, or in the disk buffer.
    pub documents_in_flight: Gauge,
    /// Deliveries that the sink has been given and has not answered for good.
    pub deliveries_in_flight: Gauge,
    /// Tries after the first.
    pub retries: Counter,
    /// Bytes that the other side has confirmed.
    pub bytes_delivered: Counter,
}

// === impl SourceBooks ===

impl SourceBooks {
    /// The books of the source called `source`.
    #[must_use]
    pub fn new(metrics: &Metrics, source: &str) -> Self {
        let labels = || vec![("source", source.to_owned())];
        let quarantined = |reason: Reason| {
            let labels = vec![("source", source.to_owned()), ("reason", reason.name().to_owned())];
            metrics.counter(
                "floodmark_source_entries_quarantined",
                "Entries that could not be parsed.",
                labels,
            )
        };
        let counter = |name, help| metrics.counter(name, help, labels());
        let gauge = |name, help| metrics.gauge(name, help, labels());
        Self {
            records_received: counter("floodmark_source_records_received", "Records received."),
            records_opened: counter("floodmark_source_records_opened", "Records whose entries were found."),
            records_quarantined: counter(
                "floodmark_source_records_quarantined",
                "Records that could not be opened.",
            ),
            records_ignored_control: counter(
                "floodmark_source_records_ignored_control",
                "Records that only keep a connection alive.",
            ),
            records_in_flight: gauge(
                "floodmark_source_records_in_flight",
                "Records received and not opened yet.",
            ),
            bytes_received: counter(
                "floodmark_source_received_bytes",
                "Bytes received, after decompression.",
            ),
            entries_found: counter("floodmark_source_entries_found", "Entries found in records."),
            entries_parsed: counter("floodmark_source_entries_parsed", "Entries parsed into events."),
            entries_ignored_header: counter("floodmark_source_entries_ignored_header", "Header lines."),
            entries_ignored_blank: counter("floodmark_source_entries_ignored_blank", "Blank lines."),
            entries_in_flight: gauge(
                "floodmark_source_entries_in_flight",
                "Entries found and not parsed yet.",
            ),
            entries_quarantined: Reason::ALL.iter().map(|reason| quarantined(*reason)).collect(),
        }
    }

    /// Entries quarantined for `reason`.
    #[must_use]
    pub fn entries_quarantined(&self, reason: Reason) -> &Counter {
        &self.entries_quarantined[reason as usize]
    }

    /// Entries quarantined, whatever the reason.
    #[must_use]
    pub fn entries_quarantined_sum(&self) -> u64 {
        self.entries_quarantined.iter().map(Counter::get).sum()
    }

    /// Whether both accounts balance, with what is in flight.
    #[must_use]
    pub fn balance(&self) -> bool {
        let in_flight = |gauge: &Gauge| u64::try_from(gauge.get()).unwrap_or(u64::MAX);
        let records = self.records_opened.get()
            + self.records_quarantined.get()
            + self.records_ignored_control.get()
            + in_flight(&self.records_in_flight);
        let entries = self.entries_parsed.get()
            + self.entries_quarantined_sum()
            + self.entries_ignored_header.get()
            + self.entries_ignored_blank.get()
            + in_flight(&self.entries_in_flight);
        self.records_received.get() == records && self.entries_found.get() == entries
    }
}

// === impl SinkBooks ===

impl SinkBooks {
    /// The books of the sink called `sink`.
    #[must_use]
    pub fn new(metrics: &Metrics, sink: &str) -> Self {
        let counter = |name, help| metrics.counter(name, help, vec![("sink", sink.to_owned())]);
        Self {
            documents_offered: counter("floodmark_sink_documents_offered", "Documents that could have left."),
            documents_recovered: counter(
                "floodmark_sink_documents_recovered",
                "Documents that earlier runs left in the disk buffer.",
            ),
            documents_delivered: counter("floodmark_sink_documents_delivered", "Documents confirmed."),
            documents_filtered: counter(
                "floodmark_sink_documents_filtered",
                "Documents left out by select or where.",
            ),
            documents_sampled: counter("floodmark_sink_documents_sampled", "Documents left out by sample."),
            documents_dead_lettered: counter(
                "floodmark_sink_documents_dead_lettered",
                "Documents refused for good, kept in the dead letter.",
            ),
            documents_abandoned: counter(
                "floodmark_sink_documents_abandoned",
                "Documents given up in a drain.",
            ),
            documents_revoked: counter(
                "floodmark_sink_documents_revoked",
                "Documents given up because their partition went to another worker.",
            ),
            documents_dropped: counter(
                "floodmark_sink_documents_dropped",
                "Documents dropped as configured.",
            ),
            documents_damaged: counter(
                "floodmark_sink_documents_damaged",
                "Documents that the disk buffer could not give back; its file is kept.",
            ),
            documents_in_flight: metrics.gauge(
                "floodmark_sink_documents_in_flight",
                "Documents on their way, those in a disk buffer included.",
                vec![("sink", sink.to_owned())],
            ),
            deliveries_in_flight: metrics.gauge(
                "floodmark_sink_deliveries_in_flight",
                "Batches of documents that the sink has and has not confirmed.",
                vec![("sink", sink.to_owned())],
            ),
            retries: counter("floodmark_sink_retries", "Tries after the first."),
            bytes_delivered: counter("floodmark_sink_delivered_bytes", "Bytes confirmed."),
        }
    }

    /// Whether the account balances, with what is in flight.
    #[must_use]
    pub fn balance(&self) -> bool {
        let accounted = self.documents_delivered.get()
            + self.documents_filtered.get()
            + self.documents_sampled.get()
            + self.documents_dead_lettered.get()
            + self.documents_abandoned.get()
            + self.documents_revoked.get()
            + self.documents_dropped.get()
            + self.documents_damaged.get()
            + u64::try_from(self.documents_in_flight.get()).unwrap_or(u64::MAX);
        self.documents_offered.get() + self.documents_recovered.get() == accounted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_goes_uncounted_unbalances_the_books() {
        let books = SourceBooks::new(&Metrics::default(), "flows");
        books.records_received.inc_by(2);
        books.records_opened.inc();
        assert!(!books.balance());
        books.records_in_flight.inc();
        assert!(books.balance());
        books.entries_found.inc();
        assert!(!books.balance());
        books.entries_quarantined(Reason::BadNumber).inc();
        assert!(books.balance());
    }

    #[test]
    fn every_reason_has_a_counter_of_its_own() {
        let metrics = Metrics::default();
        let books = SourceBooks::new(&metrics, "flows");
        for reason in Reason::ALL {
            books.entries_quarantined(reason).inc();
            assert_eq!(books.entries_quarantined(reason).get(), 1, "{reason}");
        }
    }
}
