//! The buffer against a folder: what it gives back after a crash, after damage, and when it is full or the disk refuses.

mod staged;

use std::{fs, path::Path};

use tempfile::{TempDir, tempdir};

use super::*;
use crate::event::{DocumentKind, Documents, EventId, Receipt, Span};

/// `count` documents of `size` bytes, whose ids and text begin with `first`.
fn batch(first: u8, count: usize, size: usize) -> Documents {
    let mut documents = Documents::new(Receipt::unclaimed());
    for _ in 0..count {
        let start = documents.keys.len();
        documents.keys.extend_from_slice(b"host");
        documents.bytes.push(first);
        documents.bytes.resize(documents.bytes.len() + size - 2, b'.');
        documents.bytes.push(b'\n');
        let key = Span::new(start, documents.keys.len());
        documents.end_document(EventId([first; 16]), DocumentKind::Finding, 0, key);
    }
    documents
}

fn open(folder: &Path) -> Spool {
    Spool::open(folder, BUFFER_BYTES_MIN).unwrap()
}

fn append(spool: &mut Spool, batches: &[Documents]) {
    spool.append(batches.iter(), 5_000).unwrap();
}

/// Reads all that is ahead; the first byte of each frame's documents, and `0` for damage.
fn read_all(spool: &mut Spool) -> Vec<u8> {
    let mut found = Vec::new();
    while let Some(ahead) = spool.ahead().unwrap() {
        let mut documents = Documents::new(Receipt::unclaimed());
        match ahead {
            Ahead::Frame(head) if spool.read(&head, &mut documents).unwrap() => {
                found.push(documents.bytes[0])
            }
            Ahead::Frame(head) => {
                spool.skip(head.position + head.frame_bytes()).unwrap();
                found.push(0);
            }
            Ahead::Damaged(to) => {
                spool.skip(to).unwrap();
                found.push(0);
            }
        }
    }
    found
}

/// The segments in a folder, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let bases = segment::bases(folder).unwrap();
    bases.into_iter().map(|base| segment::path(folder, base)).collect()
}

/// A folder with three segments of one frame each, a, b and c, and a last one of the frames d and e.
fn four_segments() -> TempDir {
    let folder = tempdir().unwrap();
    let mut spool = open(folder.path());
    for first in *b"abc" {
        append(&mut spool, &[batch(first, 4, 300_000)]);
    }
    append(&mut spool, &[batch(b'd', 3, 100)]);
    append(&mut spool, &[batch(b'e', 2, 100)]);
    spool.save().unwrap();
    assert_eq!(spool.segments(), 4);
    folder
}

#[test]
fn what_was_not_delivered_is_read_again_in_order_and_before_what_is_new() {
    let folder = four_segments();
    let mut spool = open(folder.path());
    assert_eq!(spool.recovered(), 17);
    append(&mut spool, &[batch(b'f', 1, 100)]);
    assert_eq!(read_all(&mut spool), b"abcdef");
    assert!(!spool.is_unread());
    // Nothing of it is delivered, so it comes once more.
    drop(spool);
    let mut spool = open(folder.path());
    assert_eq!(spool.recovered(), 18);
    assert_eq!(read_all(&mut spool), b"abcdef");
}

#[test]
fn what_is_delivered_is_deleted_with_its_segment_and_does_not_come_again_once_it_is_marked() {
    let folder = four_segments();
    let mut spool = open(folder.path());
    let mut ends = Vec::new();
    for _ in 0..4 {
        let Some(Ahead::Frame(head)) = spool.ahead().unwrap() else { panic!("no frame") };
        assert!(spool.read(&head, &mut Documents::new(Receipt::unclaimed())).unwrap());
        ends.push(spool.position());
    }
    spool.delivered(ends[1]).unwrap();
    assert_eq!(files(folder.path()).len(), 2, "a and b are gone");
    spool.delivered(ends[3]).unwrap();
    assert_eq!(files(folder.path()).len(), 1, "e is in the file of d");
    spool.save().unwrap();
    assert_eq!(spool.oldest_ms(), Some(5_000));
    drop(spool);
    let mut spool = open(folder.path());
    assert_eq!((spool.recovered(), read_all(&mut spool)), (2, b"e".to_vec()));
}

#[test]
fn a_lost_mark_delivers_again_and_loses_nothing() {
    for mark in [None, Some(&b""[..]), Some(b"nonsense")] {
        let folder = four_segments();
        match mark {
            None => fs::remove_file(folder.path().join("mark")).unwrap(),
            Some(bytes) => fs::write(folder.path().join("mark"), bytes).unwrap(),
        }
        let mut spool = open(folder.path());
        assert_eq!((spool.recovered(), read_all(&mut spool)), (17, b"abcde".to_vec()));
    }
}

#[test]
fn half_of_a_frame_at_the_end_is_cut_off_wherever_it_was_cut_short() {
    let folder = four_segments();
    let last = files(folder.path()).pop().unwrap();
    let whole = fs::read(&last).unwrap();
    let mut next = Vec::new();
    let torn = batch(b'f', 2, 100);
    frame::write(&torn, 77, 1, &mut next);
    next.extend_from_slice(&torn.keys);
    next.extend_from_slice(&torn.bytes);
    for cut in [1, 20, frame::HEAD_BYTES, frame::HEAD_BYTES + 3, next.len() - 1] {
        fs::write(&last, [&whole[..], &next[..cut]].concat()).unwrap();
        let mut spool = open(folder.path());
        assert_eq!((spool.recovered(), read_all(&mut spool)), (17, b"abcde".to_vec()), "{cut}");
        assert_eq!(fs::read(&last).unwrap(), whole, "{cut}");
    }
    // A file that was only begun.
    let begun = segment::path(folder.path(), 99_999_999);
    for head in [&b""[..], b"fm", &segment::head(99_999_999)] {
        fs::write(&begun, head).unwrap();
        assert_eq!(read_all(&mut open(folder.path())), b"abcde");
        assert!(!begun.exists());
    }
}

#[test]
fn a_damaged_frame_is_told_and_kept_and_everything_around_it_is_delivered() {
    // In the body of b, in its head, in the head of its file, and in the last but one frame of the last file.
    for (file, at, expected, damaged) in
        [(1, 5_000, &b"a\0cde"[..], 4), (1, 30, b"a\0cde", 0), (1, 2, b"abcde", 0), (3, 200, b"abc\0e", 0)]
    {
        let folder = four_segments();
        let path = files(folder.path())[file].clone();
        let mut bytes = fs::read(&path).unwrap();
        bytes[at] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let mut spool = open(folder.path());
        assert_eq!(read_all(&mut spool), expected, "{file} {at}");
        let end = spool.position();
        spool.delivered(end).unwrap();
        assert_eq!(spool.take_damaged(), damaged, "{file} {at}");
        let kept = path.with_extension("damaged");
        match expected.contains(&0) {
            true => assert_eq!(fs::read(&kept).unwrap(), bytes, "kept for a person"),
            false => assert!(!kept.exists()),
        }
    }
}

#[test]
fn damage_at_the_very_end_is_not_taken_for_a_write_that_a_crash_cut_short() {
    let folder = four_segments();
    let last = files(folder.path()).pop().unwrap();
    let mut bytes = fs::read(&last).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&last, &bytes).unwrap();
    assert_eq!(read_all(&mut open(folder.path())), b"abcd\0");
    assert_eq!(fs::read(last.with_extension("damaged")).unwrap(), bytes);
}

#[test]
fn a_missing_segment_costs_only_itself() {
    let folder = four_segments();
    fs::remove_file(&files(folder.path())[1]).unwrap();
    assert_eq!(read_all(&mut open(folder.path())), b"acde");
}

#[test]
fn another_format_is_refused_with_the_file_and_what_helps() {
    let folder = four_segments();
    let path = files(folder.path())[2].clone();
    let mut bytes = fs::read(&path).unwrap();
    bytes[8..12].copy_from_slice(&2_u32.to_le_bytes());
    let checksum = frame::sum(&[&bytes[..12], &bytes[16..24]]);
    bytes[12..16].copy_from_slice(&checksum.to_le_bytes());
    fs::write(&path, &bytes).unwrap();
    let error = Spool::open(folder.path(), BUFFER_BYTES_MIN).unwrap_err();
    assert_eq!(error, BufferError::Format { path: path.clone(), found: 2, ours: 1 });
    assert!(error.to_string().contains("its format is 2, and this floodmark's is 1"), "{error}");
    assert_eq!(look_at_buffer(folder.path()), Err(error));
    assert_eq!(fs::read(&path).unwrap(), bytes, "nothing is touched");
}

#[test]
fn a_folder_has_one_holder() {
    let folder = tempdir().unwrap();
    let held = open(folder.path());
    assert!(matches!(Spool::open(folder.path(), BUFFER_BYTES_MIN), Err(BufferError::Locked { .. })));
    drop(held);
    open(folder.path());
}

#[test]
fn it_never_takes_more_than_its_limit_and_has_room_again_when_segments_are_delivered() {
    let folder = tempdir().unwrap();
    let mut spool = open(folder.path());
    let one = batch(b'x', 10, 70_000);
    let bytes = frame::frame_bytes(&one);
    let mut written = 0;
    while spool.fits(0, bytes) {
        append(&mut spool, std::slice::from_ref(&one));
        written += 1;
        let on_disk: u64 = files(folder.path()).iter().map(|file| fs::metadata(file).unwrap().len()).sum();
        assert_eq!(on_disk, spool.disk_bytes());
        assert!(on_disk <= BUFFER_BYTES_MIN, "{on_disk}");
    }
    assert_eq!(written, BUFFER_BYTES_MIN / bytes);
    assert!(!spool.fits(0, 3 * BUFFER_BYTES_MIN), "a larger one waits until nothing else is there");
    let count = read_all(&mut spool).len();
    assert_eq!(count as u64, written);
    let end = spool.position();
    spool.delivered(end).unwrap();
    assert!(spool.fits(0, bytes));
    assert!(spool.fits(0, 3 * BUFFER_BYTES_MIN), "one that is larger than all room passes alone");
    assert!(!spool.fits(bytes, 3 * BUFFER_BYTES_MIN));
}

#[test]
fn what_a_failed_sync_left_is_cut_off_and_written_again_into_a_new_file() {
    let folder = tempdir().unwrap();
    let mut spool = open(folder.path());
    append(&mut spool, &[batch(b'a', 1, 100)]);
    let len = fs::metadata(&files(folder.path())[0]).unwrap().len();
    for _ in 0..3 {
        spool.fail_sync = true;
        assert!(spool.append([batch(b'b', 1, 100)].iter(), 1).is_err());
        assert_eq!(fs::metadata(&files(folder.path())[0]).unwrap().len(), len);
    }
    append(&mut spool, &[batch(b'b', 1, 100)]);
    assert_eq!(files(folder.path()).len(), 2);
    assert_eq!(read_all(&mut spool), b"ab");
    drop(spool);
    assert_eq!(read_all(&mut open(folder.path())), b"ab");
}

#[test]
fn what_could_not_be_cut_off_after_a_failed_write_is_not_read() {
    let folder = tempdir().unwrap();
    let mut spool = open(folder.path());
    append(&mut spool, &[batch(b'a', 1, 100)]);
    spool.fail_sync = true;
    assert!(spool.append([batch(b'b', 1, 100)].iter(), 1).is_err());
    append(&mut spool, &[batch(b'c', 1, 100)]);
    drop(spool);
    let first = files(folder.path())[0].clone();
    let mut bytes = fs::read(&first).unwrap();
    let again = bytes[24..].to_vec();
    bytes.extend_from_slice(&again);
    fs::write(&first, bytes).unwrap();
    assert_eq!(read_all(&mut open(folder.path())), b"ac");
}

#[test]
fn a_buffer_whose_sink_is_gone_is_found_and_an_empty_one_is_not_told() {
    let root = tempdir().unwrap();
    for (name, holds) in [("siem", true), ("old", true), ("empty", false), ("a/b", true)] {
        let mut spool = open(&root.path().join(folder_name(name)));
        append(&mut spool, &[batch(b'a', 1, 100)]);
        if !holds {
            read_all(&mut spool);
            let end = spool.position();
            spool.delivered(end).unwrap();
            spool.save().unwrap();
        }
    }
    let found = left_behind(root.path(), &["siem", "a/b"]);
    assert_eq!(found.iter().map(|(folder, _)| folder.clone()).collect::<Vec<_>>(), [root.path().join("old")]);
    assert_eq!(found[0].1, frame::frame_bytes(&batch(b'a', 1, 100)));
    assert_eq!(folder_name("../x y"), "%2e.%2fx%20y");
}
