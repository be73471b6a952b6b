//! What the keys of an Elasticsearch sink hold, and what only several of them together can get wrong.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[cfg(feature = "aws")]
use crate::aws::Aws;
use crate::{
    event::Namespace,
    quantity::{ByteSize, Duration},
    secret::Secret,
};

/// Elasticsearch 8 and 9, or OpenSearch 2 and 3: each document is created in a data stream.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ElasticsearchSinkConfig {
    /// Servers of one cluster, `https://host:port` each; at least one. One is used until it fails, then the next.
    #[schemars(length(min = 1))]
    pub urls: Vec<String>,
    /// Where in the cluster documents are created. Default: `data_streams`.
    #[serde(default)]
    pub into: Into,
    /// The namespace of the data streams or indices: the last part of `logs-floodmark.flow-<namespace>`, or what stands
    /// before the day in `floodmark-flow-<namespace>-2026.11.21`. Default: `default`.
    #[serde(default)]
    pub namespace: Namespace,
    /// Whether documents are created where a template or a default pipeline of somebody else's makes of them what it
    /// likes. Templates that `_meta` says are managed by `floodmark` are ours, whoever has installed them. Default: false.
    #[serde(default)]
    pub allow_foreign_template: bool,
    /// Whether a document is created under its event's id, so that one that was sent twice is there once. Without, the
    /// server saves a look-up for each. Default: true.
    #[serde(default = "yes")]
    pub ids: bool,
    /// Who we are. Default: nobody in particular.
    #[serde(default)]
    pub auth: Option<Auth>,
    /// How `https` servers prove who they are, and we to them. Default: by the authorities that the system trusts.
    #[serde(default)]
    pub tls: ClientTls,
    /// Whether `http` to other machines is allowed: documents and credentials can be read on the way. Default: false.
    #[serde(default)]
    pub allow_plain_http: bool,
    /// Whether requests are compressed with gzip. Default: true.
    #[serde(default = "yes")]
    pub gzip: bool,
    /// Bytes of documents in one request, before compression: 64KiB to 64MiB; the server's `http.max_content_length` must
    /// not be smaller. Default: `5MiB`.
    #[serde(default = "default_batch_size")]
    pub batch_size: ByteSize,
    /// Documents in one request: 1 to 100,000. Default: 10,000.
    #[serde(default = "default_batch_documents")]
    #[schemars(range(min = 1, max = 100_000))]
    pub batch_documents: u32,
    /// How long a request that is not full waits for more documents: 0ms to 1m. Default: `1s`.
    #[serde(default = "default_linger")]
    pub linger: Duration,
    /// Documents that may wait for this sink and be on their way, together: 1MiB to 1GiB. Default: `16MiB`.
    #[serde(default = "default_in_flight")]
    pub in_flight: ByteSize,
    /// The most requests side by side; it finds out how many of them are of use. 1 to 64. Default: 16.
    #[serde(default = "default_concurrency_max")]
    #[schemars(range(min = 1, max = 64))]
    pub concurrency_max: u16,
    /// How long a server may take for an answer: 1s to 10m. Default: `60s`.
    #[serde(default = "default_timeout")]
    pub timeout: Duration,
}

/// Where in the cluster documents are created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Into {
    /// In the data stream of their kind: `logs-floodmark.flow-<namespace>`, `logs-floodmark.finding-<namespace>`. An id is
    /// unique in each backing index: a document that is delivered again after a rollover is there twice.
    #[default]
    #[serde(rename = "data_streams")]
    Streams,
    /// In the index of their kind and of the day of their event time, in UTC: `floodmark-flow-<namespace>-2026.11.21`. A
    /// document that is delivered again goes to the same index, and is there once.
    DailyIndices,
}

/// Who we are: one way.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Auth {
    /// A name and a password.
    Basic(Basic),
    /// An API key in its encoded form, as Kibana shows it.
    ApiKey(Secret),
    /// An AWS identity, for Amazon OpenSearch Service: each request is signed (Signature Version 4), with the credentials
    /// that the environment, a profile, a web identity, a container or an instance gives.
    #[cfg(feature = "aws")]
    Aws(Aws),
}

/// A name and a password.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Basic {
    /// The name.
    pub username: String,
    /// The password.
    pub password: Secret,
}

/// Certificates.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientTls {
    /// PEM file of the authorities that may have signed the servers' certificates. Default: the system's.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// PEM file of our certificate, where the servers ask for one; needs `key`.
    #[serde(default)]
    pub certificate: Option<PathBuf>,
    /// PEM file of the certificate's key.
    #[serde(default)]
    pub key: Option<Secret>,
}

const fn yes() -> bool {
    true
}

const fn default_batch_size() -> ByteSize {
    ByteSize::mebibytes(5)
}

const fn default_batch_documents() -> u32 {
    10_000
}

const fn default_linger() -> Duration {
    Duration::seconds(1)
}

const fn default_in_flight() -> ByteSize {
    ByteSize::mebibytes(16)
}

const fn default_concurrency_max() -> u16 {
    16
}

const fn default_timeout() -> Duration {
    Duration::seconds(60)
}

// === impl ElasticsearchSinkConfig ===

impl ElasticsearchSinkConfig {
    /// What requests take that are under way, at most: a body for each, and an answer that quotes every document twice.
    #[must_use]
    pub fn kept_bytes(&self) -> u64 {
        let in_flight = self.in_flight.as_u64();
        let bodies = in_flight.min(u64::from(self.concurrency_max) * self.batch_size.as_u64());
        let bodies = if self.gzip { bodies / 4 } else { bodies + bodies / 16 };
        bodies + 2 * in_flight
    }

    /// What is wrong: the key, and why.
    #[must_use]
    pub fn problems(&self) -> Vec<(&'static str, &'static str)> {
        let mut problems = Vec::new();
        if self.urls.is_empty() {
            problems.push(("urls", "names no server: give at least one `https://host:port`"));
        }
        for url in &self.urls {
            problems.extend(self.problem_of(url).map(|text| ("urls", text)));
        }
        #[cfg(feature = "aws")]
        if let Some(Auth::Aws(aws)) = &self.auth
            && !aws.problems().is_empty()
        {
            problems.push(("auth.aws.external_id", "goes with a role: set `role`, or leave it out"));
        }
        let size = self.batch_size.as_u64();
        if !(64 << 10..=64 << 20).contains(&size) {
            problems.push(("batch_size", "must be from 64KiB to 64MiB"));
        }
        if !(1..=100_000).contains(&self.batch_documents) {
            problems.push(("batch_documents", "must be from 1 to 100000"));
        }
        if self.linger.as_secs() > 60 {
            problems.push(("linger", "is at most 1m"));
        }
        if !(1 << 20..=1 << 30).contains(&self.in_flight.as_u64()) {
            problems.push(("in_flight", "must be from 1MiB to 1GiB"));
        }
        if self.batch_size.as_u64() > self.in_flight.as_u64() {
            problems.push(("batch_size", "is larger than `in_flight`, so no request would ever be full"));
        }
        if !(1..=64).contains(&self.concurrency_max) {
            problems.push(("concurrency_max", "must be from 1 to 64"));
        }
        if !(1..=600).contains(&self.timeout.as_secs()) {
            problems.push(("timeout", "must be from 1s to 10m"));
        }
        if self.tls.certificate.is_some() != self.tls.key.is_some() {
            problems.push(("tls", "`certificate` and `key` go together"));
        }
        problems
    }

    fn problem_of(&self, url: &str) -> Option<&'static str> {
        let Ok(url) = reqwest::Url::parse(url) else {
            return Some("holds something that is no URL: expected `https://host:port`");
        };
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Some("holds a URL that is not `https://host:port`");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Some("holds a name or a password: they belong under `auth`, where they are not shown");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Some(
                "holds a URL with a query: give `https://host:port`, with a path where the cluster has one",
            );
        }
        let is_near = url.host_str().is_some_and(is_loopback);
        (url.scheme() == "http" && !is_near && !self.allow_plain_http)
            .then_some("is `http` to another machine: use `https`, or set `allow_plain_http: true` where the way is trusted")
    }
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
