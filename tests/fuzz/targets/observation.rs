//! Any bytes are an observation that can be written and read again, or are refused; their head says the same as the whole.

#![no_main]

use floodmark::codec::observation::{CARRIED, Found, Said, Told, peek, read, write};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = peek(bytes);
    let mut row = vec![None; CARRIED.len()];
    let place =
        |field| CARRIED.iter().position(|carried| *carried == field).expect("only carried fields come");
    let Ok(head) = read(bytes, |field, found| row[place(field)] = Some(found)) else { return };
    let stream = &bytes[head.stream.clone()];
    let end = match row[0] {
        Some(Found::Uint(end)) => end,
        _ => 0,
    };
    assert_eq!(peek(bytes), Ok(Told::Ended(stream, end)));
    let say = |field| {
        row[place(field)].as_ref().map(|found| match found {
            Found::Uint(number) => Said::Uint(*number),
            Found::Address(address) => Said::Address(*address),
            Found::Text(range) => Said::Text(&bytes[range.clone()]),
            Found::Word(word) => Said::Text(word),
        })
    };
    let mut again = Vec::new();
    write(head.kind, head.sends, stream, say, &mut again);
    let same = read(&again, |_, _| ()).expect("what was written can be read");
    assert_eq!((same.kind, same.sends, &again[same.stream]), (head.kind, head.sends, stream));
});
