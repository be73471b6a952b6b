//! What lines of syslog come to: header and text, flows in the text, and always one event.

#![allow(clippy::unwrap_used)]
use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;

use super::*;
use crate::{
    event::{Batch, Field, Origin, Partition, Record, SourceId},
    parse::{
        Config, Input, Parser, Resolver,
        trial::{Trial, rejects, says},
    },
    telemetry::{books::SourceBooks, metrics::Metrics},
};

const FLOW: &str =
    "2 123456789012 eni-1 10.0.0.1 10.0.0.2 40000 443 6 10 840 1700000000 1700000060 ACCEPT OK";

fn trial() -> Trial {
    Trial::of(&Config::Syslog { fields: Fields::default(), timezone: Timezone::default() })
}

/// Time, priority, host, program, process, kind, structured data and text of the only line.
fn parts(line: &[u8]) -> (Syslog, [String; 6]) {
    let timezone = Timezone::default();
    let log = read(line, 0, &mut Calendar::new(&timezone, 1_795_260_605_000));
    let text = |span: Span| String::from_utf8_lossy(span.of(line)).into_owned();
    let spans = [log.host, log.app, log.procid, log.msgid, log.elements, log.text];
    (log, spans.map(text))
}

fn assert_parts(line: &str, expected: [&str; 6]) -> Syslog {
    let (log, found) = parts(line.as_bytes());
    assert_eq!(found, expected, "{line}");
    log
}

#[test]
fn a_header_of_rfc_5424_is_read_whole() {
    let log = assert_parts(
        "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 ID47 [a b=\"c\\]\"][d] \u{feff}an app",
        ["192.0.2.1", "myproc", "8710", "ID47", "[a b=\"c\\]\"][d]", "an app"],
    );
    assert_eq!((log.priority, log.version, log.at_nanos), (Some(165), Some(1), 1_061_727_255_000_003_000));
    let log = assert_parts("<34>1 - - - - - -", ["", "", "", "", "", ""]);
    assert_eq!(log.at_nanos, 1_795_260_605_000_000_000, "a line without a time has that of its reception");
    assert_parts("<34>1 - h - - - - ", ["h", "", "", "", "", ""]);
    assert_parts("<34>1 2024-01-01T00:00:00Z host", ["host", "", "", "", "", ""]);
    assert_parts(
        "<190>1 2024-01-01T00:00:00Z host app web.1 - State changed",
        ["host", "app", "web.1", "", "", "State changed"],
    );
    assert_parts(
        "<134>1 2024-01-01T00:00:00Z gw CheckPoint 7 - [action:\"Accept\"; src:\"1.2.3.4\"]",
        ["gw", "CheckPoint", "7", "", "", "[action:\"Accept\"; src:\"1.2.3.4\"]"],
    );
    let log = assert_parts("<134>1 1563249630.774 MX84 flows allow", ["MX84", "", "", "", "", "flows allow"]);
    assert_eq!(log.at_nanos, 1_563_249_630_774_000_000);
}

#[test]
fn what_only_looks_like_rfc_5424_is_read_otherwise_and_nothing_of_it_is_lost() {
    assert_parts("<13>1 is a number", ["", "", "", "", "", "1 is a number"]);
    assert_parts("1 - - - - - -", ["", "", "", "", "", "1 - - - - - -"]);
    assert_parts("<192>1 2024-01-01T00:00:00Z h", ["", "", "", "", "", "<192>1 2024-01-01T00:00:00Z h"]);
    let long = format!("<13>1 2024-01-01T00:00:00Z {} - - - -", "h".repeat(256));
    assert_eq!(parts(long.as_bytes()).1[5], long[4..]);
}

#[test]
fn parts_of_rfc_3164_are_found_where_devices_put_them() {
    for (line, expected) in [
        (
            "<34>Oct 11 22:14:15 mymachine su: 'su root' failed",
            ["mymachine", "su", "", "", "", "'su root' failed"],
        ),
        ("<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!", ["10.0.0.99", "", "", "", "", "Use the BFG!"]),
        ("<38>Nov 22 01:02:03 sshd[12]: Accepted", ["", "sshd", "12", "", "", "Accepted"]),
        ("<38>Nov 22 01:02:03 2001:db8::1 a.b/c[x1]: y", ["2001:db8::1", "a.b/c", "x1", "", "", "y"]),
        ("<13>su: text", ["", "su", "", "", "", "text"]),
        ("<13>Nov 22 01:02:03 reboot", ["", "", "", "", "", "reboot"]),
        ("<13>no tag at all", ["", "", "", "", "", "no tag at all"]),
        ("Nov 22 01:02:03 h p: no priority", ["h", "p", "", "", "", "no priority"]),
        ("no syslog: at all", ["", "", "", "", "", "no syslog: at all"]),
        ("<13>", ["", "", "", "", "", ""]),
        (
            "<189>29: *Mar  1 18:48:50.483 UTC: %SYS-5-CONFIG_I: Configured from console",
            ["", "SYS", "", "CONFIG_I", "", "%SYS-5-CONFIG_I: Configured from console"],
        ),
        (
            "<189>237: Router1: 236: .Sep  8 10:00:00.123: %LINK-3-UPDOWN: down",
            ["Router1", "LINK", "", "UPDOWN", "", "%LINK-3-UPDOWN: down"],
        ),
        ("<166>%ASA-6-302013: Built", ["", "ASA", "", "302013", "", "%ASA-6-302013: Built"]),
        ("<13>Nov 22 01:02:03 asa1 : %ASA-6-1: x", ["asa1", "ASA", "", "1", "", "%ASA-6-1: x"]),
        ("<13>Nov 22 01:02:03 asa1: %ASA-6-1: x", ["asa1", "ASA", "", "1", "", "%ASA-6-1: x"]),
        ("<13>Nov 22 01:02:03 Message forwarded from aix1: sshd[4]: x", ["aix1", "sshd", "4", "", "", "x"]),
        ("<13>Nov 22 01:02:03 sol su: [ID 366847 auth.notice] x", ["sol", "su", "", "366847", "", "x"]),
        ("<5>Nov 22 01:02:03 [na1:callhome.up:info]: x", ["na1", "", "", "callhome.up", "", "x"]),
        (
            "<14>Nov 22 01:02:03 10.1.1.1 00077 ports: port 1",
            ["10.1.1.1", "ports", "", "00077", "", "port 1"],
        ),
        ("<133>Nov 22 01:02:03 f5 notice mcpd[7]: x", ["f5", "mcpd", "7", "", "", "x"]),
        ("<134>Nov 22 01:02:03 f5 notice mcpd[7]: x", ["f5", "", "", "", "", "notice mcpd[7]: x"]),
        (
            "<14>Nov 22 01:02:03 pa 1,2024/11/22 01:02:03,TRAFFIC",
            ["pa", "", "", "", "", "1,2024/11/22 01:02:03,TRAFFIC"],
        ),
        ("<30>Nov 22 01:02:03 U7,18e8,v4.0: hostapd: x", ["U7,18e8,v4.0", "hostapd", "", "", "", "x"]),
        ("<14>Nov 22 01:02:03 win MSWinEventLog\t1\tx", ["win", "MSWinEventLog", "", "", "", "1\tx"]),
        ("<13>Nov 22 01:02:03 h ASM:unit=\"x\"", ["h", "ASM", "", "", "", "unit=\"x\""]),
        ("<13>Nov 22 01:02:03 h http://x/y", ["h", "", "", "", "", "http://x/y"]),
        ("<13>Nov 22 01:02:03 h Foo::Bar: x", ["h", "Foo::Bar", "", "", "", "x"]),
    ] {
        assert_parts(line, expected);
    }
    assert_eq!(parts(b"<189>29: *Mar  1 18:48:50: %SYS-5-X: y").0.sequence, Some(29));
    assert_eq!(parts(b"%SYS-3-X: y").0.severity(), Some(3));
}

#[test]
fn pairs_of_a_line_without_a_header_tell_when_it_was_and_who_wrote_it() {
    let line = "<189>date=2024-01-02 time=03:04:05 devname=\"FG1\" tz=\"+0200\" type=traffic";
    let log = assert_parts(line, ["FG1", "", "", "", "", &line[5..]]);
    assert_eq!(log.at_nanos, 1_704_157_445_000_000_000);
    let line = "<30>device_name=\"SFW\" timestamp=\"2024-01-02T03:04:05+0000\" log_id=1";
    assert_eq!(assert_parts(line, ["SFW", "", "", "", "", &line[4..]]).at_nanos, 1_704_164_645_000_000_000);
}

#[test]
fn a_flow_in_a_line_is_a_flow_and_keeps_the_lines_header() {
    let text = format!(
        "<134>1 2024-01-01T00:00:00Z fw vpc - - - {FLOW}\n<13>Nov 22 01:02:03 h t: {FLOW} x\n<13>h: x\n"
    );
    let batch = trial().file(text.as_bytes());
    assert_eq!((batch.events.len(), rejects(&batch)), (3, vec![]));
    assert_eq!(says(&batch, 0, Field::DstPort).as_deref(), Some("443"));
    let logs: Vec<_> = batch.events.iter().map(|event| batch.syslog(event).unwrap()).collect();
    assert_eq!(logs.iter().map(|log| log.is_flow).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!(logs[0].app.of(batch.bytes()), b"vpc");
    assert!(batch.row(&batch.events[1]).is_empty(), "a line that is no flow has no columns");
}

#[test]
fn a_header_line_of_flows_in_a_line_names_the_columns_of_those_behind_it() {
    let mut trial = trial();
    let text = "<13>Nov 22 01:02:03 x h: srcaddr bytes end\n<13>h: 10.0.0.9 7 1700000000\n<13>h: srcaddr is not a column\n";
    let batch = trial.file(text.as_bytes());
    assert_eq!(says(&batch, 0, Field::Bytes).as_deref(), Some("7"));
    assert_eq!((batch.events.len(), trial.books().entries_ignored_header.get()), (2, 1));
    let next = trial.part("file:1", 500, b"<13>h: 10.0.0.9 8 1700000000\n");
    assert_eq!(says(&next, 0, Field::Bytes).as_deref(), Some("8"));
}

#[test]
fn every_record_has_its_sender_and_empty_ones_are_counted() {
    let mut trial = trial();
    let mut chunk = Chunk::new(SourceId(0), Partition::new("p"), Origin::from_text("syslog:1"), Vec::new());
    for (position, frame) in (0..).zip(["<13>a: x\nand more\0", "", "\r\n", "<13>b: y", "<13>c: z"]) {
        chunk.bytes.extend_from_slice(frame.as_bytes());
        chunk.records.push(Record { position, end: chunk.bytes.len() as u32, first_index: 0 });
    }
    let address = |last| IpAddr::V4(Ipv4Addr::new(192, 0, 2, last));
    chunk.senders = vec![(3, address(1), 514), (4, address(2), 515)];
    let batch = trial.chunk(chunk);
    let senders = batch.events.iter().map(|event| batch.syslog(event).unwrap().sender);
    assert_eq!(senders.collect::<Vec<_>>(), [Some((address(1), 514)), Some((address(2), 515)), None]);
    assert_eq!(trial.books().entries_ignored_blank.get(), 2);
    let first = batch.syslog(&batch.events[0]).unwrap();
    assert_eq!(first.text.of(batch.bytes()), b"x\nand more");
}

#[test]
fn an_event_has_the_same_id_whenever_it_is_read() {
    let read = |received_ms| {
        let format = Box::new(SyslogFormat::new(&Fields::default(), &Timezone::default(), Some(received_ms)));
        let books = SourceBooks::new(&Metrics::default(), "syslog");
        let inputs: Arc<[Input]> = [Input { format, books }].into();
        let (resolver, parser) = (Resolver::new(inputs.clone()), Parser::new(inputs.clone()));
        let batch = Trial { resolver, parser, inputs }.part("file:1", 7, b"<13>Dec 31 23:02:03 h t: x\n");
        (batch.events[0].id, batch.syslogs[0].at_nanos)
    };
    let [early, late] = [1_735_700_000_000, 1_767_200_000_000].map(read);
    assert_eq!(early.0, late.0);
    assert_ne!(early.1, late.1, "a year apart");
}

/// A word of RFC 5424 and the text of it that is read back.
fn word(longest: usize) -> impl Strategy<Value = (String, String)> {
    let word = proptest::string::string_regex(&format!("[!-~]{{1,{longest}}}")).unwrap();
    prop_oneof![
        1 => Just(("-".to_owned(), String::new())),
        4 => word.prop_filter("nil", |word| word != "-").prop_map(|word| (word.clone(), word)),
    ]
}

fn batch_of(bytes: &[u8], single_lines: bool) -> Batch {
    let mut trial = trial();
    let mut chunk =
        Chunk::new(SourceId(0), Partition::new("p"), Origin::from_text("syslog:1"), bytes.to_vec());
    chunk.single_lines = single_lines;
    chunk.records.push(Record { position: 0, end: bytes.len() as u32, first_index: 0 });
    trial.chunk(chunk)
}

proptest! {
    #[test]
    fn any_header_of_rfc_5424_is_read_back(
        priority in 0..=191_u8,
        seconds in 0..4_000_000_000_u64,
        nanos in 0..1_000_000_000_u32,
        words in (word(255), word(48), word(128), word(32)),
        elements in prop_oneof![Just(""), Just("[a@1 b=\"c \\\" d\"]"), Just("[x][y z=\"\"]")],
        text in prop_oneof![Just(String::new()), "[ -~]{1,80}", ".{1,40}"],
    ) {
        let time = jiff::Timestamp::new(seconds as i64, nanos as i32).unwrap();
        let (host, app, procid, msgid) = words;
        let nil = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
        let line = format!(
            "<{priority}>1 {time} {} {} {} {} {} {text}", host.0, app.0, procid.0, msgid.0, nil(elements)
        );
        let (log, found) = parts(line.as_bytes());
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned();
        prop_assert_eq!(found, [host.1, app.1, procid.1, msgid.1, elements.to_owned(), text]);
        prop_assert_eq!(log.priority, Some(priority));
        prop_assert_eq!(log.at_nanos, seconds * 1_000_000_000 + u64::from(nanos));
    }

    #[test]
    fn any_bytes_are_one_event_or_a_blank(
        begin in prop_oneof![
            Just(""), Just("<13>"), Just("<13>1 "), Just("<13>1 2024-01-01T00:00:00Z "), Just("Nov 22 01:02:03 "),
            Just("<189>29: *Mar  1 18:48:50.483 "), Just("<13>1 2024-01-01T00:00:00Z h a p m [a b=\""), Just("%A-1-"),
            Just("<1>date=2024-01-02 time="),
        ],
        bytes in prop::collection::vec(
            prop_oneof![any::<u8>(), prop::sample::select(b" :[]\"=\\%,.-0123456789\0\n".to_vec())], 0..120
        ),
    ) {
        let mut line = begin.as_bytes().to_vec();
        line.extend(&bytes);
        let blank = line.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0);
        let batch = batch_of(&line, true);
        prop_assert_eq!((batch.events.len(), batch.rejects.len()), (usize::from(!blank), 0));
        let lines = batch_of(&line, false);
        prop_assert!(lines.rejects.is_empty() && lines.events.len() <= line.len());
    }

    /// Whatever is taken from a line for a part of its header stands there once, in order, and the text is its end.
    #[test]
    fn the_text_is_the_end_of_its_line(
        prefix in "(<[0-9]{1,3}>)?(Nov 22 01:02:03 )?", text in "[ -~]{0,60}",
    ) {
        let line = format!("{prefix}{text}");
        let (log, _) = parts(line.as_bytes());
        prop_assert_eq!(log.text.end() as usize, line.len());
        for span in [log.host, log.app, log.procid, log.msgid] {
            prop_assert!(span.end() as usize <= line.len());
        }
    }
}
