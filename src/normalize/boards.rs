//! What people look at: data views, saved searches and a dashboard as saved objects, for Kibana and for OpenSearch
//! Dashboards, and a detection rule for Elastic Security.
//!
//! What a panel shows is said once, in [`panel`]; the two products write it differently.

mod dashboards;
mod kibana;
mod panel;
mod rule;
mod saved;
mod view;

use serde_json::{Value, json};

use panel::PANELS;
use saved::saved;
use view::View;

/// Saved objects for Kibana 8.9 and later: lines of JSON, of which the last one counts the others.
#[must_use]
pub fn kibana_objects() -> String {
    let mut objects: Vec<Value> = View::ALL.into_iter().map(kibana::view).collect();
    objects.extend(saved().iter().map(kibana::search));
    objects.extend(PANELS.iter().map(kibana::panel));
    objects.push(kibana::dashboard());
    lines(&objects)
}

/// Saved objects for OpenSearch Dashboards 2 and 3: lines of JSON.
#[must_use]
pub fn opensearch_objects() -> String {
    let mut objects: Vec<Value> = View::ALL.into_iter().map(dashboards::index_pattern).collect();
    objects.extend(saved().iter().map(dashboards::search));
    objects.extend(PANELS.iter().map(dashboards::panel));
    objects.push(dashboards::dashboard());
    lines(&objects)
}

/// A detection rule for Elastic Security 8.9 and later: one line of JSON.
#[must_use]
pub fn detection_rule() -> String {
    format!("{}\n", rule::rule())
}

/// The objects, a line each, and a line that counts them.
fn lines(objects: &[Value]) -> String {
    let count = json!({ "exportedCount": objects.len(), "missingRefCount": 0, "missingReferences": [] });
    objects.iter().chain([&count]).map(|object| format!("{object}\n")).collect()
}

#[cfg(test)]
mod tests;
