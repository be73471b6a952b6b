//! Any text is a condition that is written so that it is read again as the same, or is refused at a place inside it.

#![no_main]

use floodmark::{event::Batch, filter::Filter};
use floodmark_fuzz::{parsed, resolved};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static EVENTS: LazyLock<Batch> = LazyLock::new(|| {
    let lines = b"version srcaddr dstaddr dstport bytes start end action\n\
        2 10.0.0.1 192.0.2.1 22 40 1795260600 1795260660 ACCEPT\n2 ::1 - - - 1795260600 1795260660 REJECT\n";
    parsed(resolved(lines))
});

fuzz_target!(|text: &str| match text.parse::<Filter>() {
    Ok(filter) => {
        let again: Filter = filter.to_string().parse().expect("what was written can be read");
        assert_eq!(again, filter);
        for event in &EVENTS.events {
            assert_eq!(filter.passes(&EVENTS, event, None), again.passes(&EVENTS, event, None));
        }
    }
    Err(error) => {
        assert!(text.is_char_boundary(error.at));
        assert!(!error.to_string().is_empty());
    }
});
