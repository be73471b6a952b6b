//! What was written in the file, as a tree of maps, lists and scalars that know their line and column.

use std::fmt;

use serde_json::Value;

use super::{
    path::{Path, Step},
    scalar::Scalar,
};

/// A place in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
}

/// How a scalar was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without quotes: may mean a number, `true`, `false` or nothing.
    Plain,
    /// In single or double quotes, or tagged `!!str`: always text.
    Quoted,
    /// As a block after `|` or `>`: always text, and nothing in it is substituted.
    Block,
}

/// A scalar. Its `Debug` gives no text, which may be a secret.
#[derive(Clone, PartialEq)]
pub struct Leaf {
    /// Its text, after substitution.
    pub text: String,
    /// What was written before substitution, if something was substituted. It is printed instead of the text,
    /// which may be a secret.
    pub written: Option<String>,
    /// How it was written.
    pub style: Style,
    /// What it is, by its style, its text and what the schema wants there.
    pub scalar: Scalar,
    /// Where it begins.
    pub at: Position,
    /// It as it stands in the file, with quotation marks, escapes and line breaks.
    pub(super) source: Box<str>,
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// The key.
    pub key: Leaf,
    /// The value.
    pub value: Tree,
}

/// A value with everything inside it.
#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    /// A scalar.
    Leaf(Leaf),
    /// A map, in the order of the file.
    Map {
        /// Its keys and values.
        pairs: Vec<Pair>,
        /// Where it begins.
        at: Position,
    },
    /// A list.
    List {
        /// Its values.
        values: Vec<Tree>,
        /// Where it begins.
        at: Position,
    },
}

// === impl Position ===

impl Position {
    /// The beginning of the file.
    pub(super) const START: Self = Self { line: 1, column: 1 };
}

// === impl Leaf ===

impl Leaf {
    /// The text as a problem may print it: never what came from the environment, and not too long.
    pub(super) fn shown(&self) -> String {
        const CHARACTERS_MAX: usize = 60;
        let text = self.written.as_deref().unwrap_or(&self.text);
        match text.char_indices().nth(CHARACTERS_MAX) {
            Some((end, _)) => format!("`{}…`", &text[..end]),
            None => format!("`{text}`"),
        }
    }
}

impl fmt::Debug for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leaf").field("style", &self.style).field("at", &self.at).finish_non_exhaustive()
    }
}

// === impl Tree ===

impl Tree {
    /// Where the value begins.
    #[must_use]
    pub fn at(&self) -> Position {
        match self {
            Self::Leaf(leaf) => leaf.at,
            Self::Map { at, .. } | Self::List { at, .. } => *at,
        }
    }

    /// The value at `path`.
    #[must_use]
    pub fn get(&self, path: &Path) -> Option<&Self> {
        path.steps().iter().try_fold(self, |tree, step| Some(tree.step(step)?.0))
    }

    /// Where a problem with the value at `path` is to be shown: a scalar at itself, a map or list at its key. What
    /// is not there is shown at the nearest thing around it.
    #[must_use]
    pub fn position(&self, path: &Path) -> Position {
        let (mut tree, mut at) = (self, self.at());
        for step in path.steps() {
            let Some((next, key)) = tree.step(step) else { break };
            (tree, at) = (next, next.shown_at(key));
        }
        at
    }

    /// The same for a path in writing. A key may itself hold dots and brackets: what leads furthest counts.
    #[must_use]
    pub fn locate(&self, path: &str) -> Position {
        self.locate_from(path, self.at()).0
    }

    fn locate_from(&self, path: &str, at: Position) -> (Position, usize) {
        let mut best = (at, path.len());
        let mut follow = |next: &Self, key: Option<&Leaf>, rest: &str| {
            if rest.is_empty() || rest.starts_with(['.', '[']) {
                let found = next.locate_from(rest.strip_prefix('.').unwrap_or(rest), next.shown_at(key));
                if found.1 < best.1 {
                    best = found;
                }
            }
        };
        match self {
            Self::Leaf(_) => {}
            Self::Map { pairs, .. } => {
                for Pair { key, value } in pairs {
                    if let Some(rest) = path.strip_prefix(key.text.as_str()).filter(|rest| *rest != path) {
                        follow(value, Some(key), rest);
                    }
                }
            }
            Self::List { values, .. } => {
                let index = path.strip_prefix('[').and_then(|rest| rest.split_once(']'));
                if let Some((index, rest)) = index
                    && let Some(value) = index.parse().ok().and_then(|index: usize| values.get(index))
                {
                    follow(value, None, rest);
                }
            }
        }
        best
    }

    fn step(&self, step: &Step) -> Option<(&Self, Option<&Leaf>)> {
        match (self, step) {
            (Self::Map { pairs, .. }, Step::Key(name)) => {
                let pair = pairs.iter().find(|pair| pair.key.text == *name)?;
                Some((&pair.value, Some(&pair.key)))
            }
            (Self::List { values, .. }, Step::Index(index)) => Some((values.get(*index)?, None)),
            _ => None,
        }
    }

    fn shown_at(&self, key: Option<&Leaf>) -> Position {
        match (self, key) {
            (Self::Map { .. } | Self::List { .. }, Some(key)) => key.at,
            _ => self.at(),
        }
    }

    /// How many bytes the value takes in memory, about.
    pub(super) fn bytes(&self) -> usize {
        let inside: usize = match self {
            Self::Leaf(leaf) => leaf.text.len() + leaf.source.len(),
            Self::Map { pairs, .. } => pairs
                .iter()
                .map(|Pair { key, value }| size_of::<Leaf>() + key.text.len() + value.bytes())
                .sum(),
            Self::List { values, .. } => values.iter().map(Self::bytes).sum(),
        };
        size_of::<Self>() + inside
    }

    /// How many maps and lists lie inside each other.
    pub(super) fn depth(&self) -> usize {
        match self {
            Self::Leaf(_) => 0,
            Self::Map { pairs, .. } => 1 + pairs.iter().map(|pair| pair.value.depth()).max().unwrap_or(0),
            Self::List { values, .. } => 1 + values.iter().map(Self::depth).max().unwrap_or(0),
        }
    }

    /// The same as JSON, for the validator.
    pub(super) fn json(&self) -> Value {
        match self {
            Self::Leaf(leaf) => match leaf.scalar {
                Scalar::Null => Value::Null,
                Scalar::Bool(value) => value.into(),
                Scalar::Unsigned(value) => value.into(),
                Scalar::Signed(value) => value.into(),
                Scalar::Float(value) => value.into(),
                Scalar::Text => leaf.text.as_str().into(),
            },
            Self::Map { pairs, .. } => {
                pairs.iter().map(|Pair { key, value }| (key.text.clone(), value.json())).collect()
            }
            Self::List { values, .. } => values.iter().map(Self::json).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use crate::config::{survey::Survey, yaml};

    #[test]
    fn a_written_path_leads_to_its_value_or_to_the_nearest_thing_around_it() {
        let text = "a:\n  b: [x, [y]]\n  b.c: { d: 1 }\n  e[0]: 2\n";
        let tree = yaml::parse(text.as_bytes(), &mut Survey::new("f")).unwrap();
        let table = [
            ("", (1, 1)),
            ("a", (1, 1)),
            ("a.b", (2, 3)),
            ("a.b[0]", (2, 7)),
            ("a.b[1]", (2, 10)),
            ("a.b[1][0]", (2, 11)),
            ("a.b[7]", (2, 3)),
            ("a.b.c", (3, 3)),
            ("a.b.c.d", (3, 13)),
            ("a.e[0]", (4, 9)),
            ("a.none", (1, 1)),
            ("none", (1, 1)),
            ("a.b.c.d.more", (3, 13)),
            ("ab", (1, 1)),
            ("a.b[x", (2, 3)),
        ];
        for (path, (line, column)) in table {
            let at = tree.locate(path);
            assert_eq!((at.line, at.column), (line, column), "{path}");
        }
    }
}
