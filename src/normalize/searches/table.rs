//! The searches themselves, and where they look.

use serde_json::{Value, json};

/// The pattern of the data streams that flows are in.
pub(in crate::normalize) const FLOWS: &str = "logs-floodmark.flow-*";
/// The pattern of the data streams that sessions are in.
pub(in crate::normalize) const SESSIONS: &str = "logs-floodmark.session-*";
/// The pattern of the data streams that findings are in.
pub(in crate::normalize) const FINDINGS: &str = "logs-floodmark.finding-*";

/// A search.
#[derive(Debug)]
pub(in crate::normalize) struct Search {
    /// What it is called by.
    pub(in crate::normalize) name: &'static str,
    pub(in crate::normalize) title: &'static str,
    /// What one learns from it, and what in it is an example.
    pub(in crate::normalize) about: &'static str,
    /// As KQL: which documents it looks at.
    pub(in crate::normalize) kql: &'static str,
    /// What is counted of them, in words: KQL only chooses.
    pub(in crate::normalize) then: Option<&'static str>,
    pub(in crate::normalize) esql: &'static str,
    /// The body of the request that it means.
    pub(in crate::normalize) dsl: fn() -> Value,
}

/// The searches, in the order of the page. ES|QL compares nothing with a field of several values, such as `event.type`: there
/// that is never true.
pub(in crate::normalize) const SEARCHES: [Search; 8] = [
    Search {
        name: "remote-logins",
        title: "SSH and RDP on either port",
        about: "Who logs in from afar, or tries to: flows from or to port 22 or 3389, oldest first.",
        kql: "source.port: (22 or 3389) or destination.port: (22 or 3389)",
        then: None,
        esql: "FROM logs-floodmark.flow-*\n\
            | WHERE source.port IN (22, 3389) OR destination.port IN (22, 3389)\n\
            | SORT event.start",
        dsl: remote_logins,
    },
    Search {
        name: "rejects-from-a-range",
        title: "Rejected flows from a range of addresses",
        about: "What a network tried and was not let through to. `203.0.113.0/24` is an example.",
        kql: "event.action: reject and source.ip: \"203.0.113.0/24\"",
        then: None,
        esql: "FROM logs-floodmark.flow-*\n\
            | WHERE event.action == \"reject\" AND CIDR_MATCH(source.ip, \"203.0.113.0/24\")\n\
            | SORT event.start",
        dsl: rejects_from_a_range,
    },
    Search {
        name: "top-talkers",
        title: "Top ten addresses by bytes",
        about: "Which addresses sent and received most. The bytes of a flow count for both of its sides, and for the \
            packets' own addresses behind a NAT.",
        kql: "source.bytes > 0",
        then: Some("the ten `related.ip` with the largest sum of `source.bytes`"),
        esql: "FROM logs-floodmark.flow-*\n\
            | STATS bytes = SUM(source.bytes) BY related.ip\n\
            | SORT bytes DESC\n\
            | LIMIT 10",
        dsl: top_talkers,
    },
    Search {
        name: "packets-to-443",
        title: "Packets by destination on port 443",
        about: "To whom most is said over HTTPS: the ten destinations with the most packets.",
        kql: "destination.port: 443",
        then: Some("the ten `destination.ip` with the largest sum of `source.packets`"),
        esql: "FROM logs-floodmark.flow-*\n\
            | WHERE destination.port == 443\n\
            | STATS packets = SUM(source.packets) BY destination.ip\n\
            | SORT packets DESC\n\
            | LIMIT 10",
        dsl: packets_to_443,
    },
    Search {
        name: "large-transfers",
        title: "Pairs with more than 100 MB",
        about: "Who sent more than 100,000,000 bytes to whom in accepted flows, over the time that is looked at.",
        kql: "event.action: accept",
        then: Some(
            "the sum of `source.bytes` by `source.ip` and `destination.ip`, where it is above 100,000,000",
        ),
        esql: "FROM logs-floodmark.flow-*\n\
            | WHERE event.action == \"accept\"\n\
            | STATS bytes = SUM(source.bytes) BY source.ip, destination.ip\n\
            | WHERE bytes > 100000000\n\
            | SORT bytes DESC",
        dsl: large_transfers,
    },
    Search {
        name: "internal-to-internal",
        title: "Flows between internal hosts",
        about: "Who speaks with whom inside, by the internal networks of the config: where lateral movement shows.",
        kql: "network.direction: internal",
        then: None,
        esql: "FROM logs-floodmark.flow-*\n\
            | WHERE network.direction == \"internal\"\n\
            | SORT event.start",
        dsl: internal_to_internal,
    },
    Search {
        name: "repeated-rejects",
        title: "Pairs with more than ten rejected flows",
        about: "Who keeps trying what is not allowed: a scan, or a rule that is missing.",
        kql: "event.action: reject",
        then: Some("the number of flows by `source.ip` and `destination.ip`, where it is above 10"),
        esql: "FROM logs-floodmark.flow-*\n\
            | WHERE event.action == \"reject\"\n\
            | STATS rejects = COUNT(*) BY source.ip, destination.ip\n\
            | WHERE rejects > 10\n\
            | SORT rejects DESC",
        dsl: repeated_rejects,
    },
    Search {
        name: "unexpected-countries",
        title: "Flows from an unexpected country",
        about: "Senders from elsewhere than the countries that are expected, here Germany and the Netherlands, and how many \
            flows came from each. It needs a GeoIP database in the config.",
        kql: "source.geo.country_iso_code: * and not source.geo.country_iso_code: (DE or NL)",
        then: None,
        esql: "FROM logs-floodmark.flow-*\n\
            | WHERE source.geo.country_iso_code IS NOT NULL AND source.geo.country_iso_code NOT IN (\"DE\", \"NL\")\n\
            | STATS flows = COUNT(*) BY source.geo.country_iso_code\n\
            | SORT flows DESC",
        dsl: unexpected_countries,
    },
];

/// Documents that are shown.
const SHOWN: u32 = 100;
/// Groups that a search looks at, on each side of a pair.
const GROUPS: u32 = 1_000;

/// The documents that all of `filter` choose, oldest first, and how many there are.
fn chosen(filter: Value) -> Value {
    json!({
        "size": SHOWN,
        "track_total_hits": true,
        "sort": [{ "event.start": "asc" }],
        "query": { "bool": { "filter": filter } },
    })
}

fn remote_logins() -> Value {
    chosen(json!([{ "bool": {
        "should": [
            { "terms": { "source.port": [22, 3389] } },
            { "terms": { "destination.port": [22, 3389] } },
        ],
        "minimum_should_match": 1,
    } }]))
}

fn rejects_from_a_range() -> Value {
    chosen(json!([{ "term": { "event.action": "reject" } }, { "term": { "source.ip": "203.0.113.0/24" } }]))
}

fn internal_to_internal() -> Value {
    chosen(json!([{ "term": { "network.direction": "internal" } }]))
}

fn unexpected_countries() -> Value {
    const COUNTRY: &str = "source.geo.country_iso_code";
    let mut search = chosen(json!([{ "exists": { "field": COUNTRY } }]));
    search["query"]["bool"]["must_not"] = json!([{ "terms": { COUNTRY: ["DE", "NL"] } }]);
    search["aggs"] = json!({ "countries": { "terms": { "field": COUNTRY, "size": GROUPS } } });
    search
}

/// The ten values of `by` with the largest sum of `field`, over the documents that `query` chooses.
fn ten_by_sum(query: Value, by: &str, name: &str, field: &str) -> Value {
    json!({
        "size": 0,
        "query": query,
        "aggs": { "addresses": {
            "terms": { "field": by, "size": 10, "order": { name: "desc" } },
            "aggs": { name: { "sum": { "field": field } } },
        } },
    })
}

fn top_talkers() -> Value {
    ten_by_sum(json!({ "range": { "source.bytes": { "gt": 0 } } }), "related.ip", "bytes", "source.bytes")
}

fn packets_to_443() -> Value {
    ten_by_sum(json!({ "term": { "destination.port": 443 } }), "destination.ip", "packets", "source.packets")
}

fn large_transfers() -> Value {
    let bytes = json!({ "sum": { "field": "source.bytes" } });
    let order = json!({ "bytes": "desc" });
    json!({
        "size": 0,
        "query": { "term": { "event.action": "accept" } },
        "aggs": { "sources": {
            "terms": { "field": "source.ip", "size": GROUPS, "order": order },
            "aggs": {
                "bytes": bytes,
                "destinations": {
                    "terms": { "field": "destination.ip", "size": GROUPS, "order": order },
                    "aggs": {
                        "bytes": bytes,
                        "large": { "bucket_selector": {
                            "buckets_path": { "bytes": "bytes" },
                            "script": "params.bytes > 100000000L",
                        } },
                    },
                },
            },
        } },
    })
}

fn repeated_rejects() -> Value {
    json!({
        "size": 0,
        "query": { "term": { "event.action": "reject" } },
        "aggs": { "sources": {
            "terms": { "field": "source.ip", "size": GROUPS },
            "aggs": { "destinations": {
                "terms": { "field": "destination.ip", "size": GROUPS, "min_doc_count": 11 },
            } },
        } },
    })
}

#[cfg(test)]
mod tests {
    use super::SEARCHES;

    #[test]
    fn es_ql_compares_no_field_that_holds_several_values() {
        for search in SEARCHES {
            for list in ["event.type", "event.category", "related.", "host.ip"] {
                let compares = |line: &&str| line.starts_with("| WHERE") && line.contains(list);
                assert_eq!(search.esql.lines().find(compares), None, "{}", search.name);
            }
        }
    }
}
