//! The keeper: takes snapshots of what scoring remembers, and commits positions, each only once it is true.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{sync::oneshot, time::sleep};

use super::workers::clock_origin;
use crate::{
    event::{Origin, Position},
    pipe::{Barrier, Committer, Feed, Flight, Step, Stop},
    score::{Capture, Scorer},
    source::StoreCommitter,
    state::{Changes, StateError, Store},
    telemetry::crash::CrashPoint,
};

/// Keeps the state file.
pub(super) struct Keeper {
    pub(super) store: Arc<Store>,
    pub(super) scorer: Arc<Scorer>,
    pub(super) flight: Arc<Flight>,
}

/// A snapshot that is not valid yet.
pub(super) struct Pending {
    capture: Capture,
    /// Where each origin, and the clock, must be confirmed to before it is.
    cut: Vec<(Origin, Position)>,
}

/// How often positions are committed between snapshots.
const COMMIT_EVERY: Duration = Duration::from_secs(1);

// === impl Keeper ===

impl Keeper {
    /// Takes a snapshot every `every`, until `stop`.
    pub(super) async fn snapshots(&self, feed: Feed, every: Duration, mut stop: Stop) {
        loop {
            tokio::select! {
                () = sleep(every) => {}
                () = stop.stopped() => return,
            }
            let Some(pending) = self.capture(&feed).await else { return };
            let delivered = tokio::select! {
                () = self.delivered(&pending) => true,
                () = stop.stopped() => false,
            };
            if !delivered {
                self.scorer.give_back(pending.capture);
                return;
            }
            if let Err(error) = self.store(pending.capture).await {
                tracing::error!(%error, "could not keep a snapshot; the last one stays valid");
            }
        }
    }

    /// Commits the positions that moved, every second, until `stop`.
    pub(super) async fn commits(&self, mut stop: Stop) {
        let mut before = BTreeMap::new();
        loop {
            tokio::select! {
                () = sleep(COMMIT_EVERY) => {}
                () = stop.stopped() => return,
            }
            self.commit(&mut before).await;
        }
    }

    /// Takes in what scoring remembers at this point of the input; `None` when the workers are gone.
    pub(super) async fn capture(&self, feed: &Feed) -> Option<Pending> {
        let (sender, captured) = oneshot::channel();
        let scorer = self.scorer.clone();
        let barrier = Barrier(Box::new(move |ticket| {
            if let Err((_, capture)) = sender.send((ticket, scorer.capture(ticket))) {
                scorer.give_back(capture);
            }
        }));
        feed.send(Step::Barrier(barrier)).await.ok()?;
        let (ticket, capture) = captured.await.ok()?;
        let mut cut = capture.positions.clone();
        cut.push((clock_origin(), ticket));
        Some(Pending { capture, cut })
    }

    /// Ends the run: the last snapshot becomes valid if all that it includes is delivered, and the last positions are
    /// committed.
    ///
    /// # Errors
    /// When the snapshot could not be stored.
    pub(super) async fn end(&self, last: Option<Pending>) -> Result<(), StateError> {
        self.commit(&mut BTreeMap::new()).await;
        match last {
            Some(last) if last.cut.iter().all(|(origin, at)| self.flight.is_confirmed_to(origin, *at)) => {
                self.store(last.capture).await
            }
            _ => Ok(()),
        }
    }

    /// Returns when everything that `pending` includes is confirmed by every sink.
    async fn delivered(&self, pending: &Pending) {
        let mut left = pending.cut.clone();
        self.flight
            .until(|flight| {
                left.retain(|(origin, position)| !flight.is_confirmed_to(origin, *position));
                left.is_empty()
            })
            .await;
    }

    async fn store(&self, capture: Capture) -> Result<(), StateError> {
        let (store, scorer) = (self.store.clone(), self.scorer.clone());
        let written = tokio::task::spawn_blocking(move || {
            let result = store.commit(&changes(&capture));
            match result {
                Ok(()) => scorer.stored(capture.number),
                Err(_) => scorer.give_back(capture),
            }
            result
        });
        written.await.unwrap_or(Ok(()))
    }

    /// Commits the positions that are not those in `before`, and puts them there.
    async fn commit(&self, before: &mut BTreeMap<Origin, Position>) {
        let confirmed = self.flight.committable().into_iter();
        let moved: Vec<_> =
            confirmed.filter(|(origin, position)| before.get(origin) != Some(position)).collect();
        if moved.is_empty() {
            return;
        }
        CrashPoint::DeliveredNotCommitted.reach();
        match StoreCommitter(self.store.clone()).commit(moved.clone()).await {
            Ok(()) => before.extend(moved),
            Err(error) => tracing::error!(%error, "could not commit positions; trying again"),
        }
    }
}

/// What `capture` changes in the state. Of an origin that has a cursor the position means nothing to a restart.
fn changes(capture: &Capture) -> Changes {
    let Capture { entries, positions, cursors, .. } = capture;
    let has_cursor =
        |origin: &Origin| cursors.iter().any(|(other, cursor)| other == origin && cursor.is_some());
    let lasting = positions.iter().filter(|(origin, _)| !has_cursor(origin));
    Changes {
        scoring: entries.clone(),
        scored: lasting.cloned().collect(),
        scored_cursors: cursors.clone(),
        ..Changes::default()
    }
}
