//! What both products say of saved searches and of the dashboard.

use serde_json::{Value, json};

use super::{panel::PANELS, view::View};
use crate::normalize::searches::SEARCHES;

/// The id of the dashboard.
pub(super) const DASHBOARD: &str = "floodmark-overview";
const TITLE: &str = "floodmark: traffic, scores and findings";
const ABOUT: &str = "Traffic by direction, top talkers, rejects, countries, scores and findings.";
/// The panel that holds the saved search of findings stands below the others: left, top, width, height.
pub(super) const FINDINGS_PLACE: [u32; 4] = [0, 54, 48, 18];
/// The columns of the saved searches of flows, and of those of sessions and findings.
const FLOW_COLUMNS: [&str; 10] = [
    "event.action",
    "network.direction",
    "source.ip",
    "source.port",
    "destination.ip",
    "destination.port",
    "network.transport",
    "source.bytes",
    "host.name",
    "event.risk_score",
];
const SESSION_COLUMNS: [&str; 11] = [
    "network.direction",
    "source.ip",
    "destination.ip",
    "destination.port",
    "source.bytes",
    "destination.bytes",
    "event.duration",
    "floodmark.session.ending",
    "floodmark.session.relation",
    "floodmark.session.initiator.method",
    "event.risk_score",
];
const FINDING_COLUMNS: [&str; 6] = [
    "event.kind",
    "message",
    "event.severity",
    "floodmark.entity.name",
    "floodmark.incident.id",
    "event.reason",
];

/// A search that is saved: those of the page that choose documents, the sessions and the findings.
pub(super) struct Saved {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) about: &'static str,
    pub(super) view: View,
    pub(super) kql: &'static str,
    pub(super) columns: &'static [&'static str],
}

/// The searches that are saved. What only counts cannot be saved as one.
pub(super) fn saved() -> Vec<Saved> {
    let of_flows = SEARCHES.iter().filter(|search| search.then.is_none()).map(|search| Saved {
        id: format!("floodmark-{}", search.name),
        title: format!("floodmark: {}", search.title),
        about: search.about,
        view: View::Flows,
        kql: search.kql,
        columns: &FLOW_COLUMNS,
    });
    let sessions = Saved {
        id: "floodmark-sessions".to_owned(),
        title: "floodmark: Sessions".to_owned(),
        about: "Sessions that are over, newest first: who began them, and what both sides sent.",
        view: View::Sessions,
        kql: "event.type: end",
        columns: &SESSION_COLUMNS,
    };
    let findings = Saved {
        id: "floodmark-findings".to_owned(),
        title: "floodmark: Findings".to_owned(),
        about: "Findings with all their revisions, newest first.",
        view: View::Findings,
        kql: "",
        columns: &FINDING_COLUMNS,
    };
    of_flows.chain([sessions, findings]).collect()
}

/// What a search source says, as both products write it: a text of JSON.
pub(super) fn search_source(kql: &str, has_view: bool) -> String {
    let mut source = json!({ "query": { "query": kql, "language": "kuery" }, "filter": [] });
    if has_view {
        source["indexRefName"] = json!("kibanaSavedObjectMeta.searchSourceJSON.index");
    }
    source.to_string()
}

/// The reference that [`search_source`] names.
pub(super) fn source_reference(view: View) -> Value {
    json!({ "type": "index-pattern", "id": view.id(), "name": "kibanaSavedObjectMeta.searchSourceJSON.index" })
}

/// What both products say of a saved search.
pub(super) fn search_attributes(saved: &Saved) -> Value {
    json!({
        "title": saved.title,
        "description": saved.about,
        "columns": saved.columns,
        "sort": [["@timestamp", "desc"]],
        "kibanaSavedObjectMeta": { "searchSourceJSON": search_source(saved.kql, true) },
    })
}

/// What both products say of the dashboard, whose panels are saved objects of type `kind`, and its references.
pub(super) fn dashboard_parts(kind: &str, version: &str) -> (Value, Vec<Value>) {
    let charts = PANELS.iter().map(|panel| (kind, panel.id(), panel.place));
    let all = charts.chain([("search", "floodmark-findings".to_owned(), FINDINGS_PLACE)]);
    let mut panels = Vec::new();
    let mut references = Vec::new();
    for (index, (kind, id, [x, y, w, h])) in (1..).zip(all) {
        let number = index.to_string();
        panels.push(json!({
            "version": version,
            "type": kind,
            "gridData": { "x": x, "y": y, "w": w, "h": h, "i": number },
            "panelIndex": number,
            "embeddableConfig": {},
            "panelRefName": format!("panel_{number}"),
        }));
        references.push((number, kind, id));
    }
    let attributes = json!({
        "title": TITLE,
        "description": ABOUT,
        "panelsJSON": Value::from(panels).to_string(),
        "optionsJSON": json!({ "useMargins": true, "hidePanelTitles": false }).to_string(),
        "timeRestore": false,
        "version": 1,
        "kibanaSavedObjectMeta": { "searchSourceJSON": search_source("", false) },
    });
    let is_kibana = kind == "lens";
    let name = |number: &str| match is_kibana {
        true => format!("{number}:panel_{number}"),
        false => format!("panel_{number}"),
    };
    let reference =
        |(number, kind, id): (String, &str, String)| json!({ "name": name(&number), "type": kind, "id": id });
    (attributes, references.into_iter().map(reference).collect())
}
