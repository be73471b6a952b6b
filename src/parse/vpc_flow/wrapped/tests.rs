//! Records of JSON on their way into a batch.

use crate::{
    event::{Batch, Chunk, Field, IdScheme, Origin, Partition, Reason, Record, SourceId},
    parse::trial::{Trial, rejects, says},
};

const V2: &str = "2 123456789012 eni-1 10.0.0.1 10.0.0.2 40000 443 6 10 840 1700000000 1700000060 ACCEPT OK";
const CONTROL: &str = r#"{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logGroup":"","logEvents":[{"id":"","timestamp":1,"message":"CWL CONTROL MESSAGE"}]}"#;

/// The batch of records of a Kafka partition, which begin at position 70.
fn records(trial: &mut Trial, bodies: &[&str]) -> Batch {
    let origin = Origin::kafka("vpcflow", 3);
    let mut chunk = Chunk::new(SourceId(0), Partition::new("vpcflow/3"), origin, Vec::new());
    chunk.single_lines = false;
    for (position, body) in (70..).zip(bodies) {
        chunk.bytes.extend_from_slice(body.as_bytes());
        chunk.bytes.push(b'\n');
        chunk.records.push(Record { position, end: chunk.bytes.len() as u32, first_index: 0 });
    }
    trial.chunk(chunk)
}

fn envelope(group: &str, events: &[(&str, &str)]) -> String {
    let event = |(id, line): &(&str, &str)| format!(r#"{{"id":"{id}","timestamp":1,"message":"{line}"}}"#);
    let events: Vec<_> = events.iter().map(event).collect();
    format!(
        r#"{{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"{group}","logStream":"eni-1-all","subscriptionFilters":["f"],"logEvents":[{}]}}"#,
        events.join(",")
    )
}

fn line(bytes: u64) -> String {
    V2.replace(" 10 840 ", &format!(" 1 {bytes} "))
}

/// What the events say of their bytes.
fn all_bytes(batch: &Batch) -> Vec<String> {
    (0..batch.events.len()).map(|index| says(batch, index, Field::Bytes).unwrap()).collect()
}

#[test]
fn a_line_in_a_message_is_the_entry_whatever_stands_around_it() {
    let mut trial = Trial::auto();
    let bodies = [
        format!(r#"{{"message":"{V2}"}}"#),
        format!("{{\"@timestamp\":1,\n \"message\":\"{}\\n\"}}", V2.replace(' ', "\\t")),
        format!("{{\"message\":\"{}\\n{}\"}}\n{}", line(1), line(2), line(3)),
    ];
    let batch = records(&mut trial, &bodies.each_ref().map(String::as_str));
    assert_eq!(rejects(&batch), []);
    assert_eq!(all_bytes(&batch), ["840", "840", "1", "2", "3"]);
    let scheme = IdScheme::of(&Origin::kafka("vpcflow", 3));
    assert_eq!(batch.events[0].id, scheme.event(70, 0, V2.as_bytes()));
    assert_eq!(batch.events[4].id, scheme.event(72, 2, line(3).as_bytes()));
    let file = trial.file(format!("{}\n{}\n", bodies[0], bodies[0]).as_bytes());
    assert_eq!(all_bytes(&file), ["840", "840"], "in a file too");
}

#[test]
fn the_members_of_an_object_are_its_columns_under_any_of_awss_names() {
    let mut trial = Trial::auto();
    let batch = records(
        &mut trial,
        &[
            r#"{"srcaddr":"10.0.0.1","bytes":840,"end":1700000060,"pkt_dstaddr":"2001:db8::1","made-up":"x","action":null}"#,
            r#"{"srcaddr":"10.0.0.2","bytes":"841","end":"1700000060","pkt_dstaddr":"-","made-up":{"a":[1]},"action":"REJECT"}"#,
            r#"{"end":1700000061,"account-id":"012345678901","flow-direction":"in\u0067ress"}"#,
        ],
    );
    assert_eq!(rejects(&batch), []);
    assert_eq!(says(&batch, 0, Field::Bytes).as_deref(), Some("840"));
    assert_eq!(says(&batch, 0, Field::PktDstAddr).as_deref(), Some("2001:db8::1"));
    assert_eq!(says(&batch, 0, Field::Action), None);
    assert_eq!(says(&batch, 1, Field::Bytes).as_deref(), Some("841"));
    assert_eq!(says(&batch, 1, Field::PktDstAddr), None);
    assert_eq!(says(&batch, 2, Field::AccountId).as_deref(), Some("012345678901"));
    assert_eq!(batch.text(&batch.events[2], Field::FlowDirection), Some(b"ingress".as_slice()));
    let extras: Vec<_> = batch.extras.iter().map(|(name, span)| (&**name, span.of(batch.bytes()))).collect();
    assert_eq!(extras, [("made-up", b"x".as_slice()), ("made-up", br#"{"a":[1]}"#)]);
    assert_eq!(batch.chunk.as_ref().unwrap().runs.len(), 2, "objects of one kind are one run");
}

#[test]
fn a_bad_object_is_rejected_and_its_neighbours_go_on() {
    let mut trial = Trial::auto();
    let good = r#"{"srcaddr":"10.0.0.1","end":1700000060}"#;
    let bodies = [
        good,
        r#"{"srcaddr":"10.0.0.300","end":1700000060}"#,
        r#"{"srcaddr":"10.0.0.1","end":-7}"#,
        r#"{"level":"info","text":"hello"}"#,
        r#"{"srcaddr":"10.0.0.1","srcaddr":"10.0.0.2","end":1}"#,
        r#"{"srcaddr":"10.0.0.1"#,
        good,
    ];
    let batch = records(&mut trial, &bodies);
    assert_eq!(batch.events.len(), 2);
    let reasons: Vec<_> = rejects(&batch).into_iter().map(|(reason, _)| reason).collect();
    use Reason::{BadAddress, BadJson, BadNumber, LayoutUnknown};
    assert_eq!(reasons, [BadAddress, BadNumber, LayoutUnknown, LayoutUnknown, BadJson]);
    for (index, reject) in batch.rejects.iter().enumerate() {
        let bytes = reject.entry.span.of(batch.bytes()).trim_ascii_end();
        assert_eq!(String::from_utf8_lossy(bytes), bodies[index + 1], "quarantined as received");
    }
}

#[test]
fn log_events_are_named_by_their_group_and_id_whatever_carries_them() {
    let (one, two) = (line(1), line(2));
    let held = envelope("/vpc/flows", &[("36", &one), ("37", &two)]);
    let mut trial = Trial::auto();
    let batch = records(&mut trial, &[&held]);
    assert_eq!(all_bytes(&batch), ["1", "2"]);
    let scheme = IdScheme::of(&Origin::log_group("/vpc/flows"));
    let ids: Vec<_> = batch.events.iter().map(|event| event.id).collect();
    assert_eq!(ids, [scheme.event(36, 0, one.as_bytes()), scheme.event(37, 0, two.as_bytes())]);
    let apart = [envelope("/vpc/flows", &[("37", &two)]), envelope("/vpc/flows", &[("36", &one)])].concat();
    let again = trial.file(apart.as_bytes());
    assert_eq!(again.events.iter().rev().map(|event| event.id).collect::<Vec<_>>(), ids);
}

#[test]
fn a_log_event_that_cannot_be_read_is_rejected_under_its_own_name() {
    let mut trial = Trial::auto();
    let batch = records(&mut trial, &[&envelope("g", &[("36", V2), ("37", "2 bad"), ("38", V2)])]);
    assert_eq!(rejects(&batch), [(Reason::TooFewColumns, "2 columns, the layout has 14")]);
    assert_eq!(batch.events.len(), 2);
    let reject = &batch.rejects[0];
    assert_eq!(reject.log_event, Some((Origin::log_group("g"), 37)));
    assert_eq!((reject.entry.index, reject.entry.span.of(batch.bytes())), (0, b"2 bad".as_slice()));
}

#[test]
fn envelopes_in_a_row_and_lines_between_them_are_all_read_and_control_messages_are_counted() {
    let mut trial = Trial::auto();
    let bodies = [
        format!(
            "{}{}\n{CONTROL}{}",
            envelope("g", &[("1", &line(1))]),
            envelope("h", &[("2", &line(2))]),
            envelope("g", &[("3", &line(3))])
        ),
        CONTROL.to_owned(),
        line(4),
        format!("{CONTROL}\n{CONTROL}"),
        envelope("g", &[]),
    ];
    let batch = records(&mut trial, &bodies.each_ref().map(String::as_str));
    assert_eq!(rejects(&batch), []);
    assert_eq!(all_bytes(&batch), ["1", "2", "3", "4"]);
    assert_eq!(trial.books().records_ignored_control.get(), 2);
    assert_eq!(trial.books().records_opened.get(), 3);
    assert_eq!(trial.books().entries_found.get(), 4);
    let scheme = IdScheme::of(&Origin::kafka("vpcflow", 3));
    assert_eq!(
        batch.events[3].id,
        scheme.event(72, 0, line(4).as_bytes()),
        "a line after them is its record's"
    );
}

#[test]
fn a_header_in_a_log_group_names_the_columns_of_that_group_only() {
    let mut trial = Trial::auto();
    let named = envelope("g", &[("1", "srcaddr bytes end"), ("2", "10.0.0.9 7 1700000000")]);
    let batch = records(&mut trial, &[&named, V2, &envelope("h", &[("3", V2)])]);
    assert_eq!(rejects(&batch), []);
    assert_eq!(all_bytes(&batch), ["7", "840", "840"]);
    let later = records(&mut trial, &[&envelope("g", &[("4", "10.0.0.9 8 1700000000")]), V2]);
    assert_eq!(all_bytes(&later), ["8", "840"]);
}

#[test]
fn a_header_after_an_envelope_names_the_lines_of_its_own_stream_and_not_the_log_groups() {
    let mut trial = Trial::auto();
    let group = envelope("g", &[("1", V2)]);
    let body = format!("{group}\nsrcaddr bytes end\n10.0.0.9 7 1700000000");
    let batch = records(&mut trial, &[&body, "10.0.0.9 8 1700000000", &envelope("g", &[("2", V2)])]);
    assert_eq!(rejects(&batch), []);
    assert_eq!(all_bytes(&batch), ["840", "7", "8", "840"]);
}

#[test]
fn an_object_in_a_message_is_opened_and_json_without_end_is_not() {
    let mut trial = Trial::auto();
    let object = r#"{\"srcaddr\":\"10.0.0.1\",\"bytes\":9,\"end\":1700000060}"#;
    let batch = records(&mut trial, &[&envelope("g", &[("5", object)])]);
    assert_eq!((rejects(&batch), all_bytes(&batch)), (vec![], vec!["9".to_owned()]));
    let raw = r#"{"srcaddr":"10.0.0.1","bytes":9,"end":1700000060}"#;
    assert_eq!(batch.events[0].id, IdScheme::of(&Origin::log_group("g")).event(5, 0, raw.as_bytes()));
    let mut deep = V2.to_owned();
    for _ in 0..5 {
        deep = serde_json::json!({ "message": deep }).to_string();
    }
    let batch = records(&mut trial, &[&deep, V2]);
    assert_eq!(rejects(&batch)[0].0, Reason::BadJson);
    assert_eq!(batch.events.len(), 1);
}

#[test]
fn what_breaks_off_costs_its_line_and_not_its_neighbours() {
    let mut trial = Trial::auto();
    let broken = format!("{}{{\"message\":\"2\n{}", envelope("g", &[("1", &line(1))]), line(2));
    let batch = records(&mut trial, &[&broken, &line(3)]);
    assert_eq!(rejects(&batch)[0].0, Reason::BadJson);
    assert_eq!(rejects(&batch).len(), 1);
    assert_eq!(all_bytes(&batch), ["1", "2", "3"]);
}
