//! A stop in the middle of a request: 200 means delivered, then as ever.

use std::{io::Read, process::Stdio};

use super::{
    Listening, TO_FILE,
    client::{Client, Delivery, lives},
    config, event_ids, ids, lines, listen,
};
use crate::process::{Folder, free_port, metrics, until};

#[test]
fn a_request_whose_body_still_comes_is_told_503_and_the_process_ends_at_once() {
    let folder = Folder::new();
    let Listening { process, port, pages } = listen(&folder, "", TO_FILE, "");
    let idle = Client::connect(port).unwrap();
    let delivery = Delivery::new("half", lines(1, 10));
    let body = delivery.body();
    let mut client = Client::connect(port).unwrap();
    let head = client.head("half", body.len());
    client.write(head.as_bytes()).unwrap();
    client.write(&body.as_bytes()[..body.len() / 2]).unwrap();
    let bytes = "floodmark_source_firehose_body_bytes_total";
    until("half a body", || metrics(pages).filter(|page| page.sum(bytes, &[]) > 0));
    process.terminate();
    until("the end of listening", || Client::connect(port).is_none().then_some(()));
    let rest = body.as_bytes()[body.len() / 2..].to_vec();
    client.write(&rest).unwrap();
    let reply = client.reply().unwrap();
    assert_eq!(reply.status, 503, "{reply:?}");
    reply.assert_is_for("half");
    process.wait().assert_code(0);
    assert_eq!(folder.lines("out.ndjson").len(), 0, "nothing of it was fed");
    drop(idle);
}

#[test]
fn a_request_that_is_delivered_within_the_grace_is_told_200() {
    let folder = Folder::new();
    let (port, pages) = (free_port(), free_port());
    folder.write("c.yaml", config(port, pages, "", "{ stdout: {} }", "shutdown: { grace: 150s }\n"));
    let mut process = folder.start(folder.command(&["run", "-q", "-c", "c.yaml"]).stdout(Stdio::piped()));
    process.until("the endpoint", || lives(port));
    let mut out = process.stdout();
    // More than the pipe holds.
    let delivery = Delivery::new("stopped", lines(1, 400));
    let mut client = Client::connect(port).unwrap();
    client.send("stopped", &delivery.body()).unwrap();
    received(pages);
    process.terminate();
    until("the end of listening", || Client::connect(port).is_none().then_some(()));
    let mut bytes = Vec::new();
    out.read_to_end(&mut bytes).unwrap();
    let reply = client.reply().expect("an answer");
    assert!(reply.is_success("stopped"), "{reply:?}");
    process.wait().assert_code(0);
    folder.write("out.ndjson", bytes);
    assert_eq!(ids(&folder, "out.ndjson"), event_ids([&delivery]));
}

#[test]
fn a_request_that_is_not_delivered_within_the_grace_is_told_503_when_that_is_over() {
    let folder = Folder::new();
    let rest = "shutdown: { grace: 1s }\n";
    let Listening { process, port, pages } = listen(&folder, "", "{ file: { path: /dev/full } }", rest);
    let mut client = Client::connect(port).unwrap();
    client.send("stopped", &Delivery::new("stopped", lines(1, 400)).body()).unwrap();
    received(pages);
    let ended = process.stop();
    let reply = client.reply().expect("an answer");
    assert_eq!(reply.status, 503, "{reply:?}");
    reply.assert_is_for("stopped");
    assert!(reply.text.contains("before the end"), "not because of its deadline: {}", reply.text);
    ended.assert_code(75);
}

/// Waits until all records of the one request are fed.
fn received(pages: u16) {
    until("the records", || metrics(pages).filter(|page| page.source("records_received_total") == 400));
}
