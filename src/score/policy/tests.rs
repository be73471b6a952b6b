//! What becomes of findings, one after the other.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use super::{
    Policy, SuppressionEntry, Suppressions,
    budget::{BUDGET, Budget},
};
use crate::{
    event::{
        Detector, Disposition, EntityKind, EntityName, Evidence, Finding, IdScheme, ResourceRole, Revision,
        Seen,
    },
    score::detect,
};

const DAY: u64 = 86_400;
/// 2026-11-01.
const START: u64 = 1_793_491_200;

fn detector(id: &str) -> &'static Detector {
    detect::detectors().find(|detector| detector.id == id).unwrap()
}

/// A finding of `scan.vertical` of the incident of this name, on a day, with so many points.
fn finding(incident: &str, day: u64, points: u8) -> Finding {
    let seen =
        Seen { points, observed: 20, limit: Some(15), said: " tried ports".into(), examples: Box::default() };
    let scope = "123456789012/eu-west-1/vpc-1";
    Finding {
        id: IdScheme::derived("finding", &[incident.as_bytes(), &day.to_be_bytes()]),
        document: IdScheme::derived("document", &[incident.as_bytes()]),
        incident: IdScheme::derived("incident", &[incident.as_bytes()]),
        revision: Revision::Created,
        disposition: Disposition::Alert,
        suppression: None,
        role: ResourceRole::Actor,
        detector: detector("scan.vertical"),
        entity: Arc::new(EntityName::new(0, (EntityKind::Address, "10.0.1.7", scope), "", None)),
        asset: None,
        evidence: Evidence::Seen(seen),
        age_seconds: 0,
        activity: None,
        window_start: START + day * DAY,
        window_seconds: 600,
        at: START + day * DAY + 600,
        interface: None,
        instance: None,
        community_id: None,
        address: "10.0.1.7".parse().ok(),
        peer: "10.0.9.9".parse().ok(),
    }
}

fn policy(budget: u32, suppressions: &str) -> Policy {
    Policy { budget, suppressions: Arc::new(parsed(suppressions).unwrap()), ..Policy::default() }
}

/// What stands in a list of suppressions, in JSON; nothing in no text.
fn parsed(text: &str) -> Result<Suppressions, String> {
    let text = if text.is_empty() { "[]" } else { text };
    let entries: Vec<SuppressionEntry> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    Suppressions::new(entries).map_err(|error| error.to_string())
}

/// How many incidents of a day, each called by its number and `day`, of so many points, are alerts.
fn alerts(policy: &Policy, budget: &mut Budget, day: u64, points: impl IntoIterator<Item = u8>) -> usize {
    let judged = points
        .into_iter()
        .enumerate()
        .map(|(nth, points)| policy.judge(&finding(&format!("{day}/{nth}"), day, points), budget).unwrap().0);
    judged.filter(|disposition| *disposition == Disposition::Alert).count()
}

#[test]
fn the_first_of_a_day_are_alerts_and_beyond_them_what_outweighs_the_days_before() {
    let (policy, mut budget) = (policy(2, ""), Budget::default());
    assert_eq!(alerts(&policy, &mut budget, 0, [50; 6]), 2, "nothing is known of other days");
    assert_eq!(
        alerts(&policy, &mut budget, 1, [50, 50, 50, 60, 60]),
        4,
        "two, and what was not there yesterday"
    );
    // On the two days before there were two of sixty points.
    assert_eq!(alerts(&policy, &mut budget, 2, [50, 50, 50, 60, 60, 60, 90]), 6);
    assert_eq!(alerts(&policy, &mut budget, 3, [40; 9]), 2);
    let without = Policy { budget: 0, ..policy };
    assert_eq!(alerts(&without, &mut budget, 4, [1; 9]), 9, "there is no limit");
}

#[test]
fn an_incident_that_was_an_alert_stays_one_and_one_that_grows_may_become_one() {
    let (policy, mut budget) = (policy(1, ""), Budget::default());
    let mut judge =
        |incident, day, points| policy.judge(&finding(incident, day, points), &mut budget).unwrap().0;
    assert_eq!(judge("first", 0, 50), Disposition::Alert);
    assert_eq!(judge("second", 0, 50), Disposition::OverBudget);
    assert_eq!(judge("first", 0, 40), Disposition::Alert, "it is the same incident");
    assert_eq!(judge("first", 1, 40), Disposition::Alert, "also on the next day");
    assert_eq!(judge("third", 1, 50), Disposition::Alert, "which has a place of its own");
    assert_eq!(judge("fourth", 1, 45), Disposition::OverBudget);
    assert_eq!(judge("fourth", 1, 90), Disposition::Alert);
    assert_eq!(judge("fourth", 1, 10), Disposition::Alert);
}

#[test]
fn canaries_and_guessed_passwords_are_alerts_whatever_the_budget_is() {
    let (policy, mut budget) = (policy(1, ""), Budget::default());
    alerts(&policy, &mut budget, 0, [99; 3]);
    let mut judge = |id, points| {
        let finding = Finding { detector: detector(id), ..finding(id, 0, points) };
        policy.judge(&finding, &mut budget).unwrap().0
    };
    assert_eq!(judge("canary", 10), Disposition::Alert);
    assert_eq!(judge("bruteforce", 20), Disposition::OverBudget, "it did not work");
    assert_eq!(judge("bruteforce", 95), Disposition::Alert, "it did");
}

#[test]
fn days_that_come_late_and_days_long_gone_do_not_mix_up_those_that_count() {
    let (policy, mut budget) = (policy(1, ""), Budget::default());
    for day in 10..40 {
        alerts(&policy, &mut budget, day, [70; 3]);
    }
    assert_eq!(alerts(&policy, &mut budget, 2, [10; 3]), 1, "a day of its own");
    assert_eq!(alerts(&policy, &mut budget, 40, [60; 3]), 1);
    assert_eq!(alerts(&policy, &mut budget, 41, [71; 3]), 3, "more than on any of fourteen days");
    assert_eq!(
        alerts(&policy, &mut budget, 90, [60; 3]),
        1,
        "after a pause nothing is known of the days before"
    );
}

#[test]
fn what_it_counted_survives_a_restart_and_torn_entries_are_told() {
    let (policy, mut budget) = (policy(2, ""), Budget::default());
    for day in 0..20 {
        alerts(&policy, &mut budget, day, [50, 60, 70]);
    }
    let (key, bytes) = budget.capture().unwrap();
    let bytes = bytes.unwrap();
    assert_eq!((key, budget.capture()), (vec![BUDGET], None), "nothing has changed since");
    let mut again = Budget::restore(&bytes).unwrap();
    assert_eq!(again, budget);
    assert_eq!(
        alerts(&policy, &mut again, 20, [50, 60, 70, 70, 80]),
        alerts(&policy, &mut budget, 20, [50, 60, 70, 70, 80])
    );
    for end in 0..bytes.len() {
        assert!(Budget::restore(&bytes[..end]).is_err(), "{end}");
    }
}

#[test]
fn a_flood_of_incidents_takes_no_more_memory_than_there_is() {
    let (policy, mut budget) = (policy(3, ""), Budget::default());
    let first = finding("first", 0, 50);
    assert_eq!(policy.judge(&first, &mut budget).unwrap().0, Disposition::Alert);
    alerts(&policy, &mut budget, 0, std::iter::repeat_n(50, 10_000));
    assert!(budget.capture().unwrap().1.unwrap().len() < 120_000);
    assert_eq!(policy.judge(&first, &mut budget).unwrap().0, Disposition::Alert, "alerts are not forgotten");
}

const RULES: &str = r#"[{
    "where": "rule.id = \"scan.vertical\" and destination.ip in 10.0.9.0/24", "owner": "jane@example.com",
    "reason": "the scanner of the vulnerability team", "ticket": "SEC-1234", "until": "2026-11-04"
}]"#;

#[test]
fn what_somebody_answers_for_is_suppressed_until_the_day_and_says_who() {
    let (policy, mut budget) = (policy(1, RULES), Budget::default());
    let (disposition, by) = policy.judge(&finding("a", 2, 90), &mut budget).unwrap();
    let by = by.unwrap();
    assert_eq!(disposition, Disposition::Suppressed);
    assert_eq!((&*by.owner, by.ticket.as_deref()), ("jane@example.com", Some("SEC-1234")));
    let mut judge = |finding: Finding| policy.judge(&finding, &mut budget).unwrap().0;
    assert_eq!(
        judge(finding("a", 3, 90)),
        Disposition::Alert,
        "that day it holds no more, and the budget is whole"
    );
    let elsewhere = Finding { peer: "10.0.8.9".parse().ok(), ..finding("b", 2, 90) };
    assert_eq!(judge(elsewhere), Disposition::Alert);
    let nowhere = Finding { peer: None, ..finding("c", 1, 90) };
    assert_eq!(judge(nowhere), Disposition::Alert, "what a finding does not say is no reason");
    let rule = RULES.replace(r#"rule.id = \"scan.vertical\" and "#, "");
    let wide = Policy { suppressions: Arc::new(parsed(&rule).unwrap()), ..policy.clone() };
    let canary = Finding { detector: detector("canary"), ..finding("d", 1, 90) };
    assert_eq!(wide.judge(&canary, &mut Budget::default()).unwrap().0, Disposition::Alert, "never a canary");
}

#[test]
fn a_finding_or_an_incident_is_suppressed_by_its_id() {
    let one = finding("a", 1, 90);
    for id in [one.id, one.incident] {
        let id = String::from_utf8(id.text().to_vec()).unwrap();
        let text =
            format!(r#"[{{ "id": "{id}", "owner": "jane", "reason": "known", "until": "2026-12-01" }}]"#);
        let judge = |finding: &Finding| policy(0, &text).judge(finding, &mut Budget::default()).unwrap().0;
        assert_eq!(judge(&one), Disposition::Suppressed);
        assert_eq!(judge(&finding("b", 1, 90)), Disposition::Alert);
    }
}

#[test]
fn a_suppression_without_owner_reason_or_end_is_refused_with_its_place() {
    let all = r#"{ "where": "source.port = 1", "owner": "jane", "reason": "known", "until": "2026-12-01" }"#;
    assert_eq!(parsed(&format!("[{all}]")).unwrap().count(), 1);
    for (from, to, told) in [
        (r#""owner": "jane", "#, "", "owner"),
        (r#""reason": "known", "#, "", "reason"),
        (r#", "until": "2026-12-01""#, "", "until"),
        (r#""owner": "jane""#, r#""owner": " ""#, "entry 2 has no owner"),
        (r#""reason": "known""#, r#""reason": """#, "entry 2 has no reason"),
        ("2026-12-01", "soon", "entry 2: until is no day"),
        (r#""where": "source.port = 1", "#, "", "entry 2 must have either"),
        (r#""where""#, r#""id": "x", "where""#, "entry 2 must have either"),
        ("source.port = 1", "source.prot = 1", "entry 2: `where`"),
        ("owner", "onwer", "onwer"),
    ] {
        let error = parsed(&format!("[{all}, {}]", all.replace(from, to))).unwrap_err();
        assert!(error.contains(told), "{told}: {error}");
    }
}
