//! The way to the servers: one HTTP client for all of them, and the one that is in use.

use std::time::Duration;

use reqwest::{
    Certificate, Identity, StatusCode,
    header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER},
};

use super::{
    answer::{self, FILTER},
    bulk::{Addresses, Bulk},
    config::{Auth, ElasticsearchSinkConfig},
    hosts::Hosts,
    outcome::Said,
};
use crate::{
    sink::{LOOK_MAX, SinkError},
    telemetry::clock,
};

/// Talks to the servers of one cluster.
pub(super) struct Client {
    http: reqwest::Client,
    urls: Vec<String>,
    hosts: Hosts,
    auth: Option<Auth>,
}

/// What came of a request.
pub(super) enum Reply {
    /// The server told of each document: those that have something against them, by their places.
    Heard { said: Vec<(usize, Said)>, after: Option<Duration> },
    /// It takes no request of this size.
    TooLarge,
    /// It took nothing.
    Out { reason: String, after: Option<Duration>, overload: bool },
}

/// The most of an answer that is read, beside twice what was sent: a server that refuses a document may quote it twice.
const ANSWER_BYTES: usize = 8 << 20;
const CONNECT_MAX: Duration = Duration::from_secs(10);

// === impl Client ===

impl Client {
    /// Makes the client; nothing is connected yet.
    ///
    /// # Errors
    /// When a certificate or a secret cannot be read, or is none.
    pub(super) fn new(config: &ElasticsearchSinkConfig) -> Result<Self, SinkError> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("floodmark/", env!("CARGO_PKG_VERSION")))
            .timeout(Duration::from_millis(config.timeout.as_millis()))
            .connect_timeout(CONNECT_MAX)
            // A redirect would carry the credentials to wherever it says.
            .redirect(reqwest::redirect::Policy::none());
        if let Some(ca) = &config.tls.ca {
            let pem = std::fs::read(ca).map_err(|error| settings(&format!("could not read `tls.ca` {}: {error}", ca.display())))?;
            let authorities = Certificate::from_pem_bundle(&pem).map_err(|error| settings(&format!("`tls.ca` {} is no PEM file of certificates: {error}", ca.display())))?;
            builder = builder.tls_certs_only(authorities);
        }
        if let (Some(certificate), Some(key)) = (&config.tls.certificate, &config.tls.key) {
            let mut pem = std::fs::read(certificate)
                .map_err(|error| settings(&format!("could not read `tls.certificate` {}: {error}", certificate.display())))?;
            pem.push(b'\n');
            pem.extend_from_slice(key.reveal().map_err(|error| settings(&error.to_string()))?.as_str().as_bytes());
            let identity = Identity::from_pem(&pem)
                .map_err(|error| settings(&format!("`tls.certificate` and `tls.key` cannot be used: {error}")))?;
            builder = builder.identity(identity);
        }
        let http = builder.build().map_err(|error| settings(&told(&error)))?;
        let urls: Vec<String> = config.urls.iter().map(|url| url.trim_end_matches('/').to_owned()).collect();
        let client = Self { http, hosts: Hosts::new(urls.len()), urls, auth: config.auth.clone() };
        client.head()?;
        Ok(client)
    }

    /// What every request bears. Secrets are read anew, so that a rotated one is seen.
    fn head(&self) -> Result<HeaderMap, SinkError> {
        let mut head = HeaderMap::new();
        let Some(auth) = &self.auth else { return Ok(head) };
        let reveal = |secret: &crate::secret::Secret| secret.reveal().map_err(|error| settings(&error.to_string()));
        let said = match auth {
            Auth::Basic(basic) => {
                use base64::{Engine, engine::general_purpose::STANDARD};
                let both = format!("{}:{}", basic.username, reveal(&basic.password)?.as_str());
                format!("Basic {}", STANDARD.encode(both))
            }
            Auth::ApiKey(key) => format!("ApiKey {}", reveal(key)?.as_str()),
        };
        let mut value = HeaderValue::try_from(said).map_err(|_| settings("`auth` holds a character that no header may hold"))?;
        value.set_sensitive(true);
        head.insert(AUTHORIZATION, value);
        Ok(head)
    }

    /// Posts a bulk to the server in use.
    pub(super) async fn post(&self, bulk: &Bulk, to: &Addresses, gzip: bool) -> Reply {
        let out = |reason: String| Reply::Out { reason, after: None, overload: false };
        let (head, body) = match (self.head(), bulk.body(to, gzip)) {
            (Ok(head), Ok(body)) => (head, body),
            (Err(error), _) => return out(error.to_string()),
            (_, Err(error)) => return out(error.to_string()),
        };
        let host = self.hosts.pick(clock::monotonic());
        let url = format!("{}/_bulk?filter_path={FILTER}", self.urls[host]);
        let mut request = self.http.post(url).headers(head).header(CONTENT_TYPE, "application/x-ndjson").body(body);
        if gzip {
            request = request.header(CONTENT_ENCODING, "gzip");
        }
        let heard = match request.send().await {
            Ok(response) => read(response, ANSWER_BYTES + 2 * bulk.bytes).await,
            Err(error) => Err(told(&error)),
        };
        let (status, after, body) = match heard {
            Ok(heard) => heard,
            Err(reason) => {
                self.hosts.failed(host, clock::monotonic());
                return out(format!("{}: {reason}; see that `urls` are up and may be reached from here", self.urls[host]));
            }
        };
        match status {
            StatusCode::OK => match answer::read(&body, bulk.parcels.len()) {
                Ok(said) => {
                    self.hosts.worked(host);
                    Reply::Heard { said, after }
                }
                Err(reason) => {
                    self.hosts.failed(host, clock::monotonic());
                    out(format!("{}: {reason}; see whether a proxy answers in its place", self.urls[host]))
                }
            },
            StatusCode::PAYLOAD_TOO_LARGE => Reply::TooLarge,
            status => {
                if matches!(status.as_u16(), 502..=504) {
                    self.hosts.failed(host, clock::monotonic());
                }
                let said = answer::of_request(status.as_u16(), &body);
                Reply::Out { reason: format!("{}: {}", self.urls[host], said.advice()), after, overload: said.is_overload() }
            }
        }
    }

    /// Asks each server who it is.
    pub(super) fn look(&self) -> Result<(), SinkError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| SinkError::Remote { cause: error.to_string() })?;
        let head = self.head()?;
        runtime.block_on(async {
            for url in &self.urls {
                let asked = self.http.get(format!("{url}/")).headers(head.clone()).timeout(LOOK_MAX / 2).send().await;
                let heard = match asked {
                    Ok(response) => read(response, ANSWER_BYTES).await,
                    Err(error) => Err(told(&error)),
                };
                let (status, _, body) = heard.map_err(|reason| SinkError::Remote {
                    cause: format!("{url} cannot be reached: {reason}; see `urls` and `tls`"),
                })?;
                // Not every one may be asked who it is, and tells others' errors the same way.
                if !matches!(status.as_u16(), 200 | 403 | 405) {
                    let said = answer::of_request(status.as_u16(), &body);
                    return Err(SinkError::Remote { cause: format!("{url}: {}", said.advice()) });
                }
            }
            Ok(())
        })
    }
}

/// Status, how long to wait, and the body of a response.
async fn read(mut response: reqwest::Response, most: usize) -> Result<(StatusCode, Option<Duration>, Vec<u8>), String> {
    let status = response.status();
    let after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(|error| told(&error))? {
        if body.len() + part.len() > most {
            return Err("the answer is too long".to_owned());
        }
        body.extend_from_slice(&part);
    }
    Ok((status, after.map(Duration::from_secs), body))
}

/// An error with what caused it, and without the URL, which stands before it.
fn told(error: &reqwest::Error) -> String {
    let mut told = String::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
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

fn settings(cause: &str) -> SinkError {
    SinkError::Settings { cause: cause.to_owned() }
}
