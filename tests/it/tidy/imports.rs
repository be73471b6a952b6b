//! Who may import whom. The rooms of `src` lie in layers; an arrow goes down only, and rooms do not know each other.

use super::tree::{Fault, File, Tree};

/// The nouns. `quantity` and `secret` stand alone; each of the others may use those before it.
const NOUNS: [&str; 5] = ["quantity", "secret", "event", "telemetry", "state"];
/// The tools, which use the nouns but not each other, but for what [`AMONG_TOOLS`] allows.
const TOOLS: [&str; 7] = ["pipe", "codec", "filter", "kafka", "aws", "s3", "reload"];
/// Which tool may use which: a login in Kafka may be an AWS identity, who asks S3 is one and waits between tries, and who reads
/// files again stops when the process does.
const AMONG_TOOLS: [(&str, &str); 4] = [("kafka", "aws"), ("s3", "aws"), ("s3", "pipe"), ("reload", "pipe")];
/// The rooms of the data path, the generator and what backtests measure, which use the nouns and the tools but not each other.
const ROOMS: [&str; 8] = ["source", "parse", "enrich", "score", "normalize", "sink", "generate", "backtest"];
/// The top. Each may use those before it and everything below.
const TOP: [&str; 3] = ["config", "app", "cli"];

/// What the room `from` may import; nothing when it is no room that the table knows.
fn allowed(from: &str) -> Option<Vec<&'static str>> {
    let before = |row: &[&'static str], rest: &[&[&'static str]]| {
        let place = row.iter().position(|room| *room == from)?;
        Some([rest.concat(), row[..place].to_vec()].concat())
    };
    let apart = |row: &[&'static str], rest: &[&[&'static str]]| row.contains(&from).then(|| rest.concat());
    let among = AMONG_TOOLS.iter().filter(|(tool, _)| *tool == from).map(|(_, other)| *other);
    let among: Vec<&str> = among.collect();
    before(&NOUNS, &[])
        .or_else(|| apart(&TOOLS, &[&NOUNS, &among]))
        .or_else(|| apart(&ROOMS, &[&NOUNS, &TOOLS]))
        .or_else(|| before(&TOP, &[&NOUNS, &TOOLS, &ROOMS]))
}

/// Imports against the layers, wherever a path from the crate's root or above the room is written.
pub fn faults(tree: &Tree) -> Vec<Fault> {
    tree.product().flat_map(file_faults).collect()
}

/// Rooms under `src` that the table does not place.
pub fn rooms_without_a_row(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for file in tree.product() {
        let room = file.module().and_then(|module| module.into_iter().next());
        if let Some(room) = room.filter(|room| allowed(room).is_none()) {
            faults.push(file.fault(1, format!("the room `{room}` has no place in the table of layers")));
        }
    }
    faults
}

fn file_faults(file: &File) -> Vec<Fault> {
    let Some(module) = file.module() else { return Vec::new() };
    let Some(from) = module.first() else { return Vec::new() };
    let may = allowed(from).unwrap_or_default();
    let mut faults = Vec::new();
    for (to, line) in rooms_named(file, &module) {
        if to != *from && !may.contains(&to.as_str()) {
            faults.push(file.fault(line, format!("`{from}` may not import `{to}`")));
        }
    }
    faults
}

/// The first segment under the crate's root of every path that begins with `crate`, `floodmark` or `super`.
fn rooms_named(file: &File, module: &[String]) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let mut inner: Vec<(String, usize)> = Vec::new();
    for at in 0..file.tokens.len() {
        inner.retain(|(_, close)| at < *close);
        if file.text_at(at) == "mod" && file.text_at(at + 2) == "{" {
            let close = file.close_of(at + 2).unwrap_or(at);
            inner.push((file.text_at(at + 1).to_owned(), close));
        }
        let begins = ["crate", "super", "floodmark"].contains(&file.text_at(at));
        if !begins || at >= 2 && file.reads(at - 2, &[":", ":"]) || within_a_use_tree(file, at) {
            continue;
        }
        if file.text_at(at) == "crate" && file.text_at(at + 1) == "as" {
            found.push(("crate under another name".to_owned(), file.tokens[at].line));
        }
        let here: Vec<String> =
            module.iter().cloned().chain(inner.iter().map(|(name, _)| name.clone())).collect();
        let mut paths = Vec::new();
        expand(file, at, &mut Vec::new(), &mut paths);
        for (path, line) in paths {
            found.extend(first_under_root(&here, &path).map(|room| (room, line)));
        }
    }
    found.dedup();
    found
}

/// Whether the token stands in the braces of a `use`, where the path before the braces belongs to it.
fn within_a_use_tree(file: &File, at: usize) -> bool {
    let opens = (0..at).rev().find(|open| file.close_of(*open).is_some_and(|close| close > at));
    opens.is_some_and(|open| open >= 2 && file.text_at(open) == "{" && file.reads(open - 2, &[":", ":"]))
}

/// Every whole path that begins at `at`: one, or as many as the braces of an import hold.
fn expand(file: &File, mut at: usize, before: &mut Vec<String>, paths: &mut Vec<(Vec<String>, usize)>) {
    let depth = before.len();
    let line = file.tokens.get(at).map_or(0, |token| token.line);
    loop {
        if let Some(close) = file.close_of(at).filter(|_| file.text_at(at) == "{") {
            let mut next = at + 1;
            while next < close {
                expand(file, next, before, paths);
                while next < close && file.text_at(next) != "," {
                    next = file.after(next);
                }
                next += 1;
            }
            break;
        }
        before.push(file.text_at(at).to_owned());
        let goes_on = file.reads(at + 1, &[":", ":"]) && file.text_at(at + 3) != "<";
        if !goes_on {
            paths.push((before.clone(), line));
            break;
        }
        at += 3;
    }
    before.truncate(depth);
}

/// What the path names directly under the crate's root, seen from the module `here`.
fn first_under_root(here: &[String], path: &[String]) -> Option<String> {
    let up = path.iter().take_while(|segment| *segment == "super").count();
    let from_root = path.first().is_some_and(|first| first == "crate" || first == "floodmark");
    let reached = from_root || up > 0 && up >= here.len();
    path.get(up.max(1)).filter(|_| reached).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        faults(&Tree::of(&[(path, text)])).iter().map(|fault| fault.line).collect()
    }

    #[test]
    fn an_arrow_that_goes_down_is_allowed() {
        let good = "use crate::{event::{Batch, Field}, pipe::Stop};\nuse super::file::Tail;\nuse std::io;\n\
                    pub(crate) fn f() -> crate::quantity::ByteSize { self::g() }\nmod tests { use super::*; }";
        assert_eq!(lines("src/source/stdin.rs", good), [0; 0]);
        assert_eq!(lines("src/app/build.rs", "use crate::{config::read, score, sink::Sink};"), [0; 0]);
        assert_eq!(lines("src/state.rs", "use crate::{event::Origin, telemetry::clock};"), [0; 0]);
    }

    #[test]
    fn an_import_between_rooms_is_caught_however_it_is_written() {
        for bad in [
            "use crate::sink::Sink;",
            "use crate::{event::Batch, sink::{Sink, Delivery}};",
            "use crate::{\nevent, pipe::{Stop, stop}, sink as out};",
            "fn f(s: &dyn crate::sink::Sink) {}",
            "fn f() { g(crate::sink::open::<u8>()) }",
            "use super::super::sink::Sink;",
            "use super::{super::sink::Sink};",
            "mod tests { use super::super::super::sink; }",
            "macro_rules! m { () => { $crate::sink::x() } }",
            "use floodmark::sink::Sink;",
            "use crate::*;",
            "use crate as all;",
            "#[cfg(test)]\nmod tests { use crate::sink::Discard; }",
        ] {
            assert_eq!(lines("src/source/file.rs", bad).len(), 1, "{bad}");
        }
    }

    #[test]
    fn every_layer_is_kept_from_what_lies_beside_and_above_it() {
        for (path, bad) in [
            ("src/quantity.rs", "use crate::event::Span;"),
            ("src/event.rs", "use crate::telemetry::clock;"),
            ("src/telemetry/books.rs", "use crate::state::State;"),
            ("src/state.rs", "use crate::pipe::Stop;"),
            ("src/pipe/feed.rs", "use crate::codec::Frames;"),
            ("src/codec.rs", "use crate::source::File;"),
            ("src/generate/life.rs", "use crate::score::Histogram;"),
            ("src/sink/file.rs", "use crate::config::Secret;"),
            ("src/config.rs", "use crate::app::App;"),
            ("src/app.rs", "use crate::cli::Args;"),
            ("src/drawer.rs", "use crate::event::Span;"),
        ] {
            assert_eq!(lines(path, bad), [1], "{path}");
        }
    }

    #[test]
    fn a_fault_points_at_the_line_of_the_name() {
        assert_eq!(lines("src/parse.rs", "use crate::{\n    event::Batch,\n    enrich::{Geo},\n};"), [3]);
    }

    #[test]
    fn a_room_that_nobody_placed_is_caught() {
        let tree = Tree::of(&[("src/drawer/a.rs", ""), ("src/main.rs", ""), ("src/event.rs", "")]);
        assert_eq!(rooms_without_a_row(&tree).len(), 1);
    }
}
