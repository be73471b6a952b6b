//! How a cluster is reached: what a source and a sink tell librdkafka alike, and what it tells us.

use std::{
    error::Error,
    sync::{Arc, Mutex, PoisonError},
};

use rdkafka::{
    ClientConfig, ClientContext,
    client::OAuthToken,
    config::RDKafkaLogLevel,
    consumer::ConsumerContext,
    error::{KafkaError, RDKafkaErrorCode},
};

#[cfg(feature = "aws")]
use super::iam::Tokens;
use super::{Login, Options, Tls};
use crate::secret::SecretError;

/// What reaches a cluster.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Brokers to begin with, `host:port` each.
    pub brokers: Vec<String>,
    /// Encryption; none where absent.
    pub tls: Option<Tls>,
    /// Who we are; nobody where absent.
    pub login: Option<Login>,
    /// What goes to librdkafka as it is.
    pub options: Options,
}

/// What cannot even be tried.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// A secret could not be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// librdkafka refuses the options or files.
    #[error("could not use the settings for Kafka: {0}; see `tls`, `sasl`, `auth` and `options`")]
    Settings(#[from] KafkaError),
}

/// What librdkafka says of a connection beside the data, and asks for: its log goes to ours, its last error is kept, and it
/// gets the tokens that it logs in with.
#[derive(Debug, Clone, Default)]
pub struct Session {
    #[cfg(feature = "aws")]
    tokens: Option<Arc<Tokens>>,
    last: Arc<Mutex<Option<Said>>>,
}

#[derive(Debug, Clone)]
struct Said {
    code: Option<RDKafkaErrorCode>,
    text: String,
}

// === impl Connection ===

impl Connection {
    /// What librdkafka is to be made with; `role` names this end in the brokers' logs.
    ///
    /// # Errors
    /// When a secret's file cannot be read.
    pub fn client_config(&self, role: &str) -> Result<ClientConfig, ConnectionError> {
        let mut config = ClientConfig::new();
        config.set("client.id", format!("floodmark-{role}"));
        // Ours come after these, so that none of them can be undone.
        for (name, value) in self.options.iter() {
            config.set(name, value);
        }
        config.set("bootstrap.servers", self.brokers.join(","));
        config.set(
            "security.protocol",
            match (&self.tls, &self.login) {
                (None, None) => "plaintext",
                (Some(_), None) => "ssl",
                (None, Some(_)) => "sasl_plaintext",
                (Some(_), Some(_)) => "sasl_ssl",
            },
        );
        if let Some(tls) = &self.tls {
            let files = [
                ("ssl.ca.location", &tls.ca),
                ("ssl.certificate.location", &tls.certificate),
                ("ssl.key.location", &tls.key),
            ];
            for (name, file) in files {
                if let Some(file) = file {
                    config.set(name, file.to_string_lossy());
                }
            }
            if let Some(password) = &tls.key_password {
                config.set("ssl.key.password", password.reveal()?.as_str());
            }
        }
        match &self.login {
            None => {}
            Some(Login::Password(sasl)) => {
                config.set("sasl.mechanism", sasl.mechanism.name());
                config.set("sasl.username", &sasl.username);
                config.set("sasl.password", sasl.password.reveal()?.as_str());
            }
            // The token is asked for when it is needed: see `Session`.
            #[cfg(feature = "aws")]
            Some(Login::MskIam(_)) => {
                config.set("sasl.mechanism", "OAUTHBEARER");
            }
        }
        config.set_log_level(RDKafkaLogLevel::Info);
        Ok(config)
    }

    /// A session of one or more clients that are made with [`Connection::client_config`].
    #[must_use]
    pub fn session(&self) -> Session {
        Session {
            #[cfg(feature = "aws")]
            tokens: match &self.login {
                Some(Login::MskIam(identity)) => Some(Arc::new(Tokens::new(identity.clone()))),
                _ => None,
            },
            last: Arc::default(),
        }
    }
}

// === impl Session ===

impl Session {
    /// The last error of the connection as a whole, such as a broker that refuses us.
    #[must_use]
    pub fn last_error(&self) -> Option<String> {
        self.lock().as_ref().map(|said| said.text.clone())
    }

    /// Whether the brokers have refused who we say we are.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        let refusals = [
            RDKafkaErrorCode::Authentication,
            RDKafkaErrorCode::SaslAuthenticationFailed,
            RDKafkaErrorCode::SSL,
        ];
        self.lock().as_ref().and_then(|said| said.code).is_some_and(|code| refusals.contains(&code))
    }

    /// Whether what we log in with comes from elsewhere, and so may come back when it was refused or missing.
    #[must_use]
    pub fn has_tokens(&self) -> bool {
        #[cfg(feature = "aws")]
        return self.tokens.is_some();
        #[cfg(not(feature = "aws"))]
        false
    }

    /// Whether there is nothing to log in with yet: librdkafka asks for a token in a poll, and connects nowhere before.
    #[must_use]
    pub fn is_waiting_for_token(&self) -> bool {
        #[cfg(feature = "aws")]
        return self.tokens.as_ref().is_some_and(|tokens| !tokens.were_asked());
        #[cfg(not(feature = "aws"))]
        false
    }

    /// Forgets the last error: what was waited for has come.
    pub fn recovered(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Said>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Session {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        #[cfg(feature = "aws")]
        if let Some(tokens) = &self.tokens {
            return Ok(tokens.issue()?);
        }
        Err("no token was expected to be asked for".into())
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        // A connection that fails is tried again for as long as it takes; who needs it says so, once.
        if facility == "FAIL" {
            return tracing::debug!(facility, "librdkafka: {text}");
        }
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning => tracing::warn!(facility, "librdkafka: {text}"),
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => tracing::info!(facility, "librdkafka: {text}"),
            RDKafkaLogLevel::Debug => tracing::debug!(facility, "librdkafka: {text}"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code();
        tracing::debug!(%error, reason, "kafka");
        let mut last = self.lock();
        // That all brokers are down says less than why the last of them was.
        if code != Some(RDKafkaErrorCode::AllBrokersDown) || last.is_none() {
            *last = Some(Said { code, text: reason.to_owned() });
        }
    }
}

impl ConsumerContext for Session {}
