//! The tree into a value of the config's type, by serde; a fault that only the type can see keeps its position, and
//! the search for the next one goes on without it.

use std::fmt::{self, Display};

use serde::de::{self, DeserializeOwned};

use super::{
    path::{Path, Step},
    survey::{Survey, TOLD_MAX},
    tree::{Pair, Tree},
};

mod deserializer;

use deserializer::{Place, Trail};

/// Faults looked for in one file by decoding again without the places known to be wrong.
const ROUNDS_MAX: usize = 256;

/// Why a value could not be made of a tree.
#[derive(Debug)]
struct DecodeError {
    /// The innermost value that was refused; none while the error is on its way out of it.
    path: Option<Path>,
    text: String,
    remedy: Option<String>,
}

/// The value, or none if something is wrong; everything wrong that no earlier step has told is then noted.
pub(super) fn decode<T: DeserializeOwned>(tree: &Tree, survey: &mut Survey) -> Option<T> {
    if survey.is_spoiled(&Path::root()) || survey.problems.len() >= TOLD_MAX {
        return None;
    }
    for _ in 0..ROUNDS_MAX {
        let error = match T::deserialize(Place { tree, trail: Trail::root(), survey }) {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        let path = error.path.unwrap_or_default();
        if survey.is_spoiled_inside(&path) {
            // What is missing here was left out by us, because it is wrong itself.
            survey.spoil_quietly(&path);
        } else {
            let text = tree.get(&path).map_or_else(|| error.text.clone(), |value| veiled(&error.text, value));
            survey.spoil(&path, tree.position(&path), text, error.remedy);
        }
        if path.steps().is_empty() {
            return None;
        }
    }
    None
}

/// An error text of a type, with what came from the environment replaced by what was written.
fn veiled(text: &str, value: &Tree) -> String {
    match value {
        Tree::Leaf(leaf) => match &leaf.written {
            Some(written) if leaf.text.chars().count() > 2 => {
                let escaped = leaf.text.escape_debug().to_string();
                text.replace(&leaf.text, written).replace(&escaped, written)
            }
            _ => text.to_owned(),
        },
        Tree::Map { pairs, .. } => {
            pairs.iter().fold(text.to_owned(), |text, Pair { value, .. }| veiled(&text, value))
        }
        Tree::List { values, .. } => values.iter().fold(text.to_owned(), |text, value| veiled(&text, value)),
    }
}

// === impl DecodeError ===

impl DecodeError {
    /// The same, said to have come up at `trail` unless it is known to have come up further inside.
    fn at(mut self, trail: &Trail<'_>) -> Self {
        self.path.get_or_insert_with(|| trail.path());
        self
    }
}

impl Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for DecodeError {}

impl de::Error for DecodeError {
    fn custom<T: Display>(text: T) -> Self {
        Self { path: None, text: text.to_string(), remedy: None }
    }

    // Serde's own texts quote the value, which may be a secret.
    fn invalid_type(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::custom(format_args!("expected {}", in_words(&expected.to_string())))
    }

    fn invalid_value(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::custom(format_args!("expected {}", in_words(&expected.to_string())))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let remedy = super::suggest::remedy(variant, expected, "kinds here");
        Self { path: None, text: "unknown kind".to_owned(), remedy }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let remedy = super::suggest::remedy(field, expected, "keys here");
        Self { path: None, text: format!("unknown key `{field}`"), remedy }
    }

    fn missing_field(field: &'static str) -> Self {
        Self::custom(format_args!("the key `{field}` is missing"))
    }
}

/// What serde expects, in the words that the rest of the config uses.
fn in_words(expected: &str) -> String {
    macro_rules! ranges {
        ($($kind:ident)*) => {
            match expected {
                $(stringify!($kind) => format!("a whole number from {} to {}", $kind::MIN, $kind::MAX),)*
                "f32" | "f64" => "a number".to_owned(),
                "a string" => "text".to_owned(),
                "a boolean" => "`true` or `false`".to_owned(),
                "a sequence" => "a list".to_owned(),
                "a map" => "a map of keys".to_owned(),
                other => other.to_owned(),
            }
        };
    }
    ranges!(u8 u16 u32 u64 usize i8 i16 i32 i64 isize)
}

// === impl Trail ===

impl Trail<'_> {
    fn path(&self) -> Path {
        let mut steps = Vec::new();
        let mut trail = Some(self);
        while let Some(Trail { step, parent }) = trail {
            steps.extend(step.clone());
            trail = *parent;
        }
        let mut path = Path::root();
        for step in steps.into_iter().rev() {
            match step {
                Step::Key(key) => path.push_key(&key),
                Step::Index(index) => path.push_index(index),
            }
        }
        path
    }
}
