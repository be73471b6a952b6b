//! Records that nobody wants, and a config that cannot work: each is told with its place.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::{
    fake::{Act, Fake},
    plan::Plan,
    record::{Line, Put, line, plain},
    stream::{Place, Stream},
};
use crate::{
    kafka::{instance::Instance, ledger::Delivered},
    process::text_at,
};

/// What is quarantined, by the id: its reason, its origin, its position and its bytes.
fn quarantined(instance: &Instance) -> BTreeMap<String, (String, String, u64, Vec<u8>)> {
    let read = |line: &Value| {
        let bytes = STANDARD.decode(text_at(line, "bytes")).unwrap();
        let place =
            (text_at(line, "reason"), text_at(line, "origin"), line["position"].as_u64().unwrap(), bytes);
        (text_at(line, "event_id"), place)
    };
    instance.folder.documents("quarantine.ndjson").iter().map(read).collect()
}

/// AWS's default format and a column behind it, which no header line tells.
const LONGER: &str = "{ vpc_flow: { fields: \"${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} \
                      ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status} ${vpc-id}\" } }";

/// A line of that format.
fn long(number: u64) -> String {
    line(number) + " vpc-0a1b2c"
}

#[test]
fn bad_records_are_quarantined_with_their_sequence_numbers_and_a_replay_gives_them_the_same_ids() {
    let fake = Fake::new();
    let mut stream = Stream::create(&fake.url(), "bad", 1);
    let mut puts = plain(0, 10);
    puts.push(Put::plain("long", &long(100)));
    puts.push(Put::bad("empty", b""));
    let mixed = [line(200), long(201), line(202)];
    puts.push(Put::aggregate("mixed", mixed));
    puts.push(Put::bad("garbage", b"\x00\x01\x02\xff\x80 garbage"));
    puts.extend(plain(300, 10));
    let places = stream.put(&puts);
    let mut instance = Plan::new(&stream).start();
    let mut delivered = Delivered::by(&[&instance]);
    instance.until("what is good", || (delivered.read_on() >= 22).then_some(()));
    let page = instance.until_page("the rest", |page| {
        page.source("entries_quarantined_total") + page.source("records_quarantined_total") >= 3
            && page.source("records_in_flight") == 0
    });
    page.assert_balanced();
    instance.stop();

    let kept = quarantined(&instance);
    assert_eq!((delivered.len(), kept.len()), (22, 3), "{kept:?}");
    let origin = |place: &Place| format!("kinesis:{}/{}/{}", stream.name, place.shard, place.sequence);
    let garbage = kept.values().find(|kept| kept.3 == puts[13].bytes).expect("the garbage");
    assert_eq!((&garbage.1, garbage.2), (&origin(&places[13]), 0));
    for (place, number, text) in [(&places[10], 0, long(100)), (&places[12], 1, long(201))] {
        let id = Line::Own(number, 0, text.clone()).id(&stream.name, &place.shard, &place.sequence);
        let (reason, from, position, bytes) = &kept[&id];
        assert_eq!((&**reason, from, *position), ("too_many_columns", &origin(place), number));
        assert_eq!(*bytes, text.as_bytes());
    }

    let from = instance.folder.path("quarantine.ndjson");
    std::fs::rename(from, instance.folder.path("again.ndjson")).unwrap();
    Plan::new(&stream).format(LONGER).give(&instance);
    instance.run(&["replay", "-c", "c.yaml", "again.ndjson"]).assert_code(0);
    stream.ledger.assert_once(&mut delivered);
    assert_eq!(quarantined(&instance).len(), 1, "the garbage stays");
}

/// What `check --online` says.
fn checked(plan: &Plan) -> (Option<i32>, String) {
    let ended = plan.instance().run(&["check", "--online", "-c", "c.yaml"]);
    (ended.code(), ended.err)
}

#[test]
fn an_online_check_passes_where_all_is_there_and_names_what_is_not() {
    let fake = Fake::new();
    let stream = Stream::create(&fake.url(), "checked", 1);
    let (code, told) = checked(&Plan::new(&stream));
    assert_eq!(code, Some(0), "{told}");

    let absent = Plan::at(&fake.url(), "no-such-stream");
    let (code, told) = checked(&absent);
    assert_eq!(code, Some(69), "{told}");
    assert!(told.contains("no-such-stream") && told.contains("source flows"), "{told}");

    fake.script(|_, _| Act::Refuse("AccessDeniedException"));
    let (code, told) = checked(&Plan::new(&stream));
    assert_eq!(code, Some(69), "{told}");
    assert!(told.contains("AccessDenied"), "{told}");
    fake.script(|_, _| Act::Pass);

    let nowhere = Plan::at("http://127.0.0.1:9", &stream.name);
    let (code, told) = checked(&nowhere);
    assert_eq!(code, Some(69), "{told}");

    let table = Plan::new(&stream).leased_at("http://127.0.0.1:9", "leases", "10s");
    let (code, told) = checked(&table);
    assert_eq!(code, Some(69), "{told}");
    assert!(told.contains("checkpoint"), "{told}");
}
