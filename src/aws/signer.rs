//! Requests over HTTP signed for a service of AWS: Signature Version 4, with credentials from wherever AWS's own tools take
//! them: the environment, a profile, a web identity, a container or an instance.

use std::time::{Duration, SystemTime};

use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider},
};
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
        UriPathNormalizationMode, sign,
    },
    sign::v4,
};
use reqwest::{
    Method,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use tokio::sync::{Mutex, OnceCell};

use super::{Aws, AwsError};
use crate::telemetry::clock;

/// Signs requests for one AWS identity.
pub struct Signer {
    config: Aws,
    /// Where the identity stands in the config.
    key: &'static str,
    service: Service,
    place: OnceCell<Place>,
    /// The credentials of the moment: asking for them may be a request of its own.
    known: Mutex<Option<Credentials>>,
}

struct Place {
    region: String,
    provider: SharedCredentialsProvider,
}

/// The service that requests are signed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Amazon OpenSearch Service.
    OpenSearch,
    /// Amazon S3, which takes the path as it is written.
    S3,
}

/// What a request holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body<'a> {
    /// The whole of it.
    Bytes(&'a [u8]),
    /// So much that it is not in memory: its SHA-256 in hex.
    Sha256(&'a str),
}

/// Credentials are asked for again so long before they end.
const BEFORE_END: Duration = Duration::from_secs(300);

// === impl Signer ===

impl Signer {
    /// Signs as who `config` says, which stands at `key` of the config.
    #[must_use]
    pub fn new(config: Aws, key: &'static str, service: Service) -> Self {
        Self { config, key, service, place: OnceCell::new(), known: Mutex::new(None) }
    }

    /// The region that requests are signed for.
    ///
    /// # Errors
    /// When none is known.
    pub async fn region(&self) -> Result<&str, String> {
        Ok(&self.place.get_or_try_init(|| self.load()).await?.region)
    }

    /// Adds to `head` what signs this request, with all of `head` that begins with `x-amz-`.
    ///
    /// # Errors
    /// When there are no credentials, or no region.
    pub async fn sign(
        &self,
        method: &Method,
        url: &str,
        head: &mut HeaderMap,
        body: Body<'_>,
    ) -> Result<(), String> {
        let place = self.place.get_or_try_init(|| self.load()).await?;
        let identity = self.credentials(&place.provider).await?.into();
        let failed = |error: String| format!("could not sign the request: {error}");
        let mut settings = SigningSettings::default();
        // OpenSearch Service asks for it on requests with a body, S3 on all.
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        if self.service == Service::S3 {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        }
        let signing = v4::SigningParams::builder()
            .identity(&identity)
            .region(&place.region)
            .name(self.service.name())
            .time(SystemTime::UNIX_EPOCH + Duration::from_millis(clock::wall_millis()))
            .settings(settings)
            .build()
            .map_err(|error| failed(error.to_string()))?
            .into();
        let signed = head.iter().filter(|(name, _)| name.as_str().starts_with("x-amz-"));
        let signed: Vec<(&str, &str)> =
            signed.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
        let body = match body {
            Body::Bytes(bytes) => SignableBody::Bytes(bytes),
            Body::Sha256(hex) => SignableBody::Precomputed(hex.to_owned()),
        };
        let request = SignableRequest::new(method.as_str(), url, signed.into_iter(), body);
        let request = request.map_err(|error| failed(error.to_string()))?;
        let (instructions, _) =
            sign(request, &signing).map_err(|error| failed(error.to_string()))?.into_parts();
        for (name, value) in instructions.headers() {
            let name = HeaderName::try_from(name).map_err(|error| failed(error.to_string()))?;
            let mut value = HeaderValue::try_from(value).map_err(|error| failed(error.to_string()))?;
            value.set_sensitive(true);
            head.insert(name, value);
        }
        Ok(())
    }

    async fn load(&self) -> Result<Place, String> {
        let loaded = self.config.load(self.key).await.map_err(|error| error.to_string())?;
        let region = loaded.region().map(ToString::to_string).unwrap_or_default();
        let provider =
            loaded.credentials_provider().ok_or_else(|| AwsError::NoCredentials(self.key.to_owned()));
        Ok(Place { region, provider: provider.map_err(|error| error.to_string())? })
    }

    async fn credentials(&self, provider: &SharedCredentialsProvider) -> Result<Credentials, String> {
        let mut known = self.known.lock().await;
        let soon = SystemTime::UNIX_EPOCH + Duration::from_millis(clock::wall_millis()) + BEFORE_END;
        if let Some(known) = known.as_ref().filter(|known| known.expiry().is_none_or(|end| end > soon)) {
            return Ok(known.clone());
        }
        let provided = provider.provide_credentials().await;
        let fresh = provided.map_err(|error| {
            let cause =
                std::error::Error::source(&error).map_or_else(String::new, |cause| format!(": {cause}"));
            format!("could not get AWS credentials: {error}{cause}; see `{}`", self.key)
        })?;
        // Those without an end are cheap to ask for, and may change in a file.
        *known = Some(fresh.clone()).filter(|fresh| fresh.expiry().is_some());
        Ok(fresh)
    }
}

// === impl Service ===

impl Service {
    /// Its name in a signature.
    fn name(self) -> &'static str {
        match self {
            Self::OpenSearch => "es",
            Self::S3 => "s3",
        }
    }
}
