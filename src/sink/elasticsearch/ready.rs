//! Whether documents may be created where they belong: under templates of ours, and through no pipeline of somebody else's.
//!
//! A server makes an index of any name out of nothing, with whatever types the first document suggests, and sends documents
//! through whatever pipeline a template names. Both are found out too late, so they are asked for before the first bulk.

use serde::Deserialize;
use serde_json::Value;

use super::{
    answer,
    client::{Client, Question, Response},
    target::Target,
};

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Found {
    /// Whether the server is Elasticsearch: OpenSearch does not know every parameter.
    pub is_elasticsearch: bool,
}

/// What a name is.
#[derive(Debug, Default, Deserialize)]
struct Resolved {
    #[serde(default)]
    indices: Vec<Named>,
    #[serde(default)]
    aliases: Vec<Named>,
    #[serde(default, rename = "data_streams")]
    streams: Vec<Named>,
}

#[derive(Debug, Default, Deserialize)]
struct Named {
    name: String,
    #[serde(default)]
    backing_indices: Backing,
}

/// One name, or several in the order in which they were made.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Backing {
    One(String),
    Several(Vec<String>),
}

/// What our templates say of who manages them.
const OURS: &str = "floodmark";
/// The setting that says which indices the first document may make.
const AUTO_CREATE: &str = "action.auto_create_index";
/// The name that stands for no pipeline.
const NO_PIPELINE: &str = "_none";
const SETUP: &str = "run `floodmark setup elasticsearch`, which installs those of floodmark, or set `allow_foreign_template: true`";

/// Looks at the target of every kind of document. `at` is the time of those that come next, in seconds since 1970.
///
/// # Errors
/// When a server does not answer, or the target is not one for our documents: why, and what helps.
pub(super) async fn look(
    client: &Client,
    target: &Target,
    allow_foreign: bool,
    at: u64,
) -> Result<Found, String> {
    let mut found = Found::default();
    for name in target.samples(at) {
        let response = ask(client, &Question::get(&format!("/_resolve/index/{name}"))).await?;
        found.is_elasticsearch |= response.is_elasticsearch;
        let resolved: Resolved = read(&response).unwrap_or_default();
        if target.is_stream() {
            is_stream(&name, &resolved)?;
        }
        match resolved.written(&name) {
            Some(_) if allow_foreign => {}
            Some(index) => is_made_by_us(client, &name, index).await?,
            None => {
                may_be_created(client, &name).await?;
                if !allow_foreign {
                    will_be_made_by_us(client, &name).await?;
                }
            }
        }
    }
    Ok(found)
}

/// Looks at `index`, into which documents for `name` go, as it is.
async fn is_made_by_us(client: &Client, name: &str, index: &str) -> Result<(), String> {
    let question =
        Question::get(&format!("/{index}?filter_path=*.settings.index.*_pipeline,*.mappings._meta"));
    let Some(made) = read::<Value>(&ask(client, &question).await?) else { return Ok(()) };
    // What has none of these is left out of the answer.
    let made = made.get(index).cloned().unwrap_or_default();
    is_ours(name, "index", &made["settings"], &made["mappings"])
}

/// Looks at what templates would make of `name`. Who may only create documents may not see them.
async fn will_be_made_by_us(client: &Client, name: &str) -> Result<(), String> {
    let question = Question::post(&format!("/_index_template/_simulate_index/{name}"));
    let Some(simulated) = read::<Value>(&ask(client, &question).await?) else { return Ok(()) };
    match simulated.get("template") {
        Some(template) => is_ours(name, "template", &template["settings"], &template["mappings"]),
        None => Err(format!(
            "no template fits `{name}`, so that the first document would decide on its types: {SETUP}"
        )),
    }
}

/// Asks, and refuses answers that say nothing of what was asked.
async fn ask(client: &Client, question: &Question) -> Result<Response, String> {
    let answer = client.ask(question).await?;
    match answer.status {
        401 | 429 | 500..=599 => {
            let said = answer::of_request(answer.status, &answer.body);
            Err(format!("{}: {}", client.url(answer.host), said.advice()))
        }
        _ => Ok(answer),
    }
}

/// The answer, where there is one: what is not there is told by a 404, what we may not see by a 403, and a server that lacks
/// the question answers 400 or 405.
fn read<T: for<'a> Deserialize<'a>>(answer: &Response) -> Option<T> {
    (answer.status == 200).then(|| serde_json::from_slice(&answer.body).ok()).flatten()
}

impl Default for Backing {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

impl Resolved {
    /// The index that documents for `name` go to, where it is there; an alias stands for the one that it is for.
    fn written(&self, name: &str) -> Option<&str> {
        let stream = self.streams.iter().find(|stream| stream.name == name);
        match stream.map(|stream| &stream.backing_indices) {
            Some(Backing::One(index)) => Some(index),
            Some(Backing::Several(indices)) => indices.last().map(String::as_str),
            None => {
                let named = [&self.indices, &self.aliases].into_iter().flatten();
                named.map(|named| &*named.name).find(|named| *named == name)
            }
        }
    }
}

impl Named {
    fn is_among(name: &str, these: &[Self]) -> bool {
        these.iter().any(|these| these.name == name)
    }
}

/// Fails where the cluster's settings forbid that an index of this name is made by the first document.
async fn may_be_created(client: &Client, name: &str) -> Result<(), String> {
    let path = "/_cluster/settings?include_defaults=true&flat_settings=true&filter_path=*.action*";
    let Some(settings) = read::<Value>(&ask(client, &Question::get(path)).await?) else { return Ok(()) };
    let set = ["transient", "persistent", "defaults"].map(|kind| settings[kind][AUTO_CREATE].as_str());
    match set.into_iter().flatten().next() {
        Some(patterns) if !is_allowed(patterns, name) => Err(format!(
            "`{name}` does not exist, and `{AUTO_CREATE}` of the cluster is `{patterns}`, which forbids to create it: create it, or \
             allow `{name}` there"
        )),
        _ => Ok(()),
    }
}

/// Whether a value of [`AUTO_CREATE`] lets `name` be created: the first pattern that fits decides, and where there are
/// patterns and none fits it is not.
fn is_allowed(patterns: &str, name: &str) -> bool {
    match patterns {
        "true" => true,
        "false" => false,
        patterns => {
            let fits = |pattern: &str| glob::Pattern::new(pattern).is_ok_and(|pattern| pattern.matches(name));
            let bare = |pattern: &'_ str| pattern.trim_start_matches(['+', '-']).to_owned();
            let first = patterns.split(',').map(str::trim).find(|pattern| fits(&bare(pattern)));
            first.is_some_and(|pattern| !pattern.starts_with('-'))
        }
    }
}

fn is_stream(name: &str, resolved: &Resolved) -> Result<(), String> {
    let has = |these: &[Named]| Named::is_among(name, these);
    if has(&resolved.streams) || !(has(&resolved.indices) || has(&resolved.aliases)) {
        return Ok(());
    }
    Err(format!(
        "`{name}` is an index or an alias, and not a data stream: delete or rename it, choose another `namespace`, or set \
         `into: daily_indices`"
    ))
}

/// Fails unless `settings` and `mappings` of the `place` of `name` are such as floodmark's templates give.
fn is_ours(name: &str, place: &str, settings: &Value, mappings: &Value) -> Result<(), String> {
    for key in ["default_pipeline", "final_pipeline"] {
        let pipeline = settings["index"][key].as_str();
        if let Some(pipeline) = pipeline.filter(|pipeline| *pipeline != NO_PIPELINE) {
            return Err(format!(
                "the {place} for `{name}` sends documents through the pipeline `{pipeline}` (`index.{key}`), which is not \
                 floodmark's: take it away, choose another `namespace`, or set `allow_foreign_template: true`"
            ));
        }
    }
    match mappings["_meta"]["managed_by"].as_str() {
        Some(OURS) => Ok(()),
        Some(other) => {
            Err(format!("the {place} for `{name}` is managed by `{other}`, and not by floodmark: {SETUP}"))
        }
        None => Err(format!(
            "the {place} for `{name}` is not floodmark's (its mappings have no `_meta.managed_by: floodmark`): {SETUP}"
        )),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_ours_and_has_no_pipeline_will_do() {
        let ours = json!({ "_meta": { "managed_by": "floodmark", "version": 3 } });
        assert_eq!(is_ours("x", "template", &json!({}), &ours), Ok(()));
        let none = json!({ "index": { "default_pipeline": "_none" } });
        assert_eq!(is_ours("x", "template", &none, &ours), Ok(()));
        for (settings, mappings, says) in [
            (json!({ "index": { "default_pipeline": "logs-aws.vpcflow" } }), &ours, "logs-aws.vpcflow"),
            (json!({ "index": { "final_pipeline": "theirs" } }), &ours, "final_pipeline"),
            (json!({}), &json!({ "_meta": { "managed_by": "elastic" } }), "managed by `elastic`"),
            (json!({}), &json!({}), "not floodmark's"),
            (Value::Null, &Value::Null, "not floodmark's"),
        ] {
            let refused = is_ours("x", "template", &settings, mappings).unwrap_err();
            assert!(refused.contains(says) && refused.contains("template for `x`"), "{refused}");
        }
    }

    #[test]
    fn the_first_pattern_that_fits_decides_whether_an_index_may_be_created() {
        let name = "logs-floodmark.flow-default";
        for patterns in ["true", "*", "+logs-*", "-metrics-*,+logs-*", ".*, logs-floodmark.*"] {
            assert!(is_allowed(patterns, name), "{patterns}");
        }
        for patterns in ["false", "-logs-*,*", "metrics-*", "-*", "+metrics-*,-logs-*"] {
            assert!(!is_allowed(patterns, name), "{patterns}");
        }
    }

    #[test]
    fn a_data_stream_may_not_be_an_index_of_its_name() {
        let named = |name: &str| vec![Named { name: name.to_owned(), ..Named::default() }];
        assert_eq!(is_stream("x", &Resolved { streams: named("x"), ..Resolved::default() }), Ok(()));
        assert_eq!(is_stream("x", &Resolved::default()), Ok(()));
        for resolved in [
            Resolved { indices: named("x"), ..Resolved::default() },
            Resolved { aliases: named("x"), ..Resolved::default() },
        ] {
            assert!(is_stream("x", &resolved).is_err());
        }
    }
}
