//! Senders that mean harm: they cost bounded memory and time, and others are served meanwhile.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use super::{at, delivered, line, listen, quarantined, sender};
use crate::process::{Folder, free_port};

#[test]
fn lies_about_lengths_and_lines_of_noise_are_quarantined_and_their_neighbours_go_on() {
    let folder = Folder::new();
    let port = free_port();
    let mut listening = listen(&folder, &[at("tcp", port)], ", line_bytes_max: 480B");
    let noise = b"\xff\xfe\x00\x01 <<<>>> 9999 \x1b[2J";
    let hostile: [Vec<u8>; 9] = [
        b"99999999999999999999 <13>a count beyond all numbers\n".to_vec(),
        b"12345678 <13>a huge count\n".to_vec(),
        b"0013 <13>zero-padded\n".to_vec(),
        b"0 <13>nothing\n".to_vec(),
        b"-1 <13>negative\n".to_vec(),
        b"0x1F <13>not a number\n".to_vec(),
        [noise.as_slice(), b"\n"].concat(),
        b"\x00\n".to_vec(),
        format!("<13>{}\n", "A".repeat(5_000)).into_bytes(),
    ];
    for (number, bytes) in (0..).zip(&hostile) {
        let stream = [bytes, line(number).as_bytes(), b"\n"].concat();
        sender::tcp(port, &stream);
    }
    // A count that promises more than is allowed is believed as far as it goes, and the next frame is found.
    sender::tcp(port, format!("5000 <13>{}{}\n", "B".repeat(4_996), line(9)).as_bytes());
    listening.until("all records", |page| page.source("records_received_total") == 20);
    listening.close(20);
    let mut numbers = delivered(&folder);
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(0..10), "each neighbour is delivered");
    let rows = quarantined(&folder);
    assert_eq!(rows.len(), 10, "{rows:?}");
    let long: Vec<_> = rows.iter().filter(|row| row.0 == "record_too_long").collect();
    assert_eq!(long.len(), 2);
    assert!(long.iter().all(|row| row.2.len() == 480), "cut to the limit");
}

#[test]
fn an_endless_line_takes_no_memory_and_ends_as_one_record() {
    let folder = Folder::new();
    let port = free_port();
    let mut listening = listen(&folder, &[at("tcp", port)], ", line_bytes_max: 64KiB");
    let mut connection = sender::connect(port);
    connection.write_all(b"<13>").unwrap();
    let block = vec![b'x'; 1 << 20];
    let resident = |process: u32| -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    connection.write_all(&block).unwrap();
    let before = resident(listening.process.id());
    (0..200).for_each(|_| connection.write_all(&block).unwrap());
    let after = resident(listening.process.id());
    assert!(after < before + (20 << 10), "{before} KiB before, {after} KiB after 200 MiB of one line");
    connection.write_all(format!("\n{}\n", line(1)).as_bytes()).unwrap();
    drop(connection);
    listening.until("both records", |page| page.source("records_received_total") == 2);
    listening.close(2);
    assert_eq!(delivered(&folder), [1]);
    let rows = quarantined(&folder);
    assert_eq!((rows[0].0.as_str(), rows[0].2.len()), ("record_too_long", 64 << 10));
}

#[test]
fn an_address_that_opens_connections_without_end_has_no_more_than_its_share() {
    let folder = Folder::new();
    let port = free_port();
    let mut listening =
        listen(&folder, &[at("tcp", port)], ", connections_per_peer_max: 8, connections_max: 20");
    let mut flood: Vec<TcpStream> = (0..100).map(|_| sender::connect(port)).collect();
    let closed = "floodmark_source_syslog_connections_closed_total";
    let page = listening.until("the flood's end", |page| page.sum(closed, &["reason=\"peer_full\""]) == 92);
    assert_eq!(page.sum("floodmark_source_syslog_connections", &[]), 8);
    flood[0].write_all(format!("{}\n", line(1)).as_bytes()).unwrap();
    drop(flood.split_off(1));
    listening.until("the others' end", |page| page.sum("floodmark_source_syslog_connections", &[]) == 1);
    sender::tcp(port, format!("{}\n", line(2)).as_bytes());
    drop(flood);
    listening.close(2);
    assert_eq!(delivered(&folder).len(), 2);
}

#[test]
fn a_client_that_does_not_end_its_handshake_is_let_go_and_others_are_served_meanwhile() {
    let folder = Folder::new();
    let port = free_port();
    let trust = super::tls::Authority::new(&folder);
    let listener =
        format!("tls: {{ address: \"127.0.0.1:{port}\", certificate: cert.pem, key: {{ file: key.pem }} }}");
    let mut listening = listen(&folder, &[listener], ", handshake_timeout: 2s");
    let mut slow: Vec<TcpStream> = (0..20).map(|_| sender::connect(port)).collect();
    // The beginning of a ClientHello, and then a byte now and then.
    slow.iter_mut().for_each(|stream| stream.write_all(&[22, 3, 1, 1]).unwrap());
    trust.send(port, None, format!("{}\n", line(1)).as_bytes()).unwrap();
    listening.until("its line", |page| page.source("records_received_total") == 1);
    let closed = "floodmark_source_syslog_connections_closed_total";
    listening.until("the end of the slow", |page| page.sum(closed, &["reason=\"handshake\""]) == 20);
    for stream in &mut slow {
        stream.set_read_timeout(Some(Duration::from_secs(180))).unwrap();
        assert!(!matches!(stream.read(&mut [0; 64]), Ok(1..)), "nothing was agreed on");
    }
    // Plain text on the port of TLS is no handshake either.
    sender::tcp(port, b"<13>plain text\n");
    listening.until("its end", |page| page.sum(closed, &["reason=\"handshake\""]) == 21);
    listening.close(1);
}
