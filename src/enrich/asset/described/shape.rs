//! The members of EC2's descriptions that are read, called as EC2's API reference calls them.

use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

/// An object of a list: what a `describe` command prints, one thing of it, or a row of our own.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Top<'a> {
    #[serde(borrow)]
    pub(super) network_interfaces: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    pub(super) reservations: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    pub(super) subnets: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    pub(super) vpcs: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    pub(super) security_groups: Option<Vec<&'a RawValue>>,
    /// Ours: since when what it describes holds, and until when.
    #[serde(rename = "valid_from")]
    pub(super) valid_from: Option<serde_json::Value>,
    #[serde(rename = "valid_to")]
    pub(super) valid_to: Option<serde_json::Value>,
    #[serde(rename = "key")]
    pub(super) key: Option<IgnoredAny>,
    pub(super) network_interface_id: Option<IgnoredAny>,
    pub(super) instances: Option<IgnoredAny>,
    pub(super) instance_id: Option<IgnoredAny>,
    pub(super) subnet_id: Option<IgnoredAny>,
    pub(super) vpc_id: Option<IgnoredAny>,
    pub(super) group_id: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NetworkInterface {
    pub(super) network_interface_id: String,
    pub(super) owner_id: Option<String>,
    pub(super) availability_zone: Option<String>,
    pub(super) vpc_id: Option<String>,
    pub(super) subnet_id: Option<String>,
    pub(super) private_ip_address: Option<String>,
    pub(super) private_ip_addresses: Option<Vec<PrivateAddress>>,
    #[serde(rename = "Ipv6Addresses")]
    pub(super) ipv6_addresses: Option<Vec<Ipv6Address>>,
    #[serde(rename = "Ipv4Prefixes")]
    pub(super) ipv4_prefixes: Option<Vec<Ipv4Prefix>>,
    #[serde(rename = "Ipv6Prefixes")]
    pub(super) ipv6_prefixes: Option<Vec<Ipv6Prefix>>,
    pub(super) association: Option<Association>,
    pub(super) attachment: Option<Attachment>,
    pub(super) groups: Option<Vec<GroupName>>,
    pub(super) interface_type: Option<String>,
    pub(super) description: Option<String>,
    pub(super) tag_set: Option<Vec<Tag>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PrivateAddress {
    pub(super) private_ip_address: Option<String>,
    pub(super) association: Option<Association>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Association {
    pub(super) public_ip: Option<String>,
    pub(super) carrier_ip: Option<String>,
    pub(super) customer_owned_ip: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Ipv6Address {
    #[serde(rename = "Ipv6Address")]
    pub(super) address: String,
}

#[derive(Deserialize)]
pub(super) struct Ipv4Prefix {
    #[serde(rename = "Ipv4Prefix")]
    pub(super) prefix: String,
}

#[derive(Deserialize)]
pub(super) struct Ipv6Prefix {
    #[serde(rename = "Ipv6Prefix")]
    pub(super) prefix: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attachment {
    pub(super) instance_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GroupName {
    pub(super) group_id: String,
    pub(super) group_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    pub(super) key: String,
    pub(super) value: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Reservation<'a> {
    pub(super) owner_id: Option<String>,
    #[serde(borrow)]
    pub(super) instances: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Instance {
    pub(super) instance_id: String,
    pub(super) vpc_id: Option<String>,
    pub(super) placement: Option<Placement>,
    pub(super) network_interfaces: Option<Vec<NetworkInterface>>,
    pub(super) tags: Option<Vec<Tag>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Placement {
    pub(super) availability_zone: Option<String>,
}

/// A subnet or a VPC.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Network {
    pub(super) subnet_id: Option<String>,
    pub(super) vpc_id: String,
    pub(super) owner_id: Option<String>,
    pub(super) availability_zone: Option<String>,
    pub(super) cidr_block: Option<String>,
    pub(super) cidr_block_association_set: Option<Vec<Block>>,
    #[serde(rename = "Ipv6CidrBlockAssociationSet")]
    pub(super) ipv6_cidr_block_association_set: Option<Vec<Block>>,
    pub(super) tags: Option<Vec<Tag>>,
}

/// A range of a subnet or VPC, of either family.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Block {
    pub(super) cidr_block: Option<String>,
    #[serde(rename = "Ipv6CidrBlock")]
    pub(super) ipv6_cidr_block: Option<String>,
    pub(super) cidr_block_state: Option<State>,
    #[serde(rename = "Ipv6CidrBlockState")]
    pub(super) ipv6_cidr_block_state: Option<State>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct State {
    pub(super) state: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SecurityGroup {
    pub(super) group_id: String,
    pub(super) group_name: Option<String>,
}
