//! Mappings: every field of the list with the type that a product has for it.

use serde_json::{Map, Value, json};

use super::{
    dataset::{Dataset, Layout},
    provision::SearchProduct,
};
use crate::normalize::{
    fields,
    paths::{EVENT_ORIGINAL, STREAM_DATASET, STREAM_NAMESPACE, STREAM_TYPE},
    piece::leaf,
};

/// Objects that are not of ECS: Elastic's for flow logs, and ours.
const OWN: [&str; 2] = ["aws.", "floodmark."];
/// What a data stream's name says; see [`stream`].
const STREAM: &str = "data_stream.";
/// Longest text that a keyword is indexed with, in characters; a longer one is kept and not found. ECS's choice, and well
/// below what the servers refuse whole documents for.
const KEYWORD_MAX: u32 = 1_024;

/// The mappings of ECS's fields, and what becomes of those that nobody has mapped: a text is a keyword, and never a date
/// or a number because the first one looked like it.
pub(super) fn ecs(product: SearchProduct) -> Value {
    let properties =
        properties(product, |path| !OWN.iter().any(|own| path.starts_with(own)) && !path.starts_with(STREAM));
    json!({ "mappings": {
        "dynamic": true,
        "date_detection": false,
        "numeric_detection": false,
        "dynamic_templates": [
            { "texts_as_keywords": { "match_mapping_type": "string", "mapping": keyword() } },
        ],
        "properties": properties,
    } })
}

/// The mappings of what ECS leaves to others.
pub(super) fn own(product: SearchProduct) -> Value {
    let properties = properties(product, |path| OWN.iter().any(|own| path.starts_with(own)));
    json!({ "mappings": { "properties": properties } })
}

/// The members of `data_stream`. In a data stream they are constant, where the product knows that; a daily index may hold
/// several namespaces.
pub(super) fn stream(product: SearchProduct, dataset: Dataset, layout: Layout) -> Value {
    let constant = product == SearchProduct::Elasticsearch && layout == Layout::Stream;
    let member = |value: Option<String>| match (constant, value) {
        (false, _) => keyword(),
        (true, None) => json!({ "type": "constant_keyword" }),
        (true, Some(value)) => json!({ "type": "constant_keyword", "value": value }),
    };
    json!({
        leaf(STREAM_TYPE): member(Some("logs".to_owned())),
        leaf(STREAM_DATASET): member(Some(format!("floodmark.{}", dataset.name))),
        leaf(STREAM_NAMESPACE): member(None),
    })
}

/// The listed fields whose path `takes`, as nested properties.
fn properties(product: SearchProduct, takes: impl Fn(&str) -> bool) -> Map<String, Value> {
    let mut properties = Map::new();
    let fields = fields();
    for row in fields["fields"].as_array().into_iter().flatten() {
        if let (Some(path), Some(kind)) = (row["path"].as_str(), row["type"].as_str())
            && takes(path)
        {
            put(&mut properties, path, property(product, path, kind));
        }
    }
    properties
}

/// Puts `property` where `path` leads.
pub(super) fn put(properties: &mut Map<String, Value>, path: &str, property: Value) {
    match path.split_once('.') {
        None => {
            properties.insert(path.to_owned(), property);
        }
        Some((first, rest)) => {
            let object = properties.entry(first).or_insert_with(|| json!({ "properties": {} }));
            if let Some(members) = object["properties"].as_object_mut() {
                put(members, rest, property);
            }
        }
    }
}

/// The mapping of the field at `path`, which is of this type.
fn property(product: SearchProduct, path: &str, kind: &str) -> Value {
    let is_elastic = product == SearchProduct::Elasticsearch;
    match kind {
        // Kept to be read, not to be searched: it says nothing that the columns do not.
        _ if path == EVENT_ORIGINAL => json!({ "type": "keyword", "index": false, "doc_values": false }),
        "keyword" | "constant_keyword" => keyword(),
        "match_only_text" if is_elastic => json!({ "type": "match_only_text" }),
        "match_only_text" => json!({ "type": "text", "norms": false }),
        "flattened" if is_elastic => json!({ "type": "flattened", "ignore_above": KEYWORD_MAX }),
        "flattened" => json!({ "type": "flat_object" }),
        other => json!({ "type": other }),
    }
}

fn keyword() -> Value {
    json!({ "type": "keyword", "ignore_above": KEYWORD_MAX })
}
