//! The delivery loop: one for all sinks. It owns the order, the retries, the backoff and what happens to the refused.

use std::{sync::Arc, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::{sync::OwnedSemaphorePermit, time::sleep};

use super::{Delivery, DocSet, Outcome, Sink, SinkError};
use crate::{
    event::{Documents, EventId, Receipt},
    pipe::{Backoff, BoxFuture, QueueReceiver, Stop, StopSwitch},
    telemetry::{books::SinkBooks, health::Health},
};

/// Where documents go that a sink refused for good.
pub trait Bury: Send + Sync {
    /// Keeps `refused`; answers once they are durable, or that they could not be kept.
    fn bury(&self, sink: &str, refused: Vec<Refused>) -> BoxFuture<'_, Result<(), SinkError>>;
}

/// A document that was refused for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its id.
    pub id: EventId,
    /// The document, without its line feed.
    pub document: Vec<u8>,
    /// The other side's status, where it has one.
    pub status: Option<u16>,
    /// Why, in the other side's words.
    pub reason: String,
}

/// What a loop does while its sink takes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhenUnwritable {
    /// It waits and tries again; what feeds it waits too.
    #[default]
    Wait,
    /// It drops the documents and counts them.
    Drop,
}

/// Delivers one sink's documents.
pub struct DeliveryLoop {
    /// The sink's name in logs, metrics and health.
    pub name: String,
    /// The sink.
    pub sink: Arc<dyn Sink>,
    /// Its documents.
    pub queue: QueueReceiver<Documents>,
    /// Where the refused go; without one, a refusal is treated as [`WhenUnwritable`] says.
    pub bury: Option<Arc<dyn Bury>>,
    /// What to do while the sink takes nothing.
    pub when_unwritable: WhenUnwritable,
    /// Waits between tries.
    pub backoff: Backoff,
    /// Its books.
    pub books: SinkBooks,
    /// Where it says whether the sink works.
    pub health: Health,
    /// Says when to give up: the drain's grace is over.
    pub give_up: Stop,
    /// Takes back the buffers of what is delivered.
    pub recycle: Arc<dyn Fn(Documents) + Send + Sync>,
    /// Says at once that the sink can never deliver again, so that no more is read for it.
    pub gone: Arc<StopSwitch>,
}

/// How one set of documents ended.
enum Ending {
    Settled,
    GaveUp,
    Gone(SinkError),
}

// === impl DeliveryLoop ===

impl DeliveryLoop {
    /// Delivers until the queue is closed and empty, then closes the sink.
    ///
    /// # Errors
    /// When the sink can never deliver again, or could not make durable what it had taken. What was not delivered is
    /// abandoned: its records will be read again.
    pub async fn run(mut self) -> Result<(), SinkError> {
        let mut gone = None;
        while let Some((documents, permit)) = self.queue.next().await {
            if gone.is_some() {
                self.abandon(documents.len() as u64);
                continue;
            }
            if let Ending::Gone(error) = self.deliver(documents, permit).await {
                self.health.ail(&self.name, &error.to_string());
                self.gone.stop();
                gone = Some(error);
            }
        }
        match gone {
            Some(error) => Err(error),
            None => self.sink.clone().close().await,
        }
    }

    /// Delivers `documents` whatever it takes, one set after the other, so that their order is kept.
    async fn deliver(&mut self, mut documents: Documents, _room: OwnedSemaphorePermit) -> Ending {
        let receipt = std::mem::replace(&mut documents.receipt, Receipt::unclaimed());
        let documents = Arc::new(documents);
        let mut only = DocSet::All;
        let mut remaining = documents.len() as u64;
        let ending = loop {
            let Delivery { others, gone } = self.sink.clone().deliver(documents.clone(), only.clone()).await;
            remaining -= self.count_delivered(&documents, &only, &others);
            let (refused, retry) = sort(&documents, others);
            if let Some(error) = gone {
                break Ending::Gone(error);
            }
            let refusals = refused.len() as u64;
            if refusals > 0 && !self.refuse(refused).await {
                break Ending::GaveUp;
            }
            remaining -= refusals;
            let Some((left, after, reason)) = retry else {
                self.recovered();
                break Ending::Settled;
            };
            if self.when_unwritable == WhenUnwritable::Drop {
                self.lose(remaining, &reason);
                break Ending::Settled;
            }
            only = DocSet::These(left);
            if !self.wait(after, &reason).await {
                break Ending::GaveUp;
            }
        };
        match ending {
            Ending::Settled => receipt.confirm(),
            // The receipt is dropped: its records will be read again.
            Ending::GaveUp | Ending::Gone(_) => self.abandon(remaining),
        }
        if let Ok(documents) = Arc::try_unwrap(documents) {
            (self.recycle)(documents);
        }
        ending
    }

    /// Counts what was delivered of `only`; returns how many.
    fn count_delivered(&self, documents: &Documents, only: &DocSet, others: &[(u32, Outcome)]) -> u64 {
        let delivered = (only.count(documents.len()) - others.len()) as u64;
        self.books.documents_delivered.inc_by(delivered);
        self.books.documents_in_flight.dec_by(delivered as i64);
        let bytes = if others.is_empty() && *only == DocSet::All {
            documents.bytes.len()
        } else {
            let mut failed = others.iter().map(|(index, _)| *index as usize).peekable();
            let delivered = only.indexes(documents.len()).filter(|index| failed.next_if_eq(index).is_none());
            delivered.map(|index| documents.document(index).len()).sum()
        };
        self.books.bytes_delivered.inc_by(bytes as u64);
        delivered
    }

    /// Hands the refused to the dead letter and waits until they are safe there. False when it was told to give up.
    async fn refuse(&mut self, refused: Vec<Refused>) -> bool {
        let count = refused.len() as u64;
        tracing::warn!(sink = self.name, documents = count, reason = refused[0].reason, "refused for good");
        let Some(bury) = self.bury.clone() else {
            self.lose(count, "refused, and there is no dead letter behind this sink");
            return true;
        };
        loop {
            match bury.bury(&self.name, refused.clone()).await {
                Ok(()) => {
                    self.books.documents_dead_lettered.inc_by(count);
                    self.books.documents_in_flight.dec_by(count as i64);
                    return true;
                }
                Err(error) if !self.wait(None, &error.to_string()).await => return false,
                Err(_) => {}
            }
        }
    }

    /// Waits before the next try. False when it was told to give up.
    async fn wait(&mut self, after: Option<Duration>, reason: &str) -> bool {
        if self.backoff.tries() == 0 {
            tracing::warn!(sink = self.name, reason, "cannot deliver; trying again until it works");
        }
        self.health.ail(&self.name, reason);
        self.books.retries.inc();
        let wait = self.backoff.next_wait(after);
        tokio::select! {
            () = sleep(wait) => !self.give_up.is_stopped(),
            () = self.give_up.stopped() => false,
        }
    }

    fn recovered(&mut self) {
        self.backoff.reset();
        if self.health.recover(&self.name) {
            tracing::info!(sink = self.name, "delivers again");
        }
    }

    /// Drops `count` documents, as the operator chose, and says so.
    fn lose(&self, count: u64, reason: &str) {
        tracing::error!(sink = self.name, documents = count, reason, "dropped documents");
        self.books.documents_dropped.inc_by(count);
        self.books.documents_in_flight.dec_by(count as i64);
    }

    /// Gives `count` documents up; their records will be read again.
    fn abandon(&self, count: u64) {
        self.books.documents_abandoned.inc_by(count);
        self.books.documents_in_flight.dec_by(count as i64);
    }
}

/// What was refused, and what is left to try: its numbers, how long to wait at least, and why.
type Sorted = (Vec<Refused>, Option<(Vec<u32>, Option<Duration>, String)>);

fn sort(documents: &Documents, others: Vec<(u32, Outcome)>) -> Sorted {
    let mut refused = Vec::new();
    let mut retry: Option<(Vec<u32>, Option<Duration>, String)> = None;
    for (index, outcome) in others {
        match outcome {
            Outcome::Refused { status, reason } => {
                let document = documents.document(index as usize);
                let document = document.strip_suffix(b"\n").unwrap_or(document).to_vec();
                refused.push(Refused { id: documents.rows[index as usize].id, document, status, reason });
            }
            Outcome::Retry { after, reason } => {
                let (left, longest, _) = retry.get_or_insert_with(|| (Vec::new(), None, reason));
                left.push(index);
                *longest = (*longest).max(after);
            }
        }
    }
    (refused, retry)
}

#[cfg(test)]
mod tests;
