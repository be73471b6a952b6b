//! Tests: what descriptions of AWS's bring to whole batches.

use super::{
    scene::{Scene, batch},
    tests::sides,
    *,
};
use crate::event::{AssetClass, Direction};

/// Two VPCs with one range, each with a host at the same address; an IPv6 range of Amazon's and an elastic address.
const ESTATE: &str = r#"
    {"Vpcs": [
        {"VpcId": "vpc-a", "OwnerId": "1", "CidrBlock": "10.0.0.0/16", "Ipv6CidrBlockAssociationSet": [
            {"Ipv6CidrBlock": "2600:1f16::/56", "Ipv6CidrBlockState": {"State": "associated"}}]},
        {"VpcId": "vpc-b", "OwnerId": "1", "CidrBlock": "10.0.0.0/16"}]}
    {"NetworkInterfaces": [
        {"NetworkInterfaceId": "eni-a", "OwnerId": "1", "VpcId": "vpc-a", "PrivateIpAddress": "10.0.0.5",
         "InterfaceType": "nat_gateway", "Association": {"PublicIp": "198.51.100.7"},
         "TagSet": [{"Key": "Name", "Value": "a"}]},
        {"NetworkInterfaceId": "eni-b", "OwnerId": "1", "VpcId": "vpc-b", "PrivateIpAddress": "10.0.0.5",
         "TagSet": [{"Key": "Name", "Value": "b"}]}]}
    {"valid_from": 1000, "NetworkInterfaces": [
        {"NetworkInterfaceId": "eni-c", "OwnerId": "1", "VpcId": "vpc-a", "PrivateIpAddress": "10.0.0.9",
         "Association": {"PublicIp": "198.51.100.9"}, "TagSet": [{"Key": "Name", "Value": "c"}]}]}
    {"key": "10.0.0.7", "name": "seven"}"#;

#[test]
fn two_vpcs_with_one_range_get_different_assets_for_the_same_address() {
    let scene = Scene::of("estate.json", ESTATE);
    let names = "account-id vpc-id interface-id srcaddr dstaddr";
    let lines = [
        "1 vpc-a - 10.0.0.5 192.0.2.1",
        "1 vpc-b - 10.0.0.5 192.0.2.1",
        // The interface says which VPC it is, as in records of version 2.
        "1 - eni-b 192.0.2.1 10.0.0.5",
        "1 - eni-x 192.0.2.1 10.0.0.5",
        "1 vpc-a - 10.0.0.7 10.0.0.5",
    ];
    let mut enricher = scene.enricher();
    for _ in 0..2 {
        let mut batch = batch(names, &lines);
        enricher.apply(&mut batch);
        for (event, expected) in [
            ("in - - a", "out - - -"),
            ("in - - b", "out - - -"),
            ("out - - -", "in - - b"),
            ("out - - -", "in - - -"),
            ("in - - seven", "in - - a"),
        ]
        .into_iter()
        .enumerate()
        {
            assert_eq!(sides(&batch, event), (expected.0.to_owned(), expected.1.to_owned()), "event {event}");
        }
        let class =
            |event: usize| batch.ends(&batch.events[event]).0.asset.as_ref().and_then(|asset| asset.class);
        assert_eq!([class(0), class(1)], [Some(AssetClass::NatGateway), None]);
    }
}

#[test]
fn each_side_of_a_transit_gateways_record_has_the_assets_of_its_own_vpc() {
    let scene = Scene::of("estate.json", ESTATE);
    let mut batch =
        batch("tgw-src-vpc-id tgw-dst-vpc-id srcaddr dstaddr", &["vpc-a vpc-b 10.0.0.5 10.0.0.5"]);
    scene.enricher().apply(&mut batch);
    assert_eq!(sides(&batch, 0), ("in - - a".to_owned(), "in - - b".to_owned()));
}

#[test]
fn amazons_ipv6_and_elastic_addresses_are_inside_by_the_assets_on_every_side() {
    let scene = Scene::of("estate.json", ESTATE);
    let mut batch = batch(
        "srcaddr dstaddr pkt-srcaddr pkt-dstaddr",
        &[
            "2600:1f16::1 2600:1f16:0:100::1 - -",
            "198.51.100.7 192.0.2.1 - -",
            "192.0.2.1 192.0.2.2 2600:1f16::1 198.51.100.7",
        ],
    );
    scene.enricher().apply(&mut batch);
    assert_eq!(sides(&batch, 0).0, "in - - ?");
    assert_eq!(sides(&batch, 1).0, "in - - a");
    let directions = [0, 1, 2].map(|event: usize| batch.events[event].direction);
    assert_eq!(directions, [Direction::Outbound, Direction::Outbound, Direction::External]);
    let last = batch.events[2];
    assert!(
        [last.nat_source, last.nat_destination].iter().all(|end| batch.endpoints[*end as usize].internal)
    );
}

#[test]
fn an_interface_and_its_addresses_are_joined_as_of_the_records_end() {
    let scene = Scene::of("estate.json", ESTATE);
    let mut enricher = scene.enricher();
    let names = "vpc-id srcaddr dstaddr start end";
    let lines = [
        "vpc-a 10.0.0.9 198.51.100.9 900 999",
        "vpc-a 10.0.0.9 198.51.100.9 990 1000",
        "vpc-a 10.0.0.9 198.51.100.9 900 -",
        "vpc-a 10.0.0.9 198.51.100.9 - -",
    ];
    for _ in 0..2 {
        let mut batch = batch(names, &lines);
        enricher.apply(&mut batch);
        for (event, (source, destination, direction)) in [
            ("in - - ?", "out - - -", Direction::Outbound),
            ("in - - c", "in - - c", Direction::Internal),
            ("in - - ?", "out - - -", Direction::Outbound),
            ("in - - c", "in - - c", Direction::Internal),
        ]
        .into_iter()
        .enumerate()
        {
            assert_eq!(sides(&batch, event), (source.to_owned(), destination.to_owned()), "event {event}");
            assert_eq!(batch.events[event].direction, direction, "event {event}");
        }
    }
}

#[test]
fn what_a_list_says_of_scopes_and_times_is_the_same_when_it_is_asked_again() {
    let scene = Scene::of("estate.json", ESTATE);
    let mut enricher = scene.enricher();
    let lines: Vec<String> = (0..300)
        .map(|number| {
            let vpc = ["vpc-a", "vpc-b", "-"][number % 3];
            let address = ["10.0.0.5", "10.0.0.9", "198.51.100.9", "10.0.0.7"][number / 3 % 4];
            format!("{vpc} {address} 192.0.2.1 {}", [999, 1_000][number / 12 % 2])
        })
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let mut whole = batch("vpc-id srcaddr dstaddr end", &lines);
    enricher.apply(&mut whole);
    for (event, line) in lines.iter().enumerate() {
        let mut alone = batch("vpc-id srcaddr dstaddr end", &[line]);
        enricher.apply(&mut alone);
        assert_eq!(sides(&alone, 0), sides(&whole, event), "{line}");
    }
    assert!(whole.endpoints.len() < 20, "{} endpoints", whole.endpoints.len());
}

#[test]
fn nothing_is_inside_by_the_assets_where_the_config_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("estate.json");
    std::fs::write(&path, ESTATE).unwrap();
    let config = crate::enrich::Config {
        assets: vec![crate::enrich::AssetSource::of(path)],
        internal_from_assets: false,
        ..Default::default()
    };
    let metrics = crate::telemetry::metrics::Metrics::default();
    let shared = Shared::open(&config, &metrics).unwrap();
    let mut batch = batch("srcaddr dstaddr", &["2600:1f16::1 198.51.100.7"]);
    Enricher::new(shared).apply(&mut batch);
    assert_eq!(batch.events[0].direction, Direction::External);
    assert_eq!(sides(&batch, 0).1, "out - - a");
    assert!(
        metrics.page().contains("floodmark_enrich_assets_keys{kind=\"interface\"} 3\n"),
        "{}",
        metrics.page()
    );
}
