//! The sink for Elasticsearch and OpenSearch against the real servers, which `tests/run` starts: OpenSearch 2 and 3,
//! Elasticsearch 8 and 9. Those have neither logins nor TLS; a proxy of the tests' own stands for both.

mod answers;
mod minimal;
mod outages;
pub mod proxy;
mod refused;
mod secured;
mod setup;
#[cfg(feature = "aws")]
pub mod signed;
mod unready;
mod volume;

use std::{collections::BTreeMap, thread::sleep, time::Duration};

use serde_json::{Value, json};

use crate::{
    flows,
    process::{Folder, Page, Running, at, is_finding, is_session, text_at, until},
    search::provisioned::install,
    servers::{Server, namespace},
};

/// Windows of the estate that a test reads: enough for findings.
const WINDOWS: u64 = 130;

/// A config that reads `in.log`, and creates documents in the cluster at `url` and writes them to a file, too.
fn config(url: &str, namespace: &str, more: &str) -> String {
    with_rest(url, namespace, more, "file: { paths: [in.log] }", "")
}

/// As [`config`], from another place, with other sections.
fn with_rest(url: &str, namespace: &str, more: &str, from: &str, rest: &str) -> String {
    format!(
        "sources: {{ flows: {{ from: {{ {from} }} }} }}\n\
         sinks:\n  siem:\n    to:\n      elasticsearch: {{ urls: [\"{url}\"], namespace: {namespace}, linger: 50ms{more} }}\n\
         \x20 copy: {{ to: {{ file: {{ path: copy.ndjson }} }} }}\n\
         score: {{ learn_all: 0s }}\n{rest}"
    )
}

/// The name of the data stream of flows or findings.
fn stream(kind: &str, namespace: &str) -> String {
    format!("logs-floodmark.{kind}-{namespace}")
}

/// Waits until `all` documents are under `name`, or the process has ended. There must be more of them each time, within the
/// time that anything may take.
#[track_caller]
fn until_all(server: &Server, name: &str, all: u64, process: &mut Running) {
    let mut seen = 0;
    while seen < all && process.is_running() {
        seen = until("more documents", || {
            // The server has better things to do than to be asked.
            sleep(Duration::from_secs(1));
            let now = server.count(name);
            (now > seen || !process.is_running()).then_some(now)
        });
    }
}

/// The ids of the events and of the findings that the file `copy.ndjson` holds.
fn copied(folder: &Folder) -> [BTreeMap<String, u32>; 2] {
    [ids_of(folder, |document| !is_finding(document) && !is_session(document)), ids_of(folder, is_finding)]
}

/// The ids of the documents of `copy.ndjson` that are so.
fn ids_of(folder: &Folder, is: fn(&Value) -> bool) -> BTreeMap<String, u32> {
    let documents = folder.documents("copy.ndjson");
    documents.iter().filter(|document| is(document)).map(|one| (text_at(one, "event.id"), 1)).collect()
}

/// Fails unless the cluster has exactly what the file has, each document once and in the stream of its kind.
#[track_caller]
fn assert_same(server: &Server, namespace: &str, folder: &Folder) {
    let [events, findings] = copied(folder);
    assert!(!events.is_empty(), "nothing was read");
    assert!(
        server.ids(&stream("flow", namespace)) == events,
        "{:?}: not the events that left",
        server.product
    );
    let found = match findings.is_empty() {
        true => BTreeMap::new(),
        false => server.ids(&stream("finding", namespace)),
    };
    assert!(found == findings, "{:?}: not the findings that left", server.product);
}

/// Fails unless the account of a sink is the sum of its parts.
#[track_caller]
fn assert_balanced(page: &Page, sink: &str) {
    let sum = |parts: &[&str]| parts.iter().map(|part| page.sink(sink, part)).sum::<i64>();
    let came = sum(&["offered_total", "recovered_total"]);
    let parts =
        ["delivered_total", "filtered_total", "sampled_total", "dead_lettered_total", "abandoned_total"];
    assert_eq!(came, sum(&parts) + sum(&["damaged_total", "in_flight"]), "{}", page.text);
}

#[test]
fn on_every_server_each_event_session_and_finding_is_created_once_in_the_stream_of_its_kind_however_often_it_is_delivered()
 {
    let name = "on_every_server_each_event_session_and_finding_is_created_once_in_the_stream_of_its_kind_however_often_it_is_delivered";
    for server in minimal::all(name) {
        let (folder, namespace) = (Folder::new(), namespace());
        folder.write("in.log", flows::estate(WINDOWS));
        let all = "    select: events_and_sessions\n    to:\n";
        let text = config(server.url(), &namespace, "").replace("    to:\n", all);
        folder.write("c.yaml", text.replace("copy: {", "copy: { select: events_and_sessions,"));
        folder.run(&["run", "-q", "-c", "c.yaml"]).assert_code(0);
        assert!(!copied(&folder)[1].is_empty(), "no findings");
        assert_same(&server, &namespace, &folder);
        let sessions = ids_of(&folder, is_session);
        assert!(sessions.len() > 20 && server.ids(&stream("session", &namespace)) == sessions);
        // The next run reads the file from its start, and every id is there already.
        folder.run(&["run", "-q", "-c", "c.yaml"]).assert_code(0);
        assert_same(&server, &namespace, &folder);
        let documents = server.documents(&stream("flow", &namespace));
        assert!(documents.iter().all(|document| at(document, "data_stream.namespace") == namespace.as_str()));
        assert_eq!(folder.len("dead.ndjson"), 0);
        let (_, resolved) =
            server.ask("GET", &format!("/_resolve/index/{}", stream("flow", &namespace)), None);
        assert_eq!(resolved["data_streams"].as_array().unwrap().len(), 1, "{resolved}");
    }
}

#[test]
fn a_document_that_is_delivered_again_after_a_rollover_is_there_twice_and_in_daily_indices_once() {
    let name = "a_document_that_is_delivered_again_after_a_rollover_is_there_twice_and_in_daily_indices_once";
    for server in minimal::all(name) {
        let (folder, namespace) = (Folder::new(), namespace());
        // Two days, of which the second begins in the middle.
        folder.write(
            "in.log",
            (0..40)
                .map(|number| {
                    flows::line(number, "198.51.100.7", 5_000, flows::START + 84_000 + number * 120) + "\n"
                })
                .collect::<String>(),
        );
        folder.write("streams.yaml", config(server.url(), &namespace, ""));
        folder.write("days.yaml", config(server.url(), &namespace, ", into: daily_indices"));
        folder.run(&["run", "-q", "-c", "streams.yaml"]).assert_code(0);
        server.must("POST", &format!("/{}/_rollover", stream("flow", &namespace)), None);
        folder.run(&["run", "-q", "-c", "streams.yaml"]).assert_code(0);
        let ids = server.ids(&stream("flow", &namespace));
        assert!(ids.len() == 40 && ids.values().all(|count| *count == 2), "{:?}: {ids:?}", server.product);

        let days = ["2026.03.02", "2026.03.03"].map(|day| format!("floodmark-flow-{namespace}-{day}"));
        for _ in 0..2 {
            folder.run(&["run", "-q", "-c", "days.yaml"]).assert_code(0);
            let counts = [server.count(&days[0]), server.count(&days[1])];
            assert_eq!(counts, [20, 20], "{:?}: each in the index of the day when it ended", server.product);
        }
        let ids = server.ids(&format!("floodmark-flow-{namespace}-*"));
        assert!(ids.len() == 40 && ids.values().all(|count| *count == 1));
    }
}

#[test]
fn ocsf_documents_go_into_daily_indices_where_addresses_and_times_have_their_types() {
    let name = "ocsf_documents_go_into_daily_indices_where_addresses_and_times_have_their_types";
    for server in Server::all(name) {
        let (folder, namespace) = (Folder::new(), namespace());
        install(&server, &namespace);
        folder.write("in.log", flows::estate(WINDOWS));
        let text = config(server.url(), &namespace, ", into: daily_indices");
        folder.write("c.yaml", text.replace("  siem:\n", "  siem:\n    schema: ocsf\n"));
        folder.run(&["run", "-q", "-c", "c.yaml"]).assert_code(0);
        let [events, findings] = copied(&folder);
        assert_eq!(folder.len("dead.ndjson"), 0, "{:?}", server.product);
        assert!(server.ids(&format!("floodmark-flow-{namespace}-*")) == events, "{:?}", server.product);
        assert!(server.ids(&format!("floodmark-finding-{namespace}-*")) == findings, "{:?}", server.product);
        let query = json!({ "query": { "bool": { "filter": [
            { "term": { "src_endpoint.ip": "10.0.0.0/28" } },
            { "range": { "time": { "gte": "2026-03-02T00:00:00Z", "lt": "2026-03-02T00:10:00Z" } } },
        ] } } });
        let found = server.must("POST", &format!("/floodmark-flow-{namespace}-*/_count"), Some(&query));
        assert_eq!(found["count"], flows::HOSTS, "{:?}", server.product);
    }
}
