//! A plan: for the fields that a row has, which slot each stands in and which members are written from it.

use super::{pen::Pen, piece::leaf};
use crate::event::{FIELDS, Field, FieldSet};

/// For each object whose members are columns and nothing else, the members' beginnings by field; empty where the field
/// has no member in it. A schema has one such table, made from the vocabulary.
pub(super) type Keys = [[Key; FIELDS.len()]];

/// How the rows of one set of fields are written. Made anew when the set changes, in the room it has.
#[derive(Debug)]
pub(super) struct Plan {
    keys: &'static Keys,
    fields: FieldSet,
    width: usize,
    slots: Slots,
    /// By the number of the object.
    members: Box<[Vec<Member>]>,
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

/// A member's beginning: `"vpc_id":"` of a text, `"packets":` of a number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    bytes: [u8; KEY_MAX],
    len: u8,
    text: bool,
}

const KEY_MAX: usize = 40;

/// Whether `a` and `b` name members of one object.
pub(super) const fn same_object(a: &'static str, b: &'static str) -> bool {
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
    /// Of a field that has no member in the object.
    pub(super) const NONE: Self = Self { bytes: [0; KEY_MAX], len: 0, text: false };

    /// The beginning of the member called `name` in this object, whose value stands between quotation marks where it is
    /// `text`. Hyphens become underscores.
    pub(super) const fn new(name: &str, text: bool) -> Self {
        let mut bytes = [0; KEY_MAX];
        bytes[0] = b'"';
        let mut index = 0;
        while index < name.len() {
            let byte = name.as_bytes()[index];
            bytes[index + 1] = if byte == b'-' { b'_' } else { byte };
            index += 1;
        }
        bytes[index + 1] = b'"';
        bytes[index + 2] = b':';
        if text {
            bytes[index + 3] = b'"';
        }
        Self { bytes, len: index as u8 + 3 + text as u8, text }
    }

    /// Whether the value stands between quotation marks.
    #[inline(always)]
    pub(super) fn is_text(&self) -> bool {
        self.text
    }

    /// The member's name; empty where the field has none.
    #[cfg(test)]
    pub(super) fn name(&self) -> &[u8] {
        let end = usize::from(self.len).saturating_sub(2 + usize::from(self.text));
        self.bytes.get(1..end).unwrap_or_default()
    }

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
    /// A plan for rows without a field, whose members `keys` begins.
    pub(super) fn new(keys: &'static Keys) -> Self {
        let members = keys.iter().map(|_| Vec::new()).collect();
        Self { keys, fields: FieldSet::default(), width: 0, slots: Slots::default(), members }
    }

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

    /// The fields of the rows.
    #[inline(always)]
    pub(super) fn fields(&self) -> FieldSet {
        self.fields
    }

    /// The columns that are members of object number `group`, in the order of the vocabulary.
    #[inline(always)]
    pub(super) fn members(&self, group: impl Into<usize>) -> &[Member] {
        &self.members[group.into()]
    }

    #[cold]
    fn refit(&mut self, fields: FieldSet) {
        self.fields = fields;
        self.width = fields.len();
        self.slots = Slots::default();
        self.members.iter_mut().for_each(Vec::clear);
        for (slot, field) in fields.iter().enumerate() {
            self.slots.0[field as usize] = slot as u8;
            for (members, keys) in self.members.iter_mut().zip(self.keys) {
                let key = &keys[field as usize];
                if key.len > 0 {
                    members.push(Member { key, slot: slot as u8 });
                }
            }
        }
    }
}
