//! YAML text to our own tree, event by event, so that each key and value keeps its line and column. The only file
//! that knows the YAML crate.

use std::collections::BTreeMap;

use serde_saphyr::granit_parser::{ErrorKind, Event, Marker, Parser, ScalarStyle, ScanError, Span, Tag};

use super::{
    path::Path,
    scalar::Scalar,
    survey::Survey,
    tree::{Leaf, Pair, Position, Style, Tree},
};

/// A larger file is no config, and is refused unread.
pub const FILE_BYTES_MAX: usize = 1 << 20;
/// Maps and lists inside each other; aliases count as what they stand for. What walks the tree may recurse.
const DEPTH_MAX: usize = 64;
/// Bytes copied for anchors and aliases in a whole file.
const COPIED_BYTES_MAX: usize = 16 << 20;

/// A map or list that has begun and not ended.
#[derive(Debug)]
struct Open {
    tree: Tree,
    /// The key whose value comes next.
    key: Key,
    anchor: usize,
}

#[derive(Debug)]
enum Key {
    None,
    Of(Leaf),
    /// There is one, but it is not a scalar; the problem has been noted and its value is dropped.
    Unusable,
}

/// Builds the tree from the parser's events.
struct Builder<'a> {
    text: &'a str,
    survey: &'a mut Survey,
    open: Vec<Open>,
    root: Option<Tree>,
    anchors: BTreeMap<usize, Tree>,
    copied_bytes: usize,
    documents: usize,
}

/// Nothing more can be read; the problem has been noted.
struct Stop;

/// The tree of the only document in `text`; none if there is nothing in it, or if it cannot be read, which is then
/// in `survey`.
pub(super) fn parse(text: &[u8], survey: &mut Survey) -> Option<Tree> {
    let root = Path::root();
    if text.len() > FILE_BYTES_MAX {
        let remedy = "a config is a text of a few kilobytes; is this the right file?".to_owned();
        survey.note(
            &root,
            Position::START,
            format!("the file is larger than {FILE_BYTES_MAX} bytes"),
            remedy,
        );
        return None;
    }
    let text = match str::from_utf8(text) {
        Ok(text) => text,
        Err(error) => {
            let at = end_of(&text[..error.valid_up_to()]);
            survey.note(&root, at, "the file is not UTF-8", "save it as UTF-8".to_owned());
            return None;
        }
    };
    let mut builder = Builder {
        text,
        survey,
        open: Vec::new(),
        root: None,
        anchors: BTreeMap::new(),
        copied_bytes: 0,
        documents: 0,
    };
    for event in Parser::new_from_str(text) {
        let taken = match event {
            Ok((event, span)) => builder.take(event, &span),
            Err(error) => Err(builder.refuse(text, &error)),
        };
        taken.ok()?;
    }
    builder.root.filter(
        |tree| !matches!(tree, Tree::Leaf(leaf) if leaf.text.is_empty() && leaf.style == Style::Plain),
    )
}

// === impl Builder ===

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), Stop> {
        let at = position(&span.start);
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    let remedy = "keep one document in the file, and remove the `---`".to_owned();
                    return Err(self.stop(at, "a second document begins here", remedy));
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let style = self.style(style, tag.as_deref(), at);
                let source =
                    span.byte_range().and_then(|range| self.text.get(range)).unwrap_or_default().into();
                let text = text.into_owned();
                let leaf = Leaf { text, written: None, style, scalar: Scalar::Text, at, source };
                self.place(Tree::Leaf(leaf), anchor)?;
            }
            Event::MappingStart(_, anchor, tag) => {
                self.begin(Tree::Map { pairs: Vec::new(), at }, anchor, tag.as_deref(), "map")?;
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.begin(Tree::List { values: Vec::new(), at }, anchor, tag.as_deref(), "seq")?;
            }
            Event::MappingEnd | Event::SequenceEnd => {
                if let Some(Open { tree, anchor, .. }) = self.open.pop() {
                    self.place(tree, anchor)?;
                }
            }
            Event::Alias(anchor) => self.follow(anchor, at)?,
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, tree: Tree, anchor: usize, tag: Option<&Tag>, expected: &str) -> Result<(), Stop> {
        if self.open.len() >= DEPTH_MAX {
            return Err(self.too_deep(tree.at()));
        }
        if let Some(tag) = tag.filter(|tag| tag.core_suffix() != Some(expected)) {
            self.refuse_tag(tag, tree.at());
        }
        self.open.push(Open { tree, key: Key::None, anchor });
        Ok(())
    }

    /// Puts a whole value where it belongs.
    fn place(&mut self, value: Tree, anchor: usize) -> Result<(), Stop> {
        if anchor != 0 {
            self.copy(&value, value.at())?;
            self.anchors.insert(anchor, value.clone());
        }
        if matches!(
            (self.open.last(), &value),
            (Some(Open { tree: Tree::Map { .. }, key: Key::None, .. }), Tree::Map { .. } | Tree::List { .. })
        ) {
            let remedy = "write the key as one word".to_owned();
            self.survey.note(&self.path(), value.at(), "a map or list cannot be a key", remedy);
        }
        let Some(Open { tree, key, .. }) = self.open.last_mut() else {
            self.root = Some(value);
            return Ok(());
        };
        match tree {
            Tree::List { values, .. } => values.push(value),
            Tree::Map { pairs, .. } => match (std::mem::replace(key, Key::None), value) {
                (Key::Of(key), value) => pairs.push(Pair { key, value }),
                (Key::None, Tree::Leaf(leaf)) => *key = Key::Of(leaf),
                (Key::None, _) => *key = Key::Unusable,
                (Key::Unusable, _) => {}
            },
            Tree::Leaf(_) => {}
        }
        Ok(())
    }

    fn follow(&mut self, anchor: usize, at: Position) -> Result<(), Stop> {
        let Some(tree) = self.anchors.get(&anchor).cloned() else {
            let remedy = "write the value out".to_owned();
            return Err(self.stop(at, "an alias stands inside what it refers to", remedy));
        };
        if self.open.len() + tree.depth() > DEPTH_MAX {
            return Err(self.too_deep(at));
        }
        self.copy(&tree, at)?;
        self.place(tree, 0)
    }

    /// Counts a copy that is about to be kept.
    fn copy(&mut self, tree: &Tree, at: Position) -> Result<(), Stop> {
        self.copied_bytes += tree.bytes();
        if self.copied_bytes > COPIED_BYTES_MAX {
            let text = format!("the aliases up to here stand for more than {COPIED_BYTES_MAX} bytes");
            return Err(self.stop(at, text, "write the values out".to_owned()));
        }
        Ok(())
    }

    fn style(&mut self, style: ScalarStyle, tag: Option<&Tag>, at: Position) -> Style {
        match tag.map(|tag| (tag, tag.core_suffix())) {
            Some((_, Some("str"))) => return Style::Quoted,
            Some((tag, _)) => self.refuse_tag(tag, at),
            None => {}
        }
        match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Quoted,
            ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
        }
    }

    fn refuse_tag(&mut self, tag: &Tag, at: Position) {
        let text = format!("the tag `{}` means nothing here", tag.original());
        self.survey.note(&self.path(), at, text, "leave it out".to_owned());
    }

    fn too_deep(&mut self, at: Position) -> Stop {
        self.stop(at, format!("more than {DEPTH_MAX} maps and lists lie inside each other: too deep"), None)
    }

    fn refuse(&mut self, text: &str, error: &ScanError) -> Stop {
        let at = position(error.marker());
        if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
            return self.too_deep(at);
        }
        if matches!(error.kind(), ErrorKind::UnknownAnchor) {
            return self.stop(
                at,
                "the alias refers to nothing above it",
                "name the value with `&` first".to_owned(),
            );
        }
        let line = text.lines().nth(at.line - 1).unwrap_or_default();
        // Inside `[ ]` and `{ }` a brace ends a plain scalar, which surprises everybody who substitutes there.
        let remedy = line.contains("${").then(|| "inside [ ] and { } write \"${NAME}\" in quotes".to_owned());
        self.stop(at, format!("this is not YAML: {}", error.info()), remedy)
    }

    fn stop(&mut self, at: Position, text: impl Into<String>, remedy: impl Into<Option<String>>) -> Stop {
        self.survey.note(&self.path(), at, text, remedy);
        Stop
    }

    /// The path of the value that comes next.
    fn path(&self) -> Path {
        let mut path = Path::root();
        for Open { tree, key, .. } in &self.open {
            match (tree, key) {
                (Tree::List { values, .. }, _) => path.push_index(values.len()),
                (_, Key::Of(key)) => path.push_key(&key.text),
                _ => {}
            }
        }
        path
    }
}

fn position(marker: &Marker) -> Position {
    Position { line: marker.line().max(1), column: marker.col() + 1 }
}

/// The position after `text`, which is known to be UTF-8.
fn end_of(text: &[u8]) -> Position {
    let text = String::from_utf8_lossy(text);
    let last = text.rsplit('\n').next().unwrap_or_default();
    Position { line: text.matches('\n').count() + 1, column: last.chars().count() + 1 }
}
