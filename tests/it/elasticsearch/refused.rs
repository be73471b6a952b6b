//! Documents that a server refuses for good: they go to the dead letter with its reason, their neighbours are delivered,
//! and they can be replayed once the server takes them.

use serde_json::json;

use super::{assert_balanced, config, minimal, stream, with_rest};
use crate::{
    flows,
    process::{Folder, free_port, metrics, text_at},
    servers::{Product, Server, namespace},
};

/// A template for one namespace, in which no more than 127 bytes can be told.
fn narrow(server: &Server, namespace: &str, kind: &str) {
    let mappings = json!({
        "_meta": { "managed_by": "floodmark" },
        "properties": { "source": { "properties": { "bytes": { "type": kind } } } }
    });
    let template = json!({
        "index_patterns": [stream("flow", namespace)], "priority": 400, "data_stream": {},
        "template": { "settings": { "number_of_replicas": 0 }, "mappings": mappings }
    });
    server.must("PUT", &format!("/_index_template/narrow-{namespace}"), Some(&template));
}

/// Lines of which one in a thousand tells many bytes.
fn lines(count: u64) -> String {
    let line = |number: u64| {
        let bytes = if number % 1_000 == 500 { 5_000 } else { 100 };
        flows::line(number % 12, "198.51.100.7", bytes, flows::START + number / 12) + "\n"
    };
    (0..count).map(line).collect()
}

#[test]
fn of_a_mapping_conflict_in_one_event_of_a_thousand_only_those_go_to_the_dead_letter_and_a_replay_brings_them_in()
 {
    let name = "of_a_mapping_conflict_in_one_event_of_a_thousand_only_those_go_to_the_dead_letter_and_a_replay_brings_them_in";
    for server in minimal::all(name) {
        let (folder, namespace, port) = (Folder::new(), namespace(), free_port());
        narrow(&server, &namespace, "byte");
        folder.write("in.log", lines(4_000));
        let telemetry = format!("telemetry: {{ listen: \"127.0.0.1:{port}\" }}\n");
        let from = "file: { paths: [in.log], follow: true }";
        let rest = format!("{telemetry}state: {{ directory: state }}\n");
        folder.write("c.yaml", with_rest(server.url(), &namespace, "", from, &rest));
        let mut process = folder.start(&mut folder.command(&["run", "-q", "-c", "c.yaml"]));
        let page = process.until("the last document", || {
            metrics(port).filter(|page| {
                page.sink("siem", "delivered_total") + page.sink("siem", "dead_lettered_total") == 4_000
            })
        });
        assert_eq!(page.sink("siem", "dead_lettered_total"), 4);
        assert_balanced(&page, "siem");
        process.stop().assert_code(0);
        assert_eq!(server.count(&stream("flow", &namespace)), 3_996);
        let letters = folder.documents("dead.ndjson");
        assert_eq!(letters.len(), 4);
        for letter in &letters {
            assert_eq!((text_at(letter, "sink"), letter["status"].as_u64()), ("siem".to_owned(), Some(400)));
            assert!(text_at(letter, "detail").contains("source.bytes"), "{letter}");
            assert!(text_at(letter, "document").contains("\"bytes\":5000"), "{letter}");
        }

        narrow(&server, &namespace, "long");
        server.must("POST", &format!("/{}/_rollover", stream("flow", &namespace)), None);
        std::fs::rename(folder.path("dead.ndjson"), folder.path("again.ndjson")).unwrap();
        folder.write("again.yaml", config(server.url(), &namespace, ""));
        folder.run(&["replay", "-c", "again.yaml", "again.ndjson"]).assert_code(0);
        let ids = server.ids(&stream("flow", &namespace));
        assert!(ids.len() == 4_000 && ids.values().all(|count| *count == 1), "{:?}", server.product);
        assert!(letters.iter().all(|letter| ids.contains_key(&text_at(letter, "event_id"))));
        assert_eq!(folder.len("dead.ndjson"), 0);
    }
}

#[test]
fn a_finding_that_was_refused_is_replayed_into_the_stream_of_findings() {
    let name = "a_finding_that_was_refused_is_replayed_into_the_stream_of_findings";
    let Some(server) = minimal::shared(name, Product::OpenSearch3) else { return };
    let (folder, namespace) = (Folder::new(), namespace());
    let template = |kind: &str| {
        let mappings = json!({
            "_meta": { "managed_by": "floodmark" },
            "properties": { "event": { "properties": { "reason": { "type": kind } } } }
        });
        json!({
            "index_patterns": [stream("finding", &namespace)], "priority": 400, "data_stream": {},
            "template": { "settings": { "number_of_replicas": 0 }, "mappings": mappings }
        })
    };
    let put = |kind: &str| {
        server.must("PUT", &format!("/_index_template/findings-{namespace}"), Some(&template(kind)));
    };
    put("long");
    folder.write("in.log", flows::estate(super::WINDOWS));
    folder.write("c.yaml", config(server.url(), &namespace, ""));
    folder.run(&["run", "-q", "-c", "c.yaml"]).assert_code(0);
    let findings = super::copied(&folder)[1].clone();
    assert_eq!(
        (folder.lines("dead.ndjson").len(), server.count(&stream("finding", &namespace))),
        (findings.len(), 0)
    );

    put("keyword");
    server.must("POST", &format!("/{}/_rollover", stream("finding", &namespace)), None);
    std::fs::rename(folder.path("dead.ndjson"), folder.path("again.ndjson")).unwrap();
    folder.run(&["replay", "-c", "c.yaml", "again.ndjson"]).assert_code(0);
    assert!(server.ids(&stream("finding", &namespace)) == findings);
}
