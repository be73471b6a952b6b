//! What streams of unnamed lines come to: waiting, learning, giving up, changing.

use std::sync::Arc;

use crate::{
    event::{Chunk, Field, Reason, SourceId},
    parse::{
        How,
        trial::{Trial, chunk, rejects, says},
    },
};

/// One flow between a host of ours and a peer, seen in both directions; `number` draws everything.
struct Flow {
    number: u64,
    out: bool,
    /// Whether it goes through a NAT gateway's interface.
    nat: bool,
}

impl Flow {
    fn column(&self, name: &str) -> String {
        let (host, peer) = (self.number % 5 + 1, self.number * 7 % 40 + 1);
        let (own, far) = (format!("10.0.0.{host}"), format!("198.51.100.{peer}"));
        let packets = self.number % 50 + 1;
        let pair = |own: String, far: String| if self.out { (own, far) } else { (far, own) };
        let (source, destination) = pair(own.clone(), far.clone());
        let packet_own = if self.nat { format!("10.0.9.{}", self.number % 90) } else { own };
        let (packet_source, packet_destination) = pair(packet_own, far);
        let ports = pair((33_000 + self.number * 13 % 20_000).to_string(), "443".to_owned());
        match name {
            "version" => "5".to_owned(),
            "interface-id" => format!("eni-0a1b2c3{host}"),
            "account-id" => "123456789012".to_owned(),
            "srcaddr" => source,
            "dstaddr" => destination,
            "pkt-srcaddr" => packet_source,
            "pkt-dstaddr" => packet_destination,
            "srcport" => ports.0,
            "dstport" => ports.1,
            "protocol" => "6".to_owned(),
            "packets" => packets.to_string(),
            "bytes" => (packets * (40 + self.number * 31 % 200)).to_string(),
            "start" => (1_700_000_000 + self.number).to_string(),
            "end" => (1_700_000_000 + self.number + self.number % 60).to_string(),
            "action" => "ACCEPT".to_owned(),
            "log-status" => "OK".to_owned(),
            "vpc-id" => "vpc-0a1b2c3d".to_owned(),
            "subnet-id" => "subnet-0a1b2c3d".to_owned(),
            "tcp-flags" => if self.out { "2" } else { "18" }.to_owned(),
            "flow-direction" => if self.out { "egress" } else { "ingress" }.to_owned(),
            _ => "-".to_owned(),
        }
    }

    fn line(&self, names: &str) -> String {
        let columns: Vec<String> = names.split(' ').map(|name| self.column(name)).collect();
        columns.join(" ") + "\n"
    }
}

/// Lines from number `first` on, in both directions.
fn lines(names: &str, first: u64, count: u64) -> String {
    let flow = |number| Flow { number: number / 2, out: number % 2 == 0, nat: false };
    (first..first + count).map(|number| flow(number).line(names)).collect()
}

/// A layout that a few dozen records tell.
const CLEAR: &str = "dstport interface-id bytes dstaddr version log-status packets end flow-direction srcport protocol \
                     pkt-dstaddr tcp-flags srcaddr pkt-srcaddr start action";
/// Another with as many columns.
const OTHER: &str = "start action pkt-srcaddr srcaddr tcp-flags pkt-dstaddr protocol srcport flow-direction end packets \
                     log-status version dstaddr bytes interface-id dstport";
/// One that no record tells: nothing says which address is the source.
const DARK: &str = "dstaddr srcaddr interface-id action start end";

/// A chunk of `text` at `position` of the one stream.
fn give(trial: &mut Trial, position: u64, text: &str) -> Vec<Chunk> {
    let mut out = Vec::new();
    let chunk = chunk("file:1", position, text.as_bytes());
    trial.books().records_received.inc_by(chunk.records.len() as u64);
    trial.books().records_in_flight.inc_by(chunk.records.len() as i64);
    trial.resolver.chunk(chunk, &mut out);
    for chunk in &out {
        let gone = (chunk.entries.len() + chunk.rejects.len()) as u64;
        trial.books().entries_parsed.inc_by(gone);
        trial.books().entries_in_flight.dec_by(gone as i64);
    }
    out
}

fn formats(chunk: &Chunk) -> Vec<&str> {
    chunk.runs.iter().map(|run| &**run.layout.format()).collect()
}

fn format(names: &str) -> String {
    names.split(' ').map(|name| format!("${{{name}}}")).collect::<Vec<_>>().join(" ")
}

#[test]
fn lines_wait_until_their_layout_is_known_and_leave_in_order() {
    let mut trial = Trial::auto();
    let mut out = Vec::new();
    for part in 0..40 {
        out.extend(give(&mut trial, part * 10_000, &lines(CLEAR, part * 8, 8)));
    }
    let positions: Vec<_> = out.iter().map(|chunk| chunk.records[0].position).collect();
    assert_eq!(positions, (0..40).map(|part| part * 10_000).collect::<Vec<_>>());
    let found = trial.found();
    assert!(matches!(found[0].2, How::Learned { records: 9..320 }), "{found:?}");
    for chunk in &out {
        for (field, run) in
            chunk.runs.iter().flat_map(|run| run.layout.columns().iter().zip(CLEAR.split(' ')))
        {
            assert!(
                format!("{field:?}").contains(&format!("{:?}", Field::from_name(run).unwrap()))
                    || run.contains("addr")
            );
        }
    }
    let batch = trial.part("file:1", 900_000, lines(CLEAR, 999, 1).as_bytes());
    for name in CLEAR.split(' ') {
        let said = says(&batch, 0, Field::from_name(name).unwrap());
        let flow = Flow { number: 499, out: false, nat: false };
        assert_eq!(said, Some(flow.column(name)), "{name}");
    }
}

#[test]
fn what_is_equal_in_a_line_need_not_be_told_apart_and_what_differs_waits() {
    let mut trial = Trial::auto();
    let known = give(&mut trial, 0, &lines(CLEAR, 0, 400));
    assert_eq!(
        known.len(),
        1,
        "no record tells srcaddr from pkt-srcaddr, but they are the same in every one"
    );
    let nat = |number| Flow { number, out: number % 2 == 0, nat: true }.line(CLEAR);
    assert!(give(&mut trial, 100_000, &nat(7)).is_empty(), "one record that differs does not tell yet");
    let more: String = (8..160).map(nat).collect();
    let out = give(&mut trial, 200_000, &more);
    assert_eq!(out.len(), 2, "many do: an interface has one address");
    let wanted = format(CLEAR);
    assert!(out.iter().all(|chunk| formats(chunk) == [wanted.as_str()]), "{:?}", formats(&out[0]));
}

#[test]
fn ten_thousand_entries_four_mebibytes_or_thirty_seconds_are_the_longest_wait() {
    let mut trial = Trial::auto();
    assert!(give(&mut trial, 0, &lines(DARK, 0, 9_999)).is_empty());
    let out = give(&mut trial, 1_000_000, &lines(DARK, 9_999, 1));
    assert_eq!(out.iter().map(|chunk| chunk.rejects.len()).sum::<usize>(), 10_000);
    assert!(
        out.iter().flat_map(|chunk| &chunk.rejects).all(|reject| reject.reason == Reason::LayoutAmbiguous)
    );
    assert_eq!(give(&mut trial, 2_000_000, &lines(DARK, 0, 1)).len(), 1, "nothing waits twice");
    assert_eq!(trial.resolver.advice().len(), 1);

    let mut trial = Trial::auto();
    let wide = lines(DARK, 0, 1).trim_end().to_owned() + &" ".repeat(1_900) + "\n";
    let out: Vec<_> = (0..2_300).flat_map(|part| give(&mut trial, part * 10_000, &wide)).collect();
    assert!((2_000..=2_300).contains(&out.len()), "{}", out.len());

    let mut trial = Trial::auto();
    assert!(give(&mut trial, 0, &lines(DARK, 0, 10)).is_empty());
    let mut out = Vec::new();
    for now in [1_000_000, 1_010_000, 1_029_999] {
        trial.resolver.tick(now, &mut out);
        assert!(out.is_empty(), "{now}");
    }
    trial.resolver.tick(1_030_000, &mut out);
    assert_eq!(out.len(), 1);
}

#[test]
fn advice_says_what_is_in_doubt_and_gives_a_format_that_can_be_set_once_an_hour() {
    let mut trial = Trial::auto();
    give(&mut trial, 0, &lines(DARK, 0, 300));
    let mut out = Vec::new();
    trial.resolver.tick(0, &mut out);
    trial.resolver.tick(30_000, &mut out);
    trial.books().entries_parsed.inc_by(300);
    trial.books().entries_in_flight.dec_by(300);
    let advice = trial.resolver.advice();
    let [only] = &*advice else { panic!("{advice:?}") };
    assert!(only.text.contains("columns 1 and 2 can be srcaddr, dstaddr"), "{}", only.text);
    assert!(only.text.contains("300 records"), "{}", only.text);
    let fields = only.text.split('"').nth(1).unwrap();
    let fields: crate::parse::Fields = fields.parse().unwrap();
    assert_eq!(**fields.layout().format(), *format("srcaddr dstaddr interface-id action start end"));
    assert_eq!(
        rejects(&trial.part("file:1", 90_000, lines(DARK, 0, 1).as_bytes()))[0].0,
        Reason::LayoutAmbiguous
    );
    assert!(trial.resolver.advice().is_empty());
    trial.resolver.tick(30_000 + 3_600_000, &mut out);
    trial.part("file:1", 100_000, lines(DARK, 0, 1).as_bytes());
    assert_eq!(trial.resolver.advice().len(), 1, "an hour later again");
}

#[test]
fn two_logs_in_one_stream_are_told_apart_by_their_columns() {
    const SHORT: &str =
        "flow-direction bytes packets end start interface-id pkt-srcaddr dstaddr pkt-dstaddr srcaddr version";
    for second in [SHORT, OTHER] {
        let mut trial = Trial::auto();
        let text: String =
            (0..300).map(|number| lines(CLEAR, number, 1) + &lines(second, number, 1)).collect();
        let out = give(&mut trial, 0, &text);
        assert_eq!(out.len(), 1, "{second}");
        assert_eq!(out[0].runs.len(), 600, "{second}");
        let batch = trial.part("file:1", 900_000, (lines(second, 9, 1) + &lines(CLEAR, 9, 1)).as_bytes());
        for (event, names) in [second, CLEAR].into_iter().enumerate() {
            for name in ["srcaddr", "bytes", "packets", "start", "end", "interface-id"] {
                let flow = Flow { number: 4, out: false, nat: false };
                assert_eq!(
                    says(&batch, event, Field::from_name(name).unwrap()),
                    Some(flow.column(name)),
                    "{names} {name}"
                );
            }
        }
    }
}

#[test]
fn a_stream_that_changes_is_learned_anew_and_a_broken_line_is_only_that() {
    let mut trial = Trial::auto();
    assert_eq!(give(&mut trial, 0, &lines(CLEAR, 0, 400)).len(), 1);
    let broken = lines(CLEAR, 3, 3) + "5 443\n" + &lines(CLEAR, 6, 3);
    let out = give(&mut trial, 200_000, &broken);
    assert_eq!((out.len(), out[0].entries.len()), (1, 7), "parsing says what is wrong with it");
    for later in
        [OTHER, "interface-id start end bytes packets flow-direction srcaddr dstaddr pkt-srcaddr pkt-dstaddr"]
    {
        let out = give(&mut trial, 400_000, &(lines(CLEAR, 0, 5) + &lines(later, 0, 400)));
        assert_eq!(out.len(), 1, "{later}");
        assert_eq!(out[0].rejects.len(), 0, "{later}");
        assert_eq!(out[0].runs.len(), 2, "{later}");
    }
}

#[test]
fn a_layout_of_another_stream_is_taken_when_it_is_the_only_one_that_fits() {
    let mut trial = Trial::auto();
    let header = DARK.to_owned() + "\n";
    trial.part("file:0", 0, (header + &lines(DARK, 0, 2)).as_bytes());
    assert!(give(&mut trial, 0, &lines(DARK, 0, 15)).is_empty(), "a few records are not enough");
    let out = give(&mut trial, 10_000, &lines(DARK, 15, 1));
    assert_eq!(out.len(), 2);
    assert_eq!(formats(&out[0]), [format(DARK)]);
    assert_eq!(trial.found().last().unwrap().2, How::SeenBefore);

    let swapped = DARK.replace("dstaddr srcaddr", "srcaddr dstaddr") + "\n";
    let mut trial = Trial::auto();
    for (file, header) in [DARK.to_owned() + "\n", swapped].into_iter().enumerate() {
        trial.part(&format!("file:{}", file + 7), 0, (header + &lines(DARK, 0, 2)).as_bytes());
    }
    assert!(give(&mut trial, 0, &lines(DARK, 0, 100)).is_empty(), "two fit");
}

#[test]
fn a_column_that_is_no_known_field_makes_the_layout_unknown() {
    let mut trial = Trial::auto();
    let odd: String = lines(CLEAR, 0, 50).lines().map(|line| format!("{line} some:thing-new\n")).collect();
    let odd = odd.replace(" 5 OK", " 4 OK");
    assert!(give(&mut trial, 0, &odd).is_empty());
    let mut out = Vec::new();
    trial.resolver.ended(SourceId(0), &out_partition(), &mut out);
    assert!(
        out[0].rejects.iter().all(|reject| reject.reason == Reason::LayoutUnknown),
        "{:?}",
        out[0].rejects[0]
    );
}

fn out_partition() -> crate::event::Partition {
    crate::event::Partition::new("partition of file:1")
}

#[test]
fn awss_default_format_is_known_at_once_unless_the_lines_speak_against_it() {
    const V2: &str = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status";
    let two = |text: String| text.lines().map(|line| line.replacen("5 ", "2 ", 1) + "\n").collect::<String>();
    let mut trial = Trial::auto();
    let out = give(&mut trial, 0, &two(lines(V2, 0, 1)));
    assert_eq!((out.len(), trial.found()[0].2), (1, How::Default));
    let out = give(&mut trial, 5_000, &two(lines(V2, 1, 500)));
    assert!(Arc::ptr_eq(&out[0].runs[0].layout, &out[0].runs[0].layout) && out[0].runs.len() == 1);
    let swapped = V2.replace("packets bytes", "bytes packets");
    assert!(give(&mut Trial::auto(), 0, &two(lines(&swapped, 0, 1))).is_empty(), "more packets than bytes");
}

#[test]
fn each_log_group_of_a_stream_is_learned_for_itself() {
    let event = |id: u64, names: &str, number: u64| {
        let line = lines(names, number, 1);
        format!(r#"{{"id":"{id}","timestamp":1,"message":"{}"}}"#, line.trim_end())
    };
    let envelope = |group: &str, names: &str, first: u64| {
        let events: Vec<_> = (first..first + 40).map(|number| event(number, names, number)).collect();
        format!(
            r#"{{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"{group}","logStream":"s","subscriptionFilters":["f"],"logEvents":[{}]}}"#,
            events.join(",")
        ) + "\n"
    };
    let mut trial = Trial::auto();
    let text: String = (0..10)
        .flat_map(|part| {
            [("a", CLEAR), ("b", OTHER), ("c", DARK)].map(|(group, names)| envelope(group, names, part * 40))
        })
        .collect();
    let mut chunk = chunk("file:1", 0, b"");
    for (position, record) in (0..).zip(text.split_inclusive('\n')) {
        chunk.bytes.extend_from_slice(record.as_bytes());
        let end = chunk.bytes.len() as u32;
        chunk.records.push(crate::event::Record { position, end, first_index: 0 });
    }
    let batch = trial.chunk(chunk);
    assert_eq!(batch.events.len(), 800);
    assert_eq!(batch.rejects.len(), 400);
    for reject in &batch.rejects {
        assert_eq!(reject.reason, Reason::LayoutAmbiguous);
        assert_eq!(reject.log_event.as_ref().unwrap().0, crate::event::Origin::log_group("c"));
    }
    for index in 0..batch.events.len() {
        let number = index as u64 / 80 * 40 + index as u64 % 40;
        let flow = Flow { number: number / 2, out: number.is_multiple_of(2), nat: false };
        assert_eq!(says(&batch, index, Field::Bytes), Some(flow.column("bytes")));
    }
}
