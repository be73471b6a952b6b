//! Whatever a server or a proxy answers, or does not: in the end every document is there once.

use super::{
    config, minimal,
    proxy::{Act, Proxy, Request},
};
use crate::{
    flows,
    process::Folder,
    servers::{Product, Server, namespace},
};

/// Runs over a proxy of this script; what every case has in common. Gives the bulks that the proxy has seen.
fn through(
    server: &Server,
    more: &str,
    script: impl Fn(&Request, usize) -> Act + Send + Sync + 'static,
) -> Vec<Request> {
    let (folder, namespace) = (Folder::new(), namespace());
    let proxy = Proxy::new(server.address(), script);
    folder.write("in.log", flows::estate(super::WINDOWS));
    folder.write("c.yaml", config(&proxy.url(), &namespace, more));
    folder.run(&["run", "-q", "-c", "c.yaml"]).assert_code(0);
    super::assert_same(server, &namespace, &folder);
    assert_eq!(folder.len("dead.ndjson"), 0, "nothing is wrong with any document");
    proxy.bulks()
}

/// Small bulks, so that there are many.
const SMALL: &str = ", batch_documents: 100";

fn unless_first(number: usize, act: Act) -> Act {
    if number.is_multiple_of(3) { act } else { Act::Pass }
}

fn answer(status: u16, body: &str) -> Act {
    Act::Answer(status, "content-type: application/json\r\n", body.to_owned())
}

#[test]
fn what_is_answered_with_429_503_or_an_error_of_a_proxy_is_sent_again_until_it_is_taken() {
    let name = "what_is_answered_with_429_503_or_an_error_of_a_proxy_is_sent_again_until_it_is_taken";
    let Some(server) = minimal::shared(name, Product::OpenSearch2) else { return };
    let pressed = r#"{"error":{"type":"rejected_execution_exception","reason":"rejected execution of coordinating operation"},"status":429}"#;
    for (status, body) in
        [(429, pressed), (503, ""), (502, "<html>Bad Gateway</html>"), (500, "{}"), (408, "")]
    {
        let bulks = through(&server, SMALL, move |request, number| match request.is_bulk() {
            true => unless_first(number, answer(status, body)),
            false => Act::Pass,
        });
        assert!(bulks.len() > 16, "{status}: not every bulk was sent again");
    }
}

#[test]
fn an_answer_of_which_half_or_nothing_arrives_is_no_answer_and_nothing_is_there_twice() {
    let name = "an_answer_of_which_half_or_nothing_arrives_is_no_answer_and_nothing_is_there_twice";
    for product in [Product::OpenSearch3, Product::Elasticsearch8] {
        let Some(server) = minimal::shared(name, product) else { return };
        for act in [
            Act::HalfAnswer,
            Act::NoAnswer,
            Act::HangUp,
            answer(200, r#"{"errors":false,"items":[]}"#),
            answer(200, "It works!"),
        ] {
            through(&server, SMALL, move |request, number| match request.is_bulk() {
                true => unless_first(number, act.clone()),
                false => Act::Pass,
            });
        }
    }
}

#[test]
fn a_server_that_takes_less_at_a_time_is_sent_less() {
    let name = "a_server_that_takes_less_at_a_time_is_sent_less";
    let Some(server) = minimal::shared(name, Product::Elasticsearch9) else { return };
    let most = 200_000;
    for status in [413, 429] {
        let bulks = through(&server, ", gzip: false", move |request, _| match request.body.len() > most {
            true => answer(status, ""),
            false => Act::Pass,
        });
        let small = bulks.iter().filter(|bulk| bulk.body.len() <= most).count();
        assert!(small > 10 && small > bulks.len() / 2, "{status}: {small} of {}", bulks.len());
    }
}

#[test]
fn a_document_that_is_too_large_alone_goes_to_the_dead_letter_and_its_neighbours_do_not() {
    let name = "a_document_that_is_too_large_alone_goes_to_the_dead_letter_and_its_neighbours_do_not";
    let Some(server) = minimal::shared(name, Product::OpenSearch2) else { return };
    let (folder, namespace) = (Folder::new(), namespace());
    let proxy = Proxy::new(server.address(), |request, _| match request.body.len() > 50_000 {
        true => answer(413, ""),
        false => Act::Pass,
    });
    let large = flows::line(7, "198.51.100.7", 5_000, flows::START).replacen(
        " eni-",
        &format!(" eni-{}", "x".repeat(60_000)),
        1,
    );
    folder.write("in.log", format!("{}{large}\n{}", flows::window(1), flows::window(2)));
    folder.write("c.yaml", config(&proxy.url(), &namespace, ", gzip: false"));
    folder.run(&["run", "-q", "-c", "c.yaml"]).assert_code(0);
    assert_eq!(server.count(&super::stream("flow", &namespace)), 2 * flows::HOSTS);
    let letters = folder.documents("dead.ndjson");
    assert_eq!((letters.len(), letters[0]["status"].as_u64()), (1, Some(413)));
}

#[test]
fn one_document_that_is_answered_with_429_is_sent_again_alone() {
    let name = "one_document_that_is_answered_with_429_is_sent_again_alone";
    let Some(server) = minimal::shared(name, Product::OpenSearch3) else { return };
    let first = r#"{"create":{"status":429,"error":{"type":"rejected_execution_exception","reason":"rejected execution"}}}"#;
    let rest = r#"{"create":{"status":201}}"#;
    let (folder, namespace) = (Folder::new(), namespace());
    folder.write("in.log", flows::window(1));
    let count = flows::HOSTS as usize;
    let items = [vec![first], vec![rest; count - 1]].concat().join(",");
    let proxy = Proxy::new(server.address(), move |request, number| match request.is_bulk() && number == 0 {
        true => answer(200, &format!(r#"{{"errors":true,"items":[{items}]}}"#)),
        false => Act::Pass,
    });
    folder.write("c.yaml", config(&proxy.url(), &namespace, ", gzip: false"));
    folder.run(&["run", "-q", "-c", "c.yaml"]).assert_code(0);
    let bulks = proxy.bulks();
    let documents: Vec<usize> =
        bulks.iter().map(|bulk| bulk.body.iter().filter(|byte| **byte == b'\n').count() / 2).collect();
    assert_eq!(documents, [count, 1]);
}
