//! The detection rule for Elastic Security: each finding an alert, those of one incident together.

use serde_json::{Value, json};

use crate::normalize::searches::FINDINGS;

/// The rule as Elastic Security exports it. It is off until somebody turns it on.
///
/// It looks back a day, again and again, because a finding that waited for a server that was away keeps the
/// `event.ingested` it had when it was written. What it has seen it does not raise again.
pub(super) fn rule() -> Value {
    let severity = |severity: &str, value: &str| json!({ "field": "event.severity", "operator": "equals", "severity": severity, "value": value });
    json!({
        "rule_id": "floodmark-findings",
        "name": "floodmark findings",
        "description": "A host, or a service, sends more or tries more ports than it and its peers usually do. The alert's \
            reason says what was seen and what is usual. Findings of one incident are one alert.",
        "type": "query",
        "language": "kuery",
        "index": [FINDINGS],
        "query": "event.kind: alert and event.module: floodmark",
        "filters": [],
        "from": "now-24h",
        "to": "now",
        "interval": "1m",
        "severity": "high",
        "severity_mapping": [
            severity("low", "21"), severity("medium", "47"), severity("high", "73"), severity("critical", "99"),
        ],
        "risk_score": 73,
        "risk_score_mapping": [{ "field": "event.risk_score", "operator": "equals", "value": "" }],
        "rule_name_override": "message",
        "timestamp_override": "event.ingested",
        "timestamp_override_fallback_disabled": false,
        "alert_suppression": {
            "group_by": ["floodmark.incident.id"],
            "duration": { "value": 24, "unit": "h" },
            "missing_fields_strategy": "suppress",
        },
        "author": ["floodmark"],
        "license": "Apache-2.0",
        "tags": ["floodmark", "Domain: Network"],
        "threat": [],
        "references": [],
        "false_positives": [],
        "exceptions_list": [],
        "actions": [],
        "max_signals": 100,
        "enabled": false,
        "immutable": false,
        "version": 1,
    })
}
