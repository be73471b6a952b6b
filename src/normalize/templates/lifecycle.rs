//! When old documents go: policies of ILM for Elasticsearch, of ISM for OpenSearch.

use serde_json::{Value, json};

use super::{
    dataset::{Dataset, Layout, PRIORITY},
    provision::{Provision, ProvisionKind, SearchProduct},
};

/// Size of a primary shard at which a data stream rolls over.
const ROLLED_SIZE: &str = "50gb";

/// The name of the policy.
pub(super) fn name(dataset: Dataset, layout: Layout) -> String {
    match layout {
        Layout::Stream => format!("floodmark-{}", dataset.name),
        Layout::Daily => format!("floodmark-{}-daily", dataset.name),
    }
}

/// The policy of `dataset`. A daily index is never rolled over: its name says its day.
pub(super) fn policy(product: SearchProduct, dataset: Dataset, layout: Layout) -> Provision {
    let body = match product {
        SearchProduct::Elasticsearch => ilm(dataset, layout),
        SearchProduct::OpenSearch => ism(dataset, layout),
    };
    Provision { kind: ProvisionKind::Lifecycle, name: name(dataset, layout), body }
}

fn days(days: u32) -> String {
    format!("{days}d")
}

fn ilm(dataset: Dataset, layout: Layout) -> Value {
    let actions = match layout {
        Layout::Stream => json!({ "rollover": {
            "max_age": days(dataset.rolled_days), "max_primary_shard_size": ROLLED_SIZE,
        } }),
        Layout::Daily => json!({}),
    };
    json!({ "policy": { "phases": {
        "hot": { "min_age": "0ms", "actions": actions },
        "delete": { "min_age": days(dataset.kept_days), "actions": { "delete": {} } },
    } } })
}

fn ism(dataset: Dataset, layout: Layout) -> Value {
    let (actions, age) = match layout {
        Layout::Stream => {
            let rollover =
                json!({ "min_index_age": days(dataset.rolled_days), "min_primary_shard_size": ROLLED_SIZE });
            (json!([{ "rollover": rollover }]), "min_rollover_age")
        }
        Layout::Daily => (json!([]), "min_index_age"),
    };
    json!({ "policy": {
        "description": format!("Keeps floodmark's {} for {} days.", dataset.what, dataset.kept_days),
        "default_state": "hot",
        "states": [
            {
                "name": "hot",
                "actions": actions,
                "transitions": [{ "state_name": "delete", "conditions": { age: days(dataset.kept_days) } }],
            },
            { "name": "delete", "actions": [{ "delete": {} }], "transitions": [] },
        ],
        "ism_template": [{ "index_patterns": [layout.pattern(dataset)], "priority": PRIORITY }],
    } })
}
