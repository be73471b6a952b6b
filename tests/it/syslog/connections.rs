//! Connections: how they are framed, and what becomes of what they had brought when the process stops.

use std::{
    io::{Read, Write},
    process::Stdio,
    time::Duration,
};

use super::{Listening, at, config, delivered, in_flight, line, listen, quarantined, sender, start};
use crate::process::{Folder, free_port, metrics, until};

#[test]
fn lines_and_counted_frames_of_one_connection_are_each_a_record_however_they_are_cut() {
    let folder = Folder::new();
    let port = free_port();
    let listening = listen(&folder, &[at("tcp", port)], "");
    let stream = format!("{}\n16 <13>counted\nmore{}\r\n9 <13>again\n{}", line(1), line(2), line(3));
    let mut connection = sender::connect(port);
    connection.set_nodelay(true).unwrap();
    for byte in stream.as_bytes() {
        connection.write_all(&[*byte]).unwrap();
    }
    drop(connection);
    sender::tcp(port, stream.as_bytes());
    listening.close(10);
    let mut numbers = delivered(&folder);
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 1, 2, 2, 3, 3]);
    let mut texts: Vec<_> = quarantined(&folder).into_iter().map(|(.., text)| text).collect();
    texts.sort_unstable();
    // The second line of a counted frame is a line of its own to a format of lines.
    assert_eq!(texts.iter().filter(|text| text.starts_with("<13>counted")).count(), 2, "{texts:?}");
    assert_eq!(texts.iter().filter(|text| *text == "<13>again").count(), 2, "{texts:?}");
}

#[test]
fn ids_differ_between_connections_and_between_runs_although_the_lines_are_the_same() {
    let folder = Folder::new();
    let port = free_port();
    for _ in 0..2 {
        let listening = listen(&folder, &[at("tcp", port)], "");
        (0..2).for_each(|_| {
            sender::tcp(port, format!("{}\n", line(7)).as_bytes());
        });
        listening.close(2);
    }
    let ids: std::collections::BTreeSet<_> = folder
        .documents("out.ndjson")
        .iter()
        .map(|document| crate::process::text_at(document, "event.id"))
        .collect();
    assert_eq!(ids.len(), 4);
}

#[test]
fn a_stop_reads_what_was_sent_and_tells_the_sender_before_it_closes() {
    let folder = Folder::new();
    let port = free_port();
    let mut listening = listen(&folder, &[at("tcp", port)], "");
    let mut connection = sender::connect(port);
    connection.write_all(format!("{}\n", line(1)).as_bytes()).unwrap();
    listening.until("the first line", |page| page.source("records_received_total") == 1);
    listening.process.terminate();
    // The other side has said that it will not read for long: a sender that looks sends what it has and closes.
    connection.set_read_timeout(Some(Duration::from_secs(180))).unwrap();
    assert_eq!(connection.read(&mut [0; 8]).unwrap(), 0);
    connection.write_all(format!("{}\n{}", line(2), line(3)).as_bytes()).unwrap();
    drop(connection);
    listening.process.wait().assert_code(0);
    assert_eq!(delivered(&folder), [1, 2, 3]);
}

#[test]
fn half_a_frame_of_a_sender_that_stays_is_quarantined_at_the_stop() {
    let folder = Folder::new();
    let port = free_port();
    let mut listening = listen(&folder, &[at("tcp", port)], "");
    let mut counted = sender::connect(port);
    counted.write_all(b"100 <13>half").unwrap();
    let mut connection = sender::connect(port);
    connection.write_all(format!("{}\n<13>half a line", line(1)).as_bytes()).unwrap();
    listening.until("the first line", |page| page.source("records_received_total") == 1);
    // Closed, so it has ended before it was whole.
    drop(counted);
    listening.until("half a frame", |page| page.source("records_received_total") == 2);
    listening.process.terminate();
    listening.process.wait().assert_code(0);
    let rows: Vec<_> = quarantined(&folder).into_iter().map(|(reason, _, text)| (reason, text)).collect();
    let truncated = |text: &str| ("truncated".to_owned(), text.to_owned());
    assert_eq!(rows, [truncated("<13>half"), truncated("<13>half a line")]);
    drop(connection);
}

#[test]
fn a_sink_that_does_not_take_makes_the_sender_wait_and_nothing_is_lost() {
    const LINES: u64 = 150_000;
    let folder = Folder::new();
    let (port, pages) = (free_port(), free_port());
    let to = "{ stdout: {} }";
    folder.write(
        "c.yaml",
        config(pages, &[at("tcp", port)], "", "").replace("{ file: { path: out.ndjson } }", to),
    );
    let mut process = folder.start(folder.command(&["run", "-q", "-c", "c.yaml"]).stdout(Stdio::piped()));
    process.until("the pages", || metrics(pages));
    let mut out = process.stdout();
    let sending = std::thread::spawn(move || {
        let mut connection = sender::connect(port);
        for number in 0..LINES {
            connection.write_all(format!("{}\n", line(number)).as_bytes()).unwrap();
        }
    });
    // Nobody reads the documents: what is in flight is full, and the rest stays with the sender.
    let mut last = -1;
    until("a standstill", || {
        let received = metrics(pages)?.source("records_received_total");
        std::thread::sleep(Duration::from_millis(500));
        let stands = received > 0 && received == last && received < LINES as i64;
        last = received;
        stands.then_some(())
    });
    assert!(!sending.is_finished(), "the sender waits");
    let reading = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        out.read_to_end(&mut bytes).unwrap();
        bytes
    });
    sending.join().unwrap();
    until("the last line", || {
        metrics(pages)
            .filter(|page| page.source("records_received_total") == LINES as i64 && in_flight(page) == 0)
    });
    process.stop().assert_code(0);
    folder.write("out.ndjson", reading.join().unwrap());
    let mut numbers = delivered(&folder);
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(0..LINES));
}

#[test]
fn a_peer_above_its_rate_is_read_later_and_loses_nothing() {
    let folder = Folder::new();
    let port = free_port();
    let mut listening = listen(&folder, &[at("tcp", port)], ", records_per_second_max: 100");
    // One by one, so that the first of them do not use up all that comes after.
    let mut connection = sender::connect(port);
    let all: String = (0..400).map(|number| line(number) + "\n").collect();
    connection.write_all(all.as_bytes()).unwrap();
    listening.until("a wait", |page| page.sum("floodmark_source_syslog_waits_total", &[]) > 0);
    connection.write_all(format!("{}\n", line(400)).as_bytes()).unwrap();
    drop(connection);
    listening.close(401);
    assert_eq!(delivered(&folder).len(), 401);
}

#[test]
fn a_connection_that_brings_nothing_is_closed() {
    let folder = Folder::new();
    let port = free_port();
    let mut listening = listen(&folder, &[at("tcp", port)], ", idle_timeout: 1s");
    let mut connection = sender::connect(port);
    connection.write_all(b"<13>half").unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(180))).unwrap();
    assert_eq!(connection.read(&mut [0; 8]).unwrap(), 0);
    let closed = "floodmark_source_syslog_connections_closed_total";
    let page = listening.until("the record", |page| page.source("records_received_total") == 1);
    assert_eq!(page.sum(closed, &["reason=\"idle\""]), 1);
    listening.close(1);
    assert_eq!(quarantined(&folder)[0].0, "truncated");
}

#[test]
fn connections_that_wait_to_be_taken_are_read_at_the_stop_too() {
    let folder = Folder::new();
    let (port, pages) = (free_port(), free_port());
    folder.write("c.yaml", config(pages, &[at("tcp", port)], ", connections_max: 1", ""));
    let Listening { mut process, .. } = start(&folder, pages);
    let first = sender::connect(port);
    process.until("one connection", || {
        metrics(pages).filter(|page| page.sum("floodmark_source_syslog_connections", &[]) == 1)
    });
    let mut second = sender::connect(port);
    second.write_all(format!("{}\n", line(2)).as_bytes()).unwrap();
    assert_eq!(metrics(pages).unwrap().source("records_received_total"), 0, "it waits");
    drop(first);
    process.until("its line", || metrics(pages).filter(|page| page.source("records_received_total") == 1));
    process.stop().assert_code(0);
    assert_eq!(delivered(&folder), [2]);
}
