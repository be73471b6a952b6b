//! Leases of shards in a table of DynamoDB, by the protocol and in the schema of the Kinesis Client Library 2.
//!
//! Every worker looks at the whole table every third of the failover time, judges by its own clock which leases have expired
//! (`watch`), and takes its share (`share`) of those that may be read (`lineage`). It renews each of its own every third of
//! the failover time, and gives one up that it could not (`held`). All writes are conditional (`update`), and each is tried
//! again only here, so that a lost answer is known as one.

mod config;
mod fault;
mod held;
mod meters;
mod row;
mod share;
mod table;
mod update;
mod watch;
mod worker;

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use aws_config::{SdkConfig, retry::RetryConfig};
use aws_sdk_dynamodb::{Client, config::Builder};
use tokio::{sync::Notify, task::JoinHandle};

use super::{
    checkpoint::Checkpoint,
    ledger::{Ledger, LedgerError, Shards, Turn},
    lineage::{Begin, Lineage},
};
use crate::{
    pipe::BoxFuture,
    source::Stamp,
    telemetry::{clock, health::Health, metrics::Metrics, seed},
};
use fault::Fault;
use held::{Held, Lost};
use meters::Meters;
use table::Table;
use update::Update;

pub use config::{Capacity, Dynamodb};
pub use row::RowError;

/// Leases in a table, of which this worker holds some. Those that it still holds when it is dropped expire.
#[derive(Debug)]
pub struct Leases {
    shared: Arc<Shared>,
    worker: JoinHandle<()>,
}

/// What leases are for.
pub struct Reading {
    /// The source's name, for metrics.
    pub source: String,
    /// The stream's shards.
    pub shards: Arc<dyn Shards>,
    /// Where a stream is begun of which the table knows nothing.
    pub begin: Begin,
    /// Whose state says what the checkpoints say; none where there is no state.
    pub stamp: Option<Stamp>,
    /// Where it says whether the table can be looked at.
    pub health: Health,
}

struct Shared {
    config: Dynamodb,
    reading: Reading,
    table: Table,
    worker: Arc<str>,
    meters: Meters,
    book: Mutex<Book>,
    /// There is a turn to take.
    turned: Notify,
    /// There is something to look for in the table, or the stream.
    changed: Notify,
}

/// What this worker holds and what its reader has not heard of.
#[derive(Debug, Default)]
struct Book {
    held: BTreeMap<u64, Arc<Held>>,
    turns: VecDeque<Turn>,
    /// Number of the last grant.
    granted: u64,
    /// Another worker holds leases, and was seen to renew them.
    has_others: bool,
    /// A shard has ended, so that there may be others.
    has_ended: bool,
    /// What was given back and when: it is for others.
    released: HashMap<Arc<str>, Instant>,
    /// Why nothing will ever be granted.
    unusable: Option<String>,
}

// === impl Book ===

impl Book {
    /// Takes back a grant of which its reader has not heard. Returns whether there was one.
    fn take_back(&mut self, grant: u64) -> bool {
        let before = self.unheard();
        for turn in &mut self.turns {
            if let Turn::Granted(grants) = turn {
                grants.retain(|granted| granted.number != grant);
            }
        }
        self.turns.retain(|turn| !matches!(turn, Turn::Granted(grants) if grants.is_empty()));
        self.unheard() < before
    }

    /// How many grants its reader has not heard of.
    fn unheard(&self) -> usize {
        let grants =
            self.turns.iter().map(|turn| if let Turn::Granted(grants) = turn { grants.len() } else { 0 });
        grants.sum()
    }
}

// === impl Leases ===

impl Leases {
    /// Begins to look for leases in the table that `config` names, and makes it where there is none. Needs a runtime.
    #[must_use]
    pub fn open(config: &Dynamodb, aws: &SdkConfig, reading: Reading, metrics: &Metrics) -> Self {
        let table = table(config, aws);
        let meters = Meters::new(metrics, &reading.source);
        let shared = Arc::new(Shared {
            config: config.clone(),
            reading,
            table,
            worker: name().into(),
            meters,
            book: Mutex::default(),
            turned: Notify::new(),
            changed: Notify::new(),
        });
        let worker = tokio::spawn(worker::run(shared.clone()));
        Self { shared, worker }
    }

    /// Looks whether the table that `config` names can be used, and makes nothing. That it is not there yet is no fault.
    ///
    /// # Errors
    /// When it cannot be read, or holds something else than the leases of one stream.
    pub async fn look(config: &Dynamodb, aws: &SdkConfig) -> Result<(), LedgerError> {
        match table(config, aws).look().await {
            Ok(()) | Err(Fault::Gone(_)) => Ok(()),
            Err(fault) => Err(LedgerError::Unusable(fault.to_string())),
        }
    }

    /// The name under which this worker holds leases.
    #[must_use]
    pub fn worker(&self) -> &str {
        &self.shared.worker
    }
}

impl Drop for Leases {
    fn drop(&mut self) {
        // Its renewals are dropped with it.
        self.worker.abort();
    }
}

impl Ledger for Leases {
    fn next(&self) -> BoxFuture<'_, Result<Turn, LedgerError>> {
        Box::pin(async {
            loop {
                let turned = self.shared.turned.notified();
                {
                    let mut book = self.shared.book();
                    if let Some(turn) = book.turns.pop_front() {
                        return Ok(turn);
                    }
                    if let Some(why) = &book.unusable {
                        return Err(LedgerError::Unusable(why.clone()));
                    }
                }
                turned.await;
            }
        })
    }

    fn checkpoint(&self, grant: u64, checkpoint: Checkpoint) -> BoxFuture<'_, Result<(), LedgerError>> {
        Box::pin(async move {
            let held = self.shared.book().held.get(&grant).cloned().ok_or(LedgerError::Lost)?;
            let stamp = self.shared.reading.stamp.as_ref();
            let written = match checkpoint {
                Checkpoint::ShardEnd => {
                    let children = self.shared.make_room_for_children(&held).await?;
                    held.write(|counter| Update::end(counter, &children, stamp)).await
                }
                _ => held.write(|counter| Update::checkpoint(counter, &checkpoint, stamp)).await,
            };
            match written {
                Err(Lost) => {
                    self.shared.lose(grant);
                    Err(LedgerError::Lost)
                }
                Ok(()) => {
                    if checkpoint == Checkpoint::ShardEnd {
                        self.shared.ended(&held);
                    }
                    Ok(())
                }
            }
        })
    }

    fn has_others(&self) -> bool {
        self.shared.book().has_others
    }

    fn release(&self, grant: u64) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let held = {
                let mut book = self.shared.book();
                let held = book.held.remove(&grant);
                if let Some(held) = &held {
                    book.released.insert(held.shard.id.clone(), clock::monotonic());
                    self.shared.meters.held.set(book.held.len() as i64);
                }
                held
            };
            if let Some(held) = held {
                held.release().await;
            }
        })
    }
}

// === impl Shared ===

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The part of the process that ails where the table cannot be looked at.
    fn part(&self) -> String {
        format!("leases of source {}", self.reading.source)
    }

    /// The lease of a grant is no longer ours: says so at once, unless the reader has not heard of it at all.
    fn lose(&self, grant: u64) {
        let mut book = self.book();
        let Some(held) = book.held.remove(&grant) else { return };
        held.end();
        self.meters.lost.inc();
        self.meters.held.set(book.held.len() as i64);
        if !book.take_back(grant) {
            book.turns.push_back(Turn::Lost { grant });
        }
        tracing::warn!(
            shard = &*held.shard.id,
            "the lease is lost, its shard is another worker's now or soon"
        );
        self.turned.notify_one();
    }

    /// A shard was read to its end, and its lease says so.
    fn ended(&self, held: &Held) {
        held.end();
        let mut book = self.book();
        book.held.remove(&held.grant);
        book.has_ended = true;
        self.meters.held.set(book.held.len() as i64);
        self.changed.notify_one();
    }

    /// Makes leases for what came of a shard that was read to its end, before its own lease says that it was: nobody then
    /// finds the one without the other. Returns what came of it.
    async fn make_room_for_children(&self, held: &Held) -> Result<Vec<Arc<str>>, LedgerError> {
        let shards = self.reading.shards.list().await.map_err(LedgerError::Unavailable)?;
        let told = |fault: Fault| match fault.is_final() {
            true => LedgerError::Unusable(fault.to_string()),
            false => LedgerError::Unavailable(fault.to_string()),
        };
        let rows = self.table.scan().await.map_err(told)?;
        let mut known: HashMap<Arc<str>, Checkpoint> =
            rows.into_iter().map(|row| (row.shard, row.checkpoint)).collect();
        known.insert(held.shard.id.clone(), held.checkpoint());
        for (shard, checkpoint) in
            Lineage::new(&shards, &known).ending(&held.shard.id).missing(self.reading.begin)
        {
            self.table.create(row::fresh(shard, &checkpoint)).await.map_err(told)?;
        }
        let mut children: Vec<Arc<str>> = shards
            .iter()
            .filter(|shard| shard.parents().any(|parent| *parent == held.shard.id))
            .map(|shard| shard.id.clone())
            .collect();
        children.sort();
        Ok(children)
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("worker", &self.worker)
            .field("book", &self.book)
            .finish_non_exhaustive()
    }
}

fn table(config: &Dynamodb, aws: &SdkConfig) -> Table {
    let mut client = Builder::from(aws).retry_config(RetryConfig::disabled());
    if let Some(endpoint) = &config.endpoint {
        client = client.endpoint_url(endpoint);
    }
    let patience = (config.failover.std() / 3).min(Duration::from_secs(5));
    Table::new(Client::from_conf(client.build()), &config.table, patience)
}

/// A name that no other worker has, which begins with the host's, for whoever reads the table.
fn name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}:floodmark-{:016x}", host.trim(), seed::fresh())
}
