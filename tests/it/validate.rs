//! `run --validate`: what leaves is checked against its schema, what is wrong is said and counted, and everything leaves all
//! the same.

use crate::{
    ocsf::logs,
    process::{Folder, free_port, metrics, repository, until},
};

/// A pipeline from the files that `from` names into one file for each schema, with the lines as received.
fn config(folder: &Folder, from: &str, rest: &str) {
    let demo = repository().join("config/demo").display().to_string();
    folder.write(
        "c.yaml",
        format!(
            "sources: {{ flows: {{ from: {{ file: {{ {from} }} }} }} }}\n\
             enrich: {{ geoip: {{ city: {demo}/geoip-city.mmdb, asn: {demo}/geoip-asn.mmdb }}, assets: [{{ file: {demo}/assets.csv }}] }}\n\
             sinks:\n  ecs: {{ to: {{ file: {{ path: ecs.ndjson }} }}, original: true }}\n  \
             ocsf: {{ to: {{ file: {{ path: ocsf.ndjson }} }}, schema: ocsf, original: true }}\n{rest}"
        ),
    );
}

/// A line of version 2 whose bytes are `bytes`.
fn line(bytes: u64) -> String {
    format!(
        "2 012345678901 eni-1 10.0.1.7 81.2.69.160 49152 443 6 1 {bytes} 1795260605 1795260664 ACCEPT OK\n"
    )
}

/// The number before `words` in what was told of `sink`.
fn told(err: &str, sink: &str, words: &str) -> u64 {
    let lines = err.lines().filter_map(|line| line.strip_prefix(&format!("{sink}: ")));
    let number = lines.filter_map(|line| line.split_once(words)?.0.split(' ').next_back()).next();
    number.unwrap_or_else(|| panic!("{sink} {words}: {err}")).replace(',', "").parse().unwrap()
}

#[test]
fn every_document_of_an_attacked_week_and_of_all_fields_is_sound_by_the_check_too() {
    let folder = Folder::new();
    let demo = repository().join("config/demo").display().to_string();
    let logs = logs(&folder);
    let all = logs.iter().map(|file| format!("\"{file}\"")).collect::<Vec<_>>().join(", ");
    for paths in [format!("\"{demo}/flows/*20260308*\""), all] {
        config(&folder, &format!("paths: [{paths}]"), "");
        let ended = folder.run(&["run", "-c", "c.yaml", "--validate=1"]);
        ended.assert_code(0);
        for sink in ["ecs", "ocsf"] {
            ended.assert_told(" documents checked, all sound");
            let room = ended.err.lines().filter(|line| line.contains("had no room"));
            let checked = told(&ended.err, sink, " documents checked");
            assert!(checked >= 40 || room.count() > 0, "{}", ended.err);
        }
        assert!(!ended.err.contains("unsound"), "{}", ended.err);
    }
}

#[test]
fn a_document_that_is_unsound_leaves_is_counted_by_reason_and_field_and_changes_no_exit_code() {
    let folder = Folder::new();
    // More than a long holds: Elasticsearch would refuse it.
    folder.write("in.log", line(40) + &line(u64::MAX) + &line(80));
    config(&folder, "paths: [in.log]", "");
    let without = folder.run(&["run", "-c", "c.yaml"]);
    without.assert_code(0);
    assert!(!without.err.contains("checked") && !without.err.contains("follow"), "{}", without.err);
    let before = folder.lines("ecs.ndjson").len();
    let ended = folder.run(&["run", "-c", "c.yaml", "--validate"]);
    ended.assert_code(0);
    assert_eq!((before, folder.lines("ecs.ndjson").len()), (3, 6), "each leaves");
    ended.assert_told("ecs: 3 documents checked, 1 unsound");
    ended.assert_told("  1 out_of_range: source.bytes");
    ended.assert_told("  1 out_of_range: network.bytes");
    ended.assert_told("ocsf: 3 documents checked, 1 unsound");
    ended.assert_told("  1 out_of_range: traffic.bytes");
    ended.assert_told("a document does not follow its schema; it leaves all the same");
    let quiet = folder.run(&["run", "-q", "-c", "c.yaml", "--validate", "--log-format", "json"]);
    quiet.assert_code(0);
    quiet.assert_told("\"field\":\"source.bytes\"");
    quiet.assert_told("\"unsound\":1");
}

#[test]
fn what_is_checked_and_what_is_wrong_stand_among_the_metrics() {
    let folder = Folder::new();
    let port = free_port();
    folder.write("in.log", line(40) + &line(u64::MAX));
    let rest = format!("state: {{ directory: state }}\ntelemetry: {{ listen: \"127.0.0.1:{port}\" }}\n");
    config(&folder, "paths: [in.log], follow: true", &rest);
    let running = folder.start(&mut folder.command(&["run", "-q", "-c", "c.yaml", "--validate"]));
    until("the check of both documents", || {
        let page = metrics(port)?;
        let counted = |name: &str, labels: &[&str]| {
            page.sum(&format!("floodmark_normalize_{name}_total"), &[&["sink=\"ecs\""], labels].concat())
        };
        let documents = ["checked", "unsound", "unchecked"];
        let documents = documents.map(|name| counted(&format!("documents_{name}"), &[]));
        let faults =
            ["out_of_range", "unknown"].map(|reason| counted("faults", &[&format!("reason=\"{reason}\"")]));
        (documents == [2, 1, 0] && faults == [2, 0]).then_some(())
    });
    running.stop().assert_code(0);
}

#[test]
fn the_share_that_is_checked_is_the_same_in_every_run() {
    let folder = Folder::new();
    let lines =
        folder.printed(&["generate", "--format", "v2", "--hosts", "40", "--lines", "20000", "--seed", "7"]).1;
    folder.write("in.log", &lines);
    config(&folder, "paths: [in.log]", "");
    let checked = |argument: &str| {
        let ended = folder.run(&["run", "-c", "c.yaml", argument]);
        ended.assert_code(0);
        ended.assert_told(", all sound");
        assert!(!ended.err.contains("had no room"), "{}", ended.err);
        told(&ended.err, "ecs", " documents checked")
    };
    let share = checked("--validate=200");
    assert_eq!(share, checked("--validate=200"));
    assert!((60..200).contains(&share), "{share} of 20,000, one in 200 and the first few");
    assert!(checked("--validate=1000000") <= 16);
}
