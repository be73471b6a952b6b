//! One YAML file, read with positions, checked whole, gathered from the rooms' own configs.
//!
//! [`read`] takes the bytes of the file and the type wanted, and gives either the value or every problem of the
//! file at once, each with its key path, line and column. It knows nothing of what is configured: the root type
//! brings its own JSON Schema.

use std::fmt;

use schemars::{JsonSchema, generate::SchemaSettings};
use serde::de::DeserializeOwned;
use serde_json::Value;

mod buffers;
mod choices;
mod clusters;
mod decode;
mod dialects;
mod environment;
mod inside;
mod keys;
mod past;
mod path;
mod problem;
#[cfg(feature = "kafka")]
mod rekey;
mod root;
mod scalar;
mod shared;
mod source;
mod state;
mod suggest;
mod survey;
mod tree;
mod typing;
mod validate;
mod wanted;
mod yaml;

#[cfg(test)]
mod example;
#[cfg(test)]
mod golden;

pub use buffers::BufferPlace;
pub use dialects::Dialects;
pub use past::{EstatesError, Past};
pub use path::{Path, Step};
pub use problem::{Problem, Problems};
#[cfg(feature = "kafka")]
pub use rekey::{RekeyConfig, Rekeyed};
#[cfg(feature = "kafka")]
pub use root::Exactly;
pub use root::{
    Config, DeadLetterConfig, LimitsConfig, QuarantineConfig, ShutdownConfig, SinkConfig, TelemetryConfig,
};
pub use scalar::Scalar;
pub use source::SourceConfig;
pub use state::{Baseline, BaselineNameError, SnapshotsConfig, SnapshotsTo, StateConfig};
pub use tree::{Leaf, Pair, Position, Style, Tree};
pub use yaml::FILE_BYTES_MAX;

use survey::Survey;

/// A config that was read without a problem.
#[derive(Clone)]
pub struct Loaded<T> {
    /// The config itself.
    pub value: T,
    /// What was written, with positions, for checks across keys: see [`Problems::at`].
    pub tree: Tree,
}

impl<T: fmt::Debug> fmt::Debug for Loaded<T> {
    /// Without the tree, which holds secrets as they were written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("value", &self.value).finish_non_exhaustive()
    }
}

/// Reads a config: parses the YAML in `text`, substitutes `${NAME}` by what `env` gives, checks everything against
/// the schema of `T`, and builds a `T`.
///
/// `file` is only the name that the problems print. `env` gives the value of an environment variable, or nothing
/// when it is not set.
///
/// # Errors
/// Every problem found, sorted by position. Where the text is not YAML, what comes after the fault is not looked at.
pub fn read<T: DeserializeOwned + JsonSchema>(
    file: &str,
    text: &[u8],
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Loaded<T>, Problems> {
    let schema = schema::<T>();
    let mut survey = Survey::new(file);
    let Some(mut tree) = yaml::parse(text, &mut survey) else {
        if survey.problems.is_empty() {
            survey.note(
                &Path::root(),
                Position::START,
                "the file is empty",
                wanted::remedy_for_empty(&schema),
            );
        }
        return Err(survey.problems);
    };
    environment::substitute(&mut tree, env, &mut survey);
    keys::check(&mut tree, &mut survey);
    typing::resolve(&mut tree, &schema);
    validate::check(&tree, &schema, &mut survey);
    match decode::decode(&tree, &mut survey) {
        Some(value) if survey.problems.is_empty() => Ok(Loaded { value, tree }),
        _ => Err(survey.problems),
    }
}

/// The JSON Schema (draft 2020-12) of a config type, as it stands in `schemas/config.schema.json` when printed with
/// [`serde_json::to_string_pretty`]. The same type always gives the same text.
#[must_use]
pub fn schema<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use proptest::prelude::*;

    use super::{
        example::{Config, FormatConfig, Select},
        *,
    };
    use crate::quantity::{ByteSize, Duration};

    const GOOD: &str = include_str!("../tests/configs/good.yaml");

    /// The names of AWS flow log fields, versions 2 to 11, as AWS writes them in a custom format.
    const AWS_FIELDS: &str = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets \
        bytes start end action log-status vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region \
        az-id sublocation-type sublocation-id pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path \
        ecs-cluster-arn ecs-cluster-name ecs-container-instance-arn ecs-container-instance-id ecs-container-id \
        ecs-second-container-id ecs-service-name ecs-task-definition-arn ecs-task-arn ecs-task-id reject-reason \
        resource-id encryption-status instance-tag instance-tag-2 interface-tag interface-tag-2 asg-tag asg-tag-2 \
        interface-type next-hop-interface-id next-hop-subnet-id next-hop-az-id next-hop-vpc-id next-hop-interface-type";

    fn load(text: &str, env: &[(&str, &str)]) -> Result<Loaded<Config>, Problems> {
        let find =
            |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        read("test.yaml", text.as_bytes(), &find)
    }

    fn with(extra: &str) -> String {
        format!(
            "sources: {{ a: {{ from: {{ stdin: {{}} }} }} }}\nsinks: {{ b: {{ to: {{ discard: {{}} }} }} }}\n{extra}\n"
        )
    }

    #[test]
    fn a_whole_config_is_read_with_every_value_in_its_place() {
        let loaded = load(GOOD, &[("THREADS", "4"), ("PASSWORD", "0123")]).unwrap_or_else(|p| panic!("{p}"));
        let config = loaded.value;
        assert_eq!(config.sources.len(), 2);
        assert_eq!(config.limits.threads, Some(4));
        assert_eq!(config.limits.memory, ByteSize::mebibytes(512));
        assert_eq!(
            config.limits.queue_bytes,
            ByteSize::bytes(1024),
            "a number where text is wanted is its text"
        );
        assert_eq!(config.score.half_life, Duration::seconds(14 * 86_400));
        assert_eq!(config.sinks["alerts"].select, Select::Score(70));
        let tags: Vec<&str> = config.enrich.tags.values().map(String::as_str).collect();
        assert_eq!(tags, ["prod", "0042"], "the zeros stay");
        assert_eq!(config.enrich.ports[&8443], "https-alt");
        assert_eq!(config.sinks["siem"].password.as_ref().unwrap().reveal().unwrap().as_str(), "0123");
    }

    #[test]
    fn a_format_string_with_all_the_aws_field_names_needs_no_escape() {
        let names: Vec<String> = AWS_FIELDS.split_whitespace().map(|name| format!("${{{name}}}")).collect();
        assert_eq!(names.len(), 54);
        let fields = names.join(" ");
        for written in [format!("\"{fields}\""), format!("'{fields}'")] {
            let text = format!(
                "sources: {{ a: {{ from: {{ stdin: {{}} }}, format: {{ vpc_flow: {{ fields: {written} }} }} }} }}\n\
                 sinks: {{ b: {{ to: {{ discard: {{}} }} }} }}\n"
            );
            let config = load(&text, &[]).unwrap_or_else(|p| panic!("{p}")).value;
            let FormatConfig::VpcFlow(format) = &config.sources["a"].format else { panic!("another format") };
            assert_eq!(format.fields, fields);
        }
    }

    #[test]
    fn a_plain_scalar_is_typed_after_substitution_and_a_quoted_one_stays_text() {
        let plain = with("limits: { memory: 1MiB }\nscore: { threshold: 1 }");
        assert!(load(&plain, &[]).is_ok());
        let config = load(&with("limits:\n  threads: ${N:-2}"), &[]).unwrap_or_else(|p| panic!("{p}")).value;
        assert_eq!(config.limits.threads, Some(2));
        let quoted = load(&with("limits:\n  threads: \"${N:-2}\""), &[]).unwrap_err();
        assert!(quoted.to_string().contains("expected a whole number"), "{quoted}");
    }

    #[test]
    fn a_value_from_the_environment_is_never_printed() {
        let problems =
            load(&with("limits:\n  threads: ${TOKEN}\n  grace: ${TOKEN}"), &[("TOKEN", "hunter2")]);
        let text = problems.unwrap_err().to_string();
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("${TOKEN}"), "{text}");
    }

    #[test]
    fn a_block_is_text_in_which_nothing_is_substituted_and_a_tag_makes_text_of_a_number() {
        let text = with("limits: { threads: !!str 2 }");
        assert!(load(&text, &[]).unwrap_err().to_string().contains("found the text `2`"));
        let text = with("enrich:\n  tags:\n    a: |-\n      ${A}\n    b: >-\n      ${A}\n    c: ${A}");
        let tags = load(&text, &[("A", "set")]).unwrap_or_else(|p| panic!("{p}")).value.enrich.tags;
        assert_eq!(tags.values().collect::<Vec<_>>(), ["${A}", "${A}", "set"]);
    }

    #[test]
    fn a_value_of_digits_from_the_environment_is_text_where_text_is_wanted() {
        for value in ["0123", "1e3", "true", "null", "~", ""] {
            let text = with("enrich:\n  tags:\n    a: ${A}");
            let tags = load(&text, &[("A", value)]).unwrap_or_else(|p| panic!("{p}")).value.enrich.tags;
            assert_eq!(tags.values().collect::<Vec<_>>(), [value]);
        }
        let none = load(&with("limits:\n  threads: ${A}"), &[("A", "")]).unwrap_or_else(|p| panic!("{p}"));
        assert_eq!(none.value.limits.threads, None, "nothing, where nothing will do");
        let optional = with("").replace(
            "sinks: { b: { to: { discard: {} } } }",
            "sinks:\n  b:\n    to: { discard: {} }\n    password: ${A}",
        );
        let none = load(&optional, &[("A", "")]).unwrap_or_else(|p| panic!("{p}"));
        assert!(none.value.sinks["b"].password.is_none(), "also where text will do");
        let some = load(&optional, &[("A", "null")]).unwrap_or_else(|p| panic!("{p}"));
        assert_eq!(some.value.sinks["b"].password.as_ref().unwrap().reveal().unwrap().as_str(), "null");
        assert!(load(&with("enrich:\n  tags:\n    a: ~"), &[]).is_err());
    }

    #[test]
    fn a_secret_in_a_file_is_written_as_a_map() {
        let text = with("").replace("discard: {} }", "discard: {} }, password: { file: /nowhere/at/all }");
        let config = load(&text, &[]).unwrap_or_else(|p| panic!("{p}")).value;
        let error = config.sinks["b"].password.as_ref().unwrap().reveal().unwrap_err();
        assert!(error.to_string().starts_with("could not read the secret in /nowhere/at/all: "), "{error}");
    }

    #[test]
    fn a_byte_order_mark_takes_no_column() {
        assert_eq!(
            load("\u{feff}x: 1\n", &[]).unwrap_err().iter().find(|p| p.path == "x").unwrap().column,
            1
        );
    }

    #[test]
    fn of_very_many_faults_a_thousand_are_told() {
        let many: String = (0..3_000).map(|number| format!("  k{number}: {{ from: x }}\n")).collect();
        assert_eq!(load(&format!("sources:\n{many}"), &[]).unwrap_err().len(), 1_000);
        let many: String = (0..3_000).map(|number| format!("k{number}: 1\n")).collect();
        assert_eq!(load(&with(&many), &[]).unwrap_err().len(), 1_000);
    }

    #[test]
    fn a_secret_of_the_file_is_in_no_debug_output() {
        let text = GOOD.replace("${PASSWORD}", "hunter2");
        let loaded = load(&text, &[]).unwrap_or_else(|p| panic!("{p}"));
        assert_eq!(
            loaded.value.sinks["siem"].password.as_ref().unwrap().reveal().unwrap().as_str(),
            "hunter2"
        );
        assert!(!format!("{loaded:?} {:?}", loaded.tree).contains("hunter2"));
    }

    #[test]
    fn a_check_across_keys_points_at_what_was_written() {
        let loaded = load(GOOD, &[("THREADS", "4"), ("PASSWORD", "x")]).unwrap_or_else(|p| panic!("{p}"));
        let mut problems = Problems::new("good.yaml");
        problems.at(&loaded.tree, "sources.flows.from.file.paths[1]", "matches nothing", None);
        problems.at(&loaded.tree, "sinks.nowhere.to", "is not there", None);
        let text = problems.to_string();
        assert!(text.contains("good.yaml:4:44: sources.flows.from.file.paths[1]: matches nothing"), "{text}");
        assert!(text.contains("sinks.nowhere.to: is not there"), "{text}");
    }

    #[test]
    fn the_schema_of_a_type_is_the_same_each_time_and_names_its_draft() {
        let first = serde_json::to_string_pretty(&schema::<Config>()).unwrap();
        assert_eq!(first, serde_json::to_string_pretty(&schema::<Config>()).unwrap());
        assert!(first.contains("https://json-schema.org/draft/2020-12/schema"));
    }

    #[test]
    fn aliases_are_followed_but_cannot_grow_without_bound() {
        let text = with("brokers: &b [one, two]\nmore: *b");
        let problems = load(&text, &[]).unwrap_err().to_string();
        assert!(problems.contains("more: unknown key"), "{problems}");
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..40 {
            let previous = format!("*a{}, ", level - 1).repeat(10);
            bomb.push_str(&format!("a{level}: &a{level} [{}]\n", previous.trim_end_matches(", ")));
        }
        let problems = load(&bomb, &[]).unwrap_err().to_string();
        assert!(problems.contains("the aliases up to here stand for more than"), "{problems}");
        let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(500_000), "*a, ".repeat(100_000));
        let problems = load(&long, &[]).unwrap_err().to_string();
        assert!(problems.contains("the aliases up to here stand for more than"), "{problems}");
    }

    #[test]
    fn a_file_too_large_or_too_deep_is_refused() {
        let large = "#".repeat(FILE_BYTES_MAX + 1);
        assert!(load(&large, &[]).unwrap_err().to_string().contains("larger than"));
        for deep in ["[".repeat(5_000), "- ".repeat(5_000), "{a: ".repeat(100) + &"}".repeat(100)] {
            assert!(
                load(&deep, &[]).unwrap_err().to_string().contains("deep"),
                "{}",
                load(&deep, &[]).unwrap_err()
            );
        }
        let mut chain = String::from("a0: &a0 [x]\n");
        for level in 1..2_000 {
            chain.push_str(&format!("a{level}: &a{level} [*a{}]\n", level - 1));
        }
        assert!(load(&chain, &[]).unwrap_err().to_string().contains("deep"));
    }

    /// Pieces that a config, or a broken one, is made of.
    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "sources",
            "sinks",
            "from",
            "to",
            "file",
            "stdin",
            "paths",
            "limits",
            "threads",
            ": ",
            ":",
            "\n",
            "\n  ",
            "\n    ",
            "- ",
            "[",
            "]",
            "{",
            "}",
            "&a ",
            "*a",
            "!!str ",
            "\"",
            "'",
            "|",
            ">",
            "#",
            "---\n",
            "...\n",
            "<<",
            "${A}",
            "${B:-2}",
            "$${",
            "${",
            "\t",
            "\r\n",
            "? ",
            ", ",
            "~",
            "null",
            "1",
            "-1",
            "1e999",
            ".inf",
            "0x1F",
            "\u{feff}",
            "é",
            "\0",
            "%YAML 1.2\n",
            "true",
        ]);
        prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

        #[test]
        fn arbitrary_text_is_read_or_refused_but_never_panics(text in prop_oneof![any::<String>(), pieces()]) {
            let env = |name: &str| (name == "A").then(|| "a".to_owned());
            if let Err(problems) = read::<Config>("any.yaml", text.as_bytes(), &env) {
                prop_assert!(!problems.is_empty());
                let mut places = problems.iter().map(|problem| (problem.line, problem.column));
                prop_assert!(places.clone().all(|(line, column)| line > 0 && column > 0));
                prop_assert!(places.clone().zip(places.by_ref().skip(1)).all(|(one, next)| one <= next));
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = read::<Config>("any.yaml", &bytes, &|_| None);
        }
    }
}
