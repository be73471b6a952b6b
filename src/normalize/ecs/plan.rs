//! Which columns are members of which object of an ECS document.

use crate::{
    event::{EcsType, FIELDS, Field},
    normalize::{
        paths::{REGION, SUBLOCATION_ID, VPC_ID, column},
        piece::leaf,
        plan::{Key, same_object},
    },
};

/// Objects whose members are columns and nothing else.
#[derive(Debug, Clone, Copy)]
pub(super) enum Group {
    Cloud,
    Instance,
    Cluster,
    Resource,
    Service,
    Container,
    Vpcflow,
    Sublocation,
}

const GROUPS: usize = 8;

/// The members' beginnings by group and field.
pub(super) static KEYS: [[Key; FIELDS.len()]; GROUPS] = [
    keys(REGION),
    keys(column(Field::InstanceId, 0)),
    keys(column(Field::EcsClusterArn, 1)),
    keys(column(Field::EcsContainerInstanceId, 1)),
    keys(column(Field::EcsServiceName, 1)),
    keys(column(Field::EcsContainerId, 1)),
    keys(VPC_ID),
    keys(SUBLOCATION_ID),
];

/// The beginnings of all columns that stand in the same object as `sibling`.
const fn keys(sibling: &'static str) -> [Key; FIELDS.len()] {
    let mut keys = [Key::NONE; FIELDS.len()];
    let mut field = 0;
    while field < FIELDS.len() {
        let mut place = 0;
        while place < FIELDS[field].ecs.len() {
            let ecs = FIELDS[field].ecs[place];
            if same_object(ecs.path, sibling) {
                keys[field] = Key::new(leaf(ecs.path), !matches!(ecs.kind, EcsType::Long));
            }
            place += 1;
        }
        field += 1;
    }
    keys
}

// === impl Group ===

impl From<Group> for usize {
    #[inline(always)]
    fn from(group: Group) -> Self {
        group as Self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_of_a_column_that_is_not_written_by_hand_has_a_group() {
        let by_hand = [
            "@timestamp",
            "event",
            "source",
            "destination",
            "source.nat",
            "destination.nat",
            "network",
            "cloud.account",
        ];
        for row in FIELDS {
            for ecs in row.ecs {
                let object = ecs.path.strip_suffix(leaf(ecs.path)).unwrap_or_default().trim_end_matches('.');
                let name = leaf(ecs.path).as_bytes();
                let grouped = KEYS.iter().any(|keys| keys[row.field as usize].name() == name);
                let hand = by_hand.contains(&object) || by_hand.contains(&ecs.path);
                assert!(hand || grouped, "{} is written nowhere", ecs.path);
            }
        }
    }
}
