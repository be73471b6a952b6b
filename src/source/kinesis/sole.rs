//! The ledger of a worker that is alone: checkpoints in the state's own file.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::sleep};

use super::{
    checkpoint::Checkpoint,
    ledger::{Grant, Ledger, LedgerError, Shards, Turn},
    lineage::{Begin, Lineage},
};
use crate::{
    event::{Bookmark, Origin},
    pipe::BoxFuture,
    source::{Progress, Stamp},
};

/// Grants every shard, parents before children.
pub(super) struct Sole {
    pub(super) shards: Arc<dyn Shards>,
    pub(super) progress: Arc<dyn Progress>,
    pub(super) stream: Arc<str>,
    pub(super) begin: Begin,
    known: Mutex<Known>,
    ended: Notify,
}

#[derive(Debug, Default)]
struct Known {
    checkpoints: HashMap<Arc<str>, Checkpoint>,
    granted: HashSet<Arc<str>>,
    /// The shards by number of their grants.
    grants: Vec<Arc<str>>,
    turns: VecDeque<Turn>,
}

/// How often the stream is asked for new shards. Those that come of one that ends are asked for when it does.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// How soon it is asked again when it did not answer.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

// === impl Sole ===

impl Sole {
    pub(super) fn new(
        shards: Arc<dyn Shards>,
        progress: Arc<dyn Progress>,
        stream: Arc<str>,
        begin: Begin,
    ) -> Self {
        Self { shards, progress, stream, begin, known: Mutex::default(), ended: Notify::new() }
    }

    /// Grants what may be read now and is not granted yet.
    ///
    /// # Errors
    /// When the stream or the state could not be asked.
    async fn look(&self) -> Result<(), String> {
        let shards = self.shards.list().await?;
        let mut checkpoints = self.lock().checkpoints.clone();
        for shard in &shards {
            if !checkpoints.contains_key(&shard.id)
                && let Some(marked) = self.marked(&shard.id)?
            {
                checkpoints.insert(shard.id.clone(), marked);
            }
        }
        let missing: Vec<_> = Lineage::new(&shards, &checkpoints)
            .missing(self.begin)
            .into_iter()
            .map(|(shard, checkpoint)| (shard.id.clone(), checkpoint))
            .collect();
        // Written down before any is read: which shards were there at the first start decides where others begin.
        let marks = missing.iter().map(|(shard, checkpoint)| self.mark(shard, checkpoint));
        if !missing.is_empty() {
            self.progress.mark(marks.collect()).await.map_err(|error| error.to_string())?;
        }
        checkpoints.extend(missing);
        let lineage = Lineage::new(&shards, &checkpoints);
        let is_due = |shard: &&super::Shard| {
            let unfinished = checkpoints.get(&shard.id).is_some_and(|known| *known != Checkpoint::ShardEnd);
            unfinished && lineage.may_be_read(&shard.id)
        };
        let stamp = self.progress.identity().map(|(state, epoch)| Stamp { state, epoch });
        let mut grants = Vec::new();
        let mut known = self.lock();
        for shard in shards.iter().filter(is_due) {
            if !known.granted.insert(shard.id.clone()) {
                continue;
            }
            let number = known.grants.len() as u64;
            known.grants.push(shard.id.clone());
            let checkpoint = checkpoints[&shard.id].clone();
            grants.push(Grant { number, shard: shard.clone(), checkpoint, stamp: stamp.clone() });
        }
        if !grants.is_empty() {
            known.turns.push_back(Turn::Granted(grants));
        }
        for (shard, checkpoint) in checkpoints {
            known.checkpoints.entry(shard).or_insert(checkpoint);
        }
        Ok(())
    }

    /// The checkpoint that the state has of `shard`.
    fn marked(&self, shard: &str) -> Result<Option<Checkpoint>, String> {
        let marked = self.progress.marked(&self.origin(shard)).map_err(|error| error.to_string())?;
        // A snapshot is valid only when all that it includes is delivered: it may come before the first checkpoint.
        let mark = marked.committed.or(marked.scored);
        mark.map(|mark| mark.as_str().parse().map_err(|()| format!("the state has {mark} as a checkpoint")))
            .transpose()
    }

    fn mark(&self, shard: &str, checkpoint: &Checkpoint) -> (Origin, Bookmark) {
        (self.origin(shard), Bookmark::new(&checkpoint.to_string()))
    }

    fn origin(&self, shard: &str) -> Origin {
        Origin::kinesis(&self.stream, shard)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger for Sole {
    fn next(&self) -> BoxFuture<'_, Result<Turn, LedgerError>> {
        Box::pin(async {
            loop {
                if let Some(turn) = self.lock().turns.pop_front() {
                    return Ok(turn);
                }
                let wait = match self.look().await {
                    Ok(()) if !self.lock().turns.is_empty() => continue,
                    Ok(()) => LOOK_EVERY,
                    Err(error) => {
                        tracing::debug!(stream = &*self.stream, error, "could not look for shards");
                        LOOK_AGAIN
                    }
                };
                tokio::select! {
                    () = self.ended.notified() => {}
                    () = sleep(wait) => {}
                }
            }
        })
    }

    fn checkpoint(&self, grant: u64, checkpoint: Checkpoint) -> BoxFuture<'_, Result<(), LedgerError>> {
        Box::pin(async move {
            let shard = usize::try_from(grant).ok().and_then(|grant| self.lock().grants.get(grant).cloned());
            let shard = shard.ok_or(LedgerError::Lost)?;
            let mark = self.mark(&shard, &checkpoint);
            let marked = self.progress.mark(vec![mark]).await;
            marked.map_err(|error| LedgerError::Unavailable(error.to_string()))?;
            let is_end = checkpoint == Checkpoint::ShardEnd;
            self.lock().checkpoints.insert(shard, checkpoint);
            if is_end {
                self.ended.notify_one();
            }
            Ok(())
        })
    }

    fn release(&self, _: u64) -> BoxFuture<'_, ()> {
        // Nobody waits for it.
        Box::pin(async {})
    }
}

#[cfg(test)]
mod tests;
