//! Saved objects as Kibana 8.9 exports them; later versions migrate what they import. Charts are Lens.

use serde_json::{Map, Value, json};

use super::{
    panel::{Chart, GROUPS, Measure, Panel},
    saved::{DASHBOARD, Saved, dashboard_parts, search_attributes, source_reference},
    view::{View, descriptions, formats, kind_of},
};

/// The version of saved objects as a whole, and of each type, that these are written in.
const CORE: &str = "8.8.0";
const VIEW: &str = "8.0.0";
const SEARCH: &str = "8.0.0";
const LENS: &str = "8.9.0";
const DASHBOARD_VERSION: &str = "8.9.0";

/// The only layer of every chart, and its columns.
const LAYER: &str = "layer";
const TIME: &str = "time";
const MEASURE: &str = "measure";

fn object(kind: &str, version: &str, id: &str, attributes: Value, references: Vec<Value>) -> Value {
    json!({
        "type": kind,
        "id": id,
        "attributes": attributes,
        "references": references,
        "coreMigrationVersion": CORE,
        "typeMigrationVersion": version,
        "managed": false,
    })
}

pub(super) fn view(view: View) -> Value {
    let attributes = json!({
        "title": view.pattern(),
        "name": view.name(),
        "timeFieldName": "@timestamp",
        "allowNoIndex": true,
        "fieldAttrs": descriptions().to_string(),
        "fieldFormatMap": formats().to_string(),
        "fields": "[]",
        "runtimeFieldMap": "{}",
        "sourceFilters": "[]",
        "typeMeta": "{}",
    });
    object("index-pattern", VIEW, view.id(), attributes, Vec::new())
}

pub(super) fn search(saved: &Saved) -> Value {
    object("search", SEARCH, &saved.id, search_attributes(saved), vec![source_reference(saved.view)])
}

pub(super) fn dashboard() -> Value {
    let (attributes, references) = dashboard_parts("lens", DASHBOARD_VERSION);
    object("dashboard", DASHBOARD_VERSION, DASHBOARD, attributes, references)
}

pub(super) fn panel(panel: &Panel) -> Value {
    let groups: Vec<&str> = match panel.chart {
        Chart::Bars(field) => vec![field],
        Chart::Table(fields) => fields.to_vec(),
        Chart::World { country, .. } => vec![country],
    };
    let mut columns = Map::new();
    let mut order: Vec<String> = Vec::new();
    let most = if matches!(panel.chart, Chart::World { .. }) { 300 } else { GROUPS };
    for (nth, field) in groups.iter().enumerate() {
        order.push(format!("group-{nth}"));
        columns.insert(format!("group-{nth}"), group(field, most));
    }
    if matches!(panel.chart, Chart::Bars(_)) {
        order.push(TIME.to_owned());
        columns.insert(TIME.to_owned(), time());
    }
    order.push(MEASURE.to_owned());
    columns.insert(MEASURE.to_owned(), measure(panel.measure));
    let (kind, visualization) = visualization(&panel.chart, &order);
    let layer = json!({ "columns": columns, "columnOrder": order, "incompleteColumns": {} });
    let attributes = json!({
        "title": panel.titled(),
        "description": "",
        "visualizationType": kind,
        "state": {
            "visualization": visualization,
            "query": { "query": panel.kql, "language": "kuery" },
            "filters": [],
            "datasourceStates": { "formBased": { "layers": { LAYER: layer } } },
            "internalReferences": [],
            "adHocDataViews": {},
        },
    });
    let name = format!("indexpattern-datasource-layer-{LAYER}");
    let reference = json!({ "type": "index-pattern", "id": panel.view.id(), "name": name });
    object("lens", LENS, &panel.id(), attributes, vec![reference])
}

/// How a chart with columns in this `order` is drawn: its type, and that type's state.
fn visualization(chart: &Chart, order: &[String]) -> (&'static str, Value) {
    match chart {
        Chart::Bars(_) => {
            let layer = json!({
                "layerId": LAYER,
                "layerType": "data",
                "seriesType": "bar_stacked",
                "xAccessor": TIME,
                "splitAccessor": order[0],
                "accessors": [MEASURE],
            });
            let legend = json!({ "isVisible": true, "position": "right" });
            let state = json!({
                "legend": legend, "valueLabels": "hide", "preferredSeriesType": "bar_stacked", "layers": [layer],
            });
            ("lnsXY", state)
        }
        Chart::Table(_) => {
            let columns: Vec<Value> = order.iter().map(|column| json!({ "columnId": column })).collect();
            ("lnsDatatable", json!({ "layerId": LAYER, "layerType": "data", "columns": columns }))
        }
        Chart::World { .. } => {
            let state = json!({
                "layerId": LAYER,
                "layerType": "data",
                "emsLayerId": "world_countries",
                "emsField": "iso2",
                "regionAccessor": order[0],
                "valueAccessor": MEASURE,
            });
            ("lnsChoropleth", state)
        }
    }
}

fn group(field: &str, most: u32) -> Value {
    json!({
        "label": format!("Top {most} values of {field}"),
        "dataType": kind_of(field),
        "operationType": "terms",
        "scale": "ordinal",
        "sourceField": field,
        "isBucketed": true,
        "params": {
            "size": most,
            "orderBy": { "type": "column", "columnId": MEASURE },
            "orderDirection": "desc",
            "otherBucket": false,
            "missingBucket": false,
            "parentFormat": { "id": "terms" },
        },
    })
}

fn time() -> Value {
    json!({
        "label": "@timestamp",
        "dataType": "date",
        "operationType": "date_histogram",
        "scale": "interval",
        "sourceField": "@timestamp",
        "isBucketed": true,
        "params": { "interval": "auto", "includeEmptyRows": true, "dropPartials": false },
    })
}

fn measure(measure: Measure) -> Value {
    let (operation, field, params) = match measure {
        // Lens's own name for what has no field.
        Measure::Count(_) => ("count", "___records___", json!({ "emptyAsNull": true })),
        Measure::Sum(field, _) => {
            let format = json!({ "id": "bytes", "params": { "decimals": 1 } });
            ("sum", field, json!({ "emptyAsNull": true, "format": format }))
        }
        Measure::Max(field, _) => ("max", field, json!({ "emptyAsNull": true })),
    };
    json!({
        "label": measure.label(),
        "customLabel": true,
        "dataType": "number",
        "operationType": operation,
        "scale": "ratio",
        "sourceField": field,
        "isBucketed": false,
        "params": params,
    })
}
