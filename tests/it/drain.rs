//! Ending, and what stands in the way of it: a stop delivers what was received, and a sink that takes nothing is retried,
//! told, and given up only when the grace is over.

use std::{collections::BTreeSet, io::Read, process::Stdio};

use crate::{
    flows,
    process::{FLOW, Folder, Running, free_port, metrics, page, text_at},
};

/// A config of one followed file, with `to` for its sink; whatever is scored stays small.
fn config(port: u16, to: &str, rest: &str) -> String {
    format!(
        "sources: {{ flows: {{ from: {{ file: {{ paths: [in.log], follow: true }} }} }} }}\n\
         sinks: {{ siem: {{ to: {to} }} }}\n\
         state: {{ directory: state }}\n\
         telemetry: {{ listen: \"127.0.0.1:{port}\" }}\n{rest}"
    )
}

fn start(folder: &Folder) -> Running {
    folder.start(&mut folder.command(&["run", "-q", "-c", "c.yaml"]))
}

#[test]
fn a_stop_delivers_what_was_received_and_the_next_run_goes_on_without_loss_or_repetition() {
    let folder = Folder::new();
    // More than what fits the queues, so that the process is still reading when it is told to stop.
    let text = flows::estate(5_000);
    folder.write("in.log", &text);
    folder.write("c.yaml", config(free_port(), "{ stdout: {} }", ""));
    let mut process = folder.start(folder.command(&["run", "-q", "-c", "c.yaml"]).stdout(Stdio::piped()));
    let mut out = process.stdout();
    let mut first = vec![0; 1 << 20];
    out.read_exact(&mut first).unwrap();
    process.terminate();
    process.until("the word of the stop", || process_told(&folder).contains("stopping").then_some(()));
    out.read_to_end(&mut first).unwrap();
    process.wait().assert_code(0);
    folder.write("1.ndjson", &first);
    let first = ids(&folder, "1.ndjson");
    let all = text.lines().count();
    assert!((1..all).contains(&first.len()), "it had read all: {}", first.len());

    folder.write("c.yaml", config(free_port(), "{ file: { path: 2.ndjson } }", ""));
    let mut process = start(&folder);
    let second = process.until("delivery of the rest", || {
        // Asked by length first, because reading it all is slow.
        (folder.len("2.ndjson") > 0)
            .then(|| ids(&folder, "2.ndjson"))
            .filter(|ids| ids.len() + first.len() >= all)
    });
    process.stop().assert_code(0);
    let both: BTreeSet<&String> = first.iter().chain(&second).collect();
    assert_eq!((both.len(), first.len() + second.len()), (all, all), "lost or repeated");
}

/// What the first process in `folder` has told.
fn process_told(folder: &Folder) -> String {
    std::fs::read_to_string(folder.path("stderr.0")).unwrap()
}

/// The ids of the events in a file, in its order.
fn ids(folder: &Folder, name: &str) -> Vec<String> {
    let id = |line: &String| {
        let at = line.find("\"id\":\"").unwrap() + 6;
        line[at..at + 22].to_owned()
    };
    folder.lines(name).iter().filter(|line| line.contains(FLOW)).map(id).collect()
}

#[test]
fn a_sink_that_takes_nothing_is_retried_and_named_and_given_up_only_when_the_grace_is_over() {
    let folder = Folder::new();
    let port = free_port();
    folder.write("in.log", flows::estate(3));
    let second = "shutdown: { grace: 1s }\n";
    folder.write(
        "c.yaml",
        config(port, "{ file: { path: /dev/full } }", second)
            .replace("sinks: {", "sinks: { good: { to: { file: { path: good.ndjson } } },"),
    );
    let mut process = start(&folder);
    let ready =
        process.until("the process to be unready", || page(port, "/ready").filter(|page| page.status == 503));
    assert!(ready.text.contains("siem") && !ready.text.contains("good"), "{}", ready.text);
    assert_eq!(page(port, "/live").unwrap().status, 200, "it lives all the same");
    let lines = 3 * flows::HOSTS as i64;
    let page = process.until("retries, and delivery to the other sink", || {
        let retries =
            |page: &crate::process::Page| page.sum("floodmark_sink_retries_total", &["sink=\"siem\""]);
        metrics(port).filter(|page| retries(page) >= 2 && page.sink("good", "delivered_total") == lines)
    });
    assert_eq!(page.sink("siem", "delivered_total"), 0);
    assert_eq!(page.sink("siem", "in_flight"), lines, "nothing is dropped");
    let ended = process.stop();
    ended.assert_code(75);
    ended.assert_told(&format!("{lines} documents will be read again"));

    // Nothing was committed: with a sink that takes them all come, to the good one for the second time.
    folder.write("c.yaml", config(port, "{ file: { path: siem.ndjson } }", second));
    let mut process = start(&folder);
    process.until("delivery", || (folder.lines("siem.ndjson").len() as i64 == lines).then_some(()));
    process.stop().assert_code(0);
}

/// Ten good lines, and after each a bad one.
fn half_bad() -> String {
    let line = |host: u64| flows::line(host, "198.51.100.7", 1_000, flows::START);
    (0..10).map(|host| format!("{}\n{} more\n", line(host), line(host))).collect()
}

#[test]
fn a_quarantine_that_may_drop_drops_counts_and_goes_on() {
    let folder = Folder::new();
    let port = free_port();
    folder.write("in.log", half_bad());
    let quarantine = "quarantine: { to: { file: { path: /dev/full } }, when_full: drop }\n";
    folder.write("c.yaml", config(port, "{ file: { path: out.ndjson } }", quarantine));
    let mut process = start(&folder);
    let page = process.until("the drops", || {
        metrics(port).filter(|page| {
            page.sink("quarantine", "dropped_total") > 0 && page.sink("siem", "delivered_total") == 10
        })
    });
    assert_eq!(page.sink("quarantine", "dropped_total"), 10);
    assert_eq!(page.sink("quarantine", "in_flight"), 0);
    assert_eq!(page.sink("quarantine", "delivered_total"), 0);
    // What comes later is not held up.
    folder.append("in.log", flows::line(3, "198.51.100.7", 1_000, flows::START) + "\n");
    process.until("delivery of what comes later", || (folder.lines("out.ndjson").len() == 11).then_some(()));
    process.stop().assert_code(0);
}

#[test]
fn a_quarantine_that_must_not_drop_holds_everything_back_and_says_so() {
    let folder = Folder::new();
    let port = free_port();
    folder.write("in.log", half_bad());
    let rest = "quarantine: { to: { file: { path: /dev/full } } }\nshutdown: { grace: 1s }\n";
    folder.write("c.yaml", config(port, "{ file: { path: out.ndjson } }", rest));
    let mut process = start(&folder);
    let ready =
        process.until("the process to be unready", || page(port, "/ready").filter(|page| page.status == 503));
    assert!(ready.text.contains("quarantine"), "{}", ready.text);
    let ended = process.stop();
    ended.assert_code(75);
    ended.assert_told("10 documents will be read again");
    // The good lines of the same chunk are out, and come again, because the bad ones are not safe.
    folder.write("c.yaml", config(port, "{ file: { path: again.ndjson } }", ""));
    let mut process = start(&folder);
    process.until("everything again", || {
        let all =
            folder.lines("again.ndjson").len() == 10 && folder.documents("quarantine.ndjson").len() == 10;
        all.then_some(())
    });
    process.stop().assert_code(0);
    assert_eq!(folder.lines("out.ndjson").len(), 10);
    let reasons: BTreeSet<String> =
        folder.documents("quarantine.ndjson").iter().map(|line| text_at(line, "reason")).collect();
    assert_eq!(reasons, BTreeSet::from(["layout_ambiguous".to_owned()]));
}

#[test]
fn a_reader_that_closes_stdout_ends_the_process_and_names_the_sink() {
    let folder = Folder::new();
    folder.write("in.log", flows::estate(500));
    folder.write("c.yaml", config(free_port(), "{ stdout: {} }", ""));
    let mut process = folder.start(folder.command(&["run", "-q", "-c", "c.yaml"]).stdout(Stdio::piped()));
    let mut out = process.stdout();
    out.read_exact(&mut [0; 100]).unwrap();
    drop(out);
    let ended = process.wait();
    ended.assert_code(69);
    ended.assert_told("sink siem");
}
