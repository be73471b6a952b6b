//! What the generator guarantees about the lines it writes, over both profiles.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod demo;

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// One line of the default format, read by splitting at blanks.
struct Line<'a>(Vec<&'a str>);

impl<'a> Line<'a> {
    fn interface(&self) -> &'a str {
        self.0[2]
    }
    fn source(&self) -> &'a str {
        self.0[3]
    }
    fn destination(&self) -> &'a str {
        self.0[4]
    }
    fn number(&self, index: usize) -> u64 {
        self.0[index].parse().unwrap()
    }
    fn bytes(&self) -> u64 {
        self.number(9)
    }
    fn start(&self) -> u64 {
        self.number(10)
    }
    fn end(&self) -> u64 {
        self.number(11)
    }
    fn rejected(&self) -> bool {
        self.0[12] == "REJECT"
    }
    fn seen(&self) -> bool {
        self.0[13] == "OK"
    }
}

/// A day and a half of the estate, with the attack on its last day, and no header.
fn short() -> Options {
    Options { span: 36 * 3600, header: false, ..Options::default() }
}

fn written(options: &Options) -> String {
    let mut out = Vec::new();
    write(options, &mut out, None).unwrap();
    String::from_utf8(out).unwrap()
}

fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    text.lines().map(|line| Line(line.split(' ').collect()))
}

fn labels(options: &Options) -> Vec<serde_json::Value> {
    let mut out = Vec::new();
    write(options, &mut io::sink(), Some(&mut out)).unwrap();
    String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

const INTRUDER: &str = "203.0.113.77";

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_gives_others() {
    for options in [short(), Options::load(20_000, 500, 700)] {
        let first = written(&options);
        assert_eq!(first, written(&options));
        assert_ne!(first, written(&Options { seed: 2, ..options }));
    }
}

#[test]
fn without_the_attack_every_other_line_is_the_same_and_in_the_same_place() {
    for aggregation_seconds in [60, 600] {
        let options = Options { aggregation_seconds, ..short() };
        let attacked = written(&options);
        let background: Vec<&str> = attacked.lines().filter(|line| !line.contains(INTRUDER)).collect();
        let quiet = written(&options.without_attack());
        assert!(background.len() < attacked.lines().count());
        assert_eq!(background, quiet.lines().collect::<Vec<_>>());
    }
}

#[test]
fn every_label_names_the_bytes_that_the_lines_between_its_ends_add_up_to() {
    for aggregation_seconds in [60, 600] {
        let options = Options { aggregation_seconds, ..short() };
        let (text, labels) = (written(&options), labels(&options));
        let mut kinds: BTreeMap<&str, u32> = BTreeMap::new();
        for label in &labels {
            *kinds.entry(label["kind"].as_str().unwrap()).or_default() += 1;
            let between = label["start"].as_u64().unwrap()..=label["end"].as_u64().unwrap();
            let matching = lines(&text).filter(|line| {
                line.interface() == label["interface"]
                    && line.source() == label["address"]
                    && line.destination() == label["peer"]
                    && between.contains(&line.start())
            });
            assert_eq!(
                matching.map(|line| line.bytes()).sum::<u64>(),
                label["bytes"].as_u64().unwrap(),
                "{label}"
            );
            assert_eq!(label["attack"], label["kind"] != "backup");
            assert_eq!(label["technique"].is_string(), label["kind"] != "backup");
        }
        assert_eq!(kinds, BTreeMap::from([("backup", 10), ("exfiltration", 1), ("reconnaissance", 1)]));
    }
}

#[test]
fn the_intruder_looks_around_for_twenty_minutes_and_takes_a_gigabyte_in_three() {
    for seed in 1..6 {
        let labels = labels(&Options { seed, ..short() });
        let of = |kind: &str| labels.iter().find(|label| label["kind"] == kind).unwrap().clone();
        let (looking, taking) = (of("reconnaissance"), of("exfiltration"));
        let seconds =
            |label: &serde_json::Value| label["end"].as_u64().unwrap() + 1 - label["start"].as_u64().unwrap();
        assert_eq!((seconds(&looking), seconds(&taking)), (20 * 60, 3 * 60));
        let minute = looking["bytes"].as_u64().unwrap() / 20;
        assert!((1_500..3_000).contains(&minute), "{minute}");
        assert!((990_000_000..1_050_000_000).contains(&taking["bytes"].as_u64().unwrap()));
        assert_eq!(taking["start"].as_u64().unwrap() / 600, taking["end"].as_u64().unwrap() / 600);
    }
}

#[test]
fn every_line_has_as_many_columns_as_its_format_has_fields() {
    let custom = LineFormat::Custom("${dstaddr} ${version}  ${flow-direction} ${bytes}".to_owned());
    for (format, columns, version) in [(LineFormat::V2, 14, 2), (LineFormat::V5, 29, 5), (custom, 4, 5)] {
        let text = written(&Options { format, header: true, ..short() });
        let mut all = text.lines();
        let header: Vec<&str> = all.next().unwrap().split(' ').collect();
        let at = header.iter().position(|name| *name == "version").unwrap();
        assert_eq!(header.len(), columns);
        for line in all {
            let values: Vec<&str> = line.split(' ').collect();
            assert_eq!(values.len(), columns, "{line}");
            assert_eq!(values[at], version.to_string(), "{line}");
            assert!(values.iter().all(|value| !value.is_empty()), "{line}");
        }
    }
}

#[test]
fn a_custom_format_has_the_same_values_in_its_own_order() {
    let default = written(&short());
    let format = LineFormat::Custom("${end} ${srcaddr} ${log-status} ${interface-id}".to_owned());
    let custom = written(&Options { format, ..short() });
    let want: Vec<String> = lines(&default)
        .map(|line| format!("{} {} {} {}", line.0[11], line.0[3], line.0[13], line.0[2]))
        .collect();
    assert_eq!(custom.lines().collect::<Vec<_>>(), want);
}

#[test]
fn the_fields_of_version_five_agree_with_each_other() {
    let text = written(&Options { format: LineFormat::V5, header: true, ..short() });
    let names: Vec<&str> = text.lines().next().unwrap().split(' ').collect();
    let mut flags = BTreeSet::new();
    for line in text.lines().skip(1) {
        let values: Vec<&str> = line.split(' ').collect();
        let of = |name: &str| values[names.iter().position(|known| *known == name).unwrap()];
        if of("log-status") != "OK" {
            assert_eq!((of("type"), of("flow-direction"), of("tcp-flags")), ("-", "-", "-"));
            continue;
        }
        assert_eq!(of("type") == "IPv6", of("srcaddr").contains(':'), "{line}");
        assert_eq!(of("type") == "IPv6", of("dstaddr").contains(':'), "{line}");
        assert_eq!(of("traffic-path") == "-", of("flow-direction") == "ingress", "{line}");
        let own = if of("flow-direction") == "egress" { "srcaddr" } else { "dstaddr" };
        assert!(of(own).starts_with("10.20.") || of(own).starts_with("2001:db8:20:"), "{line}");
        assert!(of("protocol") == "6" || of("tcp-flags") == "0", "{line}");
        assert_eq!(of("pkt-dst-aws-service") == "S3", of("pkt-dstaddr") == "192.0.2.180", "{line}");
        flags.insert(of("tcp-flags"));
        let gateway = of("srcaddr") != of("pkt-srcaddr") || of("dstaddr") != of("pkt-dstaddr");
        assert!(!gateway || of("instance-id") == "-", "{line}");
    }
    assert!(["0", "1", "2", "3", "18", "19"].iter().all(|flag| flags.contains(flag)), "{flags:?}");
}

#[test]
fn records_lie_inside_their_interval_and_come_nearly_in_order() {
    for (options, late) in [
        (short(), flow::DELAY_MAX),
        (Options { aggregation_seconds: 60, ..short() }, flow::DELAY_MAX),
        (Options::load(50_000, 1_000, 1_000), 60),
    ] {
        let text = written(&options);
        let mut latest = 0;
        for line in lines(&text) {
            assert!(line.start() <= line.end());
            let interval = u64::from(options.aggregation_seconds);
            let load = options.profile == Profile::Load;
            assert!(load || line.start() / interval == line.end() / interval);
            assert!(line.end() + late > latest, "{} after {latest}", line.end());
            latest = latest.max(line.end());
        }
        assert!(latest < options.start + options.span && latest > options.start + options.span - 700);
    }
}

#[test]
fn the_shares_asked_for_are_the_shares_there_are() {
    for share in [0_u64, 60, 300] {
        for options in [short(), Options::load(100_000, 1_000, 1_000)] {
            let share32 = u32::try_from(share).unwrap();
            let text =
                written(&Options { rejected_permille: share32, ipv6_permille: share32, ..options.clone() });
            let count = lines(&text).count() as u64;
            let rejected = lines(&text).filter(Line::rejected).count() as u64 * 1000 / count;
            assert!(rejected.abs_diff(share) <= share / 8, "{rejected} for {share}");
            // In an estate the share is of clients' sessions, which are those on 443 at the web servers.
            let sessions: Vec<Line<'_>> =
                lines(&text).filter(|line| options.profile == Profile::Load || line.0[5] == "443").collect();
            let six = sessions.iter().filter(|line| line.source().contains(':')).count() as u64;
            let six = six * 1000 / sessions.len() as u64;
            assert!(six.abs_diff(share) <= share / 5, "{six} for {share}");
        }
    }
}

#[test]
fn gaps_in_the_log_are_a_few_a_day_and_carry_no_addresses() {
    let text = written(&Options { span: 7 * 86_400, attack: false, header: false, ..Options::default() });
    let gaps: Vec<Line<'_>> = lines(&text).filter(|line| !line.seen()).collect();
    assert!((20..70).contains(&gaps.len()), "{}", gaps.len());
    assert!(gaps.iter().all(|line| line.0[3..10].iter().all(|value| *value == "-") && line.0[12] == "-"));
    let kinds: BTreeSet<&str> = gaps.iter().map(|line| line.0[13]).collect();
    assert_eq!(kinds, BTreeSet::from(["NODATA", "SKIPDATA"]));
    let none = written(&Options { no_data_per_day: 0, ..short() });
    assert!(lines(&none).all(|line| line.seen()));
}

#[test]
fn a_load_has_exactly_the_lines_and_the_distinct_sources_asked_for() {
    let cases = [
        (40_001_u64, 8_000_u32, 5_000_u32, 0),
        (30_000, 1, 16, 0),
        (420_000, 100_000, 300, 0),
        (40_000, 900, 7_000, 1000),
    ];
    for (count, hosts, externals, ipv6_permille) in cases {
        let options = Options { ipv6_permille, ..Options::load(count, hosts, externals) };
        let mut out = Vec::new();
        let sum = write(&options, &mut out, None).unwrap();
        assert_eq!((sum.lines, sum.bytes), (count, out.len() as u64));
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.lines().count() as u64, count);
        assert!(lines(&text).all(|line| line.0.len() == 14));
        let sources: BTreeSet<&str> = lines(&text).map(|line| line.source()).collect();
        let own = |source: &&&str| source.starts_with("10.") || source.starts_with("2001:db8:20:");
        let internal = sources.iter().filter(own).count();
        assert_eq!((internal, sources.len() - internal), (hosts as usize, externals as usize));
    }
}

#[test]
fn a_million_lines_of_load_span_a_few_hours() {
    let options = Options::load(1_000_000, 8_000, 50_000);
    assert!((2 * 3600..6 * 3600).contains(&options.span));
}

#[test]
fn an_estate_stops_after_exactly_the_lines_asked_for() {
    for count in [1, 999, 150_000] {
        let options = Options { lines: Some(count), hosts: 300, attack: false, ..Options::default() };
        let sum = write(&options, &mut io::sink(), None).unwrap();
        assert_eq!(sum.lines, count);
    }
}

#[test]
fn options_out_of_range_are_refused() {
    let cases = [
        Options { hosts: 11, ..Options::default() },
        Options { aggregation_seconds: 300, ..Options::default() },
        Options { rejected_permille: 501, ..Options::default() },
        Options { externals: 3, ..Options::default() },
        Options { span: 3600, ..Options::default() },
        Options { start: u64::MAX - 7, ..Options::default() },
    ];
    for options in cases {
        assert!(matches!(write(&options, &mut io::sink(), None), Err(Error::Range { .. })), "{options:?}");
    }
}
