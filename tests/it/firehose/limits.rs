//! The largest requests that Firehose sends, two at a time: they fit the memory that the config allows.

use super::{
    Listening,
    client::{Client, Delivery},
    lines, listen,
};
use crate::process::{Folder, metrics};

const MEBIBYTES: u64 = 384;
/// AWS's limits.
const BODY_BYTES: usize = 64 << 20;
const RECORDS: usize = 10_000;

#[test]
fn bodies_of_64_mib_and_10_000_records_fit_the_memory_limit_two_at_a_time() {
    let folder = Folder::new();
    let rest = format!("score: {{ entities_max: 100 }}\nlimits: {{ memory: {MEBIBYTES}MiB }}\n");
    let Listening { process, port, pages } = listen(&folder, ", deadline: 170s", "{ discard: {} }", &rest);
    // Mostly a blank line, so that a debug build is through in time; what is in memory is the same.
    let line = lines(1, 1).remove(0);
    let filling = (BODY_BYTES - 200) / RECORDS / 4 * 3 - 12 - line.len();
    let record = [&line[..], b"\n", &vec![b' '; filling - 1]].concat();
    std::thread::scope(|scope| {
        for (number, gzip) in [false, true].into_iter().enumerate() {
            let delivery = Delivery::new(&format!("large-{number}"), vec![record.clone(); RECORDS]);
            scope.spawn(move || {
                let body = delivery.body();
                assert!((BODY_BYTES - (1 << 20)..=BODY_BYTES).contains(&body.len()), "{}", body.len());
                let mut client = Client::connect(port).unwrap();
                client.gzip = gzip;
                client.send(&delivery.id, &body).unwrap();
                let reply = client.reply().unwrap();
                assert!(reply.is_success(&delivery.id), "{reply:?}");
            });
        }
    });
    let page = metrics(pages).unwrap();
    assert_eq!(page.source("records_received_total"), 2 * RECORDS as i64);
    assert_eq!(page.source("entries_parsed_total"), 2 * RECORDS as i64);
    let most = crate::memory::status(&process, "VmHWM");
    assert!(most <= (MEBIBYTES << 20) + (MEBIBYTES << 20) / 10, "{most} bytes at the most");
    process.stop().assert_code(0);
}

#[test]
fn a_config_whose_bodies_do_not_fit_the_memory_limit_is_refused_before_it_listens() {
    let folder = Folder::new();
    let rest = "limits: { memory: 200MiB }\n";
    let config = super::config(1, 2, ", waiting_bytes_max: 300MiB", "{ discard: {} }", rest);
    folder.write("c.yaml", config);
    let ended = folder.run(&["run", "-q", "-c", "c.yaml"]);
    ended.assert_told("limits.memory");
    assert_ne!(ended.code(), Some(0));
}
