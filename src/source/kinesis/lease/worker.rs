//! The loop of a worker: looks at the table, makes and deletes leases as the stream's shards come and go, and takes its share.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use rand_chacha::ChaCha8Rng;
use tokio::{task::JoinSet, time::sleep};

use super::{
    Shared,
    fault::Fault,
    held::{EPSILON, Held},
    row::{self, Row},
    share::{self, Bounds, Candidate},
    update::Update,
    watch::Watch,
};
use crate::{
    pipe::Backoff,
    source::kinesis::{
        checkpoint::Checkpoint,
        ledger::{Grant, Shard, Turn},
        lineage::Lineage,
    },
    telemetry::{clock, seed},
};

/// How often the stream's shards are compared with the leases, when nothing gives reason to before.
const LIST_EVERY: Duration = Duration::from_secs(120);
/// How often a lease is tried to be taken before it is left for the next look.
const TRIES: usize = 3;

struct Worker {
    shared: Arc<Shared>,
    watch: Watch,
    random: ChaCha8Rng,
    /// The stream's shards, and when they were listed; nothing before they were.
    shards: Option<(Vec<Shard>, Instant)>,
    /// All shards that the stream was asked about: its own, and those that had a lease then and were not among them.
    heard_of: HashSet<Arc<str>>,
    /// When a lease was stolen last; at first when this worker began. From one that is dead nothing is to be stolen: all that it had
    /// expires together, and is read together.
    stole: Instant,
    renewals: JoinSet<()>,
}

/// Looks for leases, and holds them, until it is dropped or the table turns out to be of no use.
pub(super) async fn run(shared: Arc<Shared>) {
    let failover = shared.config.failover.std();
    let mut worker = Worker {
        watch: Watch::new(failover),
        random: share::random(seed::fresh()),
        shards: None,
        heard_of: HashSet::new(),
        stole: clock::monotonic(),
        renewals: JoinSet::new(),
        shared: shared.clone(),
    };
    let why = worker.run().await;
    shared.book().unusable = Some(why);
    shared.turned.notify_one();
}

// === impl Worker ===

impl Worker {
    async fn run(&mut self) -> String {
        let shared = self.shared.clone();
        let every = shared.config.failover.std() / 3;
        let mut backoff =
            Backoff::new(Duration::from_millis(200), every.max(Duration::from_secs(1)), seed::fresh());
        let mut is_ready = false;
        loop {
            let looked = match is_ready {
                true => self.look().await,
                false => match shared.table.ensure(&shared.config).await {
                    Ok(()) => {
                        is_ready = true;
                        self.look().await
                    }
                    Err(fault) => Err(Trouble::Table(fault)),
                },
            };
            let wait = match looked {
                Ok(()) => {
                    backoff.reset();
                    shared.reading.health.recover(&shared.part());
                    every
                }
                Err(Trouble::Table(fault)) if fault.is_final() => return fault.to_string(),
                Err(trouble) => {
                    shared.meters.look_failures.inc();
                    tracing::warn!("could not look for leases, trying again: {trouble}");
                    shared.reading.health.ail(&shared.part(), &trouble.to_string());
                    is_ready &= !matches!(trouble, Trouble::Table(Fault::Gone(_)));
                    backoff.next_wait(None)
                }
            };
            tokio::select! {
                () = sleep(wait) => {}
                () = shared.changed.notified() => {}
            }
            while self.renewals.try_join_next().is_some() {}
        }
    }

    /// Looks at all leases once, and does what there is to do.
    async fn look(&mut self) -> Result<(), Trouble> {
        let shared = self.shared.clone();
        let mut rows = shared.table.scan().await?;
        self.watch.see(&rows, clock::monotonic());
        if self.wants_shards(&rows) && self.list(&rows).await? {
            let settled = self.settle(&rows).await;
            if settled.is_err() {
                // What is missing is made at the next look, and not only when it is time for a new list.
                shared.book().has_ended = true;
            }
            if settled? {
                rows = shared.table.scan().await?;
                self.watch.see(&rows, clock::monotonic());
            }
        }
        let age = |held: &Arc<Held>| clock::monotonic().saturating_duration_since(held.renewed()).as_millis();
        let oldest = shared.book().held.values().map(age).max().unwrap_or(0);
        shared.meters.renewal_age.set(i64::try_from(oldest).unwrap_or(i64::MAX));
        let now = clock::monotonic();
        let mut others = rows.iter().filter(|row| row.owner.as_deref() != Some(&*shared.worker));
        shared.book().has_others = others.any(|row| self.watch.is_alive(row, now));
        self.take(&rows).await;
        Ok(())
    }

    /// Whether the stream should be asked for its shards: it is time, a shard has ended, or another worker knows more.
    fn wants_shards(&self, rows: &[Row]) -> bool {
        let Some((_, listed)) = &self.shards else { return true };
        clock::monotonic().saturating_duration_since(*listed) >= LIST_EVERY
            || std::mem::take(&mut self.shared.book().has_ended)
            || rows.iter().any(|row| !self.heard_of.contains(&row.shard))
    }

    /// Asks the stream for its shards; says whether it answered. What it said before serves where it does not.
    async fn list(&mut self, rows: &[Row]) -> Result<bool, Trouble> {
        match self.shared.reading.shards.list().await {
            Ok(shards) => {
                let leased = rows.iter().map(|row| row.shard.clone());
                self.heard_of = shards.iter().map(|shard| shard.id.clone()).chain(leased).collect();
                self.shards = Some((shards, clock::monotonic()));
                Ok(true)
            }
            Err(why) if self.shards.is_none() => Err(Trouble::Stream(why)),
            Err(why) => {
                self.shared.meters.look_failures.inc();
                tracing::warn!(
                    "could not list the stream's shards, going on with those that are known: {why}"
                );
                Ok(false)
            }
        }
    }

    /// Makes the leases that are missing, and deletes those that say nothing any more. Says whether anything changed.
    async fn settle(&mut self, rows: &[Row]) -> Result<bool, Trouble> {
        let Some((shards, _)) = &self.shards else { return Ok(false) };
        let table = &self.shared.table;
        let known = checkpoints(rows);
        let lineage = Lineage::new(shards, &known);
        let mut has_changed = false;
        for (shard, checkpoint) in lineage.missing(self.shared.reading.begin) {
            has_changed |= table.create(row::fresh(shard, &checkpoint)).await?;
        }
        for id in lineage.settled() {
            table.delete(id, Checkpoint::ShardEnd.text()).await?;
            has_changed = true;
        }
        let now = clock::monotonic();
        let vanished = lineage.vanished();
        for row in rows.iter().filter(|row| vanished.contains(&&*row.shard)) {
            if !row.is_finished() && !self.watch.is_available(row, now) {
                continue;
            }
            if !row.is_finished() {
                let shard = &*row.shard;
                tracing::warn!(
                    shard,
                    "the stream's retention has deleted a shard before it was read to its end"
                );
            }
            table.delete(&row.shard, row.checkpoint.text()).await?;
            has_changed = true;
        }
        Ok(has_changed)
    }

    /// Takes what this worker should have, and tells the reader of all of it together: what one shard holds would else be
    /// read before another is waited for, whose records were late then.
    async fn take(&mut self, rows: &[Row]) {
        let shared = self.shared.clone();
        let mut grants = Vec::new();
        for (row, shard, is_available) in self.choose(rows) {
            let Some((taken, sent)) = self.write(&row).await else { continue };
            shared.meters.taken.inc();
            if !is_available {
                shared.meters.stolen.inc();
                self.stole = sent;
            } else if row.owner.as_deref().is_some_and(|owner| owner != &*shared.worker) {
                shared.meters.expired.inc();
            }
            grants.push(self.hold(shard, taken, sent));
        }
        let mut book = shared.book();
        // One that was lost meanwhile is none.
        grants.retain(|grant| book.held.contains_key(&grant.number));
        if !grants.is_empty() {
            book.turns.push_back(Turn::Granted(grants));
        }
        drop(book);
        shared.turned.notify_one();
    }

    /// The leases to take now, each with its shard and whether nobody holds it.
    fn choose(&mut self, rows: &[Row]) -> Vec<(Row, Shard, bool)> {
        let Self { shared, watch, random, shards: Some((shards, _)), stole, .. } = self else {
            return Vec::new();
        };
        let now = clock::monotonic();
        let config = &shared.config;
        let failover = config.failover.std();
        let mut book = shared.book();
        // A reader that has not taken what it was granted, because it is stopping, is granted nothing more.
        if book.unheard() > 0 {
            return Vec::new();
        }
        book.released.retain(|_, at| now.saturating_duration_since(*at) < failover * 3);
        let known = checkpoints(rows);
        let lineage = Lineage::new(shards, &known);
        let may_be_read = |row: &&Row| {
            !row.is_finished() && lineage.may_be_read(&row.shard) && !book.released.contains_key(&row.shard)
        };
        let rows: Vec<&Row> = rows.iter().filter(may_be_read).collect();
        let held: HashSet<&str> = book.held.values().map(|held| &*held.shard.id).collect();
        let candidate = |row: &&'_ Row| {
            let ours = row.owner.as_deref() == Some(&*shared.worker);
            if held.contains(&*row.shard) {
                return Candidate { owner: Some(&shared.worker), is_available: false, is_neglected: false };
            }
            // One that says it is ours, and is not held, was given up: nobody has taken it since.
            Candidate {
                owner: None,
                is_available: ours || watch.is_available(row, now),
                is_neglected: watch.is_neglected(row, now),
            }
        };
        let mut candidates: Vec<Candidate<'_>> = rows.iter().map(candidate).collect();
        for (candidate, row) in candidates.iter_mut().zip(&rows) {
            candidate.owner = candidate.owner.or(row.owner.as_deref());
        }
        let may_steal = now.saturating_duration_since(*stole) >= (failover + EPSILON) * 2;
        let bounds = Bounds {
            most: config.max_leases.map_or(usize::MAX, |most| most as usize),
            steal: if may_steal { config.max_leases_to_steal as usize } else { 0 },
        };
        let chosen = share::choose(&candidates, &shared.worker, bounds, random);
        let shard = |row: &Row| shards.iter().find(|shard| shard.id == row.shard).cloned();
        let each = chosen
            .into_iter()
            .filter_map(|at| Some((rows[at].clone(), shard(rows[at])?, candidates[at].is_available)));
        each.collect()
    }

    /// Writes that a lease is ours; returns it as it stands then, and when the write was sent. None where another worker was
    /// first, or DynamoDB does not answer: the next look finds out.
    async fn write(&self, row: &Row) -> Option<(Row, Instant)> {
        let shared = &self.shared;
        let sent = clock::monotonic();
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_millis(500), seed::fresh());
        for tried in 0..TRIES {
            let fault = match shared.table.update(&row.shard, &Update::take(row, &shared.worker)).await {
                Ok(taken) => return Some((taken, sent)),
                // It has changed since it was looked at, and be it by a last write of our own: the end of its shard.
                Err(Fault::Refused(_)) if tried == 0 => return None,
                Err(Fault::Refused(_)) => {
                    // An earlier try may have been done, and its answer lost.
                    let found = shared.table.get(&row.shard).await.ok().flatten()?;
                    let ours = found.owner.as_deref() == Some(&*shared.worker)
                        && found.counter == row.counter + 1
                        && found.checkpoint == row.checkpoint;
                    return ours.then_some((found, sent));
                }
                Err(fault) => fault,
            };
            shared.meters.write_failures.inc();
            tracing::warn!(shard = &*row.shard, "could not take the lease, trying again: {fault}");
            sleep(backoff.next_wait(None)).await;
        }
        None
    }

    /// Keeps the lease from here on.
    fn hold(&mut self, shard: Shard, row: Row, sent: Instant) -> Grant {
        let shared = self.shared.clone();
        let mut book = shared.book();
        book.granted += 1;
        let grant = book.granted;
        let place = (shared.table.clone(), shared.worker.clone(), shared.meters.clone());
        let held = Arc::new(Held::new(grant, shard.clone(), &row, sent, place, shared.config.failover.std()));
        book.held.insert(grant, held.clone());
        shared.meters.held.set(book.held.len() as i64);
        tracing::info!(shard = &*row.shard, checkpoint = %row.checkpoint, "the shard is ours to read");
        drop(book);
        self.renewals.spawn(async move {
            if held.keep().await.is_err() {
                shared.lose(grant);
            }
        });
        Grant { number: grant, shard, checkpoint: row.checkpoint, stamp: row.stamp }
    }
}

/// Why a look came to nothing.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Table(#[from] Fault),
    #[error("could not list the stream's shards: {0}")]
    Stream(String),
}

fn checkpoints(rows: &[Row]) -> HashMap<Arc<str>, Checkpoint> {
    rows.iter().map(|row| (row.shard.clone(), row.checkpoint.clone())).collect()
}
