//! What is found in JSON values, whole, broken, nested and in a row.

use super::*;

/// What `json` holds, as text.
fn opened(json: &str) -> (Vec<String>, Option<String>) {
    let mut opener = Opener::default();
    let bytes = format!("before{json}behind").into_bytes();
    let end = opener.open(&bytes, Span::new(6, 6 + json.len()));
    let text = |text: &Text| match *text {
        Text::AsReceived(span) => String::from_utf8_lossy(span.of(&bytes)).into_owned(),
        Text::Decoded(span) => format!("decoded {}", String::from_utf8_lossy(span.of(opener.decoded()))),
    };
    let found = opener.found().map(|found| match found {
        Found::LogGroup(origin) => format!("of {origin}"),
        Found::Text { text: held, log_event: None } => text(held),
        Found::Text { text: held, log_event: Some(position) } => format!("{position}: {}", text(held)),
        Found::Object { span, names } => {
            let names = opener.names(*names).replace('\0', ",");
            format!("object {names} {}", String::from_utf8_lossy(span.of(&bytes)))
        }
        Found::Control => "control".to_owned(),
        Found::Odd { span, detail } => format!("{detail}: {}", String::from_utf8_lossy(span.of(&bytes))),
    });
    (found.collect(), end.err().map(|error| format!("{} {error}", error.at - 6)))
}

fn good(json: &str) -> Vec<String> {
    let (found, error) = opened(json);
    assert_eq!(error, None, "{json}");
    found
}

const ENVELOPE: &str = r#"{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"/vpc/flows","logStream":"eni-1-all","subscriptionFilters":["f"],"logEvents":[{"id":"36","timestamp":1,"message":"2 a"},{"id":"37","timestamp":1,"message":"2 b","extractedFields":{"message":"no"}}],"policyLevel":"ACCOUNT_LEVEL_POLICY"}"#;
const CONTROL: &str = r#"{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logGroup":"","logStream":"","subscriptionFilters":[],"logEvents":[{"id":"","timestamp":1,"message":"CWL CONTROL MESSAGE: Checking health of destination Firehose."}]}"#;

#[test]
fn a_line_in_a_member_called_message_is_found_where_it_stands() {
    assert_eq!(good(r#"{"message":"2 123 OK"}"#), ["2 123 OK"]);
    assert_eq!(good(" {\"@timestamp\": 7, \"message\" : \"2 123\", \"tags\":[{}]}\r\n"), ["2 123"]);
    assert_eq!(good(r#"{"message":"2\t123\n"}"#), ["decoded 2\t123\n"]);
}

#[test]
fn an_object_of_fields_is_found_with_the_names_of_its_members_in_order() {
    assert_eq!(
        good(r#"{"srcaddr":"10.0.0.1","end":7}"#),
        [r#"object srcaddr,end, {"srcaddr":"10.0.0.1","end":7}"#]
    );
    assert_eq!(good(r#"{"message":7,"end":1}"#), [r#"object message,end, {"message":7,"end":1}"#]);
    assert_eq!(good("{}"), ["object  {}"]);
}

#[test]
fn the_log_events_of_an_envelope_are_found_by_group_and_id_and_unknown_members_are_ignored() {
    assert_eq!(good(ENVELOPE), ["of cloudwatch:/vpc/flows", "36: 2 a", "37: 2 b"]);
    let late = r#"{"logEvents":[{"message":"2 a","id":"x"}],"logGroup":"g"}"#;
    assert_eq!(good(late), ["of cloudwatch:g", "120: 2 a"], "whatever the order of the members");
    assert_eq!(good(r#"{"logEvents":[{"message":"2 a","id":"1"}]}"#), ["2 a"], "no group, no name");
}

#[test]
fn an_id_of_56_digits_keeps_what_fits_into_64_bits() {
    let id = "39000000000000000000000000000000000000000000000000000017";
    let json = format!(r#"{{"logGroup":"g","logEvents":[{{"id":"{id}","message":"2"}}]}}"#);
    // 39 * 10^54 + 17, of which 2^54 divides the first part.
    let expected = (0..54).fold(39_u64, |number, _| number.wrapping_mul(10)).wrapping_add(17);
    assert_eq!(good(&json)[1], format!("{expected}: 2"));
}

#[test]
fn a_control_message_holds_nothing() {
    assert_eq!(good(CONTROL), ["control"]);
}

#[test]
fn values_one_after_the_other_and_in_an_array_are_all_found() {
    for between in ["", "\n", " \r\n"] {
        let all = [ENVELOPE, CONTROL, r#"{"message":"2 c"}"#].join(between);
        assert_eq!(good(&all).len(), 5, "{between:?}");
    }
    assert_eq!(good(r#"[{"message":"2 a"},{"message":"2 b"}] {"message":"2 c"}"#), ["2 a", "2 b", "2 c"]);
    assert_eq!(good("[]"), [""; 0]);
}

#[test]
fn what_stands_before_a_broken_value_is_found_and_the_place_of_the_break_is_told() {
    let (found, error) = opened(r#"{"message":"2 a"}{"message":"2 b"#);
    assert_eq!(found, ["2 a"]);
    assert!(error.as_deref().is_some_and(|error| error.starts_with("17 ")), "{error:?}");
    for broken in ["{", "{\"message\":\"\u{7}\"}", "{\"a\":1,}", "{\"logEvents\":{}}", "[7]"] {
        let (found, error) = opened(broken);
        assert!(found.is_empty() && error.is_some(), "{broken}: {found:?}");
    }
}

#[test]
fn a_value_nested_deeply_overflows_nothing() {
    let (deep, end) = ("[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(good(&format!("{{\"message\":{deep}{end},\"a\":1}}")).len(), 1);
    assert!(opened(&format!("{deep}{end}")).1.is_some());
    assert!(opened(&deep).1.is_some());
}

#[test]
fn what_is_no_json_after_a_value_is_left() {
    let bytes = b"{\"message\":\"2 a\"}\n2 b\n";
    let mut opener = Opener::default();
    let left = opener.open(bytes, Span::new(0, bytes.len())).unwrap();
    assert_eq!((left.of(bytes), opener.found().count()), (b"2 b\n".as_slice(), 1));
}

#[test]
fn a_log_event_without_a_message_is_told_and_its_neighbours_are_found() {
    let found = good(r#"{"logGroup":"g","logEvents":[{"id":"1"},{"id":"2","message":"2 a"}]}"#);
    assert_eq!(found[..2], ["of cloudwatch:g", "2: 2 a"]);
    assert!(found[2].starts_with("a log event of it has no message: {"), "{found:?}");
}
