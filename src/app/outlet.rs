//! An outlet: a sink as the workers see it, with its queue, its books and the buffers that come back.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{
    event::{Documents, Receipt},
    pipe::QueueSender,
    telemetry::books::SinkBooks,
};

/// Where the workers put documents for one sink.
#[derive(Debug, Clone)]
pub(super) struct Outlet {
    pub(super) queue: QueueSender<Documents>,
    pub(super) books: SinkBooks,
    pub(super) spare: Spare,
    /// Whether a chunk without a document passes too, because its position is committed by the sink.
    pub(super) passes_empty: bool,
}

/// Buffers of delivered documents, to be filled again.
#[derive(Debug, Clone, Default)]
pub(super) struct Spare(Arc<Mutex<Vec<Documents>>>);

/// Buffers kept for another filling, at most; more are in use at a time only while a sink is slow.
const SPARE_MAX: usize = 16;

// === impl Outlet ===

impl Outlet {
    /// Puts `documents` into the sink's queue; waits while the sink is slow.
    pub(super) async fn put(&self, documents: Documents) {
        let count = documents.len() as u64;
        let stands_for_a_position = || {
            let covered = documents.receipt.covers();
            covered.is_some_and(|covered| covered.origin.kafka_partition().is_some())
        };
        if count == 0 && !(self.passes_empty && stands_for_a_position()) {
            self.spare.put_confirmed(documents);
            return;
        }
        let bytes = documents.bytes.len();
        if self.queue.send(documents, bytes).await.is_err() {
            self.books.documents_abandoned.inc_by(count);
            self.books.documents_in_flight.dec_by(count as i64);
        }
    }
}

// === impl Spare ===

impl Spare {
    /// Empty documents under `receipt`, in a used buffer where there is one.
    pub(super) fn take(&self, receipt: Receipt) -> Documents {
        let spare = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut documents = spare.unwrap_or_else(|| Documents::new(Receipt::unclaimed()));
        documents.recycle().confirm();
        documents.receipt = receipt;
        documents
    }

    /// Takes a buffer back whose documents need not be delivered, and confirms its receipt.
    pub(super) fn put_confirmed(&self, mut documents: Documents) {
        documents.recycle().confirm();
        self.put(documents);
    }

    /// Takes a buffer back.
    pub(super) fn put(&self, documents: Documents) {
        let mut spare = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < SPARE_MAX {
            spare.push(documents);
        }
    }
}
