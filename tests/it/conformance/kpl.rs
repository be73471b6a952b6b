//! Aggregates that the KPL and others made, each taken apart into what was put in.

use std::fs;

use base64::{Engine, engine::general_purpose::STANDARD};
use floodmark::codec::kpl::{HashRange, Opened, Opener};
use serde_json::Value;

use crate::skipped::fixtures;

/// The user records of an aggregate with their keys, or nothing for a plain record.
type Users = Option<Vec<(String, Option<String>, Vec<u8>)>>;

fn users(record: &[u8]) -> Users {
    let mut opener = Opener::default();
    let Opened::Aggregate(mut aggregate) = opener.open(record, HashRange::ALL) else { return None };
    let text = |key: &[u8]| String::from_utf8(key.to_vec()).unwrap();
    let each = aggregate.records().enumerate().map(|(at, user)| {
        assert_eq!(user.sub_sequence as usize, at);
        let key = user.partition_key.map(text).unwrap();
        (key, user.explicit_hash_key.map(text), user.content.of(record).to_vec())
    });
    Some(each.collect())
}

/// What a file says about one of its records.
fn published(vector: &Value) -> Users {
    let list = vector.get("expect").or_else(|| vector.get("user_records"))?.as_array().unwrap();
    let each = list.iter().map(|user| {
        let text = |name: &str| user[name].as_str().map(str::to_owned);
        let data = match text("data_b64") {
            Some(encoded) => STANDARD.decode(encoded).unwrap(),
            None => text("data").unwrap().into_bytes(),
        };
        (text("partition_key").unwrap(), text("explicit_hash_key"), data)
    });
    Some(each.collect())
}

#[test]
fn aggregates_that_the_kpl_made_give_the_user_records_that_were_put_in() {
    let name = "aggregates_that_the_kpl_made_give_the_user_records_that_were_put_in";
    let Some(folder) = fixtures(name) else { return };
    let mut seen = (0, 0);
    for file in ["awslabs_static_vectors.json", "kpl_vectors.json"] {
        let text = fs::read_to_string(folder.join("kpl").join(file)).unwrap();
        let vectors: serde_json::Map<String, Value> = serde_json::from_str(&text).unwrap();
        for (vector, about) in &vectors {
            let record = STANDARD.decode(about["record_b64"].as_str().unwrap()).unwrap();
            let found = users(&record);
            if let expected @ Some(_) = published(about) {
                assert_eq!(found, expected, "{file} {vector}");
            } else {
                // One aggregate is published without what is in it.
                assert_eq!(found.is_some(), about["aggregated"] == true, "{file} {vector}");
            }
            let aggregated = found.is_some();
            seen = (seen.0 + usize::from(aggregated), seen.1 + usize::from(!aggregated));
        }
    }
    assert!(seen.0 >= 7 && seen.1 >= 5, "{seen:?}");
}
