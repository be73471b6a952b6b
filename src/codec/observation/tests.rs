//! Tests of the observation: what is written is read, the bytes stay as they are, and nothing else passes.

#![allow(clippy::unwrap_used)]

use proptest::{collection::vec, option, prelude::*, sample::select};

use super::*;

/// What an observation of all fields in order says.
type Row = Vec<Option<Value>>;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Uint(u64),
    Address(IpAddr),
    Text(Vec<u8>),
}

fn written(kind: KeyKind, sends: bool, stream: &[u8], row: &Row) -> Vec<u8> {
    let mut out = Vec::new();
    let say = |field| {
        let place = CARRIED.iter().position(|carried| *carried == field).unwrap();
        row[place].as_ref().map(|value| match value {
            Value::Uint(number) => Said::Uint(*number),
            Value::Address(address) => Said::Address(*address),
            Value::Text(text) => Said::Text(text),
        })
    };
    write(kind, sends, stream, say, &mut out);
    out
}

fn back(bytes: &[u8]) -> Result<(Head, Row), ObservationError> {
    let mut row = vec![None; CARRIED.len()];
    let head = read(bytes, |field, found| {
        let place = CARRIED.iter().position(|carried| *carried == field).unwrap();
        row[place] = Some(match found {
            Found::Uint(number) => Value::Uint(number),
            Found::Address(address) => Value::Address(address),
            Found::Text(range) => Value::Text(bytes[range].to_vec()),
            Found::Word(word) => Value::Text(word.to_vec()),
        });
    })?;
    Ok((head, row))
}

fn value(kind: Kind) -> BoxedStrategy<Value> {
    let words = select(vec![b"ACCEPT".to_vec(), b"REJECT".to_vec()]);
    match kind {
        Kind::Uint(most) => (0..=most).prop_map(Value::Uint).boxed(),
        Kind::Address => prop_oneof![
            any::<[u8; 4]>().prop_map(|octets| Value::Address(octets.into())),
            any::<[u8; 16]>().prop_map(|octets| Value::Address(octets.into())),
        ]
        .boxed(),
        _ => prop_oneof![words, vec(any::<u8>(), 0..200)].prop_map(Value::Text).boxed(),
    }
}

fn row() -> impl Strategy<Value = Row> {
    CARRIED.map(|field| option::of(value(field.info().kind))).to_vec()
}

/// A line of AWS's default format, as in its documentation.
fn default_row() -> Row {
    let mut row: Row = vec![None; CARRIED.len()];
    for (field, value) in [
        (Field::End, Value::Uint(1_418_530_070)),
        (Field::Start, Value::Uint(1_418_530_010)),
        (Field::Bytes, Value::Uint(4_249)),
        (Field::Packets, Value::Uint(20)),
        (Field::SrcAddr, Value::Address([172, 31, 16, 139].into())),
        (Field::DstAddr, Value::Address([172, 31, 16, 21].into())),
        (Field::SrcPort, Value::Uint(20_641)),
        (Field::DstPort, Value::Uint(22)),
        (Field::Protocol, Value::Uint(6)),
        (Field::Action, Value::Text(b"ACCEPT".to_vec())),
        (Field::AccountId, Value::Text(b"123456789010".to_vec())),
        (Field::InterfaceId, Value::Text(b"eni-1235b8ca123456789".to_vec())),
    ] {
        row[CARRIED.iter().position(|carried| *carried == field).unwrap()] = Some(value);
    }
    row
}

#[test]
fn the_bytes_of_an_observation_are_those_that_version_1_wrote() {
    let bytes = written(KeyKind::Entity, true, b"flows/vpc/3", &default_row());
    let golden: &[&[u8]] = &[
        &[b'o', 1, 0x60, 11],
        b"flows/vpc/3",
        &[0xff, 0x1f],
        &[0x96, 0x9a, 0xb4, 0xa4, 0x05],
        &[120],
        &[0x99, 0x21, 20],
        &[172, 31, 16, 139, 172, 31, 16, 21],
        &[0xa1, 0xa1, 0x01, 22, 6, 0],
        &[20],
        b"123456789010",
        &[29],
        b"eni-1235b8ca123456789.",
    ];
    assert_eq!(bytes, golden.concat());
}

#[test]
fn a_mark_is_what_version_1_wrote_and_no_observation() {
    let mut bytes = Vec::new();
    write_mark(b"flows/vpc/3", 1_418_530_070, 12, &mut bytes);
    assert_eq!(
        bytes,
        [&[b'o', 1, 31, 11], &b"flows/vpc/3"[..], &[0x96, 0x9a, 0xb4, 0xa4, 0x05, 12, b'.']].concat()
    );
    assert_eq!(peek(&bytes), Ok(Told::Passed(b"flows/vpc/3", 1_418_530_070, 12)));
    assert_eq!(back(&bytes), Err(ObservationError::Unknown));
    assert_eq!(peek(&bytes[..bytes.len() - 1]), Err(ObservationError::Torn));
    bytes.push(b'\n');
    assert_eq!(peek(&bytes), Ok(Told::Passed(b"flows/vpc/3", 1_418_530_070, 12)), "as a source brings it");
}

#[test]
fn an_observation_is_smaller_than_its_line() {
    let line = "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 \
                1418530070 ACCEPT OK";
    let bytes = written(KeyKind::Entity, true, b"flows/vpc/3", &default_row()).len();
    assert_eq!((bytes, line.len()), (76, 114));
}

#[test]
fn what_is_no_observation_of_this_version_says_what_it_is() {
    let bytes = written(KeyKind::Entity, false, b"s", &default_row());
    let changed = |at: usize, byte: u8| {
        let mut changed = bytes.clone();
        changed[at] = byte;
        back(&changed).unwrap_err()
    };
    assert_eq!(changed(0, b'2'), ObservationError::Foreign);
    assert_eq!(changed(1, 2), ObservationError::Version(2));
    assert_eq!(changed(2, KeyKind::ALL.len() as u8), ObservationError::Unknown);
    assert_eq!(changed(2, 0x80), ObservationError::Unknown);
    assert_eq!(back(b"").unwrap_err(), ObservationError::Torn);
}

#[test]
fn the_numbers_of_fields_kinds_and_words_never_change() {
    let names: Vec<&str> = CARRIED.iter().map(|field| field.info().name).collect();
    assert_eq!(
        names.join(" "),
        "end start bytes packets srcaddr dstaddr srcport dstport protocol action account-id interface-id tcp-flags \
         pkt-srcaddr pkt-dstaddr region vpc-id instance-id ecs-service-name instance-tag instance-tag-2 interface-tag \
         interface-tag-2 asg-tag asg-tag-2 interface-type next-hop-interface-type pkt-src-aws-service \
         pkt-dst-aws-service traffic-path"
    );
    assert!(KeyKind::ALL.iter().enumerate().all(|(number, kind)| *kind as usize == number));
    assert_eq!(WORDS, [b"ACCEPT", b"REJECT"]);
}

proptest! {
    #[test]
    fn what_is_written_is_read(row in row(), sends: bool, stream in vec(any::<u8>(), 0..40), kind in 0..5_usize) {
        let kind = KeyKind::ALL[kind];
        let mut bytes = written(kind, sends, &stream, &row);
        for _ in 0..2 {
            let (head, said) = back(&bytes).unwrap();
            prop_assert_eq!((head.kind, head.sends, &bytes[head.stream.clone()]), (kind, sends, &*stream));
            prop_assert_eq!(&said, &row);
            let end = match row[0] { Some(Value::Uint(end)) => end, _ => 0 };
            prop_assert_eq!(peek(&bytes).unwrap(), Told::Ended(&stream, end));
            // As a source brings it.
            bytes.push(b'\n');
        }
    }

    #[test]
    fn a_part_of_an_observation_is_none(row in row(), cut in 1..40_usize) {
        let bytes = written(KeyKind::Entity, true, b"stream", &row);
        let left = bytes.len().saturating_sub(cut);
        prop_assert!(back(&bytes[..left]).is_err());
        prop_assert!(back(&[&bytes[..left], b"\n"].concat()).is_err(), "what a source puts behind it makes it whole");
        prop_assert_eq!(back(&[&*bytes, b"\n\n"].concat()), Err(ObservationError::Torn));
    }

    #[test]
    fn any_bytes_are_refused_or_read_and_written_the_same(tail in vec(any::<u8>(), 0..120)) {
        let bytes = [&[MAGIC, VERSION], &*tail].concat();
        if let Ok((head, row)) = back(&bytes) {
            let stream = bytes[head.stream.clone()].to_vec();
            let again = written(head.kind, head.sends, &stream, &row);
            prop_assert_eq!(back(&again), Ok((Head { stream: head.stream, ..head }, row)));
        }
    }
}
