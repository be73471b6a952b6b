//! Elastic's samples of its VPC flow integration, with the documents that its own pipeline makes of them.

use std::{fs, io::Write, path::Path};

use serde_json::Value;

use super::{Exception, OWN_COLUMNS, documents, flat, lines};
use crate::skipped::fixtures;

/// The layouts of the samples that have no header line, as Elastic's own pipeline tells them apart: by the number of their
/// columns.
const TCP_FLAGS: &str = "${version} ${vpc-id} ${subnet-id} ${instance-id} ${interface-id} ${account-id} ${type} ${srcaddr} \
    ${dstaddr} ${srcport} ${dstport} ${pkt-srcaddr} ${pkt-dstaddr} ${protocol} ${bytes} ${packets} ${start} ${end} \
    ${action} ${tcp-flags} ${log-status}";
const ECS: &str = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} \
    ${packets} ${bytes} ${start} ${end} ${action} ${log-status} ${vpc-id} ${subnet-id} ${instance-id} ${tcp-flags} ${type} \
    ${pkt-srcaddr} ${pkt-dstaddr} ${region} ${az-id} ${sublocation-type} ${sublocation-id} ${pkt-src-aws-service} \
    ${pkt-dst-aws-service} ${flow-direction} ${traffic-path} ${ecs-cluster-arn} ${ecs-cluster-name} \
    ${ecs-container-instance-arn} ${ecs-container-instance-id} ${ecs-container-id} ${ecs-second-container-id} \
    ${ecs-service-name} ${ecs-task-definition-arn} ${ecs-task-arn} ${ecs-task-id}";

const FILES: [(&str, Option<&str>); 4] = [
    ("test-extra-samples.log", None),
    ("test-tcp-flag-sequence.log", Some(TCP_FLAGS)),
    ("test-ecs-samples.log", Some(ECS)),
    ("test-with-message-field.log", None),
];

// The files again, short.
const EXTRA: &str = "test-extra-samples.log";
const FLAGS: &str = "test-tcp-flag-sequence.log";
const TASKS: &str = "test-ecs-samples.log";
const WRAPPED: &str = "test-with-message-field.log";

/// Rows of the design's table of normal forms.
const VERSIONS: &str = "versions";
const OUTCOME: &str = "event.action, event.outcome";
const DIRECTION: &str = "direction";
const COMMUNITY_ID: &str = "Community ID";
const NO_DATA: &str = "NODATA, SKIPDATA";

const ALL: &[usize] = &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

const EXCEPTIONS: &[Exception] = &[
    Exception { file: EXTRA, lines: ALL.split_at(7).0, path: "ecs.version", row: VERSIONS },
    Exception { file: FLAGS, lines: ALL.split_at(3).0, path: "ecs.version", row: VERSIONS },
    Exception { file: TASKS, lines: ALL, path: "ecs.version", row: VERSIONS },
    Exception { file: WRAPPED, lines: &[1], path: "ecs.version", row: VERSIONS },
    // A list, which says whether the connection was allowed too.
    Exception { file: EXTRA, lines: &[1, 4, 5, 6, 7], path: "event.type", row: OUTCOME },
    Exception { file: FLAGS, lines: &[1], path: "event.type", row: OUTCOME },
    Exception { file: EXTRA, lines: &[2, 3], path: "event.type", row: NO_DATA },
    Exception { file: FLAGS, lines: &[2, 3], path: "event.type", row: NO_DATA },
    Exception { file: WRAPPED, lines: &[1], path: "event.type", row: NO_DATA },
    // What an absent column holds is not a value.
    Exception { file: TASKS, lines: ALL, path: "cloud.region", row: NO_DATA },
    Exception { file: TASKS, lines: ALL, path: "cloud.availability_zone", row: NO_DATA },
    Exception { file: TASKS, lines: ALL, path: "network.direction", row: DIRECTION },
    // ICMP, whose type and code the log lacks; and addresses of two families, which no packet has.
    Exception { file: EXTRA, lines: &[6, 7], path: "network.community_id", row: COMMUNITY_ID },
    Exception { file: TASKS, lines: &[1, 10], path: "network.community_id", row: COMMUNITY_ID },
];

#[test]
fn elastics_samples_leave_as_elastics_own_pipeline_writes_them_but_for_the_exceptions() {
    let name = "elastics_samples_leave_as_elastics_own_pipeline_writes_them_but_for_the_exceptions";
    let Some(fixtures) = fixtures(name) else { return };
    let mut used: Vec<(&str, usize, &str)> = Vec::new();
    let (mut compared, mut wrong) = (0, Vec::new());
    for (file, fields) in FILES {
        let path = fixtures.join("elastic").join(file);
        let ours = documents(&path, fields, &fixtures.join("maxmind"));
        let theirs = expected(&path);
        assert_eq!((ours.len(), theirs.len()), (lines(&path).len(), ours.len()), "{file}");
        for (number, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
            let ours = flat(ours);
            for (path, value) in flat(theirs) {
                compared += 1;
                if ours.get(&path).is_some_and(|said| is_same(&path, said, &value)) || is_input(&path) {
                    continue;
                }
                let line = number + 1;
                match EXCEPTIONS
                    .iter()
                    .find(|known| known.file == file && known.path == path && known.lines.contains(&line))
                {
                    Some(known) => used.push((file, line, known.path)),
                    None => wrong.push(format!("{file}:{line} {path}: {value}, ours {:?}", ours.get(&path))),
                }
            }
        }
    }
    let _ = writeln!(
        std::io::stderr(),
        "elastic: {compared} values compared, {} differ for a reason that is written down",
        used.len()
    );
    assert!(wrong.is_empty(), "{} values differ:\n{}", wrong.len(), wrong.join("\n"));
    for Exception { file, lines, path, row } in EXCEPTIONS {
        assert!(!OWN_COLUMNS.contains(path), "{path} is a column of the record");
        assert!(!row.is_empty());
        for line in *lines {
            assert!(used.contains(&(file, *line, path)), "{file}:{line} {path} does not differ any more");
        }
    }
    assert!(compared > 600, "{compared}");
}

/// The documents that Elastic published for a file.
fn expected(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(format!("{}-expected.json", path.display())).unwrap();
    let mut expected: Value = serde_json::from_str(&text).unwrap();
    expected["expected"].as_array_mut().map(std::mem::take).unwrap()
}

/// What Elastic's test puts into the event before its pipeline sees it: the tag that has the line kept.
fn is_input(path: &str) -> bool {
    path == "tags"
}

/// Whether two values mean the same: times by the instant, lists as sets, words without regard to case.
fn is_same(path: &str, ours: &Value, theirs: &Value) -> bool {
    let time = |value: &Value| value.as_str()?.parse::<jiff::Timestamp>().ok();
    let list = |value: &Value| match value {
        Value::Array(values) => values.iter().map(Value::to_string).collect(),
        other => std::collections::BTreeSet::from([other.to_string()]),
    };
    match path {
        "@timestamp" | "event.start" | "event.end" => time(ours).is_some() && time(ours) == time(theirs),
        "event.action" => ours.as_str().map(str::to_uppercase) == theirs.as_str().map(str::to_uppercase),
        _ => match (ours.as_f64(), theirs.as_f64()) {
            (Some(ours), Some(theirs)) => (ours - theirs).abs() < 1e-9,
            _ => list(ours) == list(theirs),
        },
    }
}
