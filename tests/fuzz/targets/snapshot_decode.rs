//! A snapshot with any of its bytes changed is refused, or scoring goes on from it without a panic.

#![no_main]

use std::sync::LazyLock;

use arbitrary::Arbitrary;
use floodmark::{
    generate::{self, Options},
    score::{Config, Scorer},
    telemetry::metrics::Metrics,
};
use floodmark_fuzz::{parsed, resolved};
use libfuzzer_sys::fuzz_target;

/// One change to one value of the snapshot.
#[derive(Debug, Arbitrary)]
struct Edit {
    entry: u8,
    at: u16,
    to: To,
}

#[derive(Debug, Arbitrary)]
enum To {
    Byte(u8),
    Longer(u8),
    Cut,
}

const SEED: [u8; 16] = [7; 16];
const LINES: u64 = 600;

/// Flow logs of a few hosts: the first half is in the snapshot, the second is scored after it.
static FLOWS: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| {
    let mut text = Vec::new();
    generate::write(&Options::load(LINES, 6, 20), &mut text, None).expect("a vector takes every byte");
    let middle = text.len() / 2;
    let end = middle + text[middle..].iter().position(|byte| *byte == b'\n').expect("a line ends") + 1;
    let rest = text.split_off(end);
    [text, rest]
});

static SNAPSHOT: LazyLock<Vec<(Vec<u8>, Vec<u8>)>> = LazyLock::new(|| {
    let scorer = Scorer::new(&Config::default(), &Metrics::default(), SEED);
    scorer.score(0, &mut parsed(resolved(&FLOWS[0])));
    let entries = scorer.capture(1).entries.into_iter();
    let entries: Vec<_> = entries.filter_map(|(key, value)| Some((key, value?))).collect();
    assert!(entries.len() > 3, "a snapshot of {} entries tests nothing", entries.len());
    entries
});

fuzz_target!(|edits: Vec<Edit>| {
    let mut entries = SNAPSHOT.clone();
    for edit in &edits {
        let count = entries.len();
        let value = &mut entries[usize::from(edit.entry) % count].1;
        let at = usize::from(edit.at) % (value.len() + 1);
        match edit.to {
            To::Byte(byte) if at < value.len() => value[at] = byte,
            To::Byte(byte) | To::Longer(byte) => value.insert(at, byte),
            To::Cut => value.truncate(at),
        }
    }
    let restored = Scorer::restore(&Config::default(), &Metrics::default(), SEED, entries);
    assert!(restored.is_ok() || !edits.is_empty(), "what was captured can be restored");
    if let Ok(scorer) = restored {
        let mut batch = parsed(resolved(&FLOWS[1]));
        scorer.score(0, &mut batch);
        scorer.finish(1, &mut batch);
        let _ = scorer.capture(2);
    }
});
