//! Generated traffic under any choice of the 54 fields: what the generator knows, and the rest made up from it, so that
//! an interface keeps what is its own and a flow what belongs to it.

use std::{
    collections::HashMap,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
};

use floodmark::{
    event::FIELDS,
    generate::{self, LineFormat, Options},
};

/// What is known of each address that is an interface's own: the interface, its subnet and its zone.
type Owners = HashMap<String, [String; 3]>;

/// Lines of the fields called `names`, in that order.
pub fn lines(names: &[&str], count: u64, seed: u64) -> Vec<String> {
    let options = Options {
        seed,
        format: LineFormat::V5,
        header: false,
        lines: Some(count),
        attack: false,
        no_data_per_day: 200,
        ..Options::default()
    };
    let mut text = Vec::new();
    generate::write(&options, &mut text, None).unwrap();
    let text = String::from_utf8(text).unwrap();
    let known: Vec<&str> = FIELDS.iter().filter(|row| row.version <= 5).map(|row| row.name).collect();
    let records: Vec<HashMap<&str, &str>> =
        text.lines().map(|line| known.iter().copied().zip(line.split(' ')).collect()).collect();
    let mut owners = Owners::new();
    for record in &records {
        let own = if record["flow-direction"] == "egress" { "srcaddr" } else { "dstaddr" };
        let texts = ["interface-id", "subnet-id", "az-id"].map(|name| record[name].to_owned());
        owners.insert(record[own].to_owned(), texts);
    }
    let version = FIELDS.iter().filter(|row| names.contains(&row.name)).map(|row| row.version).max();
    let column = |record: &HashMap<&str, &str>, name: &str| match name {
        "version" => version.unwrap_or(2).to_string(),
        _ => record.get(name).map_or_else(|| made_up(record, name, &owners), |text| (*text).to_owned()),
    };
    let line = |record| names.iter().map(|name| column(record, name)).collect::<Vec<_>>().join(" ");
    records.iter().map(line).collect()
}

/// What a field of version 7 or later says in `record`.
fn made_up(record: &HashMap<&str, &str>, name: &str, owners: &Owners) -> String {
    let interface = record["interface-id"];
    let hash = |what: &str| BuildHasherDefault::<DefaultHasher>::default().hash_one(what);
    let own = hash(interface);
    let digest = |what: &str| format!("{:016x}{:016x}", hash(&format!("{what}{interface}")), own);
    let seen = record["log-status"] == "OK";
    let task = !own.is_multiple_of(3);
    let arn = |kind: &str, rest: String| format!("arn:aws:ecs:eu-west-1:012345678901:{kind}/{rest}");
    match name {
        "ecs-cluster-arn" if task => arn("cluster", "shop".into()),
        "ecs-cluster-name" if task => "shop".into(),
        "ecs-container-instance-arn" if task => arn("container-instance", format!("shop/{}", digest("ci"))),
        "ecs-container-instance-id" if task => digest("ci"),
        "ecs-container-id" if task => format!("{}-{}", digest("task"), own % 10_000_000_000),
        "ecs-second-container-id" if task && own.is_multiple_of(2) => {
            format!("{}-{}", digest("task"), own % 9_999_999_967)
        }
        "ecs-service-name" if task => format!("service-{}", own % 5),
        "ecs-task-definition-arn" if task => arn("task-definition", format!("web:{}", own % 9)),
        "ecs-task-arn" if task => arn("task", format!("shop/{}", digest("task"))),
        "ecs-task-id" if task => digest("task"),
        "reject-reason" if record["action"] == "REJECT" && own.is_multiple_of(4) => "BPA".into(),
        "encryption-status" if seen => encryption(record).into(),
        "instance-tag" => format!("web%2D{}", own % 12),
        "instance-tag-2" => (1_000 + own % 3).to_string(),
        "interface-tag" => format!("net{}", own % 4),
        "asg-tag" if task => "group".into(),
        "interface-type" if own.is_multiple_of(7) => "nat_gateway".into(),
        _ if name.starts_with("next-hop") && seen => next_hop(record, name, owners),
        _ => "-".into(),
    }
}

fn encryption(record: &HashMap<&str, &str>) -> &'static str {
    match (record["protocol"], record["action"]) {
        ("6", "ACCEPT") => match (record["srcport"].len() * 7 + record["dstport"].len()) % 4 {
            0 => "0",
            1 => "1",
            2 => "2",
            _ => "3",
        },
        ("17", "ACCEPT") => "1",
        _ => "0",
    }
}

fn next_hop(record: &HashMap<&str, &str>, name: &str, owners: &Owners) -> String {
    let far = if record["flow-direction"] == "egress" { record["dstaddr"] } else { record["srcaddr"] };
    let Some([interface, subnet, zone]) = owners.get(far) else { return "-".into() };
    match name {
        "next-hop-interface-id" => interface.clone(),
        "next-hop-subnet-id" => subnet.clone(),
        "next-hop-az-id" => zone.clone(),
        "next-hop-vpc-id" => record["vpc-id"].to_owned(),
        _ => "-".into(),
    }
}
