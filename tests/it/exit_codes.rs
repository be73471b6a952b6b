//! Exit codes: each tells who is to blame, and the text beside it tells what to look at.

use crate::{
    flows,
    process::{Folder, repository},
};

const SOUND: &str = "sources: { flows: { from: { file: { paths: [in.log] } } } }\n\
                     sinks: { out: { to: { discard: {} } } }\n";

/// A folder with a log and a config.
fn folder(config: &str) -> Folder {
    let folder = Folder::new();
    folder.write("in.log", flows::estate(2));
    folder.write("c.yaml", config);
    folder
}

#[test]
fn a_sound_config_and_its_input_end_with_0() {
    let folder = folder(SOUND);
    folder.run(&["run", "-c", "c.yaml"]).assert_code(0);
    folder.run(&["check", "-c", "c.yaml"]).assert_code(0);
    folder.run(&["check", "--online", "-c", "c.yaml"]).assert_code(0);
    folder.run(&["--help"]).assert_code(0);
    folder.run(&["--version"]).assert_code(0);
}

#[test]
fn a_faulty_config_ends_with_78_and_every_fault_has_its_line_and_column() {
    let folder = folder(&format!("{SOUND}limits:\n  thread: 2\n  memory: 1 parsec\nscroe: {{}}\n"));
    for command in ["run", "check", "replay"] {
        let more: &[&str] = if command == "replay" { &["in.log"] } else { &[] };
        let ended = folder.run(&[&[command, "-c", "c.yaml"], more].concat());
        ended.assert_code(78);
        for told in [
            "c.yaml:4:3: limits.thread",
            "threads",
            "c.yaml:5:11: limits.memory",
            "c.yaml:6:1: scroe",
            "`score`",
        ] {
            ended.assert_told(told);
        }
    }
    folder.run(&["run", "-c", "nowhere.yaml"]).assert_code(78);
}

#[test]
fn a_value_that_no_schema_can_judge_is_a_fault_of_the_config_too() {
    for (text, told) in [
        ("score: { half_life: 1h }", "c.yaml:3:21: score.half_life"),
        ("score: { lateness: 2d }", "c.yaml:3:20: score.lateness"),
        ("score: { idle: 1ms }", "c.yaml:3:16: score.idle"),
        ("score: { identity: [name] }", "c.yaml:3:21: score.identity[0]"),
        ("quarantine: { to: { file: { path: dead.ndjson } } }", "is also written by"),
    ] {
        let ended = folder(&format!("{SOUND}{text}\n")).run(&["check", "-c", "c.yaml"]);
        assert_eq!(ended.code(), Some(78), "{text} {}", ended.err);
        ended.assert_told(told);
    }
}

#[test]
fn a_followed_file_without_a_state_is_a_fault_of_the_config() {
    let folder = folder(&SOUND.replace("[in.log]", "[in.log], follow: true"));
    let ended = folder.run(&["run", "-c", "c.yaml"]);
    ended.assert_code(78);
    ended.assert_told("set `state.directory`");
}

#[test]
fn a_limit_that_the_parts_do_not_fit_is_the_operators_to_raise() {
    let folder = folder(&format!("{SOUND}limits: {{ memory: 64MiB }}\n"));
    let ended = folder.run(&["run", "-c", "c.yaml"]);
    ended.assert_code(78);
    ended.assert_told("limits.memory");
    ended.assert_told("score.entities_max");
}

#[test]
fn the_default_limit_holds_four_sinks_four_threads_and_databases_of_a_common_size() {
    let sinks: String = (1..=3).map(|nth| format!("  more-{nth}: {{ to: {{ discard: {{}} }} }}\n")).collect();
    // As large as a GeoLite2 City and an ASN database together are, twice: what else there is must leave room for it.
    let room = 2 * 50;
    let config =
        SOUND.replace("sinks: { out: { to: { discard: {} } } }", format!("sinks:\n{sinks}").trim_end());
    let folder = folder(&format!("{config}\nlimits: {{ threads: 4, memory: {}MiB }}\n", 512 - room));
    folder.run(&["run", "-q", "-c", "c.yaml"]).assert_code(0);
}

#[test]
fn what_the_machine_does_not_have_ends_with_69_and_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    for (config, told) in [
        (format!("{SOUND}enrich: {{ geoip: {{ city: nowhere.mmdb }} }}\n"), "enrich.geoip.city"),
        (format!("{SOUND}enrich: {{ geoip: {{ asn: in.log }} }}\n"), "enrich.geoip.asn"),
        (format!("{SOUND}enrich: {{ assets: [ {{ file: nowhere.csv }} ] }}\n"), "enrich.assets[0].file"),
        (
            format!("{SOUND}score: {{ watchlists: [ {{ path: nowhere.txt }} ] }}\n"),
            "score.watchlists[0].path",
        ),
        (SOUND.replace("in.log", "nowhere.log"), "source flows: "),
        (SOUND.replace("discard: {}", "file: { path: nowhere/out.ndjson }"), "sink out: "),
        (
            format!("{SOUND}quarantine: {{ to: {{ file: {{ path: nowhere/q.ndjson }} }} }}\n"),
            "sink quarantine: ",
        ),
        (format!("{SOUND}state: {{ directory: in.log }}\n"), "in.log"),
        (format!("{SOUND}telemetry: {{ listen: \"127.0.0.1:{port}\" }}\n"), "telemetry.listen"),
    ] {
        let folder = folder(&config);
        for command in [&["run", "-c", "c.yaml"][..], &["check", "--online", "-c", "c.yaml"]] {
            let ended = folder.run(command);
            assert_eq!(ended.code(), Some(69), "{command:?} {config} {}", ended.err);
            ended.assert_told(told);
        }
        folder.run(&["check", "-c", "c.yaml"]).assert_code(0);
    }
}

#[test]
fn every_thing_that_is_missing_is_told_at_once_by_an_online_check() {
    let folder = folder(
        &format!("{SOUND}enrich: {{ geoip: {{ city: nowhere.mmdb, asn: nowhere.mmdb }} }}\n")
            .replace("in.log", "nowhere.log"),
    );
    let ended = folder.run(&["check", "--online", "-c", "c.yaml"]);
    ended.assert_code(69);
    for told in ["enrich.geoip.city", "enrich.geoip.asn", "source flows: "] {
        ended.assert_told(told);
    }
}

#[test]
fn a_state_that_another_process_holds_ends_with_69() {
    let state = "state: { directory: state }\n";
    let folder = folder(&format!("{SOUND}{state}").replace("[in.log]", "[in.log], follow: true"));
    let mut holder = folder.start(&mut folder.command(&["run", "-q", "-c", "c.yaml"]));
    holder.until("the state", || folder.path("state/state.redb").exists().then_some(()));
    // The file may be there a moment before it is held.
    let refused = holder.until("the refusal", || {
        let ended = folder.run(&["run", "-q", "-c", "other.yaml"]);
        if ended.code() == Some(78) {
            folder.write("other.yaml", format!("{SOUND}{state}"));
            return None;
        }
        Some(ended)
    });
    refused.assert_code(69);
    refused.assert_told("state");
    let refused = folder.run(&["run", "-q", "--reset-state", "-c", "other.yaml"]);
    refused.assert_code(69);
    assert!(holder.is_running());
    holder.stop().assert_code(0);
    folder.run(&["run", "-q", "-c", "other.yaml"]).assert_code(0);
}

#[test]
fn a_corrupt_state_ends_with_74_and_a_reset_keeps_the_old_file() {
    let folder = folder(&format!("{SOUND}state: {{ directory: state }}\n"));
    let garbage = vec![0x5a; 50_000];
    folder.write("state/state.redb", &garbage);
    for command in [&["run", "-q", "-c", "c.yaml"][..], &["check", "--online", "-c", "c.yaml"]] {
        let ended = folder.run(command);
        assert_eq!(ended.code(), Some(74), "{command:?} {}", ended.err);
        ended.assert_told("--reset-state");
    }
    assert_eq!(std::fs::read(folder.path("state/state.redb")).unwrap(), garbage, "left as it was");
    folder.run(&["run", "-q", "--reset-state", "-c", "c.yaml"]).assert_code(0);
    assert_eq!(std::fs::read(folder.path("state/state.redb.corrupt-1")).unwrap(), garbage);
    folder.run(&["run", "-q", "-c", "c.yaml"]).assert_code(0);
    // A sound one is kept under another name when it is reset.
    folder.run(&["run", "-q", "--reset-state", "-c", "c.yaml"]).assert_code(0);
    assert!(folder.path("state/state.redb.reset-1").exists());
}

#[test]
fn a_command_line_that_makes_no_sense_ends_with_64() {
    let folder = folder(SOUND);
    for arguments in [&["fly"][..], &["run"], &["run", "--config"], &["check", "-c", "c.yaml", "--fast"], &[]]
    {
        let ended = folder.run(arguments);
        assert_eq!(ended.code(), Some(64), "{arguments:?} {}", ended.err);
        assert!(!ended.err.is_empty());
    }
    folder.run(&["generate", "--hosts", "3"]).assert_code(64);
}

#[test]
fn input_on_the_command_line_that_cannot_be_read_ends_with_66() {
    let folder = folder(SOUND);
    folder.run(&["parse", "nowhere.log"]).assert_code(66);
    folder.run(&["replay", "-c", "c.yaml", "nowhere.ndjson"]).assert_code(66);
}

#[test]
fn the_demo_that_the_readme_names_is_sound() {
    let folder = Folder::new();
    let path = repository().join("config/demo.yaml");
    folder.run(&["check", "-c", path.to_str().unwrap()]).assert_code(0);
}
