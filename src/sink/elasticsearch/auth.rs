//! Who we are, on every request: a name and a password, or an API key.

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{
    Method,
    header::{AUTHORIZATION, HeaderMap, HeaderValue},
};

use super::config::Auth;
use crate::{secret::Secret, sink::SinkError};

/// Proves who we are.
pub(super) struct Credentials {
    auth: Option<Auth>,
}

// === impl Credentials ===

impl Credentials {
    /// Credentials as the config has them; that they can be read is looked at once.
    ///
    /// # Errors
    /// When a secret cannot be read, or holds what no header may.
    pub(super) fn new(auth: Option<Auth>) -> Result<Self, SinkError> {
        let credentials = Self { auth };
        credentials.header().map_err(|cause| SinkError::Settings { cause })?;
        Ok(credentials)
    }

    /// Adds to `head` what proves it of this request. Secrets are read anew, so that a rotated one is seen.
    ///
    /// # Errors
    /// When a secret cannot be read.
    pub(super) async fn sign(
        &self,
        _method: &Method,
        _url: &str,
        head: &mut HeaderMap,
        _body: &[u8],
    ) -> Result<(), String> {
        if let Some(value) = self.header()? {
            head.insert(AUTHORIZATION, value);
        }
        Ok(())
    }

    fn header(&self) -> Result<Option<HeaderValue>, String> {
        let reveal = |secret: &Secret| secret.reveal().map_err(|error| format!("`auth`: {error}"));
        let said = match &self.auth {
            None => return Ok(None),
            Some(Auth::Basic(basic)) => {
                let both = format!("{}:{}", basic.username, reveal(&basic.password)?.as_str());
                format!("Basic {}", STANDARD.encode(both))
            }
            Some(Auth::ApiKey(key)) => format!("ApiKey {}", reveal(key)?.as_str()),
        };
        let value = HeaderValue::try_from(said);
        let mut value = value.map_err(|_| "`auth` holds a character that no header may hold".to_owned())?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}
