//! What leaves, and how much of it: `where` and `sample` on a sink beside one that gets everything.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    flows::{self, HOSTS},
    process::{Folder, Page, at, free_port, is_finding, metrics, text_at},
};

const WINDOWS: u64 = 300;
/// Below this score is everything here: so much is not known of so few windows.
const BELOW: u64 = 100;

fn config(port: u16, sinks: &str) -> String {
    format!(
        "sources: {{ flows: {{ from: {{ file: {{ paths: [in.log], follow: true }} }} }} }}\n\
         sinks:\n  all: {{ to: {{ file: {{ path: all.ndjson }} }} }}\n{sinks}\
         score: {{ learn_all: 0s }}\nstate: {{ directory: state }}\ntelemetry: {{ listen: \"127.0.0.1:{port}\" }}\n"
    )
}

/// Runs over an estate with findings, whose records are followed so that metrics can be read; gives the last page.
fn run(folder: &Folder, sinks: &str, names: &[&str]) -> Page {
    let port = free_port();
    let lines = flows::estate(WINDOWS) + &flows::closing(WINDOWS);
    folder.write("in.log", &lines);
    folder.write("c.yaml", config(port, sinks));
    let mut process = folder.start(&mut folder.command(&["run", "-q", "-c", "c.yaml"]));
    let count = lines.lines().count() as i64;
    let settled = |page: &Page| {
        page.sink("all", "delivered_total") >= count
            && names.iter().all(|name| page.sink(name, "in_flight") == 0)
    };
    let page = process.until("delivery of everything", || metrics(port).filter(settled));
    process.stop().assert_code(0);
    page
}

/// Whose window it is about: the entity, and the start of the ten minutes, which an event without a score says by its end.
fn window_of(document: &Value) -> (String, String) {
    let entity = text_at(document, "floodmark.entity.name");
    let start = at(document, "floodmark.score.window.start").as_str().map(str::to_owned);
    (entity, start.unwrap_or_else(|| format!("{}0:00Z", &text_at(document, "event.end")[..15])))
}

fn score(document: &Value) -> Option<u64> {
    document["event"]["risk_score"].as_u64()
}

/// What the window had come to, in the unit of what surprised most.
fn observed(document: &Value) -> Option<u64> {
    at(document, "floodmark.score.observed").as_u64()
}

/// Fails unless the sink's books say of `name` that so many documents left and so many were left out.
#[track_caller]
fn assert_books(page: &Page, name: &str, offered: usize, delivered: usize, filtered: usize, sampled: usize) {
    let count = |term: &str| page.sink(name, &format!("{term}_total")) as usize;
    let terms = ["offered", "delivered", "filtered", "sampled"].map(count);
    assert_eq!(
        terms,
        [offered, delivered, filtered, sampled],
        "{name}: offered, delivered, filtered, sampled"
    );
}

#[test]
fn a_sample_keeps_every_finding_and_what_it_rests_on_and_tells_how_much_was_left_out() {
    let folder = Folder::new();
    let sinks = format!(
        "  thin: {{ to: {{ file: {{ path: thin.ndjson }} }}, sample: {{ below: {BELOW}, keep: 1/5 }} }}\n"
    );
    let page = run(&folder, &sinks, &["all", "thin"]);
    let (all, thin) = (folder.documents("all.ndjson"), folder.documents("thin.ndjson"));
    let left: BTreeMap<String, &Value> =
        thin.iter().map(|document| (text_at(document, "event.id"), document)).collect();
    assert_eq!(left.len(), thin.len(), "each leaves once");
    assert_books(&page, "all", all.len(), all.len(), 0, 0);
    assert_books(&page, "thin", all.len(), thin.len(), 0, all.len() - thin.len());

    // What each window that raised a finding had come to by then.
    let created = all.iter().filter(|document| text_at(document, "event.action") == "finding-created");
    let raised: BTreeMap<(String, String), u64> =
        created.map(|finding| (window_of(finding), observed(finding).unwrap())).collect();
    let (mut low, mut stands_for, mut rested) = (0, 0, 0);
    for document in &all {
        let found = left.get(&text_at(document, "event.id"));
        let rate = found.and_then(|found| found["floodmark"]["sample"]["rate"].as_u64());
        if is_finding(document) {
            let same = found.is_some_and(|found| found["floodmark"] == document["floodmark"]);
            assert!(same, "findings leave whole");
        } else if raised.get(&window_of(document)).is_some_and(|raised| observed(document) >= Some(*raised)) {
            rested += 1;
            assert!(found.is_some() && rate.is_none(), "a finding rests on {document}");
        } else if score(document).is_some_and(|score| score < BELOW) {
            low += 1;
            stands_for += rate.unwrap_or(0);
        } else {
            assert!(found.is_some() && rate.is_none(), "{document} did not score low");
        }
    }
    assert!(raised.len() >= 4 && rested >= 16, "{} windows, {rested} events", raised.len());
    assert!(low > 2_000 && stands_for.abs_diff(low) < low / 5, "{stands_for} stand for {low}");
}

#[test]
fn a_finding_counts_what_the_window_held_whatever_left() {
    let folder = Folder::new();
    let sinks = "  none: { to: { discard: {} }, sample: { below: 100, keep: 1/1000000 } }\n";
    run(&folder, sinks, &["all", "none"]);
    let all = folder.documents("all.ndjson");
    let closed = all.iter().filter(|document| text_at(document, "event.action") == "finding-closed");
    let mut count = 0;
    for finding in closed {
        let own: Vec<&Value> = all
            .iter()
            .filter(|document| !is_finding(document) && window_of(document) == window_of(finding))
            .collect();
        let activity = at(finding, "floodmark.finding.activity");
        let sum = |path: &str| own.iter().map(|event| at(event, path).as_u64().unwrap()).sum::<u64>();
        assert_eq!(activity["events"], own.len());
        assert_eq!(activity["bytes"], sum("source.bytes"));
        assert_eq!(activity["packets"], sum("source.packets"));
        for series in ["events", "bytes"] {
            let parts = activity[&format!("{series}_by_minute")].as_array().unwrap();
            assert_eq!(parts.len(), 10);
            assert_eq!(activity[series], parts.iter().map(|part| part.as_u64().unwrap()).sum::<u64>());
        }
        count += 1;
    }
    assert!(count >= 4, "{count} findings closed");
}

#[test]
fn where_leaves_out_events_and_counts_them_and_lets_findings_pass_that_do_not_contradict_it() {
    let folder = Folder::new();
    let sinks = "  one: { to: { file: { path: one.ndjson } }, where: \"srcaddr = 10.0.0.2\" }\n  \
                   big: { to: { file: { path: big.ndjson } }, where: \"bytes > 1MB\" }\n";
    let page = run(&folder, sinks, &["all", "one", "big"]);
    let all = folder.documents("all.ndjson");
    let findings = all.iter().filter(|document| is_finding(document)).count();
    assert!(findings >= 8);
    let ids = |documents: &[Value]| -> BTreeSet<String> {
        documents.iter().map(|document| text_at(document, "event.id")).collect()
    };
    for (name, passes) in [
        ("one", (|document| text_at(document, "source.ip") == "10.0.0.2") as fn(&Value) -> bool),
        // A finding has no bytes of its own, so that all of them pass.
        ("big", |document| is_finding(document) || at(document, "source.bytes").as_u64() > Some(1_000_000)),
    ] {
        let got = folder.documents(&format!("{name}.ndjson"));
        let expected: Vec<Value> = all.iter().filter(|document| passes(document)).cloned().collect();
        assert_eq!(ids(&got), ids(&expected), "{name}");
        assert_books(&page, name, all.len(), got.len(), all.len() - got.len(), 0);
    }
    let one = folder.documents("one.ndjson");
    let some = one.iter().filter(|document| is_finding(document)).count();
    assert!(some > 0 && some < findings && HOSTS > 1, "{some} of {findings} findings are about one host");
}
