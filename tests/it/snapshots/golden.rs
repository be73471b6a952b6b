//! The snapshots of earlier releases: `tests/cases/snapshots/VERSION.floodmark`, each written by that release and by no
//! other, and read by every later one.
//!
//! `FLOODMARK_BLESS_SNAPSHOT=1` writes that of this release anew, as long as it is not released; those of others are never
//! written again. Once there is one, there must be one of this release too.

use std::{
    fs,
    path::{Path, PathBuf},
};

use floodmark::state::snapshot::SnapshotReader;

use super::{config, elsewhere, kept, learned, only, said};
use crate::process::{Folder, is_finding, repository};

/// Where they are.
fn place() -> PathBuf {
    repository().join("tests/cases/snapshots")
}

/// The name of that of this release.
fn own() -> String {
    format!("{}.floodmark", env!("CARGO_PKG_VERSION"))
}

/// Whether this program reads the whole of it, and goes on from it: what rises far above what its hosts were used to is
/// found, and without it is not.
#[track_caller]
fn assert_goes_on_from(path: &Path) {
    let mut reader = SnapshotReader::new(fs::File::open(path).unwrap())
        .unwrap_or_else(|error| panic!("{path:?}: {error}"));
    while reader.next_row().unwrap_or_else(|error| panic!("{path:?}: {error}")).is_some() {}
    let folder = elsewhere("state: { directory: state }");
    let ended = folder.run(&["run", "-q", "-c", "2.yaml", "--baseline", path.to_str().unwrap()]);
    assert_eq!(ended.code(), Some(0), "{path:?}: {}", ended.err);
    ended.assert_told("began with a baseline");
    assert!(said(&folder).iter().any(is_finding), "{path:?}: nothing rose above the mark");
}

#[test]
fn this_release_goes_on_from_the_snapshots_of_every_release() {
    let place = place();
    if std::env::var_os("FLOODMARK_BLESS_SNAPSHOT").is_some() {
        fs::create_dir_all(&place).unwrap();
        fs::copy(only(&learned().path("kept")), place.join(own())).unwrap();
    }
    let all = kept(&place);
    assert!(
        all.is_empty() || all.contains(&place.join(own())),
        "there is no {}; FLOODMARK_BLESS_SNAPSHOT=1 writes it",
        own()
    );
    for path in all {
        assert_goes_on_from(&path);
    }
}

#[test]
fn a_snapshot_of_this_release_is_one_from_which_the_next_will_go_on() {
    assert_goes_on_from(&only(&learned().path("kept")));
    let nothing = Folder::new();
    nothing.write("in/2.log", super::next());
    nothing.write("2.yaml", config("2.log", ""));
    nothing.run(&["run", "-q", "-c", "2.yaml"]).assert_code(0);
    assert!(!said(&nothing).iter().any(is_finding), "the test finds without a baseline too");
}
