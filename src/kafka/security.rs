//! Who the cluster is and who we are: TLS, SASL, and an AWS identity.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[cfg(feature = "aws")]
use crate::aws::Aws;
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

/// Who we are where that is no name and password.
#[cfg(feature = "aws")]
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Auth {
    /// An AWS identity, for Amazon MSK with IAM access control (port 9098): tokens are signed with the credentials that the
    /// environment, a profile, a web identity, a container or an instance gives, and renewed before they end. `{}` takes
    /// everything from there. Needs `tls`.
    MskIam(Aws),
}

/// Who we are.
#[derive(Debug, Clone)]
pub enum Login {
    /// By name and password.
    Password(Sasl),
    /// By an AWS identity.
    #[cfg(feature = "aws")]
    MskIam(Aws),
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

// === impl Auth ===

#[cfg(feature = "aws")]
impl Auth {
    /// What no type can see: the key, beside `brokers`, what is wrong with it, and what helps.
    #[must_use]
    pub fn problems(
        &self,
        tls: Option<&Tls>,
        sasl: Option<&Sasl>,
    ) -> Vec<(&'static str, &'static str, &'static str)> {
        let Self::MskIam(identity) = self;
        let rows = [
            (
                tls.is_none(),
                "auth.msk_iam",
                "a token is as good as a password, and would be sent as it is",
                "encrypt the connection: `tls: {}`",
            ),
            (sasl.is_some(), "sasl", "`auth` says who we are already", "leave out one of `sasl` and `auth`"),
            (
                !identity.problems().is_empty(),
                "auth.msk_iam.external_id",
                "it goes with a role",
                "set `auth.msk_iam.role`, or leave it out",
            ),
        ];
        rows.into_iter().filter(|(wrong, ..)| *wrong).map(|(_, key, text, help)| (key, text, help)).collect()
    }
}

// === impl Login ===

impl Login {
    /// The one of the two that is set.
    #[cfg(feature = "aws")]
    #[must_use]
    pub fn of(sasl: Option<&Sasl>, auth: Option<&Auth>) -> Option<Self> {
        let auth = auth.map(|Auth::MskIam(identity)| Self::MskIam(identity.clone()));
        auth.or_else(|| sasl.cloned().map(Self::Password))
    }
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
