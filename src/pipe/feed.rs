//! The feed: what sources hand to the workers, bounded in number here and in bytes by the window in flight.

use tokio::sync::mpsc;

use crate::event::{Chunk, Origin, Partition, SourceId};

/// One step of the input; steps are taken in the order in which they were sent.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every step is a chunk, and boxing it would cost an allocation"
)]
pub enum Step {
    /// Something was received.
    Chunk(Chunk),
    /// Partitions are assigned to this process: their watermarks are waited for from here on. Those that come together are
    /// one step: between two, a window could fold without the second.
    Assigned(SourceId, Vec<Partition>),
    /// Partitions are finished, revoked or empty: their watermarks are not waited for any more. What resolving holds back
    /// for them is let go. Those that go together are one step: between two, windows would fold by what is left, however far
    /// that is ahead of what may come back.
    Ended(SourceId, Vec<Partition>),
    /// What was scored of an origin says nothing of what comes from it now: somebody else has read it meanwhile, or it is
    /// another one under the old name.
    Anew(Origin),
    /// Whether other processes hold some of a source's partitions.
    Divided(SourceId, bool),
    /// Time passes, whatever arrives: wall clock in milliseconds since 1970.
    Tick(u64),
    /// Something to be done when everything before it is scored and nothing after it.
    Barrier(Barrier),
    /// All inputs have ended: every window folds.
    Finish,
}

/// What is done at one point in the order of steps; it is given the step's ticket, and passes every turn of it.
pub struct Barrier(pub Box<dyn FnOnce(u64) + Send>);

/// The sources' end.
#[derive(Debug, Clone)]
pub struct Feed(mpsc::Sender<Step>);

/// Room for one step in the feed; free again when it is dropped.
#[derive(Debug)]
pub struct Place<'a>(mpsc::Permit<'a, Step>);

/// The workers' end.
#[derive(Debug)]
pub struct Intake(mpsc::Receiver<Step>);

/// The workers are gone; nothing can be fed any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the pipeline has stopped")]
pub struct FeedClosed;

/// A feed that holds at most `steps` steps.
#[must_use]
pub fn feed(steps: usize) -> (Feed, Intake) {
    let (sender, receiver) = mpsc::channel(steps);
    (Feed(sender), Intake(receiver))
}

// === impl Feed ===

impl Feed {
    /// Hands `step` on; waits while the feed is full.
    ///
    /// # Errors
    /// When the workers are gone. The step is dropped and its receipt with it, so that it counts as not delivered.
    pub async fn send(&self, step: Step) -> Result<(), FeedClosed> {
        self.0.send(step).await.map_err(|_| FeedClosed)
    }

    /// Waits until there is room for a step. Giving up the wait takes nothing.
    ///
    /// # Errors
    /// When the workers are gone.
    pub async fn place(&self) -> Result<Place<'_>, FeedClosed> {
        self.0.reserve().await.map(Place).map_err(|_| FeedClosed)
    }
}

// === impl Place ===

impl Place<'_> {
    /// Hands `step` on.
    pub fn fill(self, step: Step) {
        self.0.send(step);
    }
}

// === impl Intake ===

impl Intake {
    /// The next step; `None` when every feed is dropped and all is read. Must not be called from async code.
    pub fn next_blocking(&mut self) -> Option<Step> {
        self.0.blocking_recv()
    }
}

impl std::fmt::Debug for Barrier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Barrier")
    }
}
