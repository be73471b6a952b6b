//! Which columns are members of which object of an OCSF document.

use crate::{
    event::{EcsType, FIELDS, Field, FieldSet},
    normalize::{
        piece::leaf,
        plan::{Key, same_object},
    },
};

/// Objects whose members are columns, all or some of them; these are texts.
#[derive(Debug, Clone, Copy)]
pub(super) enum Group {
    Document,
    Metadata,
    /// What wrote the log.
    Product,
    Account,
    Cloud,
    /// What tells whose the interface is; it stands in the endpoint on the interface's own side too.
    Device,
    Source,
    Destination,
    Connection,
    /// What has no place in the class.
    Unmapped,
}

const GROUPS: usize = 10;

/// The members' beginnings by group and field.
pub(super) static KEYS: [[Key; FIELDS.len()]; GROUPS] = [
    keys("time"),
    keys("metadata.uid"),
    keys("metadata.product.name"),
    keys("cloud.account.uid"),
    keys("cloud.region"),
    keys("device.uid"),
    keys("src_endpoint.ip"),
    keys("dst_endpoint.ip"),
    keys("connection_info.uid"),
    unmapped(),
];

/// Columns that are no texts, or that are written by what they say: everything else is written from the table.
const BY_HAND: FieldSet = FieldSet::of(&[
    Field::SrcAddr,
    Field::DstAddr,
    Field::PktSrcAddr,
    Field::PktDstAddr,
    Field::SrcPort,
    Field::DstPort,
    Field::Protocol,
    Field::Packets,
    Field::Bytes,
    Field::Start,
    Field::End,
    Field::Action,
    Field::TcpFlags,
    Field::TrafficPath,
]);

/// The beginnings of all columns that stand in the same object as `sibling`.
const fn keys(sibling: &'static str) -> [Key; FIELDS.len()] {
    let mut keys = [Key::NONE; FIELDS.len()];
    let mut field = 0;
    while field < FIELDS.len() {
        let mut place = 0;
        while place < FIELDS[field].ocsf.len() {
            let path = FIELDS[field].ocsf[place];
            if same_object(path, sibling) && !BY_HAND.contains(FIELDS[field].field) {
                keys[field] = Key::new(leaf(path), true);
            }
            place += 1;
        }
        field += 1;
    }
    keys
}

/// The beginnings of all columns that have no path, and of those that stand there beside another place.
const fn unmapped() -> [Key; FIELDS.len()] {
    let mut keys = keys("unmapped.floodmark");
    let mut field = 0;
    while field < FIELDS.len() {
        if FIELDS[field].ocsf.is_empty() {
            keys[field] = Key::new(FIELDS[field].name, !matches!(FIELDS[field].ecs[0].kind, EcsType::Long));
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
    fn every_column_is_written_by_hand_or_from_the_table_at_each_of_its_paths() {
        for row in FIELDS {
            let written = KEYS.iter().filter(|keys| !keys[row.field as usize].name().is_empty()).count();
            let paths = if BY_HAND.contains(row.field) { 0 } else { row.ocsf.len().max(1) };
            assert_eq!(written, paths, "{}", row.name);
        }
    }

    #[test]
    fn no_two_columns_of_one_object_have_one_name() {
        for keys in &KEYS {
            let mut names: Vec<_> = keys.iter().map(Key::name).filter(|name| !name.is_empty()).collect();
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count);
        }
    }
}
