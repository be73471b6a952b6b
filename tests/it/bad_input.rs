//! Bad input, as a whole: each kind in a record of its own among good ones, through the real binary, from a file and from
//! Firehose. What can be read is an event, what cannot is quarantined for its reason, and the records around it are events.

use std::collections::BTreeMap;

use crate::{
    firehose::{
        TO_FILE,
        client::{Client, Delivery, gzip},
        listen,
    },
    flows,
    process::{Folder, text_at},
};

/// A record, and what becomes of it.
struct Bad {
    name: &'static str,
    record: Vec<u8>,
    events: usize,
    /// Why something of it is quarantined, and how often.
    quarantined: Option<(&'static str, usize)>,
}

fn good() -> String {
    flows::line(1, "198.51.100.7", 5_000, flows::START)
}

/// The good line with its column number `column` replaced.
fn with(column: usize, text: &str) -> Vec<u8> {
    let line = good();
    let mut columns: Vec<&str> = line.split(' ').collect();
    columns[column] = text;
    columns.join(" ").into_bytes()
}

fn events(name: &'static str, record: impl Into<Vec<u8>>, events: usize) -> Bad {
    Bad { name, record: record.into(), events, quarantined: None }
}

fn refused(name: &'static str, record: impl Into<Vec<u8>>, reason: &'static str) -> Bad {
    Bad { name, record: record.into(), events: 0, quarantined: Some((reason, 1)) }
}

/// What a line can be, on any source.
fn lines() -> Vec<Bad> {
    let line = good();
    vec![
        refused("too few columns", line.rsplit_once(' ').unwrap().0, "too_few_columns"),
        refused("too many columns", format!("{line} vpc-0a1b2c"), "too_many_columns"),
        events("trailing spaces", format!("{line}   "), 1),
        events("double spaces", line.replace(' ', "  "), 1),
        events("tabs", line.replace(' ', "\t"), 1),
        events("a header in the middle", flows::HEADER, 0),
        events("a carriage return", format!("{line}\r"), 1),
        events("an unknown account", with(1, "unknown"), 1),
        refused("a port over its range", with(5, "65536"), "bad_number"),
        refused("a protocol over its range", with(7, "256"), "bad_number"),
        refused("bytes over 64 bits", with(9, "18446744073709551616"), "bad_number"),
        refused("a negative number", with(8, "-1"), "bad_number"),
        refused("an address of five parts", with(3, "10.0.0.1.2"), "bad_address"),
        refused("an action that is none", with(12, "MAYBE"), "bad_word"),
        refused("a flow that ends before it starts", with(11, "1000000000"), "time_backwards"),
        refused("no UTF-8", with(2, "eni-1").into_iter().chain([0xFF]).collect::<Vec<u8>>(), "not_utf8"),
        refused("NUL bytes only", vec![0; 64], "too_few_columns"),
        refused("a NUL byte in a number", with(9, "12\0"), "bad_number"),
        refused("nothing that is a flow log", "Hello, world", "too_few_columns"),
        refused("JSON that breaks off", r#"{"message":"2 "#, "bad_json"),
        refused("JSON nested deeply", "[".repeat(50_000), "bad_json"),
        refused("JSON that says nothing", r#"{"level":"info"}"#, "layout_unknown"),
        refused("a line of 64 KiB", format!("{line} {}", "x".repeat(64 << 10)), "too_many_columns"),
    ]
}

/// What a record can be where it is received whole.
fn records() -> Vec<Bad> {
    let line = good() + "\n";
    let whole = gzip(line.repeat(50).as_bytes());
    let many = gzip(format!("{}bad\n", line.repeat(20_000)).as_bytes());
    vec![
        events("nothing", "", 0),
        events("many lines in gzip", whole.clone(), 50),
        refused("truncated gzip", &whole[..whole.len() - 9], "truncated"),
        refused("a gzip bomb", gzip(&vec![b'x'; 64 << 20]), "record_too_long"),
        Bad {
            quarantined: Some(("too_few_columns", 1)),
            ..events("20,000 lines and a bad one", many, 20_000)
        },
        Bad {
            quarantined: Some(("too_few_columns", 1_000_000)),
            ..events("a million lines", gzip("x\n".repeat(1_000_000).as_bytes()), 0)
        },
    ]
}

/// Fails unless the documents and what is quarantined are what becomes of `bad` and of `neighbours`.
#[track_caller]
fn assert_became(folder: &Folder, bad: &[Bad], neighbours: usize) {
    let names: Vec<_> = bad.iter().map(|bad| bad.name).collect();
    let wanted = neighbours + bad.iter().map(|bad| bad.events).sum::<usize>();
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for line in folder.lines("quarantine.ndjson") {
        // A million of them: only the reason is read.
        let rest = line.split_once("\"reason\":\"").unwrap().1;
        *reasons.entry(rest.split_once('"').unwrap().0.to_owned()).or_default() += 1;
    }
    let mut expected: BTreeMap<String, usize> = BTreeMap::new();
    for (reason, times) in bad.iter().filter_map(|bad| bad.quarantined) {
        *expected.entry(reason.to_owned()).or_default() += times;
    }
    assert_eq!(reasons, expected, "{names:?}");
    let documents = folder.documents("out.ndjson");
    assert_eq!(documents.len(), wanted, "{names:?}");
    assert!(documents.iter().all(|document| text_at(document, "source.ip") == "10.0.0.2"));
}

#[test]
fn every_kind_of_bad_line_costs_itself_only_in_a_file() {
    let folder = Folder::new();
    for bad in lines() {
        let mut text = Vec::new();
        for line in [good().as_bytes(), &bad.record, good().as_bytes()] {
            text.extend_from_slice(line);
            text.push(b'\n');
        }
        folder.write("in.log", text);
        folder.write(
            "c.yaml",
            "sources: { flows: { from: { file: { paths: [in.log] } } } }\n\
             sinks: { out: { to: { file: { path: out.ndjson } } } }\n",
        );
        folder.write("out.ndjson", "");
        folder.write("quarantine.ndjson", "");
        folder.run(&["run", "-q", "-c", "c.yaml"]).assert_code(0);
        assert_became(&folder, &[bad], 2);
    }
}

#[test]
fn every_kind_of_bad_record_costs_itself_only_in_a_request_of_firehose() {
    let bad: Vec<Bad> = lines().into_iter().chain(records()).collect();
    let folder = Folder::new();
    let listening = listen(&folder, "", TO_FILE, "");
    let neighbour = || good().into_bytes();
    let mut all = vec![neighbour()];
    all.extend(bad.iter().flat_map(|bad| [bad.record.clone(), neighbour()]));
    let neighbours = bad.len() + 1;
    let reply = Client::connect(listening.port).unwrap().deliver(&Delivery::new("bad", all)).unwrap();
    assert!(reply.is_success("bad"), "{reply:?}");
    listening.process.stop().assert_code(0);
    assert_became(&folder, &bad, neighbours);
}
