//! Saved objects as OpenSearch Dashboards has them: index patterns for data views, visualizations of aggregations for Lens,
//! circles at points for a map of countries.

use serde_json::{Value, json};

use super::{
    panel::{Chart, GROUPS, Measure, Panel},
    saved::{DASHBOARD, Saved, dashboard_parts, search_attributes, search_source, source_reference},
    view::{View, formats},
};

/// The version of each type that these are written in: those of the product that OpenSearch Dashboards came from.
const INDEX_PATTERN: &str = "7.6.0";
const SEARCH: &str = "7.9.3";
const VISUALIZATION: &str = "7.10.0";
const DASHBOARD_VERSION: &str = "7.9.3";

/// The ids of a chart's aggregations.
const MEASURE: &str = "1";
const TIME: &str = "2";
const FIRST_GROUP: usize = 3;

fn object(kind: &str, version: &str, id: &str, attributes: Value, references: Vec<Value>) -> Value {
    json!({
        "type": kind,
        "id": id,
        "attributes": attributes,
        "references": references,
        "migrationVersion": { kind: version },
    })
}

pub(super) fn index_pattern(view: View) -> Value {
    let attributes = json!({
        "title": view.pattern(),
        "timeFieldName": "@timestamp",
        "fieldFormatMap": formats().to_string(),
    });
    object("index-pattern", INDEX_PATTERN, view.id(), attributes, Vec::new())
}

pub(super) fn search(saved: &Saved) -> Value {
    let mut attributes = search_attributes(saved);
    attributes["hits"] = json!(0);
    attributes["version"] = json!(1);
    object("search", SEARCH, &saved.id, attributes, vec![source_reference(saved.view)])
}

pub(super) fn dashboard() -> Value {
    let (mut attributes, references) = dashboard_parts("visualization", DASHBOARD_VERSION);
    attributes["hits"] = json!(0);
    object("dashboard", DASHBOARD_VERSION, DASHBOARD, attributes, references)
}

pub(super) fn panel(panel: &Panel) -> Value {
    let (kind, params, groups) = drawn(&panel.chart);
    let mut aggregations = vec![measure(panel.measure)];
    aggregations.extend(groups);
    let state = json!({ "title": panel.titled(), "type": kind, "params": params, "aggs": aggregations });
    let attributes = json!({
        "title": panel.titled(),
        "description": "",
        "visState": state.to_string(),
        "uiStateJSON": "{}",
        "version": 1,
        "kibanaSavedObjectMeta": { "searchSourceJSON": search_source(panel.kql, true) },
    });
    object("visualization", VISUALIZATION, &panel.id(), attributes, vec![source_reference(panel.view)])
}

/// How a chart is drawn: its type, that type's parameters, and what it is grouped by.
fn drawn(chart: &Chart) -> (&'static str, Value, Vec<Value>) {
    match chart {
        Chart::Bars(field) => {
            let groups = vec![time(), group(0, field, "group")];
            ("histogram", bars(), groups)
        }
        Chart::Table(fields) => {
            let params = json!({ "perPage": GROUPS, "showPartialRows": false, "showTotal": false });
            let groups = fields.iter().enumerate().map(|(nth, field)| group(nth, field, "bucket"));
            ("table", params, groups.collect())
        }
        Chart::World { point, .. } => {
            let grid = json!({
                "id": FIRST_GROUP.to_string(),
                "enabled": true,
                "type": "geohash_grid",
                "schema": "segment",
                "params": {
                    "field": point, "autoPrecision": true, "precision": 2, "useGeocentroid": true,
                    "isFilteredByCollar": true,
                },
            });
            let params = json!({
                "colorSchema": "Yellow to Red",
                "mapType": "Scaled Circle Markers",
                "isDesaturated": true,
                "addTooltip": true,
                "heatClusterSize": 1.5,
                "legendPosition": "bottomright",
                "mapZoom": 2,
                "mapCenter": [0, 0],
                "wms": { "enabled": false, "options": { "format": "image/png", "transparent": true } },
            });
            ("tile_map", params, vec![grid])
        }
    }
}

fn bars() -> Value {
    let axis = |id: &str, kind: &str, position: &str| {
        json!({
            "id": id, "name": id, "type": kind, "position": position, "show": true, "style": {},
            "scale": { "type": "linear" }, "labels": { "show": true, "truncate": 100 }, "title": {},
        })
    };
    let series = json!({
        "show": true, "type": "histogram", "mode": "stacked", "valueAxis": "ValueAxis-1",
        "data": { "id": MEASURE, "label": "" }, "drawLinesBetweenPoints": true, "showCircles": true,
    });
    json!({
        "type": "histogram",
        "grid": { "categoryLines": false },
        "categoryAxes": [axis("CategoryAxis-1", "category", "bottom")],
        "valueAxes": [axis("ValueAxis-1", "value", "left")],
        "seriesParams": [series],
        "addTooltip": true,
        "addLegend": true,
        "legendPosition": "right",
        "times": [],
        "addTimeMarker": false,
    })
}

fn time() -> Value {
    json!({
        "id": TIME,
        "enabled": true,
        "type": "date_histogram",
        "schema": "segment",
        "params": {
            "field": "@timestamp", "useNormalizedOpenSearchInterval": true, "interval": "auto",
            "drop_partials": false, "min_doc_count": 1, "extended_bounds": {},
        },
    })
}

fn group(nth: usize, field: &str, schema: &str) -> Value {
    json!({
        "id": (FIRST_GROUP + nth).to_string(),
        "enabled": true,
        "type": "terms",
        "schema": schema,
        "params": {
            "field": field, "orderBy": MEASURE, "order": "desc", "size": GROUPS,
            "otherBucket": false, "otherBucketLabel": "Other", "missingBucket": false,
            "missingBucketLabel": "Missing",
        },
    })
}

fn measure(measure: Measure) -> Value {
    let (kind, params) = match measure {
        Measure::Count(label) => ("count", json!({ "customLabel": label })),
        Measure::Sum(field, label) => ("sum", json!({ "field": field, "customLabel": label })),
        Measure::Max(field, label) => ("max", json!({ "field": field, "customLabel": label })),
    };
    json!({ "id": MEASURE, "enabled": true, "type": kind, "schema": "metric", "params": params })
}
