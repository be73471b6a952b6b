//! The cluster of a sink as an operator sees it: which product it is, what is on it, and what is put there.

use std::sync::Arc;

use bytes::Bytes;
use reqwest::Method;
use serde_json::Value;

use super::{
    answer,
    client::{Client, Question, Response},
    config::ElasticsearchSinkConfig,
};
use crate::sink::SinkError;

/// The cluster that a sink of Elasticsearch or OpenSearch writes to.
pub struct SearchCluster {
    client: Arc<Client>,
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq)]
pub enum AtPath {
    /// This.
    There(Value),
    /// Nothing.
    Nothing,
    /// The server has no such paths: a part of it is missing, or it is another product.
    Unknown,
}

// === impl SearchCluster ===

impl SearchCluster {
    /// The cluster that `config` names; nothing is connected yet.
    ///
    /// # Errors
    /// When a certificate or a secret cannot be read, or is none.
    pub fn new(config: &ElasticsearchSinkConfig) -> Result<Self, SinkError> {
        Ok(Self { client: Arc::new(Client::new(config)?) })
    }

    /// Whether it is Elasticsearch; otherwise it is OpenSearch. OpenSearch 2 says so in no header, but in its own words.
    ///
    /// # Errors
    /// When it does not answer, refuses us, or is neither.
    pub async fn is_elasticsearch(&self) -> Result<bool, SinkError> {
        let response = self.ask(&Question::get("/")).await?;
        if response.says_product {
            return Ok(response.is_elasticsearch);
        }
        let said: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        match said["version"]["distribution"].as_str() {
            Some("opensearch") => Ok(false),
            _ => Err(remote(format!(
                "{}: it answers, but not as Elasticsearch or OpenSearch does; see `urls`",
                self.client.url(response.host)
            ))),
        }
    }

    /// What is at `path`, without a slash before it.
    ///
    /// # Errors
    /// When the server does not answer or refuses us.
    pub async fn get(&self, path: &str) -> Result<AtPath, SinkError> {
        let response = self.ask(&Question::get(&format!("/{path}"))).await?;
        match response.status {
            200 => Ok(AtPath::There(serde_json::from_slice(&response.body).unwrap_or_default())),
            404 => Ok(AtPath::Nothing),
            400 | 405 => Ok(AtPath::Unknown),
            _ => Err(self.refused(&response)),
        }
    }

    /// Puts `body` at `path`, without a slash before it, whatever is there.
    ///
    /// # Errors
    /// When the server does not answer or does not take it.
    pub async fn put(&self, path: &str, body: &Value) -> Result<(), SinkError> {
        let body = Bytes::from(body.to_string());
        let question =
            Question { method: Method::PUT, body, is_json: true, ..Question::post(&format!("/{path}")) };
        self.done(&question).await
    }

    /// Posts to `path`, without a slash before it, and without a body.
    ///
    /// # Errors
    /// When the server does not answer or does not do it.
    pub async fn post(&self, path: &str) -> Result<(), SinkError> {
        self.done(&Question::post(&format!("/{path}"))).await
    }

    async fn done(&self, question: &Question) -> Result<(), SinkError> {
        let response = self.ask(question).await?;
        if (200..300).contains(&response.status) { Ok(()) } else { Err(self.refused(&response)) }
    }

    async fn ask(&self, question: &Question) -> Result<Response, SinkError> {
        let response = self.client.ask(question).await.map_err(remote)?;
        if matches!(response.status, 401 | 403) { Err(self.refused(&response)) } else { Ok(response) }
    }

    fn refused(&self, response: &Response) -> SinkError {
        let said = answer::of_request(response.status, &response.body);
        remote(format!("{}: {}", self.client.url(response.host), said.of_an_operator()))
    }
}

fn remote(cause: String) -> SinkError {
    SinkError::Remote { cause }
}
