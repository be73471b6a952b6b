//! Whether other workers hold some of the stream's shards, where only one may.

use std::{collections::BTreeSet, pin::pin, sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::{ledger::Ledger, roster::Roster};
use crate::{
    pipe::{Stop, StopSwitch},
    source::{Patience, Sharing, SourceError},
    telemetry::clock,
};

/// How long what is on its way may take when this worker ends because of others.
const SETTLE: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What is watched, and what for.
pub(super) struct Others {
    pub(super) sharing: Sharing,
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) held: watch::Receiver<BTreeSet<Arc<str>>>,
    /// How long a worker may be silent; `None` where there are no leases.
    pub(super) failover: Option<Duration>,
    /// The stream and the table, for people.
    pub(super) what: String,
}

// === impl Others ===

impl Others {
    /// Runs `roster` until it ends, `stop` says so, or others must not be borne with. It is told by `switch`, so that what is on its
    /// way is delivered and the leases are given back.
    pub(super) async fn keep_out(
        self,
        roster: Roster,
        mut stop: Stop,
        switch: StopSwitch,
    ) -> Result<(), SourceError> {
        let mut reading = pin!(roster.keep());
        tokio::select! {
            ended = &mut reading => return ended,
            () = stop.stopped() => {
                switch.stop();
                return reading.await;
            }
            () = self.met() => {}
        }
        switch.stop();
        // What is not settled by then is read again, by whoever reads it next.
        timeout(SETTLE, reading).await.unwrap_or(Ok(()))?;
        Err(SourceError::Divided { what: self.what })
    }

    /// Returns when this worker must end.
    async fn met(&self) {
        let Some(failover) = self.failover.filter(|_| !self.sharing.is_allowed()) else {
            return std::future::pending().await;
        };
        let patience = Patience { newcomer: failover, incumbent: failover * 6 };
        let mut sharing = self.sharing.clone();
        loop {
            let now = clock::monotonic();
            sharing.see(!self.held.borrow().is_empty(), self.ledger.has_others(), now);
            if sharing.is_refused(patience, now) {
                return;
            }
            sleep(LOOK_EVERY).await;
        }
    }
}
