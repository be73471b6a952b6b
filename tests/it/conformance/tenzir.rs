//! Tenzir's samples, with what it parses from them and the OCSF that it maps them to.

use std::{fs, io::Write, path::Path};

use floodmark::event::FIELDS;
use serde_json::Value;

use super::{Exception, flat, lines};
use crate::{process::Folder, skipped::fixtures};

const V2: &str = "cloudwatch-v2.ndjson";
const V7: &str = "cloudwatch-v7-ecs.ndjson";

/// The layout of the second file, which has no header line.
const V7_FIELDS: &str = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} \
    ${packets} ${bytes} ${start} ${end} ${action} ${log-status} ${ecs-cluster-name} ${ecs-cluster-arn} \
    ${ecs-container-instance-arn} ${ecs-container-instance-id} ${ecs-service-name} ${ecs-task-definition-arn} \
    ${ecs-task-id} ${ecs-task-arn} ${ecs-second-container-id} ${ecs-container-id}";

/// The two rows of the design's table of normal forms in which it differs from Tenzir.
const REJECT: &str = "REJECT in OCSF";
const NO_DATA: &str = "NODATA, SKIPDATA";

const REJECTED: &[usize] = &[2];
const BLIND: &[usize] = &[3, 4];

const EXCEPTIONS: &[Exception] = &[
    // Refuse, as AWS has it, and not Close.
    Exception { file: V2, lines: REJECTED, path: "activity_id", row: REJECT },
    Exception { file: V2, lines: REJECTED, path: "activity_name", row: REJECT },
    Exception { file: V2, lines: REJECTED, path: "type_uid", row: REJECT },
    Exception { file: V2, lines: REJECTED, path: "type_name", row: REJECT },
    // Of what was not seen nothing was allowed, and no control is told of.
    Exception { file: V2, lines: BLIND, path: "activity_id", row: NO_DATA },
    Exception { file: V2, lines: BLIND, path: "activity_name", row: NO_DATA },
    Exception { file: V2, lines: BLIND, path: "type_uid", row: NO_DATA },
    Exception { file: V2, lines: BLIND, path: "type_name", row: NO_DATA },
    Exception { file: V2, lines: BLIND, path: "action_id", row: NO_DATA },
    Exception { file: V2, lines: BLIND, path: "action", row: NO_DATA },
    Exception { file: V2, lines: BLIND, path: "disposition_id", row: NO_DATA },
    Exception { file: V2, lines: BLIND, path: "disposition", row: NO_DATA },
    Exception { file: V2, lines: BLIND, path: "metadata.profiles", row: NO_DATA },
];

/// What the record's own columns say, by the place of the column in a line of version 2: no exception may cover it where
/// the column holds anything.
const OWN_COLUMNS: [(&str, usize); 11] = [
    ("src_endpoint.ip", 3),
    ("dst_endpoint.ip", 4),
    ("src_endpoint.port", 5),
    ("dst_endpoint.port", 6),
    ("traffic.packets", 8),
    ("traffic.bytes", 9),
    ("time", 10),
    ("start_time", 10),
    ("end_time", 11),
    ("action", 12),
    ("action_id", 12),
];

#[test]
fn tenzirs_samples_leave_as_tenzirs_own_mapping_writes_them_but_for_reject_nodata_and_skipdata() {
    let name = "tenzirs_samples_leave_as_tenzirs_own_mapping_writes_them_but_for_reject_nodata_and_skipdata";
    let Some(folder) = fixtures(name).map(|folder| folder.join("tenzir")) else { return };
    let path = folder.join("inputs").join(V2);
    let (inputs, ours) = (logged(&path), mapped(&path, None));
    let theirs = read(&folder.join("vpc_flow/ocsf.txt"));
    assert_eq!((ours.len(), theirs.len()), (inputs.len(), inputs.len()));
    let mut used: Vec<(usize, &str)> = Vec::new();
    let (mut compared, mut wrong) = (0, Vec::new());
    for (line, (input, ours)) in (1..).zip(inputs.iter().zip(&ours)) {
        let theirs = theirs.iter().find(|theirs| theirs["raw_data"] == **input).expect(input);
        let ours = flat(ours);
        for (path, value) in flat(theirs) {
            compared += 1;
            if ours.get(&path).is_some_and(|said| is_same(&path, said, &value)) {
                continue;
            }
            match EXCEPTIONS.iter().find(|known| known.path == path && known.lines.contains(&line)) {
                Some(known) => used.push((line, known.path)),
                None => wrong.push(format!("{V2}:{line} {path}: {value}, ours {:?}", ours.get(&path))),
            }
        }
    }
    let _ = writeln!(
        std::io::stderr(),
        "tenzir: {compared} values compared, {} differ for a reason that is written down",
        used.len()
    );
    assert!(wrong.is_empty(), "{} values differ:\n{}", wrong.len(), wrong.join("\n"));
    for Exception { lines, path, row, .. } in EXCEPTIONS {
        for line in *lines {
            assert!(used.contains(&(*line, path)), "{V2}:{line} {path} does not differ any more");
            assert_covers(&inputs[line - 1], path, row);
        }
    }
    assert!(compared >= 130, "{compared}");
}

/// An exception is about a line whose word its row names, and about nothing that the line's own columns say.
fn assert_covers(line: &str, path: &str, row: &str) {
    let columns: Vec<&str> = line.split(' ').collect();
    let (action, status) = (columns[12], columns[13]);
    assert!(row.split([' ', ',']).any(|word| word == action || word == status), "{row}: {line}");
    let column = OWN_COLUMNS.iter().find(|(own, _)| *own == path);
    assert!(column.is_none_or(|(_, place)| columns[*place] == "-"), "{path} is a column of {line}");
}

#[test]
fn every_column_that_tenzir_parses_says_the_same_in_ocsf() {
    let name = "every_column_that_tenzir_parses_says_the_same_in_ocsf";
    let Some(folder) = fixtures(name).map(|folder| folder.join("tenzir")) else { return };
    let mut compared = 0;
    for (file, fields, parsed) in [
        (V2, None, "parse-default.txt"),
        (V2, None, "parse-custom.txt"),
        (V7, Some(V7_FIELDS), "parse-v7-ecs.txt"),
    ] {
        let ours = mapped(&folder.join("inputs").join(file), fields);
        let theirs = read(&folder.join("vpc_flow").join(parsed));
        assert_eq!(ours.len(), theirs.len(), "{parsed}");
        for (ours, theirs) in ours.iter().zip(&theirs) {
            let ours = flat(ours);
            for (name, value) in theirs.as_object().unwrap() {
                for path in places(name) {
                    // Only what a packet's own address stands in for is an intermediate.
                    if path.ends_with("intermediate_ips") {
                        continue;
                    }
                    compared += 1;
                    let said = ours.get(&path);
                    let same = said.map_or(value.is_null(), |said| is_same_column(&path, said, value));
                    assert!(same, "{parsed}: {name} is {value}, {path} is {said:?}");
                }
            }
        }
    }
    assert!(compared >= 240, "{compared}");
}

/// Where in OCSF the column stands that Tenzir calls `name`.
fn places(name: &str) -> Vec<String> {
    let column = name.replace('_', "-");
    let row = FIELDS.iter().find(|row| row.name == column).unwrap_or_else(|| panic!("{name}"));
    if row.ocsf.is_empty() {
        return vec![format!("unmapped.{name}")];
    }
    row.ocsf.iter().map(|path| (*path).to_owned()).collect()
}

/// The lines that the envelopes of a file hold.
fn logged(path: &Path) -> Vec<String> {
    let envelopes = lines(path);
    let envelopes = envelopes.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    envelopes.map(|envelope| envelope["message"].as_str().unwrap().to_owned()).collect()
}

/// What floodmark makes of the file, as OCSF and with the lines as received.
fn mapped(path: &Path, fields: Option<&str>) -> Vec<Value> {
    let folder = Folder::new();
    let format = fields.map(|fields| format!(", format: {{ vpc_flow: {{ fields: \"{fields}\" }} }}"));
    folder.write(
        "c.yaml",
        format!(
            "sources: {{ samples: {{ from: {{ file: {{ paths: [\"{}\"] }} }}{} }} }}\n\
             sinks: {{ out: {{ to: {{ file: {{ path: out.ndjson }} }}, schema: ocsf, original: true }} }}\n",
            path.display(),
            format.unwrap_or_default(),
        ),
    );
    folder.run(&["run", "-q", "-c", "c.yaml"]).assert_code(0);
    folder.documents("out.ndjson")
}

/// The records of a file of Tenzir's notation: as JSON, but for names without quotation marks, addresses and times as they
/// are, and a comma after every member.
fn read(path: &Path) -> Vec<Value> {
    let mut json = String::new();
    for line in fs::read_to_string(path).unwrap().lines().map(str::trim) {
        if line.starts_with(['}', ']']) && json.ends_with(',') {
            json.pop();
        }
        let (name, value) = line.split_once(": ").filter(|_| !line.starts_with('"')).unwrap_or(("", line));
        if !name.is_empty() {
            json += &format!("\"{name}\":");
        }
        let bare = value.trim_end_matches(',');
        let is_json = ["{", "[", "}", "]"].contains(&bare) || serde_json::from_str::<Value>(bare).is_ok();
        json += &if is_json { value.to_owned() } else { format!("\"{bare}\",") };
    }
    serde_json::Deserializer::from_str(&json).into_iter().map(Result::unwrap).collect()
}

/// Milliseconds since 1970 of an instant or of seconds.
fn millis(value: &Value) -> Option<i64> {
    let instant = value.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    instant.map(jiff::Timestamp::as_millisecond).or_else(|| Some(value.as_i64()? * 1_000))
}

/// Whether two values mean the same: times by the instant. The profiles hold all of theirs: where floodmark has a device,
/// there is one more.
fn is_same(path: &str, ours: &Value, theirs: &Value) -> bool {
    match path {
        "time" | "start_time" | "end_time" => millis(theirs).is_some() && ours.as_i64() == millis(theirs),
        "metadata.profiles" => {
            let ours = ours.as_array().unwrap();
            theirs.as_array().unwrap().iter().all(|profile| ours.contains(profile))
        }
        _ => ours == theirs,
    }
}

/// Whether a column says what stands at `path`: numbers may be texts, and the action has OCSF's word.
fn is_same_column(path: &str, ours: &Value, theirs: &Value) -> bool {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match (path, theirs.as_str()) {
        ("action", Some("ACCEPT")) => ours == "Allowed",
        ("action", Some("REJECT")) => ours == "Denied",
        ("time" | "start_time" | "end_time", _) => is_same("time", ours, theirs),
        _ => text(ours) == text(theirs),
    }
}
