//! A million events, counted and looked for by their ids.

use std::fmt::Write;

use floodmark::event::{IdScheme, Origin};

use super::{config, minimal, until_all};
use crate::{
    flows,
    process::Folder,
    servers::{Product, namespace},
};

const EVENTS: u64 = 1_000_000;

#[test]
fn a_million_generated_events_are_in_the_index_each_under_its_id() {
    let name = "a_million_generated_events_are_in_the_index_each_under_its_id";
    let Some(server) = minimal::shared(name, Product::OpenSearch3) else { return };
    let (folder, namespace) = (Folder::new(), namespace());
    let mut text = String::new();
    for number in 0..EVENTS {
        let (host, window) = (number % 240, number / 240);
        let line = flows::line(host, "198.51.100.7", 20_000 + number, flows::START + window * 20);
        writeln!(text, "{line}").unwrap();
    }
    folder.write("in.log", &text);
    // What a SIEM needs of each: a million whole ones would take a small server ten minutes.
    let text_of = config(server.url(), &namespace, "").replace("file: { path: copy.ndjson }", "discard: {}");
    let text_of = text_of.replace("  siem:\n", "  siem:\n    fields: slim\n");
    folder.write("c.yaml", text_of + "shutdown: { grace: 2m }\n");
    let (told, _) = folder.printed(&["parse", "in.log"]);
    let origin = told.err.lines().find(|line| line.starts_with("file:")).unwrap();
    let scheme = IdScheme::of(&Origin::from_text(&origin[..origin.find(": ").unwrap()]));
    let stream = super::stream("flow", &namespace);
    let mut process = folder.start(&mut folder.command(&["run", "-q", "-c", "c.yaml"]));
    until_all(&server, &stream, EVENTS, &mut process);
    process.wait().assert_code(0);

    let mut ids = server.ids(&stream);
    assert_eq!(ids.len() as u64, EVENTS);
    let mut offset = 0;
    for line in text.lines() {
        let id = scheme.event(offset, 0, line.as_bytes()).to_string();
        assert_eq!(ids.remove(&id), Some(1), "{line}");
        offset += line.len() as u64 + 1;
    }
    assert_eq!(folder.len("dead.ndjson"), 0);
}
