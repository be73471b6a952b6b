//! What no code may hold: a second clock, unsafe code, a second reader of YAML, work left open.

use super::tree::{Fault, File, Tree};

/// The one file that reads the clocks of the system.
const CLOCK: &str = "src/telemetry/clock.rs";
/// The one file that may be unsafe: an allocator that counts cannot be written otherwise.
const COUNTING_ALLOCATOR: &str = "tests/allocations.rs";
/// Types whose `now` reads a clock.
const CLOCKS: [&str; 5] = ["Instant", "SystemTime", "Timestamp", "Zoned", "Utc"];
/// What marks work that is not done. In two parts each, so that this file does not hold what it looks for.
const MARKS: [&str; 6] = [
    concat!("to", "do!"),
    concat!("unimpl", "emented!"),
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("#[ig", "nore"),
];

/// Reads of a clock outside the one place for them.
pub fn clocks(tree: &Tree) -> Vec<Fault> {
    let reads =
        |file: &File, at: usize| CLOCKS.contains(&file.text_at(at)) && file.reads(at + 1, &[":", ":", "now"]);
    found(tree, "time comes from telemetry::clock", |file, at| file.path != CLOCK && reads(file, at))
}

/// Unsafe code outside the one place for it.
pub fn unsafety(tree: &Tree) -> Vec<Fault> {
    found(tree, "unsafe code", |file, at| {
        file.path != COUNTING_ALLOCATOR && ["unsafe", "unsafe_code"].contains(&file.text_at(at))
    })
}

/// Files of the product that read YAML, when there is more than one.
pub fn yaml_readers(tree: &Tree) -> Vec<Fault> {
    let reads =
        |file: &File| file.tokens.iter().find(|token| token.text == "serde_saphyr").map(|token| token.line);
    let readers: Vec<(&File, usize)> =
        tree.product().filter_map(|file| reads(file).map(|line| (file, line))).collect();
    let others = readers.iter().skip(1);
    others
        .map(|(file, line)| file.fault(*line, format!("YAML is read in {} only", readers[0].0.path)))
        .collect()
}

/// Work left open, and tests that are not run.
pub fn left_open(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for file in tree.rust() {
        for (number, line) in file.text.lines().enumerate() {
            if let Some(mark) = MARKS.iter().find(|mark| holds(line, mark)) {
                faults.push(file.fault(number + 1, format!("`{mark}` leaves something open")));
            }
        }
    }
    faults
}

/// Whether `mark` stands in `line` and no letter or digit touches it.
fn holds(line: &str, mark: &str) -> bool {
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(mark).any(|(at, _)| {
        !is_word(line[..at].chars().next_back()) && !is_word(line[at + mark.len()..].chars().next())
    })
}

/// A fault at every token of every file for which `bad` holds.
fn found(tree: &Tree, what: &str, bad: impl Fn(&File, usize) -> bool) -> Vec<Fault> {
    let mut faults = Vec::new();
    for file in tree.rust() {
        let places = (0..file.tokens.len()).filter(|at| bad(file, *at));
        faults.extend(places.map(|at| file.fault(file.tokens[at].line, what)));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_clock_is_caught_wherever_it_is_read() {
        let bad = "fn f() {\n    let a = std::time::Instant::now();\n    a.map(SystemTime :: now) }";
        for path in ["src/sink/file.rs", "tests/it/a.rs", "benches/a.rs"] {
            let lines: Vec<usize> =
                clocks(&Tree::of(&[(path, bad)])).iter().map(|fault| fault.line).collect();
            assert_eq!(lines, [2, 3], "{path}");
        }
        assert!(clocks(&Tree::of(&[(CLOCK, bad)])).is_empty());
        assert!(clocks(&Tree::of(&[("src/a.rs", "// Instant::now()\nuse std::time::Instant;")])).is_empty());
    }

    #[test]
    fn unsafe_code_and_leave_to_write_it_are_caught() {
        for bad in ["fn f() { unsafe { g() } }", "unsafe impl Send for A {}", "#![allow(unsafe_code)]"] {
            assert_eq!(unsafety(&Tree::of(&[("src/a.rs", bad)])).len(), 1, "{bad}");
            assert!(unsafety(&Tree::of(&[(COUNTING_ALLOCATOR, bad)])).is_empty(), "{bad}");
        }
        assert!(unsafety(&Tree::of(&[("src/a.rs", "// unsafe\nconst A: &str = \"unsafe\";")])).is_empty());
    }

    #[test]
    fn a_second_reader_of_yaml_is_caught() {
        let one = ("src/config/yaml.rs", "use serde_saphyr::Budget;");
        assert!(yaml_readers(&Tree::of(&[one])).is_empty());
        let faults =
            yaml_readers(&Tree::of(&[one, ("src/enrich.rs", "fn f() {\nserde_saphyr::from_str(a) }")]));
        assert_eq!(
            faults.iter().map(|fault| (&*fault.path, fault.line)).collect::<Vec<_>>(),
            [("src/enrich.rs", 2)]
        );
    }

    #[test]
    fn work_left_open_is_caught() {
        for mark in MARKS {
            let bad = format!("//! A.\n// {mark} and so on\n");
            let lines: Vec<usize> =
                left_open(&Tree::of(&[("src/a.rs", &bad)])).iter().map(|fault| fault.line).collect();
            assert_eq!(lines, [2], "{mark}");
        }
        let good = format!("// {}X and MAX{}\n", MARKS[4], MARKS[4]);
        assert!(left_open(&Tree::of(&[("src/a.rs", &good)])).is_empty());
    }
}
