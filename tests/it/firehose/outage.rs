//! Sinks that are slow or take nothing, and a process that is killed: nothing is lost, and nothing comes twice that need
//! not.

use std::{
    collections::BTreeSet,
    io::Read,
    process::{ChildStdout, Stdio},
    thread::JoinHandle,
};

use super::{
    Listening, TO_FILE,
    client::{Client, Delivery, Driver, lives},
    config, event_ids, ids, lines, listen, start,
};
use crate::process::{Folder, free_port, metrics, page, until};

/// A process whose sink is its stdout, which takes nothing until somebody reads.
fn listen_to_a_pipe(folder: &Folder, more: &str, rest: &str) -> (Listening, ChildStdout) {
    let (port, pages) = (free_port(), free_port());
    folder.write("c.yaml", config(port, pages, more, "{ stdout: {} }", rest));
    let mut process = folder.start(folder.command(&["run", "-q", "-c", "c.yaml"]).stdout(Stdio::piped()));
    process.until("the endpoint", || lives(port));
    let out = process.stdout();
    (Listening { process, port, pages }, out)
}

fn read_all(mut out: ChildStdout) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        out.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

#[test]
fn a_sink_that_is_slower_than_the_deadline_gets_every_record_once_however_often_firehose_sends_it() {
    let folder = Folder::new();
    let (Listening { process, port, pages }, out) = listen_to_a_pipe(&folder, ", deadline: 1s", "");
    // More than a pipe holds, so that none is confirmed.
    let deliveries: Vec<Delivery> =
        (0..3).map(|number| Delivery::new(&format!("slow-{number}"), lines(number, 400))).collect();
    let sending: Vec<_> = deliveries
        .iter()
        .cloned()
        .map(|delivery| std::thread::spawn(move || Driver::of(port).deliver(&delivery)))
        .collect();
    let late = |page: &crate::process::Page| {
        page.sum("floodmark_source_firehose_requests_total", &["outcome=\"late\""])
    };
    until("answers that come too late", || metrics(pages).filter(|page| late(page) >= 6));
    let reading = read_all(out);
    for tries in sending {
        assert!(tries.join().unwrap().expect("it is delivered in the end") > 1);
    }
    process.stop().assert_code(0);
    folder.write("out.ndjson", reading.join().unwrap());
    let (mut found, mut wanted) = (ids(&folder, "out.ndjson"), event_ids(&deliveries));
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted, "lost or fed twice");
}

#[test]
fn a_sink_that_takes_nothing_is_never_told_as_delivered() {
    let folder = Folder::new();
    let rest = "shutdown: { grace: 1s }\n";
    let Listening { mut process, port, pages } =
        listen(&folder, ", deadline: 1s", "{ file: { path: /dev/full } }", rest);
    let delivery = Delivery::new("full", lines(1, 10));
    for _ in 0..3 {
        let reply = Client::connect(port).unwrap().deliver(&delivery).unwrap();
        assert_eq!(reply.status, 503, "{reply:?}");
        reply.assert_is_for("full");
    }
    process.until("the process to be unready", || page(pages, "/ready").filter(|page| page.status == 503));
    process.stop().assert_code(75);
}

#[test]
fn a_process_that_is_killed_loses_nothing_that_firehose_still_has() {
    let folder = Folder::new();
    let Listening { mut process, port, pages } =
        listen(&folder, "", TO_FILE, "state: { directory: state }\n");
    let deliveries: Vec<Delivery> =
        (0..60).map(|number| Delivery::new(&format!("killed-{number}"), lines(number, 200))).collect();
    let sending: Vec<_> = deliveries
        .chunks(15)
        .map(<[Delivery]>::to_vec)
        .map(|part| {
            std::thread::spawn(move || {
                part.iter().all(|delivery| Driver::of(port).deliver(delivery).is_some())
            })
        })
        .collect();
    for kill in 1..=3 {
        process.until("some documents", || (folder.lines("out.ndjson").len() >= kill * 1_500).then_some(()));
        process.kill();
        // A line that the kill has torn is ended, so that the next is whole.
        let torn = std::fs::read(folder.path("out.ndjson")).unwrap();
        if torn.last() != Some(&b'\n') {
            let whole = torn.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
            folder.write("out.ndjson", &torn[..whole]);
        }
        process = start(&folder, port, pages).process;
    }
    for all in sending {
        assert!(all.join().unwrap(), "a delivery was given up");
    }
    process.stop().assert_code(0);
    let found: BTreeSet<String> = ids(&folder, "out.ndjson").into_iter().collect();
    let wanted: BTreeSet<String> = event_ids(&deliveries).into_iter().collect();
    assert_eq!(found.len(), wanted.len(), "lost {:?}", wanted.difference(&found).take(3).collect::<Vec<_>>());
    assert_eq!(found, wanted);
}
