//! One signed request and its answer.

use std::time::Duration;

use reqwest::{
    Client, Method, Response, StatusCode,
    header::{HeaderMap, HeaderValue},
};
use tokio::{sync::OnceCell, time::timeout};

use super::{
    Config, S3Error,
    content::Content,
    listing::{escaped, text},
};
use crate::aws::{Body, Service, Signer};

/// Sends requests to one bucket.
pub(super) struct Requests {
    http: Client,
    config: Config,
    signer: Signer,
    /// Where the bucket is, without a `/` at its end, once the region is known.
    base: OnceCell<String>,
}

/// What is asked.
pub(super) struct Question<'a> {
    pub(super) method: Method,
    /// Key of the object; empty for the bucket itself.
    pub(super) key: &'a str,
    /// Names and values.
    pub(super) query: &'a [(&'a str, &'a str)],
    /// The file to be sent, with its SHA-256 in hex and in base 64.
    pub(super) content: Option<(Content, String, String)>,
    /// What must be allowed to whom we are.
    pub(super) action: &'static str,
    /// How long it may take until the answer begins.
    pub(super) most: Duration,
}

const CONNECT_MAX: Duration = Duration::from_secs(10);
/// How long an answer may have nothing new to read.
pub(super) const SILENCE_MAX: Duration = Duration::from_secs(30);
/// What is read of an answer that is not an object: a listing of 1,000 long keys has less.
const ANSWER_BYTES_MAX: usize = 4 << 20;

// === impl Requests ===

impl Requests {
    /// Nothing is connected yet. `key` is where the identity stands in the config.
    pub(super) fn new(config: Config, key: &'static str) -> Result<Self, S3Error> {
        let http = Client::builder()
            .user_agent(concat!("floodmark/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_MAX)
            // The signature would be for another place.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| S3Error::Identity(error.to_string()))?;
        let signer = Signer::new(config.aws.clone(), key, Service::S3);
        Ok(Self { http, config, signer, base: OnceCell::new() })
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// Asks once; the answer has a status of success, and its body is to be read.
    pub(super) async fn ask(&self, question: Question<'_>) -> Result<Response, S3Error> {
        let Question { method, key, query, content, action, most } = question;
        let base = self.base.get_or_try_init(|| self.find()).await?;
        let pairs = query.iter().map(|(name, value)| format!("{name}={}", escaped(value, "")));
        let query = pairs.collect::<Vec<_>>().join("&");
        let mark = if query.is_empty() { "" } else { "?" };
        let url = format!("{base}/{}{mark}{query}", escaped(key, "/"));
        let mut head = HeaderMap::new();
        let mut body = Body::Bytes(&[]);
        if let Some((_, hex, base64)) = &content {
            body = Body::Sha256(hex);
            let sum = HeaderValue::try_from(base64).map_err(|_| S3Error::Answer("a checksum"))?;
            head.insert("x-amz-checksum-sha256", sum);
        }
        self.signer.sign(&method, &url, &mut head, body).await.map_err(S3Error::Identity)?;
        let mut request = self.http.request(method, &url).headers(head);
        if let Some((content, ..)) = content {
            request = request.body(reqwest::Body::wrap(content));
        }
        let unreachable = |cause: String| S3Error::Unreachable { url: base.clone(), cause };
        let answer = match timeout(most, request.send()).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(unreachable(told(&error))),
            Err(_) => return Err(unreachable(format!("nothing came within {} s", most.as_secs()))),
        };
        if answer.status().is_success() {
            return Ok(answer);
        }
        Err(self.refused(answer, key, action).await)
    }

    /// The whole body of an answer, as text.
    pub(super) async fn text(&self, mut answer: Response) -> Result<String, S3Error> {
        let mut body = Vec::new();
        while let Some(piece) = self.piece(&mut answer).await? {
            if body.len() + piece.len() > ANSWER_BYTES_MAX {
                return Err(S3Error::Answer("it is longer than any"));
            }
            body.extend_from_slice(&piece);
        }
        String::from_utf8(body).map_err(|_| S3Error::Answer("it is no text"))
    }

    /// The next bytes of an answer; nothing at its end.
    pub(super) async fn piece(&self, answer: &mut Response) -> Result<Option<bytes::Bytes>, S3Error> {
        let unreachable = |cause: String| {
            let url = self.base.get().cloned().unwrap_or_default();
            S3Error::Unreachable { url, cause }
        };
        match timeout(SILENCE_MAX, answer.chunk()).await {
            Ok(piece) => piece.map_err(|error| unreachable(told(&error))),
            Err(_) => Err(unreachable("it stopped in the middle of an answer".to_owned())),
        }
    }

    /// Where the bucket is. With an endpoint its name is in the path; at AWS it is in the host's, but for those with a dot,
    /// which no certificate fits.
    async fn find(&self) -> Result<String, S3Error> {
        let bucket = &self.config.bucket;
        if let Some(endpoint) = &self.config.endpoint {
            return Ok(format!("{}/{bucket}", endpoint.trim_end_matches('/')));
        }
        let region = self.signer.region().await.map_err(S3Error::Identity)?;
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        Ok(match bucket.contains('.') {
            true => format!("https://s3.{region}.{domain}/{bucket}"),
            false => format!("https://{bucket}.s3.{region}.{domain}"),
        })
    }

    async fn refused(&self, answer: Response, key: &str, action: &'static str) -> S3Error {
        let status = answer.status();
        let region = answer.headers().get("x-amz-bucket-region");
        let region = region.and_then(|region| Some(region.to_str().ok()?.to_owned()));
        let said = self.text(answer).await.unwrap_or_default();
        let code = text(&said, "Code").unwrap_or_default();
        let elsewhere = status.is_redirection() || code == "AuthorizationHeaderMalformed";
        if let Some(region) = region.or_else(|| text(&said, "Region")).filter(|_| elsewhere) {
            return S3Error::Region(region);
        }
        let bucket = &self.config.bucket;
        match (status, &*code) {
            (StatusCode::NOT_FOUND, "NoSuchBucket") => S3Error::Missing(format!("bucket {bucket}")),
            (StatusCode::NOT_FOUND, _) => S3Error::Missing(format!("s3://{bucket}/{key}")),
            _ => {
                let text = text(&said, "Message").map_or_else(String::new, |text| format!(": {text}"));
                S3Error::Refused { status: status.as_u16(), code, text, action }
            }
        }
    }
}

/// An error with what caused it, and without the URL.
fn told(error: &reqwest::Error) -> String {
    let mut cause = std::error::Error::source(error);
    let mut told = cause.map_or_else(|| error.to_string(), |_| String::new());
    while let Some(error) = cause {
        let text = error.to_string();
        if !told.contains(&text) {
            told = if told.is_empty() { text } else { format!("{told}: {text}") };
        }
        cause = error.source();
    }
    told
}
