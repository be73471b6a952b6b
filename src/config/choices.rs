//! What sinks choose to let leave: the conditions of `where`, checked with the place of a fault inside them.

use std::collections::BTreeMap;

use super::{Path, Problems, SinkConfig, Tree, suggest};
use crate::{
    filter::{self, Filter, FilterError},
    normalize::Select,
};

/// Notes what is wrong with what `sinks` choose, where at most `sessions_max` sessions are stitched at a time.
pub(super) fn check(
    sinks: &BTreeMap<String, SinkConfig>,
    sessions_max: u32,
    tree: &Tree,
    problems: &mut Problems,
) {
    for (name, sink) in sinks {
        check_sample(name, sink, tree, problems);
        if sink.select.has_sessions() && sessions_max == 0 {
            let text = "there are no sessions: `score.sessions_max` is 0";
            let remedy = "raise it, or select `all`".to_owned();
            problems.at(tree, &format!("sinks.{name}.select"), text, remedy);
        }
        let Some(Err(FilterError { at, fault })) = sink.filter.as_deref().map(str::parse::<Filter>) else {
            continue;
        };
        let path = Path::root().key("sinks").key(name).key("where");
        let remedy = fault.remedy().or_else(|| Some(named(fault.unknown_field()?)));
        problems.inside(tree, &path, at, fault.to_string(), remedy);
    }
}

/// A sample of what does not leave anyway is somebody's slip.
fn check_sample(name: &str, sink: &SinkConfig, tree: &Tree, problems: &mut Problems) {
    let Some(sample) = &sink.sample else { return };
    let text = match sink.select {
        Select::Findings => "no event leaves here that could be sampled: `select` is `findings`".to_owned(),
        Select::Score(least) if least >= sample.below => {
            format!(
                "no event that scores below {} leaves here: `select` is `{{ score: {least} }}`",
                sample.below
            )
        }
        _ => return,
    };
    let remedy = "leave `sample` out, or select more".to_owned();
    problems.at(tree, &format!("sinks.{name}.sample"), text, remedy);
}

/// What to write instead of a field that there is not.
fn named(field: &str) -> String {
    let names = filter::names();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    suggest::meant(field, &names).unwrap_or_else(|| {
        "fields have the names that `floodmark schema fields` prints, or AWS's own: `source.ip`, `srcaddr`".to_owned()
    })
}
