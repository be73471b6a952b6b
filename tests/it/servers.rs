//! The real servers of OpenSearch and Elasticsearch, shared or a test's own, and what a test asks them.

use std::{
    collections::BTreeMap,
    env, fs,
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{
    process::{Folder, repository, until},
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

/// A server. One that a test has started for itself ends with the test.
pub struct Server {
    pub product: Product,
    url: String,
    http: reqwest::Client,
    runtime: Runtime,
    /// The folder of a server of one's own, and its settings.
    own: Option<(PathBuf, Vec<String>)>,
}

/// A namespace that no other test of this run has, nor one of another run.
pub fn namespace() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("t{}n{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

// === impl Product ===

impl Product {
    pub const ALL: [Self; 4] =
        [Self::OpenSearch2, Self::OpenSearch3, Self::Elasticsearch8, Self::Elasticsearch9];

    /// Its folder in `tests/services` and in `schemas`, and its version there.
    pub fn place(self) -> (&'static str, &'static str) {
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
    pub fn shared(name: &str, product: Product) -> Option<Self> {
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
        Some(Self::at(product, url, None))
    }

    /// Each of the servers that all tests share.
    pub fn all(name: &str) -> impl Iterator<Item = Self> {
        Product::ALL.into_iter().filter_map(move |product| Self::shared(name, product))
    }

    /// A server of the test's own in `folder`, for a test that disturbs it, with settings `NAME=VALUE`; or nothing, as with
    /// [`Server::shared`].
    pub fn own(name: &str, product: Product, folder: &Folder, settings: &[&str]) -> Option<Self> {
        Self::shared(name, product)?;
        let place = folder.path("server");
        let settings: Vec<String> = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let mut server = Self::at(product, String::new(), Some((place.clone(), settings)));
        server.start();
        let text = fs::read_to_string(place.join("env")).unwrap();
        text.trim_end().rsplit_once('=').expect("a URL").1.clone_into(&mut server.url);
        Some(server)
    }

    fn at(product: Product, url: String, own: Option<(PathBuf, Vec<String>)>) -> Self {
        // A connection that is kept would be to a server that was killed meanwhile.
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { product, url, http, runtime, own }
    }

    /// `http://host:port`. It stays the same through every start.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// `host:port`.
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// Starts the server again, on the same port and with what it held; returns when it answers.
    pub fn start(&self) {
        let (_, version) = self.product.place();
        self.script("start", &[version]);
    }

    /// Ends the server at once (SIGKILL).
    pub fn kill(&self) {
        self.script("kill", &[]);
    }

    #[track_caller]
    fn script(&self, verb: &str, rest: &[&str]) {
        let (folder, settings) = self.own.as_ref().expect("the shared server is not for one test to disturb");
        let mut command =
            Command::new(repository().join("tests/services").join(self.product.place().0).join("node"));
        command.arg(verb).arg(folder).args(rest);
        if verb == "start" {
            command.args(settings);
        }
        let told = command.output().unwrap();
        assert!(told.status.success(), "node {verb}: {}", String::from_utf8_lossy(&told.stderr));
    }

    /// Asks, and gives status and answer, whatever they are.
    pub fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        self.send(method, path, "application/json", body.map(Value::to_string))
    }

    /// As [`Server::ask`], with a body of some `kind`.
    pub fn send(&self, method: &str, path: &str, kind: &str, body: Option<String>) -> (u16, Value) {
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

    /// As [`Server::ask`], again and again while the server has more to do than it can.
    fn ask_patiently(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        until("an answer", || Some(self.ask(method, path, body)).filter(|(status, _)| *status != 429))
    }

    /// As [`Server::ask`], and fails where that does not go.
    #[track_caller]
    pub fn must(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let (status, answer) = self.ask_patiently(method, path, body);
        assert!((200..300).contains(&status), "{:?} {method} {path}: {status} {answer}", self.product);
        answer
    }

    /// How many documents are under a name or pattern, after everything that was written can be seen.
    pub fn count(&self, name: &str) -> u64 {
        self.ask_patiently("POST", &format!("/{name}/_refresh"), None);
        let (status, answer) = self.ask_patiently("GET", &format!("/{name}/_count"), None);
        // A stream that has just been made is not there at once with all its shards.
        if matches!(status, 404 | 503) {
            0
        } else {
            answer["count"].as_u64().unwrap_or_else(|| panic!("{status} {answer}"))
        }
    }

    /// Every document's id under a name or pattern, and how often it is there.
    pub fn ids(&self, name: &str) -> BTreeMap<String, u32> {
        let mut ids = BTreeMap::new();
        self.each(name, false, |hit| *ids.entry(hit["_id"].as_str().unwrap().to_owned()).or_default() += 1);
        ids
    }

    /// Every document under a name or pattern.
    pub fn documents(&self, name: &str) -> Vec<Value> {
        let mut documents = Vec::new();
        self.each(name, true, |hit| documents.push(hit["_source"].clone()));
        documents
    }

    fn each(&self, name: &str, source: bool, mut take: impl FnMut(&Value)) {
        self.must("POST", &format!("/{name}/_refresh"), None);
        let query = json!({ "size": 10_000, "_source": source, "sort": ["_doc"] });
        let mut page = self.must("POST", &format!("/{name}/_search?scroll=2m"), Some(&query));
        loop {
            let hits = page["hits"]["hits"].as_array().unwrap().clone();
            let scroll = json!({ "scroll_id": page["_scroll_id"], "scroll": "2m" });
            if hits.is_empty() {
                self.ask("DELETE", "/_search/scroll", Some(&json!({ "scroll_id": page["_scroll_id"] })));
                return;
            }
            hits.iter().for_each(&mut take);
            page = self.must("POST", "/_search/scroll", Some(&scroll));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some((folder, _)) = &self.own {
            let script = repository().join("tests/services").join(self.product.place().0).join("node");
            // A test that fails leaves nothing behind.
            let _ = Command::new(script).arg("kill").arg(folder).output();
        }
    }
}
