//! Requests signed for Amazon OpenSearch Service: Signature Version 4, with credentials from wherever AWS's own tools take
//! them: the environment, a profile, a web identity, a container or an instance.

use std::time::{Duration, SystemTime};

use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider},
};
use aws_sigv4::{
    http_request::{PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use reqwest::{
    Method,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use tokio::sync::{Mutex, OnceCell};

use crate::{
    aws::{Aws, AwsError},
    telemetry::clock,
};

/// Signs requests for one AWS identity.
pub(super) struct Signer {
    config: Aws,
    place: OnceCell<Place>,
    /// The credentials of the moment: asking for them may be a request of its own.
    known: Mutex<Option<Credentials>>,
}

struct Place {
    region: String,
    provider: SharedCredentialsProvider,
}

/// Where the identity stands in the config.
const KEY: &str = "auth.aws";
/// The name of the service that requests are signed for.
const SERVICE: &str = "es";
/// Credentials are asked for again so long before they end.
const BEFORE_END: Duration = Duration::from_secs(300);

// === impl Signer ===

impl Signer {
    pub(super) fn new(config: Aws) -> Self {
        Self { config, place: OnceCell::new(), known: Mutex::new(None) }
    }

    /// Adds to `head` what signs this request.
    ///
    /// # Errors
    /// When there are no credentials, or no region.
    pub(super) async fn sign(
        &self,
        method: &Method,
        url: &str,
        head: &mut HeaderMap,
        body: &[u8],
    ) -> Result<(), String> {
        let place = self.place.get_or_try_init(|| self.load()).await?;
        let identity = self.credentials(&place.provider).await?.into();
        let failed = |error: String| format!("could not sign the request: {error}");
        let mut settings = SigningSettings::default();
        // OpenSearch Service asks for it on requests with a body.
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let signing = v4::SigningParams::builder()
            .identity(&identity)
            .region(&place.region)
            .name(SERVICE)
            .time(SystemTime::UNIX_EPOCH + Duration::from_millis(clock::wall_millis()))
            .settings(settings)
            .build()
            .map_err(|error| failed(error.to_string()))?
            .into();
        let request =
            SignableRequest::new(method.as_str(), url, std::iter::empty(), SignableBody::Bytes(body));
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
        let loaded = self.config.load(KEY).await.map_err(|error| error.to_string())?;
        let region = loaded.region().map(ToString::to_string).unwrap_or_default();
        let provider = loaded.credentials_provider().ok_or_else(|| AwsError::NoCredentials(KEY.to_owned()));
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
            format!("could not get AWS credentials: {error}{cause}; see `{KEY}`")
        })?;
        // Those without an end are cheap to ask for, and may change in a file.
        *known = Some(fresh.clone()).filter(|fresh| fresh.expiry().is_some());
        Ok(fresh)
    }
}
