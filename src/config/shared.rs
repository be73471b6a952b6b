//! What two sources of one process would both read, and must not.

use std::collections::BTreeMap;

use super::{Problems, SourceConfig, Tree};

/// Tells what is read twice.
pub(super) fn check(sources: &BTreeMap<String, SourceConfig>, tree: &Tree, problems: &mut Problems) {
    #[cfg(feature = "kafka")]
    topics(sources, tree, problems);
    #[cfg(feature = "kinesis")]
    streams(sources, tree, problems);
    #[cfg(not(any(feature = "kafka", feature = "kinesis")))]
    let _ = (sources, tree, problems);
}

/// What one process knows of a partition it knows by its topic.
#[cfg(feature = "kafka")]
fn topics(sources: &BTreeMap<String, SourceConfig>, tree: &Tree, problems: &mut Problems) {
    let mut seen = BTreeMap::new();
    for (name, source) in sources {
        let crate::source::From::Kafka(kafka) = &source.from else { continue };
        for (index, topic) in kafka.topics.iter().enumerate() {
            if let Some(first) = seen.insert(topic, name) {
                let path = format!("sources.{name}.from.kafka.topics[{index}]");
                let text = format!("the source `{first}` reads `{topic}` already");
                let help = "leave the topic to one source, or run a process for each";
                problems.at(tree, &path, text, help.to_owned());
            }
        }
    }
}

/// As with topics: what one process knows of a shard it knows by the stream's name.
#[cfg(feature = "kinesis")]
fn streams(sources: &BTreeMap<String, SourceConfig>, tree: &Tree, problems: &mut Problems) {
    let mut seen = BTreeMap::new();
    for (name, source) in sources {
        let crate::source::From::Kinesis(kinesis) = &source.from else { continue };
        if let Some(first) = seen.insert(kinesis.stream_name(), name) {
            let path = format!("sources.{name}.from.kinesis.stream");
            let text = format!("the source `{first}` reads a stream of this name already");
            problems.at(tree, &path, text, "run a process for each".to_owned());
        }
    }
}
