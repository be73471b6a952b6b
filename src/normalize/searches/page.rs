//! The page of the searches.

use std::fmt::Write;

use super::table::{SEARCHES, Search};

/// What stands above the searches.
const HEAD: &str = "\
# Searches for flow logs

What the usual articles on VPC flow logs look for, over `logs-floodmark.flow-*`: as KQL for Discover and dashboards, as ES|QL, and
as the request that both mean. Choose the time in Kibana, or add a range of `@timestamp`. Addresses, ports, countries and bounds
are examples.

A test sends every request to OpenSearch 2 and 3 and Elasticsearch 8 and 9 over generated flows and compares the answer with what
the lines themselves say; and that the KQL, written as a query string of Lucene, chooses as many documents. The ES|QL is checked
for fields that do not exist, and was not run: the servers of the tests do not have it. OpenSearch Dashboards reads the KQL as
DQL; OpenSearch has no ES|QL.

`floodmark schema searches` prints the same as JSON.
";

/// What `schemas/searches.md` holds.
#[must_use]
pub fn searches_page() -> String {
    let mut page = HEAD.to_owned();
    SEARCHES.iter().for_each(|search| put(search, &mut page));
    page
}

fn put(search: &Search, page: &mut String) {
    let Search { title, about, kql, esql, .. } = search;
    let then = search.then.map(|then| format!("\nThen {then}.\n")).unwrap_or_default();
    let dsl = (search.dsl)();
    // Writing into a text cannot fail.
    let _ = write!(
        page,
        "\n## {title}\n\n{about}\n\n```text\n{kql}\n```\n{then}\n```sql\n{esql}\n```\n\n```json\n{dsl:#}\n```\n"
    );
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;

    #[test]
    fn the_committed_page_is_the_one_that_the_searches_give() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/searches.md");
        if std::env::var_os("FLOODMARK_BLESS").is_some() {
            std::fs::write(&path, searches_page()).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == searches_page(),
            "schemas/searches.md is stale: FLOODMARK_BLESS=1 writes it anew"
        );
    }
}
