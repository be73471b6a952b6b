//! That `where` lets pass what the document itself says it should: a second, naive evaluation of random conditions over
//! the written ECS documents of random events comes to the same.

mod condition;

use std::{collections::HashMap, net::IpAddr, sync::LazyLock};

use ipnet::IpNet;
use proptest::prelude::*;
use serde_json::Value as Json;

use self::condition::{Condition, Holds, at, holds, number, path_of};
use super::{NOW, normalizer, strict};
use crate::{
    event::{Batch, Direction, Documents, Endpoint, FIELDS, Feature, Kind, Receipt, Revision, Syslog},
    filter::{Filter, names},
    normalize::{
        Select, Selection,
        sample::{Sample, entity, external, finding, internal, score},
    },
};

/// Values that fields of each kind have here, and some that none has.
const NUMBERS: [&str; 9] = ["0", "1", "6", "22", "443", "40", "20712", "1795260600", "60000000000"];
const ADDRESSES: [&str; 8] = [
    "10.0.1.7",
    "192.0.2.1",
    "2001:db8::7",
    "10.0.0.0/8",
    "10.0.1.0/24",
    "192.0.2.0/24",
    "2001:db8::/32",
    "::/0",
];
const TEXTS: [&str; 14] = [
    "eni-1",
    "eni-2",
    "vpc-0a",
    "eu-west-1",
    "egress",
    "ingress",
    "IPv4",
    "tcp",
    "GB",
    "London",
    "ledger",
    "database",
    "i-1",
    "Andrews & Arnold Ltd",
];
const PATTERNS: [&str; 7] = ["*", "eni-*", "*-1", "?ni-1", "L*n", "", "i*"];

/// The words that a field can be compared with, where not every text is one.
fn words(name: &str) -> Option<Vec<&'static str>> {
    Some(match path_of(name) {
        "event.action" | "aws.vpcflow.action" => vec!["accept", "reject"],
        "event.outcome" => vec!["success", "failure"],
        "network.type" => vec!["ipv4", "ipv6"],
        "network.direction" => vec!["inbound", "outbound", "internal", "external"],
        "floodmark.score.feature" => vec!["bytes_out", "destination_ports"],
        "log.level" | "log.syslog.severity.name" => vec!["error", "notice"],
        "log.syslog.facility.name" => vec!["auth", "local7"],
        "floodmark.source.asset.class" | "floodmark.destination.asset.class" => {
            vec!["workload", "nat_gateway"]
        }
        "floodmark.session.ending" => vec!["finished", "idle"],
        "floodmark.session.initiator.method" => vec!["flags", "port"],
        "floodmark.session.relation" => vec!["within_vpc", "internet"],
        "floodmark.finding.disposition" => vec!["alert", "over_budget"],
        "floodmark.finding.role" => vec!["actor", "target"],
        "aws.vpcflow.log_status" => vec!["OK", "NODATA", "SKIPDATA"],
        _ => return None,
    })
}

/// Every name but those whose document says it in another case.
fn fields() -> Vec<String> {
    let tags =
        ["floodmark.source.asset.tags.env", "floodmark.destination.asset.tags.Service"].map(str::to_owned);
    names().into_iter().filter(|name| name != "aws.vpcflow.action").chain(tags).collect()
}

fn comparison() -> impl Strategy<Value = Condition> {
    let picks = (any::<prop::sample::Index>(), prop::collection::vec(any::<prop::sample::Index>(), 1..4));
    (prop::sample::select(fields()), 0..5_u8, picks).prop_map(|(name, form, (operator, picks))| {
        let words = words(&name);
        let all: &[&str] = match (holds(&name), &words) {
            (Holds::Number, _) => &NUMBERS,
            (Holds::Address, _) => &ADDRESSES,
            (Holds::Text, Some(words)) => words,
            (Holds::Text, None) => &TEXTS,
        };
        let values: Vec<String> = picks.iter().map(|pick| (*pick.get(all)).to_owned()).collect();
        let operators: &[&str] = match holds(&name) {
            Holds::Number => &["=", "!=", "<", "<=", ">", ">="],
            _ => &["=", "!="],
        };
        match form {
            0 => Condition::Exists(name),
            1 if holds(&name) == Holds::Text && words.is_none() => {
                Condition::Like(name, (*operator.get(&PATTERNS)).to_owned())
            }
            2 | 3 => {
                let single = values.iter().find(|value| !value.contains('/'));
                let single = single.cloned().unwrap_or_else(|| ADDRESSES[0].to_owned());
                Condition::Is(name, operators[operator.index(operators.len())], single)
            }
            _ => Condition::In(name, values),
        }
    })
}

fn condition() -> impl Strategy<Value = Condition> {
    comparison().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Condition::All),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Condition::Any),
            inner.prop_map(|inner| Condition::Not(Box::new(inner))),
        ]
    })
}

/// A random event: any columns, each with a value of its kind or none, and whatever enrichment and scoring may add.
fn event() -> impl Strategy<Value = Sample> {
    let columns = prop::collection::vec(any::<prop::sample::Index>(), FIELDS.len());
    let has = prop::collection::vec(0..3_u8, FIELDS.len());
    (columns, has, 0..5_usize, any::<[bool; 8]>(), 0..3_u8).prop_map(
        |(picks, has, direction, bits, scored)| {
            let value = |at: usize| {
                let pick = &picks[at];
                match FIELDS[at].kind {
                    Kind::Uint(_) if ["start", "end"].contains(&FIELDS[at].name) => "1795260600",
                    Kind::Uint(most) if most < 40 => "1",
                    Kind::Uint(_) => *pick.get(&["0", "1", "6", "22", "40"]),
                    Kind::Address => pick.get(&["10.0.1.7", "192.0.2.1", "2001:db8::7"]),
                    Kind::Text => pick.get(&TEXTS[..7]),
                    Kind::Action => pick.get(&["ACCEPT", "REJECT"]),
                    Kind::LogStatus => pick.get(&["OK", "NODATA", "SKIPDATA"]),
                }
            };
            // Tags that a record has are merged into assets, which another test is about.
            let named = |at: &usize| has[*at] > 0 && !crate::event::TAGS.contains(FIELDS[*at].field);
            let columns: Vec<(&str, &[u8])> = (0..FIELDS.len())
                .filter(named)
                .map(|at| (FIELDS[at].name, if has[at] == 1 { "-" } else { value(at) }.as_bytes()))
                .chain([("made-up", &b"1"[..])])
                .collect();
            let mut sample = Sample::new().columns(&columns);
            let directions = [
                Direction::Inbound,
                Direction::Outbound,
                Direction::Internal,
                Direction::External,
                Direction::Unknown,
            ];
            if bits[0] {
                sample = sample.flow(directions[direction], "tcp", if bits[1] { "ssh" } else { "" });
            }
            if bits[2] {
                let inside = || internal("ledger", 21);
                let (source, destination) =
                    if bits[3] { (inside(), external()) } else { (Endpoint::default(), inside()) };
                sample = sample.ends(source, destination);
            }
            if bits[4] {
                sample = sample.nat_source(external());
            }
            if bits[5] {
                sample = sample.nat_destination(external());
            }
            if bits[6] {
                let feature = if bits[7] { Feature::BytesOut } else { Feature::DestinationPorts };
                let score = (scored > 0).then(|| score(feature, 40, 20 * scored + 2, -2.0));
                sample = sample.verdict(entity("instance", "i-1", 11), score, false);
            }
            sample
        },
    )
}

/// A random line of syslog: any parts, and any of the numbers.
fn line() -> impl Strategy<Value = Sample> {
    let parts =
        prop::collection::vec(prop::sample::select(vec!["", "eni-1", "tcp", "40", "22", "ledger"]), 5);
    let sender = prop::option::of(prop::sample::select(vec!["10.0.1.7", "192.0.2.1", "2001:db8::7"]));
    let numbers =
        (prop::option::of(prop::sample::select(vec![35_u8, 37, 187, 189])), prop::option::of(0..50_u64));
    (parts, sender, numbers, prop::option::of(0..8_u8), any::<bool>()).prop_map(
        |(parts, sender, (priority, sequence), level, is_new)| {
            let sender = sender.map(|address| (address.parse().unwrap(), 40));
            let version = is_new.then_some(1);
            let log = Syslog { priority, sequence, level, version, sender, ..Syslog::default() };
            let elements = if is_new { "[a b=\"c\"]" } else { "" };
            Sample::new().syslog([parts[0], parts[1], parts[2], parts[3], elements, parts[4]], log)
        },
    )
}

/// Any event.
fn any_event() -> impl Strategy<Value = Sample> {
    prop_oneof![3 => event(), 1 => event().prop_map(Sample::in_syslog), 2 => line()]
}

/// The document of the one event, where `selection` lets it pass.
fn document(batch: &Batch, selection: &Selection) -> Option<Json> {
    let mut out = Documents::new(Receipt::unclaimed());
    let tally = normalizer().documents(batch, selection, NOW, &mut out);
    assert_eq!(tally.written + tally.filtered, 1);
    (tally.written == 1).then(|| strict(&String::from_utf8(out.bytes).unwrap()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_condition_lets_pass_what_it_lets_pass_when_the_document_is_asked(
        condition in condition(), sample in any_event()
    ) {
        let text = condition.text();
        let filter: Filter = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        let json = document(&sample.0, &Selection::default()).unwrap();
        let selection = Selection { filter: Some(filter), ..Selection::default() };
        let passed = document(&sample.0, &selection).is_some();
        prop_assert_eq!(passed, condition.weigh(&json), "{} of {}", text, json);
    }
}

/// Every comparison of the field called `name` with what `document` says there, and with two values that it may not say.
fn comparisons(name: &str, document: &Json) -> Vec<Condition> {
    let others: &[&str] = match holds(name) {
        Holds::Number => &["0", "41"],
        Holds::Address => &["10.0.1.8", "10.0.0.0/8"],
        Holds::Text if words(name).is_some() => &[],
        Holds::Text => &["eni-1", "zzz"],
    };
    let own = at(document, path_of(name)).map(|value| match (holds(name), value) {
        (Holds::Number, value) => number(value).unwrap().to_string(),
        (_, value) => value.as_str().unwrap().to_owned(),
    });
    let mut all = vec![Condition::Exists(name.to_owned())];
    for value in own.into_iter().chain(others.iter().map(|other| (*other).to_owned())) {
        all.push(Condition::In(name.to_owned(), vec![value.clone()]));
        let operators: &[&'static str] = match holds(name) {
            Holds::Number => &["=", "!=", "<", "<=", ">", ">="],
            _ => &["=", "!="],
        };
        let is = |operator: &&'static str| Condition::Is(name.to_owned(), operator, value.clone());
        all.extend(operators.iter().filter(|_| !value.contains('/')).map(is));
        if holds(name) == Holds::Text && words(name).is_none() {
            let pattern = format!("*{}?", value.chars().take(2).collect::<String>());
            all.extend([pattern, value].map(|pattern| Condition::Like(name.to_owned(), pattern)));
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_comparison_of_every_field_comes_to_what_the_document_says(sample in any_event()) {
        let json = document(&sample.0, &Selection::default()).unwrap();
        let verdict = sample.0.verdicts[0].as_ref();
        for condition in fields().iter().flat_map(|name| comparisons(name, &json)) {
            let text = condition.text();
            let filter: Filter = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            let passed = filter.passes(&sample.0, &sample.0.events[0], verdict);
            prop_assert_eq!(passed, condition.weigh(&json), "{} of {}", text, json);
        }
    }
}

#[test]
fn what_where_leaves_out_is_counted_and_findings_leave_unless_they_contradict_it() {
    let sample = || {
        Sample::new()
            .line("srcaddr dstport", "10.0.1.7 22")
            .line("srcaddr dstport", "10.0.1.7 443")
            .line("srcaddr dstport", "10.0.1.7 -")
            .finding(finding(Revision::Created))
    };
    for (text, events, findings) in [
        ("destination.port = 22", 1, 1),
        ("not destination.port = 22", 2, 1),
        ("source.ip in 10.0.0.0/8", 3, 1),
        ("event.risk_score < 80", 0, 0),
        ("exists source.ip and not event.risk_score > 80", 3, 0),
    ] {
        let selection = Selection { filter: Some(text.parse().unwrap()), ..Selection::default() };
        let mut out = Documents::new(Receipt::unclaimed());
        let tally = normalizer().documents(&sample().0, &selection, NOW, &mut out);
        assert_eq!((tally.written, tally.filtered), (events + findings, 4 - events - findings), "{text}");
        let selection = Selection { select: Select::Findings, ..selection };
        let mut out = Documents::new(Receipt::unclaimed());
        assert_eq!(
            normalizer().documents(&sample().0, &selection, NOW, &mut out).written,
            findings,
            "{text}"
        );
    }
}
