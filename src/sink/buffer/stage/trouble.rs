//! What keeps a buffer from its work, how that is told, and when it is tried again.

use std::{
    io,
    time::{Duration, Instant},
};

use super::Work;
use crate::telemetry::clock;

/// What keeps the stage from writing or reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    None,
    Full,
    Write,
    Read,
}

/// How often a buffer that is full says so in the log, at most.
const TELL_EVERY: Duration = Duration::from_secs(600);

// === impl Work ===

impl Work {
    /// Says that there is no room; gives up what is pending where none can come any more.
    pub(super) fn stand_full(&mut self) {
        let hopeless = self.closing && self.flight.is_empty();
        if hopeless || self.stage.give_up.is_stopped() {
            return self.abandon();
        }
        if self.trouble == Trouble::Full {
            return;
        }
        let name = &self.stage.name;
        let reason = format!(
            "the disk buffer is full, and the sources wait until the sink takes what it holds; raise \
             `sinks.{name}.buffer.disk` or see to the sink"
        );
        // A sink that takes a segment now and then makes room, and the buffer is full again at once.
        if self.full_told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            self.full_told = Some(clock::monotonic());
            tracing::warn!(sink = name, "{reason}");
        }
        self.stage.health.ail(&self.part(), &reason);
        self.stage.counts.full.set(1);
        self.trouble = Trouble::Full;
    }

    /// Says what the disk refused, and when it is tried again.
    pub(super) fn fails(&mut self, trouble: Trouble, error: &io::Error) -> Instant {
        let what = if trouble == Trouble::Write { "write" } else { "read" };
        let reason = format!(
            "could not {what} the disk buffer in {}: {error}; what could not be written is not confirmed, and it is \
             tried again: see that the disk is sound, has room and may be written",
            self.stage.spool.folder().display()
        );
        if std::mem::replace(&mut self.trouble, trouble) != trouble {
            tracing::warn!(sink = self.stage.name, "{reason}");
        }
        self.stage.health.ail(&self.part(), &reason);
        self.stage.counts.errors.inc();
        clock::monotonic() + self.stage.backoff.next_wait(None)
    }

    /// What was in the way, if it was one of these, is not any more.
    pub(super) fn works(&mut self, overcome: &[Trouble]) {
        if !overcome.contains(&self.trouble) {
            return;
        }
        let before = std::mem::replace(&mut self.trouble, Trouble::None);
        self.stage.backoff.reset();
        self.stage.counts.full.set(0);
        self.stage.health.recover(&self.part());
        if before != Trouble::Full {
            tracing::info!(sink = self.stage.name, "the disk buffer works again");
        }
    }

    fn part(&self) -> String {
        format!("buffer of {}", self.stage.name)
    }
}

/// Whether a disk that refused is left alone until then.
pub(super) fn waits(until: Option<Instant>) -> bool {
    until.is_some_and(|at| clock::monotonic() < at)
}
