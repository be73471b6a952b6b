//! Records that nobody wants: each goes where it can be looked at, and its neighbours arrive.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use floodmark::event::{IdScheme, Origin};
use serde_json::Value;

use super::{
    cluster::{Cluster, unique},
    instance::Plan,
    ledger::Delivered,
};
use crate::{flows, process::text_at};

/// The ids of what is quarantined, each with its reason, position, index and bytes.
fn quarantined(lines: &[Value], origin: &str) -> BTreeMap<String, (String, u64, u64, Vec<u8>)> {
    let read = |line: &Value| {
        assert_eq!(
            (text_at(line, "source"), text_at(line, "origin")),
            ("flows".to_owned(), origin.to_owned())
        );
        let number = |name: &str| line[name].as_u64().unwrap();
        let bytes = STANDARD.decode(text_at(line, "bytes")).unwrap();
        (text_at(line, "event_id"), (text_at(line, "reason"), number("position"), number("index"), bytes))
    };
    lines.iter().map(read).collect()
}

/// Bytes as the client takes them.
fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:02x}")).collect()
}

#[test]
fn empty_and_broken_records_are_passed_over_or_quarantined_with_their_place_and_their_neighbours_arrive() {
    let name = "empty_and_broken_records_are_passed_over_or_quarantined_with_their_place_and_their_neighbours_arrive";
    let Some(cluster) = Cluster::shared(name) else { return };
    let (topic, group) = (unique("poison"), unique("group"));
    cluster.create(&topic, 1, &[]);
    let good = |host: u64| flows::line(host, "198.51.100.7", 1_000 + host, flows::START);
    let long = good(2).replace(" eni-", &format!(" eni-{}", "a".repeat(900_000)));
    let not_utf8 = [good(3).as_bytes(), b" \xff\xfe"].concat();
    let records: Vec<Vec<u8>> = vec![
        good(0).into_bytes(),
        Vec::new(),
        b"\x00\x01\x02\xff\x1f\x8b garbage \x80".to_vec(),
        good(1).into_bytes(),
        long.into_bytes(),
        not_utf8.clone(),
        format!("{}\n{}\r\n\n{} more\n{}", good(4), good(5), good(6), good(7)).into_bytes(),
        b"\n".to_vec(),
        good(8).into_bytes(),
    ];
    let mut lines: Vec<String> = records.iter().map(|record| escaped(record)).collect();
    lines.insert(2, "\\-".to_owned());
    cluster.produce(&topic, &lines, &["--escaped"]);

    let mut instance = Plan::new(&cluster, &topic, &group).start();
    let page = instance.until_page("all records", |page| {
        page.source("records_received_total") == 10 && page.source("records_in_flight") == 0
    });
    page.assert_balanced();
    instance.stop();
    let origin = Origin::kafka(&topic, 0);
    let scheme = IdScheme::of(&origin);
    let id = |position: u64, index: u32, bytes: &[u8]| scheme.event(position, index, bytes).to_string();
    let wanted = [
        (0, 0, good(0)),
        (4, 0, good(1)),
        (7, 0, good(4)),
        (7, 1, good(5)),
        (7, 4, good(7)),
        (9, 0, good(8)),
    ];
    let wanted: Vec<String> =
        wanted.iter().map(|(position, index, line)| id(*position, *index, line.as_bytes())).collect();
    let mut delivered = Delivered::by(&[&instance]);
    delivered.read_on();
    let kept = quarantined(&instance.folder.documents("quarantine.ndjson"), origin.as_str());
    let told: Vec<_> = kept
        .values()
        .map(|(reason, position, index, bytes)| (reason, position, index, bytes.len()))
        .collect();
    for id in &wanted {
        assert!(delivered.ids().any(|out| out == id), "{id} is missing; quarantined are {told:?}");
    }
    let bad = format!("{} more", good(6));
    for (position, index, reason, bytes) in [
        (3, 0, "", &records[2]),
        (6, 0, "not_utf8", &not_utf8),
        (7, 3, "too_many_columns", &bad.into_bytes()),
    ] {
        let found =
            kept.get(&id(position, index, bytes)).unwrap_or_else(|| panic!("{position} is not in {told:?}"));
        assert_eq!((found.1, found.2, &found.3), (position, u64::from(index), bytes));
        assert!(reason.is_empty() || found.0 == reason, "{}", found.0);
    }
    // The long line is one or the other, and whole.
    let long = id(5, 0, &records[4]);
    assert!(delivered.ids().any(|out| out == long), "quarantined are {told:?}");
    assert_eq!(delivered.len() + kept.len(), 10, "{told:?}");
}

#[cfg(feature = "crash-points")]
#[test]
fn a_record_at_which_it_crashed_three_times_is_quarantined_with_its_chunk_and_a_replay_brings_it_out() {
    use super::{instance::Protocol, ledger::Ledger, writer::lines};

    let name =
        "a_record_at_which_it_crashed_three_times_is_quarantined_with_its_chunk_and_a_replay_brings_it_out";
    let Some(cluster) = Cluster::shared(name) else { return };
    let (topic, group) = (unique("fatal"), unique("group"));
    cluster.create(&topic, 1, &[]);
    let mut text: Vec<String> = lines(0, 6_000).lines().map(str::to_owned).collect();
    text[3_000] = flows::line(3, "198.51.100.13", 66_613, flows::START);
    cluster.produce(&topic, &text, &[]);
    let mut instance =
        Plan::new(&cluster, &topic, &group).soon_missed(&cluster, &group, Protocol::Classic).instance();
    instance.set("FLOODMARK_POISON", "198.51.100.13");
    for run in 1..=3 {
        instance.start();
        let ended = instance.wait();
        assert_eq!(ended.code(), Some(70), "run {run}: {}", ended.err);
    }
    instance.start();
    let ledger = Ledger::of(&cluster, &topic);
    let mut delivered = Delivered::by(&[&instance]);
    let folder = instance.folder.path("quarantine.ndjson");
    instance.until("the rest", || {
        let kept = std::fs::read_to_string(&folder).unwrap_or_default().lines().count();
        (delivered.read_on() + kept >= ledger.len()).then_some(())
    });
    instance.stop();
    let kept = quarantined(&instance.folder.documents("quarantine.ndjson"), &format!("kafka:{topic}/0"));
    assert!((1..ledger.len() / 2).contains(&kept.len()), "only the chunk: {}", kept.len());
    for (id, (reason, position, index, bytes)) in &kept {
        assert_eq!((reason.as_str(), *index), ("crashed", 0));
        assert_eq!(bytes, text[*position as usize].as_bytes());
        assert!(ledger.get(id).is_some(), "an id of its own");
    }
    assert!(kept.values().any(|(_, position, ..)| *position == 3_000));

    std::fs::rename(folder, instance.folder.path("again.ndjson")).unwrap();
    instance.folder.run(&["replay", "-c", "c.yaml", "again.ndjson"]).assert_code(0);
    ledger.assert_at_least_once(&mut delivered);
}
