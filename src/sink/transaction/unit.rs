//! A unit of a transaction: the documents of one chunk, which are committed together or not at all.

use std::{collections::BTreeMap, sync::Arc};

use tokio::sync::OwnedSemaphorePermit;

use super::TransactionBooks;
use crate::{
    event::{DocumentKind, Documents, Receipt},
    sink::{DocSet, Refused},
    telemetry::books::SinkBooks,
};

/// The documents of one chunk, with what is known of them.
pub(super) struct Unit {
    pub(super) documents: Arc<Documents>,
    pub(super) receipt: Receipt,
    /// Those that were refused for good, with status and reason; dead letters leave in their place.
    refused: BTreeMap<u32, (Option<u16>, String)>,
    /// None while more of what was received together is to come: it may need more room than there is.
    _room: Option<OwnedSemaphorePermit>,
}

// === impl Unit ===

impl Unit {
    pub(super) fn new(mut documents: Documents, room: OwnedSemaphorePermit) -> Self {
        let receipt = std::mem::replace(&mut documents.receipt, Receipt::unclaimed());
        let _room = Some(room).filter(|_| !documents.unfinished);
        Self { documents: Arc::new(documents), receipt, refused: BTreeMap::new(), _room }
    }

    /// Whether it may only be committed with what follows it.
    pub(super) fn is_unfinished(&self) -> bool {
        self.documents.unfinished
    }

    /// Whether its partition went to another worker.
    pub(super) fn is_fenced(&self) -> bool {
        self.receipt.covers().is_some_and(|covered| covered.fenced)
    }

    /// The documents that are to be written.
    pub(super) fn wanted(&self) -> DocSet {
        if self.refused.is_empty() {
            return DocSet::All;
        }
        let all = 0..self.documents.len() as u32;
        DocSet::These(all.filter(|index| !self.refused.contains_key(index)).collect())
    }

    /// Document number `index` was refused for good.
    pub(super) fn refuse(&mut self, index: u32, status: Option<u16>, reason: String) {
        self.refused.insert(index, (status, reason));
    }

    /// What was refused of it.
    pub(super) fn refusals(&self) -> impl Iterator<Item = Refused> {
        self.refused.iter().map(|(index, (status, reason))| {
            Refused::of(&self.documents, *index as usize, *status, reason.clone())
        })
    }

    /// Confirms it; gives the buffers back where nobody else holds them.
    pub(super) fn confirm(self) -> Option<Documents> {
        self.receipt.confirm();
        Arc::try_unwrap(self.documents).ok()
    }

    pub(super) fn count_delivered(&self, books: &TransactionBooks) {
        for (index, row) in self.documents.rows.iter().enumerate() {
            let of_kind = of_kind(books, row.kind);
            of_kind.documents_in_flight.dec();
            if self.refused.contains_key(&(index as u32)) {
                of_kind.documents_dead_lettered.inc();
                books.dead_letter.documents_offered.inc();
                books.dead_letter.documents_delivered.inc();
            } else {
                of_kind.documents_delivered.inc();
                of_kind.bytes_delivered.inc_by(self.documents.document(index).len() as u64);
            }
        }
    }

    /// Counts it as given up: it is another worker's, or nobody has time for it.
    pub(super) fn count_given_up(&self, books: &TransactionBooks) {
        let fenced = self.is_fenced();
        for row in &self.documents.rows {
            let of_kind = of_kind(books, row.kind);
            of_kind.documents_in_flight.dec();
            let why = if fenced { &of_kind.documents_revoked } else { &of_kind.documents_abandoned };
            why.inc();
        }
    }
}

fn of_kind(books: &TransactionBooks, kind: DocumentKind) -> &SinkBooks {
    match kind {
        DocumentKind::Event | DocumentKind::Syslog | DocumentKind::Session | DocumentKind::Finding => {
            &books.sink
        }
        DocumentKind::Quarantined => &books.quarantine,
        DocumentKind::DeadLetter => &books.dead_letter,
    }
}
