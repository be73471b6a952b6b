//! The types of OCSF's attributes that a server would not guess: times are milliseconds, and addresses are texts.
//!
//! Only daily indices may hold OCSF, because a data stream wants a `@timestamp`. Whatever stands here is no name of ECS's.

use serde_json::{Map, Value, json};

/// Attributes that are times, of `timestamp_t`: milliseconds since 1970.
const TIMES: [&str; 8] = [
    "time",
    "start_time",
    "end_time",
    "metadata.processed_time",
    "finding_info.created_time",
    "finding_info.first_seen_time",
    "finding_info.last_seen_time",
    "anomaly_analyses.anomalies.observations.timespan.start_time",
];
/// Attributes that are addresses, of `ip_t`.
const ADDRESSES: [&str; 8] = [
    "src_endpoint.ip",
    "src_endpoint.intermediate_ips",
    "dst_endpoint.ip",
    "dst_endpoint.intermediate_ips",
    "device.ip",
    "resources.ip",
    "evidences.src_endpoint.ip",
    "evidences.dst_endpoint.ip",
];

/// The mappings of both.
pub(super) fn mappings() -> Value {
    let mut properties = Map::new();
    let all = TIMES.map(|path| (path, "date")).into_iter().chain(ADDRESSES.map(|path| (path, "ip")));
    for (path, kind) in all {
        super::mappings::put(&mut properties, path, json!({ "type": kind }));
    }
    json!({ "mappings": { "properties": properties } })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use super::*;

    /// Every path of `value` with what stands there.
    fn leaves(value: &Value, path: &str, take: &mut impl FnMut(&str, &Value)) {
        match value {
            Value::Object(members) => members.iter().for_each(|(name, value)| {
                let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                leaves(value, &below, take);
            }),
            Value::Array(values) => values.iter().for_each(|value| leaves(value, path, take)),
            value => take(path, value),
        }
    }

    #[test]
    fn every_address_and_every_time_of_the_golden_documents_has_its_type() {
        let goldens = include_str!("../goldens.ocsf.ndjson");
        let (mut times, mut addresses) = (BTreeSet::new(), BTreeSet::new());
        for line in goldens.lines() {
            let document: Value = serde_json::from_str(line).unwrap();
            leaves(&document, "", &mut |path, value| {
                // What is unmapped may be called anything.
                if path.starts_with("unmapped.") {
                    return;
                }
                if value.as_u64().is_some_and(|number| number > 1_000_000_000_000) && path.ends_with("time") {
                    times.insert(path.to_owned());
                }
                if value.as_str().is_some_and(|text| text.parse::<std::net::IpAddr>().is_ok())
                    && path.contains("ip")
                {
                    addresses.insert(path.to_owned());
                }
            });
        }
        assert_eq!(times, TIMES.map(str::to_owned).into());
        assert_eq!(addresses, ADDRESSES.map(str::to_owned).into());
    }
}
