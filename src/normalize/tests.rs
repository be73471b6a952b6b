//! What this room guarantees of whole documents: golden lines, valid JSON for any text, types, books.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod filtered;
mod goldens;
mod lines;
mod ocsf;
mod original;
mod sampled;
mod sessions;
mod slim;
mod strict;
mod tagged;

use std::{collections::HashMap, path::Path, process::Command};

use proptest::prelude::*;
use serde_json::Value as Json;

use goldens::{accepted, goldens};
use strict::{has_type, leaves, strict};

use super::{
    Normalizer, SchemaName, Select, Tally, fields,
    sample::{Sample, V2, entity, finding, internal, score},
};
use crate::event::{Direction, Documents, Feature, Receipt, Revision};

/// The wall clock of every golden document: 2026-11-21T11:45:00.123Z.
const NOW: u64 = 1_795_261_500_123;

fn normalizer() -> Normalizer {
    Normalizer::new(SchemaName::Ecs.build(&crate::event::Namespace::default(), 600))
}

fn documents(sample: &Sample, select: Select) -> (Documents, Tally) {
    let mut out = Documents::new(Receipt::unclaimed());
    let tally = normalizer().documents(&sample.0, &select.into(), NOW, &mut out);
    (out, tally)
}

fn one(sample: &Sample) -> String {
    let (out, _) = documents(sample, Select::All);
    assert_eq!(out.len(), 1);
    String::from_utf8(out.bytes).unwrap()
}

#[test]
fn documents_are_the_golden_ones() {
    assert_golden("goldens.ndjson", one);
}

/// Fails unless `one` writes of each sample what stands in the file called `name`; writes that anew where it is asked to.
fn assert_golden(name: &str, one: fn(&Sample) -> String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/normalize").join(name);
    let written: String = goldens().iter().map(|(_, sample)| one(sample)).collect();
    if std::env::var_os("FLOODMARK_BLESS").is_some() {
        std::fs::write(&path, &written).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    for (index, (name, sample)) in goldens().iter().enumerate() {
        let expected = committed.lines().nth(index).unwrap_or("nothing");
        assert_eq!(one(sample).trim_end(), expected, "{name}: run with FLOODMARK_BLESS=1 if that is meant");
    }
    assert_eq!(committed.lines().count(), goldens().len());
}

#[test]
fn golden_documents_pass_the_ecs_check_of_the_fixtures() {
    let Some(fixtures) = std::env::var_os("FLOODMARK_FIXTURES") else {
        assert!(std::env::var_os("CI").is_none(), "FLOODMARK_FIXTURES must be set under CI");
        eprintln!("skipped: golden_documents_pass_the_ecs_check_of_the_fixtures (FLOODMARK_FIXTURES)");
        return;
    };
    let check = Command::new("python3")
        .arg(Path::new(&fixtures).join("../tools/validate_ecs.py"))
        .args(["--allow", "aws.vpcflow", "--allow", "floodmark"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/normalize/goldens.ndjson"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&check.stdout);
    assert!(check.status.success(), "{said}");
    assert!(said.contains(&format!("{} docs, 0 failing", goldens().len())), "{said}");
}

fn types() -> HashMap<String, String> {
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    fields()["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (text(&row["path"]), text(&row["type"])))
        .collect()
}

#[test]
fn every_leaf_of_every_golden_document_is_in_the_field_list_with_its_type() {
    let types = types();
    let mut met = std::collections::BTreeSet::new();
    for (name, sample) in goldens() {
        let json = strict(&one(&sample));
        let mut found = Vec::new();
        leaves(&json, String::new(), &types, &mut found);
        for (path, leaf) in found {
            match types.get(&path) {
                Some(kind) => assert!(has_type(kind, leaf), "{name}: {path} is no {kind}: {leaf}"),
                None => assert!(
                    name == "hostile extras" && path.starts_with("aws.vpcflow.") && leaf.is_string(),
                    "{name}: {path} is not in the list"
                ),
            }
            assert_ne!(leaf, "-", "{name}: {path}");
            met.insert(path);
        }
    }
    let mut found = Vec::new();
    let json = original::written(SchemaName::Ecs, true, &accepted());
    leaves(&json, String::new(), &types, &mut found);
    let sampled = sampled::one_of_ten();
    leaves(&sampled, String::new(), &types, &mut found);
    let line = lines::document();
    leaves(&line, String::new(), &types, &mut found);
    let session = sessions::document();
    leaves(&session, String::new(), &types, &mut found);
    for (path, leaf) in &found {
        assert!(has_type(&types[path], leaf), "{path}: {leaf}");
    }
    met.extend(found.into_iter().map(|(path, _)| path));
    let unmet: Vec<&String> =
        types.keys().filter(|path| !path.starts_with("aws.vpcflow.") && !met.contains(*path)).collect();
    assert!(unmet.is_empty(), "no golden document has {unmet:?}");
}

#[test]
fn an_event_without_a_score_has_no_score_fields_and_one_with_it_says_why() {
    let silent = strict(&one(&Sample::new()
        .line(V2, "2 1 eni-1 10.0.0.1 10.0.0.2 1 2 6 1 40 1 2 ACCEPT OK")
        .verdict(entity("address", "10.0.0.1", 1), None, true)));
    assert!(silent["event"].get("risk_score").is_none() && silent["event"].get("reason").is_none());
    assert!(silent["floodmark"].get("score").is_none());
    assert_eq!(silent["floodmark"]["entity"]["name"], "10.0.0.1");
    let scored = strict(&one(&accepted()));
    assert_eq!(scored["event"]["risk_score"], 98);
    assert_eq!(
        scored["event"]["reason"],
        "10.0.1.7 sent 1.02 GB in 10 min; its usual is 48 kB (p99 2.1 MB, largest 3 MB, 432 windows and 5120 of its \
         peers)"
    );
    let p = scored["floodmark"]["score"]["p"].as_f64().unwrap();
    assert!((p - 1.26e-6).abs() < 1e-8, "{p}");
}

#[test]
fn a_document_is_the_same_whatever_was_written_before_it() {
    let mut one_for_all = normalizer();
    for _ in 0..2 {
        for (name, sample) in goldens() {
            let mut out = Documents::new(Receipt::unclaimed());
            one_for_all.documents(&sample.0, &Select::All.into(), NOW, &mut out);
            assert_eq!(String::from_utf8(out.bytes).unwrap(), one(&sample), "{name}");
        }
    }
}

fn mixed() -> Sample {
    let line = "2 012345678901 eni-1 10.0.1.7 10.0.1.8 1 2 6 1 40 1795260605 1795260664 ACCEPT OK";
    let points = |points| Some(score(Feature::BytesOut, 1_000, points, -1.0));
    let mut sample = Sample::new()
        .line(V2, line)
        .verdict(entity("address", "10.0.1.7", 1), points(70), false)
        .line(V2, line)
        .verdict(entity("address", "10.0.1.8", 2), points(69), false)
        .line(V2, line)
        .verdict(entity("address", "10.0.1.9", 3), None, false)
        .line(V2, line)
        .line(V2, line)
        .finding(finding(Revision::Created))
        .finding(finding(Revision::Closed));
    sample.0.verdicts[4] = sample.0.verdicts[0];
    sample.0.events[3].deliver = false;
    sample
}

#[test]
fn every_event_and_finding_is_counted_once_whatever_is_selected() {
    for (select, written, filtered) in [
        (Select::All, 6, 0),
        (Select::Findings, 2, 4),
        (Select::Score(70), 4, 2),
        (Select::Score(0), 5, 1),
        (Select::Score(71), 2, 4),
    ] {
        let (out, tally) = documents(&mixed(), select);
        assert_eq!(tally, Tally { written, filtered, sampled: 0, delivered_before: 1 }, "{select:?}");
        assert_eq!(out.len() as u64, written);
    }
}

#[test]
fn rows_hold_ids_kinds_ends_and_keys_and_each_key_stands_once() {
    let sample = mixed();
    let (out, _) = documents(&sample, Select::All);
    let keys: Vec<&[u8]> = out.rows.iter().map(|row| row.key.of(&out.keys)).collect();
    let instance: &[u8] = b"i-0123456789abcdef0";
    assert_eq!(keys, [b"10.0.1.7", b"10.0.1.8", b"10.0.1.9", &b"10.0.1.7"[..], instance, instance]);
    assert_eq!(out.keys.len(), 3 * 8 + instance.len());
    for (index, row) in out.rows.iter().enumerate() {
        let json = strict(std::str::from_utf8(out.document(index)).unwrap());
        assert_eq!(json["event"]["id"], row.id.to_string());
        // The first revision of the finding is an alert, the last one is not.
        assert_eq!(json["event"]["kind"], if index == 4 { "alert" } else { "event" });
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_document_is_valid_json_whatever_the_columns_hold(
        names in proptest::collection::hash_set(prop_oneof!["\\PC{0,8}", "[a-z]{1,3}[-_.][a-z]{1,3}"], 0..6),
        texts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 12),
        name in any::<String>().prop_filter("a name has letters", |name| !name.is_empty()),
    ) {
        let known = ["account-id", "interface-id", "action", "log-status", "region", "instance-id"];
        let extras: Vec<&str> =
            names.iter().map(String::as_str).filter(|name| crate::event::Field::from_name(name).is_none()).collect();
        let mut columns: Vec<(&str, &[u8])> = vec![("end", b"1795260664")];
        let named = known.iter().copied().chain(extras).zip(&texts);
        columns.extend(named.map(|(name, text)| (name, text.as_slice())));
        let sample = Sample::new()
            .columns(&columns)
            .flow(Direction::Outbound, "tcp", "")
            .ends(internal(&name, 1), Default::default())
            .verdict(entity("tag", &name, 1), Some(score(Feature::BytesOut, 7, 1, -0.1)), false);
        let json = strict(&one(&sample));
        prop_assert_eq!(&json["host"]["name"], &name);
        prop_assert_eq!(&json["floodmark"]["entity"]["name"], &name);
        let account = String::from_utf8_lossy(&texts[0]);
        if account != "-" {
            prop_assert_eq!(&json["cloud"]["account"]["id"], &*account);
        }
    }
}
