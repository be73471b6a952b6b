//! Looking whether a source could read: which broker, topic, group or permission is wrong, before anything is read.

use std::{thread, time::Duration};

use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    config::FromClientConfigAndContext,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
};

use super::config::Config;
use crate::{
    kafka::{ConnectionError, Fault, Session, explain},
    source::SourceError,
    telemetry::clock,
};

/// How long the cluster may take to answer one question.
const ANSWER: Duration = Duration::from_secs(4);

/// What a coordinator says while it is being found.
const PASSING: [RDKafkaErrorCode; 4] = [
    RDKafkaErrorCode::NotCoordinator,
    RDKafkaErrorCode::CoordinatorNotAvailable,
    RDKafkaErrorCode::CoordinatorLoadInProgress,
    RDKafkaErrorCode::WaitingForCoordinator,
];
const AGAIN: Duration = Duration::from_millis(200);

/// What is asked, and whom.
struct Look<'a> {
    config: &'a Config,
    consumer: BaseConsumer<Session>,
}

/// Looks for the cluster, the topics, what the group has committed, and whether the topics may be read.
pub(super) fn look(config: &Config, client: &ClientConfig) -> Result<(), SourceError> {
    let mut client = client.clone();
    // A partition without a record answers too.
    client.set("enable.partition.eof", "true");
    let consumer = BaseConsumer::from_config_and_context(&client, config.connection().session())
        .map_err(ConnectionError::Settings)?;
    let look = Look { config, consumer };
    look.all().map_err(|what| SourceError::Refused { what })
}

// === impl Look ===

impl Look<'_> {
    fn all(&self) -> Result<(), String> {
        self.log_in()?;
        let mut partitions = TopicPartitionList::new();
        for topic in self.config.named_topics() {
            self.topic(topic, &mut partitions)?;
        }
        if partitions.count() == 0 {
            // Only patterns: that the cluster answers is all that can be asked of them.
            self.consumer.fetch_metadata(None, ANSWER).map_err(|_| self.unreachable())?;
        }
        self.group(&partitions)?;
        self.may_read(partitions)
    }

    /// Waits for what we log in with, where it comes from elsewhere: nothing is asked of the cluster before.
    fn log_in(&self) -> Result<(), String> {
        let session = self.consumer.context();
        // Nothing but the time that it may take limits the loop: see `Session`.
        while session.is_waiting_for_token() {
            self.consumer.poll(AGAIN / 10);
        }
        if session.has_tokens() {
            // What there is to say of a token that was not to be had comes with the next poll.
            self.consumer.poll(AGAIN / 10);
        }
        if session.is_refused() { Err(self.unreachable()) } else { Ok(()) }
    }

    /// Adds the partitions of `topic` to `partitions`.
    fn topic(&self, topic: &str, partitions: &mut TopicPartitionList) -> Result<(), String> {
        let metadata = self.consumer.fetch_metadata(Some(topic), ANSWER).map_err(|_| self.unreachable())?;
        let found = metadata.topics().first();
        if let Some(error) = found.and_then(|topic| topic.error()) {
            return Err(format!("topic {topic}: {}", explain(error.into())));
        }
        for partition in found.iter().flat_map(|topic| topic.partitions()) {
            partitions.add_partition(topic, partition.id());
        }
        Ok(())
    }

    fn group(&self, partitions: &TopicPartitionList) -> Result<(), String> {
        let until = clock::monotonic() + ANSWER;
        loop {
            let answer = self.consumer.committed_offsets(partitions.clone(), ANSWER);
            let error = match &answer {
                Ok(committed) => committed.elements().into_iter().find_map(|element| element.error().err()),
                Err(error) => Some(error.clone()),
            };
            let Some(error) = error else { return Ok(()) };
            // A cluster that has just started, or has lost a broker, finds the group's coordinator in a moment.
            let passes = error.rdkafka_error_code().is_some_and(|code| PASSING.contains(&code));
            if !passes || clock::monotonic() > until {
                // A group that we may not use has no coordinator for us, which is told beside the answer.
                let error = self.heard(RDKafkaErrorCode::GroupAuthorizationFailed).unwrap_or(error);
                return Err(format!("group {}: {}", self.config.group, told(&error)));
            }
            thread::sleep(AGAIN);
        }
    }

    /// Asks for what comes after the end of each partition, which only who may read it is answered.
    fn may_read(&self, mut partitions: TopicPartitionList) -> Result<(), String> {
        let mut left = partitions.count();
        let asked = partitions.set_all_offsets(Offset::End).and_then(|()| self.consumer.assign(&partitions));
        asked.map_err(|error| error.to_string())?;
        let until = clock::monotonic() + ANSWER / 2;
        // A partition whose end is not told within the time is busy, or its leader is away for now: that is no refusal.
        while left > 0 && clock::monotonic() < until {
            match self.consumer.poll(Duration::from_millis(50)) {
                Some(Ok(_) | Err(KafkaError::PartitionEOF(_))) => left -= 1,
                Some(Err(error))
                    if error.rdkafka_error_code() == Some(RDKafkaErrorCode::TopicAuthorizationFailed) =>
                {
                    return Err(format!("topics {}: {}", self.config.topics.join(", "), told(&error)));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The error with this code, if librdkafka has said it meanwhile. All that it has to say is listened to.
    fn heard(&self, code: RDKafkaErrorCode) -> Option<KafkaError> {
        let until = clock::monotonic() + AGAIN;
        while clock::monotonic() < until {
            match self.consumer.poll(AGAIN / 10) {
                Some(Err(error)) if error.rdkafka_error_code() == Some(code) => return Some(error),
                _ => {}
            }
        }
        None
    }

    /// Why nobody answers: what the connection as a whole said tells more than that.
    fn unreachable(&self) -> String {
        self.heard(RDKafkaErrorCode::Authentication);
        let session = self.consumer.context();
        let fault = if session.is_refused() { Fault::Authentication } else { Fault::Unreachable };
        let said = session.last_error().unwrap_or_else(|| "no broker answers".to_owned());
        format!("brokers {}: {said}; {}", self.config.brokers.join(", "), fault.remedy())
    }
}

fn told(error: &KafkaError) -> String {
    error.rdkafka_error_code().map_or_else(|| error.to_string(), explain)
}
