//! The list of every path that a document can hold, generated from the tables that the writers take their names from.

use serde_json::{Value, json};

use crate::event::{EcsPath, FIELDS};

use super::paths::DERIVED;

/// Every path that a document can hold, in order of path: `path`, `type` (as ECS and mappings name it), `description`,
/// and for a column `aws_name`, `aws_version` and the paths in `ocsf`. It is what `schemas/fields.json` holds.
///
/// Unknown columns stand under `aws.vpcflow.*` beside these, as keywords.
#[must_use]
pub fn fields() -> Value {
    let mut rows: Vec<(String, Value)> = Vec::new();
    for row in FIELDS {
        let unmapped = [format!("unmapped.{}", row.name.replace('-', "_"))];
        let ocsf = if row.ocsf.is_empty() { json!(unmapped) } else { json!(row.ocsf) };
        for EcsPath { path, kind } in row.ecs {
            let value = json!({
                "path": path,
                "type": kind.name(),
                "description": row.doc.trim(),
                "aws_name": row.name,
                "aws_version": row.version,
                "ocsf": ocsf,
            });
            rows.push(((*path).to_owned(), value));
        }
    }
    for derived in DERIVED {
        for side in ["source", "destination"] {
            let path = derived.ecs.path.replace("{side}", side);
            let value = json!({
                "path": path,
                "type": derived.ecs.kind.name(),
                "description": derived.doc.trim(),
            });
            rows.push((path, value));
            if !derived.ecs.path.contains("{side}") {
                break;
            }
        }
    }
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    json!({ "ecs": "9.4.0", "ocsf": "1.8.0", "fields": rows.into_iter().map(|(_, row)| row).collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]
    use std::{collections::BTreeSet, path::Path};

    use super::*;

    #[test]
    fn the_committed_list_is_the_one_that_the_tables_give() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/fields.json");
        let written = format!("{}\n", serde_json::to_string_pretty(&fields()).unwrap());
        if std::env::var_os("FLOODMARK_BLESS").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &written).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == written, "schemas/fields.json is stale: run the tests with FLOODMARK_BLESS=1");
    }

    #[test]
    fn no_path_stands_twice_and_none_is_both_a_value_and_an_object() {
        let fields = fields();
        let paths: Vec<&str> =
            fields["fields"].as_array().unwrap().iter().map(|row| row["path"].as_str().unwrap()).collect();
        let unique: BTreeSet<&str> = paths.iter().copied().collect();
        assert_eq!(unique.len(), paths.len(), "a path stands twice");
        for path in &paths {
            let object = format!("{path}.");
            assert!(!paths.iter().any(|other| other.starts_with(&object)), "{path} is an object too");
        }
    }

    #[test]
    fn every_path_that_ecs_knows_has_the_type_that_ecs_gives_it() {
        let Some(fixtures) = std::env::var_os("FLOODMARK_FIXTURES") else {
            assert!(std::env::var_os("CI").is_none(), "FLOODMARK_FIXTURES must be set under CI");
            eprintln!(
                "skipped: every_path_that_ecs_knows_has_the_type_that_ecs_gives_it (FLOODMARK_FIXTURES)"
            );
            return;
        };
        let text = std::fs::read_to_string(Path::new(&fixtures).join("ecs/ecs_flat.json")).unwrap();
        let ecs: serde_json::Map<String, Value> = serde_json::from_str(&text).unwrap();
        let fields = fields();
        let mut known = 0;
        for row in fields["fields"].as_array().unwrap() {
            let path = row["path"].as_str().unwrap();
            match ecs.get(path) {
                Some(field) => {
                    assert_eq!(row["type"], field["type"], "{path}");
                    known += 1;
                }
                None => assert!(
                    path.starts_with("aws.vpcflow.") || path.starts_with("floodmark."),
                    "{path} is neither ECS's nor in a space of our own"
                ),
            }
        }
        assert!(known > 80, "only {known} paths were compared");
    }
}
