//! Tests against content compressed here: members, frames, breaks and bombs.

use std::io::Write;

use super::*;

fn content() -> Vec<u8> {
    (0..20_000).flat_map(|n| format!("{n} line of content {}\n", n * 7919).into_bytes()).collect()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn zstd(content: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// All that comes out, and the error that ended it, if one did.
fn read(wrapped: &[u8]) -> (Vec<u8>, Option<InflateError>) {
    let mut inflate = Inflate::new(wrapped);
    let mut all = Vec::new();
    let mut buffer = vec![0; 10_007];
    loop {
        match inflate.read(&mut buffer) {
            Ok(0) => return (all, None),
            Ok(count) => all.extend_from_slice(&buffer[..count]),
            Err(error) => return (all, Some(error)),
        }
    }
}

#[test]
fn content_comes_out_whatever_it_is_wrapped_in_and_however_many_members_it_has() {
    let content = content();
    let (first, second) = content.split_at(content.len() / 3);
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4][..], &zstd(&content)].concat();
    let table: [(Compression, Vec<u8>); 6] = [
        (Compression::Plain, content.clone()),
        (Compression::Gzip, gzip(&content)),
        (Compression::Gzip, [gzip(first), gzip(b""), gzip(second)].concat()),
        (Compression::Zstd, zstd(&content)),
        (Compression::Zstd, [zstd(first), zstd(second)].concat()),
        (Compression::Zstd, skippable),
    ];
    for (compression, wrapped) in table {
        let (all, error) = read(&wrapped);
        assert!(error.is_none(), "{compression}: {error:?}");
        assert_eq!(all, content, "{compression}");
        let mut inflate = Inflate::new(wrapped.as_slice());
        inflate.read(&mut [0; 1]).unwrap();
        assert_eq!(inflate.compression(), compression);
    }
}

#[test]
fn short_and_empty_content_is_plain() {
    for short in [&b""[..], b"\x1f", b"a", b"abc"] {
        let (all, error) = read(short);
        assert!(error.is_none());
        assert_eq!(all, short);
    }
}

#[test]
fn wherever_content_breaks_off_everything_before_is_given_out_and_the_offset_is_named() {
    let content = content();
    for wrapped in [gzip(&content), zstd(&content)] {
        for cut in [5, 9, 30, wrapped.len() / 2, wrapped.len() - 5, wrapped.len() - 1] {
            let (all, error) = read(&wrapped[..cut]);
            let error = error.unwrap_or_else(|| panic!("a cut at {cut} of {} went unseen", wrapped.len()));
            assert_eq!(error.offset, all.len() as u64);
            assert!(content.starts_with(&all));
            assert!(error.to_string().contains(&format!("at byte {} of", all.len())), "{error}");
        }
        let (most, _) = read(&wrapped[..wrapped.len() - 1]);
        assert_eq!(most.len(), content.len(), "only the checksum was cut");
    }
}

#[test]
fn a_second_member_that_breaks_off_in_its_header_is_an_error() {
    let first = gzip(b"first\n");
    for extra in [1, 2, 5, 9] {
        let wrapped = [&first[..], &gzip(b"second\n")[..extra]].concat();
        let (all, error) = read(&wrapped);
        assert_eq!(all, b"first\n");
        assert!(error.is_some(), "{extra} bytes of a second member went unseen");
    }
}

#[test]
fn a_wrong_checksum_is_an_error() {
    for (mut wrapped, from_end) in [(gzip(&content()), 8), (zstd(&content()), 1)] {
        let at = wrapped.len() - from_end;
        wrapped[at] ^= 1;
        let (_, error) = read(&wrapped);
        let error = error.expect("the checksum was changed");
        assert!(error.to_string().contains("checksum"), "{error}");
    }
}

#[test]
fn a_frame_that_wants_more_memory_than_the_cap_is_refused() {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(27).unwrap();
    let content = vec![b'a'; 1 << 20];
    encoder.write_all(&content).unwrap();
    let (all, error) = read(&encoder.finish().unwrap());
    assert!(all.is_empty());
    assert!(error.expect("a window of 128 MiB").to_string().contains("memory"));
}

#[test]
fn a_bomb_gives_out_no_more_than_the_buffer_holds() {
    let bomb = gzip(&vec![0; 64 << 20]);
    assert!(bomb.len() < 100_000);
    let mut inflate = Inflate::new(bomb.as_slice());
    let mut buffer = [1; 1000];
    assert!(inflate.read(&mut buffer).unwrap() <= buffer.len());
}
