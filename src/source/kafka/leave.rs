//! Leaving: no more is read, what is in flight is waited for and committed, and the group is told.

use std::{sync::mpsc, thread, time::Duration};

use rdkafka::consumer::{CommitMode, Consumer};

use super::{
    group::{Turn, let_go, take},
    reader::{POLL, Reader},
};
use crate::source::SourceError;

/// How long the coordinator may take to hear that we leave; it finds out by itself later.
const FAREWELL: Duration = Duration::from_secs(5);

// === impl Reader ===

impl Reader {
    /// Stays in the group until all that was fed is settled.
    ///
    /// It comes to its end: the sinks give up when the grace is over, and then nothing is in flight either.
    pub(super) fn settle(&mut self) -> Result<(), SourceError> {
        // What is gathered was not received: the next who reads the partition begins with it.
        self.outbox.clear();
        self.pause(true)?;
        while !self.is_settled() {
            // Polled because whoever does not poll is put out; what comes all the same is dropped.
            if let Some(Err(error)) = self.consumer.poll(POLL / 5) {
                tracing::debug!(source = %self.cx.name, %error, "while leaving");
            }
            self.held.take_gathered().for_each(drop);
            self.rebalance()?;
            self.outbox.clear();
            self.keep_books();
        }
        Ok(())
    }

    /// Commits what is confirmed, and leaves the group.
    pub(super) fn leave(mut self) {
        let name = self.cx.name.clone();
        let (sender, left) = mpsc::sync_channel(1);
        // On a thread of its own: a coordinator that is down must not hold up the end of the process.
        thread::spawn(move || {
            if let Err(error) = self.commit(None, CommitMode::Sync) {
                tracing::warn!(source = %self.cx.name, %error, "could not commit at the end; it is delivered again by the next run");
            }
            self.consumer.context().close();
            self.answer();
            drop(self);
            // Nobody waits any more when it took too long.
            let _ = sender.send(());
        });
        if left.recv_timeout(FAREWELL).is_err() {
            tracing::warn!(source = %name, "the group's coordinator did not answer; left without its word");
        }
    }

    /// Answers what the group has told and nobody has acted on: until then librdkafka does not leave.
    fn answer(&mut self) {
        while let Some(turn) = self.consumer.context().next_turn() {
            self.offered.push_back(turn);
        }
        for turn in self.offered.drain(..) {
            let answered = match turn {
                Turn::Assigned(list) => take(&self.consumer, &list),
                Turn::Revoked(list) => let_go(&self.consumer, &list),
                Turn::Stray(_) => Ok(()),
            };
            if let Err(error) = answered {
                tracing::debug!(source = %self.cx.name, %error, "while leaving");
            }
        }
    }
}
