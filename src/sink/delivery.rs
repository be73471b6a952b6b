//! The delivery loop: one for all sinks. It takes from the queue, keeps as many deliveries under way as the sink can
//! have, and hears what the sink has to say beside them.

mod desk;
mod way;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

use super::{Sink, SinkError};
use crate::{
    event::{DocumentKind, DocumentRow, Documents, EventId},
    pipe::{Backoff, BoxFuture, QueueReceiver, Stop, StopSwitch, stop},
    telemetry::{books::SinkBooks, health::Health},
};

use desk::Desk;
use way::Way;

/// Where documents go that a sink refused for good.
pub trait Bury: Send + Sync {
    /// Keeps `refused`; answers once they are durable, or that they could not be kept.
    fn bury(&self, sink: &str, refused: Vec<Refused>) -> BoxFuture<'_, Result<(), SinkError>>;
}

/// A document that was refused for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its id.
    pub id: EventId,
    /// What kind of document it is.
    pub kind: DocumentKind,
    /// Event time, in seconds since 1970; 0 where that is not known.
    pub at: u64,
    /// The document, without its line feed.
    pub document: Vec<u8>,
    /// The other side's status, where it has one.
    pub status: Option<u16>,
    /// Why, in the other side's words.
    pub reason: String,
}

/// What a loop does while its sink takes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhenUnwritable {
    /// It waits and tries again; what feeds it waits too.
    #[default]
    Wait,
    /// It drops the documents and counts them.
    Drop,
}

/// Delivers one sink's documents.
pub struct DeliveryLoop {
    /// The sink's name in the config.
    pub name: String,
    /// The sink.
    pub sink: Arc<dyn Sink>,
    /// Its documents.
    pub queue: QueueReceiver<Documents>,
    /// Where the refused go; without one, a refusal is treated as [`WhenUnwritable`] says.
    pub bury: Option<Arc<dyn Bury>>,
    /// What to do while the sink takes nothing.
    pub when_unwritable: WhenUnwritable,
    /// Waits between tries; each delivery waits for itself.
    pub backoff: Backoff,
    /// Its books.
    pub books: SinkBooks,
    /// Where it says whether the sink works.
    pub health: Health,
    /// Says when to give up: the drain's grace is over.
    pub give_up: Stop,
    /// Where a disk buffer stands before the loop: says that the run ends. What is not delivered then stays in the buffer,
    /// and so is no more tried and not abandoned.
    pub kept: Option<Stop>,
    /// Takes back the buffers of what is delivered.
    pub recycle: Arc<dyn Fn(Documents) + Send + Sync>,
    /// Says at once that the sink can never deliver again, so that no more is read for it.
    pub gone: Arc<StopSwitch>,
}

/// How often a sink is asked what troubles it.
const ASK_EVERY: Duration = Duration::from_secs(1);

// === impl Refused ===

impl Refused {
    /// Document number `index` of `documents`, refused with `status` for `reason`.
    #[must_use]
    pub fn of(documents: &Documents, index: usize, status: Option<u16>, reason: String) -> Self {
        let DocumentRow { id, kind, at, .. } = documents.rows[index];
        let document = documents.document(index);
        let document = document.strip_suffix(b"\n").unwrap_or(document).to_vec();
        Self { id, kind, at, document, status, reason }
    }
}

// === impl DeliveryLoop ===

impl DeliveryLoop {
    /// Delivers until the queue is closed and empty, then closes the sink.
    ///
    /// # Errors
    /// When the sink can never deliver again, or could not make durable what it had taken. What was not delivered is
    /// abandoned: its records will be read again.
    pub async fn run(self) -> Result<(), SinkError> {
        let Self { name, sink, mut queue, bury, when_unwritable, mut backoff, .. } = self;
        let Self { books, health, give_up, kept, recycle, gone, .. } = self;
        let (over_switch, over) = stop();
        let most = sink.concurrency().max(1);
        let mood = Mutex::default();
        let desk =
            Desk { name, sink, bury, when_unwritable, books, give_up, kept, over, recycle, health, mood };
        let desk = Arc::new(desk);
        let mut ask = interval(ASK_EVERY);
        ask.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ways: JoinSet<Result<(), SinkError>> = JoinSet::new();
        let mut fed = true;
        let mut error = None;
        while fed || !ways.is_empty() {
            tokio::select! {
                Some(ended) = ways.join_next() => if let Ok(Err(gone_for_good)) = ended {
                    desk.ail(&gone_for_good.to_string());
                    gone.stop();
                    over_switch.stop();
                    error.get_or_insert(gone_for_good);
                },
                next = queue.next(), if fed && ways.len() < most => match next {
                    None => fed = false,
                    Some((documents, _)) if error.is_some() || desk.leaves() => desk.abandon(documents.len() as u64),
                    // Handed over here and not in the task, so that the queue's order is the sink's.
                    Some((documents, room)) => {
                        let way = Way::begin(desk.clone(), documents, room, backoff.fork());
                        ways.spawn(way.go());
                    }
                },
                _ = ask.tick() => desk.ask(),
            }
        }
        match error {
            Some(error) => Err(error),
            None => desk.sink.clone().close().await,
        }
    }
}

#[cfg(test)]
mod tests;
