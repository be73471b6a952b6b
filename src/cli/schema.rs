//! `floodmark schema`: prints what stands in `schemas/`.

use std::io::Write;

use clap::ValueEnum;
use serde_json::json;

use super::{Exit, tell};
use crate::{
    config::{self, Config},
    event::Detector,
    normalize::{self, Provision, SearchProduct},
    score::{self, Report, review::Export},
};

/// Print what stands in `schemas/`.
#[derive(Debug, clap::Args)]
pub(super) struct Schema {
    /// Which one.
    which: Which,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    /// The JSON Schema of the config file.
    Config,
    /// The JSON Schema of an export of baselines.
    Baseline,
    /// Every detector, with its title and its technique in MITRE ATT&CK.
    Detectors,
    /// Every field that a document can hold, with its type and where it comes from.
    Fields,
    /// The JSON Schema of the report that `learn` writes.
    LearnReport,
    /// What Elasticsearch is to have before documents come: requests in their order, each a path and a body to put there.
    Elasticsearch,
    /// The same for OpenSearch.
    Opensearch,
    /// Searches, as KQL, ES|QL and the query that they mean.
    Searches,
    /// Saved objects for Kibana: data views, saved searches, a dashboard.
    Kibana,
    /// A detection rule for Elastic Security.
    KibanaRule,
    /// Saved objects for OpenSearch Dashboards.
    OpensearchDashboards,
}

// === impl Schema ===

impl Schema {
    pub(super) fn run(self) -> Exit {
        let text = match self.which {
            Which::Config => config_schema(),
            Which::Baseline => baseline_schema(),
            Which::Detectors => detectors(),
            Which::Fields => fields_schema(),
            Which::LearnReport => pretty(&config::schema::<Report>()),
            Which::Elasticsearch => requests(SearchProduct::Elasticsearch),
            Which::Opensearch => requests(SearchProduct::OpenSearch),
            Which::Searches => pretty(&normalize::searches()),
            Which::Kibana => normalize::kibana_objects(),
            Which::KibanaRule => normalize::detection_rule(),
            Which::OpensearchDashboards => normalize::opensearch_objects(),
        };
        match std::io::stdout().lock().write_all(text.as_bytes()) {
            Ok(()) => Exit::Success,
            Err(error) => {
                tell(format_args!("could not write to stdout: {error}"));
                Exit::Unavailable
            }
        }
    }
}

/// The text of `schemas/config.schema.json`.
#[must_use]
pub fn config_schema() -> String {
    pretty(&config::schema::<Config>())
}

/// The text of `schemas/baseline.schema.json`.
#[must_use]
pub fn baseline_schema() -> String {
    pretty(&config::schema::<Export>())
}

/// The text of `schemas/detectors.json`.
fn detectors() -> String {
    let named = |(id, name): (&str, &str)| json!({ "id": id, "name": name });
    let one = |detector: &Detector| {
        json!({
            "id": detector.id,
            "title": detector.title,
            "category": detector.category,
            "tactic": named(detector.tactic),
            "technique": named(detector.technique),
        })
    };
    pretty(&score::detectors().map(one).collect())
}

/// The text of `schemas/fields.json`.
#[must_use]
pub fn fields_schema() -> String {
    pretty(&normalize::fields())
}

/// What is put on a server of `product`, in order: the files of `schemas/elasticsearch/` or `schemas/opensearch/`.
fn requests(product: SearchProduct) -> String {
    let all = normalize::provisions(product);
    let request = |provision: &Provision| json!({ "path": provision.path(product), "body": provision.body });
    pretty(&all.iter().map(request).collect())
}

fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}
