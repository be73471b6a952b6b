//! floodmark's templates on a server for one test alone, and documents under them.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::{
    process::{repository, text_at},
    servers::Server,
};

/// Above floodmark's own templates, so that those of one test and those of another do not meet.
const PRIORITY: u32 = 1_000;
/// Documents in one bulk.
const BULK: usize = 2_000;

/// Puts the templates of `schemas/` there, for the data streams and indices of one namespace only.
///
/// The servers of the tests have neither ILM nor ISM, and Elasticsearch's none of the modules that bring
/// `constant_keyword` and `match_only_text`: policies are left out, and those two are a `keyword` and a `text`.
/// Everything else goes in as it is.
pub fn install(server: &Server, namespace: &str) {
    for kind in ["_component_template", "_index_template"] {
        let folder = repository().join("schemas").join(server.product.place().0).join(kind);
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap();
            let body = narrowed(server, &path, namespace);
            server.must("PUT", &format!("/{kind}/{name}-{namespace}"), Some(&body));
        }
    }
}

fn narrowed(server: &Server, path: &Path, namespace: &str) -> Value {
    let mut body: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    if body["index_patterns"].is_array() {
        // The whole name of the data stream, so that no namespace is the beginning of another.
        let pattern = body["index_patterns"][0].as_str().unwrap().trim_end_matches('*').to_owned();
        let days = if body["data_stream"].is_object() { "" } else { "-*" };
        body["index_patterns"] = json!([format!("{pattern}{namespace}{days}")]);
        body["priority"] = json!(PRIORITY);
        let parts = body["composed_of"].as_array().unwrap().iter().map(|part| part.as_str().unwrap());
        // The operator's own part is not there, and is not missed.
        let named = |part: &str| match part.starts_with("floodmark-") {
            true => format!("{part}-{namespace}"),
            false => part.to_owned(),
        };
        body["composed_of"] = parts.map(named).collect();
    }
    if server.product.is_elasticsearch() {
        if let Some(index) = body.pointer_mut("/template/settings/index").and_then(Value::as_object_mut) {
            index.remove("lifecycle");
        }
        strip(&mut body);
    }
    body
}

/// Loads `documents` into the data stream of their kind in `namespace`; they can be found when this returns.
///
/// Gives the answer to each, in their order: its status and what was wrong.
pub fn load(server: &Server, namespace: &str, documents: &[Value]) -> Vec<(u64, Value)> {
    let mut answers = Vec::new();
    for part in documents.chunks(BULK) {
        let mut body = String::new();
        for document in part {
            let stream = format!("logs-{}-{namespace}", text_at(document, "data_stream.dataset"));
            let create = json!({ "create": { "_index": stream, "_id": text_at(document, "event.id") } });
            body += &format!("{create}\n{document}\n");
        }
        let (status, answer) = server.send("POST", "/_bulk", "application/x-ndjson", Some(body));
        assert_eq!(status, 200, "{answer}");
        for answer in answer["items"].as_array().unwrap() {
            let created = &answer["create"];
            answers.push((created["status"].as_u64().unwrap(), created["error"].clone()));
        }
    }
    server.must("POST", &format!("/logs-floodmark.*-{namespace}/_refresh"), None);
    answers
}

/// Replaces the types of which the tests' servers of Elasticsearch have no module.
fn strip(body: &mut Value) {
    if let Some(kind) = body.get("type").and_then(Value::as_str) {
        let instead = match kind {
            "constant_keyword" => Some("keyword"),
            "match_only_text" => Some("text"),
            _ => None,
        };
        if let Some(instead) = instead {
            body["type"] = json!(instead);
            body.as_object_mut().unwrap().remove("value");
        }
    }
    match body {
        Value::Object(members) => members.values_mut().for_each(strip),
        Value::Array(values) => values.iter_mut().for_each(strip),
        _ => {}
    }
}
