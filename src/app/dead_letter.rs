//! The dead letter: documents that a sink refused for good, kept with the sink's reason.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use super::outlet::Outlet;
use crate::{
    event::{Documents, Receipt, Settle, Settlement},
    normalize::{Refusal, dead_letter},
    pipe::BoxFuture,
    sink::{Bury, Refused, SinkError},
};

/// Puts refused documents into the dead letter's queue and waits until they are safe there.
pub(super) struct Graveyard {
    pub(super) outlet: Outlet,
}

/// Tells one waiting caller how its receipt ended.
struct Answer(Mutex<Option<oneshot::Sender<Settlement>>>);

// === impl Graveyard ===

impl Bury for Graveyard {
    fn bury(&self, sink: &str, refused: Vec<Refused>) -> BoxFuture<'_, Result<(), SinkError>> {
        let (sender, answer) = oneshot::channel();
        let receipt = Receipt::new(Arc::new(Answer(Mutex::new(Some(sender)))), 0);
        let mut documents = self.outlet.spare.take(receipt);
        write(sink, &refused, &mut documents);
        Box::pin(async move {
            self.outlet.books.documents_offered.inc_by(documents.len() as u64);
            self.outlet.books.documents_in_flight.inc_by(documents.len() as i64);
            self.outlet.put(documents).await;
            match answer.await {
                Ok(Settlement::Confirmed) => Ok(()),
                _ => Err(SinkError::DeadLetter),
            }
        })
    }
}

/// Dead letters of what `sink` refused, for whoever delivers them.
#[cfg(feature = "kafka")]
pub(super) fn letters(sink: &str, refused: &[Refused]) -> Documents {
    let mut documents = Documents::new(Receipt::unclaimed());
    write(sink, refused, &mut documents);
    documents
}

fn write(sink: &str, refused: &[Refused], documents: &mut Documents) {
    for one in refused {
        let refusal = Refusal {
            reason: "refused",
            detail: &one.reason,
            // What a sink is given are documents; which record each came from, its id tells.
            source: "",
            origin: "",
            position: 0,
            index: 0,
            event_id: one.id,
            bytes: &[],
            sink,
            status: one.status,
            kind: one.kind,
            at: one.at,
            document: &one.document,
        };
        dead_letter(&refusal, documents);
    }
}

// === impl Answer ===

impl Settle for Answer {
    fn settled(&self, _: u64, settlement: Settlement) {
        if let Some(sender) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // Nobody waits any more once the delivery loop has given up.
            let _ = sender.send(settlement);
        }
    }
}
