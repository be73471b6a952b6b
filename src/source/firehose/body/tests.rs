//! What a body becomes, whatever is in it.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;

use super::*;

const LIMITS: BodyLimits = BodyLimits { body_bytes_max: 64 << 20, record_bytes_max: 1 << 20 };

fn read(text: &str) -> Result<Body, BodyError> {
    decode(text.as_bytes(), LIMITS)
}

fn body(records: &str) -> Body {
    read(&format!("{{\"requestId\":\"a\",\"timestamp\":1,\"records\":[{records}]}}")).unwrap()
}

fn record(bytes: &[u8]) -> String {
    format!("{{\"data\":\"{}\"}}", BASE64.encode(bytes))
}

/// The bytes of each record, and why it is rejected, where it is.
fn records(body: &Body) -> Vec<(Vec<u8>, Option<Reason>)> {
    let mut all = Vec::new();
    for piece in &body.pieces {
        let mut start = 0;
        for (index, record) in piece.records.iter().enumerate() {
            assert_eq!(record.position, all.len() as u64, "positions count on from piece to piece");
            let reject = piece.rejects.iter().find(|reject| reject.entry.record as usize == index);
            all.push((piece.bytes[start..record.end as usize].to_vec(), reject.map(|reject| reject.reason)));
            start = record.end as usize;
        }
    }
    assert_eq!(all.len(), body.records);
    all
}

#[test]
fn records_come_out_in_order_with_their_line_ends_and_empty_ones_stay_empty() {
    let gzip = {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(b"2 1").unwrap();
        encoder.finish().unwrap()
    };
    let all = [record(b"one"), record(b""), record(b"two\n"), record(&gzip)];
    let body = body(&all.join(" ,\n"));
    assert_eq!(body.request.as_deref(), Some("a"));
    let wanted = [&b"one\n"[..], b"", b"two\n", &gzip].map(|bytes| (bytes.to_vec(), None::<Reason>)).to_vec();
    assert_eq!(records(&body), wanted, "what is compressed is left as it is");
    assert_eq!(body.pieces[0].added_bytes, 1);
}

#[test]
fn a_record_that_cannot_be_decoded_is_rejected_alone() {
    let rows = [
        ("{\"data\":\"b25l\"}", "one\n", None),
        ("{\"data\":\"b25l!\"}", "b25l!", Some(Reason::BadEncoding)),
        ("{\"data\":\"b\"}", "b", Some(Reason::BadEncoding)),
        ("{\"data\":7}", "7", Some(Reason::BadEncoding)),
        ("{\"data\":null}", "null", Some(Reason::BadEncoding)),
        ("{\"other\":\"b25l\"}", "", Some(Reason::BadEncoding)),
        ("{}", "", Some(Reason::BadEncoding)),
        ("[1, \"]\"]", "[1, \"]\"]", Some(Reason::BadEncoding)),
        ("\"b25l\"", "\"b25l\"", Some(Reason::BadEncoding)),
        ("{\"data\":\"dHdv\"}", "two\n", None),
    ];
    let texts: Vec<_> = rows.iter().map(|(text, ..)| *text).collect();
    let found = records(&body(&texts.join(",")));
    for ((text, bytes, reason), found) in rows.iter().zip(found) {
        assert_eq!(found, (bytes.as_bytes().to_vec(), *reason), "{text}");
    }
}

#[test]
fn padding_may_be_missing_escapes_are_undone_and_the_last_of_two_counts() {
    let body =
        body("{\"data\":\"YQ\"},{\"data\":\"P\\/8\\u003d\"},{\"data\":\"YQ==\",\"x\":[],\"data\":\"Yg==\"}");
    let wanted: Vec<_> = [&b"a\n"[..], b"\x3f\xff\n", b"b\n"].map(|bytes| (bytes.to_vec(), None)).to_vec();
    assert_eq!(records(&body), wanted);
}

#[test]
fn a_record_as_awss_documentation_shows_it_is_taken_as_its_json() {
    let json = "{\"owner\": \"1\", \"logEvents\": [{\"message\": \"a } \\\" b\"}]}";
    let found = records(&body(&format!("{{\"data\": {json}}}")));
    assert_eq!(found, [(format!("{json}\n").into_bytes(), None)]);
}

#[test]
fn a_record_over_its_limit_is_rejected_with_as_much_of_it_and_its_neighbours_go_on() {
    let limits = BodyLimits { record_bytes_max: 1000, ..LIMITS };
    for long in [1001, 1002, 1003, 1004, 5000, 200_000] {
        let text = [record(b"one"), record(&vec![b'x'; long]), record(&vec![b'y'; 1000])].join(",");
        let body = decode(format!("{{\"records\":[{text}]}}").as_bytes(), limits).unwrap();
        let found = records(&body);
        assert_eq!(found[1], (vec![b'x'; 1000], Some(Reason::RecordTooLong)), "{long}");
        assert_eq!((found[0].1, found[2].1, found[2].0.len()), (None, None, 1001));
    }
}

#[test]
fn pieces_are_bounded_and_hold_no_more_room_than_they_fill() {
    for size in [1, 100, 40_000, 130_000, 1_000_000] {
        let count = (8_000_000 / size).min(RECORDS_MAX);
        let text: Vec<_> = (0..count).map(|_| record(&vec![b'x'; size])).collect();
        let body = body(&text.join(","));
        assert_eq!(body.records, count);
        let filled: usize = body.pieces.iter().map(|piece| piece.bytes.len()).sum();
        let taken: usize = body.pieces.iter().map(|piece| piece.bytes.capacity()).sum();
        assert_eq!(filled, count * (size + 1));
        assert!(taken <= filled + filled / 4 + PIECE_BYTES, "{taken} for {filled} of records of {size}");
        assert!(body.pieces.iter().all(|piece| piece.bytes.len() <= PIECE_BYTES + size + 1));
        records(&body);
    }
}

#[test]
fn what_is_no_body_of_firehose_is_told_with_the_place() {
    let rows = [
        ("", "`{` should stand at byte 0"),
        ("no", "`{` should stand at byte 0"),
        ("[]", "`{` should stand at byte 0"),
        ("{\"requestId\":\"a\"}", "it has no `records`"),
        ("{\"records\":{}}", "`[` should stand at byte 11"),
        ("{\"records\":[{\"data\":\"YQ==\"}", "`,` or `]` should stand at byte 27"),
        ("{\"records\":[{\"data\":\"YQ", "the end of a string should stand at byte 23"),
        ("{\"records\":[]} x", "the end of the body should stand at byte 15"),
        ("{\"records\":[],}", "a string should stand at byte 14"),
        ("{\"a\":tru,\"records\":[]}", "a value should stand at byte 8"),
        ("{\"a\":\"\\q\",\"records\":[]}", "an escape should stand at byte 8"),
        ("{\"a\":\"\\u00g0\",\"records\":[]}", "an escape should stand at byte 10"),
    ];
    for (text, wanted) in rows {
        let told = read(text).unwrap_err().to_string();
        assert!(told.ends_with(wanted), "{text}: {told}");
    }
    assert_eq!(read("{\"records\":[]}").unwrap().records, 0);
}

#[test]
fn deep_nesting_too_many_records_and_a_body_over_its_limit_are_refused() {
    let deep = format!("{{\"a\":{}", "[".repeat(1_000_000));
    assert!(matches!(read(&deep), Err(BodyError::Deep { .. })));
    let records = |count: usize| format!("{{\"records\":[{}]}}", vec!["{\"data\":\"\"}"; count].join(","));
    assert_eq!(read(&records(RECORDS_MAX)).unwrap().records, RECORDS_MAX);
    assert!(matches!(read(&records(RECORDS_MAX + 1)), Err(BodyError::TooManyRecords { .. })));
    let limits = BodyLimits { body_bytes_max: 1 << 20, ..LIMITS };
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(b"{\"records\":[],\"a\":\"").unwrap();
    (0..64).for_each(|_| encoder.write_all(&[b'x'; 1 << 20]).unwrap());
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 1 << 20);
    assert!(matches!(decode(&bomb[..], limits), Err(BodyError::TooLarge { .. })));
    assert!(matches!(decode(&bomb[..1000], LIMITS), Err(BodyError::Inflate(_))));
}

proptest! {
    #[test]
    fn a_damaged_body_is_decoded_or_refused_and_its_records_stay_within_their_limits(
        cuts in proptest::collection::vec((0_usize..400, "[\\[\\]{}\",:\\\\u0a=! ]{0,3}"), 0..6)
    ) {
        let limits = BodyLimits { record_bytes_max: 40, ..LIMITS };
        let mut text = format!(
            "{{\"requestId\":\"a\",\"records\":[{},{},{{\"data\":{{\"a\":[1,\"\\u0041\"]}}}},{{}}],\"x\":[{{}},1e9,null]}}",
            record(b"one"),
            record(&[b'x'; 50])
        );
        for (at, put) in cuts {
            let at = at % text.len();
            text.replace_range(at..at + 1, &put);
        }
        if let Ok(body) = decode(text.as_bytes(), limits) {
            for (bytes, _) in records(&body) {
                prop_assert!(bytes.len() <= 41, "{} bytes", bytes.len());
            }
        }
    }
}
