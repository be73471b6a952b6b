//! AWS's JSON protocol over plain HTTP, with credentials that nobody checks: what the tests put and look at themselves is
//! not told by the client that is under test.

use serde_json::Value;
use tokio::runtime::Runtime;

/// One service behind a URL.
pub struct Api {
    url: String,
    /// What stands before an operation's name.
    target: &'static str,
    kind: &'static str,
    http: reqwest::Client,
    runtime: Runtime,
}

/// An answer that is an error: its status, and its name, such as `LimitExceededException`.
pub struct Refusal(u16, String);

/// Of a signature, what a stand-in looks for.
const SIGNATURE: &str = "AWS4-HMAC-SHA256 Credential=test/20260302/eu-central-1/x/aws4_request, \
                         SignedHeaders=host, Signature=00";

// === impl Api ===

impl Api {
    pub fn kinesis(url: &str) -> Self {
        Self::new(url, "Kinesis_20131202", "application/x-amz-json-1.1")
    }

    pub fn dynamodb(url: &str) -> Self {
        Self::new(url, "DynamoDB_20120810", "application/x-amz-json-1.0")
    }

    fn new(url: &str, target: &'static str, kind: &'static str) -> Self {
        // A connection that is kept would be to a server that was killed meanwhile.
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { url: url.to_owned(), target, kind, http, runtime }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Asks, and gives the answer.
    pub fn ask(&self, operation: &str, body: &Value) -> Result<Value, Refusal> {
        let request = self
            .http
            .post(&self.url)
            .header("content-type", self.kind)
            .header("x-amz-target", format!("{}.{operation}", self.target))
            .header("x-amz-date", "20260302T000000Z")
            .header("authorization", SIGNATURE)
            .body(body.to_string());
        let (status, answer) = self.runtime.block_on(async {
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or(Value::Null))
        });
        if status == 200 {
            return Ok(answer);
        }
        let name = answer["__type"].as_str().unwrap_or_default();
        Err(Refusal(status, name.rsplit('#').next().unwrap().to_owned()))
    }

    /// As [`Api::ask`], and fails where that does not go.
    #[track_caller]
    pub fn must(&self, operation: &str, body: &Value) -> Value {
        self.ask(operation, body)
            .unwrap_or_else(|Refusal(status, name)| panic!("{operation} {body}: {status} {name}"))
    }
}
