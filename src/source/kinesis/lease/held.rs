//! A lease that this worker holds: its writes, one at a time, each within the time that is left of it.
//!
//! Others take the lease when its counter stood still for the failover time by their clocks, which begin when they see a
//! write and so after it was sent. Ours begins when it is sent: whoever could not write for so long holds the lease no more,
//! before anybody else does.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::time::{sleep, timeout_at};

use super::{fault::Fault, meters::Meters, row::Row, table::Table, update::Update};
use crate::{
    pipe::Backoff,
    source::kinesis::{checkpoint::Checkpoint, ledger::Shard},
    telemetry::{clock, seed},
};

/// A lease that this worker holds, or held.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) grant: u64,
    pub(super) shard: Shard,
    table: Table,
    worker: Arc<str>,
    failover: Duration,
    meters: Meters,
    /// What the counter stands at by our last write; locked while one is made.
    counter: tokio::sync::Mutex<u64>,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    /// When the last write that was done was sent.
    renewed: Instant,
    checkpoint: Checkpoint,
    is_over: bool,
}

/// The lease is another worker's, or may be soon.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lost;

/// How much earlier than others think a lease is given up, and renewed.
pub(super) const EPSILON: Duration = Duration::from_millis(25);
/// The first and the longest wait between tries, before they are capped by the time that is left.
const WAITS: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(1)];

// === impl Held ===

impl Held {
    /// The lease that was taken with a write sent at `sent`, as it stands since.
    pub(super) fn new(
        grant: u64,
        shard: Shard,
        row: &Row,
        sent: Instant,
        place: (Table, Arc<str>, Meters),
        failover: Duration,
    ) -> Self {
        let (table, worker, meters) = place;
        let known = Known { renewed: sent, checkpoint: row.checkpoint.clone(), is_over: false };
        Self {
            grant,
            shard,
            table,
            worker,
            failover,
            meters,
            counter: tokio::sync::Mutex::new(row.counter),
            known: Mutex::new(known),
        }
    }

    /// Keeps the lease until it is over, or lost.
    pub(super) async fn keep(&self) -> Result<(), Lost> {
        loop {
            let due = self.renewed() + self.failover / 3 - EPSILON.min(self.failover / 6);
            let now = clock::monotonic();
            if self.is_over() {
                return Ok(());
            }
            if due > now {
                // A checkpoint renews it, too: then there is more to wait for.
                sleep(due - now).await;
            } else {
                self.write(Update::renew).await?;
            }
        }
    }

    /// Makes the write that `update` is for a counter, again until it is done or the time is over. A write whose answer was
    /// lost, and that was done, has left a row that is ours: the next one goes on from there.
    pub(super) async fn write(&self, update: impl Fn(u64) -> Update) -> Result<(), Lost> {
        let locked = timeout_at(self.expires().into(), self.counter.lock()).await;
        let Ok(mut counter) = locked else { return Err(Lost) };
        let mut backoff = Backoff::new(WAITS[0], WAITS[1].min(self.failover / 10), seed::fresh());
        loop {
            let (sent, expires) = (clock::monotonic(), self.expires());
            if self.is_over() || sent >= expires {
                return Err(Lost);
            }
            let wanted = update(*counter);
            let attempt = self.attempt(&wanted);
            let Ok(answer) = timeout_at(expires.into(), attempt).await else { return Err(Lost) };
            let fault = match answer {
                Ok(row) => {
                    *counter = row.counter;
                    let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
                    known.renewed = sent;
                    known.checkpoint = row.checkpoint;
                    return Ok(());
                }
                Err(Refusal::Lost) => return Err(Lost),
                Err(Refusal::Moved(moved)) if moved > *counter => {
                    *counter = moved;
                    continue;
                }
                Err(Refusal::Moved(_)) => Fault::Refused(None),
                Err(Refusal::Failed(fault)) => fault,
            };
            self.meters.write_failures.inc();
            if backoff.tries() == 0 {
                tracing::warn!(shard = &*self.shard.id, "could not write the lease, trying again: {fault}");
            }
            sleep(backoff.next_wait(None)).await;
        }
    }

    async fn attempt(&self, update: &Update) -> Result<Row, Refusal> {
        let row = match self.table.update(&self.shard.id, update).await {
            Ok(row) => return Ok(row),
            Err(Fault::Refused(Some(row))) => {
                Row::read(&row).map_err(|error| Refusal::Failed(error.into()))?
            }
            Err(Fault::Refused(None)) => self.table.get(&self.shard.id).await.map_err(Refusal::Failed)?,
            Err(fault) => return Err(Refusal::Failed(fault)),
        };
        match row {
            Some(row) if row.owner.as_deref() == Some(&*self.worker) => Err(Refusal::Moved(row.counter)),
            _ => Err(Refusal::Lost),
        }
    }

    /// Gives the lease back, once what is being written is.
    pub(super) async fn release(&self) {
        let locked = timeout_at(self.expires().into(), self.counter.lock()).await;
        self.end();
        let mut backoff = Backoff::new(WAITS[0], WAITS[1].min(self.failover / 10), seed::fresh());
        while locked.is_ok() && clock::monotonic() < self.expires() {
            match self.table.update(&self.shard.id, &Update::release(&self.worker)).await {
                // One that is refused was released by a write whose answer was lost, or is another's.
                Ok(_) | Err(Fault::Refused(_)) => return,
                Err(fault) => {
                    tracing::warn!(shard = &*self.shard.id, "could not give back the lease: {fault}")
                }
            }
            sleep(backoff.next_wait(None)).await;
        }
    }

    /// Nothing more is written.
    pub(super) fn end(&self) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).is_over = true;
    }

    pub(super) fn is_over(&self) -> bool {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).is_over
    }

    pub(super) fn renewed(&self) -> Instant {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).renewed
    }

    /// The checkpoint that the lease has.
    pub(super) fn checkpoint(&self) -> Checkpoint {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).checkpoint.clone()
    }

    /// When it is given up unless it is renewed.
    fn expires(&self) -> Instant {
        self.renewed() + self.failover - EPSILON.min(self.failover / 6)
    }
}

/// Why a write was not made.
enum Refusal {
    /// The row is ours, with this counter.
    Moved(u64),
    Lost,
    Failed(Fault),
}
