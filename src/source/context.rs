//! What a running source is given, and how it hands chunks on.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;

use super::{Progress, Sharing, SourceError};
#[cfg(feature = "kafka")]
use crate::kafka::Membership;
use crate::{
    event::{Chunk, Partition, SourceId},
    pipe::{Answer, Feed, Flight, Place, Room, Step, Stop, Window},
    telemetry::{books::SourceBooks, health::Health, metrics::Metrics},
};

/// What a source works with.
#[derive(Clone)]
pub struct SourceContext {
    /// Which configured source it is.
    pub id: SourceId,
    /// The name that the user gave it.
    pub name: Arc<str>,
    /// Where its chunks go.
    pub feed: Feed,
    /// Everything in flight; gives room, receipts, and the positions up to which all is confirmed.
    pub flight: Arc<Flight>,
    /// When to stop.
    pub stop: Stop,
    /// Its books.
    pub books: SourceBooks,
    /// For metrics that only one kind of source has.
    pub metrics: Metrics,
    /// How far an earlier run came.
    pub progress: Arc<dyn Progress>,
    /// Where it says whether it can read.
    pub health: Health,
    /// Whether other workers may read a part of its partitions.
    pub sharing: Sharing,
    /// Where it leaves its membership of a consumer group, if it is not to commit itself: a sink does that, in the
    /// transactions that hold the documents.
    #[cfg(feature = "kafka")]
    pub membership: Option<Membership>,
}

// === impl SourceContext ===

impl SourceContext {
    /// Admits `chunk` to `window`, counts its records, and feeds it. Waits for room in flight and in the feed.
    ///
    /// Says whether it was fed: not when the source is told to stop while it waits for room.
    ///
    /// # Errors
    /// When the workers are gone.
    pub async fn hand_on(&self, window: &Arc<Window>, chunk: Chunk) -> Result<bool, SourceError> {
        let mut stop = self.stop.clone();
        let room = tokio::select! {
            biased;
            () = stop.stopped() => return Ok(false),
            room = window.room(chunk.bytes.len()) => room,
        };
        // Not given up when it is time to stop: the workers empty the feed while they drain.
        let place = self.feed.place().await?;
        self.feed_into(place, room, window, chunk);
        Ok(true)
    }

    /// As [`SourceContext::hand_on`], but waits for `patience` only: gives the chunk back where there is no room by then.
    ///
    /// # Errors
    /// When the workers are gone.
    pub async fn offer(
        &self,
        window: &Arc<Window>,
        chunk: Chunk,
        patience: Duration,
    ) -> Result<Option<Chunk>, SourceError> {
        let Ok(room) = timeout(patience, window.room(chunk.bytes.len())).await else {
            return Ok(Some(chunk));
        };
        let Ok(place) = timeout(patience, self.feed.place()).await else { return Ok(Some(chunk)) };
        self.feed_into(place?, room, window, chunk);
        Ok(None)
    }

    /// As [`SourceContext::hand_on`], for somebody who waits for `answer`, which hears how the chunk ends. It is fed even
    /// when it is time to stop: half of what somebody waits for is worth nothing.
    ///
    /// # Errors
    /// When the workers are gone.
    pub async fn hand_on_for(
        &self,
        answer: &Answer,
        window: &Arc<Window>,
        mut chunk: Chunk,
    ) -> Result<(), SourceError> {
        let room = window.room(chunk.bytes.len()).await;
        let place = self.feed.place().await?;
        let next = chunk.scored_as.as_ref().map_or(chunk.next, |(_, next)| *next);
        chunk.receipt = answer.hears(window.admit_into(room, next));
        self.fill(place, chunk);
        Ok(())
    }

    /// Feeds a step that is no chunk; gives it back where there is no room within `patience`.
    ///
    /// # Errors
    /// When the workers are gone.
    pub async fn tell(&self, step: Step, patience: Duration) -> Result<Option<Step>, SourceError> {
        let Ok(place) = timeout(patience, self.feed.place()).await else { return Ok(Some(step)) };
        place?.fill(step);
        Ok(None)
    }

    fn feed_into(&self, place: Place<'_>, room: Room, window: &Arc<Window>, mut chunk: Chunk) {
        let next = match &chunk.scored_as {
            Some((_, next)) => *next,
            // Everything before `deliver_from` is delivered already: what is confirmed must not stand before it, or a commit
            // would take back an earlier one.
            None => chunk.next.max(chunk.deliver_from),
        };
        chunk.receipt = window.admit_into(room, next);
        self.fill(place, chunk);
    }

    fn fill(&self, place: Place<'_>, chunk: Chunk) {
        let records = chunk.records.len();
        self.books.records_received.inc_by(records as u64);
        self.books.bytes_received.inc_by((chunk.bytes.len() - chunk.added_bytes) as u64);
        self.books.records_in_flight.inc_by(i64::try_from(records).unwrap_or(i64::MAX));
        place.fill(Step::Chunk(chunk));
    }

    /// Says that `partition` is read by this process from here on.
    ///
    /// # Errors
    /// When the workers are gone.
    pub async fn assigned(&self, partition: &Partition) -> Result<(), SourceError> {
        Ok(self.feed.send(Step::Assigned(self.id, vec![partition.clone()])).await?)
    }

    /// Says that nothing more comes of `partition`.
    ///
    /// # Errors
    /// When the workers are gone.
    pub async fn ended(&self, partition: &Partition) -> Result<(), SourceError> {
        Ok(self.feed.send(Step::Ended(self.id, vec![partition.clone()])).await?)
    }
}
