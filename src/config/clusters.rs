//! What an Elasticsearch sink cannot hold, which only the rest of the config tells.

use super::{Config, Problems, Tree};
use crate::{
    normalize::SchemaName,
    sink::{Into, To},
};

/// Tells what is to be created in a cluster and cannot be.
pub(super) fn check(config: &Config, tree: &Tree, problems: &mut Problems) {
    for (name, sink) in &config.sinks {
        let into = sink.to.elasticsearch().map(|cluster| cluster.into);
        if sink.schema == SchemaName::Ocsf && into == Some(Into::Streams) {
            problems.at(
                tree,
                &format!("sinks.{name}.schema"),
                "documents of a data stream need a `@timestamp`, which OCSF does not have",
                format!("write `schema: ecs`, or set `sinks.{name}.to.elasticsearch.into: daily_indices`"),
            );
        }
    }
    for (path, to) in [("quarantine.to", &config.quarantine.to), ("dead_letter.to", &config.dead_letter.to)] {
        if matches!(to, To::Elasticsearch(_)) {
            problems.at(
                tree,
                &format!("{path}.elasticsearch"),
                "what is kept to be replayed must be kept as it is, and an index keeps only what fits its types",
                "keep it in a `file`, or in a topic of `kafka`".to_owned(),
            );
        }
    }
}
