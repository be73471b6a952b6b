//! Detectors from a log line to a document: what they see leaves as the config says.

use serde_json::Value;

use crate::{
    flows,
    process::{Folder, at, is_finding, text_at},
};

/// A host that tries twenty ports of another, all refused, and one of a third, which shows whose interface it is.
fn scan() -> String {
    let line = |(last, port): (u32, u32)| {
        let client = 40_000 + port;
        format!("2 123456789012 eni-01 10.0.0.1 10.0.0.{last} {client} {port} 6 1 60 600 610 REJECT OK\n")
    };
    let tries = std::iter::once((8, 1)).chain((1..=20).map(|port| (9, port)));
    format!("{}\n", flows::HEADER) + &tries.map(line).collect::<String>()
}

/// What is found with `score` so configured, in `format`.
fn found(score: &str, format: &str) -> Vec<Value> {
    let folder = Folder::new();
    folder.write("in.log", scan());
    folder.write(
        "c.yaml",
        format!(
            "sources: {{ flows: {{ from: {{ file: {{ paths: [in.log] }} }} }} }}\n\
             sinks: {{ out: {{ to: {{ file: {{ path: out.ndjson }} }}, select: findings, schema: {format} }} }}\n\
             enrich: {{ internal: [10.0.0.0/8] }}\n\
             score: {{ {score} }}\n"
        ),
    );
    folder.run(&["run", "-q", "-c", "c.yaml"]).assert_code(0);
    folder.documents("out.ndjson")
}

#[test]
fn a_scan_is_an_alert_and_names_host_peer_and_ports() {
    let found = found("", "ecs");
    let [finding] = &found[..] else { panic!("{found:?}") };
    assert!(is_finding(finding));
    assert_eq!(text_at(finding, "rule.id"), "scan.vertical");
    assert_eq!(text_at(finding, "event.kind"), "alert");
    assert_eq!(text_at(finding, "source.ip"), "10.0.0.1");
    assert_eq!(text_at(finding, "destination.ip"), "10.0.0.9");
    assert_eq!(text_at(finding, "floodmark.finding.role"), "actor");
    assert_eq!(at(finding, "floodmark.finding.observed"), 20);
    assert_eq!(at(finding, "floodmark.finding.examples").as_array().map(Vec::len), Some(20));
}

#[test]
fn a_detector_on_trial_writes_findings_that_are_no_alerts_and_one_that_is_off_none() {
    let observed = found("detectors: { scan.vertical: observe }", "ecs");
    assert_eq!(text_at(&observed[0], "event.kind"), "event");
    assert_eq!(text_at(&observed[0], "floodmark.finding.disposition"), "observed");
    let observed = found("detectors: { scan.vertical: observe }", "ocsf");
    assert_eq!(observed[0]["is_alert"], false);
    assert_eq!(found("", "ocsf")[0]["is_alert"], true);
    assert_eq!(found("detectors: { scan.vertical: off }", "ecs"), Vec::<Value>::new());
    assert_eq!(found("sessions_max: 0", "ecs"), Vec::<Value>::new(), "there is nothing to look at");
}

#[test]
fn a_detector_that_is_not_there_is_told_with_those_that_are() {
    let folder = Folder::new();
    folder.write(
        "c.yaml",
        "sources: { flows: { from: { stdin: {} } } }\nsinks: { out: { to: { discard: {} } } }\n\
         score: { detectors: { scan.sideways: off } }\n",
    );
    let (ended, text) = folder.printed(&["check", "-c", "c.yaml"]);
    let said = ended.err + &text;
    assert!(said.contains("score.detectors.scan.sideways: unknown key"), "{said}");
    assert!(said.contains("admin.exposed"), "{said}");
}
