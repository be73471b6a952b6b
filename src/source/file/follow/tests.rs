//! Tests against real files that grow, are rotated, cut away, replaced and removed while they are followed.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::PathBuf,
    time::Duration,
};

use tempfile::TempDir;

use crate::{
    event::{Origin, Reason},
    quantity::ByteSize,
    source::{
        Known, Source,
        file::{Config, Files},
        trial::{Fixed, Seen, Trial, lines, texts},
    },
};

/// A line whose digits make a fingerprint.
fn line(name: &str) -> String {
    format!("{name} 1234567890\n")
}

fn text(name: &str) -> String {
    line(name).trim_end().to_owned()
}

struct Directory(TempDir);

impl Directory {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn append(&self, name: &str, content: impl AsRef<[u8]>) {
        let mut file = OpenOptions::new().create(true).append(true).open(self.path(name)).unwrap();
        file.write_all(content.as_ref()).unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    fn follow(&self, pattern: &str) -> Trial {
        self.follow_knowing(pattern, Fixed::default())
    }

    fn follow_knowing(&self, pattern: &str, progress: Fixed) -> Trial {
        let paths = vec![self.path(pattern).display().to_string()];
        let config = Config { paths, follow: true, line_bytes_max: ByteSize::mebibytes(1) };
        let source: Box<dyn Source> = Box::new(Files::new(&config).unwrap());
        Trial::start_knowing(source, progress)
    }

    fn partition(&self, name: &str) -> String {
        format!("flows:{}", self.path(name).display())
    }
}

fn expect(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| text(name)).collect()
}

async fn until(trial: &Trial, names: &[&str]) {
    let expected = expect(names);
    trial.until_lines(&expected.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

/// Two scans and some polls.
async fn a_while() {
    tokio::time::sleep(Duration::from_millis(2200)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_grows_byte_by_byte_gives_each_line_once_when_it_is_whole() {
    let directory = Directory::new();
    directory.append("a.log", line("first"));
    let trial = directory.follow("*.log");
    until(&trial, &["first"]).await;
    for byte in line("second").trim_end().bytes() {
        directory.append("a.log", [byte]);
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    a_while().await;
    assert_eq!(texts(&trial.seen.lock().unwrap()), expect(&["first"]), "a half line waits");
    directory.append("a.log", "\nhalf");
    until(&trial, &["first", "second"]).await;
    let flight = trial.cx.flight.clone();
    let seen = trial.stop().await;
    assert_eq!(texts(&seen), expect(&["first", "second"]));
    assert_eq!(lines(&seen)[1].position, line("first").len() as u64);
    let end = (line("first").len() + line("second").len()) as u64;
    assert_eq!(flight.confirmed().into_values().collect::<Vec<_>>(), [end]);
    assert!(!seen.contains(&Seen::Ended(directory.partition("a.log"))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_too_short_for_a_fingerprint_is_not_read_before_it_has_one() {
    let directory = Directory::new();
    directory.append("a.log", "header line\n");
    let trial = directory.follow("*.log");
    a_while().await;
    assert!(trial.seen.lock().unwrap().is_empty());
    directory.append("a.log", line("first"));
    trial.until_lines(&["header line", &text("first")]).await;
    trial.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_file_is_read_to_its_end_before_the_one_that_takes_its_place() {
    let directory = Directory::new();
    directory.append("a.log", line("1"));
    let mut old = OpenOptions::new().append(true).open(directory.path("a.log")).unwrap();
    let trial = directory.follow("a.log");
    until(&trial, &["1"]).await;
    directory.rename("a.log", "a.log.1");
    old.write_all(line("2").as_bytes()).unwrap();
    until(&trial, &["1", "2"]).await;
    File::create(directory.path("a.log")).unwrap();
    a_while().await;
    old.write_all(format!("{}half", line("3")).as_bytes()).unwrap();
    until(&trial, &["1", "2", "3"]).await;
    directory.append("a.log", line("4"));
    trial.until_lines(&[&text("1"), &text("2"), &text("3"), "half", &text("4")]).await;
    let seen = trial.stop().await;
    let seen = lines(&seen);
    assert_eq!(seen.len(), 5);
    assert_ne!(seen[3].origin, seen[4].origin);
    assert_eq!(seen[4].position, 0);
    assert!(seen.iter().all(|line| line.partition == directory.partition("a.log")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_inside_the_pattern_reads_nothing_twice_and_loses_nothing() {
    let directory = Directory::new();
    directory.append("a.log", line("1"));
    let trial = directory.follow("a.log*");
    until(&trial, &["1"]).await;
    directory.append("a.log", line("2"));
    directory.rename("a.log", "a.log.1");
    directory.append("a.log", line("3"));
    until(&trial, &["1", "2", "3"]).await;
    a_while().await;
    directory.append("a.log.1", line("late"));
    until(&trial, &["1", "2", "3", "late"]).await;
    directory.rename("a.log.1", "a.log.2");
    directory.rename("a.log", "a.log.1");
    directory.append("a.log", line("4"));
    until(&trial, &["1", "2", "3", "late", "4"]).await;
    a_while().await;
    let seen = trial.stop().await;
    assert_eq!(texts(&seen), expect(&["1", "2", "3", "late", "4"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_cut_to_nothing_and_written_again_is_a_new_origin() {
    let directory = Directory::new();
    directory.append("a.log", [line("1"), line("2")].concat());
    let trial = directory.follow("*.log");
    until(&trial, &["1", "2"]).await;
    // Shorter than before.
    fs::write(directory.path("a.log"), line("3")).unwrap();
    until(&trial, &["1", "2", "3"]).await;
    // Longer than before, so that only its beginning tells.
    fs::write(directory.path("a.log"), [line("4"), line("5"), line("6")].concat()).unwrap();
    until(&trial, &["1", "2", "3", "4", "5", "6"]).await;
    let seen = trial.stop().await;
    assert_eq!(texts(&seen).len(), 6);
    let seen = lines(&seen);
    assert_eq!([seen[2].position, seen[3].position], [0, 0]);
    assert!(seen[0].origin != seen[2].origin && seen[2].origin != seen[3].origin);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_cut_and_written_again_with_the_same_beginning_is_read_from_its_start() {
    let directory = Directory::new();
    directory.append("a.log", [line("same"), line("1"), line("2")].concat());
    let trial = directory.follow("*.log");
    until(&trial, &["same", "1", "2"]).await;
    fs::write(directory.path("a.log"), [line("same"), line("3")].concat()).unwrap();
    until(&trial, &["same", "1", "2", "same", "3"]).await;
    let flight = trial.cx.flight.clone();
    let seen = lines(&trial.stop().await);
    assert_eq!(seen[0].origin, seen[3].origin);
    assert_eq!((seen[3].position, seen[3].deliver, seen[3].learn), (0, true, true));
    let end = [line("same"), line("3")].concat().len() as u64;
    assert_eq!(flight.confirmed().into_values().collect::<Vec<_>>(), [end]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_copy_that_a_truncation_leaves_gives_only_what_was_not_read_before() {
    let directory = Directory::new();
    directory.append("a.log", [line("1"), line("2")].concat());
    let trial = directory.follow("a.log*");
    until(&trial, &["1", "2"]).await;
    directory.append("a.log", line("3"));
    fs::copy(directory.path("a.log"), directory.path("a.log.1")).unwrap();
    fs::write(directory.path("a.log"), line("4")).unwrap();
    trial.until("all four", |seen| texts(seen).len() >= 4).await;
    a_while().await;
    let mut all = texts(&trial.stop().await);
    all.sort();
    assert_eq!(all, expect(&["1", "2", "3", "4"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn new_files_are_found_and_one_that_vanishes_ends_its_partition_with_its_last_half_line() {
    let directory = Directory::new();
    let trial = directory.follow("*.log");
    a_while().await;
    directory.append("b.log", format!("{}half", line("b")));
    until(&trial, &["b"]).await;
    fs::remove_file(directory.path("b.log")).unwrap();
    let ended = Seen::Ended(directory.partition("b.log"));
    trial.until("the end of b", |seen| seen.contains(&ended)).await;
    directory.append("c.log", line("c"));
    trial.until_lines(&[&text("b"), "half", &text("c")]).await;
    let seen = trial.stop().await;
    assert_eq!(seen[0], Seen::Assigned(directory.partition("b.log")));
    assert_eq!(seen[3], ended);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_reads_from_the_earlier_of_both_positions_and_says_what_is_new_to_whom() {
    let directory = Directory::new();
    let names = ["0", "1", "2", "3", "4"];
    directory.append("a.log", names.map(line).concat());
    let trial = directory.follow("*.log");
    until(&trial, &names).await;
    let first = lines(&trial.stop().await);
    let at = |index: usize| Some(first[index].position);
    // (C, R) → the first line read, the first delivered, the first learned.
    let table = [
        ((None, None), (0, 0, 0)),
        ((None, at(3)), (0, 0, 3)),
        ((at(2), None), (0, 2, 0)),
        ((at(3), at(1)), (1, 3, 1)),
        ((at(1), at(3)), (1, 1, 3)),
        ((Some(first[4].next), Some(first[4].next)), (5, 5, 5)),
    ];
    for ((committed, scored), (read, delivered, learned)) in table {
        let progress = Fixed([(first[0].origin.clone(), Known { committed, scored, open: None })].into());
        let trial = directory.follow_knowing("*.log", progress);
        let confirmed_from = trial.cx.flight.clone();
        trial.until("all lines", |seen| lines(seen).len() == 5 - read).await;
        if read == 5 {
            a_while().await;
        }
        let seen = trial.stop().await;
        for (index, line) in lines(&seen).iter().enumerate() {
            let number = index + read;
            assert_eq!(line.bytes, first[number].bytes);
            assert_eq!((line.deliver, line.learn), (number >= delivered, number >= learned), "{number}");
            assert_eq!(line.head.as_deref(), Some(first[0].bytes.as_slice()));
        }
        assert!(confirmed_from.confirmed()[&first[0].origin] >= committed.unwrap_or(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_replaced_while_nobody_looked_is_read_from_its_start() {
    let directory = Directory::new();
    directory.append("a.log", line("new"));
    let other = Origin::file(7);
    let progress = Fixed([(other, Known { committed: Some(5), scored: Some(5), open: None })].into());
    let trial = directory.follow_knowing("*.log", progress);
    until(&trial, &["new"]).await;
    assert!(lines(&trial.stop().await)[0].deliver);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_files_with_one_beginning_the_second_waits_until_the_first_is_left() {
    let directory = Directory::new();
    directory.append("a.log", [line("same"), line("1")].concat());
    directory.append("b.log", [line("same"), line("1"), line("2")].concat());
    let trial = directory.follow("*.log");
    until(&trial, &["same", "1"]).await;
    a_while().await;
    assert_eq!(texts(&trial.seen.lock().unwrap()).len(), 2);
    fs::remove_file(directory.path("a.log")).unwrap();
    until(&trial, &["same", "1", "2"]).await;
    trial.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_file_is_read_once_it_stands_still_and_its_plain_past_is_known_again() {
    let directory = Directory::new();
    directory.append("a.log", [line("1"), line("2")].concat());
    let trial = directory.follow("a.log*");
    until(&trial, &["1", "2"]).await;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all([line("1"), line("2"), line("3")].concat().as_bytes()).unwrap();
    let packed = encoder.finish().unwrap();
    let (begin, rest) = packed.split_at(packed.len() / 2);
    directory.rename("a.log", "rotated");
    directory.append("a.log.1.gz", begin);
    tokio::time::sleep(Duration::from_millis(600)).await;
    directory.append("a.log.1.gz", rest);
    directory.append("a.log", line("4"));
    trial.until("all four", |seen| texts(seen).len() >= 4).await;
    let ended = Seen::Ended(directory.partition("a.log.1.gz"));
    trial.until("the end of the compressed one", |seen| seen.contains(&ended)).await;
    a_while().await;
    let seen = trial.stop().await;
    let mut all = texts(&seen);
    all.sort();
    assert_eq!(all, expect(&["1", "2", "3", "4"]));
    assert_eq!(seen.iter().filter(|step| **step == ended).count(), 1, "it is not opened again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_file_that_breaks_off_is_quarantined_at_the_break_and_the_others_go_on() {
    let directory = Directory::new();
    let packed = zstd::stream::encode_all(line("1").repeat(3).as_bytes(), 1).unwrap();
    directory.append("a.zst", &packed[..packed.len() - 1]);
    directory.append("b.log", line("2"));
    let trial = directory.follow("*");
    trial.until("the break", |seen| lines(seen).iter().any(|line| line.reject.is_some())).await;
    directory.append("b.log", line("3"));
    trial.until("the line after", |seen| texts(seen).contains(&text("3"))).await;
    let metrics = trial.cx.metrics.clone();
    let seen = lines(&trial.stop().await);
    let broken = seen.iter().find(|line| line.reject.is_some()).unwrap();
    assert_eq!(broken.reject.as_ref().unwrap().0, Reason::Truncated);
    assert!(metrics.page().contains("floodmark_source_files_failed_total{source=\"flows\"} 1\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_file_that_is_completed_after_all_is_read_on_from_the_line_in_which_it_broke() {
    let directory = Directory::new();
    let names: Vec<String> = (0..2000).map(|number| format!("line-{number}-{}", number * 7919)).collect();
    let content: String = names.iter().map(|name| line(name)).collect();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content.as_bytes()).unwrap();
    let packed = encoder.finish().unwrap();
    let (begin, rest) = packed.split_at(packed.len() / 2);
    directory.append("a.gz", begin);
    let trial = directory.follow("*");
    trial.until("the break", |seen| lines(seen).iter().any(|line| line.reject.is_some())).await;
    directory.append("a.gz", rest);
    trial.until("the last line", |seen| texts(seen).last() == Some(&text(&names[1999]))).await;
    let seen = lines(&trial.stop().await);
    let whole: Vec<_> = seen.iter().filter(|line| line.reject.is_none()).collect();
    assert_eq!(seen.len(), 2001);
    assert!(whole.iter().zip(&names).all(|(seen, name)| seen.bytes == line(name).as_bytes()));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_partition_with_something_to_read_is_assigned_before_the_first_line_of_any() {
    let directory = Directory::new();
    for name in ["a.log", "b.log", "c.log"] {
        directory.append(name, line(name));
    }
    let trial = directory.follow("*.log");
    trial.until("all three", |seen| texts(seen).len() == 3).await;
    let seen = trial.stop().await;
    let assigned = ["a.log", "b.log", "c.log"].map(|name| Seen::Assigned(directory.partition(name)));
    assert_eq!(seen[..3], assigned);
}
