//! How a test says that it could not run here, so that the end of the run can name it.

use std::{
    env,
    fs::OpenOptions,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// The variable that names the file in which `tests/run` looks for skipped tests.
const LIST: &str = "FLOODMARK_SKIPPED";
/// The variable that names the folder of samples that others published.
const FIXTURES: &str = "FLOODMARK_FIXTURES";

/// Says that the test `name` did not run, and why. The test returns after this; under `CI=true` the run then fails.
///
/// A unit test, which cannot reach this function, writes the same line to the same file.
pub fn skip(name: &str, reason: &str) {
    note(env::var_os(LIST).as_deref().map(Path::new), name, reason).expect("the list of skipped tests");
}

/// The folder of samples that others published, or nothing, and then the test `name` is on the list of those skipped.
pub fn fixtures(name: &str) -> Option<PathBuf> {
    let folder = env::var_os(FIXTURES).map(PathBuf::from);
    if folder.is_none() {
        skip(name, &format!("{FIXTURES} names no folder"));
    }
    folder
}

/// Appends the line in one write, because many tests may write at once.
fn note(list: Option<&Path>, name: &str, reason: &str) -> io::Result<()> {
    let line = format!("skipped: {name}: {reason}\n");
    match list {
        Some(path) => OpenOptions::new().create(true).append(true).open(path)?.write_all(line.as_bytes()),
        None => io::stderr().write_all(line.as_bytes()),
    }
}

#[test]
fn every_skipped_test_leaves_a_line_with_its_name_and_reason() {
    let directory = tempfile::tempdir().unwrap();
    let list = directory.path().join("skipped");
    note(Some(&list), "one", "no broker").unwrap();
    note(Some(&list), "two", "no fixtures").unwrap();
    let text = std::fs::read_to_string(list).unwrap();
    assert_eq!(text, "skipped: one: no broker\nskipped: two: no fixtures\n");
}

#[test]
fn the_folder_of_published_samples_is_whole() {
    let Some(folder) = fixtures("the_folder_of_published_samples_is_whole") else { return };
    for name in ["README.md", "aws-docs", "ecs", "elastic", "maxmind"] {
        assert!(folder.join(name).exists(), "{FIXTURES} names {}, which has no {name}", folder.display());
    }
}
