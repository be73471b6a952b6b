//! Learning the layout: lines whose columns nobody named are read as what they are, or are refused; never otherwise.

mod traffic;

use std::{io::Write as _, sync::Arc};

use floodmark::{
    codec::{Lines, Positions},
    event::{Batch, Chunk, FIELDS, Field, Origin, Partition, Reason, SourceId, Value},
    parse::{Config, Input, Parser, Resolver},
    telemetry::{books::SourceBooks, metrics::Metrics},
};
use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use crate::{
    process::{Folder, text_at},
    skipped::fixtures,
};

/// What became of a log.
struct Outcome {
    /// For each line, in order: the fields that its event has, by name, or why there is none.
    lines: Vec<Result<Vec<(String, String)>, Reason>>,
    /// The records after which the first line was let go.
    decided_after: Option<usize>,
}

/// Reads `lines` as one stream, `step` lines at a time, and ends it.
fn read(lines: &[&str], step: usize) -> Outcome {
    let books = SourceBooks::new(&Metrics::default(), "flows");
    let inputs: Arc<[Input]> = [Input { format: Config::Auto.format(), books }].into();
    let (mut resolver, parser) = (Resolver::new(inputs.clone()), Parser::new(inputs.clone()));
    let mut outcome = Outcome { lines: Vec::new(), decided_after: None };
    let partition = Partition::new("p");
    let mut given = 0;
    for (number, lines) in lines.chunks(step).enumerate() {
        let mut chunk = Chunk::new(SourceId(0), partition.clone(), Origin::stdin(), Vec::new());
        let mut framed = Lines::new(1 << 16, Positions::Offset, number as u64 * 1_000_000);
        framed.push(lines.join("\n").as_bytes(), &mut chunk);
        framed.finish(&mut chunk);
        let mut resolved = Vec::new();
        resolver.chunk(chunk, &mut resolved);
        given += lines.len();
        if resolved.iter().any(|chunk| !chunk.entries.is_empty()) {
            outcome.decided_after.get_or_insert(given);
        }
        take(&parser, resolved, &mut outcome);
    }
    let mut resolved = Vec::new();
    resolver.ended(SourceId(0), &partition, &mut resolved);
    take(&parser, resolved, &mut outcome);
    assert!(inputs[0].books.entries_in_flight.get() == 0);
    outcome
}

fn take(parser: &Parser, resolved: Vec<Chunk>, outcome: &mut Outcome) {
    for chunk in resolved {
        let mut batch = Batch::default();
        parser.parse(chunk, &mut batch);
        let mut both: Vec<_> = batch
            .events
            .iter()
            .map(|event| (event.entry.record, Ok(says(&batch, event))))
            .chain(batch.rejects.iter().map(|reject| (reject.entry.record, Err(reject.reason))))
            .collect();
        both.sort_by_key(|(record, _)| *record);
        outcome.lines.extend(both.into_iter().map(|(_, line)| line));
    }
}

/// Every field that the event has, with its text.
fn says(batch: &Batch, event: &floodmark::event::Event) -> Vec<(String, String)> {
    let text = |field: Field| match batch.value(event, field) {
        Value::Absent => None,
        Value::Uint(number) => Some(number.to_string()),
        _ => batch.text(event, field).map(|text| String::from_utf8_lossy(text).into_owned()),
    };
    let known = FIELDS.iter().filter_map(|row| Some((row.name.to_owned(), text(row.field)?)));
    let extras = &batch.extras[event.extras as usize..][..event.extras_len as usize];
    let extras = extras
        .iter()
        .map(|(name, span)| (name.to_string(), String::from_utf8_lossy(span.of(batch.bytes())).into()));
    known.chain(extras).collect()
}

/// What a line with these columns says, sorted as [`says`] has it.
fn truth(names: &[&str], line: &str) -> Vec<(String, String)> {
    let columns: Vec<(&str, &str)> = names.iter().copied().zip(line.split_whitespace()).collect();
    let text = |name: &str| {
        columns.iter().find(|(column, text)| *column == name && *text != "-").map(|(_, text)| *text)
    };
    FIELDS.iter().filter_map(|row| Some((row.name.to_owned(), text(row.name)?.to_owned()))).collect()
}

/// Lines that are wrong: read, but not as what they are.
fn wrong<'a>(names: &[&str], lines: &[&'a str], outcome: &Outcome) -> Vec<&'a str> {
    assert_eq!(outcome.lines.len(), lines.len());
    let is_wrong = |(line, read): (&&'a str, &Result<_, Reason>)| {
        read.as_ref().is_ok_and(|read| *read != truth(names, line)).then_some(*line)
    };
    lines.iter().zip(&outcome.lines).filter_map(is_wrong).collect()
}

/// A share of tries, told in the test's output.
fn tell(what: &str, tries: &[Option<usize>], clear: &[f64]) {
    let mut after: Vec<usize> = tries.iter().flatten().copied().collect();
    after.sort_unstable();
    let median =
        after.get(after.len() / 2).map_or("never".into(), |median| format!("median {median} records"));
    let most =
        after.get(after.len() * 9 / 10).map_or(String::new(), |most| format!(", 9 of 10 after {most}"));
    let share = clear.iter().sum::<f64>() / clear.len().max(1) as f64;
    let _ = writeln!(
        std::io::stderr(),
        "{what}: {} of {} layouts decided, {median}{most}; {:.1} % of all lines read",
        after.len(),
        tries.len(),
        share * 100.0
    );
}

fn try_all(
    what: &str,
    tries: usize,
    lines: u64,
    pick: impl Fn(&mut ChaCha8Rng) -> Vec<&'static str>,
) -> usize {
    let mut after = Vec::new();
    let mut shares = Vec::new();
    let tries = tries * std::env::var("FLOODMARK_TRIES").map_or(1, |tries| tries.parse().unwrap());
    for seed in 0..tries as u64 {
        let seed = seed + std::env::var("FLOODMARK_SEED").map_or(0, |seed| seed.parse().unwrap());
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut names = pick(&mut rng);
        names.shuffle(&mut rng);
        let lines = traffic::lines(&names, lines, seed + 1);
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let outcome = read(&lines, 8);
        let wrong = wrong(&names, &lines, &outcome);
        assert!(
            wrong.is_empty(),
            "seed {seed}: {} of {} lines are read wrongly under {names:?}: {}",
            wrong.len(),
            lines.len(),
            wrong[0]
        );
        // What has no time is no event, whatever is known of it.
        let read = outcome.lines.iter().filter(|line| line.is_ok() || **line == Err(Reason::NoTime)).count();
        after.push(outcome.decided_after);
        shares.push(read as f64 / lines.len() as f64);
    }
    tell(what, &after, &shares);
    after.iter().flatten().count()
}

fn names(versions: std::ops::RangeInclusive<u8>) -> Vec<&'static str> {
    FIELDS.iter().filter(|row| versions.contains(&row.version)).map(|row| row.name).collect()
}

#[test]
fn shuffled_columns_of_all_fields_of_version_5_are_never_read_wrongly() {
    let decided = try_all("29 fields, shuffled", 30, 1_500, |_| names(2..=5));
    assert!(decided >= 25, "{decided}");
}

#[test]
fn shuffled_columns_of_version_2_are_never_read_wrongly() {
    try_all("14 fields, shuffled", 30, 600, |_| names(2..=2));
}

#[test]
fn shuffled_columns_of_random_fields_are_never_read_wrongly() {
    for size in [5, 10, 15, 20, 25] {
        try_all(&format!("{size} of 29 fields, shuffled"), 60, 400, |rng| {
            let mut names = names(2..=5);
            names.shuffle(rng);
            names.truncate(size);
            names
        });
    }
}

#[test]
fn shuffled_columns_of_any_of_all_54_fields_are_never_read_wrongly() {
    for size in [5, 10, 20, 30, 40, 54] {
        try_all(&format!("{size} of 54 fields, shuffled"), 25, 400, |rng| {
            let mut names = names(2..=11);
            names.shuffle(rng);
            names.truncate(size);
            names
        });
    }
}

/// A log with the next hop's interface and without its own: what changes while both stay the same can still be the own one's.
#[test]
fn a_next_hop_is_not_taken_for_the_interface_whose_subnet_a_column_tells() {
    let names = [
        "tgw-dst-eni",
        "pkt-dstaddr",
        "tgw-src-vpc-account-id",
        "traffic-path",
        "bytes",
        "tgw-dst-vpc-id",
        "instance-id",
        "subnet-id",
        "next-hop-interface-id",
        "resource-id",
    ];
    let lines = traffic::lines(&names, 400, 700_100);
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert_eq!(wrong(&names, &lines, &read(&lines, 8)), Vec::<&str>::new());
}

#[test]
fn shuffled_columns_with_what_most_logs_have_are_never_read_wrongly() {
    try_all("core fields and some others, shuffled", 60, 600, |rng| {
        let core = [
            "version",
            "interface-id",
            "srcaddr",
            "dstaddr",
            "srcport",
            "dstport",
            "protocol",
            "packets",
            "bytes",
            "start",
            "end",
            "action",
            "tcp-flags",
            "flow-direction",
            "pkt-srcaddr",
            "pkt-dstaddr",
        ];
        let mut names = names(2..=5);
        names.retain(|name| core.contains(name) || rng.random_bool(0.5));
        names
    });
}

#[test]
fn awss_examples_without_their_header_are_read_as_it_names_them_or_refused() {
    let name = "awss_examples_without_their_header_are_read_as_it_names_them_or_refused";
    let Some(folder) = fixtures(name) else { return };
    let mut files: Vec<_> = std::fs::read_dir(folder.join("aws-docs/vpcflow-lines"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let names: Vec<&str> = lines[0].split_whitespace().collect();
        let outcome = read(&lines[1..], 8);
        let wrong = wrong(&names, &lines[1..], &outcome);
        assert_eq!(wrong, Vec::<&str>::new(), "{}", path.display());
        let read = outcome.lines.iter().filter(|line| line.is_ok()).count();
        let _ = writeln!(std::io::stderr(), "{}: {read} of {} read", path.display(), lines.len() - 1);
    }
}

#[test]
fn files_of_one_flow_log_share_its_layout_by_their_names() {
    let folder = Folder::new();
    let name = |folder: &str, id: &str| {
        format!("{folder}/012345678901_vpcflowlogs_eu-west-1_{id}_20260302T0000Z_0a1b2c3d.log")
    };
    let line = "198.51.100.7 10.0.0.1 eni-1 ACCEPT 1772409600 1772409660\n";
    // A line alone fits two layouts of the source.
    folder.write(&name("a", "fl-0a"), format!("dstaddr srcaddr interface-id action start end\n{line}"));
    folder.write(&name("b", "fl-0b"), format!("srcaddr dstaddr interface-id action start end\n{line}"));
    folder.write(&name("c", "fl-0a"), line);
    folder.write(&name("d", "fl-0b"), line);
    folder.write(&name("e", "fl-0c"), line);
    folder.write(
        "c.yaml",
        "sources: { flows: { from: { file: { paths: [\"**/*.log\"] } } } }\n\
         sinks: { out: { to: { file: { path: out.ndjson } } } }\n",
    );
    folder.run(&["run", "-q", "-c", "c.yaml"]).assert_code(0);
    let sources: Vec<String> =
        folder.documents("out.ndjson").iter().map(|document| text_at(document, "source.ip")).collect();
    assert_eq!(sources, ["10.0.0.1", "10.0.0.1", "198.51.100.7", "198.51.100.7"]);
    let quarantined = folder.documents("quarantine.ndjson");
    assert_eq!(quarantined.len(), 1);
    assert_eq!(text_at(&quarantined[0], "reason"), "layout_ambiguous");
}
