//! Past flow logs through the detectors: what is found, held against labels, and what a change of config gains and loses.

use std::fs;

use serde_json::Value;

use crate::{
    flows,
    process::{Folder, at},
};

const FLEET: [&str; 19] = [
    "generate",
    "--profile",
    "fleet",
    "--hosts",
    "80",
    "--services",
    "16",
    "--vpcs",
    "1",
    "--accounts",
    "1",
    "--regions",
    "1",
    "--lines-per-day",
    "8000",
    "--format",
    "v5",
    "--span",
    "3d",
];

/// The config of a network, with more of `score`.
fn config(score: &str) -> String {
    format!(
        "sources: {{ flows: {{ from: {{ stdin: {{}} }} }} }}\nsinks: {{ out: {{ to: {{ file: {{ path: out.ndjson }} }} }} }}\n\
         enrich: {{ internal: [10.0.0.0/8] }}\nstate: {{ directory: state }}\nscore: {{ {score} }}\n"
    )
}

/// A host that tries twenty ports of another, and one that sends much to outside and gets as much in pings; the latter weighs less.
fn incidents() -> String {
    let line = |rest: String| format!("2 123456789012 {rest} OK\n");
    let tries = std::iter::once((8, 1)).chain((1..=20).map(|port| (9, port)));
    let scan = tries.map(|(last, port)| {
        line(format!("eni-01 10.0.0.1 10.0.0.{last} {} {port} 6 1 60 600 610 REJECT", 40_000 + port))
    });
    let pings = ["10.0.0.2 203.0.113.9", "203.0.113.9 10.0.0.2"]
        .map(|ends| line(format!("eni-02 {ends} 0 0 1 900 900000 700 1100 ACCEPT")));
    format!("{}\n", flows::HEADER) + &scan.chain(pings).collect::<String>()
}

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("flows.log", incidents());
    folder.write("c.yaml", config(""));
    folder
}

/// What `backtest` prints as JSON.
fn json(folder: &Folder, arguments: &[&str]) -> Value {
    let (ended, text) = folder.printed(&[&["backtest", "--format", "json"], arguments].concat());
    ended.assert_code(0);
    serde_json::from_str(&text).expect(&text)
}

#[test]
fn without_labels_incidents_are_ranked_with_their_reasons() {
    let folder = folder();
    let (ended, table) = folder.printed(&["backtest", "flows.log", "-c", "c.yaml"]);
    ended.assert_code(0);
    let place = |text: &str| table.find(text).unwrap_or_else(|| panic!("{text}: {table}"));
    assert!(
        place("incidents, 2:") < place("scan.vertical\n")
            && place("scan.vertical\n") < place("icmp.tunnel\n")
    );
    assert!(place("10.0.0.1 tried") < place("An incident is an episode"), "{table}");
    place("with icmp.tunnel, a day");
    assert!(!table.contains("false"), "nothing is known of what is false: {table}");
    let outcome = json(&folder, &["flows.log", "-c", "c.yaml"]);
    assert_eq!((at(&outcome, "records"), at(&outcome, "late")), (&Value::from(24), &Value::from(0)));
    let incidents = at(&outcome, "sides")[0]["incidents"].as_array().unwrap();
    assert_eq!(incidents.iter().map(|one| one["points"].as_u64()).collect::<Vec<_>>(), [Some(80), Some(70)]);
    assert_eq!(incidents[0]["true"], Value::Null);
    for left_behind in ["out.ndjson", "state", "quarantine.ndjson", "dead.ndjson"] {
        assert!(!folder.path(left_behind).exists(), "{left_behind}");
    }
}

#[test]
fn with_labels_it_says_what_is_found_and_how_soon() {
    let folder = folder();
    let label = |kind: &str, address: &str| {
        format!(
            "{{\"kind\":\"{kind}\",\"attack\":true,\"account\":\"123456789012\",\"address\":\"{address}\",\"start\":600,\"end\":610}}\n"
        )
    };
    folder.write("labels.ndjson", label("scan", "10.0.0.1") + &label("theft", "10.0.0.7"));
    let arguments = ["flows.log", "-c", "c.yaml", "--labels", "labels.ndjson"];
    let outcome = json(&folder, &arguments);
    let labelled = &at(&outcome, "sides")[0]["measures"]["labelled"];
    assert_eq!(labelled["attacks"], 2);
    assert_eq!(labelled["by_kind"], serde_json::json!({ "scan": [1, 1], "theft": [1, 0] }));
    assert_eq!(labelled["false_by_detector"], serde_json::json!({ "icmp.tunnel": 1 }));
    assert_eq!((&labelled["precision_of_high"], &labelled["at"][4]["recall"]), (&1.0.into(), &0.5.into()));
    assert!(labelled["seconds_to_detect"][0].as_u64().unwrap() < 1_200, "{labelled}");
    let (ended, table) = folder.printed(&[&["backtest"], &arguments[..]].concat());
    ended.assert_code(0);
    for told in [
        "found of scan",
        "1 of 1",
        "found of theft",
        "0 of 1",
        "scan.vertical  true scan",
        "icmp.tunnel  false",
    ] {
        assert!(table.contains(told), "{told}: {table}");
    }
}

#[test]
fn a_change_of_config_gains_and_loses() {
    let folder = folder();
    folder.write("new.yaml", config("detectors: { scan.vertical: off }"));
    let compare = ["flows.log", "--compare", "c.yaml", "new.yaml"];
    let outcome = json(&folder, &compare);
    let change = at(&outcome, "change");
    assert_eq!(change["gained"], serde_json::json!([]));
    assert_eq!(change["lost"].as_array().map(Vec::len), Some(1));
    assert_eq!(change["lost"][0]["entity"]["name"], "10.0.0.1");
    let incidents = [0, 1].map(|side| at(&outcome, "sides")[side]["measures"]["incidents"].as_u64());
    assert_eq!(incidents, [Some(2), Some(1)]);
    let (ended, table) = folder.printed(&[&["backtest"], &compare[..]].concat());
    ended.assert_code(0);
    for told in ["incidents lost, 1:", "no incidents gained", "c.yaml", "new.yaml"] {
        assert!(table.contains(told), "{told}: {table}");
    }
}

#[test]
fn what_cannot_be_done_is_told_with_its_option() {
    let folder = folder();
    let refused = |arguments: &[&str], code, told: &str| {
        let ended = folder.run(&[&["backtest"], arguments].concat());
        ended.assert_code(code);
        ended.assert_told(told);
    };
    folder.write(
        "labels.ndjson",
        "{\"kind\":\"x\",\"attack\":true,\"address\":\"10.0.0.1\",\"start\":1,\"end\":2}\n{\"kind\":1}\n",
    );
    refused(&["flows.log", "--labels", "labels.ndjson"], 66, "--labels labels.ndjson: could not read line 2");
    refused(&["flows.log", "--labels", "none.ndjson"], 66, "--labels none.ndjson");
    refused(&["none.log"], 66, "none.log");
    refused(&["flows.log", "--from", "2026-01-01"], 64, "--from: nothing is left to measure");
    refused(&["flows.log", "--from", "soon"], 64, "expected a day");
    refused(&["flows.log", "--baseline", "."], 66, "--baseline: there is no state and no baseline in .");
    refused(&["flows.log", "-c", "none.yaml"], 78, "none.yaml");
    refused(&["flows.log", "--compare", "c.yaml"], 64, "--compare");
    folder.write("two.yaml", config("").replace("sources: { flows: { from: { stdin: {} } } }", "sources: { a: { from: { stdin: {} }, tenant: a }, b: { from: { file: { paths: [x] } }, tenant: b } }"));
    refused(&["flows.log", "-c", "two.yaml"], 78, "`tenant`");
    folder.write("empty.log", format!("{}\n", flows::HEADER));
    refused(&["empty.log"], 66, "no record has addresses and a time");
}

#[test]
fn it_begins_with_a_copy_of_a_state_or_with_what_learn_wrote() {
    let folder = folder();
    let mut run = folder.command(&["run", "-q", "-c", "c.yaml"]);
    run.stdin(fs::File::open(folder.path("flows.log")).unwrap());
    folder.start(&mut run).wait().assert_code(0);
    let export = || folder.printed(&["baseline", "export", "--from", "state"]).1;
    let before = export();
    assert!(before.contains("10.0.0.1"));
    folder.run(&["learn", "flows.log", "-c", "c.yaml", "--out", "learned"]).assert_code(0);
    folder.write("later.log", incidents().replace(" 6 1 60 600 610 ", " 6 1 60 90000 90010 "));
    for from in ["state", "learned"] {
        let begun = ["-c", "c.yaml", "--baseline", from];
        let ended = folder.run(&[&["backtest", "flows.log"], &begun[..]].concat());
        ended.assert_code(66);
        ended.assert_told("--baseline: every record is from before what the baseline knows");
        let outcome = json(&folder, &[&["later.log"], &begun[..]].concat());
        assert_eq!(
            (at(&outcome, "records"), at(&outcome, "late")),
            (&Value::from(24), &Value::from(2)),
            "{from}"
        );
        assert_eq!(at(&outcome, "sides")[0]["incidents"][0]["entity"]["name"], "10.0.0.1");
    }
    assert!(before == export(), "the state knows what it knew");
}

#[test]
fn a_fleet_with_scenarios_is_measured() {
    let folder = Folder::new();
    let more = ["--scenarios", "1", "--labels", "labels.ndjson", "--out", "bucket", "--gzip"];
    folder.run(&[&FLEET[..], &more].concat()).assert_code(0);
    let outcome = json(&folder, &["bucket", "--labels", "labels.ndjson"]);
    assert_eq!((at(&outcome, "late"), at(&outcome, "quarantined")), (&Value::from(0), &Value::from(0)));
    let measures = &at(&outcome, "sides")[0]["measures"];
    let days = measures["days"].as_f64().unwrap();
    assert!((2.9..3.1).contains(&days), "{days}");
    let labelled = &measures["labelled"];
    let attacks = labelled["attacks"].as_u64().unwrap();
    assert!(attacks >= 28, "{labelled}");
    for kind in ["scan_vertical", "scan_horizontal", "scan_tool", "icmp_tunnel"] {
        assert_eq!(labelled["by_kind"][kind], serde_json::json!([1, 1]), "{kind}: {labelled}");
    }
    let found = labelled["at"][4]["recall"].as_f64().unwrap();
    assert!(found > 0.25, "{labelled}");
}
