//! OpenTelemetry's samples, with the attributes that its collector reads from them.

use std::fs;

use serde_json::Value;

use super::{documents, flat};
use crate::skipped::fixtures;

/// An attribute of OpenTelemetry, and the field that says the same.
const SAME: &[(&str, &str)] = &[
    ("cloud.provider", "cloud.provider"),
    ("cloud.account.id", "cloud.account.id"),
    ("aws.vpc.flow.version", "aws.vpcflow.version"),
    ("aws.vpc.flow.log.version", "aws.vpcflow.version"),
    ("aws.eni.id", "aws.vpcflow.interface_id"),
    ("network.interface.name", "aws.vpcflow.interface_id"),
    ("source.address", "source.ip"),
    ("source.port", "source.port"),
    ("destination.address", "destination.ip"),
    ("destination.port", "destination.port"),
    ("network.protocol.name", "network.transport"),
    ("aws.vpc.flow.packets", "source.packets"),
    ("aws.vpc.flow.bytes", "source.bytes"),
    ("aws.vpc.flow.start", "event.start"),
    ("aws.vpc.flow.end", "event.end"),
    ("aws.vpc.flow.action", "aws.vpcflow.action"),
    ("aws.vpc.flow.status", "aws.vpcflow.log_status"),
];

#[test]
fn opentelemetrys_samples_say_every_attribute_that_its_collector_reads() {
    let name = "opentelemetrys_samples_say_every_attribute_that_its_collector_reads";
    let Some(fixtures) = fixtures(name) else { return };
    let mut compared = 0;
    for (file, expected) in [
        ("valid_vpc_flow_log.log", "valid_vpc_flow_log_expected.yaml"),
        ("valid_vpc_flow_log_multi.log", "valid_vpc_flow_log_expected_multi.yaml"),
        // The same lines as log events of CloudWatch Logs.
        ("valid_vpc_flow_cw.json", "valid_vpc_flow_log_expected_multi.yaml"),
    ] {
        let ours = documents(&fixtures.join("otel").join(file), None, &fixtures.join("maxmind"));
        let text = fs::read_to_string(fixtures.join("otel").join(expected)).unwrap();
        let theirs: Value = serde_saphyr::from_str(&text).unwrap();
        let resource = &theirs["resourceLogs"][0];
        let records = resource["scopeLogs"][0]["logRecords"].as_array().unwrap();
        assert_eq!(records.len(), ours.len(), "{file}");
        for (ours, record) in ours.iter().zip(records) {
            let ours = flat(ours);
            let attributes = [&resource["resource"]["attributes"], &record["attributes"]];
            for attribute in attributes.into_iter().flat_map(|list| list.as_array().unwrap()) {
                let name = attribute["key"].as_str().unwrap();
                let path = SAME.iter().find(|(known, _)| *known == name).expect(name).1;
                let said = attribute["value"].as_object().unwrap().values().next().unwrap();
                assert_eq!(plain(&ours[path]), plain(said), "{file} {name}");
                compared += 1;
            }
            if let Some(nanoseconds) = record.get("timeUnixNano") {
                let seconds = plain(nanoseconds).parse::<u64>().unwrap() / 1_000_000_000;
                assert_eq!(plain(&ours["@timestamp"]), seconds.to_string(), "{file}");
            }
        }
    }
    assert!(compared >= 60, "{compared}");
}

/// A value as plain text; an instant as seconds since 1970.
fn plain(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.parse::<jiff::Timestamp>().map_or(text, |time| time.as_second().to_string())
}
