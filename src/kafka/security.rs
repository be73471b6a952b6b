//! Who the cluster is and who we are: TLS and SASL.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::secret::Secret;

/// An encrypted connection. `tls: {}` trusts the authorities that the system trusts.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// PEM file of the authorities that may have signed the brokers' certificates. Default: the system's.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// PEM file of our certificate, where the brokers ask for one; needs `key`.
    #[serde(default)]
    pub certificate: Option<PathBuf>,
    /// PEM file of the certificate's key.
    #[serde(default)]
    pub key: Option<PathBuf>,
    /// What the key is encrypted with, where it is.
    #[serde(default)]
    pub key_password: Option<Secret>,
}

/// A name and a password.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sasl {
    /// How the password is proved.
    pub mechanism: Mechanism,
    /// The name.
    pub username: String,
    /// The password.
    pub password: Secret,
}

/// How a password is proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mechanism {
    /// SASL/PLAIN: the password itself is sent, so use it with `tls`.
    Plain,
    /// SASL/SCRAM-SHA-256.
    #[serde(rename = "scram_sha_256")]
    ScramSha256,
    /// SASL/SCRAM-SHA-512; what Amazon MSK asks for with user names and passwords.
    #[serde(rename = "scram_sha_512")]
    ScramSha512,
}

// === impl Mechanism ===

impl Mechanism {
    /// Its registered name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}
