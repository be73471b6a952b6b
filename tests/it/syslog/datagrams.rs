//! Datagrams: each is a record of its sender, and what is dropped is counted.

use std::net::UdpSocket;

use super::{Listening, at, delivered, line, listen, quarantined, sender};
use crate::process::{Folder, free_port, metrics};

const DROPPED: &str = "floodmark_source_syslog_datagrams_dropped_total";

#[test]
fn two_datagrams_are_two_events_even_if_they_are_the_same_and_each_has_its_sender() {
    let folder = Folder::new();
    let port = free_port();
    let mut listening = listen(&folder, &[at("udp", port)], ", line_bytes_max: 480B");
    let long = format!("<13>{}", "x".repeat(1_000));
    let from = [
        sender::udp(port, line(1).as_bytes()),
        sender::udp(port, line(1).as_bytes()),
        sender::udp(port, b"<13>one"),
        sender::udp(port, b"<13>two\n"),
        sender::udp(port, long.as_bytes()),
    ];
    listening.until("five records", |page| page.source("records_received_total") == 5);
    listening.close(5);
    assert_eq!(delivered(&folder), [1, 1]);
    let ids: std::collections::BTreeSet<_> = folder
        .documents("out.ndjson")
        .iter()
        .map(|document| crate::process::text_at(document, "event.id"))
        .collect();
    assert_eq!(ids.len(), 2);
    let rows = quarantined(&folder);
    let find =
        |text: &str| rows.iter().find(|row| row.2 == text).unwrap_or_else(|| panic!("{text} in {rows:?}"));
    assert_eq!(find("<13>one").1, from[2].to_string());
    assert_eq!(find("<13>two").1, from[3].to_string());
    let cut = find(&long[..480]);
    assert_eq!((cut.0.as_str(), &cut.1), ("record_too_long", &from[4].to_string()));
}

#[test]
fn every_datagram_is_read_or_counted_as_dropped_by_the_kernel() {
    const SENT: u64 = 20_000;
    let folder = Folder::new();
    let port = free_port();
    let small = format!("udp: {{ address: \"127.0.0.1:{port}\", receive_buffer: 64KiB }}");
    let mut listening = listen(&folder, &[small], "");
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(("127.0.0.1", port)).unwrap();
    // It stands still while more comes than the kernel keeps.
    listening.process.pause();
    for number in 0..SENT {
        socket.send(line(number).as_bytes()).unwrap();
    }
    listening.process.resume();
    listening.until("what was kept", |page| page.source("records_received_total") > 0);
    // The kernel tells what it dropped with the next datagram that it keeps.
    let pages = listening.pages;
    let mut more = 0;
    listening.process.until("the drops", || {
        sender::udp(port, line(SENT).as_bytes());
        more += 1;
        metrics(pages).filter(|page| page.sum(DROPPED, &["reason=\"kernel\""]) > 0)
    });
    let all = (SENT + more) as i64;
    let page = listening.until("all of them", |page| {
        page.source("records_received_total") + page.sum(DROPPED, &["reason=\"kernel\""]) >= all
    });
    let (received, dropped) =
        (page.source("records_received_total"), page.sum(DROPPED, &["reason=\"kernel\""]));
    assert_eq!(received + dropped, all);
    assert!(dropped > SENT as i64 / 2, "{dropped}");
    listening.close(received);
}

#[test]
fn datagrams_above_the_rate_of_their_sender_are_dropped_and_counted() {
    const SENT: u64 = 3_000;
    let folder = Folder::new();
    let port = free_port();
    let mut listening = listen(&folder, &[at("udp", port)], ", records_per_second_max: 50");
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for number in 0..SENT {
        socket.send_to(line(number).as_bytes(), ("127.0.0.1", port)).unwrap();
    }
    let page = listening.until("all of them", |page| {
        page.source("records_received_total") + page.sum(DROPPED, &[]) == SENT as i64
    });
    assert!(page.sum(DROPPED, &["reason=\"rate\""]) > 0);
    let received = page.source("records_received_total");
    assert!(received >= 50);
    listening.close(received);
}

#[test]
fn a_buffer_that_the_kernel_makes_smaller_is_told_with_the_sysctl_that_helps() {
    let folder = Folder::new();
    let port = free_port();
    let large = format!("udp: {{ address: \"127.0.0.1:{port}\", receive_buffer: 1GiB }}");
    let Listening { process, pages } = listen(&folder, &[large], "");
    let kept = metrics(pages).unwrap().sum("floodmark_source_syslog_receive_buffer_bytes", &[]);
    assert!(kept > 0);
    let ended = process.stop();
    ended.assert_code(0);
    assert_eq!(ended.err.contains("net.core.rmem_max"), kept < 1 << 30, "{}", ended.err);
}

#[test]
fn what_the_kernel_has_kept_is_read_at_the_stop() {
    const SENT: u64 = 500;
    let folder = Folder::new();
    let port = free_port();
    let mut listening = listen(&folder, &[at("udp", port)], "");
    sender::udp(port, line(0).as_bytes());
    listening.until("the first", |page| page.source("records_received_total") == 1);
    listening.process.pause();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for number in 1..SENT {
        socket.send_to(line(number).as_bytes(), ("127.0.0.1", port)).unwrap();
    }
    listening.process.terminate();
    listening.process.resume();
    listening.process.wait().assert_code(0);
    assert!(delivered(&folder).into_iter().eq(0..SENT));
}
