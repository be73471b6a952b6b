//! A compacted topic as an asset list, on a real Kafka: what held when a record ended, and what is written and taken away
//! while the process runs.

use std::cell::Cell;

use serde_json::Value;

use super::cluster::{Cluster, Listener, unique};
use crate::{
    flows::{self, START, WINDOW},
    process::{Folder, Running, at, free_port, metrics},
};

/// How an asset of the tests begins, up to its value.
fn row(key: &str, value: &str) -> String {
    format!("{key}\t{value}")
}

/// What the document of each line says of its host, in the order of the lines.
fn names(folder: &Folder) -> Vec<Option<String>> {
    let mut documents = folder.documents("out.ndjson");
    documents.retain(|document| at(document, "event.dataset") == "floodmark.flow");
    documents.iter().map(|document| at(document, "host.name").as_str().map(str::to_owned)).collect()
}

/// A line of `host` that begins `window` windows after the first.
fn line(host: u64, window: u64) -> String {
    flows::line(host, "198.51.100.7", 20_000, START + window * WINDOW) + "\n"
}

/// Writes lines of `host`, one after the other, until a document calls it `name`.
fn until_called(folder: &Folder, process: &mut Running, next: &Cell<u64>, (host, name): (u64, Option<&str>)) {
    process.until("a document with what the topic says now", || {
        next.set(next.get() + 1);
        let written = folder.lines("in.log").len();
        folder.append("in.log", line(host, next.get()));
        let all = crate::process::until("the document of a line", || {
            Some(names(folder)).filter(|names| names.len() > written - 1)
        });
        (all.last().unwrap().as_deref() == name).then_some(())
    });
}

#[test]
fn documents_say_of_a_host_what_the_topic_said_at_their_time_and_follow_what_it_says_next() {
    let test = "documents_say_of_a_host_what_the_topic_said_at_their_time_and_follow_what_it_says_next";
    let Some(cluster) = Cluster::shared(test) else { return };
    let topic = unique("estate");
    cluster.create(&topic, 3, &[("cleanup.policy", "compact")]);
    // Host 0 changes hands in the middle of the fourth window.
    let rows = [
        row("first", r#"{"key": "10.0.0.1", "name": "ledger", "valid_to": "2026-03-02T00:35:00Z"}"#),
        row("second", r#"{"key": "10.0.0.1", "name": "mailer", "valid_from": "2026-03-02T00:35:00Z"}"#),
        row("10.0.0.2", r#"{"name": "before it was written anew"}"#),
        row("10.0.0.2", r#"{"name": "printer"}"#),
        row("10.0.0.3", r#"{"name": "taken away"}"#),
        row("10.0.0.3", "\\-"),
        row("10.0.0.4", "{"),
    ];
    assert_eq!(cluster.produce(&topic, &rows, &["--keyed", "--escaped"]), rows.len() as u64);

    let folder = Folder::new();
    let (port, broker) = (free_port(), cluster.address(Listener::Plaintext));
    folder.write(
        "c.yaml",
        format!(
            "sources: {{ flows: {{ from: {{ file: {{ paths: [in.log], follow: true }} }} }} }}\n\
             enrich: {{ assets: [{{ kafka: {{ brokers: [\"{broker}\"], topic: {topic} }} }}] }}\n\
             sinks: {{ out: {{ to: {{ file: {{ path: out.ndjson }} }} }} }}\n\
             state: {{ directory: state }}\ntelemetry: {{ listen: \"127.0.0.1:{port}\" }}\n"
        ),
    );
    let first: String = [(0, 2), (0, 4), (1, 4), (2, 4), (3, 4)].map(|(host, at)| line(host, at)).concat();
    folder.write("in.log", format!("{}\n{first}", flows::HEADER));
    let mut process = folder.start(&mut folder.command(&["run", "-q", "-c", "c.yaml"]));
    let said = process.until("five documents", || Some(names(&folder)).filter(|names| names.len() == 5));
    let expected = [Some("ledger"), Some("mailer"), Some("printer"), None, None];
    assert_eq!(said.iter().map(Option::as_deref).collect::<Vec<_>>(), expected);
    let page = metrics(port).expect("a page");
    let counted =
        |result: &str| page.sum("floodmark_enrich_topic_records_total", &[&format!("result=\"{result}\"")]);
    // The broker may have compacted what was written over.
    assert!((3..=5).contains(&counted("put")), "{} rows", counted("put"));
    assert_eq!(counted("refused"), 1);
    assert_eq!(page.sum("floodmark_enrich_topic_keys", &[]), 3);

    let next = Cell::new(4);
    cluster.produce(&topic, &[row("10.0.0.3", r#"{"name": "scanner"}"#)], &["--keyed", "--escaped"]);
    until_called(&folder, &mut process, &next, (2, Some("scanner")));
    cluster.produce(&topic, &[row("10.0.0.2", "\\-"), row("10.0.0.4", "{}")], &["--keyed", "--escaped"]);
    until_called(&folder, &mut process, &next, (1, None));
    process.stop().assert_code(0);
    let ids: std::collections::BTreeSet<String> = folder
        .documents("out.ndjson")
        .iter()
        .map(|document: &Value| document["event"]["id"].to_string())
        .collect();
    assert_eq!(ids.len(), folder.lines("in.log").len() - 1, "each line left once");
}

#[test]
fn a_topic_of_assets_that_is_not_compacted_is_pointed_out() {
    let test = "a_topic_of_assets_that_is_not_compacted_is_pointed_out";
    let Some(cluster) = Cluster::shared(test) else { return };
    let broker = cluster.address(Listener::Plaintext);
    for (policy, told) in [("delete", true), ("compact", false), ("compact,delete", false)] {
        let topic = unique("estate");
        cluster.create(&topic, 1, &[("cleanup.policy", policy)]);
        let folder = Folder::new();
        folder.write(
            "c.yaml",
            format!(
                "sources: {{ flows: {{ from: {{ stdin: {{}} }} }} }}\n\
                 enrich: {{ assets: [{{ kafka: {{ brokers: [\"{broker}\"], topic: {topic} }} }}] }}\n\
                 sinks: {{ out: {{ to: {{ file: {{ path: out.ndjson }} }} }} }}\n"
            ),
        );
        let ended = folder.run(&["check", "--online", "-c", "c.yaml"]);
        ended.assert_code(0);
        let note =
            format!("enrich.assets[0].kafka: the `cleanup.policy` of the topic `{topic}` is `{policy}`");
        assert_eq!(ended.err.contains(&note), told, "{policy}: {}", ended.err);
    }
}
