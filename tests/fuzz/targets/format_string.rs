//! Any text is a format string that is written as it was read, or is refused with a reason.

#![no_main]

use floodmark::parse::Fields;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| match text.parse::<Fields>() {
    Ok(fields) => {
        let columns = text.split_whitespace().count();
        assert_eq!(fields.layout().columns().len(), columns);
        let again: Fields = fields.to_string().parse().expect("what was written can be read");
        assert_eq!(again.layout(), fields.layout());
    }
    Err(error) => assert!(!error.to_string().is_empty()),
});
