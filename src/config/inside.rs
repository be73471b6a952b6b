//! Where in the file a place inside a scalar's text stands, whatever quotation marks, escapes and line breaks it is
//! written with.

use std::{iter::Peekable, str::Chars};

use super::tree::{Leaf, Position};

/// Walks through a scalar as it stands in the file.
struct Walk<'a> {
    rest: Peekable<Chars<'a>>,
    at: Position,
    quote: char,
}

/// The place of the byte at `offset` of the leaf's text; the scalar's beginning where that cannot be known: behind a
/// substitution, say.
pub(super) fn position(leaf: &Leaf, offset: usize) -> Position {
    let text = leaf.written.as_deref().unwrap_or(&leaf.text);
    let same = text.bytes().zip(leaf.text.bytes()).take_while(|(written, read)| written == read).count();
    if offset > same {
        return leaf.at;
    }
    let Some((before, after)) = text.split_at_checked(offset) else { return leaf.at };
    Walk::begin(leaf).follow(before, after.chars().next()).unwrap_or(leaf.at)
}

// === impl Walk ===

impl<'a> Walk<'a> {
    fn begin(leaf: &'a Leaf) -> Self {
        let mut walk = Self { rest: leaf.source.chars().peekable(), at: leaf.at, quote: ' ' };
        match walk.rest.peek() {
            Some(quote @ ('"' | '\'')) => {
                walk.quote = *quote;
                walk.step();
            }
            // A block begins on the line after its mark.
            Some('|' | '>') => while walk.step().is_some_and(|c| c != '\n') {},
            _ => {}
        }
        walk
    }

    fn step(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        self.at = match c {
            '\n' => Position { line: self.at.line + 1, column: 1 },
            _ => Position { column: self.at.column + 1, ..self.at },
        };
        Some(c)
    }

    fn step_if(&mut self, is: fn(char) -> bool) -> bool {
        self.rest.peek().is_some_and(|c| is(*c)) && self.step().is_some()
    }

    /// The place behind `before`, which the text begins with; nothing where it is not written like this.
    fn follow(mut self, before: &str, next: Option<char>) -> Option<Position> {
        for c in before.chars() {
            while !self.takes(c)? {}
        }
        // Line breaks and indentation before a character are not its place.
        if next.is_some_and(|next| !next.is_whitespace()) {
            while self.step_if(char::is_whitespace) || self.skips_break() {}
        }
        Some(self.at)
    }

    /// Takes the backslash before a line break that stands for nothing.
    fn skips_break(&mut self) -> bool {
        let mut ahead = self.rest.clone();
        self.quote == '"' && (ahead.next(), ahead.next()) == (Some('\\'), Some('\n')) && self.step().is_some()
    }

    /// Takes what stands for `c`, or something that stands for nothing; says which.
    fn takes(&mut self, c: char) -> Option<bool> {
        let written = *self.rest.peek()?;
        match written {
            '\\' if self.quote == '"' => {
                self.step();
                return self.escape();
            }
            '\'' if self.quote == '\'' => {
                self.step();
                self.step();
                return Some(true);
            }
            '\n' if matches!(c, ' ' | '\n') => {}
            _ if written == c => {}
            _ if written.is_whitespace() => {
                self.step();
                return Some(false);
            }
            _ => return None,
        }
        self.step();
        Some(true)
    }

    /// Takes an escape behind its backslash; says whether it stands for a character.
    fn escape(&mut self) -> Option<bool> {
        let digits = match self.step()? {
            '\n' => return Some(false),
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        (0..digits).for_each(|_| {
            self.step();
        });
        Some(true)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;
    use crate::config::{Path, Tree, environment, survey::Survey, yaml};

    /// The line and column of `mark` in the value of the file's key `a`.
    fn found(text: &str, mark: &str) -> (usize, usize) {
        let mut survey = Survey::new("f");
        let mut tree = yaml::parse(text.as_bytes(), &mut survey).unwrap();
        environment::substitute(&mut tree, &|_| Some("substituted".to_owned()), &mut survey);
        let Some(Tree::Leaf(leaf)) = tree.get(&Path::root().key("a")) else { panic!("no scalar") };
        let at = position(leaf, leaf.text.find(mark).unwrap());
        (at.line, at.column)
    }

    #[test]
    fn a_place_in_a_text_is_found_in_every_style_that_the_text_can_be_written_in() {
        for (text, mark, line, column) in [
            ("a: one two", "two", 1, 8),
            ("a: one\n  two\n    three", "three", 3, 5),
            ("a: one\n\n  two", "two", 3, 3),
            ("a: \"one two\"", "two", 1, 9),
            ("a: \"one \\\"x\\\" two\"", "two", 1, 15),
            ("a: \"\\u00e9\\x41\\t two\"", "two", 1, 18),
            ("a: \"one \\\n     two\"", "two", 2, 6),
            ("a: \"one\n  two\"", "two", 2, 3),
            ("a: 'it''s two'", "two", 1, 11),
            ("a: 'one\n  two'", "two", 2, 3),
            ("a: |\n  one\n  two\n", "two", 3, 3),
            ("a: |-\n    one\n      two\n", "two", 3, 7),
            ("a: >-  # why\n  one\n  two\n\n  three", "three", 5, 3),
            ("a: >\n  one\n  two\n", "one", 2, 3),
            ("b: 1\na: é two", "two", 2, 6),
            ("{ b: 1, a: one two }", "two", 1, 16),
            ("a: !!str one two", "two", 1, 14),
            ("a: one ${X}", "one", 1, 4),
            ("a: one ${X}", "substituted", 1, 8),
            ("a: one ${X} two", "two", 1, 4),
        ] {
            assert_eq!(found(text, mark), (line, column), "{text}");
        }
    }
}
