//! Partitions that come and go.
//!
//! One that comes is read from where its commits and our state say. One that goes is fenced: what is gathered of it is
//! dropped, what is in flight of it has a second to be confirmed, that much is committed, and nothing of it ever after.

use std::{sync::Arc, thread, time::Duration};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{CommitMode, Consumer},
    error::{KafkaError, KafkaResult},
};

use super::{
    config::Start,
    group::{ANSWER, Turn, let_go, put, take},
    held::{Held, Parted, offset},
    reader::{Outgoing, Reader},
    resume::{Facts, Resume},
};
use crate::{
    event::{Origin, Partition, Position},
    pipe::Step,
    source::{Known, SourceError, Stamp, stream::Stream},
    telemetry::{clock, crash::CrashPoint},
};

/// A partition that is assigned to us, and where it is read from.
struct Coming {
    topic: Arc<str>,
    number: i32,
    facts: Facts,
    resume: Resume,
}

/// How long a partition that goes is held for what is in flight of it, its last commit included.
const FENCE: Duration = Duration::from_secs(1);
const FENCE_LOOK: Duration = Duration::from_millis(5);

// === impl Reader ===

impl Reader {
    /// Acts on what the group has told since the last time.
    pub(super) fn rebalance(&mut self) -> Result<(), SourceError> {
        while let Some(turn) = self.consumer.context().next_turn() {
            if let Turn::Revoked(list) = &turn {
                self.offered = self.offered.drain(..).filter_map(|offered| offered.without(list)).collect();
            }
            self.offered.push_back(turn);
        }
        // One that has to wait does not hold up the others, among them the one by which it goes.
        for turn in std::mem::take(&mut self.offered) {
            let acted = match &turn {
                Turn::Assigned(list) | Turn::Stray(list) => self.come(&turn, list),
                Turn::Revoked(list) => {
                    self.go(list)?;
                    let_go(&self.consumer, list).map_err(SourceError::kafka)
                }
            };
            match (turn, acted) {
                (Turn::Assigned(list), Err(SourceError::Kafka(error))) => {
                    // The cluster does not answer. The group has its word all the same; what comes is not held and left out.
                    self.doubt(&error);
                    if let Err(error) = take(&self.consumer, &list) {
                        self.doubt(&error);
                    }
                    self.offered.push_back(Turn::Stray(list));
                    continue;
                }
                (turn @ Turn::Stray(_), Err(SourceError::Kafka(error))) => {
                    self.doubt(&error);
                    self.offered.push_back(turn);
                    continue;
                }
                (_, acted) => acted?,
            }
            self.meters.rebalances.inc();
            self.meters.assigned.set(i64::try_from(self.held.len()).unwrap_or(i64::MAX));
            self.look_around();
        }
        Ok(())
    }

    fn doubt(&self, error: &KafkaError) {
        tracing::warn!(source = %self.cx.name, %error, "could not learn where to begin; trying again");
    }

    /// Begins to read the partitions in `list`, which `turn` has brought.
    fn come(&mut self, turn: &Turn, list: &TopicPartitionList) -> Result<(), SourceError> {
        let kafka = SourceError::kafka;
        let coming = self.weigh(list)?;
        let mut from = TopicPartitionList::with_capacity(coming.len());
        for Coming { topic, number, resume, .. } in &coming {
            from.add_partition_offset(topic, *number, offset(resume.from)).map_err(kafka)?;
        }
        self.commit_beginnings(&coming).map_err(kafka)?;
        // Before anything is held: where it is refused nothing has come.
        let done = match turn {
            Turn::Stray(_) => put(&self.consumer, &from),
            _ => take(&self.consumer, &from),
        };
        done.map_err(kafka)?;
        // librdkafka keeps a pause with the partition: one that went while it was paused comes back so.
        let paused = if self.paused { self.consumer.pause(&from) } else { self.consumer.resume(&from) };
        paused.map_err(kafka)?;
        let partitions = coming.into_iter().map(|coming| self.hold(coming)).collect::<Result<_, _>>()?;
        self.outbox.push_back(Outgoing::Step(Step::Assigned(self.cx.id, partitions)));
        self.cx.health.recover(&self.part());
        tracing::info!(source = %self.cx.name, partitions = from.count(), all = self.held.len(), "assigned");
        Ok(())
    }

    /// Where each partition in `list` is read from.
    fn weigh(&self, list: &TopicPartitionList) -> Result<Vec<Coming>, SourceError> {
        let kafka = SourceError::kafka;
        if list.count() == 0 {
            // A rebalance that brings nothing is to be answered all the same, and Kafka cannot be asked about nothing.
            return Ok(Vec::new());
        }
        let low = self.bounds(list, Offset::Beginning).map_err(kafka)?;
        let high = self.bounds(list, Offset::End).map_err(kafka)?;
        let committed = self.consumer.committed_offsets(list.clone(), ANSWER).map_err(kafka)?;
        let mut coming = Vec::new();
        for element in committed.elements() {
            element.error().map_err(kafka)?;
            let (topic, number) = (element.topic(), element.partition());
            let moves = self.cx.progress.moves();
            let ours = match (&self.stamp, Stamp::parse(element.metadata())) {
                (Some(own), Some(other)) => moves || own.owns(&other),
                _ => moves,
            };
            let origin = Origin::kafka(topic, number);
            let parted = self.parted.get(&(topic.into(), number)).filter(|_| !moves);
            let known = match parted {
                Some(parted) => Known { scored: Some(parted.next), ..Known::default() },
                None => self.cx.progress.known(&origin)?,
            };
            let scored = known.scored;
            let facts = Facts {
                // What has moved here was read before, whatever the group remembers.
                committed: position(element.offset()).or(scored.filter(|scored| moves && *scored > 0)),
                ours,
                scored,
                open: known.open,
                low: bound(&low, topic, number)?,
                high: bound(&high, topic, number)?,
            };
            coming.push(Coming {
                topic: topic.into(),
                number,
                facts,
                resume: facts.resume(self.start_of(topic, number)),
            });
        }
        Ok(coming)
    }

    /// Where a partition is read from of which nothing is committed.
    fn start_of(&self, topic: &str, number: i32) -> Start {
        match &self.before {
            Some(before) if before.may_be_left_out(topic, number) => Start::Latest,
            _ => Start::Earliest,
        }
    }

    /// Commits where partitions begin of which nothing is committed. Where we know a partition and the group does not, it is
    /// another one under the old name and read anew; one that is lost, or at which we crash, before its first commit would
    /// be taken for that, and what it brought be learned twice. Where the beginning is the end, it would be another one
    /// after a crash. And a sink that commits the rest does so later: we must never come after it.
    fn commit_beginnings(&self, coming: &[Coming]) -> KafkaResult<()> {
        let mut list = TopicPartitionList::new();
        for Coming { topic, number, facts, resume } in coming {
            if facts.committed.is_none() {
                let mut element = list.add_partition(topic, *number);
                element.set_offset(offset(resume.from))?;
                element.set_metadata(self.stamp());
            }
        }
        if list.count() > 0 { self.consumer.commit(&list, CommitMode::Sync) } else { Ok(()) }
    }

    /// Holds a partition that is read from `resume` on; what it is called.
    fn hold(&mut self, Coming { topic, number, facts, resume }: Coming) -> Result<Partition, SourceError> {
        let (origin, partition) = self.names(&topic, number);
        tracing::debug!(source = %self.cx.name, %origin, ?facts, ?resume, "begins");
        if resume.expired > 0 {
            self.meters.expired.inc_by(resume.expired);
            tracing::error!(
                source = %self.cx.name, %origin, records = resume.expired,
                "records were deleted by the topic's retention before they were read; raise `retention.ms`, or see why it lags"
            );
        }
        if resume.anew || facts.committed.is_some() && !facts.ours {
            self.outbox.push_back(Outgoing::Step(Step::Anew(origin.clone())));
        }
        let window = match self.parted.remove(&(topic.clone(), number)) {
            // It was ours and nobody has committed meanwhile: what was in flight then still counts. Where what is known moves,
            // it has come anew all the same, and looks at what windows hold that are open.
            Some(Parted { window, next })
                if !resume.anew
                    && !self.cx.progress.moves()
                    && !window.is_abandoned()
                    && next == resume.learn_from
                    && self.cx.membership.is_none() =>
            {
                Some(window)
            }
            Some(_) => {
                self.cx.flight.forget(&origin);
                None
            }
            None => None,
        };
        let (window, from) = match window {
            Some(window) => (window, resume.learn_from),
            None => {
                let begin = resume.from.max(resume.deliver_from);
                let window = self
                    .cx
                    .flight
                    .open(&origin, begin)
                    .ok_or_else(|| SourceError::Shared { topic: topic.to_string(), partition: number })?;
                (window, resume.from)
            }
        };
        let mut stream = Stream::new(self.cx.id, partition.clone(), origin);
        stream.deliver_from = resume.deliver_from;
        stream.learn_from = resume.learn_from;
        let meters = self.meters.partition(&topic, number);
        let committed = facts.committed.unwrap_or(resume.from);
        self.held.add(Held::new(topic, number, stream, window, from, Some(committed), meters));
        Ok(partition)
    }

    /// Reads the partitions in `list` no more.
    fn go(&mut self, list: &TopicPartitionList) -> Result<(), SourceError> {
        let lost = self.consumer.assignment_lost();
        // What was not handed on was not received.
        self.outbox.retain(|outgoing| match outgoing {
            Outgoing::Chunk(_, chunk) => !is_of(list, &chunk.origin),
            Outgoing::Step(_) => true,
        });
        if !lost {
            self.commit_the_last_of(list);
        }
        let mut gone = Vec::new();
        for held in self.held.remove(list) {
            if self.cx.membership.is_some() {
                // Before we let it go: a transaction that still holds records of it must not outlive that.
                held.window.fence();
            }
            held.meters.lag.set(0);
            gone.push(held.stream.partition.clone());
            self.parted.insert((held.topic, held.number), Parted { window: held.window, next: held.fed });
        }
        self.outbox.push_back(Outgoing::Step(Step::Ended(self.cx.id, gone)));
        tracing::info!(source = %self.cx.name, partitions = list.count(), lost, left = self.held.len(), "revoked");
        Ok(())
    }

    /// Commits what is delivered of all partitions, as if they went; they go when the group hears that we leave.
    pub(super) fn commit_the_last(&mut self) -> Result<(), SourceError> {
        let list = self.held.list().map_err(SourceError::kafka)?;
        self.commit_the_last_of(&list);
        Ok(())
    }

    /// Waits, but not for long, until what is in flight of the partitions in `list` is confirmed, and commits that.
    fn commit_the_last_of(&mut self, list: &TopicPartitionList) {
        let until = clock::monotonic() + FENCE;
        let in_flight = |reader: &Self| {
            let mut going =
                reader.held.iter().filter(|held| list.find_partition(&held.topic, held.number).is_some());
            going.any(|held| !held.window.is_settled())
        };
        while in_flight(self) && clock::monotonic() < until {
            thread::sleep(FENCE_LOOK);
        }
        CrashPoint::MidRevoke.reach();
        // Not waited for: the request leaves before the one by which we let the partitions go.
        if let Err(error) = self.commit(Some(list), CommitMode::Async) {
            tracing::warn!(source = %self.cx.name, %error, "could not commit what goes to another worker; it will read it again");
        }
    }

    /// Partitions stand where there is no record, because of retention or because the topic was made again: each is read
    /// on from where its first record is.
    pub(super) fn find_again(&mut self) -> Result<(), SourceError> {
        let list = self.held.list().map_err(SourceError::kafka)?;
        let bounds = (self.bounds(&list, Offset::Beginning), self.bounds(&list, Offset::End));
        let mut stray = TopicPartitionList::new();
        for element in list.elements() {
            let (topic, number) = (element.topic(), element.partition());
            let next = position(element.offset()).unwrap_or_default();
            let within = match &bounds {
                (Ok(low), Ok(high)) => bound(low, topic, number)
                    .and_then(|low| Ok(low <= next && next <= bound(high, topic, number)?)),
                _ => Ok(false),
            };
            // One of which nobody can say so now is taken for one: it is asked for again until somebody can.
            if !within.unwrap_or(false) {
                stray.add_partition(topic, number);
            }
        }
        if stray.count() == 0 {
            return Ok(());
        }
        tracing::warn!(source = %self.cx.name, partitions = stray.count(), "what comes next is not there any more");
        // As if they went and came back: what is known of them is weighed anew.
        self.go(&stray)?;
        self.offered.push_back(Turn::Stray(stray));
        Ok(())
    }

    /// Where the partitions in `list` begin or end: one question for all.
    pub(super) fn bounds(&self, list: &TopicPartitionList, which: Offset) -> KafkaResult<TopicPartitionList> {
        let mut list = list.clone();
        list.set_all_offsets(which)?;
        self.consumer.offsets_for_times(list, ANSWER)
    }

    fn names(&self, topic: &str, number: i32) -> (Origin, Partition) {
        (Origin::kafka(topic, number), Partition::new(&format!("{}/{topic}/{number}", self.cx.name)))
    }
}

fn is_of(list: &TopicPartitionList, origin: &Origin) -> bool {
    list.elements().iter().any(|element| Origin::kafka(element.topic(), element.partition()) == *origin)
}

fn position(offset: Offset) -> Option<Position> {
    match offset {
        Offset::Offset(offset) => u64::try_from(offset).ok(),
        _ => None,
    }
}

/// The bound of one partition.
fn bound(bounds: &TopicPartitionList, topic: &str, number: i32) -> Result<Position, SourceError> {
    let Some(element) = bounds.find_partition(topic, number) else {
        return Err(SourceError::kafka(KafkaError::OffsetFetch(
            rdkafka::error::RDKafkaErrorCode::UnknownPartition,
        )));
    };
    element.error().map_err(SourceError::kafka)?;
    position(element.offset()).ok_or_else(|| {
        SourceError::kafka(KafkaError::OffsetFetch(rdkafka::error::RDKafkaErrorCode::NoOffset))
    })
}
