//! Tests of the format: what was written comes back, and nothing else passes.

use std::{collections::BTreeMap, fs, io::Read, os::unix::fs::PermissionsExt};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

type Rows = BTreeMap<(bool, Vec<u8>), Vec<u8>>;

fn facts() -> Facts {
    let settings = [("half_life", "1209600"), ("zone", "")];
    Facts {
        geometry: 3,
        features: schema_hash(["bytes", "ports"]),
        seed: 0x5eed,
        created_ms: 1_795_338_900_000,
        settings: settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
    }
}

fn section(is_scoring: bool) -> Section {
    if is_scoring { Section::Scoring } else { Section::Positions }
}

fn bytes_of(facts: &Facts, rows: &Rows) -> (Vec<u8>, Written) {
    let mut writer = SnapshotWriter::new(Vec::new(), facts).unwrap();
    for ((is_scoring, key), value) in rows {
        writer.put(section(*is_scoring), key, value).unwrap();
    }
    writer.finish().unwrap()
}

fn read(bytes: impl Read) -> Result<(Facts, Rows, String), SnapshotError> {
    let mut reader = SnapshotReader::new(bytes)?;
    let mut rows = Rows::new();
    while let Some(Row { section, key, value }) = reader.next_row()? {
        rows.insert((section == Section::Scoring, key.to_vec()), value.to_vec());
    }
    Ok((reader.facts().clone(), rows, reader.id().unwrap().to_owned()))
}

/// Rows of several blocks, that do not pack to nothing.
fn many() -> Rows {
    let mut number = 1_u64;
    let mut next = move || {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (number >> 33) as u8
    };
    let mut row =
        |index: u32| ((index >= 5, index.to_be_bytes().to_vec()), (0..2_000).map(|_| next()).collect());
    (0..600).map(&mut row).collect()
}

/// A file whose sums are right, whatever it holds: the head, then `rest`, and an end with `counts`.
fn forged(rest: &[u8], counts: [u64; 2]) -> Vec<u8> {
    let (mut bytes, _) = bytes_of(&facts(), &Rows::new());
    bytes.truncate(bytes.len() - END_BYTES);
    bytes.extend_from_slice(rest);
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&counts.map(u64::to_le_bytes).concat());
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
    bytes.extend_from_slice(digest.as_ref());
    bytes
}

fn block(section: u8, rows: u32, raw: &[u8]) -> Vec<u8> {
    framed(section, rows, raw.len() as u32, &zstd::bulk::compress(raw, 1).unwrap())
}

fn framed(section: u8, rows: u32, raw_len: u32, packed: &[u8]) -> Vec<u8> {
    let lengths = [rows, raw_len, packed.len() as u32].map(u32::to_le_bytes).concat();
    let mut out = [&[section, 0, 0, 0][..], &lengths].concat();
    let sum = crc::crc32c(&[&out, packed]);
    out.extend_from_slice(&sum.to_le_bytes());
    out.extend_from_slice(packed);
    out
}

proptest! {
    #[test]
    fn what_was_written_comes_back_and_equal_content_is_equal_bytes(
        rows in proptest::collection::btree_map(
            (any::<bool>(), proptest::collection::vec(any::<u8>(), 0..40)),
            proptest::collection::vec(any::<u8>(), 0..600),
            0..60,
        ),
        geometry: u32, features: u64, seed: u64, created_ms: u64,
        settings: BTreeMap<String, String>,
    ) {
        let facts = Facts { geometry, features, seed, created_ms, settings };
        let (bytes, written) = bytes_of(&facts, &rows);
        prop_assert_eq!(&bytes, &bytes_of(&facts, &rows).0);
        prop_assert_eq!(written.bytes, bytes.len() as u64);
        prop_assert_eq!(written.rows, rows.len() as u64);
        let whole = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
        prop_assert_eq!(&written.sha256[..], whole.as_ref());
        prop_assert_eq!(read(bytes.as_slice()).unwrap(), (facts, rows, written.id));
    }

    #[test]
    fn bytes_that_nobody_wrote_are_refused_without_a_panic(bytes: Vec<u8>, version: bool) {
        prop_assert!(read(bytes.as_slice()).is_err());
        let head = if version { [&MAGIC[..], &1_u32.to_le_bytes()].concat() } else { MAGIC.to_vec() };
        prop_assert!(read([head, bytes].concat().as_slice()).is_err());
    }

    #[test]
    fn a_block_whose_sums_are_right_and_whose_rows_are_not_is_refused_without_a_panic(
        raw: Vec<u8>, rows in 0_u32..4, named in 0_u8..4,
    ) {
        let bytes = forged(&block(named, rows, &raw), [u64::from(rows), raw.len() as u64]);
        if let Ok((_, found, _)) = read(bytes.as_slice()) {
            prop_assert!(found.len() == rows as usize && (1..3).contains(&named));
        }
    }
}

#[test]
fn the_id_tells_content_from_content() {
    let (_, one) = bytes_of(&facts(), &many());
    let mut other = many();
    *other.last_entry().unwrap().get_mut() = vec![7];
    assert_ne!(one.id, bytes_of(&facts(), &other).1.id);
    let later = Facts { created_ms: 0, ..facts() };
    assert_ne!(one.id, bytes_of(&later, &many()).1.id);
    assert!(one.id.len() == 16 && one.id.chars().all(|digit| digit.is_ascii_hexdigit()));
}

#[test]
fn a_file_cut_off_anywhere_is_refused_and_says_where_it_ends() {
    let (bytes, _) = bytes_of(&facts(), &many());
    let places = (0..150).chain((150..bytes.len()).step_by(9_973)).chain(bytes.len() - 60..bytes.len());
    for cut in places {
        match read(&bytes[..cut]) {
            Err(SnapshotError::Truncated(at)) => assert_eq!(at, cut as u64),
            other => panic!("cut at {cut}: {other:?}"),
        }
    }
    let error = read(&bytes[..500]).unwrap_err().to_string();
    assert!(error.contains("at byte 500") && error.contains("copy it again"), "{error}");
}

#[test]
fn a_bit_flipped_anywhere_is_found() {
    let rows = many().into_iter().take(140).collect();
    let (bytes, _) = bytes_of(&facts(), &rows);
    for at in (0..150).chain((150..bytes.len()).step_by(2_003)).chain(bytes.len() - 60..bytes.len()) {
        for bit in [0, 3, 7] {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            assert!(read(flipped.as_slice()).is_err(), "bit {bit} of byte {at}");
        }
    }
    let mut flipped = bytes.clone();
    flipped[3_000] ^= 1;
    let error = read(flipped.as_slice()).unwrap_err().to_string();
    assert!(error.contains("damaged at byte") && error.contains("take an older one"), "{error}");
}

#[test]
fn another_version_and_what_is_no_snapshot_are_refused_with_the_remedy() {
    let (mut bytes, _) = bytes_of(&facts(), &Rows::new());
    bytes[8] = 9;
    let error = read(bytes.as_slice()).unwrap_err();
    assert!(matches!(error, SnapshotError::Version(9)), "{error}");
    assert!(error.to_string().contains("is of version 9, this program reads version 1"), "{error}");
    for other in [&b"version account-id interface-id\n"[..], b"\x28\xb5\x2f\xfd", b"x", b""] {
        let error = read(other).unwrap_err();
        let expected = if other.is_empty() { "ends at byte 0" } else { "does not begin as one does" };
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn a_forged_file_makes_no_reader_allocate_what_it_has_not_got() {
    // A block that says it is 4 GiB long, and one that unpacks to more than it says.
    for (rest, cause) in [
        (framed(2, 1, u32::MAX, b"x"), "longer than any"),
        (framed(2, 1, BLOCK_BYTES_MAX as u32, b"x"), "unpack"),
        (framed(2, 1, 10, &zstd::bulk::compress(&[0; 1 << 20], 1).unwrap()), "unpack"),
        (framed(4, 1, 3, b"x"), "no such block"),
        (block(2, 1, b"\x01\x01ab\x01"), "do not fit"),
        (block(2, 2, b"\x01\x01ab"), "do not fit"),
        (block(2, 1, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "do not fit"),
        (block(2, 2, b"\x01\x00b\x01\x00a"), "order"),
        (block(2, 2, b"\x01\x00a\x01\x00a"), "order"),
        ([block(2, 1, b"\x01\x00a"), block(1, 1, b"\x01\x00b")].concat(), "order"),
        (block(2, 1, b"\x01\x00a"), "as many rows"),
    ] {
        let error = read(forged(&rest, [7, 7]).as_slice()).unwrap_err().to_string();
        assert!(error.contains(cause), "{error} instead of {cause}");
    }
    let longer = [bytes_of(&facts(), &Rows::new()).0, vec![0]].concat();
    assert!(read(longer.as_slice()).unwrap_err().to_string().contains("something follows"));
}

#[test]
fn rows_out_of_order_and_rows_too_long_are_not_written() {
    let writer = || SnapshotWriter::new(Vec::new(), &facts()).unwrap();
    let mut one = writer();
    one.put(Section::Scoring, b"b", b"").unwrap();
    assert!(matches!(one.put(Section::Scoring, b"b", b""), Err(SnapshotError::Order)));
    let mut other = writer();
    other.put(Section::Scoring, b"b", b"").unwrap();
    assert!(matches!(other.put(Section::Positions, b"c", b""), Err(SnapshotError::Order)));
    let long = vec![0; ROW_BYTES_MAX];
    assert!(matches!(writer().put(Section::Scoring, b"b", &long), Err(SnapshotError::TooLarge(_))));
    let mut most = writer();
    most.put(Section::Scoring, b"a", &[1; BLOCK_BYTES - 5]).unwrap();
    most.put(Section::Scoring, b"b", &long[1..]).unwrap();
    let (bytes, written) = most.finish().unwrap();
    assert_eq!(read(bytes.as_slice()).unwrap().2, written.id);
}

#[test]
fn a_file_is_its_owners_alone_and_nothing_is_left_of_one_that_failed() {
    let folder = TempDir::new().unwrap();
    let (temporary, path) = (folder.path().join("x.tmp"), folder.path().join("x"));
    fs::write(&temporary, "what a crash left, for all to read").unwrap();
    let one = |writer: &mut SnapshotWriter<_>| writer.put(Section::Scoring, b"k", b"v");
    let written = write_temporary(&temporary, &facts(), one).unwrap();
    give_name(&temporary, &path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(read(fs::File::open(&path).unwrap()).unwrap().2, written.id);
    let failed = write_temporary(&temporary, &facts(), |_| Err(SnapshotError::Order));
    assert!(matches!(failed, Err(SnapshotError::Order)));
    let names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["x"]);
    assert!(!format!("{:?}", facts()).contains(&0x5eed.to_string()), "the seed is no secret any more");
}
