//! Who we are, on every request: a name and a password, an API key, or an AWS identity.

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{
    Method,
    header::{AUTHORIZATION, HeaderMap, HeaderValue},
};

use super::config::Auth;
#[cfg(feature = "aws")]
use crate::aws::{Body, Service, Signer};
use crate::{secret::Secret, sink::SinkError};

/// Proves who we are.
pub(super) enum Credentials {
    /// Nobody in particular.
    Nobody,
    /// By a header, which is the same for every request.
    Header(Auth),
    /// By signing each request.
    #[cfg(feature = "aws")]
    Signer(Box<Signer>),
}

// === impl Credentials ===

impl Credentials {
    /// Credentials as the config has them; that a secret can be read is looked at once.
    ///
    /// # Errors
    /// When a secret cannot be read, or holds what no header may.
    pub(super) fn new(auth: Option<Auth>) -> Result<Self, SinkError> {
        let auth = match auth {
            None => return Ok(Self::Nobody),
            #[cfg(feature = "aws")]
            Some(Auth::Aws(aws)) => {
                return Ok(Self::Signer(Box::new(Signer::new(aws, "auth.aws", Service::OpenSearch))));
            }
            Some(auth) => auth,
        };
        header(&auth).map_err(|cause| SinkError::Settings { cause })?;
        Ok(Self::Header(auth))
    }

    /// Adds to `head` what proves it of this request. Secrets are read anew, so that a rotated one is seen.
    ///
    /// # Errors
    /// When a secret cannot be read, or there are no credentials to sign with.
    #[cfg_attr(
        not(feature = "aws"),
        expect(unused_variables, reason = "only a signature is about the request")
    )]
    pub(super) async fn sign(
        &self,
        method: &Method,
        url: &str,
        head: &mut HeaderMap,
        body: &[u8],
    ) -> Result<(), String> {
        match self {
            Self::Nobody => Ok(()),
            Self::Header(auth) => {
                head.insert(AUTHORIZATION, header(auth)?);
                Ok(())
            }
            #[cfg(feature = "aws")]
            Self::Signer(signer) => signer.sign(method, url, head, Body::Bytes(body)).await,
        }
    }
}

fn header(auth: &Auth) -> Result<HeaderValue, String> {
    let reveal = |secret: &Secret| secret.reveal().map_err(|error| format!("`auth`: {error}"));
    let said = match auth {
        Auth::Basic(basic) => {
            let both = format!("{}:{}", basic.username, reveal(&basic.password)?.as_str());
            format!("Basic {}", STANDARD.encode(both))
        }
        Auth::ApiKey(key) => format!("ApiKey {}", reveal(key)?.as_str()),
        #[cfg(feature = "aws")]
        Auth::Aws(_) => return Err("`auth.aws` signs each request".to_owned()),
    };
    let value = HeaderValue::try_from(said);
    let mut value = value.map_err(|_| "`auth` holds a character that no header may hold".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}
