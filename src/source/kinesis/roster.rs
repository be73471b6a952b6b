//! Which shards are being read: one task for each that the ledger grants.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use tokio::{
    sync::watch,
    task::{JoinError, JoinSet},
};

use super::{
    held::Parted,
    ledger::{Grant, LedgerError, Turn},
    shard::Desk,
};
use crate::{
    pipe::{StopSwitch, stop},
    source::SourceError,
};

/// The shards that are being read.
pub(super) struct Roster {
    desk: Arc<Desk>,
    /// The tasks, by the numbers of their grants.
    readers: JoinSet<(u64, Result<Parted, SourceError>)>,
    reading: BTreeMap<u64, Reading>,
    /// Granted again before the task of the earlier grant has ended.
    waiting: Vec<Grant>,
    /// What was read before in this run.
    parted: HashMap<Arc<str>, Parted>,
    /// Says which shards are ours.
    holds: watch::Sender<BTreeSet<Arc<str>>>,
}

struct Reading {
    shard: Arc<str>,
    lost: StopSwitch,
}

// === impl Roster ===

impl Roster {
    pub(super) fn new(desk: Arc<Desk>, holds: watch::Sender<BTreeSet<Arc<str>>>) -> Self {
        Self {
            desk,
            readers: JoinSet::new(),
            reading: BTreeMap::new(),
            waiting: Vec::new(),
            parted: HashMap::new(),
            holds,
        }
    }

    /// Reads what the ledger grants until it is time to stop and all that was handed on is settled.
    pub(super) async fn keep(mut self) -> Result<(), SourceError> {
        let mut stop = self.desk.cx.stop.clone();
        let ledger = self.desk.ledger.clone();
        let mut next = ledger.next();
        let mut is_stopping = false;
        while !is_stopping || !self.readers.is_empty() {
            tokio::select! {
                biased;
                () = stop.stopped(), if !is_stopping => {
                    is_stopping = true;
                    for grant in std::mem::take(&mut self.waiting) {
                        ledger.release(grant.number).await;
                    }
                }
                Some(ended) = self.readers.join_next(), if !self.readers.is_empty() => self.end(ended)?,
                turn = &mut next => {
                    next = ledger.next();
                    match turn {
                        Ok(Turn::Granted(grants)) if is_stopping => {
                            for grant in grants {
                                ledger.release(grant.number).await;
                            }
                        }
                        Ok(Turn::Granted(grants)) => {
                            self.desk.announce(&grants).await?;
                            grants.into_iter().for_each(|grant| self.begin(grant));
                        }
                        Ok(Turn::Lost { grant }) => self.lose(grant),
                        Err(error @ LedgerError::Unusable(_)) => {
                            return Err(SourceError::Ledger { cause: error.to_string() });
                        }
                        Err(error) => tracing::debug!(%error, "the ledger"),
                    }
                }
            }
            self.show();
        }
        Ok(())
    }

    /// Shows which shards are ours.
    fn show(&self) {
        let shards: BTreeSet<_> = self.reading.values().map(|reading| reading.shard.clone()).collect();
        self.desk.means.meters.shards.set(i64::try_from(shards.len()).unwrap_or(i64::MAX));
        self.holds.send_if_modified(|held| {
            let is_new = *held != shards;
            *held = shards;
            is_new
        });
    }

    fn begin(&mut self, grant: Grant) {
        let shard = grant.shard.id.clone();
        if self.reading.values().any(|reading| reading.shard == shard) {
            self.waiting.push(grant);
            return;
        }
        let parted = self.parted.get(&shard).cloned().unwrap_or_default();
        let (lost, hears) = stop();
        let number = grant.number;
        self.reading.insert(number, Reading { shard, lost });
        let desk = self.desk.clone();
        self.readers.spawn(async move { (number, desk.read(&grant, parted, hears).await) });
    }

    fn lose(&mut self, grant: u64) {
        self.waiting.retain(|waiting| waiting.number != grant);
        if let Some(reading) = self.reading.get(&grant) {
            reading.lost.stop();
        }
    }

    fn end(
        &mut self,
        ended: Result<(u64, Result<Parted, SourceError>), JoinError>,
    ) -> Result<(), SourceError> {
        let (number, parted) = ended.map_err(|error| SourceError::Reader(error.to_string()))?;
        let parted = parted?;
        let Some(Reading { shard, .. }) = self.reading.remove(&number) else { return Ok(()) };
        if let Some(place) = self.waiting.iter().position(|waiting| waiting.shard.id == shard) {
            self.parted.insert(shard, parted);
            let grant = self.waiting.remove(place);
            self.begin(grant);
        } else {
            self.parted.insert(shard, parted);
        }
        Ok(())
    }
}
