//! Data views: which data streams are looked at together, and what is said of their fields.

use serde_json::{Map, Value, json};

use crate::normalize::{
    fields,
    searches::{FINDINGS, FLOWS, SESSIONS},
};

/// A data view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    Flows,
    Sessions,
    Findings,
}

/// Longest description of a field that Kibana takes, in characters.
const DESCRIPTION_MAX: usize = 300;

// === impl View ===

impl View {
    pub(super) const ALL: [Self; 3] = [Self::Flows, Self::Sessions, Self::Findings];

    /// Its id among the saved objects.
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::Flows => "floodmark-flow",
            Self::Sessions => "floodmark-session",
            Self::Findings => "floodmark-finding",
        }
    }

    /// Its name for people.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Flows => "floodmark: flows",
            Self::Sessions => "floodmark: sessions",
            Self::Findings => "floodmark: findings",
        }
    }

    /// The pattern of its data streams.
    pub(super) const fn pattern(self) -> &'static str {
        match self {
            Self::Flows => FLOWS,
            Self::Sessions => SESSIONS,
            Self::Findings => FINDINGS,
        }
    }
}

/// What the list says of each field, as Kibana keeps it from version 8.15 on.
pub(super) fn descriptions() -> Value {
    let mut all = Map::new();
    for (path, row) in rows(&fields()) {
        let text: String =
            row["description"].as_str().unwrap_or_default().chars().take(DESCRIPTION_MAX).collect();
        all.insert(path.to_owned(), json!({ "customDescription": text }));
    }
    all.into()
}

/// How numbers of bytes are shown.
pub(super) fn formats() -> Value {
    let mut all = Map::new();
    for (path, _) in rows(&fields()).filter(|(path, _)| path.ends_with(".bytes")) {
        all.insert(path.to_owned(), json!({ "id": "bytes", "params": { "pattern": "0,0.[0]b" } }));
    }
    all.into()
}

/// What Kibana calls the type of the field at `path`.
pub(super) fn kind_of(path: &str) -> &'static str {
    let fields = fields();
    let row = rows(&fields).find(|(known, _)| *known == path).map(|(_, row)| &row["type"]);
    match row.and_then(Value::as_str).unwrap_or_default() {
        "ip" => "ip",
        "date" => "date",
        "boolean" => "boolean",
        "long" | "float" | "double" => "number",
        _ => "string",
    }
}

fn rows(fields: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let rows = fields["fields"].as_array().into_iter().flatten();
    rows.filter_map(|row| Some((row["path"].as_str()?, row)))
}
