//! What survives a restart, and what outlives the machine.

use std::{fmt, num::NonZeroU32, path::PathBuf, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Config, Problems, Tree};
use crate::quantity::Duration;
#[cfg(feature = "aws")]
use crate::s3;

/// What survives a restart.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StateConfig {
    /// The folder that holds it; made if it does not exist. One process at a time may use it.
    pub directory: PathBuf,
    /// How often a snapshot of the baselines is taken. What was learned since the last one is learned again after a
    /// crash, from sources that can be read again. Default: `60s`.
    #[serde(default = "default_every")]
    pub every: Duration,
    /// Baselines as files that another machine can begin with. Default: none are written.
    #[serde(default)]
    pub snapshots: Option<SnapshotsConfig>,
    /// The baseline that an empty state begins with: the path of a file, `s3://BUCKET/KEY`, or `latest` for the newest of
    /// `snapshots`. A state that has learned or delivered anything stays as it is. `run --baseline` goes before it.
    /// Default: none; an empty state begins to learn.
    #[serde(default)]
    pub baseline: Option<String>,
}

/// Baselines as files.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SnapshotsConfig {
    /// Where they go: one kind.
    pub to: SnapshotsTo,
    /// How often one is written, at least `1s`; one more is written at a clean stop. Default: `1h`.
    #[serde(default = "default_snapshots_every")]
    pub every: Duration,
    /// How many are kept; older ones are deleted. Default: 24.
    #[serde(default = "default_keep")]
    pub keep: NonZeroU32,
}

/// Where baselines go. Each process needs a place of its own: what is there and has such a name is taken for an older one.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SnapshotsTo {
    /// A folder; made if it does not exist.
    Directory(PathBuf),
    /// A folder of a bucket of S3.
    #[cfg(feature = "aws")]
    S3(s3::Config),
}

/// Which baseline a state begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Baseline {
    /// The newest that `state.snapshots` keeps.
    Latest,
    /// A file.
    File(PathBuf),
    /// An object of S3.
    #[cfg(feature = "aws")]
    S3 {
        /// Its bucket.
        bucket: String,
        /// Its key.
        key: String,
    },
}

/// A text that names no baseline.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BaselineNameError {
    /// Nothing.
    #[error("this names no baseline: give a path, `s3://BUCKET/KEY` or `latest`")]
    Empty,
    /// An address of S3 without one of its parts.
    #[error("`{0}` is no address of an object: write it as in `s3://bucket/key`")]
    Address(String),
    /// An address of S3, which this build knows nothing of.
    #[error("this build cannot read `{0}`: it was made without `aws`")]
    NoS3(String),
}

const SCHEME: &str = "s3://";

const fn default_every() -> Duration {
    Duration::seconds(60)
}

const fn default_snapshots_every() -> Duration {
    Duration::seconds(3_600)
}

const fn default_keep() -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(23)
}

// === impl Baseline ===

impl FromStr for Baseline {
    type Err = BaselineNameError;

    fn from_str(text: &str) -> Result<Self, BaselineNameError> {
        match text {
            "" => Err(BaselineNameError::Empty),
            "latest" => Ok(Self::Latest),
            text => match text.strip_prefix(SCHEME) {
                Some(address) => object(text, address),
                None => Ok(Self::File(text.into())),
            },
        }
    }
}

#[cfg(feature = "aws")]
fn object(text: &str, address: &str) -> Result<Baseline, BaselineNameError> {
    let parts = address.split_once('/').filter(|(bucket, key)| {
        let folders = !key.split('/').any(|folder| ["", ".", ".."].contains(&folder));
        !bucket.is_empty() && folders
    });
    let (bucket, key) = parts.ok_or_else(|| BaselineNameError::Address(text.to_owned()))?;
    Ok(Baseline::S3 { bucket: bucket.to_owned(), key: key.to_owned() })
}

#[cfg(not(feature = "aws"))]
fn object(text: &str, _: &str) -> Result<Baseline, BaselineNameError> {
    Err(BaselineNameError::NoS3(text.to_owned()))
}

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("latest"),
            Self::File(path) => path.display().fmt(f),
            #[cfg(feature = "aws")]
            Self::S3 { bucket, key } => write!(f, "{SCHEME}{bucket}/{key}"),
        }
    }
}

// === impl Config ===

impl Config {
    /// Where baselines are written, if they are.
    #[must_use]
    pub fn snapshots(&self) -> Option<&SnapshotsConfig> {
        self.state.as_ref()?.snapshots.as_ref()
    }

    pub(super) fn check_state(&self, tree: &Tree, problems: &mut Problems) {
        let Some(state) = &self.state else { return };
        match state.baseline.as_deref().map(str::parse) {
            Some(Ok(Baseline::Latest)) if state.snapshots.is_none() => {
                let text = "there are no `snapshots` of which one could be the latest";
                problems.at(
                    tree,
                    "state.baseline",
                    text,
                    "say where they are in `state.snapshots.to`".to_owned(),
                );
            }
            Some(Err(error)) => problems.at(tree, "state.baseline", error.to_string(), None),
            _ => {}
        }
        let Some(snapshots) = &state.snapshots else { return };
        if snapshots.every < Duration::seconds(1) {
            problems.at(tree, "state.snapshots.every", "must be at least 1s", None);
        }
        #[cfg(feature = "aws")]
        if let SnapshotsTo::S3(s3) = &snapshots.to {
            for (key, text, help) in s3.problems() {
                problems.at(tree, &format!("state.snapshots.to.s3.{key}"), text, help.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_baseline_is_named_by_a_path_an_address_or_as_the_latest() {
        let named = |text: &str| text.parse::<Baseline>().map(|baseline| baseline.to_string());
        for text in ["latest", "./latest", "a/b.floodmark"] {
            assert_eq!(named(text).as_deref(), Ok(text));
        }
        assert_eq!("./latest".parse(), Ok(Baseline::File("./latest".into())));
        assert_eq!(named(""), Err(BaselineNameError::Empty));
    }

    #[cfg(feature = "aws")]
    #[test]
    fn an_address_of_s3_has_a_bucket_and_a_key() {
        let object = Baseline::S3 { bucket: "b".to_owned(), key: "k/l".to_owned() };
        assert_eq!("s3://b/k/l".parse(), Ok(object.clone()));
        assert_eq!(object.to_string(), "s3://b/k/l");
        for text in ["s3://", "s3://b", "s3://b/", "s3:///k", "s3://b/k/../l", "s3://b/k/"] {
            assert_eq!(text.parse::<Baseline>(), Err(BaselineNameError::Address(text.to_owned())));
        }
    }
}
