//! What AWS says of an estate: interfaces, instances, subnets, VPCs and security groups, as the AWS CLI writes them with
//! `aws ec2 describe-…`. Members and values are those of EC2's API reference.

use std::sync::Arc;

use ipnet::IpNet;

use super::{interval::Interval, scope::Scope};
use crate::event::{Asset, AssetClass};

mod naming;
mod reading;
mod shape;

pub(super) use reading::read;

/// Everything that one list describes.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Described {
    /// Interfaces as they describe themselves.
    pub(super) interfaces: Vec<Interface>,
    /// Interfaces as their instances describe them, without tags.
    pub(super) attached: Vec<Interface>,
    pub(super) instances: Vec<Instance>,
    pub(super) networks: Vec<Network>,
    pub(super) groups: Vec<Group>,
}

/// Names and values, as AWS has them.
type Tags = Vec<(Box<str>, Box<str>)>;

/// A network interface.
#[derive(Debug, PartialEq)]
pub(super) struct Interface {
    pub(super) id: Box<str>,
    pub(super) scope: Arc<Scope>,
    pub(super) valid: Interval,
    /// Its own addresses and prefixes.
    pub(super) nets: Vec<IpNet>,
    /// Addresses that mean it to others: public and elastic ones, of a carrier or of an outpost's owner.
    pub(super) public: Vec<IpNet>,
    pub(super) instance: Option<Box<str>>,
    subnet: Option<Box<str>>,
    /// Security groups: ids, and names where it has them.
    groups: Vec<(Box<str>, Option<Box<str>>)>,
    /// What AWS says of an interface of its own making.
    description: Option<Box<str>>,
    class: Option<AssetClass>,
    name: Option<Box<str>>,
    tags: Tags,
}

/// An instance.
#[derive(Debug, PartialEq)]
pub(super) struct Instance {
    pub(super) id: Box<str>,
    pub(super) valid: Interval,
    vpc: Option<Box<str>>,
    tags: Tags,
}

/// A VPC or a subnet.
#[derive(Debug, PartialEq)]
pub(super) struct Network {
    id: Box<str>,
    /// Whether it is a subnet of the VPC that its scope names.
    pub(super) is_subnet: bool,
    pub(super) scope: Arc<Scope>,
    pub(super) valid: Interval,
    pub(super) nets: Vec<IpNet>,
    tags: Tags,
}

/// A security group.
#[derive(Debug, PartialEq)]
pub(super) struct Group {
    pub(super) id: Box<str>,
    pub(super) name: Box<str>,
}

/// The tag of AWS's consoles that holds a thing's name.
const NAME: &str = "Name";

// === impl Described ===

impl Described {
    /// Rows that it comes to: things, and the addresses they are found by.
    pub(super) fn len(&self) -> usize {
        let interfaces = self.interfaces.iter().chain(&self.attached);
        let interfaces = interfaces.map(|interface| 1 + interface.nets.len() + interface.public.len());
        let networks = self.networks.iter().map(|network| network.nets.len());
        interfaces.sum::<usize>() + networks.sum::<usize>() + self.instances.len() + self.groups.len()
    }

    /// Bytes of memory that it takes, to within what the allocator adds.
    pub(super) fn memory_bytes(&self) -> usize {
        let tags =
            |tags: &Tags| tags.iter().map(|(name, value)| name.len() + value.len() + 48).sum::<usize>();
        let interfaces = self.interfaces.iter().chain(&self.attached).map(|interface| {
            let nets = interface.nets.len() + interface.public.len();
            size_of::<Interface>() + nets * size_of::<IpNet>() + tags(&interface.tags) + 192
        });
        let instances =
            self.instances.iter().map(|instance| size_of::<Instance>() + tags(&instance.tags) + 64);
        let networks = self.networks.iter().map(|network| size_of::<Network>() + tags(&network.tags) + 128);
        interfaces.sum::<usize>()
            + instances.sum::<usize>()
            + networks.sum::<usize>()
            + self.groups.len() * 96
    }
}

// === impl Interface ===

impl Interface {
    /// The interface as an asset; `group` says what a security group is called.
    pub(super) fn asset<'a>(&'a self, group: impl Fn(&'a str) -> Option<&'a str>) -> Asset {
        let mut asset = tagged(&self.tags);
        asset.name = asset.name.or_else(|| self.name.clone());
        asset.class = self.class;
        tell(&mut asset, "interface-id", Some(&self.id));
        tell(&mut asset, "instance-id", self.instance.as_deref());
        tell(&mut asset, Asset::SUBNET_TAG, self.subnet.as_deref());
        tell(&mut asset, Asset::VPC_TAG, self.scope.vpc.as_deref());
        tell(&mut asset, "description", self.description.as_deref());
        let names: Vec<&str> = self
            .groups
            .iter()
            .map(|(id, name)| name.as_deref().or_else(|| group(id)).unwrap_or(id))
            .collect();
        tell(&mut asset, "security-groups", Some(names.join(",").as_str()).filter(|names| !names.is_empty()));
        asset
    }
}

// === impl Instance ===

impl Instance {
    /// The instance as an asset.
    pub(super) fn asset(&self) -> Asset {
        let mut asset = tagged(&self.tags);
        asset.class = Some(AssetClass::Workload);
        tell(&mut asset, "instance-id", Some(&self.id));
        tell(&mut asset, Asset::VPC_TAG, self.vpc.as_deref());
        asset
    }
}

// === impl Network ===

impl Network {
    /// The network as an asset.
    pub(super) fn asset(&self) -> Asset {
        let mut asset = tagged(&self.tags);
        tell(&mut asset, Asset::SUBNET_TAG, self.is_subnet.then_some(&*self.id));
        tell(&mut asset, Asset::VPC_TAG, self.scope.vpc.as_deref());
        asset
    }
}

/// An asset with `tags`, named by that of them which holds the name.
fn tagged(tags: &Tags) -> Asset {
    let name = tags.iter().find(|(name, value)| &**name == NAME && !value.trim().is_empty());
    let tags = tags.iter().filter(|(name, _)| &**name != NAME).cloned();
    Asset { name: name.map(|(_, value)| value.clone()), tags: tags.collect(), ..Asset::default() }
}

/// Says `value` in a tag called `name`, unless it has one of its own.
fn tell(asset: &mut Asset, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        asset.tags.entry(name.into()).or_insert_with(|| value.into());
    }
}
