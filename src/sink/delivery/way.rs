//! One batch's way to the sink: handed over, confirmed, tried again, buried or given up, whatever others do.

use std::{sync::Arc, time::Duration};

use tokio::{sync::OwnedSemaphorePermit, time::sleep};

use super::{Refused, WhenUnwritable, desk::Desk};
use crate::{
    event::{Documents, Receipt},
    pipe::{Backoff, BoxFuture},
    sink::{Delivery, DocSet, Outcome, SinkError},
};

/// Documents on their way.
pub(super) struct Way {
    desk: Arc<Desk>,
    documents: Arc<Documents>,
    receipt: Receipt,
    /// Their room in the queue, which is free again when their way has ended.
    _room: OwnedSemaphorePermit,
    backoff: Backoff,
    /// What the sink answers to the first try.
    first: BoxFuture<'static, Delivery>,
    /// Documents that are neither delivered nor buried.
    remaining: u64,
    /// Whether the desk counts it among those that wait.
    waits: bool,
}

/// How the way ended.
enum Ending {
    Settled,
    GaveUp,
    Gone(SinkError),
}

// === impl Way ===

impl Way {
    /// Hands `documents` to the sink, at once.
    pub(super) fn begin(
        desk: Arc<Desk>,
        mut documents: Documents,
        room: OwnedSemaphorePermit,
        backoff: Backoff,
    ) -> Self {
        let receipt = std::mem::replace(&mut documents.receipt, Receipt::unclaimed());
        let remaining = documents.len() as u64;
        let documents = Arc::new(documents);
        let first = desk.sink.clone().deliver(documents.clone(), DocSet::All);
        desk.books.deliveries_in_flight.inc();
        Self { desk, documents, receipt, _room: room, backoff, first, remaining, waits: false }
    }

    /// Sees the documents to their end, whatever it takes.
    ///
    /// # Errors
    /// When the sink can never deliver again.
    pub(super) async fn go(mut self) -> Result<(), SinkError> {
        let first = std::mem::replace(&mut self.first, Box::pin(std::future::pending()));
        let ending = self.follow(first).await;
        let Self { desk, documents, receipt, remaining, .. } = self;
        let ended = match ending {
            Ending::Settled => {
                receipt.confirm();
                Ok(())
            }
            // The receipt is dropped: its records will be read again.
            Ending::GaveUp => {
                desk.abandon(remaining);
                Ok(())
            }
            Ending::Gone(error) => {
                desk.abandon(remaining);
                Err(error)
            }
        };
        desk.books.deliveries_in_flight.dec();
        if let Ok(documents) = Arc::try_unwrap(documents) {
            (desk.recycle)(documents);
        }
        ended
    }

    async fn follow(&mut self, mut delivering: BoxFuture<'static, Delivery>) -> Ending {
        let mut only = DocSet::All;
        loop {
            let Delivery { others, gone } = self.answer(delivering).await;
            self.count_delivered(&only, &others);
            let (refused, retry) = sort(&self.documents, others);
            if let Some(error) = gone {
                return Ending::Gone(error);
            }
            if !refused.is_empty() && !self.refuse(refused).await {
                return Ending::GaveUp;
            }
            let Some((left, after, reason)) = retry else {
                self.taken();
                return Ending::Settled;
            };
            if self.desk.when_unwritable == WhenUnwritable::Drop {
                self.desk.lose(self.remaining, &reason);
                self.remaining = 0;
                self.taken();
                return Ending::Settled;
            }
            only = DocSet::These(left);
            if !self.wait(after, &reason).await {
                return Ending::GaveUp;
            }
            delivering = self.desk.sink.clone().deliver(self.documents.clone(), only.clone());
        }
    }

    /// What the sink answers. Once the drain's grace is over, the sink is told to give up what it has.
    async fn answer(&mut self, mut delivering: BoxFuture<'static, Delivery>) -> Delivery {
        let mut give_up = self.desk.give_up.clone();
        tokio::select! {
            biased;
            delivery = &mut delivering => return delivery,
            () = give_up.stopped() => self.desk.sink.give_up(),
        }
        delivering.await
    }

    /// Counts what was delivered of `only`.
    fn count_delivered(&mut self, only: &DocSet, others: &[(u32, Outcome)]) {
        let (documents, books) = (&self.documents, &self.desk.books);
        let delivered = (only.count(documents.len()) - others.len()) as u64;
        books.documents_delivered.inc_by(delivered);
        books.documents_in_flight.dec_by(delivered as i64);
        let bytes = if others.is_empty() && *only == DocSet::All {
            documents.bytes.len()
        } else {
            let mut failed = others.iter().map(|(index, _)| *index as usize).peekable();
            let delivered = only.indexes(documents.len()).filter(|index| failed.next_if_eq(index).is_none());
            delivered.map(|index| documents.document(index).len()).sum()
        };
        books.bytes_delivered.inc_by(bytes as u64);
        self.remaining -= delivered;
    }

    /// Hands the refused to the dead letter and waits until they are safe there. False when it was told to give up.
    async fn refuse(&mut self, refused: Vec<Refused>) -> bool {
        let count = refused.len() as u64;
        let desk = self.desk.clone();
        tracing::warn!(sink = desk.name, documents = count, reason = refused[0].reason, "refused for good");
        let Some(bury) = &desk.bury else {
            desk.lose(count, "refused, and there is no dead letter behind this sink");
            self.remaining -= count;
            return true;
        };
        loop {
            match bury.bury(&desk.name, refused.clone()).await {
                Ok(()) => {
                    desk.books.documents_dead_lettered.inc_by(count);
                    desk.books.documents_in_flight.dec_by(count as i64);
                    self.remaining -= count;
                    return true;
                }
                Err(error) if !self.wait(None, &error.to_string()).await => return false,
                Err(_) => {}
            }
        }
    }

    /// Waits before the next try. False when nobody should try any more.
    async fn wait(&mut self, after: Option<Duration>, reason: &str) -> bool {
        if !std::mem::replace(&mut self.waits, true) {
            self.desk.begin_waiting(reason);
        }
        self.desk.ail(reason);
        self.desk.books.retries.inc();
        let wait = self.backoff.next_wait(after);
        let (mut give_up, mut over) = (self.desk.give_up.clone(), self.desk.over.clone());
        let mut kept = self.desk.kept.clone();
        let leave = async {
            match &mut kept {
                Some(leave) => leave.stopped().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = sleep(wait) => !give_up.is_stopped() && !over.is_stopped(),
            () = give_up.stopped() => false,
            () = over.stopped() => false,
            () = leave => false,
        }
    }

    fn taken(&mut self) {
        if std::mem::take(&mut self.waits) {
            self.desk.end_waiting();
        }
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
                refused.push(Refused::of(documents, index as usize, status, reason));
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
