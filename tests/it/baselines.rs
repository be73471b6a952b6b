//! `floodmark baseline` on what a process has learned: its state, its snapshot, and the process itself.

use std::{fs, path::PathBuf, process::Stdio};

use serde_json::Value;

use crate::{
    flows,
    process::{Ended, Folder, free_port},
};

/// Windows that are learned.
const LEARNED: u64 = 60;

/// Reads `in/NAME` once into the state `NAME`, and leaves a snapshot in `kept-NAME`.
fn config(name: &str) -> String {
    format!(
        "sources: {{ flows: {{ from: {{ file: {{ paths: [\"in/{name}\"] }} }} }} }}\n\
         sinks: {{ out: {{ to: {{ discard: {{}} }} }} }}\n\
         score: {{ learn_all: 0s }}\nlimits: {{ threads: 1 }}\n\
         state: {{ directory: state-{name}, snapshots: {{ to: {{ directory: kept-{name} }} }} }}\n"
    )
}

/// Reads `lines` with the state `name`; returns the snapshot that is left.
fn learn(folder: &Folder, name: &str, lines: &str, more: &[&str]) -> String {
    folder.write(&format!("in/{name}"), lines);
    folder.write(&format!("{name}.yaml"), config(name));
    let config = format!("{name}.yaml");
    folder.run(&[&["run", "-q", "-c", &config], more].concat()).assert_code(0);
    let kept = fs::read_dir(folder.path(&format!("kept-{name}"))).unwrap();
    let mut kept: Vec<PathBuf> = kept.map(|entry| entry.unwrap().path()).collect();
    kept.sort();
    kept.pop().unwrap().to_str().unwrap().to_owned()
}

/// A folder with the state and the snapshot `a` of a process that has learned and ended.
fn learned() -> (Folder, String) {
    let folder = Folder::new();
    let snapshot = learn(&folder, "a", &flows::estate(LEARNED), &[]);
    (folder, snapshot)
}

/// What `floodmark baseline ARGUMENTS` prints, which must end with 0.
#[track_caller]
fn printed(folder: &Folder, arguments: &[&str]) -> String {
    let (ended, printed) = folder.printed(&[&["baseline"], arguments].concat());
    ended.assert_code(0);
    printed
}

fn ended(folder: &Folder, arguments: &[&str]) -> Ended {
    folder.run(&[&["baseline"], arguments].concat())
}

/// What `show` draws with this locale.
fn drawn(folder: &Folder, locale: &str, arguments: &[&str]) -> String {
    let mut command = folder.command(&[&["baseline", "show"], arguments].concat());
    command.env_remove("NO_COLOR").env("LC_ALL", locale).stderr(Stdio::inherit());
    let output = command.stdout(Stdio::piped()).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// The entities that are listed, by name.
fn listed(folder: &Folder, arguments: &[&str]) -> Vec<Value> {
    let text = printed(folder, &[&["list", "--json"], arguments].concat());
    serde_json::from_str(&text).expect(&text)
}

#[test]
fn the_same_state_is_exported_with_the_same_bytes_wherever_it_lies() {
    let (folder, snapshot) = learned();
    let export = printed(&folder, &["export", "-c", "a.yaml"]);
    assert!(printed(&folder, &["export", "-c", "a.yaml"]) == export, "a second time");
    assert!(printed(&folder, &["export", "-f", "state-a"]) == export, "by its folder");
    assert!(printed(&folder, &["export", "-f", &snapshot]) == export, "from its snapshot");
    folder.write("export.json", &export);
    assert!(printed(&folder, &["export", "-f", "export.json"]) == export, "from itself");
    let value: Value = serde_json::from_str(&export).unwrap();
    let text = value.to_string();
    assert!(text == export.replace('\n', ""), "keys are in order, and numbers whole");
    folder.write("pretty.json", format!("{value:#}"));
    assert!(printed(&folder, &["export", "-f", "pretty.json"]) == export, "laid out otherwise");
    assert_eq!(value["baselines"].as_array().unwrap().len() as u64, flows::HOSTS);
    let to_file = ended(&folder, &["export", "-f", &snapshot, "-o", "again.json"]);
    to_file.assert_code(0);
    assert!(fs::read_to_string(folder.path("again.json")).unwrap() == export);
}

#[test]
fn entities_are_listed_sorted_filtered_and_limited() {
    let (folder, snapshot) = learned();
    let all = listed(&folder, &["-c", "a.yaml"]);
    assert_eq!(all.len() as u64, flows::HOSTS);
    assert_eq!(all, listed(&folder, &["-f", &snapshot]));
    assert!(all.iter().all(|row| row["samples"].as_u64() > Some(0) && row["kind"] == "address"));
    assert!(all.iter().all(|row| row["first_seen"] == flows::START));
    assert_eq!(listed(&folder, &["-f", &snapshot, "--limit", "3", "--sort", "samples"]).len(), 3);
    assert_eq!(listed(&folder, &["-f", &snapshot, "0.0.12"]).len(), 1);
    assert_eq!(listed(&folder, &["-f", &snapshot, "nobody"]).len(), 0);
    let table = printed(&folder, &["list", "-f", &snapshot]);
    assert_eq!(table.lines().count() as u64, flows::HOSTS + 1, "{table}");
    assert!(table.starts_with("ENTITY"), "{table}");
    let mut command = folder.command(&["baseline", "export", "-f", &snapshot]);
    let mut process = folder.start(command.stdout(Stdio::piped()));
    drop(process.stdout());
    process.wait().assert_code(0);
}

#[test]
fn an_entity_is_drawn_with_its_marks_in_what_the_terminal_can_show() {
    let (folder, snapshot) = learned();
    let blocks = drawn(&folder, "C.UTF-8", &["10.0.0.3", "-f", &snapshot, "--width", "60"]);
    for text in
        ["10.0.0.3 (address", "bytes_out in ten minutes", "5 p50", "9 p99", "m max", "s mean + 3 sigma", "█"]
    {
        assert!(blocks.contains(text), "{text} is not in {blocks}");
    }
    assert!(blocks.lines().filter(|line| line.contains('█')).all(|line| line.chars().count() <= 60));
    let ascii = drawn(&folder, "C", &["10.0.0.3", "-f", &snapshot]);
    assert!(ascii.is_ascii() && ascii.contains('#'), "{ascii}");
    assert!(drawn(&folder, "C.UTF-8", &["10.0.0.3", "-f", &snapshot, "--ascii"]).is_ascii());
    let hours = drawn(&folder, "C", &["10.0.0.3", "-f", &snapshot, "--horizon", "1h", "--feature", "peers"]);
    assert!(hours.contains("peers in an hour") && !hours.contains("bytes_out in"), "{hours}");
    let json = printed(&folder, &["show", "10.0.0.3", "-f", &snapshot, "--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["features"].as_array().unwrap().len(), 8);
    assert!(json["features"][0]["p99"].as_u64() > Some(20_000), "{json}");
}

#[test]
fn a_name_that_is_not_one_entitys_is_told_with_its_candidates_and_is_a_usage_error() {
    let (folder, snapshot) = learned();
    let several = ended(&folder, &["show", "10.0.0.", "-f", &snapshot]);
    several.assert_code(64);
    several.assert_told("names 12 entities");
    several.assert_told("address:012345678901/10.0.0.7");
    let nobody = ended(&folder, &["show", "10.9.9.9", "-f", &snapshot]);
    nobody.assert_code(64);
    nobody.assert_told("there is no entity `10.9.9.9`");
    ended(&folder, &["show", "10.0.0.3"]).assert_code(64);
    ended(&folder, &["list", "-f", "nowhere"]).assert_code(66);
    ended(&folder, &["list", "-f", "in/a"]).assert_code(74);
}

#[test]
fn a_running_process_shows_what_it_has_learned_and_its_state_is_its_own() {
    let folder = Folder::new();
    let port = free_port();
    folder.write("in/a", flows::estate(LEARNED));
    let text =
        config("a").replace("in/a\"]", "in/a\"], follow: true").replace("state-a,", "state-a, every: 200ms,");
    folder.write("a.yaml", format!("{text}telemetry: {{ listen: \"127.0.0.1:{port}\" }}\n"));
    let mut process = folder.start(&mut folder.command(&["run", "-q", "-c", "a.yaml"]));
    let url = format!("http://127.0.0.1:{port}");
    let export = process.until("all that is learned", || {
        let (ended, export) = folder.printed(&["baseline", "export", "-f", &url]);
        (ended.code() == Some(0) && export.matches("\"kind\":\"address\"").count() as u64 == flows::HOSTS)
            .then_some(export)
    });
    let export: Value = serde_json::from_str(&export).unwrap();
    assert_eq!(export["about"]["format"], 1);
    let held = ended(&folder, &["list", "-c", "a.yaml"]);
    held.assert_code(69);
    held.assert_told("--from http://");
    process.stop().assert_code(0);
    assert_eq!(listed(&folder, &["-c", "a.yaml"]).len() as u64, flows::HOSTS);
    ended(&folder, &["list", "-f", &url]).assert_code(69);
}

#[test]
fn two_that_began_with_one_baseline_are_merged_to_the_same_bytes_in_any_order_and_one_begins_with_it() {
    let (folder, base) = learned();
    let lines = |hosts: std::ops::Range<u64>, bytes: u64| -> String {
        let line = |window: u64| {
            let at = flows::START + window * flows::WINDOW;
            hosts.clone().map(move |host| flows::line(host, "198.51.100.7", bytes + host, at + 1) + "\n")
        };
        (LEARNED..LEARNED + 30).flat_map(line).collect()
    };
    let one = learn(&folder, "b", &lines(0..8, 50_000), &["--baseline", &base]);
    let other = learn(&folder, "c", &lines(6..14, 90_000), &["--baseline", &base]);
    let orders: [&[&str]; 3] = [&[&one, &other], &[&other, &one], &["state-c", "b.yaml"]];
    let mut merged = Vec::new();
    for (nth, order) in orders.into_iter().enumerate() {
        let out = format!("merged-{nth}");
        let told = ended(&folder, &[&["merge", "-o", &out], order].concat());
        told.assert_code(0);
        told.assert_told("positions are not merged");
        merged.push(printed(&folder, &["export", "-f", &out]));
        if nth == 1 {
            assert!(fs::read(folder.path("merged-0")).unwrap() == fs::read(folder.path(&out)).unwrap());
        }
    }
    assert!(merged.iter().all(|export| *export == merged[0]));
    let samples = |from: &str| -> Vec<u64> {
        listed(&folder, &["-f", from]).iter().map(|row| row["samples"].as_u64().unwrap()).collect()
    };
    assert_eq!(samples("merged-0").len(), 14, "the hosts of both");
    assert!(samples("merged-0").iter().sum::<u64>() > samples(&one).iter().sum::<u64>());
    ended(&folder, &["merge", "-o", "merged-0", &one, &other]).assert_code(64);
    learn(&folder, "d", &lines(0..3, 50_000), &["--baseline", "merged-0"]);

    let stranger = learn(&folder, "e", &flows::estate(3), &[]);
    let refused = ended(&folder, &["merge", "-o", "no", &one, &stranger]);
    refused.assert_code(64);
    refused.assert_told("begin both processes with one baseline");
    assert!(!folder.path("no").exists());
}

#[test]
fn an_entity_that_is_forgotten_is_gone_and_nothing_else_is() {
    let (folder, snapshot) = learned();
    let before = printed(&folder, &["export", "-f", &snapshot]);
    ended(&folder, &["forget", "10.0.0.", "-c", "a.yaml"]).assert_code(64);
    let dry = ended(&folder, &["forget", "10.0.0.3", "-c", "a.yaml", "--dry-run"]);
    dry.assert_code(0);
    dry.assert_told("would be forgotten");
    assert!(printed(&folder, &["export", "-c", "a.yaml"]) == before);
    ended(&folder, &["forget", "10.0.0.3", "-f", &snapshot]).assert_code(64);
    ended(&folder, &["forget", "10.0.0.3", "-f", &snapshot, "-o", "less"]).assert_code(0);
    let told = ended(&folder, &["forget", "10.0.0.3", "-c", "a.yaml"]);
    told.assert_code(0);
    told.assert_told("what it taught its peers stays with them");
    let after = printed(&folder, &["export", "-c", "a.yaml"]);
    assert!(after == printed(&folder, &["export", "-f", "less"]));
    let row = |line: &&str| !line.contains("\"name\":\"10.0.0.3\"");
    assert!(after.lines().eq(before.lines().filter(row)), "its row and nothing else");
    folder.run(&["run", "-q", "-c", "a.yaml"]).assert_code(0);

    ended(&folder, &["diff", "--exit-code", &snapshot, &snapshot]).assert_code(0);
    let differs = ended(&folder, &["diff", "--exit-code", &snapshot, "less"]);
    differs.assert_code(1);
    differs.assert_told("1 only in the one, 0 only in the other, 0 changes");
    let lines = printed(&folder, &["diff", "less", &snapshot]);
    assert!(lines.contains("address:012345678901/10.0.0.3"), "{lines}");
}
