//! Reading a shard by asking, at its pace: after throttling later, after an expired iterator with another one.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::sleep,
};

use super::{
    ails::Ails,
    api::{Answer, Calls, Seek},
    config,
    fault::{Fault, Kind},
    meters::Meters,
    pace::Pace,
};
use crate::{
    pipe::Backoff,
    telemetry::{clock, seed},
};

/// What all readers of a source share.
#[derive(Clone)]
pub(super) struct Means {
    pub(super) calls: Arc<dyn Calls>,
    /// Room for answers that are in memory.
    pub(super) answers: Arc<Semaphore>,
    pub(super) meters: Meters,
    pub(super) ails: Arc<Ails>,
}

/// Asks one shard.
pub(super) struct Polling {
    means: Means,
    shard: Arc<str>,
    records_max: u16,
    /// Where the next iterator begins.
    seek: Seek,
    iterator: Option<String>,
    pace: Pace,
    /// When the last call began, and how long after it the next may begin.
    last: Option<(Instant, Duration)>,
    backoff: Backoff,
}

/// What came of a shard.
#[derive(Debug)]
pub(super) enum Pulled {
    /// These records, and whether they are the last.
    Records {
        answer: Answer,
        is_end: bool,
        /// Held until the answer is handed on.
        room: Option<OwnedSemaphorePermit>,
    },
    /// What reading was to go on with is not of this stream: the shard is read from its beginning.
    Foreign,
}

/// The waits after a refusal.
const WAIT_FIRST: Duration = Duration::from_millis(400);
const WAIT_MOST: Duration = Duration::from_secs(10);
/// Clocks differ: what comes from now on is asked for by a time so many milliseconds ago.
const LATEST_MARGIN: i64 = 1000;

// === impl Means ===

impl Means {
    /// Waits after `fault` of `shard`, and says what it was.
    pub(super) async fn heed(&self, shard: &str, fault: &Fault, backoff: &mut Backoff) {
        if fault.kind == Kind::Throttled {
            self.meters.throttled.inc();
            tracing::debug!(shard, %fault, "asking less often");
        } else {
            self.ails.ail(shard, &fault.text);
        }
        sleep(backoff.next_wait(None)).await;
    }

    /// What reading of `shard` was to go on with is not of this stream.
    pub(super) fn foreign(&self, shard: &str, fault: &Fault) {
        self.meters.starts_expired.inc();
        tracing::error!(
            shard, %fault,
            "the checkpoint is none of this stream's; was it deleted and made again? the shard is read from its beginning"
        );
    }
}

/// A backoff for one shard.
pub(super) fn backoff() -> Backoff {
    Backoff::new(WAIT_FIRST, WAIT_MOST, seed::fresh())
}

/// What comes from now on, however much later it is asked for.
pub(super) fn since_now() -> Seek {
    let now = i64::try_from(clock::wall_millis()).unwrap_or(i64::MAX);
    Seek::AtTimestamp(now - LATEST_MARGIN)
}

// === impl Polling ===

impl Polling {
    pub(super) fn new(means: Means, shard: Arc<str>, config: &config::Polling, seek: Seek) -> Self {
        Self {
            means,
            shard,
            records_max: config.records_max,
            seek,
            iterator: None,
            pace: Pace::new(config.every.std()),
            last: None,
            backoff: backoff(),
        }
    }

    /// What comes next. Giving up the wait loses nothing.
    pub(super) async fn next(&mut self) -> Pulled {
        loop {
            let Some(iterator) = self.iterator.clone() else {
                match self.means.calls.iterator(&self.shard, &self.seek).await {
                    Ok(iterator) => self.begin(iterator),
                    Err(fault) if fault.kind == Kind::Foreign && self.seek.sequence().is_some() => {
                        self.means.foreign(&self.shard, &fault);
                        self.seek = Seek::TrimHorizon;
                        return Pulled::Foreign;
                    }
                    Err(fault) => self.means.heed(&self.shard, &fault, &mut self.backoff).await,
                }
                continue;
            };
            if let Some((begun, wait)) = self.last {
                sleep(wait.saturating_sub(begun.elapsed())).await;
            }
            let room = self.means.answers.clone().acquire_owned().await.ok();
            let begun = clock::monotonic();
            match self.means.calls.records(&iterator, self.records_max).await {
                Ok(answer) => return self.take(begun, answer, room),
                Err(fault) => {
                    drop(room);
                    if fault.kind == Kind::Expired {
                        self.means.meters.iterators_expired.inc();
                        tracing::debug!(shard = &*self.shard, "the iterator has expired");
                        self.iterator = None;
                    } else {
                        // Of a stream that was deleted and made again nothing is left, its iterators least.
                        if matches!(fault.kind, Kind::Foreign | Kind::Gone) {
                            self.iterator = None;
                        }
                        self.means.heed(&self.shard, &fault, &mut self.backoff).await;
                    }
                }
            }
        }
    }

    fn begin(&mut self, iterator: String) {
        self.iterator = Some(iterator);
        if self.seek == Seek::Latest {
            self.seek = since_now();
        }
    }

    fn take(&mut self, begun: Instant, answer: Answer, room: Option<OwnedSemaphorePermit>) -> Pulled {
        self.backoff.reset();
        self.means.ails.recover(&self.shard);
        self.last = Some((begun, self.pace.after(&answer)));
        if let Some(last) = answer.records.last() {
            self.seek = Seek::After(last.sequence.clone());
        }
        self.iterator.clone_from(&answer.next);
        Pulled::Records { is_end: answer.next.is_none(), answer, room }
    }
}

#[cfg(test)]
mod tests;
