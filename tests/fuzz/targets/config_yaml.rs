//! Any bytes are a config or are refused with problems in order, each with a place in the text.

#![no_main]

use floodmark::config::{Config, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let environment = |name: &str| name.starts_with('A').then(|| "0123".to_owned());
    match read::<Config>("fuzz.yaml", text, &environment) {
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
