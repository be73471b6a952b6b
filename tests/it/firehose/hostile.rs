//! Clients that mean harm: they cost bounded memory and time, and others are served meanwhile or after.

use std::time::Duration;

use floodmark::telemetry::clock;

use super::{
    KEY, Listening, TO_FILE,
    client::{Client, Delivery, gzip},
    lines, listen,
};
use crate::process::{Folder, metrics, until};

#[track_caller]
fn assert_serves(port: u16, id: &str) {
    let reply = Client::connect(port).unwrap().deliver(&Delivery::new(id, lines(1, 2))).unwrap();
    assert!(reply.is_success(id), "{reply:?}");
}

#[test]
fn a_client_that_does_not_end_its_head_is_let_go_and_others_wait_no_longer_than_that() {
    let folder = Folder::new();
    let Listening { process, port, pages } = listen(&folder, ", connections_max: 4", TO_FILE, "");
    let begun = clock::monotonic();
    let mut slow: Vec<Client> = (0..12).map(|_| Client::connect(port).unwrap()).collect();
    slow.iter_mut().for_each(|client| client.write(b"POST / HTTP/1.1\r\nHost: a\r\nX-A: ").unwrap());
    let open = |page: &crate::process::Page| page.sum("floodmark_source_firehose_connections", &[]);
    let page = until("four connections", || metrics(pages).filter(|page| open(page) == 4));
    assert_eq!(open(&page), 4, "no more are taken");
    // A byte now and then does not help them.
    let dripping = std::thread::spawn(move || {
        (0..40).for_each(|_| {
            slow.iter_mut().for_each(|client| {
                client.write(b"a");
            });
            std::thread::sleep(Duration::from_millis(500));
        });
    });
    assert_serves(port, "after-the-slow");
    assert!(begun.elapsed() < Duration::from_secs(100), "{:?}", begun.elapsed());
    process.stop().assert_code(0);
    dripping.join().unwrap();
}

#[test]
fn a_body_that_comes_too_slowly_is_told_so_within_the_deadline() {
    let folder = Folder::new();
    let Listening { process, port, .. } = listen(&folder, ", deadline: 2s", TO_FILE, "");
    let mut client = Client::connect(port).unwrap();
    let head = client.head("slow", 1_000);
    client.write(head.as_bytes()).unwrap();
    client.write(b"{").unwrap();
    let reply = client.reply().unwrap();
    assert_eq!(reply.status, 400, "{reply:?}");
    reply.assert_is_for("slow");
    assert_serves(port, "after-the-slow");
    process.stop().assert_code(0);
}

#[test]
fn huge_heads_and_bombs_are_refused_and_the_next_request_is_served() {
    let folder = Folder::new();
    let Listening { process, port, .. } =
        listen(&folder, ", body_bytes_max: 1MiB, waiting_bytes_max: 1MiB", TO_FILE, "");
    let mut client = Client::connect(port).unwrap();
    client.write(format!("POST / HTTP/1.1\r\nHost: a\r\nX-A: {}\r\n", "a".repeat(300_000)).as_bytes());
    assert!(client.reply().is_none_or(|reply| reply.status == 431));
    let mut many = Client::connect(port).unwrap();
    many.write(format!("POST / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X-A: b\r\n".repeat(5_000)).as_bytes());
    assert!(many.reply().is_none_or(|reply| reply.status == 431));
    assert_serves(port, "after-the-heads");

    let bomb = gzip(
        &[b"{\"requestId\":\"bomb\",\"x\":\"", &vec![b'x'; 100 << 20][..], b"\",\"records\":[]}"].concat(),
    );
    assert!(bomb.len() < 1 << 20, "{}", bomb.len());
    let mut client = Client::connect(port).unwrap();
    client.gzip = true;
    let head = client.head("bomb", bomb.len());
    client.write(head.as_bytes()).unwrap();
    client.write(&bomb).unwrap();
    let reply = client.reply().unwrap();
    assert_eq!(reply.status, 400, "{reply:?}");
    reply.assert_is_for("bomb");
    assert_serves(port, "after-the-bomb");
    process.stop().assert_code(0);
}

#[test]
fn a_body_without_a_length_is_read_up_to_the_limit_and_no_further() {
    let folder = Folder::new();
    let Listening { process, port, .. } =
        listen(&folder, ", body_bytes_max: 64KiB, waiting_bytes_max: 64KiB", TO_FILE, "");
    for (id, blank, status) in [("short", 10, 200), ("long", 100_000, 400)] {
        let body = format!("{{\"records\":[{{\"data\":\"\"}}]{}}}", " ".repeat(blank));
        let head = format!(
            "POST / HTTP/1.1\r\nHost: a\r\nX-Amz-Firehose-Access-Key: {KEY}\r\nX-Amz-Firehose-Request-Id: {id}\r\n\
             Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
            body.len()
        );
        let mut client = Client::connect(port).unwrap();
        client.write(head.as_bytes()).unwrap();
        let reply = client.reply().unwrap();
        assert_eq!(reply.status, status, "{reply:?}");
        reply.assert_is_for(id);
    }
    process.stop().assert_code(0);
}
