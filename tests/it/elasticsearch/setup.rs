//! `floodmark setup elasticsearch`: what documents need is put on a cluster once, and again when it has changed.
//!
//! The tests' Elasticsearch lacks modules that a real one has (ILM, `match_only_text`), so there the requests are looked at;
//! a real OpenSearch takes them, but for the policies of ISM, which is a plugin.

use serde_json::{Value, json};

use super::{
    assert_same, config,
    proxy::{Act, Proxy},
    stream,
};
use crate::{
    flows,
    process::{Ended, Folder},
    servers::{Product, Server, namespace},
};

fn set_up(folder: &Folder, more: &[&str]) -> Ended {
    folder.run(&[&["setup", "elasticsearch", "-c", "c.yaml"], more].concat())
}

/// The lines that tell of templates, each with what became of one.
fn told(ended: &Ended, word: &str) -> usize {
    ended.err.lines().filter(|line| line.contains("_template/") && line.ends_with(word)).count()
}

#[test]
fn opensearch_has_everything_after_it_was_set_up_and_nothing_is_done_twice() {
    let name = "opensearch_has_everything_after_it_was_set_up_and_nothing_is_done_twice";
    for product in [Product::OpenSearch2, Product::OpenSearch3] {
        let (folder, server_folder, namespace) = (Folder::new(), Folder::new(), namespace());
        let Some(server) = Server::own(name, product, &server_folder, &[]) else { continue };
        folder.write("in.log", flows::estate(super::WINDOWS));
        folder.write("c.yaml", config(server.url(), &namespace, ""));
        folder.run(&["check", "--online", "-c", "c.yaml"]).assert_code(69);

        let ended = set_up(&folder, &["--dry-run"]);
        ended.assert_code(0);
        assert_eq!(told(&ended, "would be created"), 12, "{}", ended.err);
        folder.run(&["check", "--online", "-c", "c.yaml"]).assert_code(69);
        let ended = set_up(&folder, &[]);
        ended.assert_code(0);
        assert_eq!(told(&ended, ": created"), 12, "{}", ended.err);
        ended.assert_told("no index lifecycle management");
        let ended = set_up(&folder, &[]);
        assert_eq!(told(&ended, ": kept"), 12, "{}", ended.err);

        folder.run(&["check", "--online", "-c", "c.yaml"]).assert_code(0);
        folder.run(&["run", "-q", "-c", "c.yaml"]).assert_code(0);
        assert_same(&server, &namespace, &folder);
        assert_eq!(folder.len("dead.ndjson"), 0);
        let mapping =
            server.must("GET", &format!("/{}/_mapping/field/source.ip", stream("flow", &namespace)), None);
        assert!(mapping.to_string().contains(r#""type":"ip""#), "{mapping}");

        // As if an earlier version had been there.
        let path = "/_index_template/logs-floodmark.flow";
        let mut template = server.must("GET", path, None)["index_templates"][0]["index_template"].clone();
        template["_meta"]["content"] = json!("older");
        server.must("PUT", path, Some(&template));
        let ended = set_up(&folder, &[]);
        assert_eq!((told(&ended, ": replaced"), told(&ended, ": kept")), (1, 11), "{}", ended.err);
        ended.assert_told("`--rollover`");
        server.must("PUT", path, Some(&template));
        set_up(&folder, &["--rollover"]).assert_told("rolled over: ");
        let resolved = server.must("GET", &format!("/_resolve/index/{}", stream("flow", &namespace)), None);
        let backing = resolved["data_streams"][0]["backing_indices"].as_array().unwrap().len();
        assert_eq!(backing, 2, "{resolved}");
        folder.run(&["check", "--online", "-c", "c.yaml"]).assert_code(0);
    }
}

#[test]
fn a_template_of_one_of_our_names_that_is_somebody_elses_is_left_as_it_is() {
    let name = "a_template_of_one_of_our_names_that_is_somebody_elses_is_left_as_it_is";
    let (folder, server_folder) = (Folder::new(), Folder::new());
    let Some(server) = Server::own(name, Product::OpenSearch3, &server_folder, &[]) else { return };
    folder.write("c.yaml", config(server.url(), "none", ""));
    let theirs = json!({ "template": { "settings": { "index": { "number_of_shards": "7" } } } });
    server.must("PUT", "/_component_template/floodmark-ecs", Some(&theirs));
    let ended = set_up(&folder, &[]);
    ended.assert_code(69);
    ended.assert_told("sink siem: _component_template/floodmark-ecs is there already and is not floodmark's");
    let there = server.must("GET", "/_component_template/floodmark-ecs", None);
    assert!(there.to_string().contains(r#""number_of_shards":"7""#), "{there}");
}

#[test]
fn elasticsearch_is_sent_what_the_schemas_say_in_their_order() {
    let folder = Folder::new();
    let proxy = Proxy::new("127.0.0.1:1", |request, _| {
        let head = "x-elastic-product: Elasticsearch\r\ncontent-type: application/json\r\n";
        match request.line.split(' ').collect::<Vec<_>>()[..] {
            ["GET", "/", _] => Act::Answer(200, head, r#"{"version":{"number":"9.1.0"}}"#.to_owned()),
            ["GET", ..] => Act::Answer(404, head, "{}".to_owned()),
            _ => Act::Answer(200, head, r#"{"acknowledged":true}"#.to_owned()),
        }
    });
    folder.write("c.yaml", config(&proxy.url(), "none", ", auth: { api_key: key }"));
    set_up(&folder, &[]).assert_code(0);
    let put: Vec<(String, Value)> = proxy
        .seen()
        .into_iter()
        .filter_map(|request| {
            let path = request.line.strip_prefix("PUT /")?.split(' ').next()?.to_owned();
            assert_eq!(request.header("content-type"), Some("application/json"));
            Some((path, serde_json::from_slice(&request.body).unwrap()))
        })
        .collect();
    let (_, printed) = folder.printed(&["schema", "elasticsearch"]);
    let listed: Vec<Value> = serde_json::from_str(&printed).unwrap();
    let listed: Vec<(String, Value)> =
        listed.iter().map(|one| (one["path"].as_str().unwrap().to_owned(), one["body"].clone())).collect();
    assert!(put == listed, "{:?}", put.iter().map(|(path, _)| path).collect::<Vec<_>>());
    assert!(put.iter().any(|(path, _)| path.starts_with("_ilm/policy/")));
}

#[test]
fn a_config_without_such_a_sink_and_a_cluster_that_is_not_there_are_told() {
    let folder = Folder::new();
    folder
        .write("c.yaml", "sources: { a: { from: { stdin: {} } } }\nsinks: { out: { to: { stdout: {} } } }\n");
    let ended = set_up(&folder, &[]);
    ended.assert_code(78);
    ended.assert_told("there is no `elasticsearch` sink");
    let url = format!("http://127.0.0.1:{}", crate::process::free_port());
    folder.write("c.yaml", config(&url, "none", ""));
    let ended = set_up(&folder, &["--sink", "siem"]);
    ended.assert_code(69);
    ended.assert_told("sink siem: ");
    ended.assert_told("see that `urls` are up");
    set_up(&folder, &["--sink", "other"]).assert_told("there is no `elasticsearch` sink called `other`");
}
