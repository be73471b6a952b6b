//! Searches that people do with flow logs, as KQL, as ES|QL and as the query that they mean: what `schemas/searches.json`
//! and `schemas/searches.md` hold.

mod page;
mod table;

use serde_json::{Value, json};

pub use page::searches_page;
pub(super) use table::{FINDINGS, FLOWS, SEARCHES, SESSIONS, Search};

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
