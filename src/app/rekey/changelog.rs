//! The topic of changes: what each part remembers, in the partition of its number, so that whoever takes it over goes on where
//! the last one left off.
//!
//! A part is kept in one transaction each time: what has changed and the position up to which that holds all, so that nobody
//! reads a half of it. Whoever takes a part over takes the name of its transactions, so that who had it before can keep nothing
//! any more.

use std::{collections::BTreeMap, sync::Arc, thread, time::Duration};

use tokio::time::sleep;

use super::{
    parts::{Cut, Library, Opened, Parts, Reached, Shelf},
    pools::{Agreed, Carried},
};
use crate::{
    app::workers::clock_origin,
    event::{Origin, Position},
    kafka::{Compacted, CompactedError, Scribe},
    pipe::{Barrier, Feed, Flight, Step, Stop},
    quantity::ByteSize,
    score::{self, Council, Scorer},
    telemetry::{
        clock,
        metrics::{Counter, Metrics, Ratio},
    },
};

/// Where parts are.
pub(super) struct Changelog {
    pub(super) topic: Compacted,
    pub(super) carried: Arc<Carried>,
    pub(super) council: Arc<Council>,
    pub(super) config: score::Config,
    pub(super) metrics: Metrics,
    pub(super) meters: Meters,
    pub(super) stop: Stop,
}

/// What is counted of parts that come.
pub(super) struct Meters {
    restored: Counter,
    seconds: Ratio,
}

/// Where one part is kept.
struct Kept {
    scribe: Scribe,
    partition: i32,
}

/// Keeps what parts remember, now and then.
pub(super) struct PartsKeeper {
    pub(super) parts: Arc<Parts>,
    pub(super) carried: Arc<Carried>,
    pub(super) flight: Arc<Flight>,
    /// Whose turn every step is that is about the parts, too.
    pub(super) scorer: Option<Arc<Scorer>>,
}

/// The key of the position; no entry's.
const POSITION: &[u8] = b"R";
const PAUSE: Duration = Duration::from_millis(200);
const LOOK: Duration = Duration::from_millis(10);

// === impl Meters ===

impl Meters {
    pub(super) fn new(metrics: &Metrics) -> Self {
        Self {
            restored: metrics.counter(
                "floodmark_rekey_entries_restored",
                "Entries of the state that were read as parts came to this worker.",
                Vec::new(),
            ),
            seconds: metrics
                .ratio("floodmark_rekey_move_seconds", "How long it took to read the part that came last."),
        }
    }
}

// === impl Changelog ===

impl Library for Changelog {
    fn open(&self, number: u32) -> Result<Option<Opened>, String> {
        let begun = clock::monotonic();
        let mut said = String::new();
        let agreed = loop {
            if self.stop.is_stopped() {
                return Ok(None);
            }
            if let Some(agreed) = self.carried.agreed.get() {
                break agreed;
            }
            thread::sleep(LOOK);
        };
        loop {
            match self.read(number, agreed) {
                Ok(Ok(opened)) => {
                    let seconds = begun.elapsed().as_secs_f64();
                    self.meters.seconds.set(seconds);
                    tracing::info!(
                        part = number,
                        seconds,
                        position = opened.reached.scored,
                        "took over a part"
                    );
                    return Ok(Some(opened));
                }
                Ok(Err(cause)) => return Err(cause),
                Err(_) if self.stop.is_stopped() => return Ok(None),
                Err(error) => {
                    let says = error.to_string();
                    if says != said {
                        tracing::warn!(part = number, "{says}; trying again");
                        said = says;
                    }
                    thread::sleep(PAUSE);
                }
            }
        }
    }
}

impl Changelog {
    /// Reads a part. What the cluster says may pass; what it holds does not.
    fn read(&self, number: u32, agreed: &Agreed) -> Result<Result<Opened, String>, CompactedError> {
        let partition = i32::try_from(number).unwrap_or(i32::MAX);
        // Before anything is read: what another process still writes in this name is not there after this.
        let scribe = self.topic.scribe(&format!("{}.{number}", self.topic.topic()))?;
        let mut entries = BTreeMap::new();
        let mut reached = None;
        self.topic.read(partition, |key, value| match value {
            Some(value) if key == POSITION => {
                reached = reached_of(value);
            }
            Some(value) => drop(entries.insert(key.to_vec(), value.to_vec())),
            None => drop(entries.remove(key)),
        })?;
        self.meters.restored.inc_by(entries.len() as u64);
        let config = share(&self.config, agreed.parts);
        let restored = Scorer::restore(&config, &self.metrics, agreed.seed, entries);
        Ok(match restored {
            Ok(scorer) => Ok(Opened {
                scorer: scorer.in_council(self.council.clone(), number),
                reached: reached.unwrap_or_default(),
                shelf: Box::new(Kept { scribe, partition }),
            }),
            Err(error) => Err(error.to_string()),
        })
    }
}

/// What a part may take of what the config allows: hosts are spread by a hash, so a quarter more than its share.
fn share(config: &score::Config, parts: usize) -> score::Config {
    let parts = u32::try_from(parts).unwrap_or(u32::MAX).max(1);
    let of = |all: u32| (all + all / 4).div_ceil(parts).min(all);
    let dedup = config.dedup_bytes.as_u64().div_ceil(u64::from(parts));
    score::Config {
        entities_max: of(config.entities_max).max(1),
        externals_max: of(config.externals_max),
        pairs_max: of(config.pairs_max),
        dedup_bytes: ByteSize::bytes(dedup),
        ..config.clone()
    }
}

/// How far a part has come, as it was kept; nothing where nobody wrote it so.
fn reached_of(bytes: &[u8]) -> Option<Reached> {
    let (scored, open) = bytes.split_first_chunk()?;
    let [scored, open] = [*scored, *open.first_chunk()?].map(u64::from_be_bytes);
    Some(Reached { scored, open })
}

impl Shelf for Kept {
    fn keep(&self, entries: &[(Vec<u8>, Option<Vec<u8>>)], reached: Reached) -> Result<(), String> {
        let position = [reached.scored, reached.open].map(u64::to_be_bytes).concat();
        let words = entries.iter().map(|(key, value)| (&**key, value.as_deref()));
        let words = words.chain([(POSITION, Some(&position[..]))]);
        self.scribe.write(self.partition, words).map_err(|error| error.to_string())
    }
}

// === impl PartsKeeper ===

impl PartsKeeper {
    /// Keeps all parts every `every`, until `stop`.
    pub(super) async fn run(&self, feed: Feed, every: Duration, mut stop: Stop) {
        loop {
            tokio::select! {
                () = sleep(every) => {}
                () = stop.stopped() => return,
            }
            let Some(cut) = self.cut(&feed).await else { return };
            let mut waiting = stop.clone();
            let delivered = tokio::select! {
                () = self.is_whole(&cut) => true,
                () = waiting.stopped() => false,
            };
            if !delivered {
                return give_back(cut);
            }
            self.write(cut).await;
        }
    }

    /// What all parts remember at this point of the input; nothing where the workers are gone.
    pub(super) async fn cut(&self, feed: &Feed) -> Option<Cut> {
        let asked = self.parts.ask();
        let scorer = self.scorer.clone();
        let passes = move |ticket| {
            if let Some(scorer) = scorer {
                scorer.skip(ticket);
            }
        };
        feed.send(Step::Barrier(Barrier(Box::new(passes)))).await.ok()?;
        asked.await.ok()
    }

    /// Keeps the last of them where everything is delivered that it includes.
    pub(super) async fn end(&self, cut: Cut) {
        let is_delivered = positions(&cut).all(|(origin, at)| self.flight.is_confirmed_to(&origin, at));
        if is_delivered {
            self.settled().await;
            self.write(cut).await;
        }
    }

    /// Returns when all that `cut` includes is delivered, and all that its parts have taught is there for good.
    async fn is_whole(&self, cut: &Cut) {
        let mut left: Vec<_> = positions(cut).collect();
        let flight = &self.flight;
        let confirmed = flight.until(|flight| {
            left.retain(|(origin, position)| !flight.is_confirmed_to(origin, *position));
            left.is_empty()
        });
        confirmed.await;
        self.settled().await;
    }

    /// Returns when all that parts have taught by now is there for good: it must not be lost where they hold that they have.
    async fn settled(&self) {
        self.carried.unsettle();
        while !self.carried.is_settled() {
            sleep(LOOK).await;
        }
    }

    async fn write(&self, cut: Cut) {
        let council = self.parts.council.clone();
        let kept = tokio::task::spawn_blocking(move || {
            cut.parts.into_iter().for_each(|(part, capture)| part.keep(capture, &council));
        });
        // A panic has taken the process with it.
        let _ = kept.await;
    }
}

fn positions(cut: &Cut) -> impl Iterator<Item = (Origin, Position)> + '_ {
    let parts = cut.parts.iter().flat_map(|(_, capture)| capture.positions.iter().cloned());
    parts.chain([(clock_origin(), cut.ticket)])
}

fn give_back(cut: Cut) {
    cut.parts.into_iter().for_each(|(part, capture)| part.scorer.give_back(capture));
}
