//! Samples that others published: each line is read as its columns say, or is quarantined with a reason; none is lost and
//! none makes the process stumble.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use floodmark::event::FIELDS;
use serde_json::Value;

use crate::{
    process::{Folder, at, text_at},
    skipped::fixtures,
};

/// The layouts of Elastic's samples that have no header line, as Elastic's own pipeline tells them apart: by the number
/// of their columns.
const TCP_FLAGS: &str = "${version} ${vpc-id} ${subnet-id} ${instance-id} ${interface-id} ${account-id} ${type} ${srcaddr} \
    ${dstaddr} ${srcport} ${dstport} ${pkt-srcaddr} ${pkt-dstaddr} ${protocol} ${bytes} ${packets} ${start} ${end} \
    ${action} ${tcp-flags} ${log-status}";
const ECS: &str = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} \
    ${packets} ${bytes} ${start} ${end} ${action} ${log-status} ${vpc-id} ${subnet-id} ${instance-id} ${tcp-flags} ${type} \
    ${pkt-srcaddr} ${pkt-dstaddr} ${region} ${az-id} ${sublocation-type} ${sublocation-id} ${pkt-src-aws-service} \
    ${pkt-dst-aws-service} ${flow-direction} ${traffic-path} ${ecs-cluster-arn} ${ecs-cluster-name} \
    ${ecs-container-instance-arn} ${ecs-container-instance-id} ${ecs-container-id} ${ecs-second-container-id} \
    ${ecs-service-name} ${ecs-task-definition-arn} ${ecs-task-arn} ${ecs-task-id}";

/// What became of a file.
struct Parsed {
    documents: Vec<Value>,
    bad: usize,
    /// What the command told.
    told: String,
}

/// Parses the file at `path`, with the format string `fields` where it has no header line.
fn parse(path: &Path, fields: Option<&str>) -> Parsed {
    let folder = Folder::new();
    let mut arguments = vec!["parse", path.to_str().unwrap()];
    arguments.extend(fields.iter().flat_map(|fields| ["--fields", fields]));
    let (ended, printed) = folder.printed(&arguments);
    ended.assert_code(0);
    let documents = printed.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let count = ended.err.lines().find_map(|line| line.split_once(" events, ")?.1.strip_suffix(" bad lines"));
    let bad = count.unwrap_or_else(|| panic!("{}", ended.err)).parse().unwrap();
    Parsed { documents, bad, told: ended.err }
}

/// The files of a folder of the samples that end in `.log`, in order.
fn logs(folder: PathBuf) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    files.sort();
    assert!(!files.is_empty());
    files
}

/// The lines of a file that are not blank.
fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect()
}

/// Writes a line of the report, which is seen whether or not the test fails.
fn report(path: &Path, parsed: &Parsed) {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let _ =
        writeln!(std::io::stderr(), "{name}: {} events, {} quarantined", parsed.documents.len(), parsed.bad);
}

/// Compares the `text` of the column called `name` with every place where the document should say it.
fn assert_says(document: &Value, name: &str, text: &str) {
    let Some(row) = FIELDS.iter().find(|row| row.name == name) else {
        let path = format!("aws.vpcflow.{}", name.replace('-', "_"));
        return assert_eq!(at(document, &path).as_str(), Some(text), "{path} in {document}");
    };
    for path in row.ecs.iter().map(|ecs| ecs.path) {
        let said = match at(document, path) {
            Value::String(said) => said.clone(),
            other => other.to_string(),
        };
        let expected = match path {
            // Only where it differs from what the interface saw.
            "source.nat.ip" | "destination.nat.ip" if said == "null" => continue,
            "event.action" => text.to_lowercase(),
            "event.start" | "event.end" | "@timestamp" if text != "-" => {
                jiff::Timestamp::from_second(text.parse().unwrap()).unwrap().to_string()
            }
            _ => text.to_owned(),
        };
        let absent = text == "-" && said == "null";
        assert!(absent || said == expected, "{name} is {text}, {path} is {said} in {document}");
    }
}

#[test]
fn every_line_of_awss_own_examples_says_what_its_header_names_or_has_no_time() {
    let name = "every_line_of_awss_own_examples_says_what_its_header_names_or_has_no_time";
    let Some(folder) = fixtures(name) else { return };
    let mut timed = 0;
    for path in logs(folder.join("aws-docs/vpcflow-lines")) {
        let lines = lines(&path);
        let columns: Vec<&str> = lines[0].split_whitespace().collect();
        let parsed = parse(&path, None);
        report(&path, &parsed);
        // A document without a time cannot be: two of AWS's examples leave both columns out.
        if !columns.contains(&"start") && !columns.contains(&"end") {
            assert_eq!((parsed.documents.len(), parsed.bad), (0, lines.len() - 1), "{}", path.display());
            assert!(parsed.told.contains("no_time"), "{}", parsed.told);
            continue;
        }
        assert_eq!((parsed.documents.len(), parsed.bad), (lines.len() - 1, 0), "{}", parsed.told);
        for (line, document) in lines[1..].iter().zip(&parsed.documents) {
            timed += 1;
            for (column, text) in columns.iter().zip(line.split_whitespace()) {
                assert_says(document, column, text);
            }
        }
    }
    assert!(timed >= 17, "{timed}");
}

#[test]
fn elastics_samples_leave_with_the_facts_that_elastics_own_pipeline_gives_them() {
    let name = "elastics_samples_leave_with_the_facts_that_elastics_own_pipeline_gives_them";
    let Some(folder) = fixtures(name) else { return };
    for (file, fields, count) in [
        ("test-extra-samples.log", None, 7),
        ("test-tcp-flag-sequence.log", Some(TCP_FLAGS), 3),
        ("test-ecs-samples.log", Some(ECS), 10),
    ] {
        let path = folder.join("elastic").join(file);
        let parsed = parse(&path, fields);
        report(&path, &parsed);
        assert_eq!((parsed.documents.len(), parsed.bad), (count, 0), "{}", parsed.told);
        let expected =
            fs::read_to_string(folder.join("elastic").join(format!("{file}-expected.json"))).unwrap();
        let expected: Value = serde_json::from_str(&expected).unwrap();
        let expected = expected["expected"].as_array().unwrap();
        assert_eq!(expected.len(), count);
        for (ours, theirs) in parsed.documents.iter().zip(expected) {
            assert_same_facts(ours, theirs);
        }
    }
}

/// Compares what both must say alike; where they choose differently, DESIGN section 6 says why.
fn assert_same_facts(ours: &Value, theirs: &Value) {
    for path in [
        "source.ip",
        "source.port",
        "source.bytes",
        "source.packets",
        "destination.ip",
        "destination.port",
        "network.bytes",
        "network.packets",
        "network.iana_number",
        "network.transport",
        "network.type",
        "cloud.account.id",
        "cloud.instance.id",
        "aws.vpcflow.version",
        "aws.vpcflow.log_status",
        "aws.vpcflow.vpc_id",
        "aws.vpcflow.subnet_id",
        "aws.vpcflow.tcp_flags",
        "aws.vpcflow.ecs_task_id",
    ] {
        let (one, other) = (at(ours, path), at(theirs, path));
        // Where theirs leaves something out, ours may know it.
        assert!(one == other || other.is_null(), "{path}: {one} and {other} in {theirs}");
    }
    // What the log did not see has no outcome, whatever its action column says.
    if at(ours, "aws.vpcflow.log_status") == "OK" {
        assert_eq!(at(ours, "event.outcome"), at(theirs, "event.outcome"));
    }
    for path in ["@timestamp", "event.start", "event.end"] {
        let time = |document| text_at(document, path).parse::<jiff::Timestamp>().unwrap();
        assert_eq!(time(ours), time(theirs), "{path}");
    }
}

#[test]
fn every_line_of_the_other_samples_is_an_event_or_is_quarantined_with_a_reason() {
    let name = "every_line_of_the_other_samples_is_an_event_or_is_quarantined_with_a_reason";
    let Some(folder) = fixtures(name) else { return };
    // File, whether a header line is in it, and why what is not an event is not.
    for (file, header, events, reason) in [
        ("elastic/test-with-message-field.log", false, 0, "layout_ambiguous"),
        ("elastic/test-ecs-samples.log", false, 0, "layout_ambiguous"),
        ("elastic/test-tcp-flag-sequence.log", false, 0, "layout_ambiguous"),
        ("otel/valid_tgw_flow_log.log", true, 1, ""),
        ("otel/valid_vpc_flow_log.log", true, 1, ""),
        ("otel/valid_vpc_flow_log_ecs.log", true, 1, ""),
        ("otel/valid_vpc_flow_log_multi.log", true, 2, ""),
        ("otel/vpc_flow_log_too_few_fields.log", true, 0, "too_few_columns"),
        ("otel/vpc_flow_log_too_many_fields.log", true, 0, "too_many_columns"),
    ] {
        let path = folder.join(file);
        let entries = lines(&path).len() - usize::from(header);
        let parsed = parse(&path, None);
        report(&path, &parsed);
        assert_eq!(
            (parsed.documents.len(), parsed.bad),
            (events, entries - events),
            "{file} {}",
            parsed.told
        );
        assert!(parsed.told.contains(reason), "{file} {}", parsed.told);
    }
    // What is no flow log at all is quarantined too.
    for file in [
        "otel/valid_vpc_flow_cw.json",
        "otel/valid_vpc_flow_cw_custom.json",
        "elastic/awsfirehose/test-vpcflow-log.json",
    ] {
        let path = folder.join(file);
        let parsed = parse(&path, None);
        report(&path, &parsed);
        assert_eq!((parsed.documents.len(), parsed.bad), (0, lines(&path).len()), "{file} {}", parsed.told);
    }
}
