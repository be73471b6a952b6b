//! The pages for machines: `/metrics`, `/live`, `/ready` and `/baselines`.

mod baselines;

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::net::TcpListener;

use crate::{
    pipe::Stop,
    state::Store,
    telemetry::{health::Health, metrics::Metrics},
};

/// What the pages show.
#[derive(Debug, Clone)]
struct Shown {
    metrics: Metrics,
    health: Health,
    baselines: Option<baselines::Baselines>,
}

/// Serves the pages on `listener` until `stop`.
pub(super) async fn serve(
    listener: std::net::TcpListener,
    metrics: Metrics,
    health: Health,
    store: Option<Arc<Store>>,
    mut stop: Stop,
) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::warn!(%error, "could not serve the telemetry pages"),
    };
    let pages = Router::new()
        .route("/metrics", get(metrics_page))
        .route("/live", get(|| async { "live\n" }))
        .route("/ready", get(ready_page))
        .route("/baselines", get(baselines_page))
        .with_state(Shown { metrics, health, baselines: store.map(baselines::Baselines::new) });
    let served = axum::serve(listener, pages).with_graceful_shutdown(async move { stop.stopped().await });
    if let Err(error) = served.await {
        tracing::warn!(%error, "the telemetry pages are gone");
    }
}

async fn metrics_page(State(shown): State<Shown>) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([("content-type", kind)], shown.metrics.page())
}

/// 200 while every part can do its work; otherwise 503 and what is wrong, a part a line.
async fn ready_page(State(shown): State<Shown>) -> impl IntoResponse {
    let ailing = shown.health.ailing();
    if ailing.is_empty() {
        return (StatusCode::OK, "ready\n".to_owned());
    }
    let lines = ailing.iter().map(|(part, reason)| format!("{part}: {reason}\n")).collect();
    (StatusCode::SERVICE_UNAVAILABLE, lines)
}

/// What is learned, as of the last commit of the state; 503 where there is no state or somebody else is reading it.
async fn baselines_page(State(shown): State<Shown>) -> Response {
    match &shown.baselines {
        Some(baselines) => baselines.page().await,
        None => {
            let cause = "there is no state to be read: set `state.directory`\n";
            (StatusCode::SERVICE_UNAVAILABLE, cause).into_response()
        }
    }
}
