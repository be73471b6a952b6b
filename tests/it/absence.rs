//! More hosts than there is memory for: who is idle is in the state, and nobody is refused.

use std::fmt::Write;

use serde_json::Value;

use crate::process::{Folder, Page, free_port, metrics};

/// Hosts that take turns: an eighth of them in each hour.
const HOSTS: u64 = 400;
/// The most entities in memory.
const ROOM: u64 = 160;
/// First second of the log: 2026-03-02, a Monday.
const START: u64 = 1_772_409_600;

/// Their traffic in `hours` of the log: a line each five minutes.
fn lines(hours: std::ops::Range<u64>) -> String {
    let mut out = String::new();
    for hour in hours {
        for minute in (0..60).step_by(5) {
            for host in (0..HOSTS).filter(|host| host % 8 == hour % 8) {
                let start = START + hour * 3_600 + minute * 60;
                let bytes = 10_000 + (host * 7_919 + start) % 50_000;
                writeln!(
                    out,
                    "2 123456789012 eni-{host:017x} 10.0.{}.{} 198.51.100.7 40000 443 6 10 {bytes} {start} {} ACCEPT OK",
                    host / 200,
                    host % 200 + 1,
                    start + 50
                )
                .unwrap();
            }
        }
    }
    out
}

fn config(name: &str, most: u64, port: u16) -> String {
    format!(
        "sources: {{ flows: {{ from: {{ file: {{ paths: [\"in/*\"] }} }} }} }}\n\
         sinks: {{ out: {{ to: {{ discard: {{}} }} }} }}\n\
         score: {{ entities_max: {most} }}\n\
         state: {{ directory: state-{name}, every: 1s }}\n\
         telemetry: {{ listen: \"127.0.0.1:{port}\" }}\n"
    )
}

/// Every host in the state, and how many windows its baseline holds.
fn learned(folder: &Folder, name: &str) -> Vec<(String, u64)> {
    let (ended, printed) = folder.printed(&["baseline", "list", "--json", "-f", &format!("state-{name}")]);
    ended.assert_code(0);
    let rows: Vec<Value> = serde_json::from_str(&printed).unwrap();
    let windows =
        |row: &Value| (row["entity"].as_str().unwrap().to_owned(), row["samples"].as_u64().unwrap());
    let mut rows: Vec<_> = rows.iter().map(windows).collect();
    rows.sort();
    rows
}

#[test]
fn more_hosts_than_fit_in_memory_are_all_learned_over_a_restart_too_and_none_is_refused() {
    let folder = Folder::new();
    folder.write("in/1", lines(0..24));
    let port = free_port();
    folder.write("few.yaml", config("few", ROOM, port));
    folder.write("all.yaml", config("all", 10 * HOSTS, free_port()));
    for (nth, hours) in [(1, 0..24), (2, 24..48)] {
        folder.write(&format!("in/{nth}"), lines(hours));
        folder.run(&["run", "-q", "-c", "few.yaml"]).assert_code(0);
        folder.run(&["run", "-q", "-c", "all.yaml"]).assert_code(0);
    }
    let few = learned(&folder, "few");
    assert_eq!(few.len(), HOSTS as usize);
    assert_eq!(few, learned(&folder, "all"));
}

#[test]
fn who_left_and_who_came_back_stands_on_the_page() {
    let folder = Folder::new();
    let port = free_port();
    folder.write("few.yaml", config("few", ROOM, port).replace("file: { paths: [\"in/*\"] }", "stdin: {}"));
    let mut process =
        folder.start(folder.command(&["run", "-q", "-c", "few.yaml"]).stdin(std::process::Stdio::piped()));
    let mut input = process.stdin();
    std::io::Write::write_all(&mut input, lines(0..24).as_bytes()).unwrap();
    let count = HOSTS as i64 / 8 * 12 * 24;
    let page = process.until("scoring of all lines", || {
        metrics(port).filter(|page: &Page| page.sink("out", "delivered_total") >= count)
    });
    let sum = |name: &str| page.sum(&format!("floodmark_score_{name}"), &[]);
    assert!(sum("entities") <= ROOM as i64);
    assert!(sum("entities_left_total") > HOSTS as i64, "{}", sum("entities_left_total"));
    assert!(sum("entities_back_total") > HOSTS as i64 / 2, "{}", sum("entities_back_total"));
    assert_eq!((sum("entities_refused_total"), sum("windows_unread_total")), (0, 0));
    drop(input);
    process.wait().assert_code(0);
}
