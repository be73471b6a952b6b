//! What others published to test against: the folder that `FLOODMARK_FIXTURES` names, for tests only.

use std::{
    fs::OpenOptions,
    io::Write,
    path::{Path, PathBuf},
};

/// The bytes of fixture `name`; none where there are no fixtures, and then the test is on the list of those skipped, which
/// fails the run under `CI=true`.
pub(in crate::enrich) fn bytes(name: &str) -> Option<Vec<u8>> {
    path(name).map(|path| std::fs::read(path).unwrap_or_else(|error| panic!("{name}: {error}")))
}

/// The text of fixture `name`, as [`bytes`].
pub(in crate::enrich) fn text(name: &str) -> Option<String> {
    bytes(name).map(|bytes| String::from_utf8(bytes).unwrap_or_else(|error| panic!("{name}: {error}")))
}

/// All databases below folder `name`, in order.
pub(in crate::enrich) fn files(name: &str) -> Option<Vec<PathBuf>> {
    let mut found = Vec::new();
    collect(&path(name)?, &mut found);
    found.sort();
    Some(found)
}

/// Where fixture `name` is.
pub(in crate::enrich) fn path(name: &str) -> Option<PathBuf> {
    if let Some(root) = std::env::var_os("FLOODMARK_FIXTURES") {
        return Some(Path::new(&root).join(name));
    }
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let line = format!("skipped: {test}: it needs {name}, and FLOODMARK_FIXTURES names no folder\n");
    match std::env::var_os("FLOODMARK_SKIPPED") {
        Some(list) => {
            let list = OpenOptions::new().create(true).append(true).open(list);
            let noted = list.and_then(|mut list| list.write_all(line.as_bytes()));
            noted.unwrap_or_else(|error| panic!("the list of skipped tests: {error}"));
        }
        None => assert!(std::env::var("CI").as_deref() != Ok("true"), "{line}"),
    }
    None
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.unwrap_or_else(|error| panic!("{}: {error}", folder.display())).path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "mmdb") {
            found.push(path);
        }
    }
}
