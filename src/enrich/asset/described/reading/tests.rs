//! What is read of descriptions as EC2's API reference shows them.

use super::*;

fn read_all(text: &str) -> Result<Described, String> {
    let mut described = Described::default();
    let object: &RawValue = serde_json::from_str(text).unwrap();
    match read(1, object, Interval::ALWAYS, &mut described) {
        Ok(true) => Ok(described),
        Ok(false) => Err("it is no description".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn an_interface_has_its_addresses_scope_class_and_tags() {
    let described = read_all(
        r#"{"NetworkInterfaces": [{
            "NetworkInterfaceId": "eni-1", "OwnerId": "012345678901", "AvailabilityZone": "eu-west-1b",
            "VpcId": "vpc-a", "SubnetId": "subnet-a", "InterfaceType": "interface", "Description": "mine",
            "Attachment": {"InstanceId": "i-1", "Status": "attached"},
            "Association": {"PublicIp": "198.51.100.7", "IpOwnerId": "amazon"},
            "PrivateIpAddress": "10.0.0.5",
            "PrivateIpAddresses": [
                {"Primary": true, "PrivateIpAddress": "10.0.0.5", "Association": {"PublicIp": "198.51.100.7"}},
                {"Primary": false, "PrivateIpAddress": "10.0.0.6"}],
            "Ipv6Addresses": [{"Ipv6Address": "2600:1f16::5"}],
            "Ipv4Prefixes": [{"Ipv4Prefix": "10.0.1.16/28"}],
            "Ipv6Prefixes": [{"Ipv6Prefix": "2600:1f16:0:0:1::/80"}],
            "Groups": [{"GroupId": "sg-1", "GroupName": "web"}],
            "TagSet": [{"Key": "Name", "Value": "front"}, {"Key": "env", "Value": "prod"}]}]}"#,
    )
    .unwrap();
    let [interface] = &described.interfaces[..] else { panic!("{described:?}") };
    let nets: Vec<_> = interface.nets.iter().map(ToString::to_string).collect();
    assert_eq!(
        nets,
        ["10.0.0.5/32", "10.0.0.6/32", "2600:1f16::5/128", "10.0.1.16/28", "2600:1f16:0:0:1::/80"]
    );
    assert_eq!(interface.public, ["198.51.100.7/32".parse::<IpNet>().unwrap()]);
    assert_eq!(*interface.scope, "012345678901/eu-west-1/vpc-a".parse().unwrap());
    let asset = interface.asset(|_| None);
    assert_eq!((asset.name.as_deref(), asset.class), (Some("front"), Some(AssetClass::Workload)));
    let tags: Vec<_> = asset.tags.iter().map(|(name, value)| (&**name, &**value)).collect();
    assert_eq!(
        tags,
        [
            ("env", "prod"),
            ("instance-id", "i-1"),
            ("interface-id", "eni-1"),
            ("security-groups", "web"),
            ("subnet-id", "subnet-a"),
            ("vpc-id", "vpc-a")
        ]
    );
}

#[test]
fn a_load_balancers_interface_is_told_by_its_description_and_others_by_their_type() {
    let class = |kind: &str, description: &str| {
        let text = format!(
            r#"{{"NetworkInterfaceId": "eni-1", "InterfaceType": "{kind}", "Description": "{description}"}}"#
        );
        let asset = read_all(&text).unwrap().interfaces[0].asset(|_| None);
        (asset.class, asset.name.map(String::from))
    };
    assert_eq!(class("interface", "ELB app/shop/1"), (Some(AssetClass::LoadBalancer), Some("shop".into())));
    assert_eq!(class("nat_gateway", ""), (Some(AssetClass::NatGateway), None));
    assert_eq!(class("vpc_endpoint", "VPC Endpoint Interface vpce-1").0, Some(AssetClass::Endpoint));
    assert_eq!(class("gateway_load_balancer_endpoint", "").0, Some(AssetClass::LoadBalancer));
    assert_eq!(class("new_thing", "free text"), (None, None));
}

#[test]
fn instances_bring_their_interfaces_and_networks_all_their_ranges_that_are_in_use() {
    let described = read_all(
        r#"{"Reservations": [{"OwnerId": "1", "Instances": [{
            "InstanceId": "i-1", "VpcId": "vpc-a", "Placement": {"AvailabilityZone": "us-gov-west-1a"},
            "NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "VpcId": "vpc-a",
                "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.0.5"}]}],
            "Tags": [{"Key": "Name", "Value": "web"}]}]}],
          "Vpcs": [{"VpcId": "vpc-a", "OwnerId": "1", "CidrBlock": "10.0.0.0/16",
            "CidrBlockAssociationSet": [
                {"CidrBlock": "10.0.0.0/16", "CidrBlockState": {"State": "associated"}},
                {"CidrBlock": "10.9.0.0/16", "CidrBlockState": {"State": "disassociated"}}],
            "Ipv6CidrBlockAssociationSet": [
                {"Ipv6CidrBlock": "2600:1f16::/56", "Ipv6CidrBlockState": {"State": "associated"}}]}],
          "SecurityGroups": [{"GroupId": "sg-1", "GroupName": "web"}]}"#,
    )
    .unwrap();
    assert_eq!(described.attached[0].instance.as_deref(), Some("i-1"));
    assert_eq!(described.attached[0].scope.region.as_deref(), Some("us-gov-west-1"));
    assert_eq!(described.instances[0].asset().name.as_deref(), Some("web"));
    let nets: Vec<_> = described.networks[0].nets.iter().map(ToString::to_string).collect();
    assert_eq!(nets, ["10.0.0.0/16", "2600:1f16::/56"]);
    assert_eq!((described.groups.len(), described.len()), (1, 1 + 1 + 1 + 2 + 1));
}

#[test]
fn a_region_is_the_beginning_of_its_zones() {
    for (zone, expected) in [
        ("eu-west-1a", Some("eu-west-1")),
        ("us-west-2-lax-1a", Some("us-west-2")),
        ("us-east-1-wl1-bos-wlz-1", Some("us-east-1")),
        ("nowhere", None),
    ] {
        assert_eq!(region(zone), expected);
    }
}

#[test]
fn what_cannot_be_read_is_named_with_its_place() {
    for (text, expected) in [
        (
            r#"{"NetworkInterfaces": [{"NetworkInterfaceId": "eni-1"}, {"NetworkInterfaceId": "eni-2",
                "PrivateIpAddress": "10.0.0"}]}"#,
            "row 1, NetworkInterfaces[1]: \"10.0.0\" is no address and no CIDR",
        ),
        (
            r#"{"Reservations": [{"Instances": [{"InstanceId": "web"}]}]}"#,
            "row 1, Reservations[0]: Instances[0]: InstanceId: \"web\" does not begin with i-",
        ),
        (
            r#"{"Vpcs": [{"CidrBlock": "10.0.0.0/8"}]}"#,
            "row 1, Vpcs[0]: missing field `VpcId` at line 1 column 27",
        ),
        (
            r#"{"valid_from": "now", "Vpcs": []}"#,
            "row 1, column \"valid_from\": \"now\" is no time: write RFC 3339 (2026-11-21T11:30:00Z) or \
             seconds since 1970",
        ),
        (r#"{"Name": "x"}"#, "it is no description"),
        (r#"{"key": "i-1", "InstanceId": "i-2"}"#, "it is no description"),
    ] {
        assert_eq!(read_all(text).unwrap_err(), expected);
    }
}
