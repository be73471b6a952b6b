//! The rows of the describe calls, with the member names that AWS documents and the values that a reader looks at.

use std::net::IpAddr;

use serde_json::{Value, json};

use crate::generate::bundle::moment;
use crate::generate::draw::scramble;
use crate::generate::estate::numbered;

use crate::generate::fleet::Fleet;
use crate::generate::fleet::ground::Vpc;
use crate::generate::fleet::nic::{Kind, Nic};
use crate::generate::fleet::service::{Role, Service};
use crate::generate::fleet::text::{environment, task_id};

/// A row of `NetworkInterfaces`.
pub(super) fn interface(fleet: &Fleet, nic: &Nic) -> Value {
    let vpc = &fleet.vpcs[nic.vpc];
    let service = fleet.services.get(nic.service as usize);
    let id = text(&nic.id);
    let mut row = json!({
        "AvailabilityZone": zone(vpc, nic.subnet),
        "AvailabilityZoneId": vpc.subnets[nic.subnet].zone,
        "Attachment": {
            "AttachTime": moment(nic.born).to_string(),
            "AttachmentId": numbered("eni-attach-", nic.serial),
            "DeleteOnTermination": true,
            "DeviceIndex": i32::from(nic.kind != Kind::Instance),
            "InstanceOwnerId": if nic.instance.is_some() { vpc.account.as_str() } else { requester(nic.kind) },
            "Status": "attached",
        },
        "Description": description(vpc, service, nic),
        "Groups": groups(service, nic),
        "InterfaceType": interface_type(nic.kind),
        "Ipv6Addresses": [{ "Ipv6Address": nic.six, "IsPrimaryIpv6": false }],
        "MacAddress": mac(nic.serial),
        "NetworkInterfaceId": id,
        "OwnerId": vpc.account,
        "PrivateDnsName": private_name(vpc, nic.four.into()),
        "PrivateIpAddress": nic.four,
        "PrivateIpAddresses": [{ "Primary": true, "PrivateIpAddress": nic.four }],
        "RequesterManaged": nic.instance.is_none(),
        "SourceDestCheck": nic.kind.is_workload(),
        "Status": "in-use",
        "SubnetId": vpc.subnets[nic.subnet].id,
        "TagSet": tags(fleet, nic),
        "VpcId": vpc.id,
    });
    if let Some(instance) = &nic.instance {
        row["Attachment"]["InstanceId"] = text(instance).into();
    } else {
        row["RequesterId"] = requester(nic.kind).into();
    }
    if let Some(public) = nic.public {
        row["Association"] = json!({ "IpOwnerId": vpc.account, "PublicIp": public, "PublicDnsName": "" });
    }
    row
}

/// A row of `Instances`, where the interface is an instance's first.
pub(super) fn instance(fleet: &Fleet, nic: &Nic) -> Option<Value> {
    let vpc = &fleet.vpcs[nic.vpc];
    let service = fleet.services.get(nic.service as usize)?;
    let id = nic.instance.as_ref().filter(|_| nic.kind == Kind::Instance)?;
    Some(json!({
        "ImageId": numbered("ami-", 1),
        "InstanceId": text(id),
        "InstanceType": if service.role == Role::Database { "r7g.2xlarge" } else { "m7g.large" },
        "LaunchTime": moment(nic.born).to_string(),
        "NetworkInterfaces": [{
            "NetworkInterfaceId": text(&nic.id),
            "PrivateIpAddress": nic.four,
            "Ipv6Addresses": [{ "Ipv6Address": nic.six }],
            "SubnetId": vpc.subnets[nic.subnet].id,
            "VpcId": vpc.id,
        }],
        "Placement": { "AvailabilityZone": zone(vpc, nic.subnet), "Tenancy": "default" },
        "PrivateDnsName": private_name(vpc, nic.four.into()),
        "PrivateIpAddress": nic.four,
        "SecurityGroups": groups(Some(service), nic),
        "State": { "Code": 16, "Name": "running" },
        "SubnetId": vpc.subnets[nic.subnet].id,
        "Tags": tags(fleet, nic),
        "VpcId": vpc.id,
    }))
}

/// A row of `Reservations`, with one instance.
pub(super) fn reservation(account: &str, ordinal: u64, instance: Value) -> Value {
    json!({ "Instances": [instance], "OwnerId": account, "ReservationId": numbered("r-", ordinal) })
}

/// A row of `Subnets`.
pub(super) fn subnet(vpc: &Vpc, subnet: usize) -> Value {
    let [four, six] = vpc.subnet_cidrs(subnet);
    let id = &vpc.subnets[subnet].id;
    let reach = if subnet < 2 { "public" } else { "private" };
    json!({
        "AssignIpv6AddressOnCreation": true,
        "AvailabilityZone": zone(vpc, subnet),
        "AvailabilityZoneId": vpc.subnets[subnet].zone,
        "CidrBlock": four,
        "DefaultForAz": false,
        "Ipv6CidrBlockAssociationSet": [six_block("subnet-cidr-assoc-", subnet as u64 ^ u64::from(vpc.four), &six)],
        "MapPublicIpOnLaunch": subnet < 2,
        "OwnerId": vpc.account,
        "State": "available",
        "SubnetArn": format!("arn:aws:ec2:{}:{}:subnet/{id}", vpc.region, vpc.account),
        "SubnetId": id,
        "Tags": [{ "Key": "Name", "Value": format!("{reach}-{}", subnet % 2 + 1) }],
        "VpcId": vpc.id,
    })
}

/// A row of `Vpcs`.
pub(super) fn vpc(vpc: &Vpc, place: usize) -> Value {
    let block = json!({
        "AssociationId": numbered("vpc-cidr-assoc-", place as u64),
        "CidrBlock": vpc.cidr(),
        "CidrBlockState": { "State": "associated" },
    });
    json!({
        "CidrBlock": vpc.cidr(),
        "CidrBlockAssociationSet": [block],
        "DhcpOptionsId": numbered("dopt-", place as u64),
        "InstanceTenancy": "default",
        "Ipv6CidrBlockAssociationSet": [six_block("vpc-cidr-assoc-", place as u64 + 1_000, &vpc.cidr_six())],
        "IsDefault": false,
        "OwnerId": vpc.account,
        "State": "available",
        "Tags": [
            { "Key": "Name", "Value": format!("{}-{}", environment(place), place + 1) },
            { "Key": "environment", "Value": environment(place) },
        ],
        "VpcId": vpc.id,
    })
}

/// A row of `SecurityGroups`: the group of one service, which lets its own port in from the VPC and everything out.
pub(super) fn security_group(fleet: &Fleet, service: &Service) -> Value {
    let vpc = &fleet.vpcs[service.vpc];
    let permission = |protocol: &str, ports: Option<u16>, cidr: &str| {
        let mut permission = json!({
            "IpProtocol": protocol,
            "IpRanges": [{ "CidrIp": cidr }],
            "Ipv6Ranges": [],
            "PrefixListIds": [],
            "UserIdGroupPairs": [],
        });
        if let Some(port) = ports {
            permission["FromPort"] = port.into();
            permission["ToPort"] = port.into();
        }
        permission
    };
    json!({
        "Description": format!("members of {}", service.name),
        "GroupId": service.security_group,
        "GroupName": service.name,
        "IpPermissions": [permission("tcp", Some(service.role.port()), "10.0.0.0/8")],
        "IpPermissionsEgress": [permission("-1", None, "0.0.0.0/0")],
        "OwnerId": vpc.account,
        "Tags": [{ "Key": "service", "Value": service.name }],
        "VpcId": vpc.id,
    })
}

/// What `InterfaceType` says.
pub(super) fn interface_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Nat => "nat_gateway",
        Kind::Endpoint => "vpc_endpoint",
        Kind::Transit => "transit_gateway",
        Kind::Lambda => "lambda",
        Kind::Instance | Kind::Task | Kind::LoadBalancer | Kind::Spare => "interface",
    }
}

/// Who asked for an interface that belongs to no instance.
fn requester(kind: Kind) -> &'static str {
    match kind {
        Kind::LoadBalancer => "amazon-elb",
        Kind::Lambda => "awslambda",
        _ => "amazon-aws",
    }
}

/// How AWS says whose interface it is; for load balancers and functions it stands nowhere else.
fn description(vpc: &Vpc, service: Option<&Service>, nic: &Nic) -> String {
    let name = service.map_or("", |service| service.name.as_str());
    let serial = nic.serial;
    match nic.kind {
        Kind::Instance | Kind::Spare => String::new(),
        Kind::Task => {
            let id = task_id(serial ^ 0xA77);
            format!("arn:aws:ecs:{}:{}:attachment/{id}", vpc.region, vpc.account)
        }
        Kind::Lambda => format!("AWS Lambda VPC ENI-{name}-{}", task_id(serial)),
        Kind::LoadBalancer => format!("ELB app/{name}/{:016x}", scramble(u64::from(nic.service))),
        Kind::Nat => format!("Interface for NAT Gateway {}", numbered("nat-", serial)),
        Kind::Endpoint => format!("VPC Endpoint Interface {}", numbered("vpce-", nic.vpc as u64)),
        Kind::Transit => {
            format!(
                "Network Interface for Transit Gateway Attachment {}",
                numbered("tgw-attach-", nic.vpc as u64)
            )
        }
    }
}

fn groups(service: Option<&Service>, nic: &Nic) -> Value {
    match service {
        Some(service) if nic.kind.is_workload() => {
            json!([{ "GroupId": service.security_group, "GroupName": service.name }])
        }
        _ => json!([]),
    }
}

fn tags(fleet: &Fleet, nic: &Nic) -> Value {
    let Some(service) = fleet.services.get(nic.service as usize) else { return json!([]) };
    let tag = |key: &str, value: &str| json!({ "Key": key, "Value": value });
    let mut tags = vec![tag("environment", environment(nic.vpc))];
    match nic.kind {
        Kind::Instance => {
            tags.push(tag("Name", &service.name));
            tags.push(tag("service", &service.name));
            if service.has_group() {
                tags.push(tag("aws:autoscaling:groupName", &service.name));
            }
        }
        Kind::Task => {
            tags.push(tag("aws:ecs:clusterName", "main"));
            tags.push(tag("aws:ecs:serviceName", &service.name));
        }
        _ => {}
    }
    Value::Array(tags)
}

fn six_block(prefix: &str, serial: u64, block: &str) -> Value {
    json!({
        "AssociationId": numbered(prefix, serial),
        "Ipv6CidrBlock": block,
        "Ipv6CidrBlockState": { "State": "associated" },
    })
}

/// The zone's name in the account; ids and names agree here, which they need not in AWS.
fn zone(vpc: &Vpc, subnet: usize) -> String {
    format!("{}{}", vpc.region, if subnet.is_multiple_of(2) { 'a' } else { 'b' })
}

fn private_name(vpc: &Vpc, address: IpAddr) -> String {
    format!("ip-{}.{}.compute.internal", address.to_string().replace('.', "-"), vpc.region)
}

fn mac(serial: u64) -> String {
    let [a, b, c, d, ..] = scramble(serial).to_le_bytes();
    format!("06:{a:02x}:{b:02x}:{c:02x}:{d:02x}:5f")
}

fn text(id: &[u8]) -> String {
    String::from_utf8_lossy(id).into_owned()
}
