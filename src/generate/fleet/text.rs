//! What lines say about a fleet's interfaces: ids, ECS, tags, and the interface on the other side.

use crate::generate::draw::scramble;
use crate::generate::field::Field;
use crate::generate::line::{Sites, number};
use crate::generate::record::{NOBODY, Record};

use super::Fleet;
use super::nic::{Kind, Nic};
use super::service::Service;

/// Encryption by Nitro, between instances that reach each other directly.
const ENCRYPTED_BY_NITRO: u64 = 1;

impl Sites for Fleet {
    fn place(&self, field: Field, record: &Record, out: &mut Vec<u8>) {
        let nic = self.nics.get(record.host);
        let (vpc, subnet) = (&self.vpcs[nic.vpc], &self.vpcs[nic.vpc].subnets[nic.subnet]);
        match field {
            Field::AccountId => out.extend_from_slice(vpc.account.as_bytes()),
            Field::InterfaceId => out.extend_from_slice(&nic.id),
            Field::VpcId => out.extend_from_slice(vpc.id.as_bytes()),
            Field::SubnetId => out.extend_from_slice(subnet.id.as_bytes()),
            Field::InstanceId => out.extend_from_slice(nic.instance.as_ref().map_or(b"-", |id| id)),
            Field::Region => out.extend_from_slice(vpc.region.as_bytes()),
            Field::AzId => out.extend_from_slice(subnet.zone.as_bytes()),
            Field::InterfaceType => out.extend_from_slice(nic.kind.flow_log_type().as_bytes()),
            Field::EncryptionStatus => number(self.encryption(nic, record), out),
            Field::NextHopInterfaceId
            | Field::NextHopSubnetId
            | Field::NextHopAzId
            | Field::NextHopVpcId
            | Field::NextHopInterfaceType => self.next_hop(field, record.next, out),
            Field::InstanceTag | Field::InstanceTag2 | Field::InterfaceTag | Field::AsgTag => {
                self.tag(field, nic, out);
            }
            _ if nic.kind == Kind::Task => task(field, nic, &self.services[nic.service as usize], out),
            _ => out.push(b'-'),
        }
    }
}

impl Fleet {
    fn encryption(&self, nic: &Nic, record: &Record) -> u64 {
        let direct =
            record.next != NOBODY && nic.kind.is_workload() && self.nics.get(record.next).kind.is_workload();
        if direct { ENCRYPTED_BY_NITRO } else { 0 }
    }

    fn next_hop(&self, field: Field, next: u32, out: &mut Vec<u8>) {
        if next == NOBODY {
            out.push(b'-');
            return;
        }
        let nic = self.nics.get(next);
        let (vpc, subnet) = (&self.vpcs[nic.vpc], &self.vpcs[nic.vpc].subnets[nic.subnet]);
        out.extend_from_slice(match field {
            Field::NextHopInterfaceId => &nic.id,
            Field::NextHopSubnetId => subnet.id.as_bytes(),
            Field::NextHopAzId => subnet.zone.as_bytes(),
            Field::NextHopVpcId => vpc.id.as_bytes(),
            _ => nic.kind.flow_log_type().as_bytes(),
        });
    }

    /// Tags of the instance (its service, its environment), of the interface (what it is for) and of the group.
    fn tag(&self, field: Field, nic: &Nic, out: &mut Vec<u8>) {
        let service = self.services.get(nic.service as usize);
        let name = service.map(|service| service.name.as_str());
        let tag = match field {
            Field::InstanceTag if nic.kind == Kind::Instance => name,
            Field::InstanceTag2 if nic.kind == Kind::Instance => Some(environment(nic.vpc)),
            Field::InterfaceTag => {
                name.filter(|_| nic.kind != Kind::LoadBalancer).or(Some(nic.kind.purpose()))
            }
            Field::AsgTag if service.is_some_and(Service::has_group) => name,
            _ => None,
        };
        match tag {
            Some(tag) => percent_encoded(tag, out),
            None => out.push(b'-'),
        }
    }
}

impl Kind {
    /// What the interface's tag says where no service stands behind it.
    fn purpose(self) -> &'static str {
        match self {
            Self::Nat => "nat",
            Self::LoadBalancer => "balancer",
            Self::Endpoint => "endpoint",
            Self::Transit => "transit",
            _ => "spare",
        }
    }
}

/// The environment of a VPC.
pub(super) fn environment(vpc: usize) -> &'static str {
    if vpc % 4 == 2 { "staging" } else { "prod" }
}

/// The id of a task: 32 hexadecimal digits.
pub(super) fn task_id(serial: u64) -> String {
    format!("{:016x}{:016x}", scramble(serial ^ 0x7A5C), scramble(serial ^ 0xEC5))
}

fn task(field: Field, nic: &Nic, service: &Service, out: &mut Vec<u8>) {
    match field {
        Field::EcsClusterArn => out.extend_from_slice(service.cluster_arn.as_bytes()),
        Field::EcsClusterName => out.extend_from_slice(b"main"),
        Field::EcsServiceName => out.extend_from_slice(service.name.as_bytes()),
        Field::EcsTaskDefinitionArn => out.extend_from_slice(service.task_definition_arn.as_bytes()),
        Field::EcsTaskArn => {
            out.extend_from_slice(service.cluster_arn.replace(":cluster/", ":task/").as_bytes());
            out.push(b'/');
            out.extend_from_slice(task_id(nic.serial).as_bytes());
        }
        Field::EcsTaskId => out.extend_from_slice(task_id(nic.serial).as_bytes()),
        Field::EcsContainerId => {
            out.extend_from_slice(task_id(nic.serial).as_bytes());
            out.extend_from_slice(b"-0527074092");
        }
        // Fargate has no container instances, and the tasks have one container each.
        _ => out.push(b'-'),
    }
}

/// All but letters and digits as AWS writes tags: `-` becomes `%2D`.
fn percent_encoded(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            out.push(byte);
        } else {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
}
