//! What is wrong with a config: where, what, and what to do about it; all of it at once, in the order of the file.

use std::fmt;

use super::{
    inside,
    path::Path,
    tree::{Position, Tree},
};

/// One thing that is wrong with a config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key path, as in `sources.flows.from.file.paths[0]`; empty where the whole file is meant.
    pub path: String,
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
    /// What is wrong.
    pub text: String,
    /// What to do about it, where that can be said.
    pub remedy: Option<String>,
}

/// The problems of one file, sorted by position. Its `Display` is what `check` prints: a line
/// `FILE:LINE:COLUMN: PATH: TEXT` for each, the remedy indented below it, and a count at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    file: String,
    sorted: Vec<Problem>,
}

// === impl Problems ===

impl Problems {
    /// No problem yet, in a file that is printed as `file`.
    #[must_use]
    pub fn new(file: &str) -> Self {
        Self { file: file.to_owned(), sorted: Vec::new() }
    }

    /// Adds a problem with the value at `path`, as in `sources.flows.from.file.paths[0]`. Where the path leads to
    /// something that was not written (a default, say), the problem stands at the nearest thing around it that was.
    pub fn at(
        &mut self,
        tree: &Tree,
        path: &str,
        text: impl Into<String>,
        remedy: impl Into<Option<String>>,
    ) {
        self.add(path.to_owned(), tree.locate(path), text.into(), remedy.into());
    }

    /// Adds a problem with the text at `path`, at its byte number `offset`.
    pub(super) fn inside(
        &mut self,
        tree: &Tree,
        path: &Path,
        offset: usize,
        text: impl Into<String>,
        remedy: impl Into<Option<String>>,
    ) {
        let at = match tree.get(path) {
            Some(Tree::Leaf(leaf)) => inside::position(leaf, offset),
            _ => tree.position(path),
        };
        self.add(path.to_string(), at, text.into(), remedy.into());
    }

    /// Adds a problem; one that is there already, word for word, is not added twice.
    pub(super) fn add(&mut self, path: String, at: Position, text: String, remedy: Option<String>) {
        let problem = Problem { path, line: at.line, column: at.column, text, remedy };
        let place = |problem: &Problem| (problem.line, problem.column);
        let begin = self.sorted.partition_point(|other| place(other) < place(&problem));
        let end = self.sorted.partition_point(|other| place(other) <= place(&problem));
        if !self.sorted[begin..end].contains(&problem) {
            self.sorted.insert(end, problem);
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// The problems in the order of the file.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.sorted.iter()
    }

    /// `value` if there is no problem.
    ///
    /// # Errors
    /// The problems, if there is one.
    pub fn into_result<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Problem { path, line, column, text, remedy } in &self.sorted {
            write!(f, "{}:{line}:{column}: ", self.file)?;
            if !path.is_empty() {
                write!(f, "{}: ", Printable(path))?;
            }
            writeln!(f, "{}", Printable(text))?;
            if let Some(remedy) = remedy {
                writeln!(f, "    {}", Printable(remedy))?;
            }
        }
        let count = self.len();
        write!(f, "{count} problem{} in {}", if count == 1 { "" } else { "s" }, self.file)
    }
}

impl std::error::Error for Problems {}

/// Text with its control characters escaped: what a config quotes must not move the terminal's cursor.
struct Printable<'a>(&'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        for character in self.0.chars() {
            if character.is_control() {
                write!(f, "{}", character.escape_default())?;
            } else {
                f.write_char(character)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_print_in_the_order_of_the_file_with_their_remedies_and_a_count() {
        let mut problems = Problems::new("f.yaml");
        let at = |line, column| Position { line, column };
        problems.add("b".into(), at(2, 1), "second".into(), Some("do this".into()));
        problems.add(String::new(), at(1, 3), "first\x1b[2J".into(), None);
        problems.add("b".into(), at(2, 1), "second".into(), Some("do this".into()));
        let wanted = "f.yaml:1:3: first\\u{1b}[2J\nf.yaml:2:1: b: second\n    do this\n2 problems in f.yaml";
        assert_eq!(problems.to_string(), wanted);
    }
}
