//! Looking whether a cluster and its topics are there, without writing.

use std::time::Duration;

use rdkafka::{
    error::{KafkaError, RDKafkaErrorCode},
    producer::Producer as _,
};

use super::{KafkaSinkConfig, producer::Producer};
use crate::{
    kafka::{Fault, Session, explain},
    sink::{LOOK_MAX, SinkError},
    telemetry::clock,
};

/// How long one question to the cluster may take.
const QUESTION_MAX: Duration = Duration::from_secs(1);
/// A cluster that has answered nothing but an error for this long is down.
const PATIENCE: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(100);

/// Looks whether brokers can be reached, take who we are, and have the topics.
///
/// # Errors
/// When one of these is not so, with the key that is to be looked at.
pub fn look(producer: &Producer, config: &KafkaSinkConfig, session: &Session) -> Result<(), SinkError> {
    let begun = clock::monotonic();
    for (key, topic) in config.topics() {
        loop {
            let spent = begun.elapsed();
            let problem = match describe(producer, topic, QUESTION_MAX.min(LOOK_MAX.saturating_sub(spent))) {
                Ok(None) => break,
                // A new topic has no leader for a moment.
                Ok(Some(RDKafkaErrorCode::LeaderNotAvailable)) => {
                    format!("the topic `{topic}` (`{key}`) has no leader")
                }
                Ok(Some(code)) => return Err(wrong_topic(key, topic, code)),
                Err(error) if session.is_refused() => return Err(unreachable(config, session, &error)),
                Err(error) if spent > PATIENCE && session.last_error().is_some() => {
                    return Err(unreachable(config, session, &error));
                }
                Err(error) => unreachable(config, session, &error).to_string(),
            };
            if begun.elapsed() + PAUSE >= LOOK_MAX {
                return Err(SinkError::Remote { cause: problem });
            }
            std::thread::sleep(PAUSE);
        }
    }
    match producer.fatal_error() {
        None => Ok(()),
        Some(cause) => Err(SinkError::Remote { cause: format!("could not write to Kafka: {cause}") }),
    }
}

/// Has librdkafka learn anew what there is to know of each topic.
pub fn ask(producer: &Producer, config: &KafkaSinkConfig) {
    for (_, topic) in config.topics() {
        if let Err(error) = describe(producer, topic, QUESTION_MAX) {
            tracing::debug!(%error, topic, "could not ask about the topic");
        }
    }
}

/// What is wrong with a topic, as the cluster says.
fn describe(
    producer: &Producer,
    topic: &str,
    most: Duration,
) -> Result<Option<RDKafkaErrorCode>, KafkaError> {
    let described = producer.client().client().fetch_metadata(Some(topic), most)?;
    let found = described.topics().iter().find(|found| found.name() == topic);
    Ok(match found {
        None => Some(RDKafkaErrorCode::UnknownTopicOrPartition),
        Some(found) => found.error().map(RDKafkaErrorCode::from),
    })
}

fn wrong_topic(key: &str, topic: &str, code: RDKafkaErrorCode) -> SinkError {
    SinkError::Remote { cause: format!("could not use the topic `{topic}` (`{key}`): {}", explain(code)) }
}

fn unreachable(config: &KafkaSinkConfig, session: &Session, error: &KafkaError) -> SinkError {
    let cause = session.last_error().unwrap_or_else(|| error.to_string());
    let fault = if session.is_refused() { Fault::Authentication } else { Fault::Unreachable };
    let brokers = config.brokers.join(", ");
    SinkError::Remote { cause: format!("could not reach Kafka at {brokers}: {cause}; {}", fault.remedy()) }
}
