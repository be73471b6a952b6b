//! The words of the language, one after the other, each with its place.

use super::{FilterError, FilterFault};

/// One word, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token<'a> {
    /// Its first byte.
    pub(super) at: usize,
    /// Just past its last byte.
    pub(super) end: usize,
    pub(super) word: Word<'a>,
}

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word<'a> {
    /// A name, a number, an address, a text that needs no quotation marks, or a word of the language.
    Bare(&'a str),
    /// A text in quotation marks, without them.
    Quoted(String),
    /// A sign.
    Sign(&'static str),
    /// The end of the text.
    End,
}

/// Every sign; of two that begin alike, the longer one first. Those of other languages are read to be refused with what
/// stands for them here.
const SIGNS: [&str; 18] =
    ["==", "!=", "<=", ">=", "=~", "&&", "||", "<>", "=", "<", ">", "(", ")", "{", "}", ",", "!", "~"];

/// Reads words.
#[derive(Debug, Clone)]
pub(super) struct Tokens<'a> {
    text: &'a str,
    at: usize,
}

/// Whether a word without quotation marks may hold `c`.
pub(super) fn is_bare(c: char) -> bool {
    c.is_alphanumeric() || "_.:/@-*?+%$".contains(c)
}

// === impl Tokens ===

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The next word.
    pub(super) fn next(&mut self) -> Result<Token<'a>, FilterError> {
        let rest = self.text[self.at..].trim_start();
        let at = self.text.len() - rest.len();
        let token = |len: usize, word| Token { at, end: at + len, word };
        let token = match rest.chars().next() {
            None => {
                let end = self.text.trim_end().len();
                Token { at: end, end: self.text.len(), word: Word::End }
            }
            Some(quote @ ('"' | '\'')) => {
                let (text, len) = quoted(rest, quote, at)?;
                token(len, Word::Quoted(text))
            }
            Some(first) if is_bare(first) => {
                let len = rest.find(|c| !is_bare(c)).unwrap_or(rest.len());
                token(len, Word::Bare(&rest[..len]))
            }
            Some(first) => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
                Some(sign) => token(sign.len(), Word::Sign(sign)),
                None => return Err(FilterError { at, fault: FilterFault::Stray(first) }),
            },
        };
        self.at = token.end;
        Ok(token)
    }
}

/// The text that `rest` begins with, in `quote` at `at`, and how many bytes it takes with its quotation marks.
fn quoted(rest: &str, quote: char, at: usize) -> Result<(String, usize), FilterError> {
    let mut text = String::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((place, c)) = characters.next() {
        match c {
            '\\' => match characters.next() {
                Some((_, escaped @ ('"' | '\'' | '\\'))) => text.push(escaped),
                Some((_, other)) => {
                    return Err(FilterError { at: at + place, fault: FilterFault::BadEscape(other) });
                }
                None => break,
            },
            c if c == quote => return Ok((text, place + 1)),
            c => text.push(c),
        }
    }
    Err(FilterError { at, fault: FilterFault::Unended })
}

// === impl Word ===

impl Word<'_> {
    /// Whether it is this word of the language, in whatever case.
    pub(super) fn says(&self, word: &str) -> bool {
        matches!(self, Self::Bare(text) if text.eq_ignore_ascii_case(word))
    }

    /// The word as a fault shows it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Bare(text) => format!("`{text}`"),
            Self::Quoted(text) => format!("the text `{text}`"),
            Self::Sign(sign) => format!("`{sign}`"),
            Self::End => "the end".to_owned(),
        }
    }
}
