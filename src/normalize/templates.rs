//! What a search server is to have before documents come: lifecycle policies, component templates, index templates.
//!
//! Everything is made from the list of fields, so that a mapping has each field that a document can hold, with its type.
//! The two products differ in names of types and in how old documents go; in nothing else.

mod dataset;
mod lifecycle;
mod mappings;
mod ocsf;
mod provision;

use serde_json::{Value, json};

pub use provision::{Provision, ProvisionKind, SearchProduct};

use dataset::{DATASETS, Dataset, Layout, PRIORITY};

use crate::event::IdScheme;

/// The component templates, in the order in which they are put together.
const COMPONENTS: [&str; 3] = ["floodmark-settings", "floodmark-ecs", "floodmark-fields"];
/// The component template that daily indices have besides.
const OCSF: &str = "floodmark-ocsf";
/// A component template that is the operator's own, if there is one; it has the last word.
const CUSTOM: &str = "floodmark@custom";

/// Fields that a server may have: the default of both products. Beyond it new names of columns are refused, not mapped.
const FIELDS_MAX: u32 = 1_000;

/// Everything that is put on a server of `product`, in the order in which it must be.
#[must_use]
pub fn provisions(product: SearchProduct) -> Vec<Provision> {
    let mut all = unsigned(product);
    sign(product, &mut all);
    all
}

fn unsigned(product: SearchProduct) -> Vec<Provision> {
    let mut all = Vec::new();
    for dataset in DATASETS {
        for layout in Layout::ALL {
            all.push(lifecycle::policy(product, dataset, layout));
        }
    }
    let bodies = [settings(), mappings::ecs(product), mappings::own(product), ocsf::mappings()];
    all.extend(COMPONENTS.into_iter().chain([OCSF]).zip(bodies).map(|(name, template)| Provision {
        kind: ProvisionKind::ComponentTemplate,
        name: name.to_owned(),
        body: json!({ "template": template }),
    }));
    for dataset in DATASETS {
        for layout in Layout::ALL {
            all.push(index_template(product, dataset, layout));
        }
    }
    all
}

/// Settings of every index. What cannot be indexed as its field says is refused, and so reaches the dead letter, instead
/// of being kept where no search finds it.
fn settings() -> Value {
    json!({ "settings": { "index": {
        "codec": "best_compression",
        "mapping": { "ignore_malformed": false, "total_fields": { "limit": FIELDS_MAX } },
    } } })
}

fn index_template(product: SearchProduct, dataset: Dataset, layout: Layout) -> Provision {
    let ocsf = (layout == Layout::Daily).then_some(OCSF);
    let mut parts: Vec<&str> = COMPONENTS.into_iter().chain(ocsf).collect();
    if product == SearchProduct::Elasticsearch {
        parts.push(CUSTOM);
    }
    let mut body = json!({
        "index_patterns": [layout.pattern(dataset)],
        "priority": PRIORITY,
        "composed_of": parts,
        "template": { "mappings": { "properties": { "data_stream": {
            "properties": mappings::stream(product, dataset, layout),
        } } } },
    });
    if layout == Layout::Stream {
        body["data_stream"] = json!({});
    }
    if product == SearchProduct::Elasticsearch {
        // Where indices are made only if somebody asks, floodmark's are made all the same.
        body["allow_auto_create"] = json!(true);
        body["ignore_missing_component_templates"] = json!([CUSTOM]);
        body["template"]["settings"] =
            json!({ "index": { "lifecycle": { "name": lifecycle::name(dataset, layout) } } });
    }
    let name = layout.pattern(dataset);
    let name = name.trim_end_matches("-*").to_owned();
    Provision { kind: ProvisionKind::IndexTemplate, name, body }
}

/// Says in each of `all` whose it is, of which version, and which content they have together: whoever finds them on a
/// server can tell ours from others, and old from new. A server writes settings in its own way, so that the content
/// itself cannot be compared.
fn sign(product: SearchProduct, all: &mut [Provision]) {
    let bodies: Vec<String> =
        all.iter().map(|provision| format!("{} {}", provision.path(product), provision.body)).collect();
    let parts: Vec<&[u8]> = bodies.iter().map(String::as_bytes).collect();
    let content = IdScheme::derived("provisions", &parts).to_string();
    let meta = json!({ "managed_by": "floodmark", "version": env!("CARGO_PKG_VERSION"), "content": content });
    for provision in all {
        match (provision.kind, product) {
            (ProvisionKind::Lifecycle, SearchProduct::Elasticsearch) => {
                provision.body["policy"]["_meta"] = meta.clone();
            }
            // ISM keeps nothing beside what it does but a description.
            (ProvisionKind::Lifecycle, SearchProduct::OpenSearch) => {}
            (kind, _) => {
                provision.body["_meta"] = meta.clone();
                if kind == ProvisionKind::IndexTemplate {
                    // What an index is made from is asked for without the templates' own `_meta`.
                    provision.body["template"]["mappings"]["_meta"] = meta.clone();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
