//! Enhanced fan-out: a shard sends its records to one consumer, over a subscription of five minutes at most.
//!
//! Reading goes on where the last event said, with a new subscription. One within five seconds of another of the same
//! consumer is refused, whoever made that, and waited for. While nothing is taken nothing is read of the connection, and the
//! stream stops sending.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use aws_sdk_kinesis::{
    primitives::event_stream::EventReceiver,
    types::{
        ConsumerStatus, StartingPosition, SubscribeToShardEvent, SubscribeToShardEventStream,
        error::SubscribeToShardEventStreamError,
    },
};
use tokio::{
    sync::Mutex,
    time::{sleep, timeout},
};

use super::{
    api::{Answer, Api, Seek, received},
    checkpoint::Sequence,
    fault::{Fault, Kind},
    polling::{Means, Pulled, backoff, since_now},
};
use crate::{pipe::Backoff, telemetry::clock};

/// The consumer that subscriptions are made for.
#[derive(Debug)]
pub(super) struct Consumer {
    api: Api,
    name: String,
    /// Its ARN, once it is active.
    arn: Mutex<Option<String>>,
}

/// Reads one shard by subscriptions.
pub(super) struct FanOut {
    means: Means,
    consumer: Arc<Consumer>,
    shard: Arc<str>,
    /// Where the next subscription begins.
    seek: Seek,
    events: Option<Events>,
    /// When the last subscription was made.
    subscribed: Option<Instant>,
    backoff: Backoff,
}

type Events = EventReceiver<SubscribeToShardEventStream, SubscribeToShardEventStreamError>;

/// Nothing may be asked for again so soon after a subscription of the same shard and consumer.
const APART: Duration = Duration::from_secs(5);
/// An event comes every few seconds, with records or without: after this long the connection is dead.
const SILENCE_MAX: Duration = Duration::from_secs(30);

// === impl Consumer ===

impl Consumer {
    pub(super) fn new(api: Api, name: &str) -> Self {
        Self { api, name: name.to_owned(), arn: Mutex::default() }
    }

    /// The consumer's ARN; it is registered where it is not.
    async fn arn(&self) -> Result<String, Fault> {
        let mut known = self.arn.lock().await;
        if let Some(arn) = &*known {
            return Ok(arn.clone());
        }
        let (stream, _) = self.api.describe().await?;
        let mut found = self.describe(&stream).await?;
        if found.is_none() {
            let call = self.api.client.register_stream_consumer().stream_arn(&stream);
            let registered = call.consumer_name(&self.name).send().await?.consumer;
            tracing::info!(consumer = self.name, "registered with the stream");
            found = registered.map(|consumer| (consumer.consumer_arn, consumer.consumer_status));
        }
        match found {
            Some((arn, ConsumerStatus::Active)) => Ok(known.insert(arn).clone()),
            Some((_, status)) => Err(Fault::passing(format!("consumer {} is {status}", self.name))),
            None => Err(Fault::passing(format!("consumer {} was not described", self.name))),
        }
    }

    /// Whether the stream whose ARN is `stream` knows it.
    ///
    /// # Errors
    /// When the stream does not say.
    pub(super) async fn is_there(&self, stream: &str) -> Result<bool, Fault> {
        Ok(self.describe(stream).await?.is_some())
    }

    async fn describe(&self, stream: &str) -> Result<Option<(String, ConsumerStatus)>, Fault> {
        let call = self.api.client.describe_stream_consumer().stream_arn(stream);
        match call.consumer_name(&self.name).send().await.map_err(Fault::from) {
            Ok(described) => {
                let description = described.consumer_description;
                Ok(description.map(|consumer| (consumer.consumer_arn, consumer.consumer_status)))
            }
            Err(fault) if fault.kind == Kind::Gone => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    async fn subscribe(&self, shard: &str, seek: &Seek) -> Result<Events, Fault> {
        let arn = self.arn().await?;
        let position = StartingPosition::builder()
            .r#type(seek.kind())
            .set_sequence_number(seek.sequence())
            .set_timestamp(seek.time())
            .build();
        let position = position.map_err(|error| Fault::passing(error.to_string()))?;
        let call = self.api.client.subscribe_to_shard().consumer_arn(arn).shard_id(shard);
        match call.starting_position(position).send().await.map_err(Fault::from) {
            Ok(subscribed) => Ok(subscribed.event_stream),
            Err(fault) => {
                if fault.kind == Kind::Gone {
                    // Somebody has deregistered it.
                    *self.arn.lock().await = None;
                }
                Err(fault)
            }
        }
    }
}

// === impl FanOut ===

impl FanOut {
    pub(super) fn new(means: Means, consumer: Arc<Consumer>, shard: Arc<str>, seek: Seek) -> Self {
        Self { means, consumer, shard, seek, events: None, subscribed: None, backoff: backoff() }
    }

    /// What comes next. Giving up the wait loses nothing that was not sent.
    pub(super) async fn next(&mut self) -> Pulled {
        loop {
            let Some(events) = &mut self.events else {
                if self.subscribe().await {
                    return Pulled::Foreign;
                }
                continue;
            };
            let fault = match timeout(SILENCE_MAX, events.recv()).await {
                Ok(Ok(Some(SubscribeToShardEventStream::SubscribeToShardEvent(event)))) => {
                    match self.take(event) {
                        Ok(pulled) => return pulled,
                        Err(fault) => fault,
                    }
                }
                Ok(Ok(Some(_))) => continue,
                Ok(Ok(None)) => {
                    tracing::debug!(shard = &*self.shard, "the subscription has ended");
                    self.events = None;
                    continue;
                }
                Ok(Err(error)) => Fault::from(error),
                Err(_) => Fault::passing("the subscription fell silent"),
            };
            self.events = None;
            self.heed(&fault).await;
        }
    }

    /// Subscribes, or waits after a refusal. Whether what reading was to go on with is not of this stream.
    async fn subscribe(&mut self) -> bool {
        if let Some(subscribed) = self.subscribed {
            sleep(APART.saturating_sub(subscribed.elapsed())).await;
        }
        match self.consumer.subscribe(&self.shard, &self.seek).await {
            Ok(events) => {
                self.means.meters.subscriptions.inc();
                self.subscribed = Some(clock::monotonic());
                self.events = Some(events);
                if self.seek == Seek::Latest {
                    self.seek = since_now();
                }
            }
            Err(fault) if fault.kind == Kind::Foreign && self.seek.sequence().is_some() => {
                self.means.foreign(&self.shard, &fault);
                self.seek = Seek::TrimHorizon;
                return true;
            }
            Err(fault) => self.heed(&fault).await,
        }
        false
    }

    async fn heed(&mut self, fault: &Fault) {
        if fault.kind == Kind::Busy {
            // Ours of a moment ago, or of whoever had the shard before.
            tracing::debug!(shard = &*self.shard, %fault, "subscribing later");
            sleep(APART).await;
        } else {
            self.means.heed(&self.shard, fault, &mut self.backoff).await;
        }
    }

    fn take(&mut self, event: SubscribeToShardEvent) -> Result<Pulled, Fault> {
        let records = received(event.records)?;
        self.backoff.reset();
        self.means.ails.recover(&self.shard);
        // Only the end of a shard tells what came of it; an event may lack anything else.
        let is_end = event.child_shards.is_some_and(|children| !children.is_empty());
        let goes_on = Sequence::parse(&event.continuation_sequence_number);
        if let Some(sequence) = goes_on.or_else(|| records.last().map(|last| last.sequence.clone())) {
            self.seek = Seek::After(sequence);
        }
        let answer = Answer { records, behind_millis: Some(event.millis_behind_latest), next: None };
        Ok(Pulled::Records { answer, is_end, room: None })
    }
}
