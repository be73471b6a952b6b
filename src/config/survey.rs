//! What the steps of reading a config share: the problems so far, and the places already known to be wrong, so that
//! one fault is not told twice.

use std::{collections::BTreeSet, ops::Bound};

use super::{
    path::{Path, Step},
    problem::Problems,
    tree::Position,
};

/// Faults that a step tells of one file, and after which later steps do not look. With more, the file is no config.
pub(super) const TOLD_MAX: usize = 1_000;

/// The state of one reading.
#[derive(Debug)]
pub(super) struct Survey {
    /// What has been found.
    pub problems: Problems,
    /// The paths that have a problem. Never filled without a problem being noted.
    spoiled: BTreeSet<Vec<Step>>,
}

// === impl Survey ===

impl Survey {
    pub fn new(file: &str) -> Self {
        Self { problems: Problems::new(file), spoiled: BTreeSet::new() }
    }

    /// Notes a problem that leaves the value as it is.
    pub fn note(
        &mut self,
        path: &Path,
        at: Position,
        text: impl Into<String>,
        remedy: impl Into<Option<String>>,
    ) {
        self.problems.add(path.to_string(), at, text.into(), remedy.into());
    }

    /// Notes a problem after which nothing more is to be said about the value at `path`.
    pub fn spoil(
        &mut self,
        path: &Path,
        at: Position,
        text: impl Into<String>,
        remedy: impl Into<Option<String>>,
    ) {
        self.note(path, at, text, remedy);
        self.spoil_quietly(path);
    }

    /// Says nothing more about the value at `path`, whose problem has been noted elsewhere.
    pub fn spoil_quietly(&mut self, path: &Path) {
        self.spoiled.insert(path.steps().to_vec());
    }

    /// Whether the value at `path`, or one that holds it, has a problem already.
    pub fn is_spoiled(&self, path: &Path) -> bool {
        let steps = path.steps();
        !self.spoiled.is_empty() && (0..=steps.len()).any(|count| self.spoiled.contains(&steps[..count]))
    }

    /// Whether something inside the value at `path` has a problem already.
    pub fn is_spoiled_inside(&self, path: &Path) -> bool {
        let after = (Bound::Excluded(path.steps()), Bound::Unbounded);
        self.spoiled.range::<[Step], _>(after).next().is_some_and(|spoiled| spoiled.starts_with(path.steps()))
    }
}
