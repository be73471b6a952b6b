//! Constant pieces of documents, joined at compile time out of the paths of the vocabulary, so that no path is spelled
//! a second time where it is written.

/// One part of a constant piece.
#[derive(Clone, Copy)]
pub(super) enum Part {
    /// These bytes.
    Text(&'static str),
    /// The last name of a path as a member's name: `"ip":` of `source.ip`.
    Key(&'static str),
    /// The name at this depth of a path as an object's beginning: `"source":{` is depth 0 of `source.geo.name`.
    Open(&'static str, usize),
}

/// Joins parts into one constant array of bytes.
macro_rules! piece {
    ($($part:expr),+ $(,)?) => {{
        #[allow(unused_imports, reason = "not every piece has parts of every kind")]
        use $crate::normalize::piece::Part::{Key, Open, Text};
        const PARTS: &[$crate::normalize::piece::Part] = &[$($part),+];
        const JOINED: [u8; $crate::normalize::piece::length(PARTS)] = $crate::normalize::piece::join(PARTS);
        &JOINED
    }};
}
pub(super) use piece;

/// How many bytes the parts take.
pub(super) const fn length(parts: &[Part]) -> usize {
    let mut total = 0;
    let mut index = 0;
    while index < parts.len() {
        total += match parts[index] {
            Part::Text(text) => text.len(),
            Part::Key(path) => leaf(path).len() + 3,
            Part::Open(path, depth) => segment(path, depth).len() + 4,
        };
        index += 1;
    }
    total
}

/// The parts, joined; `N` is their [`length`].
pub(super) const fn join<const N: usize>(parts: &[Part]) -> [u8; N] {
    let mut joined = [0; N];
    let mut at = 0;
    let mut index = 0;
    while index < parts.len() {
        at = match parts[index] {
            Part::Text(text) => copy(text, &mut joined, at),
            Part::Key(path) => {
                let name = copy("\"", &mut joined, at);
                let after = copy(leaf(path), &mut joined, name);
                copy("\":", &mut joined, after)
            }
            Part::Open(path, depth) => {
                let name = copy("\"", &mut joined, at);
                let after = copy(segment(path, depth), &mut joined, name);
                copy("\":{", &mut joined, after)
            }
        };
        index += 1;
    }
    joined
}

/// The last name of `path`.
pub(super) const fn leaf(path: &'static str) -> &'static str {
    let mut start = path.len();
    while start > 0 && path.as_bytes()[start - 1] != b'.' {
        start -= 1;
    }
    path.split_at(start).1
}

/// The name at `depth` of `path`, counted from 0.
const fn segment(path: &'static str, depth: usize) -> &'static str {
    let mut rest = path;
    let mut skipped = 0;
    loop {
        let mut end = 0;
        while end < rest.len() && rest.as_bytes()[end] != b'.' {
            end += 1;
        }
        let (name, after) = rest.split_at(end);
        if skipped == depth {
            return name;
        }
        assert!(!after.is_empty(), "the path is as deep as the piece that opens it");
        rest = after.split_at(1).1;
        skipped += 1;
    }
}

const fn copy(text: &str, into: &mut [u8], at: usize) -> usize {
    let mut index = 0;
    while index < text.len() {
        into[at + index] = text.as_bytes()[index];
        index += 1;
    }
    at + text.len()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_piece_is_made_of_names_of_paths() {
        const PATH: &str = "source.geo.city_name";
        assert_eq!(
            piece![Text("{"), Open(PATH, 0), Open(PATH, 1), Key(PATH), Text("\"")],
            br#"{"source":{"geo":{"city_name":""#
        );
        assert_eq!(piece![Key("message")], br#""message":"#);
    }
}
