//! The ledger: what the brokers said of each document that was handed over, and who waits to hear it.
//!
//! A batch of documents takes a slot when it is handed over. Each document carries one number to librdkafka and back:
//! the slot's and its own within the slot. So a report costs no allocation, and the last report of a batch answers it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rdkafka::error::RDKafkaErrorCode;
use tokio::sync::{oneshot, watch};

/// What is known of one document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// Nothing yet; or nothing ever, when the producer is gone.
    Out,
    /// All replicas have it.
    Written,
    /// It was not taken.
    Failed(RDKafkaErrorCode),
}

/// The reports of one batch, in the order of its documents, once all have come.
pub type Answer = oneshot::Receiver<Vec<Report>>;

/// What a document carries to librdkafka and back.
pub type Mark = usize;

/// The slots of one sink, over all its producers.
#[derive(Debug, Default)]
pub struct Ledger {
    inner: Mutex<Inner>,
    /// How many documents were not taken so far.
    failures: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Inner {
    slots: Vec<Slot>,
    free: Vec<usize>,
    tally: Tally,
}

#[derive(Debug, Default)]
struct Slot {
    /// Which producer has it.
    producer: u64,
    reports: Vec<Report>,
    /// How many of them are still out.
    out: usize,
    answer: Option<oneshot::Sender<Vec<Report>>>,
}

/// How many documents are out, and how many reports have ever come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Documents without a report.
    pub out: usize,
    /// Reports so far.
    pub reports: u64,
}

/// Bits of a mark that are the document's number; the others are the slot's.
const NUMBER_BITS: u32 = usize::BITS * 5 / 8;

// === impl Ledger ===

impl Ledger {
    /// Opens a slot for `len` documents that go to `producer`; `len` is not 0. Returns the mark of the first; the others follow.
    pub fn begin(&self, producer: u64, len: usize) -> (Mark, Answer) {
        let (sender, answer) = oneshot::channel();
        let mut inner = self.lock();
        let number = inner.free.pop().unwrap_or_else(|| {
            inner.slots.push(Slot::default());
            inner.slots.len() - 1
        });
        inner.tally.out += len;
        inner.slots[number] =
            Slot { producer, reports: vec![Report::Out; len], out: len, answer: Some(sender) };
        (number << NUMBER_BITS, answer)
    }

    /// Notes what became of the document with this mark. A second report of the same document changes nothing.
    pub fn note(&self, mark: Mark, report: Report) {
        let mut inner = self.lock();
        let Inner { slots, free, tally } = &mut *inner;
        let number = mark >> NUMBER_BITS;
        let Some(slot) = slots.get_mut(number) else { return };
        let Some(known) = slot.reports.get_mut(mark & ((1 << NUMBER_BITS) - 1)) else { return };
        if *known != Report::Out {
            return;
        }
        *known = report;
        if report != Report::Written {
            self.failures.send_modify(|failures| *failures += 1);
        }
        slot.out -= 1;
        tally.out -= 1;
        tally.reports += 1;
        if slot.out == 0 {
            slot.answer();
            free.push(number);
        }
    }

    /// Sees every document from now on that is not taken.
    pub fn failures(&self) -> watch::Receiver<u64> {
        self.failures.subscribe()
    }

    /// Answers everyone who waits for `producer`, which is gone: what it has not reported stays [`Report::Out`].
    pub fn close(&self, producer: u64) {
        let mut inner = self.lock();
        let Inner { slots, free, tally } = &mut *inner;
        for (number, slot) in slots.iter_mut().enumerate() {
            if slot.producer == producer && slot.answer.is_some() {
                tally.out -= slot.out;
                slot.answer();
                free.push(number);
            }
        }
    }

    /// How many documents are out, and how many reports have come.
    pub fn tally(&self) -> Tally {
        self.lock().tally
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Slot ===

impl Slot {
    /// Says what was reported; nobody may be there to hear it.
    fn answer(&mut self) {
        let reports = std::mem::take(&mut self.reports);
        if let Some(answer) = self.answer.take() {
            let _ = answer.send(reports);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: Report = Report::Failed(RDKafkaErrorCode::MessageSizeTooLarge);

    #[test]
    fn a_batch_is_answered_by_its_last_report_and_each_document_keeps_its_own() {
        let ledger = Ledger::default();
        let (one, mut first) = ledger.begin(1, 3);
        let (two, mut second) = ledger.begin(1, 1);
        ledger.note(one + 2, Report::Written);
        ledger.note(one, FULL);
        ledger.note(one, Report::Written);
        assert!(first.try_recv().is_err(), "one is out");
        ledger.note(two, Report::Written);
        assert_eq!(second.try_recv().unwrap(), [Report::Written]);
        ledger.note(one + 1, Report::Written);
        assert_eq!(first.try_recv().unwrap(), [FULL, Report::Written, Report::Written]);
        assert_eq!(ledger.tally(), Tally { out: 0, reports: 4 });
        let (again, _answer) = ledger.begin(1, 2);
        assert!(again == one || again == two, "slots are used again");
    }

    #[test]
    fn a_producer_that_is_gone_leaves_nobody_waiting_and_touches_no_other() {
        let ledger = Ledger::default();
        let (lost, mut first) = ledger.begin(1, 2);
        let (_, mut second) = ledger.begin(2, 2);
        ledger.note(lost, Report::Written);
        ledger.close(1);
        assert_eq!(first.try_recv().unwrap(), [Report::Written, Report::Out]);
        assert!(second.try_recv().is_err(), "the other producer may still report");
        assert_eq!(ledger.tally().out, 2);
    }
}
