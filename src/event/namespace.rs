//! The namespace of data streams, which documents say too.

use std::borrow::Cow;

/// The namespace of the data streams: the last part of `logs-floodmark.flow-<namespace>`. At most 100 bytes, in lower
/// case, without blanks and without any of `-\/*?"<>|,#:`. Default: `default`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Namespace(String);

/// Why a text is no namespace.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "could not use {0:?} as a namespace: it must have 1 to 100 bytes, in lower case, without blanks and without any of {FORBIDDEN}"
)]
pub struct NamespaceError(String);

/// What Elasticsearch refuses in a part of a data stream's name.
const FORBIDDEN: &str = r#"-\/*?"<>|,#:"#;

// === impl Namespace ===

impl Namespace {
    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Namespace {
    fn default() -> Self {
        Self("default".to_owned())
    }
}

impl TryFrom<String> for Namespace {
    type Error = NamespaceError;

    fn try_from(text: String) -> Result<Self, NamespaceError> {
        let bad = |c: char| {
            c.is_whitespace() || c.is_control() || FORBIDDEN.contains(c) || c.to_lowercase().ne([c])
        };
        if text.is_empty() || text.len() > 100 || text.contains(bad) {
            return Err(NamespaceError(text));
        }
        Ok(Self(text))
    }
}

impl From<Namespace> for String {
    fn from(namespace: Namespace) -> Self {
        namespace.0
    }
}

impl schemars::JsonSchema for Namespace {
    fn schema_name() -> Cow<'static, str> {
        "Namespace".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": r#"^[^-\\/*?"<>|,#:\sA-Z]{1,100}$"#,
            "description": "The namespace of the data streams: the last part of `logs-floodmark.flow-<namespace>`. \
                At most 100 bytes, in lower case, without blanks and without any of `-\\/*?\"<>|,#:`.",
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_namespace_that_elasticsearch_would_refuse_is_refused() {
        for good in ["default", "prod_eu", "kunden.größe"] {
            assert_eq!(Namespace::try_from(good.to_owned()).unwrap().as_str(), good);
        }
        for bad in ["", "a-b", "Prod", "a b", "a\"b", "a\u{0}b", &"x".repeat(101)] {
            assert!(Namespace::try_from(bad.to_owned()).is_err(), "{bad:?}");
        }
    }
}
