//! An interface as an archive shows it: its name, and what its records have in common.

use super::super::{
    keys::{Key, Keys},
    own::Shared,
};

/// One interface of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Interface {
    /// The hash of its name under the state's seed.
    pub(super) key: Key,
    /// Account, region and VPC, as far as its records say them.
    pub(super) scope: [Box<str>; 3],
    pub(super) name: Box<str>,
    /// The addresses that stand in all records that do not say which side is its own.
    pub(super) shared: Shared,
}

// === impl Interface ===

impl Interface {
    /// The interface `name` in `scope`, of which no record is known yet.
    pub(super) fn new(keys: &Keys, scope: [&str; 3], name: &str) -> Self {
        let [account, region, vpc] = scope;
        let key = keys.of(&["interface", account, region, vpc, name]);
        Self { key, scope: scope.map(Into::into), name: name.into(), shared: Shared::Anything }
    }

    /// Takes in what another part of the archive says of it.
    pub(super) fn merge(&mut self, other: &Self) {
        self.shared = met(self.shared, other.shared);
    }
}

/// What two sets of records have in common, of which each has `one` and `other`: the same in either order.
pub(super) fn met(one: Shared, other: Shared) -> Shared {
    let both = match (one, other) {
        (Shared::Anything, shared) | (shared, Shared::Anything) => shared,
        _ => {
            let (one, other) = (one.addresses().1, other.addresses().1);
            match one.iter().filter(|address| other.contains(address)).copied().collect::<Vec<_>>()[..] {
                [] => Shared::Nothing,
                [one] => Shared::One(one),
                [one, other, ..] => Shared::Two(one, other),
            }
        }
    };
    match both {
        Shared::Two(one, other) if one > other => Shared::Two(other, one),
        both => both,
    }
}

/// Whether `address` may still turn out to stand in all records, where `shared` is what some have in common.
pub(super) fn may_be(shared: Shared, address: u128) -> bool {
    match shared {
        Shared::Anything => true,
        Shared::Two(one, other) => address == one || address == other,
        Shared::One(one) => address == one,
        Shared::Nothing => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(records: &[(u8, u8)]) -> Shared {
        let each = records.iter().map(|(one, other)| Shared::Anything.and((*one).into(), (*other).into()));
        each.fold(Shared::Anything, met)
    }

    proptest! {
        #[test]
        fn what_records_have_in_common_does_not_depend_on_how_they_are_divided(
            records in proptest::collection::vec((0_u8..4, 0_u8..4), 0..6), cut in 0_usize..6,
        ) {
            let cut = cut.min(records.len());
            let (one, other) = records.split_at(cut);
            let parts = met(of(one), of(other));
            prop_assert_eq!(parts, of(&records));
            prop_assert_eq!(parts, met(of(other), of(one)));
            let in_order = records.iter().fold(Shared::Anything, |shared, (one, other)| {
                shared.and((*one).into(), (*other).into())
            });
            prop_assert_eq!(met(in_order, Shared::Anything), parts, "and is what scoring finds");
        }
    }
}
