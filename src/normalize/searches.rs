//! Searches that people do with flow logs, as KQL, as ES|QL and as the query that they mean: what `schemas/searches.json`
//! and `schemas/searches.md` hold.

mod page;
mod table;

use serde_json::{Value, json};

pub use page::searches_page;
pub(super) use table::SEARCHES;

/// The pattern of the data streams that flows are in.
pub(super) const FLOWS: &str = "logs-floodmark.flow-*";
/// The pattern of the data streams that findings are in.
pub(super) const FINDINGS: &str = "logs-floodmark.finding-*";

/// A search.
#[derive(Debug)]
pub(super) struct Search {
    /// What it is called by.
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// What one learns from it, and what in it is an example.
    pub(super) about: &'static str,
    /// As KQL: which documents it looks at.
    pub(super) kql: &'static str,
    /// What is counted of them, in words: KQL only chooses.
    pub(super) then: Option<&'static str>,
    pub(super) esql: &'static str,
    /// The body of the request that it means.
    pub(super) dsl: fn() -> Value,
}

/// Every search, in the order of the page: `name`, `title`, `about`, `index`, `kql`, `then`, `esql` and `dsl`.
#[must_use]
pub fn searches() -> Value {
    let search = |search: &Search| {
        json!({
            "name": search.name,
            "title": search.title,
            "about": search.about,
            "index": FLOWS,
            "kql": search.kql,
            "then": search.then,
            "esql": search.esql,
            "dsl": (search.dsl)(),
        })
    };
    SEARCHES.iter().map(search).collect()
}
