//! Sessions of an estate whose hosts, NAT and transit gateways all log the same flows, held against what the events say one by
//! one. That a crash changes none of them is for `crash` to show, that the order of records does not for `determinism`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    flows,
    process::{Folder, at, is_finding, is_session, text_at},
};

/// Address and port of an end.
type End = (String, u64);

/// By window and own end: the bytes that each end sent.
type Windows = BTreeMap<(u64, End), BTreeMap<End, u64>>;

fn generate(folder: &Folder) -> usize {
    let arguments = "generate --profile fleet --span 3h --hosts 300 --format v5 --seed 7";
    let arguments: Vec<&str> = arguments.split(' ').collect();
    let (ended, text) = folder.printed(&arguments);
    ended.assert_code(0);
    folder.write("fleet.log", &text);
    text.lines().count() - 1
}

fn config(extra: &str) -> String {
    format!(
        "sources: {{ flows: {{ from: {{ file: {{ paths: [fleet.log] }} }} }} }}\n\
         sinks:\n\
         \x20 events: {{ to: {{ file: {{ path: events.ndjson }} }} }}\n\
         \x20 out: {{ to: {{ file: {{ path: sessions.ndjson }} }}, select: sessions }}\n\
         enrich: {{ internal: [10.0.0.0/8, \"2600:1f10::/28\"] }}\n\
         score: {{ identity: [ecs-service, instance, address] }}\n{extra}"
    )
}

fn number(document: &Value, path: &str) -> u64 {
    at(document, path).as_u64().unwrap_or(0)
}

/// The last document of each session.
fn last_of_each(documents: &[Value]) -> BTreeMap<String, &Value> {
    let mut last: BTreeMap<String, &Value> = BTreeMap::new();
    for document in documents.iter().filter(|document| is_session(document)) {
        let known = last.entry(text_at(document, "floodmark.session.id")).or_insert(document);
        if number(document, "floodmark.session.records") >= number(known, "floodmark.session.records") {
            *known = document;
        }
    }
    last
}

/// An end of an event or a session: of an event the packet's own.
fn end_of(document: &Value, side: &str) -> End {
    let nat = &document[side]["nat"]["ip"];
    let ip = if nat.is_string() { nat } else { &document[side]["ip"] };
    (ip.as_str().unwrap_or_default().to_owned(), number(document, &format!("{side}.port")))
}

/// Which end of the event is the interface's own.
fn own_side(event: &Value) -> &'static str {
    if text_at(event, "aws.vpcflow.flow_direction") == "egress" { "source" } else { "destination" }
}

#[test]
fn every_record_is_in_one_session_and_what_both_interfaces_saw_counts_once() {
    let folder = Folder::new();
    let lines = generate(&folder);
    folder.write("c.yaml", config(""));
    folder.run(&["run", "-q", "-c", "c.yaml"]).assert_code(0);
    let (events, sessions) = (folder.documents("events.ndjson"), folder.documents("sessions.ndjson"));
    let flows: Vec<&Value> = events
        .iter()
        .filter(|event| !is_finding(event) && at(event, "floodmark")["entity"].is_object())
        .collect();
    assert!(flows.len() + 20 > lines, "{} of {lines} lines", flows.len());
    let last = last_of_each(&sessions);
    let records: u64 = last.values().map(|session| number(session, "floodmark.session.records")).sum();
    assert_eq!(records, flows.len() as u64, "every record is in a session");

    // Gateways' interfaces see packets of others: their own side is now this and now that.
    let mut own: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for event in &flows {
        let interface = own.entry(text_at(event, "aws.vpcflow.interface_id")).or_default();
        interface.insert(end_of(event, own_side(event)).0);
    }
    let is_own = |event: &Value| own[&text_at(event, "aws.vpcflow.interface_id")].len() <= 2;

    let mut passed: BTreeSet<BTreeSet<End>> = BTreeSet::new();
    // By conversation.
    let mut seen: BTreeMap<BTreeSet<End>, Windows> = BTreeMap::new();
    for event in &flows {
        let (from, to) = (end_of(event, "source"), end_of(event, "destination"));
        let ends = BTreeSet::from([from.clone(), to]);
        if !is_own(event) {
            passed.insert(ends);
            continue;
        }
        let time: jiff::Timestamp = text_at(event, "event.end").parse().unwrap();
        let window = time.as_second() as u64 / 600;
        let windows = seen.entry(ends).or_default();
        let sent = windows.entry((window, end_of(event, own_side(event)))).or_default();
        *sent.entry(from).or_default() += number(event, "source.bytes");
    }

    let mut told: BTreeMap<BTreeSet<End>, BTreeMap<End, u64>> = BTreeMap::new();
    for session in last.values() {
        let (client, server) = (end_of(session, "source"), end_of(session, "destination"));
        assert!(server.1 < 32_768, "nobody serves {server:?}: {session}");
        let sent = told.entry(BTreeSet::from([client.clone(), server.clone()])).or_default();
        *sent.entry(client).or_default() += number(session, "source.bytes");
        *sent.entry(server).or_default() += number(session, "destination.bytes");
    }
    let mut compared = 0;
    for (ends, windows) in seen.iter().filter(|(ends, _)| !passed.contains(*ends) && ends.len() == 2) {
        for end in ends {
            let mut most: BTreeMap<u64, u64> = BTreeMap::new();
            for ((window, _), sent) in windows {
                let most = most.entry(*window).or_default();
                *most = (*most).max(sent.get(end).copied().unwrap_or(0));
            }
            assert_eq!(told[ends][end], most.values().sum::<u64>(), "what {end:?} of {ends:?} sent");
            compared += 1;
        }
    }
    assert!(compared > 10_000 && !passed.is_empty(), "{compared} compared, {} passed on", passed.len());
}

/// Every document of a session, but for when it was written, and for its score: what is counted in sketches depends on the seed,
/// which is another in every process without a state.
fn documents(folder: &Folder) -> BTreeSet<String> {
    let mut documents = folder.documents("sessions.ndjson");
    documents.retain(|document| !is_finding(document));
    let text = |mut document: Value| {
        let event = document["event"].as_object_mut().unwrap();
        ["ingested", "risk_score"].iter().for_each(|name| drop(event.remove(*name)));
        document.to_string()
    };
    documents.into_iter().map(text).collect()
}

#[test]
fn one_thread_and_four_tell_of_the_same_sessions() {
    let folder = Folder::new();
    generate(&folder);
    let told = [1, 4].map(|threads| {
        folder.write("c.yaml", config(&format!("limits: {{ threads: {threads} }}\n")));
        let _ = std::fs::remove_file(folder.path("sessions.ndjson"));
        folder.run(&["run", "-q", "-c", "c.yaml"]).assert_code(0);
        documents(&folder)
    });
    assert!(told[0].len() > 10_000 && told[0] == told[1], "{} and {} sessions", told[0].len(), told[1].len());
}

#[test]
fn a_sample_leaves_out_no_session_of_a_window_that_raised_a_finding() {
    let folder = Folder::new();
    folder.write("in.log", flows::estate(300));
    folder.write(
        "c.yaml",
        "sources: { flows: { from: { file: { paths: [in.log] } } } }\n\
         sinks:\n\
         \x20 all: { to: { file: { path: all.ndjson } }, select: sessions }\n\
         \x20 thin: { to: { file: { path: thin.ndjson } }, select: sessions, sample: { below: 100, keep: 1/1000000 } }\n\
         score: { learn_all: 0s }\n",
    );
    folder.run(&["run", "-q", "-c", "c.yaml"]).assert_code(0);
    let (all, thin) = (folder.documents("all.ndjson"), folder.documents("thin.ndjson"));
    let ids: BTreeSet<String> = thin.iter().map(|document| text_at(document, "event.id")).collect();
    // Of whom and when: in text times are in their order.
    let findings = all.iter().filter(|document| is_finding(document));
    let raised: BTreeSet<(String, String)> = findings
        .map(|finding| {
            (text_at(finding, "floodmark.entity.name"), text_at(finding, "floodmark.score.window.start"))
        })
        .collect();
    let rests = |session: &&Value| {
        let (start, end) = (text_at(session, "event.start"), text_at(session, "event.end"));
        let entities = at(session, "floodmark.session.entities").as_array().unwrap();
        raised.iter().any(|(name, window)| {
            // It spoke in every window from its start to its end, or in this one alone.
            entities.iter().any(|entity| entity == name)
                && start[..15] <= window[..15]
                && end[..15] >= window[..15]
        })
    };
    let sessions: Vec<&Value> = all.iter().filter(|document| is_session(document)).collect();
    let (kept, others): (Vec<&Value>, Vec<&Value>) = sessions.iter().partition(|session| rests(session));
    assert!(kept.len() > 20 && others.len() > 100, "{} and {}", kept.len(), others.len());
    for session in kept {
        assert!(ids.contains(&text_at(session, "event.id")), "a finding rests on {session}");
    }
    let low = others.iter().filter(|session| number(session, "event.risk_score") < 100);
    let scored = low.filter(|session| session["event"]["risk_score"].is_u64());
    assert!(scored.filter(|session| !ids.contains(&text_at(session, "event.id"))).count() > 50);
}
