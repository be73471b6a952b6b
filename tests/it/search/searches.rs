//! Every search of `schemas/searches.json` gives, on every server, what the lines themselves say.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    fs,
    net::IpAddr,
};

use serde_json::{Value, json};

use super::{
    flow::{Day, Flow, countries, day, is_internal},
    provisioned::{install, load},
};
use crate::{
    process::{at, repository, text_at},
    servers::{Server, namespace},
};

/// More documents than any search finds, in place of those that are shown.
const ALL: u32 = 10_000;

/// The searches, by name.
fn searches() -> BTreeMap<String, Value> {
    let text = fs::read_to_string(repository().join("schemas/searches.json")).unwrap();
    let all: Vec<Value> = serde_json::from_str(&text).unwrap();
    all.into_iter().map(|search| (text_at(&search, "name"), search)).collect()
}

/// A server with the day in it.
struct Loaded {
    server: Server,
    namespace: String,
    searches: BTreeMap<String, Value>,
    asked: BTreeSet<String>,
}

// === impl Loaded ===

impl Loaded {
    fn new(server: Server, day: &Day) -> Self {
        let namespace = namespace();
        install(&server, &namespace);
        let answers = load(&server, &namespace, &day.documents);
        let wrong: Vec<_> = answers.iter().filter(|(status, _)| *status != 201).collect();
        assert!(wrong.is_empty(), "{:?}: {wrong:?}", server.product);
        Self { server, namespace, searches: searches(), asked: BTreeSet::new() }
    }

    /// The answer to the search called `name`, which `change` may change before.
    fn answer(&mut self, name: &str, change: impl FnOnce(&mut Value)) -> Value {
        let mut search = self.searches[name]["dsl"].clone();
        change(&mut search);
        self.asked.insert(name.to_owned());
        self.server.must("POST", &format!("/logs-floodmark.flow-{}/_search", self.namespace), Some(&search))
    }

    /// The flows that the search finds, all of them, and those that it shows as it stands.
    fn found(&mut self, name: &str) -> Vec<Flow> {
        let shown = flows_of(&self.answer(name, |_| {}));
        let answer = self.answer(name, |search| search["size"] = json!(ALL));
        let mut all = flows_of(&answer);
        assert_eq!(answer["hits"]["total"], json!({ "value": all.len(), "relation": "eq" }), "{name}");
        let starts = |flows: &[Flow]| flows.iter().map(|flow| flow.start).collect::<Vec<_>>();
        assert!(starts(&all).is_sorted(), "{name}: the oldest first");
        assert_eq!(starts(&shown), starts(&all)[..shown.len()], "{name}");
        assert_eq!(shown.len(), all.len().min(100), "{name}");
        all.sort();
        all
    }

    /// How many documents `query` chooses.
    fn count(&self, query: &Value) -> u64 {
        let path = format!("/logs-floodmark.flow-{}/_count", self.namespace);
        self.server.must("POST", &path, Some(&json!({ "query": query })))["count"].as_u64().unwrap()
    }

    /// Fails unless each search's KQL chooses as many documents as its request does. No server reads KQL; what the page has
    /// of it differs from Lucene's query strings, which they all read, in how words are written only.
    fn assert_kql(&self) {
        for (name, search) in &self.searches {
            let kql = text_at(search, "kql");
            let words = [(" and ", " AND "), (" or ", " OR "), ("not ", "NOT "), (" > ", ":>")];
            let lucene = words.iter().fold(kql.clone(), |text, (word, other)| text.replace(word, other));
            let chosen = self.count(&json!({ "query_string": { "query": lucene } }));
            assert_eq!(
                chosen,
                self.count(&search["dsl"]["query"]),
                "{name} on {:?}: {kql}",
                self.server.product
            );
        }
    }

    fn assert_found(&mut self, name: &str, day: &Day, is_meant: impl Fn(&Flow) -> bool) {
        let mut expected: Vec<Flow> = day.flows.iter().filter(|flow| is_meant(flow)).cloned().collect();
        expected.sort();
        assert!(!expected.is_empty() && expected.len() < day.flows.len(), "{name}: the day has some");
        let found = self.found(name);
        assert_same(name, &self.server, &found, &expected);
    }
}

#[track_caller]
fn assert_same<T: PartialEq + Debug>(name: &str, server: &Server, found: &T, expected: &T) {
    assert!(found == expected, "{name} on {:?}: {found:?} instead of {expected:?}", server.product);
}

/// The flows that the documents of an answer tell of.
fn flows_of(answer: &Value) -> Vec<Flow> {
    let number = |document: &Value, path: &str| at(document, path).as_u64().unwrap();
    let flow = |hit: &Value| {
        let document = &hit["_source"];
        let start: jiff::Timestamp = text_at(document, "event.start").parse().unwrap();
        Flow {
            start: start.as_second() as u64,
            source: text_at(document, "source.ip").parse().unwrap(),
            destination: text_at(document, "destination.ip").parse().unwrap(),
            ports: (number(document, "source.port"), number(document, "destination.port")),
            packets: number(document, "source.packets"),
            bytes: number(document, "source.bytes"),
            is_accepted: at(document, "event.outcome") == "success",
        }
    };
    answer["hits"]["hits"].as_array().unwrap().iter().map(flow).collect()
}

/// The groups of an aggregation: the address that each is of, and the group.
fn groups<'a>(group: &'a Value, name: &str) -> impl Iterator<Item = (IpAddr, &'a Value)> {
    let buckets = group[name]["buckets"].as_array().unwrap();
    buckets.iter().map(|bucket| (bucket["key"].as_str().unwrap().parse().unwrap(), bucket))
}

/// The ten with the largest sums, the largest first; among equals whoever, so that only the last must not be equal.
fn ten<'a>(parts: impl Iterator<Item = (IpAddr, u64)> + 'a) -> Vec<(IpAddr, u64)> {
    let mut sums: BTreeMap<IpAddr, u64> = BTreeMap::new();
    parts.for_each(|(address, part)| *sums.entry(address).or_default() += part);
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by_key(|(_, sum)| std::cmp::Reverse(*sum));
    assert!(sums.len() > 10 && sums.windows(2).take(10).all(|two| two[0].1 > two[1].1), "{sums:?}");
    sums.truncate(10);
    sums
}

/// The sum called `name` of a group.
fn sum(group: &Value, name: &str) -> u64 {
    group[name]["value"].as_f64().unwrap() as u64
}

#[test]
fn every_search_of_the_page_gives_on_every_server_what_the_lines_say() {
    let name = "every_search_of_the_page_gives_on_every_server_what_the_lines_say";
    for server in Server::all(name) {
        let day = day();
        let mut loaded = Loaded::new(server, day);
        loaded.assert_kql();
        let is_login = |port: u64| port == 22 || port == 3389;
        loaded.assert_found("remote-logins", day, |flow| is_login(flow.ports.0) || is_login(flow.ports.1));
        loaded.assert_found("rejects-from-a-range", day, |flow| {
            !flow.is_accepted && flow.source.to_string().starts_with("203.0.113.")
        });
        loaded.assert_found("internal-to-internal", day, |flow| {
            is_internal(flow.source) && is_internal(flow.destination)
        });
        assert_countries(&mut loaded, day);
        assert_sums(&mut loaded, day);
        assert_large_transfers(&mut loaded, day);
        assert_repeated_rejects(&mut loaded, day);
        assert_eq!(loaded.asked, loaded.searches.keys().cloned().collect(), "a search was not tried");
    }
}

fn assert_countries(loaded: &mut Loaded, day: &Day) {
    let name = "unexpected-countries";
    let countries = countries(day.flows.iter().map(|flow| flow.source));
    let unexpected = |flow: &Flow| {
        let country = countries.get(&flow.source).filter(|_| !is_internal(flow.source));
        country.filter(|country| !["DE", "NL"].contains(&country.as_str()))
    };
    loaded.assert_found(name, day, |flow| unexpected(flow).is_some());
    let mut expected: BTreeMap<&str, u64> = BTreeMap::new();
    let named = day.flows.iter().filter_map(unexpected);
    named.for_each(|country| *expected.entry(country).or_default() += 1);
    let answer = loaded.answer(name, |_| {});
    let buckets = answer["aggregations"]["countries"]["buckets"].as_array().unwrap();
    let count = |bucket: &Value| bucket["doc_count"].as_u64().unwrap();
    let found = buckets.iter().map(|bucket| (bucket["key"].as_str().unwrap(), count(bucket))).collect();
    assert!(expected.len() > 1);
    assert_same(name, &loaded.server, &found, &expected);
}

fn assert_sums(loaded: &mut Loaded, day: &Day) {
    let sides = day.flows.iter().flat_map(|flow| {
        let both = [Some(flow.source), Some(flow.destination).filter(|other| *other != flow.source)];
        both.into_iter().flatten().map(|address| (address, flow.bytes))
    });
    let https = day.flows.iter().filter(|flow| flow.ports.1 == 443);
    let https = https.map(|flow| (flow.destination, flow.packets));
    for (name, field, expected) in
        [("top-talkers", "bytes", ten(sides)), ("packets-to-443", "packets", ten(https))]
    {
        let answer = loaded.answer(name, |_| {});
        let found =
            groups(&answer["aggregations"], "addresses").map(|(address, group)| (address, sum(group, field)));
        assert_same(name, &loaded.server, &found.collect(), &expected);
    }
}

type Pairs = BTreeMap<(IpAddr, IpAddr), u64>;

/// What `count` says of the flows that `is_meant` chooses, added up by pair, where it comes to more than `most`.
fn pairs(day: &Day, most: u64, is_meant: impl Fn(&Flow) -> bool, count: impl Fn(&Flow) -> u64) -> Pairs {
    let mut pairs = Pairs::new();
    for flow in day.flows.iter().filter(|flow| is_meant(flow)) {
        *pairs.entry((flow.source, flow.destination)).or_default() += count(flow);
    }
    pairs.retain(|_, sum| *sum > most);
    assert!(pairs.len() > 1, "{pairs:?}");
    pairs
}

/// The groups of an answer by pair, with what `count` says of each.
fn pairs_of(answer: &Value, count: impl Fn(&Value) -> u64) -> Pairs {
    let sources = groups(&answer["aggregations"], "sources");
    let pairs = sources.flat_map(|(source, group)| {
        groups(group, "destinations").map(move |(destination, group)| ((source, destination), group))
    });
    pairs.map(|(pair, group)| (pair, count(group))).collect()
}

fn assert_large_transfers(loaded: &mut Loaded, day: &Day) {
    let (name, most) = ("large-transfers", 100_000_000);
    let expected = pairs(day, most, |flow| flow.is_accepted, |flow| flow.bytes);
    // The tests' servers of Elasticsearch have no language for scripts: there the last step is done here.
    let has_scripts = !loaded.server.product.is_elasticsearch();
    let answer = loaded.answer(name, |search| {
        let parts =
            search.pointer_mut("/aggs/sources/aggs/destinations/aggs").unwrap().as_object_mut().unwrap();
        assert!(parts.contains_key("large"));
        if !has_scripts {
            parts.remove("large");
        }
    });
    let mut found = pairs_of(&answer, |group| sum(group, "bytes"));
    if !has_scripts {
        found.retain(|_, bytes| *bytes > most);
    }
    assert_same(name, &loaded.server, &found, &expected);
}

fn assert_repeated_rejects(loaded: &mut Loaded, day: &Day) {
    let name = "repeated-rejects";
    let expected = pairs(day, 10, |flow| !flow.is_accepted, |_| 1);
    let answer = loaded.answer(name, |_| {});
    let found = pairs_of(&answer, |group| group["doc_count"].as_u64().unwrap());
    assert_same(name, &loaded.server, &found, &expected);
}
