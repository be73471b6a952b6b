//! Columns whose names the vocabulary does not hold, as members beside those it does.

use std::{hash::Hasher, sync::Arc};

use siphasher::sip::SipHasher24;

use super::{pen::Pen, row::Row};

/// The members' names of unknown columns, made once per name.
///
/// A regular name (letters and digits, joined all by hyphens or all by underscores) keeps its letters, with underscores
/// for hyphens; where a known member has that name, an underscore follows. Any other name keeps at most 64 characters,
/// with underscores for what is no letter or digit, and two underscores and a hash of the whole name follow. So no two
/// names of a log meet, but for `a-b` and `a_b`, of which the later one gets one more underscore.
#[derive(Debug)]
pub(super) struct ExtraNames {
    /// Whether a column of the vocabulary, or an object, has this name beside the extras.
    is_taken: fn(&[u8]) -> bool,
    /// The names seen lately; each is held, so that its address stays its own.
    known: Vec<(Arc<str>, Vec<u8>)>,
}

/// Names remembered at a time: more than a layout has columns.
const KNOWN_MAX: usize = 256;

// === impl ExtraNames ===

impl ExtraNames {
    /// No names yet, for an object in which `is_taken` tells what else there may be.
    pub(super) fn new(is_taken: fn(&[u8]) -> bool) -> Self {
        Self { is_taken, known: Vec::new() }
    }

    /// Appends the unknown columns of `row`.
    #[inline(always)]
    pub(super) fn put(&mut self, row: &Row<'_>, out: &mut Pen<'_>) {
        if row.event.extras_len > 0 {
            out.aside(|out| self.put_all(row, out));
        }
    }

    #[inline(never)]
    fn put_all(&mut self, row: &Row<'_>, out: &mut Pen<'_>) {
        let start = row.event.extras as usize;
        let extras = &row.batch.extras[start..start + row.event.extras_len as usize];
        for (index, (name, span)) in extras.iter().enumerate() {
            if matches!(span.of(row.bytes), b"-" | b"") {
                continue;
            }
            let known = self.place(name);
            out.push(b'"');
            out.put_slice(&self.known[known].1);
            if extras[..index].iter().any(|(other, _)| are_twins(other, name)) {
                out.push(b'_');
            }
            out.put(b"\":\"");
            row.put_span(*span, out);
            out.put(b"\",");
        }
    }

    fn place(&mut self, name: &Arc<str>) -> usize {
        if let Some(place) = self.known.iter().position(|(known, _)| Arc::ptr_eq(known, name)) {
            return place;
        }
        if self.known.len() == KNOWN_MAX {
            self.known.clear();
        }
        self.known.push((name.clone(), member(name, self.is_taken)));
        self.known.len() - 1
    }
}

/// Whether the names differ in nothing but hyphens and underscores and both are regular.
fn are_twins(a: &str, b: &str) -> bool {
    let underscored = |byte| if byte == b'-' { b'_' } else { byte };
    a.len() == b.len()
        && a != b
        && a.bytes().map(underscored).eq(b.bytes().map(underscored))
        && is_regular(a)
        && is_regular(b)
}

fn is_regular(name: &str) -> bool {
    let joined_by = |joint: char| {
        name.split(joint)
            .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    };
    joined_by('-') || joined_by('_')
}

/// The name in a document of the column called `name`; nothing in it needs an escape.
fn member(name: &str, is_taken: fn(&[u8]) -> bool) -> Vec<u8> {
    let letters = name.chars().map(|c| if c.is_ascii_alphanumeric() { c as u8 } else { b'_' });
    if !is_regular(name) {
        let mut hash = SipHasher24::new();
        hash.write(name.as_bytes());
        let mut written: Vec<u8> = letters.take(64).collect();
        written.extend_from_slice(format!("__{:016x}", hash.finish()).as_bytes());
        return written;
    }
    let mut written: Vec<u8> = letters.collect();
    if is_taken(&written) {
        written.push(b'_');
    }
    written
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn named(name: &str) -> String {
        let is_taken = |name: &[u8]| matches!(name, b"sublocation" | b"pkt_src_service");
        String::from_utf8_lossy(&member(name, is_taken)).into_owned()
    }

    #[test]
    fn a_regular_name_keeps_its_letters_and_one_that_is_taken_gets_an_underscore() {
        assert_eq!(named("made-up-field"), "made_up_field");
        assert_eq!(named("made_up_field"), "made_up_field");
        assert_eq!(named("sublocation"), "sublocation_");
        assert_eq!(named("pkt-src-service"), "pkt_src_service_");
    }

    #[test]
    fn any_other_name_becomes_one_that_needs_no_escape() {
        for name in
            ["", "a.b", "a\"b", "-", "a_b-c", "sublocation.type", "\u{0}", "größe", &"x.".repeat(40_000)]
        {
            let member = named(name);
            assert!(member.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "{member}");
            assert!(member.len() <= 82, "{member}");
        }
    }

    proptest! {
        #[test]
        fn different_names_become_different_members_unless_they_are_twins(
            names in proptest::collection::hash_set("[ab_.-]{0,4}", 2..60)
        ) {
            let mut members = HashSet::new();
            let names: Vec<String> = names.into_iter().collect();
            for (index, name) in names.iter().enumerate() {
                let twin = names[..index].iter().any(|other| are_twins(other, name));
                let member = named(name) + if twin { "_" } else { "" };
                prop_assert!(members.insert(member.clone()), "{} stands twice", member);
            }
        }
    }
}
