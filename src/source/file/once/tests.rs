//! Tests against real files: order, compression, breaks, and what is learned twice.

use std::{fs, io::Write, path::PathBuf};

use tempfile::TempDir;

use crate::{
    event::{Origin, Reason},
    quantity::ByteSize,
    source::{
        Known, Source, SourceError,
        file::{Config, Files},
        trial::{Fixed, Seen, Trial, lines, texts},
    },
};

fn record(number: usize) -> String {
    format!(
        "2 123456789010 eni-{number} 10.0.0.1 10.0.0.2 443 {number} 6 1 40 1600000000 1600000060 ACCEPT OK\n"
    )
}

fn records(numbers: std::ops::Range<usize>) -> String {
    numbers.map(record).collect()
}

fn gzip(content: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

struct Directory(TempDir);

impl Directory {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    fn source(&self, patterns: &[&str]) -> Result<Box<dyn Source>, SourceError> {
        let path = |pattern: &&str| self.0.path().join(pattern).display().to_string();
        let paths = patterns.iter().map(path).collect();
        Files::new(&Config { paths, follow: false, line_bytes_max: ByteSize::mebibytes(1) })
            .map(|files| Box::new(files) as Box<dyn Source>)
    }

    async fn read(&self, patterns: &[&str]) -> Vec<Seen> {
        let (done, seen) = Trial::start(self.source(patterns).unwrap()).end().await;
        done.unwrap();
        seen
    }

    async fn refused(&self, patterns: &[&str]) -> SourceError {
        match self.source(patterns) {
            Ok(source) => Trial::start(source).end().await.0.unwrap_err(),
            Err(error) => error,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_read_in_the_byte_order_of_their_names_each_once_as_one_partition() {
    let directory = Directory::new();
    for (name, number) in [("z/a.log", 1), ("b.log", 2), ("B.log", 3), ("a/b.log", 4), ("c.txt", 5)] {
        directory.write(name, record(number));
    }
    directory.write("z/.hidden.log", record(6));
    let seen = directory.read(&["**/*.log", "b.log", "z/a.log"]).await;
    let order: Vec<_> = texts(&seen).iter().map(|text| text[19..20].to_owned()).collect();
    assert_eq!(order, ["3", "1", "4", "2"]);
    assert_eq!(seen.first(), Some(&Seen::Assigned("flows".into())));
    assert_eq!(seen.last(), Some(&Seen::Ended("flows".into())));
    assert!(lines(&seen).iter().all(|line| line.partition == "flows"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_stands_for_every_file_beneath_it() {
    let directory = Directory::new();
    directory.write("2026/11/b.log", record(1));
    directory.write("2026/12/a.log", record(2));
    assert_eq!(texts(&directory.read(&["2026"]).await).len(), 2);
    directory.write("odd[name", record(3));
    assert_eq!(texts(&directory.read(&["odd[name"]).await).len(), 1, "a name that is there is no pattern");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_without_a_file_a_bad_pattern_and_a_file_one_may_not_read_are_refused_by_name() {
    let directory = Directory::new();
    directory.write("a.log", record(1));
    let error = directory.refused(&["*.log", "*.gz"]).await;
    assert!(matches!(&error, SourceError::NotFound { pattern } if pattern.ends_with("*.gz")), "{error}");
    let error = directory.refused(&["a[.log"]).await;
    assert!(matches!(&error, SourceError::BadGlob { .. }), "{error}");
    let error = SourceError::of_path("x", std::io::ErrorKind::PermissionDenied.into());
    assert_eq!(error.to_string(), "could not read x: permission denied; let this user read it");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_of_every_wrapping_comes_through_once_and_is_counted() {
    let directory = Directory::new();
    let content = records(0..10_000);
    let (first, second) = content.split_at(content.len() / 2);
    directory.write("a", &content);
    directory.write("b", gzip(&content.replace("123456789010", "123456789011")));
    let moved = |part: &str| part.replace("123456789010", "123456789012");
    directory.write("c", [gzip(&moved(first)), gzip(&moved(second))].concat());
    let last = content.replace("123456789010", "123456789013");
    directory.write("d", zstd::stream::encode_all(last.as_bytes(), 1).unwrap());
    let trial = Trial::start(directory.source(&["*"]).unwrap());
    let (books, flight) = (trial.cx.books.clone(), trial.cx.flight.clone());
    let (done, seen) = trial.end().await;
    done.unwrap();
    let seen = lines(&seen);
    let all: Vec<u8> = seen.iter().flat_map(|line| line.bytes.clone()).collect();
    let expected = [content.clone(), content.replace("123456789010", "123456789011"), moved(&content), last];
    assert_eq!(all, expected.concat().as_bytes());
    assert_eq!(books.records_received.get(), 40_000);
    assert_eq!(
        books.records_in_flight.get(),
        40_000,
        "resolving takes them out, which is not part of this test"
    );
    assert_eq!(books.bytes_received.get(), 4 * content.len() as u64);
    assert_eq!(flight.confirmed().len(), 4);
    assert!(flight.confirmed().values().all(|confirmed| *confirmed == content.len() as u64));
    for lines in seen.chunks(10_000) {
        let mut position = 0;
        for line in lines {
            assert_eq!(line.position, position);
            position += line.bytes.len() as u64;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_lines_come_through_as_records() {
    let directory = Directory::new();
    let long = format!("{}\n", "x".repeat(200_000));
    let odd: [&[u8]; 7] = [b"a\r\n", b"\n", long.as_bytes(), b"\xff\xfe\n", b"\r\n", b"\0\n", b"half"];
    directory.write("a", odd.concat());
    let seen = lines(&directory.read(&["a"]).await);
    assert_eq!(seen.iter().map(|line| line.bytes.as_slice()).collect::<Vec<_>>(), odd);
    assert!(seen.iter().all(|line| line.reject.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_over_the_limit_is_rejected_and_its_neighbours_go_on() {
    let directory = Directory::new();
    let content = format!("{}{}\n{}", record(1), "y".repeat(3 << 20), record(2));
    directory.write("a", &content);
    let seen = lines(&directory.read(&["a"]).await);
    assert_eq!(seen.len(), 3);
    let (reason, detail) = seen[1].reject.clone().unwrap();
    assert_eq!((reason, seen[1].bytes.len()), (Reason::LineTooLong, 1 << 20));
    assert!(detail.contains("3145728 bytes"), "{detail}");
    assert_eq!(seen[2].position as usize, content.len() - record(2).len());
    assert!(seen[2].reject.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_breaks_off_is_delivered_to_the_break_quarantined_there_and_the_next_one_goes_on() {
    let directory = Directory::new();
    let content = records(0..5000);
    let whole = gzip(&content);
    directory.write("a.gz", &whole[..whole.len() / 2]);
    directory.write("b", record(7));
    let trial = Trial::start(directory.source(&["*"]).unwrap());
    let metrics = trial.cx.metrics.clone();
    let (done, seen) = trial.end().await;
    done.unwrap();
    let seen = lines(&seen);
    let at = seen.iter().position(|line| line.reject.is_some()).expect("the break is quarantined");
    let before: Vec<u8> = seen[..=at].iter().flat_map(|line| line.bytes.clone()).collect();
    assert!(content.as_bytes().starts_with(&before));
    assert!(before.len() > 1000 && seen[at].bytes.len() < 200);
    let (reason, detail) = seen[at].reject.clone().unwrap();
    assert_eq!(reason, Reason::Truncated);
    assert!(detail.contains(&format!("at byte {}", before.len())), "{detail}");
    assert_eq!(seen.len(), at + 2);
    assert_eq!(seen[at + 1].bytes, record(7).as_bytes());
    let page = metrics.page();
    assert!(page.contains("floodmark_source_files_failed_total{source=\"flows\"} 1\n"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_checksum_is_quarantined_as_an_empty_record_at_the_end() {
    let directory = Directory::new();
    let mut wrapped = gzip(&records(0..10));
    let at = wrapped.len() - 8;
    wrapped[at] ^= 1;
    directory.write("a", wrapped);
    let seen = lines(&directory.read(&["a"]).await);
    assert_eq!(seen.len(), 11);
    let last = seen.last().unwrap();
    assert_eq!((last.bytes.len(), last.position), (0, records(0..10).len() as u64));
    assert!(last.reject.as_ref().unwrap().1.contains("checksum"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_scored_before_is_delivered_from_its_start_and_learned_from_there_on() {
    let directory = Directory::new();
    directory.write("a", records(0..4));
    let first = lines(&directory.read(&["a"]).await);
    assert!(first.iter().all(|line| line.deliver && line.learn));
    let known = Known { scored: Some(first[2].position), ..Known::default() };
    let progress = Fixed([(first[0].origin.clone(), known)].into());
    let (done, seen) = Trial::start_knowing(directory.source(&["a"]).unwrap(), progress.clone()).end().await;
    done.unwrap();
    let again = lines(&seen);
    assert!(again.iter().all(|line| line.deliver));
    assert_eq!(again.iter().map(|line| line.learn).collect::<Vec<_>>(), [false, false, true, true]);
    directory.write("a", records(1..5));
    let (_, seen) = Trial::start_knowing(directory.source(&["a"]).unwrap(), progress).end().await;
    assert!(lines(&seen).iter().all(|line| line.learn), "another file stands there now");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_files_that_begin_alike_all_is_delivered_and_no_position_is_learned_twice() {
    let directory = Directory::new();
    directory.write("a", records(0..3));
    directory.write("b", records(0..5));
    directory.write("c", records(0..1));
    let trial = Trial::start(directory.source(&["?"]).unwrap());
    let flight = trial.cx.flight.clone();
    let (_, seen) = trial.end().await;
    let seen = lines(&seen);
    let learned: Vec<_> = seen.iter().map(|line| line.learn).collect();
    assert_eq!(learned, [true, true, true, false, false, false, true, true, false]);
    assert!(seen.iter().all(|line| line.deliver));
    let confirmed: Vec<_> = flight.confirmed().into_values().collect();
    assert_eq!(confirmed, [records(0..5).len() as u64], "what is confirmed does not go back");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_origin_is_the_same_under_another_name_and_wrapping_and_the_head_comes_with_every_chunk() {
    let directory = Directory::new();
    let content = format!("version account-id\n{}", records(0..3000));
    directory.write("a", &content);
    let plain = lines(&directory.read(&["a"]).await);
    directory.write("other.gz", gzip(&content));
    let packed = lines(&directory.read(&["other.gz"]).await);
    assert_eq!(plain[0].origin, packed[0].origin);
    let head = format!("version account-id\n{}", record(0)).into_bytes();
    assert!(plain.iter().all(|line| line.head.as_ref() == Some(&head)));
    directory.write("short", "no digits\n");
    let short = lines(&directory.read(&["short"]).await);
    assert_ne!(short[0].origin, plain[0].origin);
    assert!(short[0].origin.as_str().starts_with("file:") && short[0].origin != Origin::file(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_the_reading_without_saying_that_the_partition_has_ended() {
    let directory = Directory::new();
    directory.write("a", records(0..200_000));
    let trial = Trial::start_held(directory.source(&["a"]).unwrap());
    trial.until("the first lines", |seen| seen.len() > 1).await;
    let seen = trial.stop().await;
    assert!(lines(&seen).len() < 200_000);
    assert!(!seen.contains(&Seen::Ended("flows".into())));
}
