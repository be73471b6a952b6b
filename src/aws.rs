//! AWS as every room sees it that talks to it: who we are there, and where.

mod signer;

pub use signer::{Body, Service, Signer};

use aws_config::{BehaviorVersion, Region, SdkConfig, sts::AssumeRoleProvider};
use aws_credential_types::provider::SharedCredentialsProvider;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An AWS identity, and the region in which it is used. What is left out is taken from where AWS's own tools take it: the
/// environment, a profile, a web identity, a container or an instance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Aws {
    /// The region, such as `eu-central-1`. Default: that of the environment, the profile or the instance.
    #[serde(default)]
    pub region: Option<String>,
    /// The profile of AWS's config files to take. Default: the one that the environment names, or `default`.
    #[serde(default)]
    pub profile: Option<String>,
    /// The ARN of a role to assume with these credentials. Default: none.
    #[serde(default)]
    pub role: Option<String>,
    /// The external id that the owner of the role asks for; needs `role`. Default: none.
    #[serde(default)]
    pub external_id: Option<String>,
}

/// Why there is nobody we could be, or nowhere. Each names the config's key.
#[derive(Debug, thiserror::Error)]
pub enum AwsError {
    /// No region.
    #[error("no AWS region is known: set `{0}.region`, or AWS_REGION")]
    NoRegion(String),
    /// No credentials.
    #[error("no AWS credentials are known; see `{0}`")]
    NoCredentials(String),
}

/// Name under which a role is assumed, as CloudTrail shows it.
const SESSION: &str = "floodmark";

// === impl Aws ===

impl Aws {
    /// What clients of AWS are made from. `key` is the config's, for errors.
    ///
    /// Credentials themselves are asked for when they are first needed.
    ///
    /// # Errors
    /// When there is no region, or nowhere to ask for credentials.
    pub async fn load(&self, key: &str) -> Result<SdkConfig, AwsError> {
        let mut loader = aws_config::defaults(BehaviorVersion::latest());
        if let Some(region) = &self.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(profile) = &self.profile {
            loader = loader.profile_name(profile);
        }
        let loaded = loader.load().await;
        if loaded.region().is_none() {
            return Err(AwsError::NoRegion(key.to_owned()));
        }
        if loaded.credentials_provider().is_none() {
            return Err(AwsError::NoCredentials(key.to_owned()));
        }
        let Some(role) = &self.role else { return Ok(loaded) };
        let mut assumed = AssumeRoleProvider::builder(role).session_name(SESSION);
        if let Some(id) = &self.external_id {
            assumed = assumed.external_id(id);
        }
        let provider = SharedCredentialsProvider::new(assumed.configure(&loaded).build().await);
        Ok(loaded.into_builder().credentials_provider(provider).build())
    }

    /// What no type can see: the key, and what is wrong with it.
    #[must_use]
    pub fn problems(&self) -> Vec<(&'static str, &'static str)> {
        let stray = self.external_id.is_some() && self.role.is_none();
        stray
            .then_some(("external_id", "goes with a role: set `role`, or leave it out"))
            .into_iter()
            .collect()
    }
}
