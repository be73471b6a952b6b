//! The way to the servers: one HTTP client for all of them, and which of them is asked.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{
    Certificate, Identity, Method, StatusCode,
    header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER},
};

use super::{auth::Credentials, config::ElasticsearchSinkConfig, hosts::Hosts};
use crate::{sink::SinkError, telemetry::clock};

/// Talks to the servers of one cluster.
pub(super) struct Client {
    http: reqwest::Client,
    urls: Vec<String>,
    hosts: Hosts,
    credentials: Credentials,
}

/// What is asked of a server.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub method: Method,
    /// Path and query, from the `/` on.
    pub path: String,
    /// Empty where there is none.
    pub body: Bytes,
    pub gzip: bool,
    /// Whether the body is one JSON value, not one a line.
    pub is_json: bool,
    /// The most of an answer that is read, in bytes.
    pub answer_bytes: usize,
}

/// What a server answered.
#[derive(Debug, Clone)]
pub(super) struct Response {
    /// Which server.
    pub host: usize,
    pub status: u16,
    /// How long it asks to wait.
    pub after: Option<Duration>,
    /// Whether it says that it is Elasticsearch itself.
    pub is_elasticsearch: bool,
    /// Whether it says which product it is.
    pub says_product: bool,
    pub body: Vec<u8>,
}

const CONNECT_MAX: Duration = Duration::from_secs(10);
/// How long a server that had failed may take to say that it is well.
const HEALTH_MAX: Duration = Duration::from_secs(5);
/// What is read of an answer that is not to a bulk.
const SHORT_BYTES: usize = 1 << 20;
const PRODUCT: &str = "x-elastic-product";
const OPENSEARCH: &str = "x-opensearch-version";

// === impl Question ===

impl Question {
    /// Asks for what stands at `path`.
    pub(super) fn get(path: &str) -> Self {
        Self { method: Method::GET, ..Self::post(path) }
    }

    /// A `POST` to `path` without a body.
    pub(super) fn post(path: &str) -> Self {
        let (path, body) = (path.to_owned(), Bytes::new());
        Self { method: Method::POST, path, body, gzip: false, is_json: false, answer_bytes: SHORT_BYTES }
    }
}

// === impl Client ===

impl Client {
    /// Makes the client; nothing is connected yet.
    ///
    /// # Errors
    /// When a certificate or a secret cannot be read, or is none.
    pub(super) fn new(config: &ElasticsearchSinkConfig) -> Result<Self, SinkError> {
        let builder = reqwest::Client::builder()
            .user_agent(concat!("floodmark/", env!("CARGO_PKG_VERSION")))
            .timeout(Duration::from_millis(config.timeout.as_millis()))
            .connect_timeout(CONNECT_MAX)
            // A redirect would carry the credentials to wherever it says.
            .redirect(reqwest::redirect::Policy::none());
        let http = secured(builder, config)?.build().map_err(|error| settings(told(&error)))?;
        let urls: Vec<String> = config.urls.iter().map(|url| url.trim_end_matches('/').to_owned()).collect();
        let credentials = Credentials::new(config.auth.clone())?;
        Ok(Self { http, hosts: Hosts::new(urls.len()), urls, credentials })
    }

    /// How many servers there are.
    pub(super) fn servers(&self) -> usize {
        self.urls.len()
    }

    /// The URL of server number `host`, without a `/` at its end.
    pub(super) fn url(&self, host: usize) -> &str {
        &self.urls[host]
    }

    /// Asks the server in use; where that does not answer, or not as a server should, the next.
    ///
    /// # Errors
    /// When none answers: why the last did not.
    pub(super) async fn ask(&self, question: &Question) -> Result<Response, String> {
        let mut left = self.urls.len();
        loop {
            let (host, failed_before) = self.hosts.pick(clock::monotonic());
            let asked = match failed_before {
                true => self.ask_health(host).await,
                false => Ok(()),
            };
            let answer = match asked {
                Ok(()) => self.ask_one(host, question).await,
                Err(reason) => Err(reason),
            };
            left -= 1;
            let reason = match answer {
                Ok(answer) if !is_away(answer.status) => {
                    self.hosts.worked(host);
                    return Ok(answer);
                }
                answer => {
                    let another = self.hosts.failed(host, clock::monotonic());
                    match answer {
                        _ if another && left > 0 => continue,
                        // What it says of itself is worth more than that it is not there.
                        Ok(answer) => return Ok(answer),
                        Err(reason) => reason,
                    }
                }
            };
            return Err(reason);
        }
    }

    /// Asks server number `host`, whatever is known of it.
    ///
    /// # Errors
    /// When it does not answer: why, and what helps.
    pub(super) async fn ask_one(&self, host: usize, question: &Question) -> Result<Response, String> {
        self.exchange(host, question, None).await.map_err(|reason| self.unreachable(host, &reason))
    }

    fn unreachable(&self, host: usize, reason: &str) -> String {
        format!("{}: {reason}; see that `urls` are up and may be reached from here", self.urls[host])
    }

    /// Whether a server that had failed takes part again, before it is given work.
    async fn ask_health(&self, host: usize) -> Result<(), String> {
        let answer = self.exchange(host, &Question::get("/"), Some(HEALTH_MAX)).await;
        let answer = answer.map_err(|reason| self.unreachable(host, &reason))?;
        match is_away(answer.status) {
            true => Err(format!("{}: it answers {}", self.urls[host], answer.status)),
            false => Ok(()),
        }
    }

    async fn exchange(
        &self,
        host: usize,
        question: &Question,
        within: Option<Duration>,
    ) -> Result<Response, String> {
        let url = format!("{}{}", self.urls[host], question.path);
        let mut head = HeaderMap::new();
        if !question.body.is_empty() {
            let kind = if question.is_json { "application/json" } else { "application/x-ndjson" };
            head.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        if question.gzip {
            head.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        self.credentials.sign(&question.method, &url, &mut head, &question.body).await?;
        let mut request =
            self.http.request(question.method.clone(), url).headers(head).body(question.body.clone());
        if let Some(within) = within {
            request = request.timeout(within);
        }
        let response = request.send().await.map_err(|error| told(&error))?;
        read(response, host, question.answer_bytes).await
    }
}

/// What a proxy answers when there is no server behind it.
fn is_away(status: u16) -> bool {
    matches!(status, 502..=504)
}

async fn read(mut response: reqwest::Response, host: usize, most: usize) -> Result<Response, String> {
    let status = response.status();
    let head = response.headers();
    let after = head.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let is_elasticsearch = head.get(PRODUCT).is_some_and(|product| product == "Elasticsearch");
    let says_product = is_elasticsearch || head.contains_key(OPENSEARCH);
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(|error| told(&error))? {
        if body.len() + part.len() > most {
            return Err(format!("it answers {status} with more than {most} bytes"));
        }
        body.extend_from_slice(&part);
    }
    let after = after.map(Duration::from_secs);
    Ok(Response { host, status: StatusCode::as_u16(&status), after, is_elasticsearch, says_product, body })
}

fn secured(
    mut builder: reqwest::ClientBuilder,
    config: &ElasticsearchSinkConfig,
) -> Result<reqwest::ClientBuilder, SinkError> {
    let tls = &config.tls;
    if let Some(ca) = &tls.ca {
        let unread = |cause: String| settings(format!("could not use `tls.ca` {}: {cause}", ca.display()));
        let pem = std::fs::read(ca).map_err(|error| unread(error.to_string()))?;
        let authorities = Certificate::from_pem_bundle(&pem).map_err(|error| unread(told(&error)))?;
        if authorities.is_empty() {
            return Err(unread("it holds no certificate in PEM".to_owned()));
        }
        builder = builder.tls_certs_only(authorities);
    }
    if let (Some(certificate), Some(key)) = (&tls.certificate, &tls.key) {
        let unread = |cause: String| {
            settings(format!(
                "could not use `tls.certificate` {} with `tls.key`: {cause}",
                certificate.display()
            ))
        };
        let mut pem = std::fs::read(certificate).map_err(|error| unread(error.to_string()))?;
        pem.push(b'\n');
        let key = key.reveal().map_err(|error| unread(error.to_string()))?;
        pem.extend_from_slice(key.as_str().as_bytes());
        builder = builder.identity(Identity::from_pem(&pem).map_err(|error| unread(told(&error)))?);
    }
    Ok(builder)
}

/// An error with what caused it, and without the URL, which stands before it.
fn told(error: &reqwest::Error) -> String {
    let mut told = String::new();
    let mut cause = std::error::Error::source(error);
    if cause.is_none() {
        told = error.to_string();
    }
    while let Some(error) = cause {
        let text = error.to_string();
        if !told.contains(&text) {
            told = if told.is_empty() { text } else { format!("{told}: {text}") };
        }
        cause = error.source();
    }
    told
}

fn settings(cause: String) -> SinkError {
    SinkError::Settings { cause }
}
