//! Tags of the record, and codes in words.

use serde_json::{Value as Json, json};

use super::{one, strict::strict};
use crate::{
    event::Direction,
    normalize::sample::{Sample, external, internal},
};

fn read(names: &str, line: &str, direction: Direction) -> Json {
    let sample = Sample::new().line(names, line).flow(direction, "tcp", "");
    strict(&one(&sample.ends(internal("ledger-db-1", 21), internal("web-1", 24))))
}

#[test]
fn tags_of_the_record_are_tags_of_the_interfaces_own_side_beside_those_of_its_asset() {
    let names = "srcaddr dstaddr end flow-direction instance-tag asg-tag-2";
    for (word, own, other) in [("egress", "source", "destination"), ("ingress", "destination", "source")] {
        let json = read(names, &format!("10.0.1.7 10.0.1.8 1 {word} web front"), Direction::Internal);
        let tags = |side: &str| json["floodmark"][side]["asset"]["tags"].clone();
        let listed = json!({ "Service": "ledger", "env": "prod" });
        assert_eq!(tags(other), listed);
        let mut both = listed;
        both["instance-tag"] = "web".into();
        both["asg-tag-2"] = "front".into();
        assert_eq!(tags(own), both);
    }
}

#[test]
fn tags_of_the_record_are_nobodys_where_nothing_tells_whose_the_interface_is() {
    let json = read("srcaddr dstaddr end instance-tag", "10.0.1.7 10.0.1.8 1 web", Direction::Internal);
    for side in ["source", "destination"] {
        assert_eq!(json["floodmark"][side]["asset"]["tags"], json!({ "Service": "ledger", "env": "prod" }));
    }
    assert_eq!(json["aws"]["vpcflow"]["instance_tag"], "web");
}

#[test]
fn a_side_without_an_asset_has_the_tags_of_the_record_alone() {
    let sample = Sample::new()
        .line("srcaddr dstaddr end interface-tag", "10.0.1.7 81.2.69.160 1 web")
        .flow(Direction::Outbound, "tcp", "")
        .ends(Default::default(), external());
    let mut json = strict(&one(&sample));
    let there = json["floodmark"].as_object_mut().and_then(|floodmark| floodmark.remove("destination"));
    let provider = json!({ "provider": { "name": "aws", "service": "EC2", "region": "eu-west-2" } });
    assert_eq!(there, Some(provider), "and an address outside its provider");
    assert_eq!(json["floodmark"], json!({ "source": { "asset": { "tags": { "interface-tag": "web" } } } }));
}

#[test]
fn codes_have_their_words_beside_them_and_unknown_codes_have_none() {
    let names = "end tcp-flags traffic-path encryption-status reject-reason";
    let words = |line: &str| read(names, line, Direction::Unknown)["aws"]["vpcflow"].clone();
    let known = words("1 18 4 1 EC");
    assert_eq!(known["tcp_flags"], "18");
    assert_eq!(known["tcp_flags_array"], json!(["syn", "ack"]));
    assert_eq!(known["traffic_path_name"], "intra-region vpc peering");
    assert_eq!(known["encryption_status_name"], "nitro");
    assert_eq!(known["reject_reason_name"], "encryption control");
    assert_eq!(words("1 255 1 0 BPA")["tcp_flags_array"].as_array().map(Vec::len), Some(8));
    let unknown = words("1 0 0 4 NEW");
    assert_eq!(
        unknown,
        json!({ "tcp_flags": "0", "traffic_path": "0", "encryption_status": "4", "reject_reason": "NEW" })
    );
}

#[test]
fn a_transit_gateways_direction_says_nothing_of_whose_the_interface_is() {
    let names = "srcaddr dstaddr end flow-direction tgw-id instance-tag";
    let json = read(names, "10.0.1.7 10.0.1.8 1 ingress tgw-1 web", Direction::Internal);
    assert_eq!(json["host"]["ip"], json!(["10.0.1.7"]), "the sender, as between any two hosts");
    assert_eq!(json["event"]["type"], json!(["connection"]));
    assert!(json["floodmark"]["destination"]["asset"]["tags"].get("instance-tag").is_none());
}
