//! Setting up a cluster: lifecycle policies and templates, before documents come.

use super::AppError;
use crate::{
    normalize::{Provision, ProvisionKind, SearchProduct, provisions},
    sink::{AtPath, ElasticsearchSinkConfig, SearchCluster, SinkError},
};

/// What became of one thing that a cluster is to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetUp {
    /// It was not there.
    Created,
    /// One of another version was there.
    Replaced,
    /// It is there as it should be, or is the operator's to change.
    Kept,
    /// The cluster knows no such things.
    Unknown,
}

/// How far setting up goes.
#[derive(Debug, Clone, Copy, Default)]
pub struct SetUpOptions {
    /// Only look.
    pub dry_run: bool,
    /// Let data streams that are there begin new indices where templates have changed.
    pub rollover: bool,
}

/// Who says in `_meta` that it manages our templates.
const OURS: &str = "floodmark";

/// Puts what documents of the sink `name` need on its cluster, and tells each step: the path, and what became of it. The
/// last steps are the data streams that still have another mapping, or had.
///
/// # Errors
/// When the cluster does not answer, refuses something, or has a template of one of our names that is somebody else's.
pub async fn set_up(
    name: &str,
    config: &ElasticsearchSinkConfig,
    options: SetUpOptions,
    mut tell: impl FnMut(&str, SetUp),
) -> Result<Vec<String>, AppError> {
    let failed = |error| AppError::Sink { name: name.to_owned(), error };
    let cluster = SearchCluster::new(config).map_err(failed)?;
    let product = match cluster.is_elasticsearch().await.map_err(failed)? {
        true => SearchProduct::Elasticsearch,
        false => SearchProduct::OpenSearch,
    };
    let mut changed = false;
    for provision in provisions(product) {
        let path = provision.path(product);
        let found = cluster.get(&path).await.map_err(failed)?;
        let becomes = judge(&provision, &path, &found).map_err(failed)?;
        if matches!(becomes, SetUp::Created | SetUp::Replaced) && !options.dry_run {
            cluster.put(&path, &provision.body).await.map_err(failed)?;
        }
        changed |= provision.kind != ProvisionKind::Lifecycle && becomes != SetUp::Kept;
        tell(&path, becomes);
    }
    let streams = if changed { streams(&cluster).await.map_err(failed)? } else { Vec::new() };
    if options.rollover && !options.dry_run {
        for stream in &streams {
            cluster.post(&format!("{stream}/_rollover")).await.map_err(failed)?;
        }
    }
    Ok(streams)
}

/// What is to become of `provision`, where `found` is at its path.
fn judge(provision: &Provision, path: &str, found: &AtPath) -> Result<SetUp, SinkError> {
    let there = match found {
        AtPath::Nothing => return Ok(SetUp::Created),
        AtPath::Unknown => return Ok(SetUp::Unknown),
        AtPath::There(there) => there,
    };
    let (list, one) = match provision.kind {
        // Whoever installs it puts it there once; how long documents are kept is the operator's.
        ProvisionKind::Lifecycle => return Ok(SetUp::Kept),
        ProvisionKind::ComponentTemplate => ("component_templates", "component_template"),
        ProvisionKind::IndexTemplate => ("index_templates", "index_template"),
    };
    let meta = &there[list][0][one]["_meta"];
    if meta["managed_by"].as_str() != Some(OURS) {
        let cause = format!(
            "{path} is there already and is not floodmark's (its `_meta.managed_by` is {}): rename it, since it would be lost",
            meta["managed_by"]
        );
        return Err(SinkError::Remote { cause });
    }
    let same = meta["content"].is_string() && meta["content"] == provision.body["_meta"]["content"];
    Ok(if same { SetUp::Kept } else { SetUp::Replaced })
}

/// The data streams of ours that are there.
async fn streams(cluster: &SearchCluster) -> Result<Vec<String>, SinkError> {
    let AtPath::There(resolved) = cluster.get("_resolve/index/logs-floodmark.*").await? else {
        return Ok(Vec::new());
    };
    let named = resolved["data_streams"].as_array().into_iter().flatten();
    Ok(named.filter_map(|stream| stream["name"].as_str()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};

    use super::*;

    fn there(meta: &Value) -> AtPath {
        AtPath::There(json!({ "index_templates": [{ "name": "x", "index_template": { "_meta": meta } }] }))
    }

    #[test]
    fn what_is_ours_is_replaced_when_it_has_changed_and_what_is_somebody_elses_never() {
        let all = provisions(SearchProduct::Elasticsearch);
        let template = all.iter().find(|provision| provision.kind == ProvisionKind::IndexTemplate).unwrap();
        let meta = template.body["_meta"].clone();
        let judged = |found: &AtPath| judge(template, "x", found);
        assert_eq!(judged(&AtPath::Nothing), Ok(SetUp::Created));
        assert_eq!(judged(&AtPath::Unknown), Ok(SetUp::Unknown));
        assert_eq!(judged(&there(&meta)), Ok(SetUp::Kept));
        let mut older = meta;
        older["content"] = json!("another");
        assert_eq!(judged(&there(&older)), Ok(SetUp::Replaced));
        for foreign in [json!({ "managed_by": "elastic" }), Value::Null] {
            assert!(judged(&there(&foreign)).unwrap_err().to_string().contains("is not floodmark's"));
        }
        let policy = all.iter().find(|provision| provision.kind == ProvisionKind::Lifecycle).unwrap();
        assert_eq!(
            judge(policy, "x", &AtPath::There(json!({}))),
            Ok(SetUp::Kept),
            "an operator may have changed it"
        );
    }
}
