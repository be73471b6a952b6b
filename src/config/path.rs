//! The path of keys that leads to a place in the config: `sources.flows.from.file.paths[0]`.

use std::fmt;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Into the value of this key of a map.
    Key(String),
    /// Into this place of a list, counted from 0.
    Index(usize),
}

/// A path from the root of the config. Its `Display` is what problems print: keys joined by dots, places of a list
/// in brackets, nothing for the root.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path {
    steps: Vec<Step>,
}

// === impl Path ===

impl Path {
    /// The path of the root: no step.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// The steps from the root on.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Goes one step further into a map.
    pub fn push_key(&mut self, key: &str) {
        self.steps.push(Step::Key(key.to_owned()));
    }

    /// Goes one step further into a list.
    pub fn push_index(&mut self, index: usize) {
        self.steps.push(Step::Index(index));
    }

    /// Goes one step back; stays at the root.
    pub fn pop(&mut self) {
        self.steps.pop();
    }

    /// The path one key further.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        let mut path = self.clone();
        path.push_key(key);
        path
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, step) in self.steps.iter().enumerate() {
            match step {
                Step::Key(key) if number > 0 => write!(f, ".{key}")?,
                Step::Key(key) => f.write_str(key)?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}
