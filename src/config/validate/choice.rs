//! One of several schemas must fit: kinds under one key (`kafka: {…}` or `file: {…}`), a value or nothing, a text or
//! a map. What is told is the fault in the one that was meant.

use jsonschema::ValidationError;
use serde_json::Value;

use super::{Check, found};
use crate::config::{
    path::Path,
    scalar::Scalar,
    suggest,
    tree::{Leaf, Pair, Tree},
    wanted,
};

/// What one of the schemas is.
#[derive(Debug, Clone, PartialEq)]
enum Branch<'s> {
    /// A map with this one key: a kind with its settings.
    Kind(&'s str),
    /// One of these texts: kinds without settings.
    Words(Vec<&'s str>),
    /// Nothing: the value may be absent.
    Nothing,
    /// Anything else, by its JSON types.
    Other(&'s Value),
}

/// The faults that the value has by each of the schemas.
type Faults<'e> = [Vec<ValidationError<'e>>];

impl<'s> Branch<'s> {
    fn of(root: &'s Value, schema: &'s Value) -> Self {
        let schema = wanted::followed(root, schema);
        let words = wanted::words(schema);
        if !words.is_empty() {
            return Self::Words(words);
        }
        let required =
            schema.get("required").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        match (wanted::keys(schema).as_slice(), schema.get("type").and_then(Value::as_str)) {
            ([key], _) if required.len() == 1 && required[0] == *key => Self::Kind(key),
            (_, Some("null")) => Self::Nothing,
            _ => Self::Other(schema),
        }
    }
}

impl Check<'_> {
    /// Tells why the value at `path` fits none of the schemas of the failed keyword.
    pub(super) fn choice(
        &mut self,
        path: &Path,
        value: &Tree,
        faults: &Faults<'_>,
        error: &ValidationError<'_>,
    ) {
        let schemas = self
            .schema
            .pointer(error.schema_path().as_str())
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let root = self.schema;
        let branches: Vec<Branch<'_>> = schemas.iter().map(|schema| Branch::of(root, schema)).collect();
        let mut something = (0..branches.len()).filter(|index| branches[*index] != Branch::Nothing);
        if let (Some(only), None) = (something.next(), something.next()) {
            return self.explain_all(faults, only);
        }
        if branches.iter().all(|branch| matches!(branch, Branch::Words(_) | Branch::Nothing)) {
            return self.unknown_word(path, value, &names(&branches));
        }
        let by_kind = match value {
            Tree::Map { pairs, .. } => self.kind_meant(path, pairs, &branches),
            _ => None,
        };
        let meant = by_kind.or_else(|| branches.iter().position(|branch| fits(branch, value)));
        match meant {
            Some(index) => self.explain_all(faults, index),
            None if self.survey.is_spoiled(path) => {}
            None => self.no_kind(path, value, &branches, self.parent(error)),
        }
    }

    fn explain_all(&mut self, faults: &Faults<'_>, index: usize) {
        faults.get(index).into_iter().flatten().for_each(|fault| self.explain(fault));
    }

    /// The branch of the kind that a map names. If it names none that exists, or several, this is told.
    fn kind_meant(&mut self, path: &Path, pairs: &[Pair], branches: &[Branch<'_>]) -> Option<usize> {
        let names = names(branches);
        if !branches.iter().any(|branch| matches!(branch, Branch::Kind(_))) {
            return None;
        }
        match pairs {
            [] => None,
            [Pair { key, .. }] => {
                let kind = Branch::Kind(key.text.as_str());
                let meant = branches.iter().position(|branch| *branch == kind);
                if meant.is_none() && names.contains(&key.text.as_str()) {
                    let remedy = format!("write `{}` alone", key.text);
                    self.survey.spoil(path, key.at, format!("`{}` takes no settings", key.text), remedy);
                } else if meant.is_none() && !branches.iter().any(|branch| fits_map(branch)) {
                    let text_too = branches.iter().any(|branch| matches!(branch, Branch::Other(_)));
                    let (what, list) = if text_too { ("key", "keys here") } else { ("kind", "kinds here") };
                    let remedy = suggest::remedy(&key.text, &names, list);
                    self.survey.spoil(path, key.at, format!("unknown {what} {}", key.shown()), remedy);
                }
                meant
            }
            _ => {
                let unknown = pairs.iter().find(|pair| !names.contains(&pair.key.text.as_str()));
                let keys: Vec<String> = pairs.iter().map(|pair| pair.key.shown()).collect();
                let remedy = match unknown {
                    Some(pair) => suggest::remedy(&pair.key.text, &names, "kinds here"),
                    None => Some("keep one of them".to_owned()),
                };
                let text = format!("expected one kind, found {}: {}", keys.len(), keys.join(", "));
                self.survey.spoil(path, self.tree.position(path), text, remedy);
                None
            }
        }
    }

    /// The value is not written as any of the branches is.
    fn no_kind(&mut self, path: &Path, value: &Tree, branches: &[Branch<'_>], schema: Option<&Value>) {
        let names = names(branches);
        let at = self.tree.position(path);
        if branches.iter().any(|branch| matches!(branch, Branch::Other(_))) {
            let remedy = schema.and_then(wanted::sentence);
            return self.survey.spoil(path, at, format!("did not expect {}", found(value)), remedy);
        }
        match value {
            Tree::Leaf(leaf @ Leaf { scalar: Scalar::Text, text, .. }) => {
                if names.contains(&text.as_str()) {
                    let remedy =
                        format!("write `{{ {text}: {{ … }} }}`; `{{ {text}: {{}} }}` if it needs none");
                    self.survey.spoil(
                        path,
                        at,
                        format!("the settings of {} are missing", leaf.shown()),
                        remedy,
                    );
                } else {
                    let remedy = suggest::remedy(text, &names, "kinds here");
                    self.survey.spoil(path, at, format!("unknown kind {}", leaf.shown()), remedy);
                }
            }
            _ => {
                let remedy = suggest::remedy("", &names, "kinds here");
                self.survey.spoil(path, at, format!("expected one kind, found {}", found(value)), remedy);
            }
        }
    }
}

/// The names of the kinds, with settings or without.
fn names<'s>(branches: &[Branch<'s>]) -> Vec<&'s str> {
    let each = |branch: &Branch<'s>| match branch {
        Branch::Kind(name) => vec![*name],
        Branch::Words(words) => words.clone(),
        Branch::Nothing | Branch::Other(_) => Vec::new(),
    };
    branches.iter().flat_map(each).collect()
}

/// Whether the branch is written as the value is, whatever the kind it names.
fn fits(branch: &Branch<'_>, value: &Tree) -> bool {
    let Branch::Other(schema) = branch else { return false };
    let kind = match value {
        Tree::Map { .. } => "object",
        Tree::List { .. } => "array",
        Tree::Leaf(leaf) => match leaf.scalar {
            Scalar::Null => "null",
            Scalar::Bool(_) => "boolean",
            Scalar::Unsigned(_) | Scalar::Signed(_) => "integer",
            Scalar::Float(_) => "number",
            Scalar::Text => "string",
        },
    };
    wanted::admits(&[schema], kind)
}

/// Whether the branch is a map of which more is known than one key.
fn fits_map(branch: &Branch<'_>) -> bool {
    matches!(branch, Branch::Other(schema) if wanted::admits(&[schema], "object"))
}
