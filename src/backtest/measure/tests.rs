//! Each number on cases that are small enough to count by hand.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::backtest::{Found, incidents};

/// Midnight some day.
const START: u64 = 20_000 * DAY;
const TWO_DAYS: Span = Span { start: START, end: START + 2 * DAY };

/// An alert of `detector` about the host `name`, raised twenty minutes after the `second` of the span in which its window begins.
fn alert(name: &str, detector: &str, points: u8, second: u64) -> Found {
    let start = START + second;
    Found {
        incident: format!("{name} on day {}", second / DAY),
        detector: detector.to_owned(),
        points,
        reason: format!("{name} {points}"),
        entity: ["address", name, "012345678901"].map(str::to_owned),
        account: Some("012345678901".to_owned()),
        addresses: vec![name.to_owned()],
        start,
        end: start + 600,
        at: start + 1_200,
        ..Found::default()
    }
}

/// An attack on the host `name` in the minute from the `second` of the span on.
fn attack(kind: &str, name: &str, second: u64) -> Label {
    Label {
        kind: kind.to_owned(),
        attack: true,
        poison: false,
        service: None,
        address: name.to_owned(),
        interface: None,
        instance: None,
        peer: None,
        account: Some("012345678901".to_owned()),
        vpc: None,
        start: START + second,
        end: START + second + 59,
        bytes: 0,
    }
}

fn measured(alerts: &[Found], labels: &[Label]) -> Labelled {
    let incidents = incidents(alerts, labels, START);
    measure(&incidents, Some(labels), TWO_DAYS).labelled.unwrap()
}

fn recalls(labelled: &Labelled) -> Vec<(u8, f64)> {
    labelled.at.iter().map(|at| (at.points, at.recall.unwrap())).collect()
}

#[test]
fn incidents_are_counted_by_day_and_by_detector() {
    let alerts = [
        alert("a", "scan.vertical", 80, 0),
        alert("a", "exfil.volume", 95, 3_600),
        alert("a", "scan.vertical", 80, 7_200),
        alert("b", "scan.vertical", 80, DAY),
        alert("c", "scan.vertical", 80, DAY),
    ];
    let incidents = incidents(&alerts, &[], START);
    assert_eq!(
        (incidents[0].points, incidents[0].reason.as_str()),
        (95, "a 95"),
        "the weightiest comes first"
    );
    let measures = measure(&incidents, None, TWO_DAYS);
    assert_eq!((measures.days, measures.incidents, measures.incidents_a_day), (2.0, 3, 1.5));
    let by_detector = [("exfil.volume".to_owned(), 0.5), ("scan.vertical".to_owned(), 1.5)];
    assert_eq!(measures.by_detector, by_detector.into());
    assert_eq!(measures.labelled, None);
}

#[test]
fn the_budget_decides_from_which_weight_on_incidents_count() {
    let mut alerts = vec![alert("low", "x", 50, 0), alert("high", "x", 90, 0)];
    // Three false ones in two days weigh more than the first attack's, two of them as much as the second one's.
    alerts.extend([("p", 60), ("q", 90), ("r", 90)].map(|(name, points)| alert(name, "x", points, 0)));
    let labels = [attack("theft", "low", 300), attack("theft", "high", 300)];
    let labelled = measured(&alerts, &labels);
    assert_eq!((labelled.attacks, labelled.false_a_day), (2, 1.5));
    // Two false ones in two days are borne at 1 a day: what weighs 60 is not.
    let first = labelled.at[0];
    assert_eq!(
        (first.false_a_day_max, first.points, first.false_a_day, first.recall),
        (Some(1), 61, 1.0, Some(0.5))
    );
    assert_eq!(recalls(&labelled), [(61, 0.5), (0, 1.0), (0, 1.0), (0, 1.0), (0, 1.0)]);
    assert_eq!(labelled.at[4].false_a_day_max, None);
    assert_eq!(labelled.false_by_detector, [("x".to_owned(), 3)].into());
}

#[test]
fn false_ones_at_the_highest_weight_leave_nothing_to_be_found() {
    let mut alerts = vec![alert("a", "x", 100, 0)];
    alerts.extend(["p", "q", "r"].map(|name| alert(name, "x", 100, 0)));
    let labelled = measured(&alerts, &[attack("theft", "a", 0)]);
    assert_eq!(recalls(&labelled)[..2], [(101, 0.0), (0, 1.0)]);
    assert_eq!(labelled.at[0].false_a_day, 0.0);
}

#[test]
fn precision_is_of_high_ones_and_of_the_weightiest_of_each_day() {
    // On the first day eleven false ones that weigh more than the true one; on the second a true one alone.
    let mut alerts: Vec<Found> = (0..11).map(|nth| alert(&format!("f{nth}"), "x", 79, 0)).collect();
    alerts.extend([alert("a", "x", 70, 0), alert("b", "x", 80, DAY), alert("g", "x", 95, DAY)]);
    let labels = [attack("theft", "a", 0), attack("theft", "b", DAY)];
    let labelled = measured(&alerts, &labels);
    assert_eq!(labelled.precision_of_high, Some(0.5));
    assert_eq!(labelled.precision_at_10, Some(1.0 / 12.0), "ten of the first day, two of the second");
    assert_eq!(labelled.precision_at_50, Some(2.0 / 14.0));
}

#[test]
fn the_first_alert_that_tells_of_an_attack_says_how_long_it_took() {
    let alerts = [
        alert("a", "x", 80, 1_200),
        alert("a", "y", 90, 600),
        alert("b", "x", 80, 0),
        alert("c", "x", 80, 0),
    ];
    // 1,200 s after the window begins: of a 600 + 1,200 - 700, of b and c less.
    let labels = [
        Label { end: START + 5_000, ..attack("theft", "a", 700) },
        attack("scan", "b", 100),
        attack("scan", "c", 500),
        attack("scan", "d", 0),
    ];
    let labelled = measured(&alerts, &labels);
    assert_eq!(labelled.seconds_to_detect, Some([1_100, 1_100]), "of 700, 1,100 and 1,100");
    let by_kind = [("scan".to_owned(), [3, 2]), ("theft".to_owned(), [1, 1])];
    assert_eq!(labelled.by_kind, by_kind.into());
}

#[test]
fn an_alert_tells_of_what_overlaps_its_window_in_its_account_and_vpc() {
    let told = |alert: &Found, label: Label| {
        !incidents(std::slice::from_ref(alert), &[label], START)[0].tells.is_empty()
    };
    let seen = Found { vpc: Some("vpc-1".to_owned()), ..alert("a", "x", 80, 600) };
    let label = |second| attack("theft", "a", second);
    assert!(told(&seen, label(600)) && told(&seen, label(1_199)) && told(&seen, label(541)));
    assert!(!told(&seen, label(1_200)) && !told(&seen, label(540)));
    let of = |vpc: &str| Label { vpc: Some(vpc.to_owned()), ..label(600) };
    assert!(told(&seen, of("vpc-1")) && !told(&seen, of("vpc-2")));
    assert!(!told(&seen, Label { account: Some("999999999999".to_owned()), ..label(600) }));
    assert!(told(&seen, Label { account: None, ..label(600) }), "who says no account means any");
    // By the other side's address, the service, the interface and the instance.
    let elsewhere = Label { address: "z".to_owned(), ..label(600) };
    assert!(!told(&seen, elsewhere.clone()));
    assert!(told(
        &Found { addresses: vec!["a".to_owned(), "z".to_owned()], ..seen.clone() },
        elsewhere.clone()
    ));
    assert!(told(&seen, Label { service: Some("a".to_owned()), ..elsewhere.clone() }));
    let placed = Found { interface: Some("eni-1".to_owned()), instance: Some("i-1".to_owned()), ..seen };
    assert!(told(&placed, Label { interface: Some("eni-1".to_owned()), ..elsewhere.clone() }));
    assert!(told(&placed, Label { instance: Some("i-1".to_owned()), ..elsewhere }));
}

#[test]
fn an_alert_that_names_only_the_other_side_is_true_and_finds_nothing() {
    let labels = [Label { peer: Some("evil".to_owned()), ..attack("theft", "a", 0) }];
    let gateway = Found { addresses: vec!["nat".to_owned(), "evil".to_owned()], ..alert("nat", "x", 90, 0) };
    let labelled = measured(std::slice::from_ref(&gateway), &labels);
    assert_eq!(
        (labelled.false_a_day, labelled.of_other_side, labelled.precision_of_high),
        (0.0, 1, Some(1.0))
    );
    assert_eq!((labelled.by_kind["theft"], labelled.seconds_to_detect), ([1, 0], None));
    let both = measured(&[gateway, alert("a", "x", 90, 0)], &labels);
    assert_eq!((both.of_other_side, both.by_kind["theft"]), (1, [1, 1]));
    assert_eq!(measured(&[alert("nat", "x", 90, 0)], &labels).of_other_side, 0);
}

#[test]
fn what_is_there_to_be_learned_is_neither_to_be_found_nor_false() {
    let labels = [Label { poison: true, ..attack("warm_up", "a", 0) }];
    let labelled = measured(&[alert("a", "x", 80, 0)], &labels);
    assert_eq!((labelled.attacks, labelled.false_a_day), (0, 0.0));
    assert_eq!(labelled.at[0].recall, None);
}

#[test]
fn what_is_labelled_as_no_attack_is_false_and_told_by_its_kind() {
    let labels = [Label { attack: false, ..attack("backup", "a", 0) }];
    let labelled =
        measured(&[alert("a", "x", 80, 0), alert("a", "y", 80, 60), alert("b", "x", 80, 0)], &labels);
    assert_eq!((labelled.attacks, labelled.false_a_day, labelled.precision_of_high), (0, 1.0, Some(0.0)));
    assert_eq!(labelled.false_by_duty, [("backup".to_owned(), 1)].into());
    assert_eq!(labelled.false_by_detector, [("x".to_owned(), 2), ("y".to_owned(), 1)].into());
}

#[test]
fn only_what_is_in_the_span_counts() {
    let early = [alert("a", "x", 80, 0), alert("a", "x", 80, DAY)];
    let labels = [attack("theft", "a", 0), attack("theft", "a", DAY), attack("theft", "b", 3 * DAY)];
    let from = START + DAY;
    let incidents = incidents(&early, &labels, from);
    let measures = measure(&incidents, Some(&labels), Span { start: from, end: START + 2 * DAY });
    assert_eq!((measures.days, measures.incidents), (1.0, 1));
    let labelled = measures.labelled.unwrap();
    assert_eq!((labelled.attacks, labelled.by_kind["theft"]), (1, [1, 1]), "one was over, one has not begun");
}

#[test]
fn nothing_found_and_nothing_labelled_come_to_nothing() {
    let labelled = measured(&[], &[attack("theft", "a", 0)]);
    assert_eq!((labelled.attacks, labelled.false_a_day, labelled.seconds_to_detect), (1, 0.0, None));
    assert_eq!(
        (labelled.precision_of_high, labelled.precision_at_10, labelled.precision_at_50),
        (None, None, None)
    );
    assert!(labelled.at.iter().all(|at| at.recall == Some(0.0)));
    let labelled = measured(&[], &[]);
    assert_eq!((labelled.attacks, labelled.at[0].recall), (0, None));
    let measures = measure(&[], None, Span { start: START, end: START });
    assert_eq!((measures.incidents, measures.incidents_a_day), (0, 0.0));
}
