//! AWS's own examples and Tenzir's parsed lines: every column says in the document what its name says it is.

use std::io::Write;

use floodmark::event::FIELDS;
use serde_json::Value;

use super::{lines, logs};
use crate::{
    process::{Folder, at},
    skipped::fixtures,
};

/// What became of a file.
pub(super) struct Parsed {
    pub(super) documents: Vec<Value>,
    pub(super) bad: usize,
    /// What the command told.
    pub(super) told: String,
}

/// Parses the file at `path`, told nothing of its format.
pub(super) fn parse(path: &std::path::Path) -> Parsed {
    let folder = Folder::new();
    let (ended, printed) = folder.printed(&["parse", path.to_str().unwrap()]);
    ended.assert_code(0);
    let documents = printed.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let count = ended.err.lines().find_map(|line| line.split_once(" events, ")?.1.strip_suffix(" bad lines"));
    let bad = count.unwrap_or_else(|| panic!("{}", ended.err)).parse().unwrap();
    Parsed { documents, bad, told: ended.err }
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
fn every_line_of_awss_own_examples_says_what_its_header_names() {
    let name = "every_line_of_awss_own_examples_says_what_its_header_names";
    let Some(folder) = fixtures(name) else { return };
    let mut compared = 0;
    for path in logs(folder.join("aws-docs/vpcflow-lines")) {
        let lines = lines(&path);
        let columns: Vec<&str> = lines[0].split_whitespace().collect();
        let parsed = parse(&path);
        let _ = writeln!(
            std::io::stderr(),
            "{}: {} events, {} quarantined",
            path.display(),
            parsed.documents.len(),
            parsed.bad
        );
        assert_eq!((parsed.documents.len(), parsed.bad), (lines.len() - 1, 0), "{}", parsed.told);
        for (line, document) in lines[1..].iter().zip(&parsed.documents) {
            compared += 1;
            for (column, text) in columns.iter().zip(line.split_whitespace()) {
                assert_says(document, column, text);
            }
        }
    }
    assert!(compared >= 27, "{compared}");
}
