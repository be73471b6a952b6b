//! Our membership of the consumer group, as librdkafka reports it: what is assigned and revoked, and how commits ended.
//!
//! The callbacks only write down what they are told. The reader acts on it between two records, on its own thread, so that
//! there is one place where partitions come and go and nothing of theirs needs a lock.

use std::{
    collections::VecDeque,
    error::Error,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rdkafka::{
    ClientContext, TopicPartitionList,
    client::OAuthToken,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol},
    error::{KafkaError, KafkaResult},
    types::RDKafkaRespErr,
};

use crate::kafka::Session;

/// What librdkafka told us and the reader has not acted on yet.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) session: Session,
    turns: Mutex<VecDeque<Turn>>,
    refused_commit: Mutex<Option<KafkaError>>,
    closing: AtomicBool,
}

/// A change of what we hold.
#[derive(Debug)]
pub(super) enum Turn {
    /// These are ours once we say so.
    Assigned(TopicPartitionList),
    /// These are somebody else's once we say so.
    Revoked(TopicPartitionList),
    /// These are ours, and where they are read from is to be learned anew.
    Stray(TopicPartitionList),
}

/// How long the cluster may take to answer a question between two records.
pub(super) const ANSWER: Duration = Duration::from_secs(2);

// === impl Turn ===

impl Turn {
    /// What is left of a change once the partitions in `gone` are somebody else's.
    pub(super) fn without(self, gone: &TopicPartitionList) -> Option<Self> {
        let left = |list: TopicPartitionList| {
            let mut left = TopicPartitionList::new();
            for element in list.elements() {
                if gone.find_partition(element.topic(), element.partition()).is_none() {
                    left.add_partition(element.topic(), element.partition());
                }
            }
            (left.count() > 0).then_some(left)
        };
        match self {
            Self::Assigned(list) => left(list).map(Self::Assigned),
            Self::Stray(list) => left(list).map(Self::Stray),
            Self::Revoked(_) => Some(self),
        }
    }
}

// === impl Group ===

impl Group {
    pub(super) fn new(session: Session) -> Self {
        Self { session, ..Self::default() }
    }

    /// The next change, in the order they came.
    pub(super) fn next_turn(&self) -> Option<Turn> {
        locked(&self.turns).pop_front()
    }

    /// Why a commit was refused since this was last asked.
    pub(super) fn refused_commit(&self) -> Option<KafkaError> {
        locked(&self.refused_commit).take()
    }

    /// From now on everything is let go without a word: what there was to do is done.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }
}

/// Says that `partitions` are ours from here on, at the offsets that stand in it.
pub(super) fn take(consumer: &BaseConsumer<Group>, partitions: &TopicPartitionList) -> KafkaResult<()> {
    match consumer.rebalance_protocol() {
        RebalanceProtocol::Cooperative => consumer.incremental_assign(partitions),
        _ => consumer.assign(partitions),
    }
}

/// Lets `partitions` go. Where we are no member any more, all are gone already.
pub(super) fn let_go(consumer: &BaseConsumer<Group>, partitions: &TopicPartitionList) -> KafkaResult<()> {
    match consumer.rebalance_protocol() {
        RebalanceProtocol::Cooperative => consumer.incremental_unassign(partitions),
        _ => consumer.unassign(),
    }
}

/// Goes on at other offsets in partitions that are ours. It begins anew with them, as one that librdkafka has found no
/// record in cannot be sought in.
pub(super) fn put(consumer: &BaseConsumer<Group>, partitions: &TopicPartitionList) -> KafkaResult<()> {
    consumer.incremental_unassign(partitions)?;
    consumer.incremental_assign(partitions)
}

impl ClientContext for Group {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(&self, config: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        self.session.generate_oauth_token(config)
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        self.session.log(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.session.error(error, reason);
    }
}

impl ConsumerContext for Group {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, code: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let assigned = code == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        if self.closing.load(Ordering::Relaxed) {
            if !assigned && let Err(error) = let_go(consumer, list) {
                tracing::debug!(%error, "could not let partitions go while leaving");
            }
            return;
        }
        let turn = if assigned { Turn::Assigned(list.clone()) } else { Turn::Revoked(list.clone()) };
        locked(&self.turns).push_back(turn);
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        if let Err(error) = result {
            *locked(&self.refused_commit) = Some(error);
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
