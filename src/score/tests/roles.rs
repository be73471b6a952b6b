//! What an entity serves and calls, and where its peers are, is learned hour by hour.

use std::collections::BTreeSet;

use super::*;
use crate::score::review::{Habits, RoleOf};

const HOUR: u64 = 3_600;

/// What host 1 usually does after `flows`, as `role key`, and on how many days.
fn known(flows: Vec<Flow>) -> Vec<(String, u8)> {
    let streams = Streams::from([("a", flows)]);
    let (scorer, steps) = (scorer_with(&config()), whole(&streams, "a", 100));
    take(&scorer, &streams, &steps, 1, 0, &BTreeMap::new());
    let row =
        rows(&scorer, steps.len() as u64).baselines.into_iter().find(|row| row.name == "10.0.0.1").unwrap();
    let known = |one: RoleOf| (format!("{} {}", one.role, one.key), one.days);
    row.habits.unwrap().roles.into_iter().map(known).collect()
}

/// A flow of host 1 each ten minutes from `start` on, for `hours`.
fn each(start: u64, hours: u64, flow: impl Fn(u64) -> Flow) -> Vec<Flow> {
    (0..hours * 6).map(|nth| flow(START + start + nth * 600 + 60)).collect()
}

fn in_time(parts: impl IntoIterator<Item = Vec<Flow>>) -> Vec<Flow> {
    let mut flows: Vec<Flow> = parts.into_iter().flatten().collect();
    flows.sort_by_key(|flow| flow.end);
    flows
}

#[test]
fn ports_served_and_called_and_where_peers_are_is_learned_on_each_day() {
    let call = |end| Flow::sent(1, 50_000, end);
    let answer = |end| {
        let destination = Ipv4Addr::new(203, 0, 113, 8);
        Flow { ports: (7_777, 51_000), destination, ..Flow::sent(1, 60_000, end) }
    };
    let expected = [
        ("server_port tcp/7777".to_owned(), 1),
        ("client_port tcp/443".to_owned(), 2),
        ("peer_asn AS64500".to_owned(), 1),
        ("peer_asn AS64501".to_owned(), 2),
        ("peer_country CH".to_owned(), 1),
        ("peer_country DE".to_owned(), 2),
    ];
    let mut found = known(in_time([each(0, 30, call), each(0, 6, answer)]));
    found.sort_by_key(|one| expected.iter().position(|expected| expected == one));
    assert_eq!(found, expected);
}

#[test]
fn what_is_received_refused_or_held_out_teaches_no_role() {
    let call = |end| Flow::sent(1, 50_000, end);
    let scanned = |end| {
        let flow = Flow::sent(1, 40, end);
        Flow { source: Ipv4Addr::new(203, 0, 113, 8), destination: flow.source, ports: (51_000, 22), ..flow }
    };
    let refused =
        |end| Flow { accepted: false, destination: Ipv4Addr::new(203, 0, 113, 8), ..call(end) }.at_port(23);
    // Others, so that what is too much is known.
    let others = (2..9).flat_map(|host| each(0, 30, move |end| Flow::sent(host, 50_000, end))).collect();
    let quiet = in_time([each(0, 30, call), others]);
    let mut flows = quiet.clone();
    flows.extend(each(HOUR, 3, scanned));
    flows.extend(each(HOUR, 3, refused));
    let too_much = Flow { bytes: 9_000_000_000, ..call(START + 20 * HOUR + 90) }.at_port(4_444);
    flows.push(Flow { destination: Ipv4Addr::new(203, 0, 113, 10), ..too_much.clone() });
    assert_eq!(known(in_time([flows])), known(quiet.clone()));
    let as_usual = Flow { bytes: 50_000, ..too_much };
    let with = known(in_time([quiet, vec![as_usual]]));
    assert!(
        with.iter().any(|(role, _)| role.ends_with("/4444")),
        "it is the amount that was held out: {with:?}"
    );
}

#[test]
fn a_scan_of_a_thousand_ports_pushes_out_nothing_that_is_seen_meanwhile() {
    let usual =
        || in_time((20..24).map(|port| each(0, 12, move |end| Flow::sent(1, 50_000, end).at_port(port))));
    let scan =
        (0..1_000).map(|nth| Flow::sent(1, 50, START + 6 * HOUR + 2 * nth).at_port(2_000 + nth as u16));
    let names = |flows| known(flows).into_iter().map(|(name, _)| name).collect::<BTreeSet<String>>();
    let (before, after) = (names(usual()), names(in_time([usual(), scan.collect()])));
    assert!(before.is_subset(&after), "{before:?} {after:?}");
    assert!(after.len() <= before.len() + 8, "an hour shows at most eight: {after:?}");
}

#[test]
fn roles_do_not_depend_on_the_order_of_partitions_the_batches_or_the_threads() {
    let streams = two_streams(11, 4_000);
    let learned = |seed, threads| {
        let (scorer, steps) = (scorer_with(&config()), mixed(&streams, seed));
        take(&scorer, &streams, &steps, threads, 0, &BTreeMap::new());
        let roles = |habits: Habits| (habits.roles, habits.roles_waiting);
        let rows = rows(&scorer, steps.len() as u64).baselines.into_iter();
        rows.map(|row| (row.name, row.habits.map(roles))).collect::<Vec<_>>()
    };
    let expected = learned(1, 1);
    assert!(expected.iter().all(|(_, roles)| roles.as_ref().is_some_and(|(roles, _)| roles.len() > 8)));
    for (seed, threads) in [(1, 3), (2, 1), (3, 3)] {
        assert_eq!(learned(seed, threads), expected, "{seed} {threads}");
    }
}
