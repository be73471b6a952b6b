//! What a disk that hangs may hold up: the snapshot, and nothing else.

use floodmark::telemetry::crash::CrashPoint;

use crate::{
    crash::Stream,
    process::{is_finding, until},
    traces::assert_same,
};

#[test]
fn a_snapshot_that_hangs_on_the_disk_holds_up_neither_documents_nor_findings() {
    let mut stream = Stream::new("100ms");
    stream.folder.write("hang", "");
    let file = stream.folder.path("hang");
    let mut process = stream.start(&[
        ("FLOODMARK_HANG_AT", CrashPoint::SnapshotWrittenNotValid.name()),
        ("FLOODMARK_HANG_FILE", file.to_str().unwrap()),
    ]);
    until("a snapshot", || (std::fs::read_to_string(&file).unwrap() == "here").then_some(()));
    let before = stream.folder.documents("out.ndjson").len();

    // A day of windows, folded and judged, while it hangs.
    stream.grow_whole(&mut process);
    let meanwhile = stream.folder.documents("out.ndjson").split_off(before);
    assert!(meanwhile.iter().any(is_finding), "no finding");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "here", "it did not hang to the end");

    std::fs::remove_file(&file).unwrap();
    process.stop().assert_code(0);
    assert_same(&stream.traces(), &stream.undisturbed());
}
