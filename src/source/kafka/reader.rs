//! The reading loop: one thread that polls, gathers records into chunks, hands them on, and commits what is delivered.
//!
//! It never waits for room longer than [`PATIENCE`] without polling: a member that does not poll is put out of its group.
//! While nothing can be handed on the partitions are paused and polling goes on.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer},
    error::{KafkaError, KafkaResult, RDKafkaErrorCode},
};
use tokio::runtime::Handle;

use super::{
    before::Before,
    config::{Config, Start},
    group::{ANSWER, Group, Turn},
    held::{Holdings, Parted, offset},
    meters::Meters,
};
use crate::{
    event::Chunk,
    kafka::{Fault, explain},
    pipe::{Step, Window},
    source::{SourceContext, SourceError, Stamp},
    telemetry::{clock, crash::CrashPoint},
};

/// Reads the partitions that are ours.
pub(super) struct Reader {
    pub(super) cx: SourceContext,
    pub(super) handle: Handle,
    pub(super) consumer: BaseConsumer<Group>,
    pub(super) start: Start,
    pub(super) topics: Vec<String>,
    pub(super) group: String,
    /// What there was before we joined, where `start` leaves it out.
    pub(super) before: Option<Before>,
    pub(super) stamp: Option<Stamp>,
    pub(super) held: Holdings,
    /// What was ours before in this run.
    pub(super) parted: BTreeMap<(Arc<str>, i32), Parted>,
    /// Partitions that are offered to us and that we have not taken, because the cluster did not say where they stand.
    pub(super) offered: VecDeque<Turn>,
    /// What is to be handed on, in order.
    pub(super) outbox: VecDeque<Outgoing>,
    /// Whether the partitions are paused, since nothing can be handed on.
    pub(super) paused: bool,
    pub(super) meters: Meters,
    /// When to look again whether others hold some of the partitions.
    pub(super) next_look: Option<Instant>,
    last_error: Option<String>,
    /// Whether what the brokers last complained of goes by itself: that they were away, or are not ready yet.
    passing: bool,
    next_commit: Instant,
    next_renewal: Instant,
    next_lag: Instant,
}

/// What goes to the workers.
pub(super) enum Outgoing {
    Chunk(Arc<Window>, Chunk),
    Step(Step),
}

/// How long records are gathered, at most, before they are handed on.
const GATHER: Duration = Duration::from_millis(5);
/// How long a poll waits for a record.
pub(super) const POLL: Duration = Duration::from_millis(100);
/// How long the loop waits for room before it pauses the partitions.
const PATIENCE: Duration = Duration::from_millis(500);
const COMMIT_EVERY: Duration = Duration::from_secs(1);
/// How often a sink that commits for us is told who we are in the group.
const RENEW_EVERY: Duration = Duration::from_millis(50);
const LAG_EVERY: Duration = Duration::from_secs(5);

// === impl Reader ===

impl Reader {
    pub(super) fn new(
        cx: SourceContext,
        handle: Handle,
        consumer: BaseConsumer<Group>,
        config: &Config,
    ) -> Self {
        let stamp = cx.progress.identity().map(|(state, epoch)| Stamp { state, epoch });
        let meters = Meters::new(&cx.metrics, &cx.name);
        let now = clock::monotonic();
        Self {
            cx,
            handle,
            consumer,
            start: config.start,
            topics: config.topics.clone(),
            group: config.group.clone(),
            before: None,
            stamp,
            held: Holdings::default(),
            parted: BTreeMap::new(),
            offered: VecDeque::new(),
            outbox: VecDeque::new(),
            paused: false,
            meters,
            next_look: None,
            last_error: None,
            passing: false,
            next_commit: now,
            next_renewal: now,
            next_lag: now,
        }
    }

    /// Reads the topics until it is told to stop and all that it fed is settled.
    pub(super) fn run(mut self) -> Result<(), SourceError> {
        let mut read = self.read().and_then(|()| self.settle());
        if let Err(SourceError::Divided { .. }) = read {
            read = self.commit_the_last().and(read);
        }
        self.leave();
        read
    }

    fn read(&mut self) -> Result<(), SourceError> {
        let topics = self.topics.clone();
        let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
        while self.start == Start::Latest && self.before.is_none() && !self.cx.stop.is_stopped() {
            // What librdkafka logs in with it asks for in a poll.
            if let Some(Err(error)) = self.consumer.poll(Duration::ZERO) {
                self.heed(&error)?;
            }
            match Before::look(&self.consumer, &topics) {
                Ok(before) => self.before = Some(before),
                Err(error) => self.heed(&error)?,
            }
        }
        self.consumer.subscribe(&topics).map_err(SourceError::kafka)?;
        while !self.cx.stop.is_stopped() {
            self.gather()?;
            self.rebalance()?;
            self.look_again();
            self.refuse_others()?;
            self.hand_on(PATIENCE)?;
            self.keep_books();
        }
        Ok(())
    }

    /// Takes what records there are, until enough are gathered of one partition or of all, or none comes any more.
    pub(super) fn gather(&mut self) -> Result<(), SourceError> {
        let mut wait = POLL;
        let mut enough = None;
        loop {
            match self.consumer.poll(wait) {
                Some(Ok(record)) => {
                    if self.held.gather(&record) {
                        break;
                    }
                    wait = Duration::ZERO;
                }
                Some(Err(error)) => {
                    self.heed(&error)?;
                    break;
                }
                None => {
                    // Nothing more is here yet. Whether it is worth waiting for, the first record decides.
                    let now = clock::monotonic();
                    let until = *enough.get_or_insert(now + GATHER);
                    wait = until.saturating_duration_since(now);
                    if self.held.is_nothing_gathered() || wait.is_zero() {
                        break;
                    }
                }
            }
        }
        if self.held.is_nothing_gathered() {
            return Ok(());
        }
        self.recover();
        self.outbox.extend(self.held.take_gathered().map(|(window, chunk)| Outgoing::Chunk(window, chunk)));
        Ok(())
    }

    /// Hands on what is to be handed on, or pauses the partitions where that does not go within `patience`.
    pub(super) fn hand_on(&mut self, patience: Duration) -> Result<(), SourceError> {
        let patience = if self.paused { Duration::ZERO } else { patience };
        while let Some(outgoing) = self.outbox.pop_front() {
            let back = match outgoing {
                Outgoing::Chunk(window, chunk) => {
                    let (origin, next) = (chunk.origin.clone(), chunk.next);
                    let back = self.handle.block_on(self.cx.offer(&window, chunk, patience))?;
                    if back.is_none() {
                        self.held.fed(&origin, next);
                    }
                    back.map(|chunk| Outgoing::Chunk(window, chunk))
                }
                Outgoing::Step(step) => {
                    self.handle.block_on(self.cx.tell(step, patience))?.map(Outgoing::Step)
                }
            };
            if let Some(back) = back {
                self.outbox.push_front(back);
                return self.pause(true);
            }
        }
        self.pause(false)
    }

    /// Pauses all partitions, or lets them go on.
    pub(super) fn pause(&mut self, pause: bool) -> Result<(), SourceError> {
        if pause == self.paused {
            return Ok(());
        }
        self.paused = pause;
        self.meters.paused.set(i64::from(pause));
        let list = self.held.list().map_err(SourceError::kafka)?;
        let done = if pause { self.consumer.pause(&list) } else { self.consumer.resume(&list) };
        tracing::debug!(source = %self.cx.name, pause, partitions = list.count(), "paused or resumed");
        done.map_err(SourceError::kafka)
    }

    /// Commits and measures what is due.
    pub(super) fn keep_books(&mut self) {
        let now = clock::monotonic();
        if let Some(error) = self.consumer.context().refused_commit() {
            self.meters.commits_refused.inc();
            tracing::warn!(source = %self.cx.name, %error, "the group refused a commit; it is made again");
            // Which of them were refused is not said.
            self.held.iter_mut().for_each(|held| held.committed = None);
        }
        if let Some(membership) = self.cx.membership.as_ref().filter(|_| now >= self.next_renewal) {
            self.next_renewal = now + RENEW_EVERY;
            membership.renew(self.consumer.group_metadata(), &self.stamp());
        }
        if now >= self.next_commit {
            self.next_commit = now + COMMIT_EVERY;
            if let Err(error) = self.commit(None, CommitMode::Async) {
                tracing::warn!(source = %self.cx.name, %error, "could not commit; trying again");
            }
        }
        if now >= self.next_lag {
            self.next_lag = now + LAG_EVERY;
            self.measure_lag();
            // Without a record nobody tells that the brokers are back, or a coordinator found.
            if self.passing && self.consumer.fetch_metadata(None, ANSWER).is_ok() {
                self.recover();
            }
        }
    }

    fn recover(&mut self) {
        self.passing = false;
        if self.last_error.take().is_some() && self.cx.health.recover(&self.part()) {
            tracing::info!(source = %self.cx.name, "reads again");
        }
    }

    /// Commits what is confirmed and not committed yet, of the partitions in `only` or of all.
    pub(super) fn commit(&mut self, only: Option<&TopicPartitionList>, mode: CommitMode) -> KafkaResult<()> {
        // A sink commits, in its transactions.
        if self.cx.membership.is_some() {
            return Ok(());
        }
        let stamp = self.stamp();
        let mut list = TopicPartitionList::new();
        for held in self.held.iter_mut() {
            let asked = only.is_none_or(|only| only.find_partition(&held.topic, held.number).is_some());
            let confirmed = held.window.confirmed();
            if !asked || held.committed == Some(confirmed) {
                continue;
            }
            held.committed = Some(confirmed);
            let mut element = list.add_partition(&held.topic, held.number);
            element.set_offset(offset(confirmed))?;
            element.set_metadata(stamp.as_str());
        }
        if list.count() == 0 {
            return Ok(());
        }
        CrashPoint::DeliveredNotCommitted.reach();
        let done = self.consumer.commit(&list, mode);
        CrashPoint::CommitSentNotAnswered.reach();
        if done.is_err() {
            self.held.iter_mut().for_each(|held| held.committed = None);
        }
        done
    }

    /// What our commits bear as their metadata.
    pub(super) fn stamp(&self) -> String {
        self.stamp.as_ref().map(ToString::to_string).unwrap_or_default()
    }

    /// Asks the brokers where the partitions end.
    fn measure_lag(&mut self) {
        let ends = self.held.list().and_then(|list| self.bounds(&list, Offset::End));
        let Ok(ends) = ends else { return };
        for held in self.held.iter() {
            let end = ends.find_partition(&held.topic, held.number);
            if let Some(Offset::Offset(end)) = end.map(|end| end.offset()) {
                held.meters.lag.set(end - i64::try_from(held.window.confirmed()).unwrap_or(end));
            }
        }
    }

    /// Acts on an error that librdkafka gives out among the records.
    fn heed(&mut self, error: &KafkaError) -> Result<(), SourceError> {
        let code = error.rdkafka_error_code();
        match (error, code) {
            (KafkaError::MessageConsumptionFatal(code), _) => return Err(SourceError::kafka_fatal(*code)),
            (_, Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange)) => {
                return self.find_again();
            }
            _ => {}
        }
        let session = &self.consumer.context().session;
        let said = match code {
            Some(code) if matches!(Fault::of(code), Fault::Unreachable | Fault::Authentication) => {
                let last = session.last_error();
                format!("{}; {}", last.unwrap_or_else(|| code.to_string()), Fault::of(code).remedy())
            }
            Some(code) => explain(code),
            None => error.to_string(),
        };
        let passes = |fault: Fault| {
            // An AWS identity that could not be had, or was not let in yet, is tried again.
            fault.is_passing() || fault == Fault::Authentication && session.has_tokens()
        };
        self.passing = code.is_none_or(|code| passes(Fault::of(code)));
        self.cx.health.ail(&self.part(), &said);
        if self.last_error.as_ref() != Some(&said) {
            tracing::warn!(source = %self.cx.name, "{said}");
            self.last_error = Some(said);
        }
        Ok(())
    }

    /// The name under which health knows it.
    pub(super) fn part(&self) -> String {
        format!("source {}", self.cx.name)
    }

    /// Whether nothing of what we hold is in flight.
    pub(super) fn is_settled(&self) -> bool {
        self.held.iter().all(|held| held.window.is_settled())
    }
}
