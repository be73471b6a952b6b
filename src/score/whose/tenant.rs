//! A tenant: whose estate a source tells of, where one process reads several that know nothing of each other.

use std::borrow::Cow;

use crate::event::IdScheme;

/// The name of a tenant, 1 to 64 bytes of small letters, digits, `-`, `_` and `.`. It is the last part of the scope of every
/// entity of its sources, so that equal addresses, services and accounts of two tenants stay apart.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tenant(String);

/// Why a text is no tenant's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "could not use {0:?} as a tenant: it must have 1 to 64 bytes of small letters, digits, `-`, `_` and `.`"
)]
pub struct TenantError(String);

/// Most bytes of a name.
const BYTES_MAX: usize = 64;

// === impl Tenant ===

impl Tenant {
    /// Makes it the last part of `scope`.
    pub(in crate::score) fn put(&self, scope: &mut String) {
        if !scope.is_empty() {
            scope.push('/');
        }
        scope.push_str("tenant=");
        scope.push_str(&self.0);
    }

    /// What tells it from others in every process: a hash of its name.
    pub(in crate::score) fn number(&self) -> u32 {
        IdScheme::derived("tenant", &[self.0.as_bytes()]).number()
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Tenant {
    type Error = TenantError;

    fn try_from(text: String) -> Result<Self, TenantError> {
        let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
        if (1..=BYTES_MAX).contains(&text.len()) && text.bytes().all(good) {
            Ok(Self(text))
        } else {
            Err(TenantError(text))
        }
    }
}

impl From<Tenant> for String {
    fn from(tenant: Tenant) -> Self {
        tenant.0
    }
}

impl schemars::JsonSchema for Tenant {
    fn schema_name() -> Cow<'static, str> {
        "Tenant".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[a-z0-9._-]{1,64}$",
            "description": "The name of a tenant: the last part of the scope of every entity of its sources.",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_could_be_taken_for_another_part_of_a_scope_is_refused() {
        for good in ["acme", "acme-eu.2", "0"] {
            assert_eq!(Tenant::try_from(good.to_owned()).map(String::from), Ok(good.to_owned()));
        }
        for bad in ["", "a/b", "a=b", "Acme", "a b", "\u{e4}", &"x".repeat(65)] {
            assert!(Tenant::try_from(bad.to_owned()).is_err(), "{bad:?}");
        }
    }
}
