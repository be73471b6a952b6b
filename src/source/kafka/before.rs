//! What there was before we joined the group: by it we tell a partition whose records may be left out from one that appeared
//! later, of which nothing may be lost.

use std::collections::{BTreeMap, BTreeSet};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaResult,
};

use super::group::{ANSWER, Group};

/// The topics that there were, and those of which the group had committed something.
#[derive(Debug)]
pub(super) struct Before {
    /// How many partitions each had.
    partitions: BTreeMap<String, i32>,
    committed: BTreeSet<String>,
    /// The topics that are asked for by name and not by a pattern.
    named: BTreeSet<String>,
}

// === impl Before ===

impl Before {
    /// Asks the cluster.
    ///
    /// # Errors
    /// When it does not answer, or does not let us see.
    pub(super) fn look(consumer: &BaseConsumer<Group>, topics: &[&str]) -> KafkaResult<Self> {
        let named: BTreeSet<String> =
            topics.iter().filter(|topic| !topic.starts_with('^')).map(|topic| (*topic).to_owned()).collect();
        let asked =
            if named.len() == topics.len() { topics.iter().copied().map(Some).collect() } else { vec![None] };
        let mut partitions = BTreeMap::new();
        let mut list = TopicPartitionList::new();
        for topic in asked {
            for topic in consumer.fetch_metadata(topic, ANSWER)?.topics() {
                for partition in topic.partitions() {
                    list.add_partition(topic.name(), partition.id());
                }
                let count = i32::try_from(topic.partitions().len()).unwrap_or(i32::MAX);
                partitions.insert(topic.name().to_owned(), count);
            }
        }
        let mut committed = BTreeSet::new();
        if list.count() > 0 {
            for element in consumer.committed_offsets(list, ANSWER)?.elements() {
                element.error()?;
                if let Offset::Offset(_) = element.offset() {
                    committed.insert(element.topic().to_owned());
                }
            }
        }
        Ok(Self { partitions, committed, named })
    }

    /// Whether the records of a partition may be left out of which nothing is committed: it was there, and nobody of the
    /// group had read its topic. A topic that a pattern matches may have appeared while the group was away, so that one is
    /// new to the group only if all are.
    pub(super) fn may_be_left_out(&self, topic: &str, number: i32) -> bool {
        let was_there = self.partitions.get(topic).is_some_and(|count| number < *count);
        let known = if self.named.contains(topic) {
            self.committed.contains(topic)
        } else {
            !self.committed.is_empty()
        };
        was_there && !known
    }
}
