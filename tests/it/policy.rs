//! What becomes of findings as the config and a file of suppressions say, and as both change while the process runs.

use std::{fmt::Write as _, io::Write as _, process::Stdio};

use serde_json::Value;

use crate::{
    flows,
    process::{Folder, free_port, metrics, text_at},
};

/// Hosts `first` to `last`, each of which tries twenty ports of another in window `window`, all refused.
fn scans(window: u32, first: u32, last: u32) -> String {
    let mut out = String::new();
    for host in first..=last {
        // What it asks of a third shows whose interface it is.
        for (other, port) in std::iter::once((254, 1)).chain((1..=20).map(|port| (250, port))) {
            let (client, start) = (40_000 + port, window * 600);
            writeln!(
                out,
                "2 123456789012 eni-{host} 10.0.0.{host} 10.0.1.{other} {client} {port} 6 1 60 {start} {} REJECT OK",
                start + 10
            )
            .unwrap();
        }
    }
    out
}

fn config(from: &str, score: &str, more: &str) -> String {
    format!(
        "sources: {{ flows: {{ from: {{ {from} }} }} }}\n\
         sinks: {{ out: {{ to: {{ file: {{ path: out.ndjson }} }}, select: findings }} }}\n\
         enrich: {{ internal: [10.0.0.0/8] }}\n\
         score: {{ {score} }}\n{more}"
    )
}

fn dispositions(documents: &[Value]) -> Vec<String> {
    documents.iter().map(|document| text_at(document, "floodmark.finding.disposition")).collect()
}

#[test]
fn what_is_over_the_budget_and_what_is_suppressed_leaves_marked() {
    let folder = Folder::new();
    folder.write("in.log", format!("{}\n{}", flows::HEADER, scans(1, 1, 5)));
    folder.write(
        "suppressions.yaml",
        "suppressions: [{ where: 'source.ip = 10.0.0.2', owner: jane, reason: our scanner, ticket: SEC-1, until: 2999-01-01 }]\n",
    );
    folder.write(
        "c.yaml",
        config("file: { paths: [in.log] }", "budget: 2, suppressions: suppressions.yaml", ""),
    );
    folder.run(&["run", "-q", "-c", "c.yaml"]).assert_code(0);
    let found = folder.documents("out.ndjson");
    assert_eq!(dispositions(&found), ["alert", "suppressed", "alert", "over_budget", "over_budget"]);
    let kinds: Vec<String> = found.iter().map(|finding| text_at(finding, "event.kind")).collect();
    assert_eq!(kinds, ["alert", "event", "alert", "event", "event"]);
    assert_eq!(text_at(&found[1], "floodmark.finding.suppression.owner"), "jane");
    assert_eq!(text_at(&found[1], "floodmark.finding.suppression.ticket"), "SEC-1");
    assert!(found[0]["floodmark"]["finding"]["suppression"].is_null());
}

#[test]
fn a_file_of_suppressions_that_cannot_be_used_is_refused_at_start_with_key_and_entry() {
    let folder = Folder::new();
    folder.write("in.log", "");
    folder.write(
        "suppressions.yaml",
        "suppressions: [{ where: 'source.ip = 10.0.0.2', owner: jane, reason: '', until: 2999-01-01 }]\n",
    );
    folder.write("c.yaml", config("file: { paths: [in.log] }", "suppressions: suppressions.yaml", ""));
    let ended = folder.run(&["run", "-q", "-c", "c.yaml"]);
    assert_ne!(ended.code(), Some(0));
    ended.assert_told("score.suppressions");
    ended.assert_told("entry 1 has no reason");
    let (ended, text) = folder.printed(&["check", "-c", "c.yaml", "--online"]);
    assert!((ended.err + &text).contains("entry 1 has no reason"));
}

#[test]
fn config_and_suppressions_are_read_again_and_what_is_not_sound_or_needs_a_restart_is_refused() {
    let folder = Folder::new();
    let port = free_port();
    let from = "stdin: {}";
    let more = format!("telemetry: {{ listen: \"127.0.0.1:{port}\" }}\n");
    folder.write("suppressions.yaml", "suppressions: []\n");
    folder.write("c.yaml", config(from, "budget: 9, suppressions: suppressions.yaml, lateness: 1s", &more));
    let mut process = folder.start(folder.command(&["run", "-q", "-c", "c.yaml"]).stdin(Stdio::piped()));
    let mut input = process.stdin();
    let reloads = |file: &str, result: &str| {
        let labels = [format!("file=\"{file}\""), format!("result=\"{result}\"")];
        metrics(port).map_or(0, |page| {
            page.sum("floodmark_config_reloads_total", &labels.iter().map(String::as_str).collect::<Vec<_>>())
        })
    };
    // Each window folds when the next one has begun.
    let mut window = 10;
    let mut seen = 0;
    let mut next = |process: &mut crate::process::Running| {
        let lines = scans(window, 1, 2) + &scans(window + 2, 3, 3);
        let header = if window == 10 { format!("{}\n", flows::HEADER) } else { String::new() };
        input.write_all((header + &lines).as_bytes()).unwrap();
        input.flush().unwrap();
        window += 400;
        let found = process.until("findings of the window", || {
            let found = folder.documents("out.ndjson");
            (found.len() >= seen + 2).then_some(found)
        });
        let new = dispositions(&found[seen..]);
        seen = found.len();
        new
    };
    assert_eq!(next(&mut process), ["alert", "alert"]);

    folder.write(
        "suppressions.yaml",
        "suppressions: [{ where: 'source.ip = 10.0.0.1', owner: jane, reason: known, until: 2999-01-01 }]\n",
    );
    process.until("the file to be read again", || (reloads("score.suppressions", "ok") == 1).then_some(()));
    // The third host's window of before folds as well.
    assert_eq!(next(&mut process), ["alert", "suppressed", "alert"]);

    folder.write("c.yaml", config(from, "budget: 9, lateness: 2s", &more));
    process.hang_up();
    process.until("the config to be refused", || (reloads("config", "refused") >= 1).then_some(()));
    assert_eq!(next(&mut process), ["alert", "suppressed", "alert"], "all of it");

    folder.write(
        "c.yaml",
        config(from, "budget: 9, lateness: 1s, detectors: { scan.vertical: observe }", &more),
    );
    process.hang_up();
    process.until("the config to be taken", || (reloads("config", "ok") >= 1).then_some(()));
    assert_eq!(next(&mut process), ["observed", "observed", "observed"]);
    drop(input);
    let ended = process.wait();
    ended.assert_code(0);
    ended.assert_told("restart it for score.lateness");
}
