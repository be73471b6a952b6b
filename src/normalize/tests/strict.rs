//! Documents read back with suspicion: no member twice, every leaf with its type.

use std::{collections::HashMap, fmt};

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;

/// JSON in which no object has a member twice.
struct Strict(Json);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Once;
        impl<'de> Visitor<'de> for Once {
            type Value = Json;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Json, E> {
                Ok(text.into())
            }
            fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Json, E> {
                Ok(truth.into())
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Json, E> {
                Ok(number.into())
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Json, E> {
                Ok(number.into())
            }
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Json, E> {
                Ok(number.into())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
                let mut list = Vec::new();
                while let Some(Strict(element)) = seq.next_element()? {
                    list.push(element);
                }
                Ok(list.into())
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
                let mut object = serde_json::Map::new();
                while let Some((name, Strict(value))) = map.next_entry::<String, Strict>()? {
                    if object.insert(name.clone(), value).is_some() {
                        return Err(de::Error::custom(format!("{name} stands twice")));
                    }
                }
                Ok(object.into())
            }
        }
        deserializer.deserialize_any(Once).map(Strict)
    }
}

pub(super) fn strict(line: &str) -> Json {
    assert_eq!(line.matches('\n').count(), 1, "one line: {line}");
    serde_json::from_str::<Strict>(line).unwrap_or_else(|error| panic!("{error}: {line}")).0
}

/// Every leaf of `json` with its path; lists of plain values and points are leaves.
pub(super) fn leaves<'a>(
    json: &'a Json,
    path: String,
    types: &HashMap<String, String>,
    out: &mut Vec<(String, &'a Json)>,
) {
    match json {
        Json::Object(object) if !types.contains_key(&path) => {
            assert!(!object.is_empty(), "{path} is an empty object");
            for (name, value) in object {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                leaves(value, path, types, out);
            }
        }
        leaf => out.push((path, leaf)),
    }
}

pub(super) fn has_type(kind: &str, leaf: &Json) -> bool {
    match (kind, leaf) {
        (_, Json::Array(list)) => !list.is_empty() && list.iter().all(|element| has_type(kind, element)),
        ("keyword" | "constant_keyword" | "match_only_text", Json::String(_)) => true,
        ("ip", Json::String(text)) => text.parse::<std::net::IpAddr>().is_ok(),
        ("date", Json::String(text)) => text.parse::<jiff::Timestamp>().is_ok() || text.starts_with("9999-"),
        ("long", Json::Number(number)) => number.is_u64(),
        ("float" | "double", Json::Number(_)) | ("boolean", Json::Bool(_)) => true,
        ("geo_point", Json::Object(point)) => point["lat"].is_number() && point["lon"].is_number(),
        ("object", Json::Object(object)) => object.values().all(Json::is_string),
        ("flattened", Json::Object(object)) => {
            let is_value = |value: &Json| has_type("keyword", value) || has_type("flattened", value);
            object.values().all(is_value)
        }
        _ => false,
    }
}
