//! The project's files as the rules read them: text, and for Rust the tokens with their lines.

use std::{
    env, fmt, fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A breach of a rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file, from the top of the project.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

/// One token. A group is an opening token, its content and a closing token.
#[derive(Debug)]
pub struct Token {
    /// As written; `::` and other joined signs are one token for each character.
    pub text: String,
    /// The line it begins on, from 1.
    pub line: usize,
    /// Which sort of token it is.
    pub kind: Kind,
}

/// The sorts of token that the rules tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A name or keyword.
    Word,
    /// A sign, one character of it.
    Sign,
    /// A number or text.
    Literal,
    /// The beginning of a group; the index is that of its end.
    Open(usize),
    /// The end of a group.
    Close,
}

/// One file.
#[derive(Debug)]
pub struct File {
    /// From the top of the project, with `/` between names.
    pub path: String,
    /// The content; empty where it is not UTF-8.
    pub text: String,
    /// The tokens, where the file is Rust.
    pub tokens: Vec<Token>,
}

/// Every file that the project keeps.
#[derive(Debug)]
pub struct Tree {
    /// In order of path.
    pub files: Vec<File>,
}

// === impl Fault ===

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

// === impl File ===

impl File {
    /// A file with this content. Rust that does not parse is a fault of the caller's and panics with its path.
    pub fn new(path: &str, text: &str) -> Self {
        let mut tokens = Vec::new();
        if is_rust(path) {
            let stream: TokenStream = text.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
            flatten(stream, &mut tokens);
        }
        Self { path: path.to_owned(), text: text.to_owned(), tokens }
    }

    /// A fault in this file.
    pub fn fault(&self, line: usize, what: impl Into<String>) -> Fault {
        Fault { path: self.path.clone(), line, what: what.into() }
    }

    /// Whether the tokens from `at` on read like `texts`.
    pub fn reads(&self, at: usize, texts: &[&str]) -> bool {
        let found = self.tokens.get(at..at + texts.len());
        found.is_some_and(|tokens| tokens.iter().zip(texts).all(|(token, text)| token.text == *text))
    }

    /// The text of the token at `at`; nothing past the end.
    pub fn text_at(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| &token.text)
    }

    /// The index of the end of the group that opens at `at`.
    pub fn close_of(&self, at: usize) -> Option<usize> {
        match self.tokens.get(at)?.kind {
            Kind::Open(close) => Some(close),
            _ => None,
        }
    }

    /// The token after the one at `at`, past the group where it opens one.
    pub fn after(&self, at: usize) -> usize {
        self.close_of(at).unwrap_or(at) + 1
    }

    /// The module that the file is, from the crate's root; nothing outside `src`.
    pub fn module(&self) -> Option<Vec<String>> {
        let name = self.path.strip_prefix("src/")?.strip_suffix(".rs")?;
        let root = name == "lib" || name == "main";
        Some(if root { Vec::new() } else { name.split('/').map(str::to_owned).collect() })
    }
}

// === impl Tree ===

impl Tree {
    /// The project itself, read once for all the rules.
    pub fn project() -> &'static Self {
        static PROJECT: LazyLock<Tree> = LazyLock::new(Tree::read);
        &PROJECT
    }

    fn read() -> Self {
        // Asked for when run, because a build may be kept where the project is laid anew.
        let top = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let top = Path::new(&top);
        let mut paths = Vec::new();
        gather(top, &mut paths);
        paths.sort();
        let files: Vec<File> = paths
            .iter()
            .map(|path| {
                let name =
                    path.strip_prefix(top).unwrap().to_str().expect("a path in UTF-8").replace('\\', "/");
                File::new(&name, &String::from_utf8(fs::read(path).unwrap()).unwrap_or_default())
            })
            .collect();
        let rust = files.iter().filter(|file| is_rust(&file.path)).count();
        assert!(rust > 50, "only {rust} files of Rust were found: the rules would prove nothing");
        Self { files }
    }

    /// A project of these files.
    pub fn of(files: &[(&str, &str)]) -> Self {
        Self { files: files.iter().map(|(path, text)| File::new(path, text)).collect() }
    }

    /// The files of Rust, wherever they are.
    pub fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| is_rust(&file.path))
    }

    /// The files of the product.
    pub fn product(&self) -> impl Iterator<Item = &File> {
        self.rust().filter(|file| file.path.starts_with("src/"))
    }
}

fn is_rust(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "rs")
}

/// What a build, a fuzzer or an editor leaves behind.
const NOT_OURS: [&str; 5] = [".git", "target", "corpus", "artifacts", "coverage"];

/// Adds every file under `directory`, but for what is not the project's own.
fn gather(directory: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        let left_behind = NOT_OURS.iter().any(|name| entry.file_name() == *name)
            || entry.path().join("CACHEDIR.TAG").exists()
            || entry.path().ends_with("tests/fuzz/Cargo.lock");
        if left_behind {
            continue;
        }
        if kind.is_dir() {
            gather(&entry.path(), paths);
        } else if kind.is_file() {
            paths.push(entry.path());
        }
    }
}

fn flatten(stream: TokenStream, tokens: &mut Vec<Token>) {
    for tree in stream {
        let line = tree.span().start().line;
        match tree {
            TokenTree::Ident(word) => {
                tokens.push(Token { text: word.to_string(), line, kind: Kind::Word });
            }
            TokenTree::Punct(sign) => {
                tokens.push(Token { text: sign.to_string(), line, kind: Kind::Sign });
            }
            TokenTree::Literal(literal) => {
                tokens.push(Token { text: literal.to_string(), line, kind: Kind::Literal });
            }
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                let at = tokens.len();
                tokens.push(Token { text: open.to_owned(), line, kind: Kind::Close });
                flatten(group.stream(), tokens);
                let end = Token {
                    text: close.to_owned(),
                    line: group.span_close().start().line,
                    kind: Kind::Close,
                };
                tokens[at].kind = Kind::Open(tokens.len());
                tokens.push(end);
            }
        }
    }
}
