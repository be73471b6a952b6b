//! Whether an entity's records meet one owner: scores are right only if they do.
//!
//! While other processes hold some of a source's partitions, an entity that comes on two of ours most likely comes on theirs
//! too, and each of us sees a part of its traffic. That shows as a count and one warning. Entities of a partition that was
//! somebody else's before begin without a past here; they are counted too.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{Origin, Partition, SourceId};

use super::plan::EntityRef;

/// What is watched for.
#[derive(Debug, Default)]
pub(in crate::score) struct Division {
    /// Sources of whose partitions others hold some.
    divided: BTreeSet<SourceId>,
    /// Numbers of the partitions that entities were seen on while their source was divided, from 1.
    numbers: BTreeMap<Partition, u16>,
    /// The number of the partition that an entity was last seen on, by the entity; 0 before, [`SPREAD`] once it was counted.
    homes: Vec<u16>,
    /// Origins that were somebody else's before they were ours.
    moved: BTreeSet<Origin>,
}

/// The number of an entity that was seen on two partitions.
const SPREAD: u16 = u16::MAX;

// === impl Division ===

impl Division {
    /// Whether others hold some of the partitions of `source`.
    pub(in crate::score) fn divided(&mut self, source: SourceId, divided: bool) {
        if divided {
            self.divided.insert(source);
        } else {
            self.divided.remove(&source);
        }
    }

    /// Entities that are first seen in `origin` begin without the past that they have elsewhere.
    pub(in crate::score) fn moved(&mut self, origin: Origin) {
        self.moved.insert(origin);
    }

    /// Whether entities that are first seen in `origin` have a past elsewhere.
    pub(super) fn is_moved(&self, origin: &Origin) -> bool {
        !self.moved.is_empty() && self.moved.contains(origin)
    }

    /// The number of `partition`, where it matters who comes on it: not while its source is all ours.
    pub(in crate::score) fn number(&mut self, source: SourceId, partition: &Partition) -> Option<u16> {
        if self.divided.is_empty() || !self.divided.contains(&source) {
            return None;
        }
        if let Some(number) = self.numbers.get(partition) {
            return Some(*number);
        }
        // More partitions than numbers share the last one, and then count for one.
        let number = u16::try_from(self.numbers.len() + 1).unwrap_or(SPREAD).min(SPREAD - 1);
        self.numbers.insert(partition.clone(), number);
        Some(number)
    }

    /// Notes that `entity` comes on the partition of this number; says whether that is the second one, for the first time.
    pub(in crate::score) fn seen(&mut self, entity: EntityRef, number: u16) -> bool {
        let index = entity.bits() as usize;
        if index >= self.homes.len() {
            self.homes.resize(index + 1, 0);
        }
        let home = &mut self.homes[index];
        if *home == 0 {
            *home = number;
        }
        let second = *home != number && *home != SPREAD;
        if second {
            *home = SPREAD;
        }
        second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entity_on_two_partitions_is_noticed_once_and_only_while_others_hold_some() {
        let mut division = Division::default();
        let (source, one, two) = (SourceId(0), Partition::new("one"), Partition::new("two"));
        assert_eq!(division.number(source, &one), None, "all partitions are ours");
        division.divided(source, true);
        assert_eq!(division.number(SourceId(1), &one), None, "another source's are");
        let (first, second) =
            (division.number(source, &one).unwrap(), division.number(source, &two).unwrap());
        let (entity, other) = (EntityRef::new(3, 17), EntityRef::new(3, 18));
        assert!(!division.seen(entity, first) && !division.seen(entity, first));
        assert!(division.seen(entity, second));
        assert!(!division.seen(entity, first) && !division.seen(entity, second), "counted already");
        assert!(!division.seen(other, second));
        division.divided(source, false);
        assert_eq!(division.number(source, &one), None);
    }
}
