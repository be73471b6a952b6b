//! A server that the tests share, what a test asks it, and floodmark's templates on it for one test alone.

use std::{
    env, fs,
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};

use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{
    process::{repository, text_at},
    skipped::skip,
};

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    OpenSearch2,
    OpenSearch3,
    Elasticsearch8,
    Elasticsearch9,
}

/// A server.
pub struct Server {
    pub product: Product,
    url: String,
    http: reqwest::Client,
    runtime: Runtime,
}

/// Above floodmark's own templates, so that those of one test and those of another do not meet.
const PRIORITY: u32 = 1_000;
/// Documents in one bulk.
const BULK: usize = 2_000;

/// A namespace that no other test of this run has, nor one of another run.
pub fn namespace() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("s{}n{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

// === impl Product ===

impl Product {
    const ALL: [Self; 4] = [Self::OpenSearch2, Self::OpenSearch3, Self::Elasticsearch8, Self::Elasticsearch9];

    /// Its folder in `tests/services` and in `schemas`, and its version there.
    fn place(self) -> (&'static str, &'static str) {
        match self {
            Self::OpenSearch2 => ("opensearch", "2"),
            Self::OpenSearch3 => ("opensearch", "3"),
            Self::Elasticsearch8 => ("elasticsearch", "8"),
            Self::Elasticsearch9 => ("elasticsearch", "9"),
        }
    }

    pub fn is_elasticsearch(self) -> bool {
        self.place().0 == "elasticsearch"
    }
}

// === impl Server ===

impl Server {
    /// The server that all tests share, or nothing, and then the test `name` is on the list of those skipped.
    fn shared(name: &str, product: Product) -> Option<Self> {
        let (folder, version) = product.place();
        let variable = format!("FLOODMARK_{}_{version}", folder.to_uppercase());
        let Ok(url) = env::var(&variable) else {
            let absent = env::var(format!("FLOODMARK_{}_ABSENT", folder.to_uppercase()));
            let reason = absent.unwrap_or_else(|_| {
                format!("{variable} names no server: tests/services/up {folder} starts one")
            });
            skip(name, &reason);
            return None;
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Some(Self { product, url, http: reqwest::Client::new(), runtime })
    }

    /// Each of the servers that all tests share.
    pub fn all(name: &str) -> impl Iterator<Item = Self> {
        Product::ALL.into_iter().filter_map(move |product| Self::shared(name, product))
    }

    /// Asks, and gives status and answer, whatever they are.
    pub fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        self.send(method, path, "application/json", body.map(Value::to_string))
    }

    fn send(&self, method: &str, path: &str, kind: &str, body: Option<String>) -> (u16, Value) {
        let method = method.parse::<reqwest::Method>().unwrap();
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if let Some(body) = body {
            request = request.header("content-type", kind).body(body);
        }
        self.runtime.block_on(async {
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or(Value::Null))
        })
    }

    /// As [`Server::ask`], and fails where that does not go.
    #[track_caller]
    pub fn must(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let (status, answer) = self.ask(method, path, body);
        assert!((200..300).contains(&status), "{:?} {method} {path}: {status} {answer}", self.product);
        answer
    }

    /// Puts the templates of `schemas/` there, for the data streams and indices of one namespace only.
    ///
    /// The servers of the tests have neither ILM nor ISM, and Elasticsearch's none of the modules that bring
    /// `constant_keyword` and `match_only_text`: policies are left out, and those two are a `keyword` and a `text`.
    /// Everything else goes in as it is.
    pub fn install(&self, namespace: &str) {
        for kind in ["_component_template", "_index_template"] {
            let folder = repository().join("schemas").join(self.product.place().0).join(kind);
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_stem().unwrap().to_str().unwrap();
                let body = self.narrowed(&path, namespace);
                self.must("PUT", &format!("/{kind}/{name}-{namespace}"), Some(&body));
            }
        }
    }

    fn narrowed(&self, path: &Path, namespace: &str) -> Value {
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
        if self.product.is_elasticsearch() {
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
    pub fn load(&self, namespace: &str, documents: &[Value]) -> Vec<(u64, Value)> {
        let mut answers = Vec::new();
        for part in documents.chunks(BULK) {
            let mut body = String::new();
            for document in part {
                let stream = format!("logs-{}-{namespace}", text_at(document, "data_stream.dataset"));
                let create = json!({ "create": { "_index": stream, "_id": text_at(document, "event.id") } });
                body += &format!("{create}\n{document}\n");
            }
            let (status, answer) = self.send("POST", "/_bulk", "application/x-ndjson", Some(body));
            assert_eq!(status, 200, "{answer}");
            for answer in answer["items"].as_array().unwrap() {
                let created = &answer["create"];
                answers.push((created["status"].as_u64().unwrap(), created["error"].clone()));
            }
        }
        self.must("POST", &format!("/logs-floodmark.*-{namespace}/_refresh"), None);
        answers
    }
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
