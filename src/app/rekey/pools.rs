//! The topic of pools: what the parts of all workers teach each other goes through it, and the seed that they share.
//!
//! Everything is in its first partition, so that all workers read it in the same order. The first seed there is everybody's.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::{runtime::Handle, sync::Notify};

use crate::{
    kafka::{Compacted, CompactedError, Looked, Pen, Tail},
    pipe::Stop,
    score::{Council, Word},
    telemetry::{
        clock,
        metrics::{Counter, Gauge, Metrics},
        seed,
    },
};

/// What all workers agree on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Agreed {
    /// The seed of everything that is hashed.
    pub(super) seed: [u8; 16],
    /// How many parts there are.
    pub(super) parts: usize,
}

/// What the thread that carries words shares with the rest.
#[derive(Default)]
pub(super) struct Carried {
    pub(super) agreed: OnceLock<Agreed>,
    /// Whether all that was to be carried is there for good.
    settled: AtomicBool,
    /// Rings when an epoch is whole.
    pub(super) whole: Notify,
}

/// Carries words between the council and the topic.
pub(super) struct Carrier {
    pub(super) council: Arc<Council>,
    pub(super) carried: Arc<Carried>,
    /// The topic whose partitions are the parts.
    pub(super) observations: Compacted,
    pub(super) pools: Compacted,
    pub(super) changelog: Compacted,
    /// By what the topics are looked at; nothing once they are what they must be.
    pub(super) looks: Option<Handle>,
    /// How long a part that does not move is waited for, in milliseconds.
    pub(super) idle_ms: u64,
    pub(super) meters: Meters,
}

/// What is counted.
pub(super) struct Meters {
    behind: Gauge,
    forced: Counter,
}

/// First byte of the key of a seed; the council has others.
const SEED: u8 = b's';
const LOOK: Duration = Duration::from_millis(10);
/// How long a cluster that does not answer is left alone.
const PAUSE: Duration = Duration::from_secs(1);

// === impl Meters ===

impl Meters {
    pub(super) fn new(metrics: &Metrics) -> Self {
        Self {
            behind: metrics.gauge(
                "floodmark_rekey_epochs_behind",
                "Hours of event time that are due in a part of this worker and that some part has not taught yet.",
                Vec::new(),
            ),
            forced: metrics.counter(
                "floodmark_rekey_epochs_forced",
                "Hours of event time that folded without what a part taught that did not move for `score.idle`.",
                Vec::new(),
            ),
        }
    }
}

// === impl Carried ===

impl Carried {
    /// Whether all that the council had to say before this was asked is there for good.
    pub(super) fn is_settled(&self) -> bool {
        self.settled.load(Ordering::Acquire)
    }

    /// From here on nothing is settled that is not looked at again.
    pub(super) fn unsettle(&self) {
        self.settled.store(false, Ordering::Release);
    }
}

// === impl Carrier ===

impl Carrier {
    /// Carries words until `stop`, on a thread of its own.
    pub(super) fn start(self, stop: Stop) -> std::io::Result<JoinHandle<()>> {
        thread::Builder::new().name("rekey-pools".to_owned()).spawn(move || self.run(&stop))
    }

    fn run(mut self, stop: &Stop) {
        let mut said = String::new();
        while !stop.is_stopped() {
            match self.begin(stop) {
                Ok(Some((tail, pen))) => {
                    said.clear();
                    if let Err(error) = self.carry(tail, &pen, stop) {
                        said = tell(&said, &error);
                    }
                }
                Ok(None) => {}
                Err(error) => said = tell(&said, &error),
            }
            if !stop.is_stopped() {
                thread::sleep(PAUSE);
            }
        }
    }

    /// Reads all that is there; nothing where it is to stop.
    fn begin(&mut self, stop: &Stop) -> Result<Option<(Tail, Pen)>, CompactedError> {
        let parts = self.observations.partitions()?;
        self.look(parts)?;
        self.council.convene(parts);
        let (mut tail, pen) = (self.pools.tail(0)?, self.pools.pen()?);
        let mut first = None;
        let mut has_offered = false;
        while first.is_none() || !has_offered {
            if stop.is_stopped() {
                return Ok(None);
            }
            let council = &self.council;
            let mut each = |key: &[u8], value: Option<&[u8]>| hear(council, &mut first, key, value);
            let looked = tail.look(LOOK, &mut each)?;
            if looked == Looked::End && !has_offered {
                has_offered = true;
                if first.is_none() {
                    let mut own = [0; 16];
                    own[..8].copy_from_slice(&seed::fresh().to_be_bytes());
                    own[8..].copy_from_slice(&seed::fresh().to_be_bytes());
                    pen.write(0, &[&[SEED][..], &own].concat(), Some(&own));
                }
            }
        }
        if let Some(seed) = first {
            let _ = self.carried.agreed.set(Agreed { seed, parts });
        }
        Ok(Some((tail, pen)))
    }

    /// Looks whether the topics are what they must be, once.
    fn look(&mut self, parts: usize) -> Result<(), CompactedError> {
        let Some(runtime) = self.looks.take() else { return Ok(()) };
        let looked = runtime.block_on(async {
            self.pools.look(1).await?;
            self.changelog.look(parts).await
        });
        if looked.is_err() {
            self.looks = Some(runtime);
        }
        looked
    }

    fn carry(&mut self, mut tail: Tail, pen: &Pen, stop: &Stop) -> Result<(), CompactedError> {
        while !stop.is_stopped() {
            let mut is_whole = false;
            let council = &self.council;
            let mut each = |key: &[u8], value: Option<&[u8]>| is_whole |= council.hear(key, value);
            let mut most = LOOK;
            while tail.look(most, &mut each)? == Looked::Word {
                most = Duration::ZERO;
            }
            if is_whole {
                self.carried.whole.notify_one();
            }
            // Before it is asked what there is to say, so that what is said later is not taken for settled.
            let was_settled = pen.is_settled();
            let words = self.council.take_words();
            self.carried.settled.store(was_settled && words.is_empty(), Ordering::Release);
            for Word { key, value } in &words {
                pen.write(0, key, value.as_deref());
            }
            self.council.tick(clock::wall_millis(), self.idle_ms);
            let session = self.council.session();
            self.meters.behind.set(i64::try_from(session.behind).unwrap_or(i64::MAX));
            self.meters.forced.inc_by(session.forced.saturating_sub(self.meters.forced.get()));
        }
        Ok(())
    }
}

/// Tells the council, or takes the first seed.
fn hear(council: &Council, first: &mut Option<[u8; 16]>, key: &[u8], value: Option<&[u8]>) {
    if key.first() == Some(&SEED) {
        let seed = value.and_then(|value| value.try_into().ok());
        *first = first.or(seed);
    } else {
        council.hear(key, value);
    }
}

/// Says `error` where that is not what was said before.
fn tell(before: &str, error: &CompactedError) -> String {
    let said = error.to_string();
    if said != before {
        tracing::warn!("{said}; trying again");
    }
    said
}
