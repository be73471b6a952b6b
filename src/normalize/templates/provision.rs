//! A provision: one thing to put on a search server, and where.

use serde_json::Value;

/// A server that takes `_bulk`, searches and templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SearchProduct {
    /// Elasticsearch 8.7 and later, 9.
    Elasticsearch,
    /// OpenSearch 2.7 and later, 3.
    OpenSearch,
}

/// One thing to put on a server.
#[derive(Debug, Clone, PartialEq)]
pub struct Provision {
    /// What it is.
    pub kind: ProvisionKind,
    /// Its name among those of its kind.
    pub name: String,
    /// The body of the request that puts it there.
    pub body: Value,
}

/// What a provision is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProvisionKind {
    /// When old documents go: ILM of Elasticsearch, ISM of OpenSearch. People change it; who installs puts it there once. (ISM
    /// takes another one only with the sequence number and the primary term of the one that is there.)
    Lifecycle,
    /// A part of index templates.
    ComponentTemplate,
    /// What new data streams and indices are like.
    IndexTemplate,
}

// === impl Provision ===

impl Provision {
    /// The path that it is put to, without a slash before it.
    #[must_use]
    pub fn path(&self, product: SearchProduct) -> String {
        let folder = match (self.kind, product) {
            (ProvisionKind::Lifecycle, SearchProduct::Elasticsearch) => "_ilm/policy",
            (ProvisionKind::Lifecycle, SearchProduct::OpenSearch) => "_plugins/_ism/policies",
            (ProvisionKind::ComponentTemplate, _) => "_component_template",
            (ProvisionKind::IndexTemplate, _) => "_index_template",
        };
        format!("{folder}/{}", self.name)
    }
}
