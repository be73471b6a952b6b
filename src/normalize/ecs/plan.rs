//! A plan: for the fields that a row has, which slot each stands in and which members are written from it.

use crate::{
    event::{EcsType, FIELDS, Field, FieldSet},
    normalize::{
        paths::{REGION, SUBLOCATION_ID, VPC_ID, column},
        pen::Pen,
        piece::leaf,
    },
};

/// Objects whose members are columns and nothing else.
#[derive(Debug, Clone, Copy)]
pub(super) enum Group {
    Cloud,
    Instance,
    Cluster,
    Service,
    Container,
    Vpcflow,
    Sublocation,
}

/// How the rows of one set of fields are written. Made anew when the set changes, in the room it has.
#[derive(Debug, Default)]
pub(super) struct Plan {
    fields: FieldSet,
    width: usize,
    slots: Slots,
    members: [Vec<Member>; GROUPS],
}

/// Where each field stands in a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slots([u8; FIELDS.len()]);

/// One column as a member of its object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    pub(super) key: &'static Key,
    pub(super) slot: u8,
}

/// A member's beginning: `"vpc_id":"`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    bytes: [u8; KEY_MAX],
    len: u8,
}

const GROUPS: usize = 7;
const KEY_MAX: usize = 40;

/// The members' beginnings by group and field; empty where the field has no member in the group.
static KEYS: [[Key; FIELDS.len()]; GROUPS] = [
    keys(REGION),
    keys(column(Field::InstanceId, 0)),
    keys(column(Field::EcsClusterArn, 1)),
    keys(column(Field::EcsServiceName, 1)),
    keys(column(Field::EcsContainerId, 1)),
    keys(VPC_ID),
    keys(SUBLOCATION_ID),
];

/// The beginnings of all columns that stand in the same object as `sibling`.
const fn keys(sibling: &'static str) -> [Key; FIELDS.len()] {
    let mut keys = [Key { bytes: [0; KEY_MAX], len: 0 }; FIELDS.len()];
    let mut field = 0;
    while field < FIELDS.len() {
        let mut place = 0;
        while place < FIELDS[field].ecs.len() {
            let ecs = FIELDS[field].ecs[place];
            if same_object(ecs.path, sibling) {
                assert!(
                    !matches!(ecs.kind, EcsType::Long),
                    "members of a group stand between quotation marks"
                );
                keys[field] = key(leaf(ecs.path));
            }
            place += 1;
        }
        field += 1;
    }
    keys
}

const fn key(name: &str) -> Key {
    let mut bytes = [0; KEY_MAX];
    bytes[0] = b'"';
    let mut index = 0;
    while index < name.len() {
        bytes[index + 1] = name.as_bytes()[index];
        index += 1;
    }
    bytes[index + 1] = b'"';
    bytes[index + 2] = b':';
    bytes[index + 3] = b'"';
    Key { bytes, len: index as u8 + 4 }
}

const fn same_object(a: &'static str, b: &'static str) -> bool {
    let (a_len, b_len) = (a.len() - leaf(a).len(), b.len() - leaf(b).len());
    if a_len != b_len {
        return false;
    }
    let mut index = 0;
    while index < a_len {
        if a.as_bytes()[index] != b.as_bytes()[index] {
            return false;
        }
        index += 1;
    }
    true
}

// === impl Key ===

impl Key {
    /// Appends it.
    #[inline(always)]
    pub(super) fn put(&self, out: &mut Pen<'_>) {
        out.put_cut(&self.bytes, usize::from(self.len));
    }
}

// === impl Slots ===

impl Slots {
    /// The slot of `field`; past the end of every row where the row has none.
    #[inline(always)]
    pub(super) fn of(&self, field: Field) -> usize {
        usize::from(self.0[field as usize])
    }
}

impl Default for Slots {
    fn default() -> Self {
        Self([u8::MAX; FIELDS.len()])
    }
}

// === impl Plan ===

impl Plan {
    /// Makes it the plan of rows with these fields.
    #[inline(always)]
    pub(super) fn fit(&mut self, fields: FieldSet) {
        if self.fields != fields {
            self.refit(fields);
        }
    }

    /// How many slots the rows have.
    #[inline(always)]
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Where each field stands.
    #[inline(always)]
    pub(super) fn slots(&self) -> &Slots {
        &self.slots
    }

    /// The columns that are members of `group`, in the order of the vocabulary.
    #[inline(always)]
    pub(super) fn members(&self, group: Group) -> &[Member] {
        &self.members[group as usize]
    }

    #[cold]
    fn refit(&mut self, fields: FieldSet) {
        self.fields = fields;
        self.width = fields.len();
        self.slots = Slots::default();
        self.members.iter_mut().for_each(Vec::clear);
        for (slot, field) in fields.iter().enumerate() {
            self.slots.0[field as usize] = slot as u8;
            for (members, keys) in self.members.iter_mut().zip(&KEYS) {
                let key = &keys[field as usize];
                if key.len > 0 {
                    members.push(Member { key, slot: slot as u8 });
                }
            }
        }
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
                let key = format!("\"{}\":", leaf(ecs.path));
                let grouped =
                    KEYS.iter().any(|keys| keys[row.field as usize].bytes.starts_with(key.as_bytes()));
                let hand = by_hand.contains(&object) || by_hand.contains(&ecs.path);
                assert!(hand || grouped, "{} is written nowhere", ecs.path);
            }
        }
    }
}
