//! The templates and the searches of `schemas/`, on the real servers that `tests/run` starts: OpenSearch 2 and 3,
//! Elasticsearch 8 and 9.

mod flow;
pub mod provisioned;
mod searches;
mod templates;
