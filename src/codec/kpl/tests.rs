//! What is an aggregate and what is not, and what is taken out of one.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

type Taken = (Vec<u8>, u32, Option<Vec<u8>>, Option<Vec<u8>>, bool);

fn taken(record: &[u8], range: HashRange) -> Result<Vec<Taken>, Option<Broken>> {
    let mut opener = Opener::default();
    let mut aggregate = match opener.open(record, range) {
        Opened::Plain => return Err(None),
        Opened::Broken(broken) => return Err(Some(broken)),
        Opened::Aggregate(aggregate) => aggregate,
    };
    let count = aggregate.len();
    let each = |user: UserRecord<'_>| {
        let [key, explicit] = [user.partition_key, user.explicit_hash_key].map(|key| key.map(<[u8]>::to_vec));
        (user.content.of(record).to_vec(), user.sub_sequence, key, explicit, user.outside)
    };
    let records: Vec<Taken> = aggregate.records().map(each).collect();
    assert_eq!(records.len(), count);
    Ok(records)
}

/// Field `number` with these bytes, shorter than 128.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, bytes.len() as u8], bytes].concat()
}

fn two() -> Vec<u8> {
    let mut aggregator = Aggregator::default();
    aggregator.push("a", None, b"one");
    aggregator.push("b", Some("7"), b"two");
    aggregator.finish()
}

#[test]
fn user_records_come_with_their_keys_and_their_place_in_the_aggregate() {
    let expected = [
        (b"one".to_vec(), 0, Some(b"a".to_vec()), None, false),
        (b"two".to_vec(), 1, Some(b"b".to_vec()), Some(b"7".to_vec()), false),
    ];
    assert_eq!(taken(&two(), HashRange::ALL).unwrap(), expected);
}

#[test]
fn a_record_without_the_magic_or_with_a_wrong_checksum_or_cut_anywhere_is_plain() {
    let whole = two();
    assert_eq!(taken(b"2 123456789010 eni-1", HashRange::ALL), Err(None));
    assert_eq!(taken(b"", HashRange::ALL), Err(None));
    for end in 0..whole.len() {
        let broken = match end {
            0..4 => None,
            4..=20 => Some(Broken::TooShort),
            _ => Some(Broken::Checksum),
        };
        assert_eq!(taken(&whole[..end], HashRange::ALL), Err(broken), "{end}");
    }
    for at in 4..whole.len() {
        let mut bad = whole.clone();
        bad[at] ^= 1;
        assert_eq!(taken(&bad, HashRange::ALL), Err(Some(Broken::Checksum)), "{at}");
    }
}

#[test]
fn a_malformed_protobuf_under_a_right_checksum_is_plain_so_that_its_bytes_are_not_lost() {
    let record = field(3, &[&[8, 0][..], &field(3, b"x")].concat());
    assert_eq!(taken(&sealed(&record), HashRange::ALL).unwrap().len(), 1);
    for protobuf in [
        b"\x1a\x05ab".to_vec(),    // a record that breaks off
        field(3, &[8, 0]),         // without data
        field(3, &field(3, b"x")), // without the index of its key
        field(3, &[&[8, 0][..], &field(3, b"x"), &field(4, &[])].concat()), // a tag without its key
        [&record[..], &[0x0c]].concat(), // the end of a group that never began
        [&record[..], &[0x00, 0x00]].concat(), // a field of number 0
        [&record[..], &[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]].concat(),
        vec![0x80; 12],
    ] {
        assert_eq!(taken(&sealed(&protobuf), HashRange::ALL), Err(Some(Broken::Malformed)), "{protobuf:x?}");
    }
}

#[test]
fn unknown_fields_and_known_ones_of_another_type_are_skipped_and_the_last_of_a_field_counts() {
    let record = [
        &[8, 9, 8, 0][..],
        &field(3, b"x"),
        &field(3, b"y"),
        &field(4, &field(1, b"tag")),
        &field(9, b"unknown"),
        &[0x1d, 1, 2, 3, 4], // data as four fixed bytes
    ];
    let aggregate =
        [&field(3, &record.concat())[..], &[8, 5], &field(7, b"unknown"), &field(1, b"key")].concat();
    let expected = [(b"y".to_vec(), 0, Some(b"key".to_vec()), None, false)];
    assert_eq!(taken(&sealed(&aggregate), HashRange::ALL).unwrap(), expected);
}

#[test]
fn a_user_record_whose_key_is_not_in_the_tables_is_kept() {
    let record = [&[8, 3, 16, 4][..], &field(3, b"kept")].concat();
    let range = HashRange { start: 5, end: 5 };
    let expected = [(b"kept".to_vec(), 0, None, None, false)];
    assert_eq!(taken(&sealed(&field(3, &record)), range).unwrap(), expected);
}

#[test]
fn user_records_outside_the_shards_hash_keys_are_marked_and_their_neighbours_are_kept() {
    let of_a = hash_of(b"a");
    let mut aggregator = Aggregator::default();
    aggregator.push("a", None, b"one");
    aggregator.push("a", Some("7"), b"two");
    aggregator.push("a", Some("340282366920938463463374607431768211455"), b"three");
    aggregator.push("a", Some("no number"), b"four");
    let aggregate = aggregator.finish();
    let outside =
        |range| -> Vec<bool> { taken(&aggregate, range).unwrap().iter().map(|taken| taken.4).collect() };
    assert_eq!(outside(HashRange::ALL), [false; 4]);
    assert_eq!(outside(HashRange { start: of_a, end: of_a }), [false, true, true, false]);
    assert_eq!(outside(HashRange { start: 0, end: 7 }), [true, false, true, false]);
    assert_eq!(outside(HashRange { start: 8, end: u128::MAX }), [false, true, false, false]);
}

#[test]
fn a_hash_key_is_the_explicit_number_or_the_md5_of_the_partition_key() {
    // The MD5 of "a" is 0cc175b9c0f1b6a831c399e269772661.
    assert_eq!(hash_of(b"a"), 0x0cc1_75b9_c0f1_b6a8_31c3_99e2_6977_2661);
    let aggregate = two();
    let mut opener = Opener::default();
    let Opened::Aggregate(mut aggregate) = opener.open(&aggregate, HashRange::ALL) else {
        panic!("an aggregate")
    };
    let keys: Vec<Option<u128>> = aggregate.records().map(|user| user.hash_key()).collect();
    assert_eq!(keys, [Some(hash_of(b"a")), Some(7)]);
    assert_eq!(explicit_number(b"+7"), None);
}

#[test]
fn more_user_records_or_keys_than_the_most_are_a_plain_record() {
    let record = [0x1a, 4, 8, 0, 0x1a, 0];
    let key = [0x0a, 0];
    for one in [record.as_slice(), key.as_slice()] {
        assert!(taken(&sealed(&one.repeat(ENTRIES_MAX)), HashRange::ALL).is_ok());
        let over = sealed(&one.repeat(ENTRIES_MAX + 1));
        assert_eq!(taken(&over, HashRange::ALL), Err(Some(Broken::TooMany)));
    }
}

#[test]
fn an_opener_remembers_nothing_of_the_record_before() {
    let mut opener = Opener::default();
    let first = two();
    assert!(matches!(opener.open(&first, HashRange { start: 0, end: 0 }), Opened::Aggregate(_)));
    let second = sealed(&field(3, &[&[8, 0][..], &field(3, b"x")].concat()));
    let Opened::Aggregate(mut aggregate) = opener.open(&second, HashRange { start: 0, end: 0 }) else {
        panic!("an aggregate")
    };
    assert_eq!(aggregate.records().map(|user| user.partition_key).collect::<Vec<_>>(), [None]);
}

proptest! {
    #[test]
    fn what_is_aggregated_is_taken_out_again(
        users in prop::collection::vec(("[a-z]{0,3}", prop::option::of(any::<u128>()), any::<Vec<u8>>()), 1..40),
        start: u128,
        end: u128,
    ) {
        let range = HashRange { start, end };
        let mut aggregator = Aggregator::default();
        let mut expected = Vec::new();
        for (at, (key, explicit, data)) in users.into_iter().enumerate() {
            let decimal = explicit.map(|number| number.to_string());
            aggregator.push(&key, decimal.as_deref(), &data);
            let outside = !range.contains(explicit.unwrap_or_else(|| hash_of(key.as_bytes())));
            expected.push((data, at as u32, Some(key.into_bytes()), decimal.map(String::into_bytes), outside));
        }
        prop_assert_eq!(taken(&aggregator.finish(), range).unwrap(), expected);
        prop_assert!(aggregator.is_empty());
    }

    #[test]
    fn any_protobuf_is_an_aggregate_whose_records_stand_inside_it_or_is_plain(protobuf: Vec<u8>) {
        let _ = taken(&sealed(&protobuf), HashRange { start: 1, end: 9 });
    }
}
