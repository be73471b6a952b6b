//! What all deliveries of one sink share: whom they ask, what they count in, and how the sink's health is told.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Bury, WhenUnwritable};
use crate::{
    event::Documents,
    pipe::Stop,
    sink::Sink,
    telemetry::{books::SinkBooks, health::Health},
};

/// What the deliveries of one sink share.
pub(super) struct Desk {
    pub(super) name: String,
    pub(super) sink: Arc<dyn Sink>,
    pub(super) bury: Option<Arc<dyn Bury>>,
    pub(super) when_unwritable: WhenUnwritable,
    pub(super) books: SinkBooks,
    pub(super) give_up: Stop,
    /// As [`super::DeliveryLoop::kept`].
    pub(super) kept: Option<Stop>,
    /// Says that the sink can never deliver again: nobody tries any more.
    pub(super) over: Stop,
    pub(super) recycle: Arc<dyn Fn(Documents) + Send + Sync>,
    pub(super) health: Health,
    pub(super) mood: Mutex<Mood>,
}

/// Why the sink is not well, as far as it is not.
#[derive(Debug, Default)]
pub(super) struct Mood {
    /// Deliveries that were not taken and are to be tried again.
    waiting: usize,
    /// Whether the sink itself said that something troubles it.
    troubled: bool,
}

// === impl Desk ===

impl Desk {
    /// Says why the sink cannot deliver for now, or for good.
    pub(super) fn ail(&self, reason: &str) {
        self.health.ail(&self.part(), reason);
    }

    /// What health calls it.
    fn part(&self) -> String {
        format!("sink {}", self.name)
    }

    /// A delivery was not taken, for the first time, and waits for its next try.
    pub(super) fn begin_waiting(&self, reason: &str) {
        let mut mood = self.mood();
        mood.waiting += 1;
        if mood.waiting == 1 {
            tracing::warn!(sink = self.name, reason, "cannot deliver; trying again until it works");
        }
    }

    /// A delivery that had to wait was taken.
    pub(super) fn end_waiting(&self) {
        let mut mood = self.mood();
        mood.waiting = mood.waiting.saturating_sub(1);
        self.ease(&mood);
    }

    /// Asks the sink what troubles it, and says so until nothing does.
    pub(super) fn ask(&self) {
        let trouble = self.sink.trouble();
        // A sink that tries by itself would go on for the whole grace, for what stays in a disk buffer anyway.
        if trouble.is_some() && self.is_left() {
            self.sink.give_up();
        }
        let mut mood = self.mood();
        let before = std::mem::replace(&mut mood.troubled, trouble.is_some());
        match trouble {
            Some(reason) => {
                if !before && mood.waiting == 0 {
                    tracing::warn!(sink = self.name, reason, "nothing is confirmed; it goes on trying");
                }
                self.ail(&reason);
            }
            None if before => self.ease(&mood),
            None => {}
        }
    }

    fn ease(&self, mood: &Mood) {
        if mood.waiting == 0 && !mood.troubled && self.health.recover(&self.part()) {
            tracing::info!(sink = self.name, "delivers again");
        }
    }

    /// Drops `count` documents, as the operator chose, and says so.
    pub(super) fn lose(&self, count: u64, reason: &str) {
        tracing::error!(sink = self.name, documents = count, reason, "dropped documents");
        self.books.documents_dropped.inc_by(count);
        self.books.documents_in_flight.dec_by(count as i64);
    }

    /// Whether the run ends, the sink takes nothing, and what it is not given stays in a disk buffer.
    pub(super) fn leaves(&self) -> bool {
        self.is_left() && self.mood().waiting > 0
    }

    /// Whether the run ends and what is not delivered stays in a disk buffer.
    fn is_left(&self) -> bool {
        self.kept.as_ref().is_some_and(Stop::is_stopped)
    }

    /// Gives `count` documents up; their records will be read again, unless a disk buffer has them.
    pub(super) fn abandon(&self, count: u64) {
        if self.kept.is_some() {
            return;
        }
        self.books.documents_abandoned.inc_by(count);
        self.books.documents_in_flight.dec_by(count as i64);
    }

    fn mood(&self) -> std::sync::MutexGuard<'_, Mood> {
        self.mood.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
