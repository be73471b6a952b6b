//! What is scripted: labels and the lines they stand for.

use std::collections::BTreeSet;

use super::*;

fn attacked(attack: Attack) -> Made {
    let fleet = FleetOptions {
        attacks: vec![attack],
        lines_per_day: 3_000,
        flood_per_minute: 6_000,
        flood_minutes: 3,
        ..small().fleet
    };
    made(&Options { span: 8 * DAY, fleet, ..small() })
}

/// Bytes that left for the place where an attacker has things sent, as the victims' own interfaces logged them.
fn stolen(made: &Made, label: &Value) -> u64 {
    let between = label["start"].as_u64().unwrap()..=label["end"].as_u64().unwrap();
    let lines = made.about("203.0.113.90").filter(|line| line.of("pkt-dstaddr") == "203.0.113.90");
    let own = lines.filter(|line| line.of("ecs-service-name") != "-" || line.of("instance-tag") != "-");
    own.filter(|line| between.contains(&line.number("start"))).map(|line| line.number("bytes")).sum()
}

fn of<'a>(made: &'a Made, kind: &'a str) -> Vec<&'a Value> {
    made.labels.iter().filter(|label| label["kind"] == kind).collect()
}

#[test]
fn a_database_is_emptied_on_the_first_day_and_on_the_last() {
    let made = attacked(Attack::WarmUp);
    let labels = of(&made, "warm_up");
    assert_eq!(labels.iter().map(|label| label["poison"] == true).collect::<Vec<_>>(), [true, false]);
    for label in labels {
        assert!(label["bytes"].as_u64().unwrap() > 1_000_000_000 && label["service"] == "database-1");
        assert_eq!(Some(stolen(&made, label)), label["bytes"].as_u64(), "{label}");
    }
}

#[test]
fn the_frog_grows_by_five_percent_a_day() {
    let made = attacked(Attack::BoilingFrog);
    let labels = of(&made, "boiling_frog");
    assert_eq!(labels.len(), 8);
    let bytes: Vec<u64> = labels.iter().map(|label| label["bytes"].as_u64().unwrap()).collect();
    let growth = bytes[7] * 1_000 / bytes[0];
    assert!((1_350..1_460).contains(&growth), "{bytes:?} for 1.05 to the power of 7");
    for (pair, label) in bytes.windows(2).zip(&labels) {
        assert!((1_010..1_090).contains(&(pair[1] * 1_000 / pair[0])), "{bytes:?}");
        assert_eq!(Some(stolen(&made, label)), label["bytes"].as_u64(), "{label}");
    }
}

#[test]
fn one_window_in_ten_is_contaminated_and_then_one_a_day() {
    let made = attacked(Attack::Contamination);
    let labels = of(&made, "contamination");
    let (poison, after): (Vec<&Value>, Vec<&Value>) =
        labels.iter().partition(|label| label["poison"] == true);
    // Six days of 144 windows, then two days.
    assert!((60..115).contains(&poison.len()), "{}", poison.len());
    assert_eq!(after.len(), 2);
    assert!(labels.iter().all(|label| Some(stolen(&made, label)) == label["bytes"].as_u64()));
}

#[test]
fn chaff_spreads_over_many_sizes_before_the_theft() {
    let made = attacked(Attack::Chaff);
    let labels = of(&made, "chaff");
    let poison: Vec<u64> = labels
        .iter()
        .filter(|label| label["poison"] == true)
        .map(|label| label["bytes"].as_u64().unwrap())
        .collect();
    assert!((280..420).contains(&poison.len()), "{}", poison.len());
    assert!(poison.iter().max().unwrap() / poison.iter().min().unwrap() > 1_000);
    let theft: Vec<&&Value> = labels.iter().filter(|label| label["poison"] == false).collect();
    assert_eq!(theft.len(), 1);
    assert_eq!(Some(stolen(&made, theft[0])), theft[0]["bytes"].as_u64());
}

#[test]
fn a_flood_has_as_many_sources_a_minute_as_are_asked_for() {
    let made = attacked(Attack::Flood);
    let labels = of(&made, "flood");
    assert_eq!(labels.len(), 1);
    let (start, end) = (labels[0]["start"].as_u64().unwrap(), labels[0]["end"].as_u64().unwrap());
    assert_eq!(end + 1 - start, 180);
    let flood: Vec<Line<'_>> = made
        .about(" 1 40 ")
        .filter(|line| line.of("bytes") == "40" && line.of("action") == "ACCEPT")
        .collect();
    assert_eq!(flood.len(), 3 * 6_000);
    let by_minute = sums(flood.iter().map(|line| ((line.number("end") - start) / 60, 1)));
    assert_eq!(by_minute, BTreeMap::from([(0, 6_000), (1, 6_000), (2, 6_000)]));
    let sources: BTreeSet<&str> = flood.iter().map(|line| line.of("srcaddr")).collect();
    assert!(sources.len() > 17_990);
    assert!(flood.iter().all(|line| line.of("interface-id") == labels[0]["interface"]));
}

#[test]
fn backups_leave_on_sunday_and_are_labelled_as_what_they_are() {
    let made = made(&Options { start: small().start + 6 * DAY, span: DAY, ..small() });
    let labels = of(&made, "backup");
    // Four VPCs with two databases each.
    assert_eq!(labels.len(), 8);
    for label in labels {
        assert_eq!(label["attack"], false);
        let lines = made.lines().filter(|line| line.of("interface-id") == label["interface"]);
        let sent = lines
            .filter(|line| line.of("pkt-dstaddr") == label["peer"] && line.of("flow-direction") == "egress");
        assert_eq!(Some(sent.map(|line| line.number("bytes")).sum()), label["bytes"].as_u64(), "{label}");
    }
}
