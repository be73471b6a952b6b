//! One shard from when it is granted until it ends, is lost, or it is time to stop: one task.
//!
//! Reading and checkpoints go on side by side. At its end a shard is waited for until all of it is delivered, and only then
//! its checkpoint says so, which lets those begin that came of it.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};

use super::{
    checkpoint::Checkpoint,
    config::Config,
    held::{Held, Parted},
    ledger::{Grant, Ledger, LedgerError, Shard, Shards},
    meters::ShardMeters,
    name::StreamName,
    polling::{Means, Pulled},
    pull::{Pull, Way},
    resume::{Facts, Resume},
    take::Taker,
};
use crate::{
    event::{Origin, Partition},
    pipe::{Flight, Step, Stop},
    source::{SourceContext, SourceError, Stamp, stream::Stream},
    telemetry::crash::CrashPoint,
};

/// What all shards of a source share.
pub(super) struct Desk {
    pub(super) cx: SourceContext,
    pub(super) config: Config,
    pub(super) stream: StreamName,
    pub(super) means: Means,
    pub(super) way: Way,
    pub(super) shards: Arc<dyn Shards>,
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) stamp: Option<Stamp>,
    /// The time that the config names, in milliseconds since 1970.
    pub(super) start_millis: i64,
}

/// One shard that is ours.
struct Shift<'a> {
    desk: &'a Desk,
    grant: &'a Grant,
    origin: Origin,
    partition: Partition,
    held: Held,
    meters: ShardMeters,
    /// The ledger has said that the shard is not ours, or cannot be used.
    gone: Notify,
}

/// How writing a checkpoint ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    Done,
    /// It may go the next time.
    NotYet,
    /// The shard is another worker's.
    Lost,
}

/// Why reading ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// All of the shard was handed on.
    Shard,
    /// It is another worker's.
    Lost,
    /// It is time to stop.
    Stopped,
}

/// How often what is delivered is written down.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);
/// How long the last checkpoint and the release may take.
const FAREWELL: Duration = Duration::from_secs(5);
/// How soon the end of a shard is written down again where that failed.
const AGAIN: Duration = Duration::from_millis(500);

// === impl Desk ===

impl Desk {
    /// Reads the shard that `grant` names until it ends, `lost` says that it is another worker's, or it is time to stop.
    /// Returns how far it was handed on.
    ///
    /// # Errors
    /// When the workers or the state are gone, or checkpoints can never be written.
    pub(super) async fn read(
        &self,
        grant: &Grant,
        parted: Parted,
        lost: Stop,
    ) -> Result<Parted, SourceError> {
        let id = &grant.shard.id;
        let origin = Origin::kinesis(&self.stream.name, id);
        let partition = self.partition(id);
        let resume = self.resume(grant, &origin, &parted)?;
        tracing::info!(
            source = &*self.cx.name, shard = &**id, checkpoint = %grant.checkpoint, from = ?resume.seek.kind(),
            anew = resume.is_anew, "reading begins"
        );
        if resume.is_anew {
            self.cx.feed.send(Step::Anew(origin.clone())).await?;
        }
        self.cx.assigned(&partition).await?;
        // What was in flight of it when it went is read again.
        self.cx.flight.forget(&origin);
        let window = self.cx.flight.window(&origin, parted.next);
        let meters = self.means.meters.shard(id);
        let stream = Stream::new(self.cx.id, partition.clone(), origin.clone());
        let taker = Taker::new(
            stream,
            &self.stream.name,
            &grant.shard,
            self.config.outside_hash_range,
            meters.clone(),
        )
        .resuming(parted.next, &resume);
        let pull = self.way.begin(&self.means, id, resume.seek);
        let held = Held::new(window);
        let shift = Shift { desk: self, grant, origin, partition, held, meters, gone: Notify::new() };
        let ended = shift.work(pull, taker, lost).await;
        shift.meters.behind.set(0);
        self.means.ails.recover(id);
        ended.map(|()| shift.held.part(parted))
    }

    /// Says that the shards of `grants` are waited for from here on, all of them before any is read.
    ///
    /// # Errors
    /// When the workers are gone.
    pub(super) async fn announce(&self, grants: &[Grant]) -> Result<(), SourceError> {
        let partitions = grants.iter().map(|grant| self.partition(&grant.shard.id)).collect();
        Ok(self.cx.feed.send(Step::Assigned(self.cx.id, partitions)).await?)
    }

    /// What orders the records of `shard`.
    fn partition(&self, shard: &str) -> Partition {
        Partition::new(&format!("{}/{shard}", self.cx.name))
    }

    fn resume(&self, grant: &Grant, origin: &Origin, parted: &Parted) -> Result<Resume, SourceError> {
        let is_ours = match (&self.stamp, &grant.stamp) {
            (Some(own), Some(other)) => own.owns(other),
            _ => false,
        };
        let scored = match &parted.fed {
            Some(fed) => Some(fed.clone()),
            None => match self.cx.progress.marked(origin)?.scored.map(|mark| mark.as_str().parse()) {
                Some(Ok(Checkpoint::At(place))) => Some(place),
                _ => None,
            },
        };
        let checkpoint = grant.checkpoint.clone();
        Ok(Facts { checkpoint, is_ours, scored, start_millis: self.start_millis }.resume())
    }
}

// === impl Shift ===

impl Shift<'_> {
    async fn work(&self, pull: Pull, taker: Taker, lost: Stop) -> Result<(), SourceError> {
        let mut stop = self.desk.cx.stop.clone();
        let mut hears = lost.clone();
        let reading = async {
            tokio::select! {
                biased;
                () = hears.stopped() => Ok(End::Lost),
                () = self.gone.notified() => Ok(End::Lost),
                () = stop.stopped() => Ok(End::Stopped),
                end = self.feed(pull, taker) => end,
            }
        };
        match self.beside_checkpoints(reading).await?? {
            End::Lost => self.lose().await,
            End::Stopped => {
                if self.settle(lost).await? {
                    self.leave().await;
                } else {
                    self.held.window.fence();
                }
                Ok(())
            }
            End::Shard => self.finish(lost).await,
        }
    }

    /// Hands on what comes, to the end of the shard.
    async fn feed(&self, mut pull: Pull, mut taker: Taker) -> Result<End, SourceError> {
        let cx = &self.desk.cx;
        loop {
            let (answer, is_end, room) = match pull.next().await {
                Pulled::Records { answer, is_end, room } => (answer, is_end, room),
                Pulled::Foreign => {
                    taker.forget();
                    cx.feed.send(Step::Anew(self.origin.clone())).await?;
                    continue;
                }
            };
            if let Some(behind) = answer.behind_millis {
                self.meters.behind.set(behind);
            }
            taker.give(answer.records);
            while let Some(taken) = taker.next_chunk() {
                let (next, place) = (taken.chunk.next, taken.place);
                self.held.note(next, place.clone());
                if !cx.hand_on(&self.held.window, taken.chunk).await? {
                    return Ok(End::Stopped);
                }
                self.held.fed(next, place);
            }
            drop(room);
            if is_end {
                return Ok(End::Shard);
            }
        }
    }

    /// Does `work`, and writes down now and then what is delivered. A checkpoint that is being written is never broken off.
    async fn beside_checkpoints<T>(&self, work: impl Future<Output = T>) -> Result<T, SourceError> {
        let done = Notify::new();
        let working = async {
            let out = work.await;
            done.notify_one();
            out
        };
        let (out, kept) = tokio::join!(working, self.keep_checkpoints(&done));
        kept.inspect_err(|_| self.gone.notify_one())?;
        Ok(out)
    }

    async fn keep_checkpoints(&self, done: &Notify) -> Result<(), SourceError> {
        loop {
            tokio::select! {
                () = done.notified() => return Ok(()),
                () = sleep(CHECKPOINT_EVERY) => {}
            }
            let written = self.checkpoint().await;
            if !matches!(written, Ok(true)) {
                self.gone.notify_one();
                return written.map(drop);
            }
        }
    }

    /// Writes down what is delivered and not written down yet. Whether the shard is still ours.
    async fn checkpoint(&self) -> Result<bool, SourceError> {
        let Some(place) = self.held.due() else { return Ok(true) };
        CrashPoint::DeliveredNotCommitted.reach();
        let written = self.write(Checkpoint::At(place.clone())).await?;
        if written == Written::Done {
            self.held.written(place);
        }
        Ok(written != Written::Lost)
    }

    async fn write(&self, checkpoint: Checkpoint) -> Result<Written, SourceError> {
        let text = checkpoint.to_string();
        match self.desk.ledger.checkpoint(self.grant.number, checkpoint).await {
            Ok(()) => {
                CrashPoint::CommitSentNotAnswered.reach();
                Ok(Written::Done)
            }
            Err(LedgerError::Lost) => Ok(Written::Lost),
            Err(LedgerError::Unavailable(cause)) => {
                self.meters.shared.checkpoints_failed.inc();
                tracing::warn!(
                    source = &*self.desk.cx.name,
                    shard = &*self.grant.shard.id,
                    checkpoint = text,
                    cause,
                    "could not write a checkpoint; trying again"
                );
                Ok(Written::NotYet)
            }
            Err(LedgerError::Unusable(cause)) => Err(SourceError::Ledger { cause }),
        }
    }

    /// Waits until nothing of it is in flight. Whether the shard is still ours.
    async fn settle(&self, mut lost: Stop) -> Result<bool, SourceError> {
        let settling = async {
            tokio::select! {
                biased;
                () = lost.stopped() => false,
                () = self.gone.notified() => false,
                () = self.desk.cx.flight.until(|_: &Flight| self.held.window.is_settled()) => true,
            }
        };
        self.beside_checkpoints(settling).await
    }

    /// The shard is another worker's: what is in flight is delivered, and nothing of it is written down any more.
    async fn lose(&self) -> Result<(), SourceError> {
        self.held.window.fence();
        tracing::info!(source = &*self.desk.cx.name, shard = &*self.grant.shard.id, "lost");
        self.desk.cx.ended(&self.partition).await
    }

    /// All of the shard is handed on: waits until it is delivered, and says that it has ended.
    async fn finish(&self, lost: Stop) -> Result<(), SourceError> {
        self.hand_over().await?;
        let hears = lost.clone();
        if !self.settle(lost).await? {
            self.held.window.fence();
            return Ok(());
        }
        // What a sink gave up is not delivered: the next who reads the shard begins with it.
        if !self.held.is_all_confirmed() || !self.say_end(hears).await? {
            self.leave().await;
        }
        Ok(())
    }

    /// Says that the shard has ended, as often as it takes. Whether there is nothing left to say: not when it is time to stop
    /// before.
    async fn say_end(&self, mut lost: Stop) -> Result<bool, SourceError> {
        loop {
            match self.write(Checkpoint::ShardEnd).await? {
                Written::Done => {
                    tracing::info!(
                        source = &*self.desk.cx.name,
                        shard = &*self.grant.shard.id,
                        "read to its end"
                    );
                    return Ok(true);
                }
                Written::Lost => return Ok(true),
                Written::NotYet if self.desk.cx.stop.is_stopped() => return Ok(false),
                Written::NotYet => {}
            }
            tokio::select! {
                biased;
                () = lost.stopped() => return Ok(true),
                () = sleep(AGAIN) => {}
            }
        }
    }

    /// Waits for what came of the shard before it waits for the shard no more: in between, windows would fold by what other
    /// shards have come to, and what follows would be late. One that another worker reads stands still, and is not waited
    /// for long.
    async fn hand_over(&self) -> Result<(), SourceError> {
        let cx = &self.desk.cx;
        match self.desk.shards.list().await {
            Ok(shards) => {
                let id = &self.grant.shard.id;
                let is_child = |shard: &&Shard| shard.parents().any(|parent| parent == id);
                let children = shards.iter().filter(is_child).map(|child| self.desk.partition(&child.id));
                let children: Vec<_> = children.collect();
                if !children.is_empty() {
                    cx.feed.send(Step::Assigned(cx.id, children)).await?;
                }
            }
            Err(error) => tracing::debug!(error, "could not see what came of a shard"),
        }
        cx.ended(&self.partition).await
    }

    /// Writes down what is delivered, and gives the shard back.
    async fn leave(&self) {
        let last = async {
            if let Err(error) = self.checkpoint().await {
                tracing::warn!(source = &*self.desk.cx.name, %error, "could not write the last checkpoint");
            }
            self.desk.ledger.release(self.grant.number).await;
        };
        if timeout(FAREWELL, last).await.is_err() {
            tracing::warn!(
                source = &*self.desk.cx.name,
                shard = &*self.grant.shard.id,
                "could not give the shard back in time; what is not written down is delivered again"
            );
        }
    }
}

#[cfg(test)]
mod tests;
