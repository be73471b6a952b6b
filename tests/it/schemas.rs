//! What stands in `schemas/` and `config/` is what the types say; with `FLOODMARK_BLESS=1` the schemas are written anew.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use floodmark::{config::Config, event::FIELDS, event::Kind};
use serde_json::Value;

use crate::process::{Folder, repository, text_at};

/// The names of AWS's flow log fields, versions 2 to 11, as its documentation lists them.
const AWS_FIELDS: &str = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets \
    bytes start end action log-status vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region \
    az-id sublocation-type sublocation-id pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path \
    ecs-cluster-arn ecs-cluster-name ecs-container-instance-arn ecs-container-instance-id ecs-container-id \
    ecs-second-container-id ecs-service-name ecs-task-definition-arn ecs-task-arn ecs-task-id reject-reason \
    resource-id encryption-status instance-tag instance-tag-2 interface-tag interface-tag-2 asg-tag asg-tag-2 \
    interface-type next-hop-interface-id next-hop-subnet-id next-hop-az-id next-hop-vpc-id next-hop-interface-type";

fn assert_printed(which: &str, file: &str) {
    let (ended, printed) = Folder::new().printed(&["schema", which]);
    ended.assert_code(0);
    let path = repository().join("schemas").join(file);
    if std::env::var_os("FLOODMARK_BLESS").is_some() {
        fs::write(&path, &printed).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == printed,
        "schemas/{file} is not what the types say; FLOODMARK_BLESS=1 writes it anew"
    );
}

#[test]
fn the_committed_schema_of_the_config_is_what_the_types_say() {
    assert_printed("config", "config.schema.json");
}

#[test]
fn the_committed_schema_of_an_export_of_baselines_is_what_the_types_say() {
    assert_printed("baseline", "baseline.schema.json");
}

#[test]
fn the_committed_schema_of_the_report_of_learning_is_what_the_types_say() {
    assert_printed("learn-report", "learn-report.schema.json");
}

#[test]
fn the_committed_list_of_fields_is_what_the_types_say() {
    assert_printed("fields", "fields.json");
}

#[test]
fn the_committed_list_of_detectors_is_that_of_the_program() {
    assert_printed("detectors", "detectors.json");
}

#[test]
fn the_committed_searches_are_those_that_are_printed() {
    assert_printed("searches", "searches.json");
}

#[test]
fn the_committed_saved_objects_and_the_rule_are_those_that_are_printed() {
    assert_printed("kibana", "kibana/floodmark.ndjson");
    assert_printed("kibana-rule", "kibana/detection-rule.ndjson");
    assert_printed("opensearch-dashboards", "opensearch-dashboards/floodmark.ndjson");
}

#[test]
fn the_committed_templates_are_those_that_are_printed_each_in_the_file_of_its_path() {
    for product in ["elasticsearch", "opensearch"] {
        let (ended, printed) = Folder::new().printed(&["schema", product]);
        ended.assert_code(0);
        let folder = repository().join("schemas").join(product);
        let requests: Vec<Value> = serde_json::from_str(&printed).unwrap();
        let files: BTreeMap<PathBuf, String> = requests
            .iter()
            .map(|request| {
                (
                    folder.join(format!("{}.json", text_at(request, "path"))),
                    format!("{:#}\n", request["body"]),
                )
            })
            .collect();
        assert_eq!(files.len(), requests.len());
        if std::env::var_os("FLOODMARK_BLESS").is_some() {
            let _ = fs::remove_dir_all(&folder);
            for (path, text) in &files {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
        }
        let committed: BTreeMap<PathBuf, String> = glob::glob(&format!("{}/**/*.json", folder.display()))
            .unwrap()
            .map(|path| path.unwrap())
            .map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
            .collect();
        assert!(
            committed == files,
            "schemas/{product} is not what is printed; FLOODMARK_BLESS=1 writes it anew"
        );
    }
}

/// The files of `config/`, by name, with their text.
fn configs() -> Vec<(String, String)> {
    let files = fs::read_dir(repository().join("config")).unwrap().map(|entry| entry.unwrap().path());
    let configs = files.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    configs.map(|path| (path.display().to_string(), fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn every_config_of_the_repository_passes_check() {
    let all = configs();
    assert!(all.len() >= 4, "{}", all.len());
    for (path, _) in all {
        let ended = Folder::new().run(&["check", "-c", &path]);
        ended.assert_code(0);
        ended.assert_told("no problem found");
    }
}

/// The keys that `schema` names anywhere.
fn keys_of(schema: &Value, keys: &mut BTreeSet<String>) {
    if let Some(properties) = schema["properties"].as_object() {
        keys.extend(properties.keys().cloned());
    }
    match schema {
        Value::Object(map) => map.values().for_each(|value| keys_of(value, keys)),
        Value::Array(list) => list.iter().for_each(|value| keys_of(value, keys)),
        _ => {}
    }
}

/// The keys of a YAML text, as far as they are plain words before a colon outside quotes and comments.
fn keys_in(text: &str) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for line in text.lines() {
        let outside: Vec<&str> = line.split('"').step_by(2).collect();
        let code = outside.join(" ");
        let code = code.split(" #").next().unwrap();
        if code.starts_with('#') {
            continue;
        }
        for (colon, _) in code
            .match_indices(':')
            .filter(|(at, _)| code[at + 1..].chars().next().is_none_or(|next| next == ' '))
        {
            let word = code[..colon].rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
            keys.insert(word.to_owned());
        }
    }
    keys
}

#[test]
fn every_key_of_every_config_stands_in_the_committed_schema() {
    let schema: Value =
        serde_json::from_str(&fs::read_to_string(repository().join("schemas/config.schema.json")).unwrap())
            .unwrap();
    let mut known = BTreeSet::new();
    keys_of(&schema, &mut known);
    for (path, text) in configs() {
        let config = Config::read(&path, text.as_bytes(), &|_| None).unwrap_or_else(|p| panic!("{p}")).value;
        let keys = keys_in(&text);
        assert!(keys.contains("sources") && keys.contains("from") && keys.contains("to"), "{keys:?}");
        for key in keys {
            let chosen = config.sources.contains_key(&key) || config.sinks.contains_key(&key);
            assert!(chosen || known.contains(&key), "{path}: {key}");
        }
    }
}

/// A value that the field called `name` may have, and that no other field has where it is a text.
fn value(name: &str) -> String {
    let row = FIELDS.iter().find(|row| row.name == name).unwrap_or_else(|| panic!("{name} is not known"));
    match (name, row.kind) {
        ("version", _) => "11".to_owned(),
        ("account-id", _) => "012345678901".to_owned(),
        ("start", _) => "1772409600".to_owned(),
        ("end", _) => "1772409660".to_owned(),
        (_, Kind::Action) => "ACCEPT".to_owned(),
        (_, Kind::LogStatus) => "OK".to_owned(),
        (_, Kind::Address) => format!("10.0.0.{}", name.len()),
        (_, Kind::Uint(_)) => "6".to_owned(),
        (_, _) => format!("text-of-{name}"),
    }
}

#[test]
fn a_format_string_of_all_54_aws_names_loads_unchanged_and_reads_a_line_of_54_columns() {
    let names: Vec<&str> = AWS_FIELDS.split_whitespace().collect();
    assert_eq!(names.len(), 54);
    let format = names.iter().map(|name| format!("${{{name}}}")).collect::<Vec<_>>().join(" ");
    let folder = Folder::new();
    let config = format!(
        "sources: {{ flows: {{ from: {{ file: {{ paths: [in.log] }} }}, format: {{ vpc_flow: {{ fields: \"{format}\" }} }} }} }}\n\
         sinks: {{ out: {{ to: {{ file: {{ path: out.ndjson }} }} }} }}\n"
    );
    let loaded = Config::read("c.yaml", config.as_bytes(), &|_| None).unwrap_or_else(|p| panic!("{p}")).value;
    let floodmark::parse::Config::VpcFlow { fields } = &loaded.sources["flows"].format else {
        panic!("another format")
    };
    assert_eq!(fields.to_string(), format);

    let values: Vec<String> = names.iter().map(|name| value(name)).collect();
    folder.write("in.log", values.join(" ") + "\n");
    folder.write("c.yaml", config);
    folder.run(&["check", "-c", "c.yaml"]).assert_code(0);
    folder.run(&["run", "-q", "-c", "c.yaml"]).assert_code(0);
    let documents = folder.lines("out.ndjson");
    assert_eq!(documents.len(), 1);
    for (name, value) in names.iter().zip(&values) {
        assert!(documents[0].contains(value.as_str()) || *name == "start" || *name == "end", "{name}");
    }
    assert!(documents[0].contains("\"start\":\"2026-03-02T00:00:00Z\""), "{}", documents[0]);
    assert!(documents[0].contains("\"@timestamp\":\"2026-03-02T00:01:00Z\""), "{}", documents[0]);
}
