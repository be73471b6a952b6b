//! Looking at all sinks at once, each on a thread of its own and for a limited time: a look never hangs.

use std::{
    sync::mpsc::{RecvTimeoutError, sync_channel},
    time::Duration,
};

use super::{AppError, baseline::waited_for, snapshots::Place};
use crate::{
    config::SnapshotsTo,
    sink::{LOOK_MAX, SinkError, To},
    telemetry::clock,
};

/// Time for what a look does besides waiting for an answer.
const MARGIN: Duration = Duration::from_secs(1);

/// Opens every sink and looks whether what it would write to is there; everything that is wrong.
pub(super) fn all<'a>(sinks: impl Iterator<Item = (&'a str, &'a To)>) -> Vec<AppError> {
    let begun = clock::monotonic();
    let started: Vec<_> = sinks
        .map(|(name, to)| {
            let (sender, found) = sync_channel(1);
            let to = to.clone();
            let look = move || {
                // Nobody hears an answer that comes too late.
                let _ = sender.send(to.open().and_then(|sink| sink.look()));
            };
            let started = std::thread::Builder::new().name("look".to_owned()).spawn(look);
            (name, started.map(|_| found))
        })
        .collect();
    let mut errors = Vec::new();
    for (name, started) in started {
        let left = (LOOK_MAX + MARGIN).saturating_sub(begun.elapsed());
        let looked = match started.map(|found| found.recv_timeout(left)) {
            Ok(Ok(looked)) => looked,
            Ok(Err(RecvTimeoutError::Timeout)) => Err(unknown("it did not answer in time")),
            Ok(Err(RecvTimeoutError::Disconnected)) => Err(unknown("it ended without an answer")),
            Err(error) => Err(unknown(&error.to_string())),
        };
        errors.extend(looked.err().map(|error| AppError::Sink { name: name.to_owned(), error }));
    }
    errors
}

/// Looks whether snapshots can be listed where they are to go, and a folder can be written to.
pub(super) fn snapshots(to: &SnapshotsTo) -> Result<(), AppError> {
    let failed = |cause: String| AppError::Environment { part: "state.snapshots.to".to_owned(), cause };
    let place = Place::of(to).map_err(|error| failed(error.to_string()))?;
    let listed = waited_for(async move {
        match tokio::time::timeout(LOOK_MAX, place.look()).await {
            Ok(looked) => looked.map_err(|error| error.to_string()),
            Err(_) => Err("it did not answer in time".to_owned()),
        }
    });
    listed.map_err(|error| failed(error.to_string()))?.map_err(failed)
}

/// What is worth knowing of the topics of assets: which do not keep the last word under each key, as far as may be known.
#[cfg(feature = "kafka")]
pub(super) fn asset_topics(config: &crate::enrich::Config) -> Vec<String> {
    let topics =
        config.assets.iter().enumerate().filter_map(|(index, list)| Some((index, list.kafka.as_ref()?)));
    let loses = |(index, topic): (usize, &crate::enrich::AssetTopic)| {
        let compacted = topic.compacted();
        let policy = waited_for(async move { compacted.policy().await }).ok()?.ok()??;
        let text = format!(
            "enrich.assets[{index}].kafka: the `cleanup.policy` of the topic `{}` is `{policy}`: assets go with the records \
             that are deleted; make it `compact` (`kafka-configs.sh --alter --topic {} --add-config cleanup.policy=compact`)",
            topic.topic, topic.topic
        );
        (!crate::kafka::compacts(&policy)).then_some(text)
    };
    topics.filter_map(loses).collect()
}

fn unknown(cause: &str) -> SinkError {
    SinkError::Remote { cause: format!("could not look whether it is there: {cause}") }
}
