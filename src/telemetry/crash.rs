//! Named crash points: places where the kill tests stop the process as a power cut would.
//!
//! They are compiled in with the feature `crash-points` only. `FLOODMARK_CRASH_AT=NAME` or `NAME:COUNT` aborts the
//! process when it comes to that point for the first, or the COUNT-th, time. `FLOODMARK_HANG_AT=NAME` lets whoever comes
//! there wait, as a disk that hangs does, for as long as the file `FLOODMARK_HANG_FILE` exists, in which it writes that it is
//! there.

/// Where a process can be made to crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrashPoint {
    /// Every sink has confirmed some documents; their position is not committed.
    DeliveredNotCommitted,
    /// A snapshot's changes are written; the transaction is not committed.
    SnapshotWrittenNotValid,
    /// A commit was sent; its answer was not seen.
    CommitSentNotAnswered,
    /// A partition goes to another worker: what was in flight of it is waited for, and not committed.
    MidRevoke,
    /// Documents are durable in a disk buffer; nothing of them is confirmed or delivered.
    BufferedNotConfirmed,
    /// A sink has confirmed what a disk buffer held; the buffer's mark does not say so.
    DeliveredNotMarked,
    /// A baseline's file is whole, under a temporary name.
    BaselineWrittenNotNamed,
}

// === impl CrashPoint ===

impl CrashPoint {
    /// Every crash point.
    pub const ALL: [Self; 7] = [
        Self::DeliveredNotCommitted,
        Self::SnapshotWrittenNotValid,
        Self::CommitSentNotAnswered,
        Self::MidRevoke,
        Self::BufferedNotConfirmed,
        Self::DeliveredNotMarked,
        Self::BaselineWrittenNotNamed,
    ];

    /// Its name in the environment.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DeliveredNotCommitted => "delivered_not_committed",
            Self::SnapshotWrittenNotValid => "snapshot_written_not_valid",
            Self::CommitSentNotAnswered => "commit_sent_not_answered",
            Self::MidRevoke => "mid_revoke",
            Self::BufferedNotConfirmed => "buffered_not_confirmed",
            Self::DeliveredNotMarked => "delivered_not_marked",
            Self::BaselineWrittenNotNamed => "baseline_written_not_named",
        }
    }

    /// Crashes or hangs here if the environment says so; does nothing in a build without the feature.
    #[inline]
    pub fn reach(self) {
        #[cfg(feature = "crash-points")]
        armed::reach(self);
    }
}

/// Panics if `bytes` hold the text that `FLOODMARK_POISON` names: a record that our own fault chokes on. Does nothing in a
/// build without the feature.
#[inline]
#[cfg_attr(
    not(feature = "crash-points"),
    expect(unused_variables, reason = "only the tests' build looks at them")
)]
pub fn poisoned(bytes: &[u8]) {
    #[cfg(feature = "crash-points")]
    armed::poisoned(bytes);
}

#[cfg(feature = "crash-points")]
mod armed {
    use std::{
        sync::atomic::{AtomicU64, Ordering},
        time::Duration,
    };

    use super::CrashPoint;

    static REACHED: [AtomicU64; CrashPoint::ALL.len()] = [const { AtomicU64::new(0) }; CrashPoint::ALL.len()];

    pub(super) fn poisoned(bytes: &[u8]) {
        let Some(poison) = std::env::var_os("FLOODMARK_POISON") else { return };
        let found = memchr::memmem::find(bytes, poison.as_encoded_bytes()).is_some();
        assert!(!found, "the chunk holds the poison of FLOODMARK_POISON");
    }

    pub(super) fn reach(point: CrashPoint) {
        hang(point);
        let Ok(wanted) = std::env::var("FLOODMARK_CRASH_AT") else { return };
        let (name, count) = wanted.split_once(':').unwrap_or((&wanted, "1"));
        if name != point.name() {
            return;
        }
        let reached = REACHED[point as usize].fetch_add(1, Ordering::Relaxed) + 1;
        if count.parse() == Ok(reached) {
            std::process::abort();
        }
    }

    fn hang(point: CrashPoint) {
        let (Ok(wanted), Some(file)) =
            (std::env::var("FLOODMARK_HANG_AT"), std::env::var_os("FLOODMARK_HANG_FILE"))
        else {
            return;
        };
        let file = std::path::Path::new(&file);
        if wanted != point.name() || !file.exists() {
            return;
        }
        // Where it cannot be written nobody is told, and the test waits in vain.
        let _ = std::fs::write(file, "here");
        while file.exists() {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
