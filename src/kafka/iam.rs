//! Tokens for Amazon MSK with IAM access control: a login there is an AWS identity.
//!
//! A token is the address of a request for the action `kafka-cluster:Connect`, signed in its query (Signature Version 4)
//! and never sent: the broker takes it for a bearer token (SASL/OAUTHBEARER, RFC 7628) and has AWS say whose signature it
//! is. It ends after 15 minutes at most, so librdkafka asks for another when four fifths of its time are over, also while
//! nothing is read or written, and logs in anew with it on the connections there are (KIP-368).
//!
//! The form is that of AWS's own signers (`aws-msk-iam-sasl-signer`, of Python, Go and JavaScript); the documentation of MSK
//! says what policies a login needs, and nothing of the token.

use std::{
    error::Error,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, SystemTime},
};

use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, error::CredentialsError},
};
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign},
    sign::v4,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rdkafka::client::OAuthToken;

use crate::{
    aws::{Aws, AwsError},
    telemetry::clock,
};

/// Issues tokens for one AWS identity.
#[derive(Debug)]
pub(super) struct Tokens {
    identity: Aws,
    /// Whether one was asked for, whatever came of it.
    asked: AtomicBool,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub(super) enum TokenError {
    #[error(transparent)]
    Nobody(#[from] AwsError),
    #[error(
        "could not get AWS credentials: {0}; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile in `{KEY}.profile`, or \
         run where a role is given"
    )]
    Credentials(String),
    #[error("could not sign a token: {0}; see `{KEY}`")]
    Signing(String),
    #[error("could not get AWS credentials within {} s; see `{KEY}`", ISSUE_MAX.as_secs())]
    Slow,
    #[error("could not start what asks for AWS credentials: {0}")]
    Thread(String),
}

/// A token and its end.
#[derive(Debug, PartialEq, Eq)]
struct Token {
    text: String,
    /// Milliseconds since 1970.
    ends_ms: u64,
}

/// The key of the config.
const KEY: &str = "auth.msk_iam";
/// The name of the service that tokens are signed for.
const SERVICE: &str = "kafka-cluster";
/// How long a token lasts: as long as AWS takes one.
const LIFE: Duration = Duration::from_secs(900);
/// How long the credentials may take. Whoever waits is a member of a group meanwhile that does not poll.
const ISSUE_MAX: Duration = Duration::from_secs(20);
/// What librdkafka calls us in its logs; the brokers go by the token alone.
const PRINCIPAL: &str = "floodmark";

// === impl Tokens ===

impl Tokens {
    pub(super) fn new(identity: Aws) -> Self {
        Self { identity, asked: AtomicBool::new(false) }
    }

    /// Whether a token was asked for, whatever came of it.
    pub(super) fn were_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// A new token, with the credentials of the moment. Blocks while they are asked for.
    ///
    /// Everything is looked up anew, four times an hour: what a profile or a web identity's file says may have changed,
    /// and no connection has to outlive the thread that made it.
    ///
    /// # Errors
    /// When there is no region, or no credentials within 20 s.
    pub(super) fn issue(&self) -> Result<OAuthToken, TokenError> {
        let identity = self.identity.clone();
        // On a thread of its own, because the caller's may belong to a runtime already.
        let issuing = std::thread::Builder::new().name("msk-token".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| TokenError::Thread(error.to_string()))?;
            let issued = runtime.block_on(async { tokio::time::timeout(ISSUE_MAX, issue(&identity)).await });
            // A credential process that hangs is not waited for.
            runtime.shutdown_background();
            issued.unwrap_or(Err(TokenError::Slow))
        });
        let issued = issuing.map_err(|error| TokenError::Thread(error.to_string()))?.join();
        let issued = issued.unwrap_or_else(|_| Err(TokenError::Thread("it ended".to_owned())));
        self.asked.store(true, Ordering::Relaxed);
        let token = issued?;
        tracing::debug!(ends_ms = token.ends_ms, "issued a token for MSK");
        Ok(OAuthToken {
            token: token.text,
            principal_name: PRINCIPAL.to_owned(),
            lifetime_ms: i64::try_from(token.ends_ms).unwrap_or(i64::MAX),
        })
    }
}

async fn issue(identity: &Aws) -> Result<Token, TokenError> {
    let place = identity.load(KEY).await?;
    let region = place.region().ok_or_else(|| AwsError::NoRegion(KEY.to_owned()))?;
    let provider = place.credentials_provider().ok_or_else(|| AwsError::NoCredentials(KEY.to_owned()))?;
    let credentials = provider.provide_credentials().await.map_err(|error| match error {
        // It would list, on many lines, where none were found.
        CredentialsError::CredentialsNotLoaded(_) => TokenError::Credentials("there are none".to_owned()),
        error => {
            let cause = error.source().map_or_else(String::new, |cause| format!(": {cause}"));
            TokenError::Credentials(format!("{error}{cause}"))
        }
    })?;
    token(&credentials, region.as_ref(), clock::wall_millis())
}

/// The token of `credentials` for the clusters of a region, at a time in milliseconds since 1970. It ends with them, where
/// they end first.
fn token(credentials: &Credentials, region: &str, now_ms: u64) -> Result<Token, TokenError> {
    let failed = |error: String| TokenError::Signing(error);
    // What is signed has whole seconds.
    let now = Duration::from_secs(now_ms / 1000);
    let time = SystemTime::UNIX_EPOCH + now;
    let left = credentials.expiry().map_or(LIFE, |end| end.duration_since(time).unwrap_or_default());
    let life = Duration::from_secs(left.min(LIFE).as_secs());
    if life.is_zero() {
        return Err(TokenError::Credentials("they have expired".to_owned()));
    }
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(life);
    let identity = credentials.clone().into();
    let signing = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(SERVICE)
        .time(time)
        .settings(settings)
        .build()
        .map_err(|error| failed(error.to_string()))?
        .into();
    let mut url = format!("https://kafka.{region}.amazonaws.com/?Action=kafka-cluster%3AConnect");
    let request = SignableRequest::new("GET", &url, std::iter::empty(), SignableBody::Bytes(&[]));
    let request = request.map_err(|error| failed(error.to_string()))?;
    let (instructions, _) = sign(request, &signing).map_err(|error| failed(error.to_string()))?.into_parts();
    for (name, value) in instructions.params() {
        url.push_str(&format!("&{name}={}", encoded(value)));
    }
    // Not part of what is signed: it tells AWS whose signer it was.
    url.push_str(concat!("&User-Agent=floodmark%2F", env!("CARGO_PKG_VERSION")));
    Ok(Token { text: URL_SAFE_NO_PAD.encode(url), ends_ms: (now + life).as_millis() as u64 })
}

/// A query's value as Signature Version 4 writes it: letters, digits and `-._~` as they are, the other bytes as `%XX`.
fn encoded(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// 2023-11-14 22:13:20 UTC.
    const NOW_MS: u64 = 1_700_000_000_987;

    /// The query of a token, decoded no further, in order of name.
    fn query(token: &Token) -> (String, BTreeMap<String, String>) {
        let url = String::from_utf8(URL_SAFE_NO_PAD.decode(&token.text).unwrap()).unwrap();
        let (place, query) = url.split_once('?').unwrap();
        let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap());
        (place.to_owned(), pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// A token as `query` has it, from what `botocore` made of the same.
    fn known(rows: &[(&str, &str)]) -> BTreeMap<String, String> {
        let ours = ("User-Agent", concat!("floodmark%2F", env!("CARGO_PKG_VERSION")));
        let rows = rows.iter().copied().chain([ours]);
        rows.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// The expected query is that of `botocore.auth.SigV4QueryAuth` 1.43.11, AWS's signer in Python, with the clock at
    /// `NOW_MS`: `SigV4QueryAuth(Credentials("AKIDEXAMPLE", "test-only"), "kafka-cluster", "eu-central-1", expires=900)
    /// .add_auth(AWSRequest("GET", "https://kafka.eu-central-1.amazonaws.com/?Action=kafka-cluster%3AConnect"))`.
    #[test]
    fn a_token_is_the_address_that_awss_own_signer_makes() {
        let credentials = Credentials::new("AKIDEXAMPLE", "test-only", None, None, "test");
        let token = token(&credentials, "eu-central-1", NOW_MS).unwrap();
        let (place, query) = query(&token);
        assert_eq!(place, "https://kafka.eu-central-1.amazonaws.com/");
        let rows = [
            ("Action", "kafka-cluster%3AConnect"),
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            ("X-Amz-Credential", "AKIDEXAMPLE%2F20231114%2Feu-central-1%2Fkafka-cluster%2Faws4_request"),
            ("X-Amz-Date", "20231114T221320Z"),
            ("X-Amz-Expires", "900"),
            ("X-Amz-SignedHeaders", "host"),
            ("X-Amz-Signature", "6ab2429ec1fc3faa285c62889647c83f021a10d9340de7f69794fb6ba3f17e65"),
        ];
        assert_eq!(query, known(&rows));
        assert_eq!(token.ends_ms, 1_700_000_900_000);
    }

    /// As the other, with `Credentials("ASIAEXAMPLE", "test-only", "a token/with+signs=")`, `us-east-2` and `expires=60`.
    #[test]
    fn a_token_of_credentials_that_end_ends_with_them_and_names_their_session() {
        let end = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_060);
        let session = "a token/with+signs=".to_owned();
        let credentials = Credentials::new("ASIAEXAMPLE", "test-only", Some(session), Some(end), "test");
        let issued = token(&credentials, "us-east-2", NOW_MS).unwrap();
        let rows = [
            ("Action", "kafka-cluster%3AConnect"),
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            ("X-Amz-Credential", "ASIAEXAMPLE%2F20231114%2Fus-east-2%2Fkafka-cluster%2Faws4_request"),
            ("X-Amz-Date", "20231114T221320Z"),
            ("X-Amz-Expires", "60"),
            ("X-Amz-Security-Token", "a%20token%2Fwith%2Bsigns%3D"),
            ("X-Amz-SignedHeaders", "host"),
            ("X-Amz-Signature", "f42a323b70252373f441998c944110487e422dbe9406380762684d879f7be65b"),
        ];
        assert_eq!(query(&issued).1, known(&rows));
        assert_eq!(issued.ends_ms, 1_700_000_060_000);

        let late = token(&credentials, "us-east-2", 1_700_000_060_000).unwrap_err().to_string();
        assert!(late.contains("they have expired; set AWS_ACCESS_KEY_ID"), "{late}");
    }
}
