//! Memory: spoofed sources, however many, make the process no larger.

use std::{io::Write, process::Stdio};

use crate::{
    flows,
    process::{Folder, Page, Running, free_port, metrics},
};

/// Lines after which memory is looked at first and last; each has a source that no line before it had.
const EARLY: u64 = 300_000;
const LATE: u64 = 1_000_000;
/// The most entities, so small that an attacker could have filled it long before [`EARLY`].
const ENTITIES_MAX: i64 = 20_000;
/// Bytes of resident memory that the process stays below: `limits.memory` of the config, which its parts fill less far.
const RESIDENT_MAX: u64 = 256 << 20;

/// Line number `number`: by turns a spoofed internal source at one interface, a spoofed external one, and an interface
/// that nobody knows with an internal source of its own.
fn spoofed(number: u64, out: &mut Vec<u8>) {
    // Odd multipliers, so that different numbers give different addresses.
    let scattered = (number as u32).wrapping_mul(0x9E37_79B1);
    let [_, a, b, c] = (scattered & 0x00ff_ffff).to_be_bytes();
    let start = flows::START + number / 2_000;
    let end = start + 50;
    let (interface, source) = match number % 3 {
        0 => (7, format!("10.{a}.{b}.{c}")),
        1 => (7, format!("{}.{a}.{b}.{c}", 20 + number / 3 % 80)),
        _ => (1_000 + number, format!("10.{a}.{b}.{c}")),
    };
    writeln!(
        out,
        "2 012345678901 eni-{interface:017x} {source} 10.0.0.1 40000 443 6 10 {} {start} {end} ACCEPT OK",
        1_000 + number % 997
    )
    .unwrap();
}

/// A line of the process's status in /proc, in bytes.
pub fn status(process: &Running, name: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[test]
fn a_million_spoofed_sources_make_the_process_no_larger_than_the_first_300_000_did() {
    let folder = Folder::new();
    let port = free_port();
    // What leaves is written and thrown away; a process that has much to forget is not meant to be slow here.
    let config = format!(
        "sources: {{ flows: {{ from: {{ stdin: {{}} }} }} }}\n\
         sinks: {{ out: {{ to: {{ discard: {{}} }}, select: findings }} }}\n\
         score: {{ entities_max: {ENTITIES_MAX} }}\n\
         limits: {{ memory: 384MiB }}\n\
         telemetry: {{ listen: \"127.0.0.1:{port}\" }}\n"
    );
    folder.write("c.yaml", config);
    let mut process = folder.start(folder.command(&["run", "-q", "-c", "c.yaml"]).stdin(Stdio::piped()));
    let mut input = process.stdin();
    let mut sizes = Vec::new();
    let mut lines = Vec::new();
    let mut number = 0;
    for most in [EARLY, LATE] {
        while number < most {
            lines.clear();
            (0..10_000).for_each(|_| {
                spoofed(number, &mut lines);
                number += 1;
            });
            input.write_all(&lines).unwrap();
        }
        let settled = |page: &Page| {
            page.source("entries_parsed_total") == most as i64
                && page.sink("out", "filtered_total") >= most as i64
        };
        let page = process.until("scoring of all lines", || metrics(port).filter(settled));
        for gauge in ["floodmark_score_entities", "floodmark_score_interfaces"] {
            assert!(page.sum(gauge, &[]) <= ENTITIES_MAX, "{gauge}: {}", page.sum(gauge, &[]));
        }
        assert!(page.sum("floodmark_score_entities_refused_total", &[]) > 0, "the cap was never met");
        sizes.push(status(&process, "VmRSS"));
    }
    let most = status(&process, "VmHWM");
    drop(input);
    process.wait().assert_code(0);
    let (early, late) = (sizes[0], sizes[1]);
    assert!(late <= early + early / 20, "it grew from {early} to {late} bytes");
    assert!(most < RESIDENT_MAX, "{most} bytes at the most");
}
