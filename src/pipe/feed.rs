//! The feed: what sources hand to the workers, bounded in number here and in bytes by the window in flight.

use tokio::sync::mpsc;

use crate::event::{Chunk, Partition, SourceId};

/// One step of the input.
#[derive(Debug)]
pub enum Step {
    /// Something was received.
    Chunk(Chunk),
    /// A partition is assigned to this process: its watermark is waited for from here on.
    Assigned(SourceId, Partition),
    /// A partition is finished, revoked or empty: its watermark is not waited for any more. What resolving holds back
    /// for it is let go.
    Ended(SourceId, Partition),
}

/// The sources' end.
#[derive(Debug, Clone)]
pub struct Feed(mpsc::Sender<Step>);

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
}

// === impl Intake ===

impl Intake {
    /// The next step; `None` when every feed is dropped and all is read. Must not be called from async code.
    pub fn next_blocking(&mut self) -> Option<Step> {
        self.0.blocking_recv()
    }

    /// The next step, if one is there.
    pub fn try_next(&mut self) -> Option<Step> {
        self.0.try_recv().ok()
    }
}
