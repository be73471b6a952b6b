//! What the templates guarantee: every field has its type, everything that is named is there, and who made it shows.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;

use super::*;
use crate::normalize::fields;

const PRODUCTS: [SearchProduct; 2] = [SearchProduct::Elasticsearch, SearchProduct::OpenSearch];

fn of(product: SearchProduct, kind: ProvisionKind) -> Vec<Provision> {
    provisions(product).into_iter().filter(|provision| provision.kind == kind).collect()
}

/// The type that the templates which make up `template` give the field at `path`.
fn mapped(product: SearchProduct, template: &Provision, path: &str) -> Option<String> {
    let parts = of(product, ProvisionKind::ComponentTemplate);
    let bodies = parts.iter().chain([template]).map(|provision| &provision.body["template"]["mappings"]);
    let types = bodies.filter_map(|mappings| {
        let found = path.split('.').fold(mappings, |mapping, name| &mapping["properties"][name]);
        found["type"].as_str().map(str::to_owned)
    });
    let types: Vec<String> = types.collect();
    assert!(types.len() <= 1, "{path} is mapped twice: {types:?}");
    types.into_iter().next()
}

#[test]
fn every_field_of_the_list_is_mapped_once_in_every_template_with_its_type() {
    for product in PRODUCTS {
        for template in of(product, ProvisionKind::IndexTemplate) {
            let is_stream = template.body["data_stream"].is_object();
            for row in fields()["fields"].as_array().unwrap() {
                let (path, kind) = (row["path"].as_str().unwrap(), row["type"].as_str().unwrap());
                let expected = match (product, kind) {
                    (SearchProduct::OpenSearch, "match_only_text") => "text",
                    (SearchProduct::OpenSearch, "flattened") => "flat_object",
                    (SearchProduct::OpenSearch, "constant_keyword") => "keyword",
                    (_, "constant_keyword") if !is_stream => "keyword",
                    (_, kind) => kind,
                };
                assert_eq!(mapped(product, &template, path).as_deref(), Some(expected), "{path}");
            }
        }
    }
}

#[test]
fn what_a_template_names_is_put_on_the_server_before_it() {
    for product in PRODUCTS {
        let all = provisions(product);
        assert!(all.is_sorted_by_key(|provision| provision.kind));
        let names = |kind| -> BTreeSet<String> {
            of(product, kind).into_iter().map(|provision| provision.name).collect()
        };
        let (policies, parts) = (names(ProvisionKind::Lifecycle), names(ProvisionKind::ComponentTemplate));
        for template in of(product, ProvisionKind::IndexTemplate) {
            let missing = template.body["ignore_missing_component_templates"].as_array();
            for part in template.body["composed_of"].as_array().unwrap() {
                let known = parts.contains(part.as_str().unwrap());
                assert!(known || missing.is_some_and(|missing| missing.contains(part)), "{part}");
            }
            let policy = &template.body["template"]["settings"]["index"]["lifecycle"]["name"];
            match product {
                SearchProduct::Elasticsearch => assert!(policies.contains(policy.as_str().unwrap())),
                SearchProduct::OpenSearch => assert!(policy.is_null(), "a policy of ISM names its indices"),
            }
        }
        let paths: BTreeSet<String> = all.iter().map(|provision| provision.path(product)).collect();
        assert_eq!(paths.len(), all.len(), "a path stands twice");
    }
}

#[test]
fn a_template_takes_precedence_and_says_whose_it_is_and_a_change_changes_its_mark() {
    for product in PRODUCTS {
        let mut marks = BTreeSet::new();
        for provision in provisions(product) {
            let meta = match provision.kind {
                ProvisionKind::Lifecycle if product == SearchProduct::OpenSearch => continue,
                ProvisionKind::Lifecycle => &provision.body["policy"]["_meta"],
                _ => &provision.body["_meta"],
            };
            assert_eq!(meta["managed_by"], "floodmark", "{}", provision.name);
            assert_eq!(meta["version"], env!("CARGO_PKG_VERSION"));
            marks.insert(meta["content"].as_str().unwrap().to_owned());
            if provision.kind == ProvisionKind::IndexTemplate {
                assert_eq!(&provision.body["template"]["mappings"]["_meta"], meta);
                assert!(provision.body["priority"].as_u64().unwrap() > 500);
            }
        }
        assert_eq!(marks.len(), 1);
        let mut changed = unsigned(product);
        let part = changed.iter().position(|provision| provision.name == COMPONENTS[0]).unwrap();
        changed[part].body["template"]["settings"]["index"]["codec"] = json!("default");
        sign(product, &mut changed);
        assert!(!marks.contains(changed[part].body["_meta"]["content"].as_str().unwrap()));
    }
}
