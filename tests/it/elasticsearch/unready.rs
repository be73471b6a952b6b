//! Targets that are not as they should be: `check --online` names them, and a run waits until they are.

use serde_json::json;

use super::{
    assert_same, config, minimal,
    proxy::{Act, Proxy},
    stream, with_rest,
};
use crate::{
    flows,
    process::{Ended, Folder, free_port, page},
    servers::{Product, Server, namespace},
};

/// What `check --online` says of this config.
fn checked(folder: &Folder, url: &str, namespace: &str, more: &str) -> Ended {
    folder.write("in.log", flows::estate(3));
    folder.write("c.yaml", config(url, namespace, more));
    folder.run(&["check", "--online", "-c", "c.yaml"])
}

/// A config that follows the file, so that it runs on while it cannot deliver.
fn following(server: &Server, namespace: &str, port: u16) -> String {
    let rest = format!("state: {{ directory: state }}\ntelemetry: {{ listen: \"127.0.0.1:{port}\" }}\n");
    with_rest(server.url(), namespace, "", "file: { paths: [in.log], follow: true }", &rest)
}

/// A template of somebody else's for the flows of one namespace.
fn foreign(server: &Server, namespace: &str, settings: serde_json::Value, managed_by: &str) {
    let template = json!({
        "index_patterns": [stream("flow", namespace)], "priority": 500, "data_stream": {},
        "template": { "settings": settings, "mappings": { "_meta": { "managed_by": managed_by } } }
    });
    server.must("PUT", &format!("/_index_template/foreign-{namespace}"), Some(&template));
}

#[test]
fn a_target_whose_template_or_pipeline_is_somebody_elses_is_refused_by_the_check() {
    let name = "a_target_whose_template_or_pipeline_is_somebody_elses_is_refused_by_the_check";
    for server in minimal::all(name) {
        let folder = Folder::new();
        checked(&folder, server.url(), &namespace(), "").assert_code(0);
        for (settings, managed_by, says) in [
            (json!({}), "somebody", "managed by `somebody`"),
            (json!({ "index.default_pipeline": "logs-aws.vpcflow-1" }), "floodmark", "logs-aws.vpcflow-1"),
            (json!({ "index.final_pipeline": "last" }), "floodmark", "final_pipeline"),
        ] {
            let namespace = namespace();
            foreign(&server, &namespace, settings, managed_by);
            let ended = checked(&folder, server.url(), &namespace, "");
            ended.assert_code(69);
            ended.assert_told("sink siem: ");
            ended.assert_told(says);
            ended.assert_told("allow_foreign_template");
            checked(&folder, server.url(), &namespace, ", allow_foreign_template: true").assert_code(0);
        }
        let index = namespace();
        let ended = {
            // What was made before the templates were.
            server.must(
                "PUT",
                "/_index_template/old",
                Some(&json!({ "index_patterns": [stream("flow", &index)], "priority": 900 })),
            );
            server.must("PUT", &format!("/{}", stream("flow", &index)), None);
            server.must("DELETE", "/_index_template/old", None);
            checked(&folder, server.url(), &index, "")
        };
        ended.assert_code(69);
        ended.assert_told("is an index or an alias, and not a data stream");
    }
}

#[test]
fn a_run_writes_nothing_where_the_target_is_somebody_elses_and_goes_on_when_that_is_mended() {
    let name = "a_run_writes_nothing_where_the_target_is_somebody_elses_and_goes_on_when_that_is_mended";
    let Some(server) = minimal::shared(name, Product::OpenSearch3) else { return };
    let (folder, namespace, port) = (Folder::new(), namespace(), free_port());
    foreign(&server, &namespace, json!({}), "somebody");
    folder.write("in.log", flows::estate(3));
    folder.write("c.yaml", following(&server, &namespace, port));
    let mut process = folder.start(&mut folder.command(&["run", "-q", "-c", "c.yaml"]));
    let told = process.until("unreadiness", || page(port, "/ready").filter(|page| page.status == 503)).text;
    assert!(told.contains("managed by `somebody`"), "{told}");
    assert_eq!(server.ask("HEAD", &format!("/{}", stream("flow", &namespace)), None).0, 404);
    server.must("DELETE", &format!("/_index_template/foreign-{namespace}"), None);
    process.until("every document", || {
        (server.count(&stream("flow", &namespace)) >= 3 * flows::HOSTS).then_some(())
    });
    process.stop().assert_code(0);
    assert_same(&server, &namespace, &folder);
}

#[test]
fn without_a_template_nothing_is_created_by_chance() {
    let name = "without_a_template_nothing_is_created_by_chance";
    let folder = Folder::new();
    for product in [Product::OpenSearch2, Product::Elasticsearch9] {
        let server_folder = Folder::new();
        let Some(server) = minimal::own(name, product, &server_folder, &[]) else { continue };
        for template in ["floodmark-streams", "floodmark-indices"] {
            server.must("DELETE", &format!("/_index_template/{template}"), None);
        }
        for into in ["", ", into: daily_indices"] {
            let ended = checked(&folder, server.url(), "none", into);
            ended.assert_code(69);
            ended.assert_told("no template fits");
            ended.assert_told("floodmark setup elasticsearch");
        }
    }
}

#[test]
fn a_cluster_in_which_no_index_can_be_created_is_told_and_waited_for() {
    let name = "a_cluster_in_which_no_index_can_be_created_is_told_and_waited_for";
    let server_folder = Folder::new();
    let settings = ["action.auto_create_index=false"];
    let Some(server) = minimal::own(name, Product::OpenSearch2, &server_folder, &settings) else { return };
    let (folder, namespace, port) = (Folder::new(), namespace(), free_port());
    folder.write("in.log", flows::estate(3));
    folder.write("c.yaml", following(&server, &namespace, port));
    let ended = folder.run(&["check", "--online", "-c", "c.yaml"]);
    ended.assert_code(69);
    ended.assert_told("action.auto_create_index");
    let mut process = folder.start(&mut folder.command(&["run", "-q", "-c", "c.yaml"]));
    let told = process.until("unreadiness", || page(port, "/ready").filter(|page| page.status == 503)).text;
    assert!(told.contains("sink siem"), "{told}");
    let allowed = json!({ "persistent": { "action.auto_create_index": "true" } });
    server.must("PUT", "/_cluster/settings", Some(&allowed));
    process.until("every document", || {
        (server.count(&stream("flow", &namespace)) >= 3 * flows::HOSTS).then_some(())
    });
    process.stop().assert_code(0);
    assert_same(&server, &namespace, &folder);
    assert_eq!(folder.len("dead.ndjson"), 0);
}

#[test]
fn a_url_where_nobody_or_somebody_else_answers_and_a_wrong_key_are_told_with_what_helps() {
    let name = "a_url_where_nobody_or_somebody_else_answers_and_a_wrong_key_are_told_with_what_helps";
    let Some(server) = minimal::shared(name, Product::Elasticsearch8) else { return };
    let folder = Folder::new();
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let ended = checked(&folder, &nobody, "none", "");
    ended.assert_code(69);
    ended.assert_told(&nobody);
    ended.assert_told("see that `urls` are up");
    let page = Proxy::new(server.address(), |_, _| {
        Act::Answer(200, "content-type: text/html\r\n", "<html>".to_owned())
    });
    let ended = checked(&folder, &page.url(), "none", "");
    ended.assert_code(69);
    ended.assert_told("not as Elasticsearch or OpenSearch does");
    let said = r#"{"error":{"type":"security_exception","reason":"unable to authenticate with provided credentials"},"status":401}"#;
    let guarded = Proxy::new(server.address(), move |_, _| {
        Act::Answer(401, "content-type: application/json\r\n", said.to_owned())
    });
    let ended = checked(&folder, &guarded.url(), "none", ", auth: { api_key: wrong }");
    ended.assert_code(69);
    ended.assert_told("see `auth`");
    assert!(!ended.err.contains("wrong"), "{}", ended.err);
}
