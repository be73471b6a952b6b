//! What the schema wants at a place: which kinds of value, which keys, and the sentence that describes it.

use serde_json::Value;

/// References and alternatives followed inside each other; a schema that is deeper says nothing more.
const DEPTH_MAX: usize = 16;

/// The schemas that a value may fit, alternatives and references followed. None means that nothing is known.
pub(super) fn alternatives<'s>(root: &'s Value, schema: &'s Value) -> Vec<&'s Value> {
    let mut found = Vec::new();
    collect(root, schema, DEPTH_MAX, &mut found);
    found
}

fn collect<'s>(root: &'s Value, schema: &'s Value, depth: usize, found: &mut Vec<&'s Value>) {
    if depth == 0 {
        return;
    }
    let choices = ["oneOf", "anyOf", "allOf"].iter().filter_map(|word| schema.get(word)?.as_array());
    let mut nested = false;
    for choice in choices.flatten().chain(target(root, schema)) {
        nested = true;
        collect(root, choice, depth - 1, found);
    }
    if !nested || schema.get("properties").is_some() {
        found.push(schema);
    }
}

fn target<'s>(root: &'s Value, schema: &Value) -> Option<&'s Value> {
    root.pointer(schema.get("$ref")?.as_str()?.strip_prefix('#')?)
}

/// The schema that a chain of plain references ends at.
pub(super) fn followed<'s>(root: &'s Value, mut schema: &'s Value) -> &'s Value {
    for _ in 0..DEPTH_MAX {
        match target(root, schema) {
            Some(next) => schema = next,
            None => break,
        }
    }
    schema
}

/// What the value of `key` may fit, in a map that may fit `maps`.
pub(super) fn at_key<'s>(root: &'s Value, maps: &[&'s Value], key: &str) -> Vec<&'s Value> {
    let child = |map: &&'s Value| -> Vec<&'s Value> {
        if let Some(schema) = map.get("properties").and_then(|known| known.get(key)) {
            return vec![schema];
        }
        let patterns = map.get("patternProperties").and_then(Value::as_object);
        let others = map.get("additionalProperties").filter(|schema| schema.is_object());
        patterns.into_iter().flat_map(|patterns| patterns.values()).chain(others).collect()
    };
    maps.iter().flat_map(child).flat_map(|schema| alternatives(root, schema)).collect()
}

/// What the value at `index` may fit, in a list that may fit `lists`.
pub(super) fn at_index<'s>(root: &'s Value, lists: &[&'s Value], index: usize) -> Vec<&'s Value> {
    let child = |list: &&'s Value| {
        let place = list.get("prefixItems").and_then(|places| places.get(index));
        place.or_else(|| list.get("items"))
    };
    lists.iter().filter_map(child).flat_map(|schema| alternatives(root, schema)).collect()
}

/// Whether one of `schemas` takes a value of the JSON type `kind`.
pub(super) fn admits(schemas: &[&Value], kind: &str) -> bool {
    schemas.iter().any(|schema| {
        let named = |name: &Value| name == kind || (name == "number" && kind == "integer");
        match schema.get("type") {
            Some(Value::Array(kinds)) => kinds.iter().any(named),
            Some(name) => named(name),
            None => ["const", "enum"].iter().all(|word| schema.get(word).is_none()),
        }
    })
}

/// The keys that a schema of a map knows, in its order.
pub(super) fn keys(schema: &Value) -> Vec<&str> {
    let known = schema.get("properties").and_then(Value::as_object);
    known.map(|known| known.keys().map(String::as_str).collect()).unwrap_or_default()
}

/// The texts that a schema lists as the only ones.
pub(super) fn words(schema: &Value) -> Vec<&str> {
    let listed = schema.get("enum").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    schema.get("const").into_iter().chain(listed).filter_map(Value::as_str).collect()
}

/// The first sentence of a schema's description, in one line.
pub(super) fn sentence(schema: &Value) -> Option<String> {
    let text = schema.get("description")?.as_str()?;
    let paragraph = text.split("\n\n").next()?.split_whitespace().collect::<Vec<_>>().join(" ");
    let end = paragraph.find(". ").map_or(paragraph.len(), |end| end + 1);
    (!paragraph.is_empty()).then(|| paragraph[..end].to_owned())
}

/// What to write into an empty file.
pub(super) fn remedy_for_empty(schema: &Value) -> Option<String> {
    let required = schema.get("required")?.as_array()?;
    let keys: Vec<String> = required.iter().filter_map(Value::as_str).map(|key| format!("`{key}`")).collect();
    Some(format!("it needs at least {}", keys.join(" and ")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_admits_the_kinds_it_names_or_any_if_it_names_none() {
        let root = json!({ "$defs": { "Text": { "type": "string" }, "Loop": { "$ref": "#/$defs/Loop" } } });
        let table = [
            (json!({ "type": "number" }), "integer", true),
            (json!({ "type": "integer" }), "number", false),
            (json!({ "type": ["string", "null"] }), "null", true),
            (json!({ "anyOf": [{ "$ref": "#/$defs/Text" }, { "type": "null" }] }), "string", true),
            (json!({ "anyOf": [{ "$ref": "#/$defs/Text" }, { "type": "null" }] }), "integer", false),
            (json!({ "$ref": "#/$defs/Text" }), "object", false),
            (json!({ "$ref": "#/$defs/Loop" }), "object", false),
            (json!({ "description": "anything" }), "object", true),
            (json!(true), "array", true),
            (json!({ "enum": ["a"] }), "object", false),
        ];
        for (schema, kind, wanted) in table {
            assert_eq!(admits(&alternatives(&root, &schema), kind), wanted, "{schema} {kind}");
        }
    }

    #[test]
    fn a_description_is_cut_to_its_first_sentence_in_one_line() {
        let text = |text: &str| sentence(&json!({ "description": text }));
        assert_eq!(text("Where it\ngoes. Default: here.").as_deref(), Some("Where it goes."));
        assert_eq!(text("At 10.5 or so\n\nMore.").as_deref(), Some("At 10.5 or so"));
        assert_eq!(text(""), None);
    }
}
