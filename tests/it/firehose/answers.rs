//! What a request is answered, and what is fed for it.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    KEY, Listening, TO_FILE,
    client::{Client, Delivery, Driver},
    event_id, event_ids, ids, lines, listen,
};
use crate::process::{Folder, Page, metrics, text_at};

fn requests(page: &Page, outcome: &str) -> i64 {
    page.sum("floodmark_source_firehose_requests_total", &[&format!("outcome=\"{outcome}\"")])
}

#[test]
fn a_request_is_answered_200_when_its_records_are_delivered_and_the_books_say_so() {
    let folder = Folder::new();
    let Listening { process, port, pages } = listen(&folder, "", TO_FILE, "");
    let mut deliveries = Vec::new();
    let mut client = Client::connect(port).unwrap();
    for number in 0..4 {
        client.gzip = number % 2 == 1;
        let mut records = lines(number, 50);
        // An empty record among them, and one of several lines.
        records[7].clear();
        let delivery = Delivery::new(&format!("0000-{number}"), records);
        let reply = client.deliver(&delivery).unwrap();
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.assert_is_for(&delivery.id);
        deliveries.push(delivery);
        // Told 200, so it is out: there is nothing to wait for.
        assert_eq!(ids(&folder, "out.ndjson").len(), deliveries.len() * 49);
    }
    let empty = event_ids(&deliveries).into_iter().collect::<BTreeSet<_>>();
    let found: BTreeSet<_> = ids(&folder, "out.ndjson").into_iter().collect();
    assert_eq!(found.difference(&empty).count(), 0, "every id is that of its request and record");
    let page = metrics(pages).unwrap();
    for (name, count) in [
        ("records_received_total", 200),
        ("records_opened_total", 200),
        ("records_in_flight", 0),
        ("entries_found_total", 200),
        ("entries_parsed_total", 196),
        ("entries_ignored_blank_total", 4),
        ("entries_in_flight", 0),
    ] {
        assert_eq!(page.source(name), count, "{name}");
    }
    assert_eq!(requests(&page, "delivered"), 4, "the look at /health is no request");
    let bytes: usize = deliveries.iter().flat_map(|delivery| &delivery.records).map(Vec::len).sum();
    assert_eq!(page.source("received_bytes_total") as usize, bytes, "as they were after base64");
    process.stop().assert_code(0);
}

#[test]
fn a_poison_record_is_quarantined_and_its_neighbours_are_delivered() {
    let folder = Folder::new();
    let Listening { process, port, .. } = listen(&folder, "", TO_FILE, "");
    let good = Delivery::new("poisoned", lines(1, 3));
    let parts: Vec<String> = good.records.iter().map(|line| STANDARD.encode(line)).collect();
    let body = format!(
        "{{\"requestId\":\"poisoned\",\"records\":[{{\"data\":\"{}\"}},{{\"data\":\"*not base64*\"}},\
         {{\"data\":\"{}\"}},{{}},{{\"data\":\"{}\"}},{{\"data\":\"{}\"}}]}}",
        parts[0],
        parts[1],
        STANDARD.encode("not a flow log"),
        parts[2],
    );
    let mut client = Client::connect(port).unwrap();
    client.send("poisoned", &body).unwrap();
    let reply = client.reply().unwrap();
    assert!(reply.is_success("poisoned"), "{reply:?}");
    let wanted: Vec<_> =
        [(0, 0), (2, 1), (5, 2)].map(|(at, line)| event_id("poisoned", at, &good.records[line])).into();
    assert_eq!(ids(&folder, "out.ndjson"), wanted);
    let quarantined: BTreeMap<u64, (String, Vec<u8>)> = folder
        .documents("quarantine.ndjson")
        .iter()
        .map(|line| {
            assert_eq!(line["origin"], "firehose:poisoned");
            let bytes = STANDARD.decode(text_at(line, "bytes")).unwrap();
            (line["position"].as_u64().unwrap(), (text_at(line, "reason"), bytes))
        })
        .collect();
    let reasons: Vec<_> =
        quarantined.iter().map(|(at, (reason, bytes))| (*at, &**reason, &**bytes)).collect();
    let wanted: [(u64, &str, &[u8]); 3] = [
        (1, "bad_encoding", b"*not base64*"),
        (3, "bad_encoding", b""),
        (4, "too_few_columns", b"not a flow log"),
    ];
    assert_eq!(reasons, wanted);
    process.stop().assert_code(0);
}

#[test]
fn a_request_that_comes_again_after_200_is_answered_200_and_not_fed_again() {
    let folder = Folder::new();
    let Listening { process, port, pages } = listen(&folder, "", TO_FILE, "");
    let delivery = Delivery::new("again", lines(1, 20));
    for _ in 0..3 {
        let reply = Client::connect(port).unwrap().deliver(&delivery).unwrap();
        assert!(reply.is_success("again"), "{reply:?}");
    }
    assert_eq!(ids(&folder, "out.ndjson"), event_ids([&delivery]));
    let page = metrics(pages).unwrap();
    assert_eq!((requests(&page, "delivered"), requests(&page, "replayed")), (1, 2));
    assert_eq!(page.sum("floodmark_source_firehose_requests_replayed_total", &[]), 2);
    process.stop().assert_code(0);
}

#[test]
fn requests_that_can_never_be_read_are_told_so_under_their_id_and_never_with_413_or_a_redirect() {
    let folder = Folder::new();
    let more = ", body_bytes_max: 64KiB, waiting_bytes_max: 64KiB";
    let Listening { process, port, pages } = listen(&folder, more, TO_FILE, "");
    let large = format!("{{\"records\":[],\"x\":\"{}\"}}", "x".repeat(70_000));
    let rows = [
        ("", "`{` should stand at byte 0"),
        ("no json", "`{` should stand at byte 0"),
        ("{\"requestId\":\"bad\"}", "it has no `records`"),
        ("{\"requestId\":\"other\",\"records\":[]}", "different ids"),
        (&large, "more than 65536 bytes"),
    ];
    for gzip in [false, true] {
        for (body, why) in rows {
            let mut client = Client::connect(port).unwrap();
            client.gzip = gzip;
            client.send("bad", body).unwrap();
            let reply = client.reply().unwrap();
            assert_eq!(reply.status, 400, "{why} {reply:?}");
            reply.assert_is_for("bad");
            assert!(reply.text.contains(why) || body.is_empty(), "{why}: {}", reply.text);
        }
    }
    // Without an id in the header that of the body is echoed; a GET is none of Firehose's.
    let body = "{\"requestId\":\"from-the-body\",\"records\":[{}]}";
    for (head, id, status) in [
        (
            format!("POST /any/path HTTP/1.1\r\nHost: a\r\nX-Amz-Firehose-Access-Key: {KEY}\r\n"),
            "from-the-body",
            200,
        ),
        ("GET / HTTP/1.1\r\nHost: a\r\n".to_owned(), "", 405),
        (
            format!(
                "POST / HTTP/1.1\r\nHost: a\r\nX-Amz-Firehose-Access-Key: {KEY}\r\nContent-Encoding: br\r\n"
            ),
            "",
            400,
        ),
    ] {
        let mut client = Client::connect(port).unwrap();
        client.write(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).unwrap();
        let reply = client.reply().unwrap();
        assert_eq!(reply.status, status, "{reply:?}");
        reply.assert_is_for(id);
    }
    let page = metrics(pages).unwrap();
    assert_eq!((requests(&page, "unreadable"), requests(&page, "delivered")), (12, 1));
    process.stop().assert_code(0);
}

#[test]
fn a_missing_or_wrong_key_is_refused_old_and_new_are_taken_and_a_file_is_read_again() {
    let folder = Folder::new();
    folder.write("key", "first-key\n");
    let keys = ", access_keys: [old, { file: key }]";
    let Listening { mut process, port, pages } = listen(&folder, keys, TO_FILE, "");
    let delivery = |key: Option<&str>, id: &str| {
        let mut client = Client::connect(port).unwrap();
        client.key = key.map(str::to_owned);
        let reply = client.deliver(&Delivery::new(id, lines(1, 1))).unwrap();
        reply.assert_is_for(id);
        reply.status
    };
    for (number, (key, status)) in
        [(None, 401), (Some(""), 401), (Some("wrong"), 401), (Some("old"), 200), (Some("first-key"), 200)]
            .into_iter()
            .enumerate()
    {
        assert_eq!(delivery(key, &number.to_string()), status, "{key:?}");
    }
    folder.write("key", "second-key\n");
    let mut number = 100;
    process.until("the new key", || {
        number += 1;
        (delivery(Some("second-key"), &number.to_string()) == 200).then_some(())
    });
    assert_eq!(delivery(Some("first-key"), "last"), 401, "it was replaced");
    let told = process.told();
    assert_eq!(told.matches("refused a request").count(), 1, "once a minute at most: {told}");
    assert!(!told.contains("-key"), "no key is told: {told}");
    let page = metrics(pages).unwrap();
    assert!(page.sum("floodmark_source_firehose_keys_refused_total", &[]) >= 4);
    process.stop().assert_code(0);
}

#[test]
fn many_requests_side_by_side_are_each_delivered_once() {
    let folder = Folder::new();
    let Listening { process, port, .. } = listen(&folder, "", TO_FILE, "");
    let deliveries: Vec<Delivery> =
        (0..40).map(|number| Delivery::new(&format!("side-{number}"), lines(number, 100))).collect();
    std::thread::scope(|scope| {
        for part in deliveries.chunks(5) {
            scope.spawn(move || {
                for (number, delivery) in part.iter().enumerate() {
                    let driver = Driver { gzip: number % 2 == 0, ..Driver::of(port) };
                    assert_eq!(driver.deliver(delivery), Some(1), "nothing stands in its way");
                }
            });
        }
    });
    let mut found = ids(&folder, "out.ndjson");
    let mut wanted = event_ids(&deliveries);
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted);
    process.stop().assert_code(0);
}

#[test]
fn common_attributes_become_labels_of_every_event_and_too_many_are_refused() {
    let folder = Folder::new();
    let Listening { process, port, .. } = listen(&folder, "", TO_FILE, "");
    let header = |attributes: &str| {
        format!("X-Amz-Firehose-Common-Attributes: {{\"commonAttributes\":{attributes}}}\r\n")
    };
    for (id, attributes, status) in [
        ("labelled", r#"{"deployment.context":"pre\"prod","team":"net"}"#.to_owned(), 200),
        ("bare", "{}".to_owned(), 200),
        ("broken", "[".to_owned(), 400),
        ("large", format!("{{\"a\":\"{}\"}}", "x".repeat(5_000)), 400),
    ] {
        let mut client = Client::connect(port).unwrap();
        client.more = header(&attributes);
        let reply = client.deliver(&Delivery::new(id, lines(1, 2))).unwrap();
        assert_eq!(reply.status, status, "{reply:?}");
        reply.assert_is_for(id);
    }
    let documents = folder.documents("out.ndjson");
    let labels: Vec<_> = documents.iter().map(|document| document.get("labels").cloned()).collect();
    let wanted = serde_json::json!({ "deployment_context": "pre\"prod", "team": "net" });
    assert_eq!(labels, [Some(wanted.clone()), Some(wanted), None, None]);
    process.stop().assert_code(0);
}
