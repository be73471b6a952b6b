//! Samples that others published, each line compared field by field with what they published for it.
//!
//! Where floodmark says something else, an [`Exception`] names the field, the lines and the row of the design's normal forms
//! that explains it; one that is not needed fails the test. None may cover what the record's own columns say of addresses,
//! ports, bytes, packets, start, end and action.

mod columns;
mod elastic;
mod kpl;
mod otel;
mod others;
mod tenzir;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::process::Folder;

/// A field in which floodmark differs from what somebody published, and why.
struct Exception {
    /// Name of the file of samples.
    file: &'static str,
    /// Its lines, counted from 1.
    lines: &'static [usize],
    /// The field.
    path: &'static str,
    /// The row of the table of normal forms.
    row: &'static str,
}

/// What the record's own columns say: no exception may cover it.
const OWN_COLUMNS: [&str; 12] = [
    "source.ip",
    "destination.ip",
    "source.port",
    "destination.port",
    "source.bytes",
    "source.packets",
    "network.bytes",
    "network.packets",
    "@timestamp",
    "event.start",
    "event.end",
    "aws.vpcflow.action",
];

/// What floodmark makes of the lines of a file: a document for each, in order.
fn documents(path: &Path, fields: Option<&str>, databases: &Path) -> Vec<Value> {
    let folder = Folder::new();
    let format = fields
        .map(|fields| format!(", format: {{ vpc_flow: {{ fields: \"{fields}\" }} }}"))
        .unwrap_or_default();
    let config = format!(
        "sources: {{ samples: {{ from: {{ file: {{ paths: [\"{}\"] }} }}{format} }} }}\n\
         enrich: {{ geoip: {{ city: \"{databases}/GeoLite2-City-Test.mmdb\", asn: \"{databases}/GeoLite2-ASN-Test.mmdb\" }} }}\n\
         sinks: {{ out: {{ to: {{ file: {{ path: out.ndjson }} }}, original: true }} }}\n",
        path.display(),
        databases = databases.display(),
    );
    folder.write("floodmark.yaml", config);
    folder.run(&["run", "-q", "-c", "floodmark.yaml"]).assert_code(0);
    folder.documents("out.ndjson")
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

/// The values of a document by their paths; an array is one value.
fn flat(document: &Value) -> BTreeMap<String, Value> {
    fn walk(value: &Value, path: &str, out: &mut BTreeMap<String, Value>) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    walk(value, &path, out);
                }
            }
            Value::Null => {}
            other => {
                out.insert(path.to_owned(), other.clone());
            }
        }
    }
    let mut out = BTreeMap::new();
    walk(document, "", &mut out);
    out
}
