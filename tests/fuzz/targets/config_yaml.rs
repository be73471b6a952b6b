//! Any bytes are a config or are refused with problems in order, each with a place in the text.

#![no_main]

use std::collections::BTreeMap;

use floodmark::{
    config::{Secret, read},
    parse,
    quantity::{ByteSize, Duration},
    sink::To,
    source::From,
};
use libfuzzer_sys::fuzz_target;
use schemars::JsonSchema;
use serde::Deserialize;

/// A config of what the rooms configure.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "it is only read, and printed")]
struct Root {
    sources: BTreeMap<String, Source>,
    sinks: BTreeMap<String, Sink>,
    #[serde(default)]
    limits: Option<Limits>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "it is only read, and printed")]
struct Source {
    from: From,
    #[serde(default)]
    format: parse::Config,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "it is only read, and printed")]
struct Sink {
    to: To,
    #[serde(default)]
    password: Option<Secret>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "it is only read, and printed")]
struct Limits {
    memory: Option<ByteSize>,
    grace: Option<Duration>,
    threads: Option<u8>,
}

fuzz_target!(|text: &[u8]| {
    let environment = |name: &str| name.starts_with('A').then(|| "0123".to_owned());
    match read::<Root>("fuzz.yaml", text, &environment) {
        Ok(loaded) => {
            let _ = format!("{loaded:?}");
        }
        Err(problems) => {
            assert!(!problems.is_empty());
            assert!(problems.iter().all(|problem| problem.line > 0 && problem.column > 0));
            let places: Vec<_> = problems.iter().map(|problem| (problem.line, problem.column)).collect();
            assert!(places.is_sorted(), "{places:?}");
            let _ = problems.to_string();
        }
    }
});
