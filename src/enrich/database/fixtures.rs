//! What others published to test against: the folder that `FLOODMARK_FIXTURES` names, for tests only.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

/// The bytes of fixture `name`; none, and a line on stderr, where there are no fixtures. Under `CI=true` that is a failure.
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
    assert!(std::env::var("CI").as_deref() != Ok("true"), "FLOODMARK_FIXTURES is not set");
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let _ = writeln!(std::io::stderr(), "skipped: {test} needs {name} (FLOODMARK_FIXTURES is not set)");
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
