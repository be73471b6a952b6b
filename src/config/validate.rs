//! The tree against the JSON Schema: every fault at once, each told in a sentence of ours at the place it was
//! written.

use std::collections::BTreeSet;

use jsonschema::{
    JsonType, ValidationError,
    error::{TypeKind, ValidationErrorKind as Kind},
};
use serde_json::Value;

use super::{
    path::Path,
    scalar::Scalar,
    suggest,
    survey::{Survey, TOLD_MAX},
    tree::{Leaf, Style, Tree},
    wanted,
};

mod choice;

/// One check of one tree.
struct Check<'a> {
    tree: &'a Tree,
    schema: &'a Value,
    survey: &'a mut Survey,
}

/// Notes everything in which the tree does not fit the schema.
pub(super) fn check(tree: &Tree, schema: &Value, survey: &mut Survey) {
    let json = tree.json();
    let mut check = Check { tree, schema, survey };
    match jsonschema::draft202012::new(schema) {
        Ok(validator) => validator.iter_errors(&json).take(TOLD_MAX).for_each(|error| check.explain(&error)),
        // Our own fault: a type of the config describes itself wrongly.
        Err(error) => {
            let text = format!("the schema of the config cannot be used: {error}");
            check.survey.note(&Path::root(), tree.at(), text, "report this as a defect".to_owned());
        }
    }
}

// === impl Check ===

impl<'a> Check<'a> {
    /// Tells one fault, unless something around it has been told already.
    fn explain(&mut self, error: &ValidationError<'_>) {
        let path = self.path(error.instance_path().as_str());
        let Some(value) = self.tree.get(&path).filter(|_| !self.survey.is_spoiled(&path)) else { return };
        match error.kind() {
            Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
                self.unknown_keys(&path, value, unexpected, error);
            }
            Kind::Required { property } => self.missing_key(&path, property, error),
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
                self.choice(&path, value, context, error);
            }
            Kind::Type { kind } => self.wrong_kind(&path, value, kind, error),
            Kind::Enum { .. } | Kind::Constant { .. } => {
                let words = self.parent(error).map(wanted::words).unwrap_or_default();
                self.unknown_word(&path, value, &words);
            }
            kind => {
                let text = sentence(kind, value);
                let remedy = self.parent(error).and_then(wanted::sentence);
                self.survey.spoil(&path, self.tree.position(&path), text, remedy);
            }
        }
    }

    fn unknown_keys(&mut self, path: &Path, map: &Tree, unexpected: &[String], error: &ValidationError<'_>) {
        let Tree::Map { pairs, .. } = map else { return };
        let schema = self.parent(error);
        let patterns = schema.and_then(|schema| schema.get("patternProperties")?.as_object());
        let known = schema.map(wanted::keys).unwrap_or_default();
        let unexpected: BTreeSet<&str> = unexpected.iter().map(String::as_str).collect();
        for pair in pairs.iter().filter(|pair| unexpected.contains(pair.key.text.as_str())).take(TOLD_MAX) {
            let (text, remedy) = match patterns {
                Some(patterns) if known.is_empty() => {
                    let forms: Vec<String> = patterns.keys().map(|form| format!("`{form}`")).collect();
                    (
                        "this name is not possible here",
                        Some(format!("names here match {}", forms.join(" or "))),
                    )
                }
                _ => ("unknown key", suggest::remedy(&pair.key.text, &known, "keys here")),
            };
            self.survey.spoil(&path.key(&pair.key.text), pair.key.at, text, remedy);
        }
    }

    fn missing_key(&mut self, path: &Path, property: &Value, error: &ValidationError<'_>) {
        let Some(key) = property.as_str() else { return };
        let schema = self.parent(error).and_then(|schema| schema.get("properties")?.get(key));
        let remedy = schema.and_then(|schema| {
            wanted::sentence(schema).or_else(|| wanted::sentence(wanted::followed(self.schema, schema)))
        });
        self.survey.spoil(&path.key(key), self.tree.position(path), "this key is missing", remedy);
    }

    fn wrong_kind(&mut self, path: &Path, value: &Tree, kind: &TypeKind, error: &ValidationError<'_>) {
        let words = self.parent(error).map(wanted::words).unwrap_or_default();
        if !words.is_empty() {
            return self.unknown_word(path, value, &words);
        }
        let kinds: Vec<JsonType> = match kind {
            TypeKind::Single(kind) => vec![*kind],
            TypeKind::Multiple(kinds) => kinds.iter().collect(),
        };
        let names: Vec<&str> =
            kinds.iter().copied().filter(|kind| *kind != JsonType::Null).map(kind_name).collect();
        let text = format!("expected {}, found {}", names.join(" or "), found(value));
        let remedy = unquoted(value, &kinds).or_else(|| as_list(value, &kinds));
        let remedy = remedy.or_else(|| as_empty(value, &kinds, self.parent(error)));
        let remedy = remedy.or_else(|| self.parent(error).and_then(wanted::sentence));
        self.survey.spoil(path, self.tree.position(path), text, remedy);
    }

    fn unknown_word(&mut self, path: &Path, value: &Tree, words: &[&str]) {
        let (written, text) = match value {
            Tree::Leaf(leaf) if leaf.scalar != Scalar::Null => {
                (leaf.text.as_str(), format!("unknown value {}", leaf.shown()))
            }
            _ => ("", format!("expected one of the values known here, found {}", found(value))),
        };
        let remedy = suggest::remedy(written, words, "values here");
        self.survey.spoil(path, self.tree.position(path), text, remedy);
    }

    /// The schema that the failed keyword stands in.
    fn parent(&self, error: &ValidationError<'_>) -> Option<&'a Value> {
        let (parent, _) = error.schema_path().as_str().rsplit_once('/')?;
        self.schema.pointer(parent)
    }

    /// A JSON Pointer into the tree as a path.
    fn path(&self, pointer: &str) -> Path {
        let mut path = Path::root();
        let mut tree = Some(self.tree);
        for token in pointer.split('/').skip(1) {
            match (tree, token.parse()) {
                (Some(Tree::List { .. }), Ok(index)) => path.push_index(index),
                _ => path.push_key(&token.replace("~1", "/").replace("~0", "~")),
            }
            tree = self.tree.get(&path);
        }
        path
    }
}

/// What is there, in words.
fn found(value: &Tree) -> String {
    match value {
        Tree::Map { pairs, .. } if pairs.is_empty() => "an empty map".to_owned(),
        Tree::Map { .. } => "a map of keys".to_owned(),
        Tree::List { .. } => "a list".to_owned(),
        Tree::Leaf(leaf) => match leaf.scalar {
            Scalar::Null => "nothing".to_owned(),
            Scalar::Bool(_) => leaf.shown(),
            Scalar::Text => format!("the text {}", leaf.shown()),
            _ => format!("the number {}", leaf.shown()),
        },
    }
}

fn kind_name(kind: JsonType) -> &'static str {
    match kind {
        JsonType::Null => "nothing",
        JsonType::Boolean => "`true` or `false`",
        JsonType::Integer => "a whole number",
        JsonType::Number => "a number",
        JsonType::String => "text",
        JsonType::Array => "a list",
        JsonType::Object => "a map of keys",
    }
}

/// Quotes made a text of what would have been right without them.
fn unquoted(value: &Tree, kinds: &[JsonType]) -> Option<String> {
    let Tree::Leaf(leaf @ Leaf { style: Style::Quoted, .. }) = value else { return None };
    let fits = match Scalar::of_plain(&leaf.text) {
        Scalar::Bool(_) => kinds.contains(&JsonType::Boolean),
        Scalar::Unsigned(_) | Scalar::Signed(_) => {
            kinds.contains(&JsonType::Integer) || kinds.contains(&JsonType::Number)
        }
        Scalar::Float(_) => kinds.contains(&JsonType::Number),
        Scalar::Null | Scalar::Text => false,
    };
    fits.then(|| "write it without quotes".to_owned())
}

/// A single value where a list of such is wanted.
fn as_list(value: &Tree, kinds: &[JsonType]) -> Option<String> {
    let Tree::Leaf(leaf) = value else { return None };
    let fits = kinds.contains(&JsonType::Array) && leaf.scalar != Scalar::Null && leaf.written.is_none();
    fits.then(|| format!("write `[{}]`", leaf.shown().trim_matches('`')))
}

/// Nothing where a map is wanted that needs no keys: the key was written, and all below it commented out.
fn as_empty(value: &Tree, kinds: &[JsonType], schema: Option<&Value>) -> Option<String> {
    let nothing = matches!(value, Tree::Leaf(leaf) if leaf.scalar == Scalar::Null);
    let optional = schema.is_some_and(|schema| schema.get("required").is_none());
    let fits = nothing && optional && kinds.contains(&JsonType::Object);
    fits.then(|| "leave the key out, or write `{}` after it".to_owned())
}

/// A limit of the schema without the `.0` of a whole one.
fn plain(limit: &Value) -> String {
    limit.as_f64().map_or_else(|| limit.to_string(), |limit| limit.to_string())
}

/// The sentence for a fault in the value itself.
fn sentence(kind: &Kind, value: &Tree) -> String {
    let shown = found(value);
    match kind {
        Kind::Minimum { limit } => format!("must be at least {}, found {shown}", plain(limit)),
        Kind::Maximum { limit } => format!("must be at most {}, found {shown}", plain(limit)),
        Kind::ExclusiveMinimum { limit } => format!("must be more than {}, found {shown}", plain(limit)),
        Kind::ExclusiveMaximum { limit } => format!("must be less than {}, found {shown}", plain(limit)),
        Kind::MultipleOf { multiple_of } => format!("must be a multiple of {multiple_of}, found {shown}"),
        Kind::MinItems { limit: 1 } | Kind::MinLength { limit: 1 } | Kind::MinProperties { limit: 1 } => {
            "must not be empty".to_owned()
        }
        Kind::MinItems { limit } => format!("must hold at least {limit} values"),
        Kind::MaxItems { limit } => format!("must hold at most {limit} values"),
        Kind::MinProperties { limit } => format!("must hold at least {limit} keys"),
        Kind::MaxProperties { limit } => format!("must hold at most {limit} keys"),
        Kind::MinLength { limit } => format!("must have at least {limit} characters"),
        Kind::MaxLength { limit } => format!("must have at most {limit} characters"),
        Kind::UniqueItems => "holds the same value twice".to_owned(),
        Kind::Pattern { .. } => format!("could not read {shown}"),
        Kind::Format { format } => format!("could not read {shown} as {format}"),
        Kind::FalseSchema => "nothing may be written here".to_owned(),
        other => format!("does not fit the schema (`{}`), found {shown}", other.keyword()),
    }
}
