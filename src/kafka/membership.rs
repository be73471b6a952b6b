//! Our membership of a consumer group, as a transaction needs it to commit positions in the group's name.
//!
//! The source that is the member renews it while it polls; the sink whose transactions hold the positions reads it. A
//! transaction with an outdated membership is refused by the group's coordinator, which is what fences a worker whose
//! partitions are another's by now.

use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::{Offset, TopicPartitionList, consumer::ConsumerGroupMetadata, error::KafkaResult};

use crate::event::{Origin, Position};

/// Where a source leaves its membership for a sink. Clones share it.
#[derive(Clone, Default)]
pub struct Membership(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    member: Option<Arc<ConsumerGroupMetadata>>,
    stamp: Arc<str>,
}

/// A membership as it was at one time.
pub struct Member {
    /// Who we are in the group.
    pub group: Arc<ConsumerGroupMetadata>,
    stamp: Arc<str>,
}

// === impl Membership ===

impl Membership {
    /// Renews the membership; commits bear `stamp` as their metadata.
    pub fn renew(&self, member: Option<ConsumerGroupMetadata>, stamp: &str) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.member = member.map(Arc::new);
        if *inner.stamp != *stamp {
            inner.stamp = stamp.into();
        }
    }

    /// The membership for now; nothing before the source has joined.
    #[must_use]
    pub fn current(&self) -> Option<Member> {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Member { group: inner.member.clone()?, stamp: inner.stamp.clone() })
    }
}

// === impl Member ===

impl Member {
    /// What is committed to the group for `positions`, the origins that are no Kafka partitions left out.
    ///
    /// # Errors
    /// When a position is beyond what Kafka can count.
    pub fn offsets(&self, positions: &[(Origin, Position)]) -> KafkaResult<TopicPartitionList> {
        let mut list = TopicPartitionList::with_capacity(positions.len());
        for (origin, position) in positions {
            let Some((topic, number)) = origin.kafka_partition() else { continue };
            let mut element = list.add_partition(topic, number);
            element.set_offset(Offset::Offset(i64::try_from(*position).unwrap_or(i64::MAX)))?;
            element.set_metadata(&*self.stamp);
        }
        Ok(list)
    }
}

impl std::fmt::Debug for Membership {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Membership")
    }
}
