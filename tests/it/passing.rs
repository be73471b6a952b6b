//! Whom an estate's records are about, held against what the generator knows: at hosts' own interfaces, and at the NAT and
//! transit gateways that log the same flows again.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde_json::Value;

use crate::process::{Folder, at, is_finding, text_at};

/// What a service did in a window.
#[derive(Debug, Default, PartialEq, Eq, Clone, Copy)]
struct Sums {
    records: u64,
    bytes_out: u64,
    bytes_in: u64,
    packets: u64,
    rejects: u64,
}

/// A service in its VPC.
type Service = (String, String);

/// By VPC and address: who had it when a record ended.
type Homes = BTreeMap<(String, String), BTreeMap<i64, String>>;

/// A record as a document has it.
struct Logged<'a> {
    document: &'a Value,
    end: i64,
    vpc: String,
    interface_type: String,
}

/// Runs over `fleet.log`; documents that match `select` go to `out.ndjson`.
fn run(folder: &Folder, select: &str) {
    let config = format!(
        "sources: {{ flows: {{ from: {{ file: {{ paths: [fleet.log] }} }} }} }}\n\
         sinks:\n\
         \x20 out: {{ to: {{ file: {{ path: out.ndjson }} }}{select} }}\n\
         \x20 found: {{ to: {{ file: {{ path: found.ndjson }} }}, select: findings }}\n\
         enrich: {{ internal: [10.0.0.0/8, \"2600:1f10::/28\"] }}\n\
         score: {{ identity: [ecs-service, \"tag:interface-tag\", instance, address] }}\n"
    );
    folder.write("c.yaml", config);
    folder.run(&["run", "-q", "-c", "c.yaml"]).assert_code(0);
}

fn generate(folder: &Folder, options: &str) {
    let mut arguments = vec!["generate", "--profile", "fleet"];
    arguments.extend(options.split_whitespace());
    let (ended, text) = folder.printed(&arguments);
    ended.assert_code(0);
    folder.write("fleet.log", text);
}

fn seconds(document: &Value, path: &str) -> i64 {
    let time: jiff::Timestamp = text_at(document, path).parse().unwrap();
    time.as_second()
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The service that a document is scored for, as the generator calls it: a service of ECS, or the tag that its members'
/// interfaces have.
fn service_of(document: &Value) -> Option<String> {
    let entity = at(document, "floodmark.entity");
    let name = entity["name"].as_str()?;
    let name = match entity["kind"].as_str()? {
        "service" => name,
        "tag" => name.strip_prefix("interface-tag=")?,
        _ => return None,
    };
    Some(name.replace("%2D", "-"))
}

/// Every document of a flow.
fn logged(documents: &[Value]) -> Vec<Logged<'_>> {
    let flows =
        documents.iter().filter(|document| !is_finding(document) && document["source"]["ip"].is_string());
    let read = |document| Logged {
        document,
        end: seconds(document, "event.end"),
        vpc: text_at(document, "aws.vpcflow.vpc_id"),
        // Version 11 has no word for some, application load balancers among them.
        interface_type: at(document, "aws.vpcflow").get("interface_type").map_or("", text_of).to_owned(),
    };
    flows.map(read).collect()
}

impl Logged<'_> {
    fn is_own(&self) -> bool {
        matches!(&*self.interface_type, "" | "interface" | "lambda")
    }

    fn is_egress(&self) -> bool {
        text_at(self.document, "aws.vpcflow.flow_direction") == "egress"
    }

    fn number(&self, path: &str) -> u64 {
        at(self.document, path).as_u64().unwrap_or(0)
    }
}

/// What services did at their own interfaces, and whose addresses were when.
fn own(all: &[Logged<'_>]) -> (BTreeMap<(Service, i64), Sums>, Homes) {
    let mut sums: BTreeMap<(Service, i64), Sums> = BTreeMap::new();
    let mut homes = Homes::new();
    for logged in all.iter().filter(|logged| logged.is_own()) {
        let Some(service) = service_of(logged.document) else { continue };
        let own = if logged.is_egress() { "source.ip" } else { "destination.ip" };
        let home = homes.entry((logged.vpc.clone(), text_at(logged.document, own))).or_default();
        home.insert(logged.end, service.clone());
        let sums = sums.entry(((logged.vpc.clone(), service), logged.end / 600)).or_default();
        sums.records += 1;
        sums.packets += logged.number("source.packets");
        if logged.is_egress() {
            sums.bytes_out += logged.number("source.bytes");
        } else {
            sums.bytes_in += logged.number("source.bytes");
        }
        sums.rejects += u64::from(text_at(logged.document, "event.action") == "reject");
    }
    (sums, homes)
}

/// What the generator says that services did.
fn truth(folder: &Folder) -> BTreeMap<(Service, i64), Sums> {
    let mut truth = BTreeMap::new();
    for line in folder.documents("truth.ndjson") {
        let number = |name: &str| line[name].as_u64().unwrap();
        let [bytes_out, bytes_in] = [number("bytes_out"), number("bytes_in")];
        let told = Sums {
            records: number("records"),
            packets: number("packets"),
            rejects: number("rejects"),
            bytes_out,
            bytes_in,
        };
        truth.insert(((text_at(&line, "vpc"), text_at(&line, "service")), number("window") as i64), told);
    }
    truth
}

/// What records of gateways are scored for.
struct Counts {
    right: usize,
    /// Nobody, or the gateway, because no log of the host's own has told yet.
    early: usize,
    /// Who had the address before, because no log of the heir's own has come yet.
    heirs: usize,
    wrong: Vec<String>,
    classes: BTreeSet<String>,
}

/// Whom records of NAT and transit gateways are scored for: who had the other side's address just before the record ended, or
/// after.
fn gateways(all: &[Logged<'_>], homes: &Homes) -> Counts {
    let (mut right, mut early, mut wrong) = (0, 0, Vec::new());
    let mut classes = BTreeSet::new();
    let mut heirs = 0;
    // The documents stand in the order in which the records came.
    let mut told: BTreeMap<(String, String), (i64, String)> = BTreeMap::new();
    for logged in all {
        let own = if logged.is_egress() { "source.ip" } else { "destination.ip" };
        if let (true, Some(service)) = (logged.is_own(), service_of(logged.document)) {
            let last = told.entry((logged.vpc.clone(), text_at(logged.document, own))).or_default();
            *last = (logged.end, service).max(last.clone());
        }
        if !matches!(&*logged.interface_type, "nat_gateway" | "transit_gateway") {
            continue;
        }
        // The other side than the gateway's own.
        let other = if logged.is_egress() { "destination.ip" } else { "source.ip" };
        let host = (logged.vpc.clone(), text_at(logged.document, other));
        let entity = at(logged.document, "floodmark.entity");
        let Some(home) = homes.get(&host) else {
            assert_eq!(entity["class"].as_str(), Some(&*logged.interface_type), "{}", logged.document);
            classes.insert(logged.interface_type.clone());
            continue;
        };
        let before = home.range(..=logged.end).next_back().map(|(_, service)| service);
        let after = home.range(logged.end..).next().map(|(_, service)| service);
        let said = service_of(logged.document);
        match said {
            Some(said) if Some(&said) == before || Some(&said) == after => right += 1,
            None => early += 1,
            Some(_) if entity["class"].as_str() == Some(&*logged.interface_type) => early += 1,
            // The address has passed on, and no log of the heir's own had come.
            Some(said) if told.get(&host).is_some_and(|(_, last)| *last == said) => heirs += 1,
            Some(said) => wrong.push(format!("{said}, not {before:?} or {after:?}: {}", logged.document)),
        }
    }
    Counts { right, early, heirs, wrong, classes }
}

#[test]
fn every_record_is_scored_for_the_service_that_the_truth_names_and_at_gateways_for_the_host_behind_them() {
    let folder = Folder::new();
    generate(
        &folder,
        "--format v11 --hosts 40 --services 24 --lines-per-day 40000 --span 1d --life 6h --truth truth.ndjson --truth-entities 0",
    );
    run(&folder, "");
    let documents = folder.documents("out.ndjson");
    let all = logged(&documents);

    // At their own interfaces, to the byte.
    let (sums, homes) = own(&all);
    let truth = truth(&folder);
    let wrong: Vec<_> = truth.iter().filter(|(key, told)| sums.get(*key) != Some(*told)).take(3).collect();
    assert!(
        truth.len() > 1_000 && wrong.is_empty(),
        "{wrong:?} instead of {:?}",
        wrong.iter().map(|(key, _)| sums.get(*key)).collect::<Vec<_>>()
    );

    let Counts { right, early, heirs, wrong, classes } = gateways(&all, &homes);
    assert!(wrong.is_empty(), "{} of {right}: {:?}", wrong.len(), wrong[0]);
    assert!(right > 3_000 && early * 200 < right && heirs * 1_000 < right, "{right} {early} {heirs}");
    assert!(classes.contains("nat_gateway"));
}

#[test]
fn without_a_word_of_sides_and_vpcs_the_assets_tell_whose_a_record_is_and_keep_twin_vpcs_apart() {
    let folder = Folder::new();
    let options = "--hosts 40 --services 24 --lines-per-day 40000 --span 6h --format v2 --assets assets";
    generate(&folder, options);
    let assets: Vec<String> = fs::read_dir(folder.path("assets"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        // The histories hold what the answers do.
        .filter(|name| {
            name != "assets.csv" && !name.ends_with("interfaces.json") && !name.ends_with("instances.json")
        })
        .collect();
    let lists: Vec<String> = assets.iter().map(|name| format!("{{ file: assets/{name} }}")).collect();
    let config = format!(
        "sources: {{ flows: {{ from: {{ file: {{ paths: [fleet.log] }} }} }} }}\n\
         sinks: {{ out: {{ to: {{ file: {{ path: out.ndjson }} }} }} }}\n\
         enrich: {{ assets: [{}] }}\n\
         score: {{ identity: [ecs-service, \"tag:service\", address] }}\n",
        lists.join(", ")
    );
    folder.write("c.yaml", config);
    folder.run(&["run", "-q", "-c", "c.yaml"]).assert_code(0);
    let mut interfaces = BTreeMap::new();
    for name in assets.iter().filter(|name| name.ends_with("network-interfaces.ndjson")) {
        for row in folder.documents(&format!("assets/{name}")) {
            let row = &row["NetworkInterfaces"][0];
            interfaces.insert(text_at(row, "NetworkInterfaceId"), row.clone());
        }
    }
    let documents = folder.documents("out.ndjson");
    let (mut right, mut wrong, mut scopes) = (0, Vec::new(), BTreeMap::<String, BTreeSet<String>>::new());
    let flows =
        documents.iter().filter(|document| !is_finding(document) && document["source"]["ip"].is_string());
    for document in flows {
        let row = &interfaces[&text_at(document, "aws.vpcflow.interface_id")];
        let entity = at(document, "floodmark.entity");
        let scope = format!("{}/{}", text_at(row, "OwnerId"), text_at(row, "VpcId"));
        let own = text_at(row, "PrivateIpAddress");
        let tags = row["TagSet"].as_array().unwrap();
        let tag = |key: &str| tags.iter().find(|tag| tag["Key"] == key).map(|tag| text_at(tag, "Value"));
        let expected = match (&*text_at(row, "InterfaceType"), tag("aws:ecs:serviceName"), tag("service")) {
            // It is about the gateway or about somebody behind it, who has a service or waits.
            ("nat_gateway" | "transit_gateway", ..) => None,
            (_, Some(service), _) => Some(service),
            (_, _, Some(service)) => Some(format!("service={service}")),
            _ if entity["name"].as_str().is_some_and(|name| name.contains(':')) => None,
            _ => Some(own),
        };
        if let Some(expected) = expected {
            if entity["name"].as_str() == Some(&expected) && entity["scope"].as_str() == Some(&scope) {
                right += 1;
            } else {
                wrong.push(format!("{expected} in {scope}: {document}"));
            }
        }
        if let (Some("address"), Some(name)) = (entity["kind"].as_str(), entity["name"].as_str()) {
            scopes.entry(name.to_owned()).or_default().insert(entity["scope"].as_str().unwrap().to_owned());
        }
    }
    assert!(right > 3_000 && wrong.is_empty(), "{} of {right}: {}", wrong.len(), wrong[0]);
    assert!(scopes.values().any(|scopes| scopes.len() > 1), "no address of two VPCs: {scopes:?}");
}

#[test]
fn a_service_whose_members_are_replaced_every_six_hours_for_30_days_becomes_mature() {
    let folder = Folder::new();
    generate(&folder, "--format v11 --hosts 60 --services 40 --span 30d --life 6h --lines-per-day 30000");
    // One record in thirty or so.
    run(&folder, ", where: source.packets = 3");
    // The file of documents holds the last of them only, the log all members.
    let mut members: BTreeMap<Service, BTreeSet<String>> = BTreeMap::new();
    let log = folder.lines("fleet.log");
    let header: Vec<&str> = log[0].split(' ').collect();
    let place = |name: &str| header.iter().position(|column| *column == name).unwrap();
    let places = ["vpc-id", "ecs-service-name", "interface-id"].map(place);
    for line in &log[1..] {
        let columns: Vec<&str> = line.split(' ').collect();
        let [vpc, service, interface] = places.map(|place| columns[place].to_owned());
        if service != "-" {
            members.entry((vpc, service)).or_default().insert(interface);
        }
    }
    let mut last: BTreeMap<Service, String> = BTreeMap::new();
    let documents = folder.documents("out.ndjson");
    for logged in logged(&documents).iter().filter(|logged| logged.is_own()) {
        let Some(name) = service_of(logged.document) else { continue };
        let service = (logged.vpc.clone(), name);
        // The first windows have no score.
        if let Some(score) = at(logged.document, "floodmark").get("score") {
            last.insert(service, text_of(&score["maturity"]).to_owned());
        }
    }
    let replaced: Vec<_> = members
        .iter()
        .filter(|(service, members)| members.len() > 100 && last.contains_key(*service))
        .collect();
    assert!(replaced.len() >= 10, "{} of {}", replaced.len(), members.len());
    for (service, members) in replaced {
        assert_eq!(last[service], "mature", "{service:?} with {} members", members.len());
    }
    for finding in folder.documents("found.ndjson") {
        let class = at(&finding, "floodmark.entity")["class"].as_str().unwrap_or("");
        let feature = text_of(&at(&finding, "floodmark")["score"]["feature"]).to_owned();
        let gateway = ["nat_gateway", "transit_gateway", "load_balancer", "endpoint"].contains(&class);
        let volume = ["bytes_out", "bytes_in", "packets", "rejects"].contains(&&*feature);
        assert!(!gateway || volume, "{finding}");
    }
}
