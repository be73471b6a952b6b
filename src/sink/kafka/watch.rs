//! Noticing that librdkafka does not come back from a call.
//!
//! `rd_kafka_send_offsets_to_transaction` of librdkafka 2.12 was found waiting without end, and without a fatal error to ask
//! for, after a pause of the process in which another one took its name. By its source it waits for a result without a
//! limit, and `rd_kafka_txn_handle_TxnOffsetCommit` gives none for an answer that is outdated.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use tokio::time::sleep;

/// Counts when calls begin and end.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Odd while a call is under way.
    steps: AtomicU64,
}

/// How often it is looked whether a call goes on.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often the same call is found under way before it is given up: ten times as long as a call may take. Looks are
/// counted, not seconds: a process that stood still has not looked.
const LOOKS: u32 = 10;

// === impl Watch ===

impl Watch {
    /// Makes a call, of which there is one at a time.
    pub(super) fn during<T>(&self, call: impl FnOnce() -> T) -> T {
        self.steps.fetch_add(1, Relaxed);
        let done = call();
        self.steps.fetch_add(1, Relaxed);
        done
    }

    /// Returns when a call does not come back.
    pub(super) async fn until_stuck(&self) {
        let mut known = (self.steps.load(Relaxed), 0);
        loop {
            sleep(LOOK_EVERY).await;
            let step = self.steps.load(Relaxed);
            known = if step == known.0 && step % 2 == 1 { (step, known.1 + 1) } else { (step, 0) };
            if known.1 == LOOKS {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_call_that_does_not_come_back_is_noticed_and_many_that_do_are_not() {
        let watch = Watch::default();
        watch.steps.fetch_add(1, Relaxed);
        assert!(
            timeout(LOOK_EVERY * (LOOKS - 1), watch.until_stuck()).await.is_err(),
            "it may come back yet"
        );
        watch.until_stuck().await;

        watch.steps.fetch_add(1, Relaxed);
        let long = Duration::from_secs(600);
        assert!(timeout(long, watch.until_stuck()).await.is_err(), "nothing is under way");
        let calls = async {
            for _ in 0..100 {
                watch.steps.fetch_add(1, Relaxed);
                sleep(Duration::from_secs(5)).await;
                watch.steps.fetch_add(1, Relaxed);
            }
        };
        tokio::select! {
            () = watch.until_stuck() => panic!("each of them came back"),
            () = calls => {}
        }
    }
}
