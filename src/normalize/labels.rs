//! Labels: what the source says of all records of a batch, rendered once.

use std::{collections::BTreeMap, sync::Arc};

use super::{paths::LABELS, piece::piece};
use crate::event::Attributes;

/// The labels of a batch.
#[derive(Debug)]
pub(super) struct Labels {
    render: fn(&Attributes) -> Vec<u8>,
    /// What they were rendered from; held, so that its address stays its own.
    of: Option<Arc<Attributes>>,
    /// The member with a comma after it; empty where there is none.
    member: Vec<u8>,
}

// === impl Labels ===

impl Labels {
    /// Labels that are objects, as ECS has them.
    pub(super) fn of_ecs() -> Self {
        Self { render: member, of: None, member: Vec::new() }
    }

    /// Labels that are a list of texts, as OCSF has them.
    pub(super) fn of_ocsf() -> Self {
        Self { render: list, of: None, member: Vec::new() }
    }

    /// Takes the labels of the next batch, mostly those of the last one.
    pub(super) fn set(&mut self, attributes: Option<&Arc<Attributes>>) {
        let same = match (&self.of, attributes) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(one, other) || one == other,
            _ => false,
        };
        if !same {
            self.of = attributes.cloned();
            self.member = attributes.map(|attributes| (self.render)(attributes)).unwrap_or_default();
        }
    }

    /// The member as it stands in a document.
    pub(super) fn member(&self) -> &[u8] {
        &self.member
    }
}

/// `"labels":["name: value"],`
fn list(attributes: &Attributes) -> Vec<u8> {
    let labels: Vec<String> = attributes.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let mut member = b"\"labels\":".to_vec();
    member.extend(serde_json::to_vec(&labels).unwrap_or_else(|_| b"[]".to_vec()));
    member.push(b',');
    member
}

/// `"labels":{"name":"value"},`
fn member(attributes: &Attributes) -> Vec<u8> {
    let mut labels = BTreeMap::new();
    for (name, value) in attributes {
        let keeps = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
        let mut label: String = name.chars().map(|letter| if keeps(letter) { letter } else { '_' }).collect();
        // A name that others have become too gets one more underscore.
        while label.is_empty() || labels.contains_key(&label) {
            label.push('_');
        }
        labels.insert(label, value);
    }
    if labels.is_empty() {
        return Vec::new();
    }
    let mut member = piece![Key(LABELS)].to_vec();
    member.extend(serde_json::to_vec(&labels).unwrap_or_else(|_| b"{}".to_vec()));
    member.push(b',');
    member
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(pairs: &[(&str, &str)]) -> String {
        let attributes =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut labels = Labels::of_ecs();
        labels.set(Some(&Arc::new(attributes)));
        String::from_utf8(labels.member().to_vec()).unwrap()
    }

    #[test]
    fn names_become_plain_and_stay_different_and_values_are_escaped() {
        assert_eq!(rendered(&[]), "");
        let told = rendered(&[("a.b", "1"), ("a_b", "2"), ("", "3"), ("team", "a\"b\n")]);
        assert_eq!(told, "\"labels\":{\"_\":\"3\",\"a_b\":\"1\",\"a_b_\":\"2\",\"team\":\"a\\\"b\\n\"},");
    }

    #[test]
    fn a_batch_without_attributes_has_no_labels_after_one_with() {
        let mut labels = Labels::of_ecs();
        labels.set(Some(&Arc::new(BTreeMap::from([("a".to_owned(), "b".to_owned())]))));
        assert!(!labels.member().is_empty());
        labels.set(None);
        assert!(labels.member().is_empty());
    }
}
