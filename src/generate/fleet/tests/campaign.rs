//! Scenarios: each is played, in its time, by who is there, and its label says what stands in the lines.

use std::collections::BTreeSet;

use super::*;
use crate::generate::fleet::scenario::names;

/// Three days of a fleet of moderate size in which each scenario is played so often.
fn played(rounds: u32, seed: u64) -> (Options, Made) {
    let fleet = FleetOptions {
        vpcs: 2,
        services: 40,
        lines_per_day: 12_000,
        scenario_rounds: rounds,
        ..FleetOptions::default()
    };
    let options = Options { hosts: 160, span: 3 * DAY, seed, fleet, ..small() };
    let made = made(&options);
    (options, made)
}

fn scripted(made: &Made) -> Vec<&Value> {
    made.labels.iter().filter(|label| names().any(|name| label["kind"] == name)).collect()
}

fn number(label: &Value, name: &str) -> u64 {
    label[name].as_u64().unwrap()
}

#[test]
fn each_scenario_is_played_after_the_first_third_and_ends_within_the_span() {
    let (options, made) = played(2, 11);
    let kinds: BTreeSet<&str> = scripted(&made).iter().filter_map(|label| label["kind"].as_str()).collect();
    assert_eq!(kinds, names().collect());
    let by_interface = made.lines().fold(BTreeMap::<String, Vec<(u64, String)>>::new(), |mut all, line| {
        let ends = format!("{} {}", line.of("pkt-srcaddr"), line.of("pkt-dstaddr"));
        if line.seen() {
            all.entry(line.of("interface-id").to_owned()).or_default().push((line.number("start"), ends));
        }
        all
    });
    for label in scripted(&made) {
        let (start, end) = (number(label, "start"), number(label, "end"));
        assert!(options.start + DAY <= start && start <= end && end < options.start + 3 * DAY, "{label}");
        let peer = label["peer"].as_str().unwrap();
        let seen = by_interface[label["interface"].as_str().unwrap()].iter().filter(|(at, ends)| {
            (start..=end).contains(at) && ends.split(' ').any(|end| peer.is_empty() || end == peer)
        });
        assert!(seen.count() > 0, "{label}");
    }
}

#[test]
fn a_scenario_is_on_another_host_each_time_as_long_as_there_are_some() {
    let (_, made) = played(4, 13);
    for kind in ["resolver", "beacon", "theft_pair", "scan_vertical"] {
        let all: Vec<&Value> = made.labels.iter().filter(|label| label["kind"] == kind).collect();
        let hosts: BTreeSet<&str> = all.iter().filter_map(|label| label["interface"].as_str()).collect();
        assert_eq!((all.len(), hosts.len()), (4, 4), "{kind}");
    }
}

#[test]
fn who_only_looks_like_an_attacker_is_labelled_as_no_attack() {
    let (_, made) = played(1, 11);
    for label in scripted(&made) {
        let duty =
            ["flash_crowd", "resync", "new_partner", "dump"].contains(&label["kind"].as_str().unwrap());
        assert_eq!(label["attack"], !duty, "{label}");
        assert_eq!(label["technique"].is_string(), !duty, "{label}");
    }
}

#[test]
fn the_bytes_of_a_label_are_those_that_its_interface_logged() {
    let (_, made) = played(2, 12);
    let mut told = 0;
    // Of hosts that stay, so that nobody leaves before the end.
    for kind in ["theft_burst", "theft_drip", "beacon", "long_session", "long_poll", "server_calls"] {
        for label in made.labels.iter().filter(|label| label["kind"] == kind) {
            let sent = made.lines().filter(|line| {
                line.of("interface-id") == label["interface"] && line.of("pkt-dstaddr") == label["peer"]
            });
            assert_eq!(sent.map(|line| line.number("bytes")).sum::<u64>(), number(label, "bytes"), "{label}");
            told += 1;
        }
    }
    assert_eq!(told, 12);
}

#[test]
fn the_seed_decides_who_when_and_how_much_within_the_ranges() {
    let told = |made: &Made| scripted(made).into_iter().cloned().collect::<Vec<_>>();
    let (first, again, other) = (played(4, 13).1, played(4, 13).1, played(4, 14).1);
    assert_eq!(told(&first), told(&again));
    assert_ne!(told(&first), told(&other));
    for (kind, least, most) in [
        ("theft_pair", 110_000_000, 900_000_000),
        ("theft_burst", 300_000_000, 3_000_000_000),
        ("theft_drip", 30_000_000, 250_000_000),
    ] {
        let all = first.labels.iter().chain(&other.labels).filter(|label| label["kind"] == kind);
        let bytes: BTreeSet<u64> = all.map(|label| number(label, "bytes")).collect();
        assert!(bytes.len() >= 7, "{kind}: {bytes:?}");
        // Packets have headers, and the last part may be short.
        assert!(
            bytes.iter().all(|bytes| (least * 9 / 10..most * 11 / 10).contains(bytes)),
            "{kind}: {bytes:?}"
        );
    }
}
