//! An archive teaches what its records would have taught live, whatever order they are read in, but for what stands out of it.

mod gateways;

use std::net::Ipv4Addr;

use super::*;
use crate::score::{Learned, Table, settle};

const FOREVER: i64 = i64::MAX;

fn table_of<'a>(parts: impl IntoIterator<Item = &'a [Flow]>) -> Table {
    let mut table = Table::new(&config(), SEED, FOREVER);
    parts.into_iter().for_each(|flows| table.add(&batch_of("archive", 0, flows, 0)));
    table
}

fn taught(table: Table) -> Learned {
    settle(table, &config(), &Metrics::default(), SEED, |_, _| ())
}

/// Entries but those of the gate, which tells of partitions, and of the outside, which is known again within the hour: an archive
/// has neither.
fn but_what_is_of_a_process(entries: Vec<(Vec<u8>, Vec<u8>)>) -> Vec<(Vec<u8>, Vec<u8>)> {
    entries.into_iter().filter(|(key, _)| !b"gx".contains(&key[0])).collect()
}

fn rows_of(table: &Table) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut rows = Vec::new();
    let put = |key: &[u8], value: &[u8]| {
        rows.push((key.to_vec(), value.to_vec()));
        Ok::<_, ()>(())
    };
    table.write(put).unwrap();
    assert!(rows.is_sorted_by(|one, other| one.0 < other.0));
    rows
}

fn read(parts: &[&[(Vec<u8>, Vec<u8>)]]) -> Table {
    let mut table = Table::new(&config(), SEED, FOREVER);
    for (key, value) in parts.iter().copied().flatten() {
        table.read(key, value).unwrap();
    }
    table
}

/// Two days of hosts that do about the same all the time, in order of time.
fn calm(hosts: std::ops::Range<u8>) -> Vec<Flow> {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let mut flows = Vec::new();
    for time in (0..2 * 86_400).step_by(300) {
        for host in hosts.clone() {
            let mut flow = Flow::sent(host, random.random_range(40_000..60_000), START + time);
            flow.ports.1 = 443 + random.random_range(0..2);
            if random.random_range(0..3) == 0 {
                (flow.source, flow.destination) = (flow.destination, flow.source);
                flow.ports = (flow.ports.1, flow.ports.0);
            }
            flows.push(flow);
        }
    }
    flows
}

#[test]
fn where_nothing_stands_out_an_archive_teaches_what_the_same_records_teach_live() {
    let flows = calm(1..9);
    let learned = taught(table_of([&flows[..]]));
    assert!(learned.report.held_out.iter().all(|one| !one.of_whole_archive), "nothing stands out of it");
    assert_eq!(learned.report.entities.all, 8);
    let scorer = scorer_with(&config());
    let streams = Streams::from([("a", flows)]);
    let steps = whole(&streams, "a", 500);
    take(&scorer, &streams, &steps, 1, 0, &BTreeMap::new());
    let live = scorer.capture(steps.len() as u64).entries;
    let live: Vec<_> = live.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
    assert_eq!(learned.report.windows_learned + learned.report.windows_held_out, 8 * 2 * 144);
    assert_eq!(but_what_is_of_a_process(learned.entries), but_what_is_of_a_process(live));
}

#[test]
fn the_order_and_the_division_of_an_archive_change_nothing() {
    let mut flows = stream(3, 1..9, 6_000);
    // Both sides inside, and nothing says which is the interface's: for one it shows, for the other it never does.
    for (nth, host) in (0..600_u64).zip([1, 2].iter().cycle()) {
        let mut flow = Flow::sent(*host, 1_000 + nth, START + nth * 60);
        let peer = Ipv4Addr::new(10, 0, 1, nth as u8 % 40);
        flow.destination = peer;
        if nth % 3 == 0 {
            (flow.source, flow.destination) = (flow.destination, flow.source);
        }
        if *host == 2 && nth % 5 == 0 {
            flow.source = Ipv4Addr::new(10, 0, 2, nth as u8 % 7);
        }
        flows.push(flow);
    }
    let whole = table_of([&flows[..]]);
    let rows = rows_of(&whole);
    let expected = taught(whole);
    assert!(expected.report.windows_held_out > 10 && !expected.report.held_out.is_empty());
    let kinds = |kind: &str| expected.report.held_out.iter().filter(|one| one.kind == kind).count();
    assert!(kinds("address") > 0);
    let mut random = ChaCha8Rng::seed_from_u64(9);
    for parts in [1, 2, 5] {
        for nth in (1..flows.len()).rev() {
            flows.swap(nth, random.random_range(0..=nth));
        }
        let size = flows.len().div_ceil(parts);
        let mut merged = table_of([]);
        flows.chunks(size).for_each(|part| merged.merge(table_of(part.chunks(97))));
        let merged = taught(merged);
        assert_eq!(merged.entries, expected.entries, "{parts} tables");
        assert_eq!(merged.report, expected.report);
        let written: Vec<_> = flows.chunks(size).map(|part| rows_of(&table_of([part]))).collect();
        let read = taught(read(&written.iter().rev().map(Vec::as_slice).collect::<Vec<_>>()));
        assert_eq!(read.entries, expected.entries, "{parts} parts");
    }
    assert_eq!(taught(read(&[&rows])).entries, expected.entries);
}

#[test]
fn what_an_archive_taught_is_a_state_that_scoring_goes_on_from() {
    let Learned { entries, end, .. } = taught(table_of([&calm(1..9)[..]]));
    let scorer = Scorer::restore(&config(), &Metrics::default(), SEED, entries).unwrap();
    let usual = Flow::sent(3, 50_000, end as u64 + 90_000);
    let streams = Streams::from([("a", vec![usual.clone(), Flow { bytes: 5_000_000_000, ..usual }])]);
    let outcome = take(&scorer, &streams, &whole(&streams, "a", 2), 1, 0, &BTreeMap::new());
    let scores: Vec<u8> =
        outcome.verdicts.values().flatten().filter_map(|said| Some(said.score.as_ref()?.points)).collect();
    assert!(scores[0] < 40 && scores[1] >= 80, "{scores:?}");
    assert_eq!(outcome.findings.len(), 1 + 1, "raised and closed");
}

#[test]
fn an_attack_of_the_first_hour_is_held_out_of_an_archive_where_live_it_is_learned() {
    let mut flows = calm(1..9);
    for time in (600..3_000).step_by(300) {
        flows.push(Flow::sent(4, 800_000_000, START + time));
    }
    let learned = taught(table_of([&flows[..]]));
    let told = &learned.report.held_out;
    let expected = ["00:10", "00:20", "00:30", "00:40"];
    for (feature, whole) in [("bytes_out", true), ("external_bytes_out", true)] {
        let of_it = told.iter().filter(|one| one.feature == feature && one.of_whole_archive == whole);
        let windows: Vec<&str> = of_it.clone().map(|one| &one.window_start[11..16]).collect();
        assert_eq!(windows, expected, "{feature}");
        assert!(of_it.clone().all(|one| one.entity == "10.0.0.4" && one.usual.median < 1_000_000));
        assert!(of_it.clone().all(|one| one.score >= 80));
    }
    let scorer = Scorer::restore(&config(), &Metrics::default(), SEED, learned.entries).unwrap();
    let calmly = taught(table_of([&calm(1..9)[..]])).entries;
    let others = Scorer::restore(&config(), &Metrics::default(), SEED, calmly).unwrap();
    let highest = |scorer: &Scorer| exported(scorer).matches("800000000").count();
    assert_eq!(highest(&scorer), highest(&others));
    flows.sort_by_key(|flow| flow.end);
    let live = run(&Streams::from([("a", flows)]), &[Step::Assigned("a")], 1, SEED);
    assert_eq!(live.findings, []);
}

#[test]
fn of_two_inside_the_own_address_is_the_one_that_stands_in_all_records_and_else_the_interface_stands_for_them()
 {
    let between = |interface: u8, source: u8, destination: u8, time: u64| Flow {
        destination: Ipv4Addr::new(10, 0, 0, destination),
        source: Ipv4Addr::new(10, 0, 0, source),
        ..Flow::sent(interface, 1_000, START + time)
    };
    // The first has 10.0.0.1 in all of its records, the second no address.
    let flows = [
        between(1, 1, 7, 0),
        between(1, 8, 1, 60),
        between(2, 2, 7, 0),
        between(2, 3, 8, 0),
        between(2, 9, 2, 60),
    ];
    let mut names = Vec::new();
    for flows in [flows.clone(), {
        let mut back = flows.clone();
        back.reverse();
        back
    }] {
        let entries = taught(table_of([&flows[..]])).entries;
        let scorer = Scorer::restore(&config(), &Metrics::default(), SEED, entries).unwrap();
        let export = exported(&scorer);
        let named =
            |kind: &str, name: &str| export.contains(&format!("\"kind\":\"{kind}\",\"name\":\"{name}\""));
        names.push([named("address", "10.0.0.1"), named("interface", "eni-2"), named("address", "10.0.0.7")]);
    }
    assert_eq!(names, [[true, true, false]; 2]);
}

#[test]
fn bytes_that_nobody_wrote_are_an_error_and_no_panic() {
    let rows = rows_of(&table_of([&stream(3, 1..4, 300)[..]]));
    for (nth, (key, value)) in rows.iter().enumerate() {
        for cut in [0, 1, value.len() / 2, value.len() - 1] {
            let mut table = read(&[&rows[..nth]]);
            assert!(table.read(key, &value[..cut]).is_err(), "{nth} {cut}");
        }
    }
    let mut table = Table::new(&config(), SEED, FOREVER);
    let row = rows.iter().find(|(key, _)| key[0] == b'r').unwrap();
    assert!(table.read(&row.0, &row.1).is_err(), "a row of nobody");
    assert!(table.read(&[], &[3]).is_err());
}
