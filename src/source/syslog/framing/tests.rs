//! Framing, in examples and by its definition.

use proptest::prelude::*;

use super::*;

/// A frame with bytes of its own.
type Owned = (Vec<u8>, u64, Option<Missing>);

fn framed<'a>(limit: usize, clean: bool, blocks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Owned> {
    let mut frames = Frames::new(limit);
    let mut taken = Vec::new();
    let mut take = |frame: Frame<'_>| taken.push((frame.bytes.to_vec(), frame.length, frame.missing));
    for block in blocks {
        frames.push(block, &mut take);
        assert!(frames.held.len() <= limit.max(DIGITS_MAX + 1), "no more than the limit is held back");
    }
    frames.finish(clean, &mut take);
    assert!(!frames.is_open());
    taken
}

fn texts(limit: usize, bytes: &[u8]) -> Vec<String> {
    framed(limit, true, [bytes]).into_iter().map(|(bytes, ..)| String::from_utf8(bytes).unwrap()).collect()
}

#[test]
fn counted_frames_and_lines_are_told_apart_at_each_frame() {
    let stream = b"6 <13>a\n<13>line\n5 <13>x7 <13>two\n\n<13>last";
    assert_eq!(texts(100, stream), ["<13>a\n", "<13>line", "<13>x", "<13>two", "", "<13>last"]);
}

#[test]
fn a_counted_frame_may_hold_line_feeds_and_one_behind_it_is_its_end() {
    assert_eq!(texts(100, b"9 <13>a\nb\nc\n8 <13>next"), ["<13>a\nb\nc", "<13>next"]);
}

#[test]
fn what_only_looks_like_a_count_is_a_line() {
    for line in [
        "2 123456789012 eni-1 10.0.0.1",
        "007 <13>zero-padded",
        "12345678 <13>more than anybody sends",
        "99999999999999999999 <13>more than a number",
        "12<13>no space",
        "12  <13>two spaces",
        "-5 <13>negative",
        "0 <13>nothing",
        "12x <13>no number",
        "7",
        "7 ",
    ] {
        let stream = format!("{line}\n<13>next\n");
        assert_eq!(texts(100, stream.as_bytes()), [line, "<13>next"]);
        let bytes: Vec<&[u8]> = stream.as_bytes().chunks(1).collect();
        let one_by_one = framed(100, true, bytes);
        assert_eq!(one_by_one[0].0, line.as_bytes());
        assert_eq!(one_by_one[1].0, b"<13>next");
    }
}

#[test]
fn a_frame_over_the_limit_is_cut_and_the_next_one_is_found() {
    for stream in ["10 <13>567890<13>z\n", "<13>567890\n<13>z\n"] {
        let frames = framed(5, true, [stream.as_bytes()]);
        assert_eq!(frames[0], (b"<13>5".to_vec(), 10, None));
        assert_eq!(frames[1], (b"<13>z".to_vec(), 5, None));
    }
}

#[test]
fn an_endless_line_holds_no_more_than_the_limit() {
    let mut frames = Frames::new(16);
    for _ in 0..10_000 {
        frames.push(b"<13>abcdefgh", &mut |_| panic!("no frame ends"));
    }
    assert_eq!((frames.held.len(), frames.come), (16, 120_000));
    assert!(frames.held.capacity() <= 64);
}

#[test]
fn half_a_frame_at_the_end_says_what_is_missing() {
    assert_eq!(
        framed(99, true, [b"20 <13>half".as_slice()]),
        [(b"<13>half".to_vec(), 8, Some(Missing::Bytes(12)))]
    );
    assert_eq!(framed(99, true, [b"<13>last".as_slice()]), [(b"<13>last".to_vec(), 8, None)]);
    let broken = [(b"<13>last".to_vec(), 8, Some(Missing::LineFeed))];
    assert_eq!(framed(99, false, [b"<13>last".as_slice()]), broken);
    assert_eq!(framed(99, false, [b"12 ".as_slice()]), [(b"12 ".to_vec(), 3, Some(Missing::LineFeed))]);
    assert_eq!(framed(99, false, [b"<13>whole\n".as_slice()]).len(), 1);
    assert_eq!(framed(99, true, [b"5 <13>x".as_slice()]), [(b"<13>x".to_vec(), 5, None)]);
}

/// What the frames of `bytes` are, found in the plainest way.
fn expected(bytes: &[u8], limit: usize) -> Vec<Owned> {
    let mut frames = Vec::new();
    let mut rest = bytes;
    let mut behind_counted = false;
    while !rest.is_empty() {
        if std::mem::take(&mut behind_counted) && rest[0] == b'\n' {
            rest = &rest[1..];
            continue;
        }
        let count = rest.iter().position(|byte| *byte == b'<').and_then(|at| {
            let digits = std::str::from_utf8(&rest[..at]).ok()?.strip_suffix(' ')?;
            let plain = digits.len() <= 7 && !digits.starts_with(['0', '+']);
            Some((plain.then(|| digits.parse::<usize>().ok())??, at))
        });
        let (content, length, missing, after) = match count {
            Some((count, at)) => {
                behind_counted = true;
                let there = count.min(rest.len() - at);
                let missing = (there < count).then(|| Missing::Bytes((count - there) as u64));
                (&rest[at..at + there], there, missing, at + there)
            }
            None => {
                let end = rest.iter().position(|byte| *byte == b'\n');
                let length = end.unwrap_or(rest.len());
                (&rest[..length], length, None, end.map_or(length, |end| end + 1))
            }
        };
        frames.push((content[..length.min(limit)].to_vec(), length as u64, missing));
        rest = &rest[after..];
    }
    frames
}

fn part() -> impl Strategy<Value = Vec<u8>> {
    let soup = prop_oneof![
        Just(b'\n'),
        Just(b' '),
        Just(b'<'),
        prop::sample::select(b"0123456789".to_vec()),
        any::<u8>()
    ];
    let counted = (1_usize..30, prop::collection::vec(any::<u8>(), 0..30)).prop_map(|(count, rest)| {
        let mut frame = format!("{count} <").into_bytes();
        frame.extend_from_slice(&rest);
        frame
    });
    prop_oneof![prop::collection::vec(soup, 0..12), counted]
}

proptest! {
    #[test]
    fn any_cutting_of_any_stream_gives_the_same_frames(
        parts in prop::collection::vec(part(), 0..12),
        cuts in prop::collection::vec(1_usize..9, 1..9),
        limit in 1_usize..20,
    ) {
        let bytes = parts.concat();
        let mut blocks = Vec::new();
        let mut rest = bytes.as_slice();
        for length in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (block, left) = rest.split_at(rest.len().min(*length));
            blocks.push(block);
            rest = left;
        }
        let whole = expected(&bytes, limit);
        prop_assert_eq!(framed(limit, true, [bytes.as_slice()]), whole.clone());
        prop_assert_eq!(framed(limit, true, blocks), whole);
    }
}
