//! A set of fields, as one bit each: which columns an event has, and at which slot each stands.

use super::{FIELDS, Field};

/// A set of fields. The fields of an event stand in its row in the order of the vocabulary, so the number of smaller
/// fields present is a field's slot: a look-up is a mask and a population count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct FieldSet(u128);

// === impl FieldSet ===

impl FieldSet {
    /// How many fields a set can tell apart.
    pub const CAPACITY: usize = 128;

    /// The set of `fields`.
    #[must_use]
    pub const fn of(fields: &[Field]) -> Self {
        let mut bits = 0;
        let mut index = 0;
        while index < fields.len() {
            bits |= 1 << fields[index] as u32;
            index += 1;
        }
        Self(bits)
    }

    /// Adds `field`.
    pub const fn insert(&mut self, field: Field) {
        self.0 |= 1 << field as u32;
    }

    /// Whether `field` is in it.
    #[must_use]
    #[inline]
    pub const fn contains(self, field: Field) -> bool {
        self.0 >> field as u32 & 1 == 1
    }

    /// The slot of `field` in a row of these fields, where it is in the set.
    #[must_use]
    #[inline]
    pub const fn slot(self, field: Field) -> Option<usize> {
        if !self.contains(field) {
            return None;
        }
        Some((self.0 & ((1 << field as u32) - 1)).count_ones() as usize)
    }

    /// How many fields it holds: the slots of a row.
    #[must_use]
    #[inline]
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether it holds none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The fields in both sets.
    #[must_use]
    #[inline]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The fields in either set.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Its fields that are not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Its fields, in the order of the vocabulary.
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = Field> {
        let mut bits = self.0;
        std::iter::from_fn(move || {
            let index = bits.trailing_zeros() as usize;
            let row = FIELDS.get(index)?;
            bits &= bits - 1;
            Some(row.field)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_the_number_of_smaller_fields_present() {
        let set = FieldSet::of(&[Field::DstAddr, Field::Version, Field::Bytes]);
        assert_eq!(set.len(), 3);
        for (slot, field) in set.iter().enumerate() {
            assert_eq!(set.slot(field), Some(slot));
        }
        assert_eq!(set.slot(Field::Action), None);
    }
}
