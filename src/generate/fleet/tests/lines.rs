//! Bytes, files, rates, rhythm and lateness of the lines.

use std::collections::BTreeSet;
use std::io::Read;

use super::*;
use crate::generate::Error;

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

#[test]
fn the_same_options_give_the_same_bytes_and_another_seed_gives_others() {
    let options = Options { span: DAY / 2, ..small() };
    let first = made(&options);
    let again = made(&options);
    assert!(first.text == again.text && first.truth == again.truth && first.labels == again.labels);
    assert!(first.text != made(&Options { seed: 2, ..options }).text);
}

#[test]
fn attacks_change_no_other_line_and_no_other_place() {
    let quiet = Options { span: 4 * DAY, ..small() };
    let attacks = Attack::names().map(|name| Attack::named(name).unwrap()).collect();
    let fleet = FleetOptions { attacks, flood_per_minute: 100, lines_per_day: 10_000, ..quiet.fleet.clone() };
    let attacked = Options { fleet: fleet.clone(), ..quiet.clone() };
    let quiet = Options { fleet: FleetOptions { attacks: Vec::new(), ..fleet }, ..quiet };
    let (attacked, quiet) = (made(&attacked).text, made(&quiet).text);
    let mut left = attacked.lines();
    for line in quiet.lines() {
        assert!(left.any(|other| other == line), "{line} is missing, or elsewhere");
    }
    assert!(attacked.lines().count() > quiet.lines().count() + 1_000);
}

#[test]
fn a_week_has_the_lines_a_day_that_are_asked_for_and_its_share_is_rejected() {
    let options = Options { span: 7 * DAY, ..small() };
    let lines = made(&options).text.lines().count() as u64 / 7;
    assert!(lines.abs_diff(30_000) < 3_000, "{lines}");
    let made = made(&Options { span: DAY, rejected_permille: 200, ..options });
    let rejected = made.lines().filter(|line| line.of("action") == "REJECT").count() * 1_000;
    let share = rejected / made.lines().count();
    assert!((180..220).contains(&share), "{share}");
}

#[test]
fn the_files_of_a_bucket_are_named_as_aws_does_and_hold_the_lines_of_the_stream() {
    let options = Options { span: 6 * 3_600, header: true, ..small() };
    let folder = tempfile::tempdir().unwrap();
    let flows = FlowsTo::Tree { directory: folder.path(), compressed: true, seconds: 3_600 };
    let sum = write_fleet(&options, FleetOutputs { flows, labels: None, truth: None, assets: None }).unwrap();
    let stream = made(&options).text;
    let header = stream.lines().next().unwrap();
    let mut lines = Vec::new();
    let files = files(folder.path());
    // Four flow logs, six hours and what comes late.
    assert_eq!(files.len(), 4 * 7);
    for path in &files {
        let path = path.strip_prefix(folder.path()).unwrap().to_str().unwrap();
        let parts: Vec<&str> = path.split('/').collect();
        let [_, account, _, region, year, month, day, name] = parts[..] else { panic!("{path}") };
        assert_eq!((parts[0], parts[2]), ("AWSLogs", "vpcflowlogs"));
        let name: Vec<&str> = name.split('_').collect();
        assert_eq!((name[0], name[1], name[2]), (account, "vpcflowlogs", region), "{path}");
        assert!(
            name[3].starts_with("fl-0") && name[4].starts_with(&format!("{year}{month}{day}T")),
            "{path}"
        );
        assert!(name[4].ends_with("00Z") && name[5].ends_with(".log.gz"), "{path}");
        let mut text = String::new();
        let file = fs::File::open(folder.path().join(path)).unwrap();
        flate2::bufread::GzDecoder::new(std::io::BufReader::new(file)).read_to_string(&mut text).unwrap();
        assert_eq!(text.lines().next(), Some(header), "{path}");
        let vpcs: BTreeSet<String> =
            text.lines().skip(1).map(|line| line.split(' ').nth(11).unwrap().to_owned()).collect();
        assert!(vpcs.len() <= 1, "{path}: {vpcs:?}");
        lines.extend(text.lines().skip(1).map(str::to_owned));
    }
    assert_eq!(sum.lines, lines.len() as u64);
    let mut stream: Vec<&str> = stream.lines().skip(1).collect();
    lines.sort_unstable();
    stream.sort_unstable();
    assert!(lines == stream);
}

#[test]
fn clients_come_by_day_and_agents_phone_home_at_all_hours() {
    // Sunday to Tuesday.
    let options = Options { start: Options::fleet().start - DAY, ..small() };
    let made = made(&Options { span: 3 * DAY, ..options.clone() });
    let count = |port: &str, peer: &'static str, day: u64, hour: u64| {
        let from = options.start + day * DAY + hour * 3_600;
        let lines = made.about(peer).filter(Line::seen);
        let found =
            lines.filter(|line| line.of("dstport") == port && line.of("pkt-dstaddr").starts_with(peer));
        found.filter(|line| (from..from + 3 * 3_600).contains(&line.number("start"))).count()
    };
    let balancers = "10.";
    let (night, noon) = (count("8080", balancers, 1, 1), count("8080", balancers, 1, 11));
    assert!(noon > night * 2, "{night} at night and {noon} at noon");
    let sunday = count("8080", balancers, 0, 11);
    assert!(sunday * 10 < noon * 9, "{sunday} on Sunday and {noon} on Monday");
    let (night, noon) = (count("443", "198.51.100.150", 1, 1), count("443", "198.51.100.150", 1, 11));
    assert!(noon < night * 2, "{night} at night and {noon} at noon");
}

#[test]
fn one_line_in_a_hundred_comes_late_and_none_later_than_may_be() {
    for aggregation_seconds in [60, 600] {
        let fleet = FleetOptions { late_seconds: 1_800, ..small().fleet };
        let made = made(&Options { span: DAY / 4, aggregation_seconds, fleet, ..small() });
        let (mut newest, mut late) = (0, 0_usize);
        for line in made.lines() {
            let end = line.number("end");
            assert!(line.number("start") <= end && end + 1_800 >= newest, "{end} after {newest}");
            assert_eq!(line.number("start") / 600, end / 600);
            late += usize::from(end + 90 < newest);
            newest = newest.max(end);
        }
        let share = late * 10_000 / made.lines().count();
        assert!((40..120).contains(&share), "{share} of 10,000");
    }
}

#[test]
fn gaps_carry_no_addresses_and_name_the_interface() {
    let made = made(&Options { no_data_per_day: 500, span: DAY, ..small() });
    let gaps: Vec<Line<'_>> = made.lines().filter(|line| !line.seen()).collect();
    assert!((400..600).contains(&gaps.len()), "{}", gaps.len());
    let kinds: BTreeSet<&str> = gaps.iter().map(|line| line.of("log-status")).collect();
    assert_eq!(kinds, BTreeSet::from(["NODATA", "SKIPDATA"]));
    for line in gaps {
        assert!(line.of("interface-id").starts_with("eni-0") && line.number("start") < line.number("end"));
        for name in ["srcaddr", "dstport", "bytes", "action", "pkt-dstaddr", "flow-direction"] {
            assert_eq!(line.of(name), "-");
        }
    }
}

#[test]
fn options_out_of_range_are_refused() {
    let with = |change: fn(&mut Options)| {
        let mut options = small();
        change(&mut options);
        options
    };
    let cases = [
        with(|options| options.fleet.vpcs = 0),
        with(|options| options.fleet.services = 15),
        with(|options| options.fleet.services = 61),
        with(|options| options.fleet.life_seconds = 900),
        with(|options| options.fleet.late_seconds = 3_601),
        with(|options| options.fleet.attacks = vec![Attack::WarmUp]),
        with(|options| options.start += 60),
        with(|options| options.aggregation_seconds = 300),
    ];
    for options in cases {
        let refused = crate::generate::write(&options, &mut std::io::sink(), None);
        assert!(matches!(refused, Err(Error::Range { .. })), "{options:?}");
    }
    let format = LineFormat::Custom("${srcaddr} ${tgw-id}".to_owned());
    let refused = crate::generate::write(&Options { format, ..small() }, &mut std::io::sink(), None);
    assert!(refused.unwrap_err().to_string().ends_with("version 2 to 11"));
}

#[test]
fn a_number_of_lines_is_kept_exactly() {
    let options = Options { lines: Some(12_345), ..small() };
    assert_eq!(made(&options).text.lines().count(), 12_345);
}
