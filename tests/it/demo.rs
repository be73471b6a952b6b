//! The demo: whoever runs it sees the attacked database first, whatever the seed; and what it writes is ECS.

use std::{
    fs,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use serde_json::Value;

use crate::{
    flows,
    process::{Ended, Folder, at, is_finding, repository, text_at},
    skipped::fixtures,
};

/// The attacked database, as the demo's asset list calls it, and its address.
const ATTACKED: &str = "reports-db";
const ATTACKED_ADDRESS: &str = "10.20.0.19";
/// What every revision of a finding holds, and no event.
const FINDING: &str = "\"dataset\":\"floodmark.finding\"";
const SEEDS: u32 = 20;
/// Of so many seeds the attacked database stands first.
const FIRST_MIN: u32 = 19;

/// The demo's config, reading `bundle` instead of the committed folder and writing to `sink`.
fn config(bundle: &str, sink: &str) -> String {
    let text = fs::read_to_string(repository().join("config/demo.yaml")).unwrap();
    let code: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let code = code.join("\n").replace("config/demo/", &format!("{bundle}/"));
    let whole = "siem: { to: { file: { path: demo.ndjson } } }";
    assert!(code.contains(whole), "{code}");
    code.replace(whole, sink) + "\n"
}

/// The score and the name of whoever stands first in the summary.
fn first(ended: &Ended) -> (u8, String) {
    ended.assert_code(0);
    let mut lines =
        ended.err.lines().skip_while(|line| *line != "Who rose highest above the usual mark").skip(1);
    let row = lines.next().unwrap_or_else(|| panic!("nobody stands in the summary: {}", ended.err));
    let mut words = row.split_whitespace();
    (words.next().unwrap().parse().expect(row), words.next().unwrap().to_owned())
}

#[test]
fn the_demo_names_the_attacked_database_first_and_tells_its_finding_from_the_first_mark_to_the_end() {
    let folder = Folder::new();
    let bundle = repository().join("config/demo");
    folder.write(
        "demo.yaml",
        config(bundle.to_str().unwrap(), "siem: { to: { file: { path: demo.ndjson } } }"),
    );
    let ended = folder.run(&["run", "-c", "demo.yaml"]);
    let (score, name) = first(&ended);
    assert_eq!(name, ATTACKED, "{}", ended.err);
    assert!(score >= 80, "{score}");
    ended.assert_told("0 quarantined");
    ended.assert_told("1.02 GB");

    let documents = folder.lines("demo.ndjson");
    let findings: Vec<Value> = documents
        .iter()
        .filter(|line| line.contains(FINDING))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(findings.iter().all(is_finding));
    let of_attack: Vec<&Value> =
        findings.iter().filter(|finding| at(finding, "floodmark.entity.name") == ATTACKED_ADDRESS).collect();
    let revisions: Vec<String> =
        of_attack.iter().map(|finding| text_at(finding, "floodmark.finding.revision")).collect();
    assert_eq!(revisions.first().map(String::as_str), Some("created"), "{revisions:?}");
    assert_eq!(revisions.last().map(String::as_str), Some("closed"), "{revisions:?}");
    assert!(of_attack.iter().all(|finding| text_at(finding, "host.name") == ATTACKED));
    // One alert, and one incident.
    let kinds: Vec<String> = of_attack.iter().map(|finding| text_at(finding, "event.kind")).collect();
    assert!(kinds[0] == "alert" && kinds[1..].iter().all(|kind| kind == "event"), "{kinds:?}");
    let incident = text_at(of_attack[0], "floodmark.incident.id");
    assert!(of_attack.iter().all(|finding| text_at(finding, "floodmark.incident.id") == incident));
    let bytes = at(of_attack.last().unwrap(), "floodmark.score.observed").as_u64().unwrap();
    assert!((1_000_000_000..1_100_000_000).contains(&bytes), "{bytes}");

    validate(&folder, &documents);
}

/// Asks the validator of others whether a sample of `documents`, the findings among them, is ECS.
fn validate(folder: &Folder, documents: &[String]) {
    let name =
        "the_demo_names_the_attacked_database_first_and_tells_its_finding_from_the_first_mark_to_the_end";
    let Some(fixtures) = fixtures(name) else { return };
    let sampled =
        documents.iter().enumerate().filter(|(index, line)| index % 50 == 0 || line.contains(FINDING));
    let sample: String = sampled.map(|(_, line)| format!("{line}\n")).collect();
    folder.write("sample.ndjson", &sample);
    let tool = fixtures.join("../tools/validate_ecs.py");
    let allowed = ["--allow", "aws.vpcflow", "--allow", "floodmark"];
    let told =
        Command::new("python3").arg(tool).args(allowed).arg(folder.path("sample.ndjson")).output().unwrap();
    let text = String::from_utf8_lossy(&told.stdout);
    let faults: Vec<&str> = text.lines().filter(|line| !line.ends_with(": ok")).collect();
    assert!(told.status.success(), "{faults:?} {}", String::from_utf8_lossy(&told.stderr));
    assert!(text.contains(&format!("{} docs, 0 failing", sample.lines().count())), "{faults:?}");
}

/// What the summaries of one seed say.
struct Outcome {
    first: String,
    score: u8,
}

/// Generates three days of `seed` with and without the attack, runs both, and compares.
fn outcome(seed: u32) -> Outcome {
    let folder = Folder::new();
    let seed = seed.to_string();
    let generate = |bundle: &str, more: &[&str]| {
        let options = ["generate", "--seed", &seed, "--span", "3d", "--demo", bundle];
        folder.run(&[&options, more].concat()).assert_code(0);
    };
    generate("with", &[]);
    generate("without", &["--without-attack"]);
    folder.write("with.yaml", config("with", "siem: { to: { discard: {} }, select: findings }"));
    let (score, first_name) = first(&folder.run(&["run", "-c", "with.yaml"]));
    // Every event that reaches the attack's score would be written.
    let high = format!("high: {{ to: {{ file: {{ path: high.ndjson }} }}, select: {{ score: {score} }} }}");
    folder.write("without.yaml", config("without", &high));
    let ended = folder.run(&["run", "-c", "without.yaml"]);
    let (without, who) = first(&ended);
    if first_name == ATTACKED {
        let events = folder.documents("high.ndjson").iter().filter(|document| !is_finding(document)).count();
        assert_eq!(events, 0, "seed {seed}: events that reach the attack's score of {score} without it");
        assert!(
            without < score,
            "seed {seed}: {who} reaches {without} without the attack, which reaches {score}"
        );
    }
    Outcome { first: first_name, score }
}

#[test]
fn over_20_seeds_the_attacked_database_stands_first_and_without_the_attack_nobody_reaches_its_score() {
    let next = AtomicU32::new(1);
    let work = || {
        let seeds =
            std::iter::from_fn(|| Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| *seed <= SEEDS));
        seeds.map(|seed| (seed, outcome(seed))).collect::<Vec<_>>()
    };
    let outcomes = std::thread::scope(|scope| {
        let other = scope.spawn(work);
        let mut outcomes = work();
        outcomes.extend(other.join().unwrap());
        outcomes
    });
    assert_eq!(outcomes.len(), SEEDS as usize);
    let others: Vec<_> = outcomes.iter().filter(|(_, outcome)| outcome.first != ATTACKED).collect();
    let told: Vec<_> = others.iter().map(|(seed, outcome)| (seed, &outcome.first, outcome.score)).collect();
    assert!(SEEDS - others.len() as u32 >= FIRST_MIN, "{told:?}");
    // The servers that are backed up at night send as much to the host that keeps the backups.
    let labels = fs::read_to_string(repository().join("config/demo/labels.ndjson")).unwrap();
    let assets = fs::read_to_string(repository().join("config/demo/assets.csv")).unwrap();
    for (_, outcome) in others {
        let row = assets.lines().find(|row| row.contains(&outcome.first)).unwrap_or_default();
        let address = row.split(',').next().unwrap();
        let backed_up = labels
            .lines()
            .any(|label| label.contains("\"backup\"") && label.contains(&format!("\"{address}\"")));
        assert!(!backed_up, "a backup stands first: {}", outcome.first);
    }
}

#[test]
fn the_summary_tells_all_that_the_highest_window_held() {
    let folder = Folder::new();
    folder.write("in.log", flows::estate(70));
    let sources = "sources: { flows: { from: { file: { paths: [in.log] } } } }\nsinks: { out: { to: { discard: {} } } }\n";
    folder.write("c.yaml", sources);
    let ended = folder.run(&["run", "-c", "c.yaml"]);
    let (_, name) = first(&ended);
    assert_eq!(name, "10.0.0.2");
    let row = ended.err.lines().find(|line| line.contains("10.0.0.2 ")).unwrap();
    assert!(row.contains("sent 1.23 GB"), "{row}");
}
