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

/// What a template makes of a name.
#[derive(Debug, Default, Deserialize)]
struct Simulated {
    #[serde(default)]
    template: Option<Template>,
}

#[derive(Debug, Default, Deserialize)]
struct Template {
    #[serde(default)]
    settings: Value,
    #[serde(default)]
    mappings: Value,
}

/// What a name is.
#[derive(Debug, Default, Deserialize)]
struct Resolved {
    #[serde(default)]
    indices: Vec<Named>,
    #[serde(default)]
    aliases: Vec<Named>,
    #[serde(default)]
    data_streams: Vec<Named>,
}

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
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
        let answer = ask(client, &Question::get(&format!("/_resolve/index/{name}"))).await?;
        found.is_elasticsearch |= answer.is_elasticsearch;
        let resolved: Option<Resolved> = read(&answer);
        match &resolved {
            Some(resolved) if target.is_stream() => is_stream(&name, resolved)?,
            _ => {}
        }
        if !resolved.is_some_and(|resolved| resolved.knows(&name)) {
            may_be_created(client, &name).await?;
        }
        if allow_foreign {
            continue;
        }
        let settings = Question::get(&format!("/{name}/_settings/index.*_pipeline?flat_settings=true"));
        if let Some(indices) = read::<Value>(&ask(client, &settings).await?) {
            indices
                .as_object()
                .into_iter()
                .flatten()
                .try_for_each(|(index, held)| no_pipeline(index, &held["settings"]))?;
        }
        let simulated =
            ask(client, &Question::post(&format!("/_index_template/_simulate_index/{name}"))).await?;
        // Who may only create documents may not see templates.
        if let Some(simulated) = read::<Simulated>(&simulated) {
            is_ours(&name, simulated.template)?;
        }
    }
    Ok(found)
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

impl Resolved {
    fn knows(&self, name: &str) -> bool {
        [&self.indices, &self.aliases, &self.data_streams]
            .into_iter()
            .any(|these| Named::is_among(name, these))
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
    if has(&resolved.data_streams) || !(has(&resolved.indices) || has(&resolved.aliases)) {
        return Ok(());
    }
    Err(format!(
        "`{name}` is an index or an alias, and not a data stream: delete or rename it, choose another `namespace`, or set \
         `into: daily_indices`"
    ))
}

/// Fails where the settings of `place` name a pipeline.
fn no_pipeline(place: &str, settings: &Value) -> Result<(), String> {
    for key in ["default_pipeline", "final_pipeline"] {
        let flat = &settings[format!("index.{key}")];
        let pipeline = flat.as_str().or_else(|| settings["index"][key].as_str());
        if let Some(pipeline) = pipeline.filter(|pipeline| *pipeline != NO_PIPELINE) {
            return Err(format!(
                "`{place}` sends documents through the pipeline `{pipeline}` (`index.{key}`), which is not floodmark's: take it \
                 away, choose another `namespace`, or set `allow_foreign_template: true`"
            ));
        }
    }
    Ok(())
}

fn is_ours(name: &str, template: Option<Template>) -> Result<(), String> {
    let Some(template) = template else {
        return Err(format!(
            "no template fits `{name}`, so that the first document would decide on its types: {SETUP}"
        ));
    };
    no_pipeline(name, &template.settings)?;
    match template.mappings["_meta"]["managed_by"].as_str() {
        Some(OURS) => Ok(()),
        Some(other) => Err(format!(
            "the template that fits `{name}` is managed by `{other}`, and not by floodmark: {SETUP}"
        )),
        None => Err(format!(
            "the template that fits `{name}` is not floodmark's (its mappings have no `_meta.managed_by: floodmark`): {SETUP}"
        )),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn template(settings: Value, mappings: Value) -> Option<Template> {
        Some(Template { settings, mappings })
    }

    #[test]
    fn only_a_template_of_ours_without_a_pipeline_will_do() {
        let ours = json!({ "_meta": { "managed_by": "floodmark", "version": 3 } });
        assert_eq!(is_ours("x", template(json!({}), ours.clone())), Ok(()));
        let none = json!({ "index": { "default_pipeline": "_none" } });
        assert_eq!(is_ours("x", template(none, ours.clone())), Ok(()));
        for (settings, mappings, says) in [
            (
                json!({ "index": { "default_pipeline": "logs-aws.vpcflow" } }),
                ours.clone(),
                "logs-aws.vpcflow",
            ),
            (json!({ "index.final_pipeline": "theirs" }), ours, "final_pipeline"),
            (json!({}), json!({ "_meta": { "managed_by": "elastic" } }), "managed by `elastic`"),
            (json!({}), json!({}), "not floodmark's"),
        ] {
            let refused = is_ours("x", template(settings, mappings)).unwrap_err();
            assert!(refused.contains(says), "{refused}");
        }
        assert!(is_ours("x", None).unwrap_err().contains("no template fits `x`"));
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
        let named = |name: &str| vec![Named { name: name.to_owned() }];
        assert_eq!(is_stream("x", &Resolved { data_streams: named("x"), ..Resolved::default() }), Ok(()));
        assert_eq!(is_stream("x", &Resolved::default()), Ok(()));
        for resolved in [
            Resolved { indices: named("x"), ..Resolved::default() },
            Resolved { aliases: named("x"), ..Resolved::default() },
        ] {
            assert!(is_stream("x", &resolved).is_err());
        }
    }
}
