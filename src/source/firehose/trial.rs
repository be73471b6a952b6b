//! For tests: configs.

#![allow(clippy::unwrap_used)]

use super::Config;

/// A config on a loopback port of the system's choice, with `rest` in JSON.
pub(super) fn config(rest: &str) -> Config {
    serde_json::from_str(&format!("{{ \"listen\": \"127.0.0.1:0\", {rest} }}")).unwrap()
}
