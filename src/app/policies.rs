//! What may change while the process runs: what becomes of findings. The config and the file of suppressions are read again when they
//! change, and on SIGHUP; what is not sound, or asks for what only a restart can bring, is refused as a whole.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use serde_json::Value;

use super::AppError;
use crate::{
    config::{self, Config},
    reload::{Fingerprint, Refused, Reload, Watched},
    score::{Policy, SuppressionEntry, Suppressions},
    telemetry::metrics::{Counter, Metrics},
};

/// Reads config and suppressions again.
#[derive(Debug)]
pub(super) struct Policies {
    /// What scoring follows.
    policy: Arc<ArcSwap<Policy>>,
    /// The config's file, where there is one.
    file: Option<Watched>,
    metrics: Metrics,
    now: Mutex<Now>,
}

/// A file of suppressions.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct SuppressionsFile {
    /// What nobody is to look at, each with who says so, why and until when.
    suppressions: Vec<SuppressionEntry>,
}

/// What is in use.
#[derive(Debug)]
struct Now {
    config: Config,
    suppressions: Option<Watched>,
}

/// The keys that may change.
const CHANGEABLE: [&str; 3] = ["detectors", "budget", "suppressions"];
const CONFIG: &str = "config";
const SUPPRESSIONS: &str = "score.suppressions";

// === impl Policies ===

impl Policies {
    /// What `config` says, which was read from `file`; from here on it is what the scorers made with it follow.
    ///
    /// # Errors
    /// When the file of suppressions cannot be used.
    pub(super) fn open(
        config: &mut Config,
        file: Option<&Path>,
        metrics: &Metrics,
    ) -> Result<Arc<Self>, AppError> {
        let suppressions = config.score.suppressions.as_deref().map(|path| watched(SUPPRESSIONS, path));
        let policy = Self::look(config)?;
        for file in file.map(|_| CONFIG).into_iter().chain(suppressions.as_ref().map(|_| SUPPRESSIONS)) {
            // They are told from the start.
            for result in ["ok", "refused"] {
                let _ = reloads(metrics, file, result);
            }
        }
        let policy = Arc::new(ArcSwap::from_pointee(policy));
        config.score.policy = Some(Arc::clone(&policy));
        Ok(Arc::new(Self {
            policy,
            file: file.map(|path| watched(CONFIG, path)),
            metrics: metrics.clone(),
            now: Mutex::new(Now { config: config.clone(), suppressions }),
        }))
    }

    /// What `config` makes of findings.
    ///
    /// # Errors
    /// When the file of suppressions cannot be used.
    pub(super) fn look(config: &Config) -> Result<Policy, AppError> {
        policy_of(config).map_err(|cause| AppError::Environment { part: SUPPRESSIONS.to_owned(), cause })
    }

    /// Reads the config again; gives it where it may be used without a restart.
    fn config_of(&self, path: &Path) -> Result<Config, String> {
        let text = std::fs::read(path).map_err(|error| error.to_string())?;
        let environment = |name: &str| std::env::var(name).ok();
        let loaded = Config::read(&path.display().to_string(), &text, &environment);
        let config = loaded.map_err(|problems| problems.to_string())?.value;
        let now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let mut differing = Vec::new();
        differ(&rest_of(&now.config), &rest_of(&config), &mut String::new(), &mut differing);
        if config.score.stitches != now.config.score.stitches {
            differing.push("score.detectors (that any of them looks at conversations)".to_owned());
        }
        match differing.is_empty() {
            true => Ok(config),
            false => Err(format!(
                "only score.detectors, score.budget and score.suppressions can change while it runs; restart it for {}",
                differing.join(", ")
            )),
        }
    }
}

impl Reload for Policies {
    fn files(&self) -> Vec<Watched> {
        let now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        self.file.iter().chain(&now.suppressions).cloned().collect()
    }

    fn reload(&self, file: &Watched, seen: Fingerprint) -> Result<(), Refused> {
        let is_config = file.key == CONFIG;
        let mut config = match is_config {
            true => self.config_of(&file.path).map_err(Refused::Unsound)?,
            false => self.now.lock().unwrap_or_else(PoisonError::into_inner).config.clone(),
        };
        let policy = policy_of(&config).map_err(Refused::Unsound)?;
        if Fingerprint::of(&file.path).ok() != Some(seen) {
            return Err(Refused::Moving);
        }
        let (budget, suppressions) = (policy.budget, policy.suppressions.count());
        self.policy.store(Arc::new(policy));
        tracing::info!(budget, suppressions, "findings are judged by what was read");
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if config.score.suppressions != now.config.score.suppressions {
            now.suppressions = config.score.suppressions.as_deref().map(|path| watched(SUPPRESSIONS, path));
        }
        config.score.policy.clone_from(&now.config.score.policy);
        now.config = config;
        Ok(())
    }

    fn note(&self, file: &Watched, result: &'static str) {
        reloads(&self.metrics, &file.key, result).inc();
    }
}

/// The counter of reads of `file` that ended as `result`.
fn reloads(metrics: &Metrics, file: &str, result: &str) -> Counter {
    let labels = vec![("file", file.to_owned()), ("result", result.to_owned())];
    metrics.counter("floodmark_config_reloads", "Config and suppressions read again.", labels)
}

fn watched(key: &str, path: &Path) -> Watched {
    let path = PathBuf::from(path);
    Watched { key: key.to_owned(), at_start: Fingerprint::of(&path).ok(), path }
}

/// What `config` makes of findings, with the suppressions in the file that it names.
fn policy_of(config: &Config) -> Result<Policy, String> {
    let suppressions = config.score.suppressions.as_deref().map(read_suppressions).transpose()?;
    Ok(Policy { suppressions: Arc::new(suppressions.unwrap_or_default()), ..config.score.policy() })
}

fn read_suppressions(path: &Path) -> Result<Suppressions, String> {
    let name = path.display().to_string();
    let text = std::fs::read(path).map_err(|error| format!("could not read {name}: {error}"))?;
    let environment = |name: &str| std::env::var(name).ok();
    let read = config::read::<SuppressionsFile>(&name, &text, &environment);
    let entries = read.map_err(|problems| problems.to_string())?.value.suppressions;
    Suppressions::new(entries).map_err(|error| format!("could not use {name}: {error}"))
}

/// All of `config` that cannot change.
fn rest_of(config: &Config) -> Value {
    let mut all = serde_json::to_value(config).unwrap_or_default();
    if let Some(score) = all.get_mut("score").and_then(Value::as_object_mut) {
        score.retain(|key, _| !CHANGEABLE.contains(&key.as_str()));
    }
    all
}

/// The paths at which `one` and `other` differ.
fn differ(one: &Value, other: &Value, path: &mut String, out: &mut Vec<String>) {
    let (Value::Object(ones), Value::Object(others)) = (one, other) else {
        out.extend((one != other).then(|| path.clone()));
        return;
    };
    let keys: std::collections::BTreeSet<&String> = ones.keys().chain(others.keys()).collect();
    for key in keys {
        let length = path.len();
        path.push_str(if path.is_empty() { "" } else { "." });
        path.push_str(key);
        let of = |all: &serde_json::Map<String, Value>| all.get(key).cloned().unwrap_or_default();
        differ(&of(ones), &of(others), path, out);
        path.truncate(length);
    }
}
