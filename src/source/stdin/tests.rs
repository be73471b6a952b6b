//! Tests against pipes that give a little, break, or stay open.

use std::io::{Cursor, Write};

use super::*;
use crate::{
    event::Reason,
    source::trial::{Seen, Trial, lines, texts},
};

fn of(content: &[u8]) -> Box<dyn Source> {
    Box::new(Stdin::of_reader(Box::new(Cursor::new(content.to_vec())), 1 << 20))
}

#[tokio::test]
async fn positions_count_lines_from_0_to_the_half_line_at_the_end() {
    let trial = Trial::start(of(b"one\r\n\ntwo\nhalf"));
    let books = trial.cx.books.clone();
    let (done, seen) = trial.end().await;
    done.unwrap();
    let found: Vec<_> = lines(&seen).iter().map(|line| (line.position, line.bytes.clone())).collect();
    let expected: [&[u8]; 4] = [b"one\r\n", b"\n", b"two\n", b"half"];
    assert_eq!(found, (0..).zip(expected.map(<[u8]>::to_vec)).collect::<Vec<_>>());
    assert_eq!((books.records_received.get(), books.bytes_received.get()), (4, 14));
    assert_eq!(seen.first(), Some(&Seen::Assigned("flows".into())));
    assert_eq!(seen.last(), Some(&Seen::Ended("flows".into())));
    assert!(lines(&seen).iter().all(|line| line.origin == Origin::stdin() && line.deliver && line.learn));
}

#[tokio::test]
async fn positions_go_on_from_chunk_to_chunk() {
    let content: String = (0..50_000).map(|number| format!("line {number}\n")).collect();
    let (done, seen) = Trial::start(of(content.as_bytes())).end().await;
    done.unwrap();
    let seen = lines(&seen);
    assert_eq!(seen.len(), 50_000);
    assert!(seen.iter().enumerate().all(|(at, line)| line.position == at as u64));
    assert!(seen.iter().all(|line| line.bytes == format!("line {}\n", line.position).as_bytes()));
}

#[tokio::test]
async fn nothing_at_all_is_a_partition_that_ends() {
    let (done, seen) = Trial::start(of(b"")).end().await;
    done.unwrap();
    assert_eq!(seen, [Seen::Assigned("flows".into()), Seen::Ended("flows".into())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_leaves_as_soon_as_it_is_whole_and_an_open_pipe_does_not_hold_up_a_stop() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let trial = Trial::start(Box::new(Stdin::of_reader(Box::new(reader), 1 << 20)));
    writer.write_all(b"first\nsec").unwrap();
    trial.until_lines(&["first"]).await;
    writer.write_all(b"ond\n").unwrap();
    trial.until_lines(&["first", "second"]).await;
    let seen = trial.stop().await;
    assert_eq!(texts(&seen), ["first", "second"]);
    assert!(!seen.contains(&Seen::Ended("flows".into())));
    drop(writer);
}

#[tokio::test]
async fn compressed_input_that_breaks_off_is_delivered_to_the_break_and_is_an_error() {
    let content = "line of content\n".repeat(1000);
    let packed = zstd::stream::encode_all(content.as_bytes(), 1).unwrap();
    let (done, seen) = Trial::start(of(&packed)).end().await;
    done.unwrap();
    assert_eq!(texts(&seen).len(), 1000);

    let (done, seen) = Trial::start(of(&packed[..packed.len() - 1])).end().await;
    assert!(matches!(done, Err(SourceError::Stdin(_))), "{done:?}");
    let last = lines(&seen).last().unwrap().clone();
    assert_eq!(last.reject.unwrap().0, Reason::Truncated);
    assert_eq!(last.position as usize, lines(&seen).len() - 1);
}
