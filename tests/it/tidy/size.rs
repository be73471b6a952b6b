//! How long a file and a function may be, and that a file begins with a sentence on itself.

use std::ops::RangeInclusive;

use super::tree::{Fault, File, Kind, Tree};

/// Lines of a file without its block of tests.
const FILE_LINES_MAX: usize = 400;
/// Lines of a file that holds only tests or benches, and of a block of tests.
const TEST_LINES_MAX: usize = 600;
/// Lines of a function, from `fn` to its closing brace.
const FUNCTION_LINES_MAX: usize = 70;
/// Lines of the median file under `src`, without its block of tests.
pub const MEDIAN_LINES_MAX: usize = 180;

/// Files whose first line is not a sentence on what they are for.
pub fn without_purpose(tree: &Tree) -> Vec<Fault> {
    let says = |line: &str| {
        line.strip_prefix("//! ").is_some_and(|sentence| !sentence.trim().is_empty())
            || line.starts_with("#![doc = include_str!(")
    };
    tree.rust()
        .filter(|file| !file.text.lines().next().is_some_and(says))
        .map(|file| file.fault(1, "the first line does not say what the file is for (`//! …`)"))
        .collect()
}

/// Files over their limit.
pub fn long_files(tree: &Tree) -> Vec<Fault> {
    let only_tests = files_of_tests(tree);
    let mut faults = Vec::new();
    for file in tree.rust() {
        let (code, tests) = code_and_tests(file);
        let limit = if is_only_tests(file, &only_tests) { TEST_LINES_MAX } else { FILE_LINES_MAX };
        if code > limit {
            faults
                .push(file.fault(limit, format!("{code} lines without tests; at most {limit} are allowed")));
        }
        if tests > TEST_LINES_MAX {
            faults
                .push(file.fault(1, format!("{tests} lines of tests; at most {TEST_LINES_MAX} are allowed")));
        }
    }
    faults
}

/// Functions over their limit, tests among them.
pub fn long_functions(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for file in tree.rust() {
        for at in 0..file.tokens.len() {
            let named =
                file.text_at(at) == "fn" && file.tokens.get(at + 1).is_some_and(|t| t.kind == Kind::Word);
            let Some(close) = body_of(file, at).filter(|_| named) else { continue };
            let lines = file.tokens[close].line - file.tokens[at].line + 1;
            if lines > FUNCTION_LINES_MAX {
                let name = file.text_at(at + 1);
                let what = format!("`{name}` has {lines} lines; at most {FUNCTION_LINES_MAX} are allowed");
                faults.push(file.fault(file.tokens[at].line, what));
            }
        }
    }
    faults
}

/// The median over the product's files of their lines without tests.
pub fn median(tree: &Tree) -> usize {
    let only_tests = files_of_tests(tree);
    let product = tree.product().filter(|file| !is_only_tests(file, &only_tests));
    let mut lengths: Vec<usize> = product.map(|file| code_and_tests(file).0).collect();
    lengths.sort_unstable();
    lengths.get(lengths.len() / 2).copied().unwrap_or(0)
}

/// The end of the body of the function whose `fn` is at `at`; nothing where it has none.
fn body_of(file: &File, at: usize) -> Option<usize> {
    let mut next = at + 1;
    while next < file.tokens.len() && file.text_at(next) != ";" {
        if file.text_at(next) == "{" {
            return file.close_of(next);
        }
        next = file.after(next);
    }
    None
}

/// Lines of the file outside and inside its blocks of tests.
fn code_and_tests(file: &File) -> (usize, usize) {
    let tests = test_modules(file).filter_map(|module| module.block).map(|lines| lines.count()).sum();
    (file.text.lines().count() - tests, tests)
}

/// A `#[cfg(test)] mod`, in place or in a file of its own.
struct TestModule<'a> {
    name: &'a str,
    /// Its lines, where it stands in place.
    block: Option<RangeInclusive<usize>>,
}

fn test_modules(file: &File) -> impl Iterator<Item = TestModule<'_>> {
    (0..file.tokens.len()).filter_map(|at| {
        let opens = file.reads(at, &["#", "["]) && file.reads(at + 2, &["cfg", "("]);
        let condition = file.close_of(at + 3).filter(|_| opens)?;
        let asks = |word: &str| file.tokens[at + 4..condition].iter().any(|token| token.text == word);
        let mut next = condition + 2;
        while file.text_at(next) == "#" {
            next = file.after(next + 1);
        }
        if !asks("test") || asks("not") || asks("any") || file.text_at(next) != "mod" {
            return None;
        }
        let block = file.close_of(next + 2).map(|close| file.tokens[at].line..=file.tokens[close].line);
        Some(TestModule { name: file.text_at(next + 1), block })
    })
}

/// Where the modules that are compiled for tests only lie, without the `.rs`.
fn files_of_tests(tree: &Tree) -> Vec<String> {
    let mut stems = Vec::new();
    for file in tree.product() {
        let directory = file.path.trim_end_matches(".rs").trim_end_matches("/lib").trim_end_matches("/main");
        let apart = test_modules(file).filter(|module| module.block.is_none());
        stems.extend(apart.map(|module| format!("{directory}/{}", module.name)));
    }
    stems
}

fn is_only_tests(file: &File, stems: &[String]) -> bool {
    let within = |stem: &String| {
        file.path.strip_prefix(stem.as_str()).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
    };
    !file.path.starts_with("src/") || stems.iter().any(within)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(count: usize) -> String {
        "//! Lines.\n".to_owned() + &"const A: u8 = 1;\n".repeat(count - 1)
    }

    #[test]
    fn a_file_that_opens_without_a_sentence_is_caught() {
        for bad in ["", "use std::io;\n//! Late.\n", "//!\n//! Second.\n", "// Not a doc.\n"] {
            assert_eq!(without_purpose(&Tree::of(&[("src/a.rs", bad)])).len(), 1, "{bad}");
        }
        for good in ["//! What it is for.\n", "#![doc = include_str!(\"A.md\")]\n"] {
            assert!(without_purpose(&Tree::of(&[("src/a.rs", good)])).is_empty(), "{good}");
        }
    }

    #[test]
    fn a_file_one_line_too_long_is_caught_and_its_tests_are_not_counted_as_code() {
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "fn f() {}\n".repeat(500));
        let long = |path: &str, text: &str| long_files(&Tree::of(&[(path, text)])).len();
        assert_eq!(long("src/a.rs", &lines(400)), 0);
        assert_eq!(long("src/a.rs", &lines(401)), 1);
        assert_eq!(long("src/a.rs", &(lines(400) + &tests)), 0);
        assert_eq!(long("src/a.rs", &(lines(399) + &tests + "const B: u8 = 1;\n")), 0);
        assert_eq!(
            long("src/a.rs", &(lines(400) + &tests + "const B: u8 = 1;\n")),
            1,
            "code after the tests"
        );
        assert_eq!(long("src/a.rs", &(lines(9) + &tests.replace("500", "") + &tests)), 1, "1,006 of tests");
        assert_eq!(long("src/a.rs", &(lines(400) + &tests.replace("test)", "not(test))"))), 1);
        assert_eq!(long("tests/it/a.rs", &lines(600)), 0);
        assert_eq!(long("tests/it/a.rs", &lines(601)), 1);
    }

    #[test]
    fn a_module_for_tests_only_may_be_longer_in_a_file_of_its_own() {
        let parent = ("src/a/b.rs", "//! B.\n#[cfg(test)]\nmod tests;\nmod c;\n");
        let long = lines(500);
        for (path, faults) in [("src/a/b/tests.rs", 0), ("src/a/b/tests/more.rs", 0), ("src/a/b/c.rs", 1)] {
            assert_eq!(long_files(&Tree::of(&[parent, (path, &long)])).len(), faults, "{path}");
        }
    }

    #[test]
    fn a_function_one_line_too_long_is_caught_with_its_line() {
        let function =
            |body: usize| format!("//! F.\npub fn f(a: [u8; 3]) -> u8 {{\n{}}}\n", "g();\n".repeat(body));
        assert!(long_functions(&Tree::of(&[("src/a.rs", &function(68))])).is_empty());
        let faults = long_functions(&Tree::of(&[("src/a.rs", &function(69))]));
        assert_eq!(faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [2]);
        let inside = format!("impl A {{ proptest! {{ #[test] {} }} }}", function(80).replace("//! F.", ""));
        assert_eq!(long_functions(&Tree::of(&[("tests/a.rs", &inside)])).len(), 1);
        let none = format!("trait T {{ fn f(&self);\n{} }}", "const A: u8;\n".repeat(99));
        assert!(long_functions(&Tree::of(&[("src/a.rs", &none)])).is_empty());
    }

    #[test]
    fn the_median_is_that_of_the_code_alone() {
        let tests = lines(3) + "#[cfg(test)]\nmod tests {\n" + &"\n".repeat(99) + "}\n";
        let files =
            [("src/a.rs", lines(5)), ("src/b.rs", tests), ("src/c.rs", lines(200)), ("tests/d.rs", lines(9))];
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        assert_eq!(median(&Tree::of(&files)), 5);
    }
}
