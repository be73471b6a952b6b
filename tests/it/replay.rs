//! Replay: what was quarantined comes back as if it had been read at first, once the config is right.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    flows,
    process::{Folder, at, free_port, metrics, text_at},
};

/// A custom format, which no header line tells and which has one column fewer than AWS's default.
const FIELDS: &str = "${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} \
                      ${end} ${action} ${log-status} ${vpc-id}";
/// AWS's default format and a column behind it.
const LONGER: &str = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} \
                      ${packets} ${bytes} ${start} ${end} ${action} ${log-status} ${vpc-id}";

fn config(paths: &str, format: &str, out: &str) -> String {
    format!(
        "sources: {{ flows: {{ from: {{ file: {{ {paths} }} }}, format: {format} }} }}\n\
         sinks: {{ out: {{ to: {{ file: {{ path: {out} }} }} }} }}\n"
    )
}

fn fields(format: &str) -> String {
    format!("{{ vpc_flow: {{ fields: \"{format}\" }} }}")
}

/// The documents of a file by their ids, without what the wall clock says.
fn by_id(folder: &Folder, name: &str) -> BTreeMap<String, Value> {
    let timeless = |mut document: Value| {
        document["event"].as_object_mut().unwrap().remove("ingested");
        (text_at(&document, "event.id"), document)
    };
    folder.documents(name).into_iter().map(timeless).collect()
}

#[test]
fn what_a_missing_format_string_sent_to_quarantine_comes_back_with_the_ids_of_a_first_reading() {
    let folder = Folder::new();
    let line = |host: u64| {
        let v2 = flows::line(host, "198.51.100.7", 5_000 + host, flows::START + host);
        format!("{} vpc-0a1b2c\n", v2.strip_prefix("2 012345678901 ").unwrap())
    };
    folder.write("in.log", (0..12).map(line).collect::<String>());
    folder.write("wrong.yaml", config("paths: [in.log]", "auto", "out.ndjson"));
    folder.write("right.yaml", config("paths: [in.log]", &fields(FIELDS), "out.ndjson"));
    folder.write("first.yaml", config("paths: [in.log]", &fields(FIELDS), "first.ndjson"));
    folder.run(&["run", "-q", "-c", "wrong.yaml"]).assert_code(0);
    assert_eq!(folder.len("out.ndjson"), 0);
    let quarantined = folder.documents("quarantine.ndjson");
    assert_eq!(quarantined.len(), 12);
    assert!(quarantined.iter().all(|line| text_at(line, "reason") == "layout_ambiguous"));

    std::fs::rename(folder.path("quarantine.ndjson"), folder.path("again.ndjson")).unwrap();
    folder.run(&["replay", "-c", "right.yaml", "again.ndjson"]).assert_code(0);
    folder.run(&["run", "-q", "-c", "first.yaml"]).assert_code(0);
    let replayed = by_id(&folder, "out.ndjson");
    assert_eq!(replayed.len(), 12);
    assert_eq!(replayed, by_id(&folder, "first.ndjson"));
    let ids: Vec<String> = quarantined.iter().map(|line| text_at(line, "event_id")).collect();
    assert!(ids.iter().all(|id| replayed.contains_key(id)), "the quarantine had told the ids");
    assert_eq!(folder.len("quarantine.ndjson"), 0, "nothing is left to replay");
}

#[test]
fn a_line_under_a_header_is_replayed_with_the_columns_of_that_header_and_what_stays_bad_is_quarantined_again()
{
    let folder = Folder::new();
    let bare = FIELDS.replace("${", "").replace('}', "");
    // One too long for the first config, and one that no config can read.
    let good = "eni-1 10.0.0.1 198.51.100.7 40000 443 6 10 5000 1772409600 1772409660 ACCEPT OK";
    let text = format!("{bare}\n{good} vpc-{}\n{good}\n", "a".repeat(2_000));
    folder.write("in.log", &text);
    folder.write("short.yaml", config("paths: [in.log], line_bytes_max: 1KiB", "auto", "out.ndjson"));
    folder.run(&["run", "-q", "-c", "short.yaml"]).assert_code(0);
    let reasons: Vec<String> =
        folder.documents("quarantine.ndjson").iter().map(|line| text_at(line, "reason")).collect();
    assert_eq!(reasons, ["line_too_long", "too_few_columns"]);
    std::fs::rename(folder.path("quarantine.ndjson"), folder.path("again.ndjson")).unwrap();
    folder.run(&["replay", "-c", "short.yaml", "again.ndjson"]).assert_code(0);
    // The cut line is as good as a whole one to whoever reads its columns: its last one is what was kept of it.
    let replayed = folder.documents("out.ndjson");
    assert_eq!(replayed.len(), 1);
    assert_eq!(at(&replayed[0], "aws.vpcflow.interface_id"), "eni-1");
    let again = folder.documents("quarantine.ndjson");
    assert_eq!(again.len(), 1);
    let before = &folder.documents("again.ndjson")[1];
    for key in ["reason", "origin", "position", "index", "event_id", "bytes", "format"] {
        assert_eq!(again[0][key], before[key], "{key}");
    }
}

#[test]
fn records_replayed_beside_a_running_process_leave_unscored_and_with_a_score_when_the_state_is_free() {
    let folder = Folder::new();
    let port = free_port();
    let state = "state: { directory: state, every: 1s }\n";
    let follow = config("paths: [in.log], follow: true", "auto", "out.ndjson")
        + state
        + &format!("telemetry: {{ listen: \"127.0.0.1:{port}\" }}\n");
    folder.write("c.yaml", follow);
    for out in ["beside", "alone"] {
        let name = format!("{out}.yaml");
        folder.write(&name, config("paths: [in.log]", &fields(LONGER), &format!("{out}.ndjson")) + state);
    }
    let late = flows::line(3, "198.51.100.7", 60_000, flows::START + 99 * flows::WINDOW) + " vpc-0a1b2c\n";
    folder.write("in.log", flows::estate(100) + &late + &flows::closing(100));
    let mut process = folder.start(&mut folder.command(&["run", "-q", "-c", "c.yaml"]));
    process.until("the quarantine", || (folder.lines("quarantine.ndjson").len() == 1).then_some(()));
    let lines = folder.lines("in.log").len() as i64;
    process.until("delivery", || {
        metrics(port).filter(|page| {
            page.source("entries_parsed_total") == lines - 1 && page.sink("out", "in_flight") == 0
        })
    });
    std::fs::copy(folder.path("quarantine.ndjson"), folder.path("again.ndjson")).unwrap();

    folder.run(&["replay", "-c", "beside.yaml", "again.ndjson"]).assert_code(0);
    let beside = folder.documents("beside.ndjson");
    assert_eq!(beside.len(), 1);
    assert!(at(&beside[0], "event.risk_score").is_null(), "{}", beside[0]);
    assert!(process.is_running());
    process.stop().assert_code(0);

    folder.run(&["replay", "-c", "alone.yaml", "again.ndjson"]).assert_code(0);
    let alone = folder.documents("alone.ndjson");
    assert!(at(&alone[0], "event.risk_score").is_u64(), "{}", alone[0]);
    assert_eq!(text_at(&alone[0], "event.id"), text_at(&beside[0], "event.id"));
}

#[test]
fn lines_of_syslog_that_were_quarantined_as_flows_come_back_as_events_with_the_ids_of_a_first_reading() {
    let folder = Folder::new();
    let flow = flows::line(1, "198.51.100.7", 5_000, flows::START);
    let long = "x".repeat(3_000);
    let text = format!(
        "<13>1 2026-11-22T10:14:15Z h app 7 - - text\n<13>Nov 22 10:14:15 h app: {long}\n<13>h: {flow}\nnothing\n"
    );
    folder.write("in.log", text);
    let paths = "paths: [in.log], line_bytes_max: 1KiB";
    folder.write("wrong.yaml", config(paths, "{ vpc_flow: {} }", "out.ndjson"));
    folder.write("right.yaml", config(paths, "{ syslog: {} }", "out.ndjson"));
    folder.write("first.yaml", config("paths: [in.log]", "{ syslog: {} }", "first.ndjson"));
    folder.run(&["run", "-q", "-c", "wrong.yaml"]).assert_code(0);
    assert_eq!((folder.len("out.ndjson"), folder.lines("quarantine.ndjson").len()), (0, 4));
    std::fs::rename(folder.path("quarantine.ndjson"), folder.path("again.ndjson")).unwrap();
    folder.run(&["replay", "-c", "right.yaml", "again.ndjson"]).assert_code(0);
    folder.run(&["run", "-q", "-c", "first.yaml"]).assert_code(0);
    let (replayed, first) = (by_id(&folder, "out.ndjson"), by_id(&folder, "first.ndjson"));
    assert_eq!((replayed.len(), first.len()), (4, 4));
    // What was kept of the long line is another event than the line.
    let same = replayed.keys().filter(|id| first.contains_key(*id)).count();
    assert_eq!(same, 3);
    let told: Vec<String> =
        folder.documents("again.ndjson").iter().map(|line| text_at(line, "event_id")).collect();
    assert!(told.iter().all(|id| replayed.contains_key(id)), "the quarantine had told the ids");
    let datasets: Vec<_> = replayed.values().map(|document| text_at(document, "event.dataset")).collect();
    assert_eq!(datasets.iter().filter(|dataset| *dataset == "floodmark.flow").count(), 1);
}

#[test]
fn a_quarantine_that_is_still_written_is_not_replayed() {
    let folder = Folder::new();
    folder.write("in.log", "2 short line\n");
    folder.write("c.yaml", config("paths: [in.log]", "auto", "out.ndjson"));
    folder.run(&["run", "-q", "-c", "c.yaml"]).assert_code(0);
    for path in ["quarantine.ndjson", "./quarantine.ndjson"] {
        let ended = folder.run(&["replay", "-c", "c.yaml", path]);
        ended.assert_code(64);
        ended.assert_told("move it away first");
    }
    assert_eq!(folder.lines("quarantine.ndjson").len(), 1);
}

#[test]
fn a_file_that_no_quarantine_wrote_is_refused_with_its_line_before_anything_is_replayed() {
    let folder = Folder::new();
    folder.write("c.yaml", config("paths: [in.log]", "auto", "out.ndjson"));
    folder.write("in.log", "2 short line\n");
    folder.run(&["run", "-q", "-c", "c.yaml"]).assert_code(0);
    let good = &folder.lines("quarantine.ndjson")[0];
    for (text, told) in [
        (format!("{good}\nnonsense\n"), "again.ndjson, line 2"),
        (good.replace("\"source\":\"flows\"", "\"source\":\"other\"") + "\n", "no source called \"other\""),
    ] {
        folder.write("again.ndjson", text);
        let ended = folder.run(&["replay", "-c", "c.yaml", "again.ndjson"]);
        ended.assert_code(66);
        ended.assert_told(told);
    }
    assert_eq!(folder.len("out.ndjson"), 0);
}
