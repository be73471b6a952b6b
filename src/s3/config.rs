//! What `s3: { … }` holds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::Aws;

/// A bucket of S3, or of what speaks as it does, and a folder in it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The bucket's name.
    #[schemars(length(min = 3, max = 255))]
    pub bucket: String,
    /// The folder in it, such as `floodmark/web-1`; each process that writes there needs its own. Default: none, the top
    /// of the bucket.
    #[serde(default)]
    pub prefix: String,
    /// Where S3 is, such as `http://127.0.0.1:9000`; the bucket's name then stands in the path. Default: AWS's own endpoint
    /// of the region.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// Who we are, and in which region the bucket is. Default: as AWS's own tools find it.
    #[serde(default)]
    pub aws: Aws,
}

// === impl Config ===

impl Config {
    /// What no type can see: the key, what is wrong with it, and what helps.
    #[must_use]
    pub fn problems(&self) -> Vec<(&'static str, &'static str, &'static str)> {
        let mut problems = Vec::new();
        let odd = |c: char| !(c.is_ascii_alphanumeric() || ".-_".contains(c));
        if self.bucket.contains(odd) {
            let text = "no bucket has such a name";
            problems.push(("bucket", text, "name it alone: what follows it in `s3://` goes into `prefix`"));
        }
        let folders: Vec<&str> = self.prefix.trim_end_matches('/').split('/').collect();
        let is_none = self.prefix.is_empty();
        if !is_none && folders.iter().any(|folder| ["", ".", ".."].contains(folder)) {
            problems.push(("prefix", "this is no folder of a bucket", "write it as in `floodmark/web-1`"));
        }
        let is_url = |url: &String| {
            reqwest::Url::parse(url).is_ok_and(|url| {
                ["http", "https"].contains(&url.scheme()) && url.path() == "/" && url.query().is_none()
            })
        };
        if self.endpoint.as_ref().is_some_and(|url| !is_url(url)) {
            let help = "write it as in `http://127.0.0.1:9000`";
            problems.push(("endpoint", "this is no URL of a server", help));
        }
        for (key, text) in self.aws.problems() {
            let key = if key == "external_id" { "aws.external_id" } else { "aws" };
            problems.push((key, text, "see `aws`"));
        }
        problems
    }

    /// The key of the object `name`.
    pub(super) fn key(&self, name: &str) -> String {
        match self.prefix.trim_end_matches('/') {
            "" => name.to_owned(),
            prefix => format!("{prefix}/{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(bucket: &str, prefix: &str, endpoint: Option<&str>) -> Config {
        let (endpoint, aws) = (endpoint.map(str::to_owned), Aws::default());
        Config { bucket: bucket.to_owned(), prefix: prefix.to_owned(), endpoint, aws }
    }

    #[test]
    fn a_prefix_is_a_folder_with_or_without_a_slash_at_its_end() {
        for (prefix, key) in [("", "x"), ("a", "a/x"), ("a/", "a/x"), ("a/b", "a/b/x")] {
            assert_eq!(config("flows", prefix, None).key("x"), key);
        }
    }

    #[test]
    fn what_can_be_no_bucket_prefix_or_endpoint_is_said() {
        let keys = |config: Config| -> Vec<_> { config.problems().iter().map(|(key, ..)| *key).collect() };
        assert!(keys(config("flows", "a/b/", Some("http://127.0.0.1:9000"))).is_empty());
        assert_eq!(keys(config("s3://flows", "", None)), ["bucket"]);
        for prefix in ["/a", "a//b", "a/../b", "./a"] {
            assert_eq!(keys(config("flows", prefix, None)), ["prefix"], "{prefix}");
        }
        for endpoint in ["127.0.0.1:9000", "s3://a", "http://a/b", ""] {
            assert_eq!(keys(config("flows", "", Some(endpoint))), ["endpoint"], "{endpoint}");
        }
    }
}
