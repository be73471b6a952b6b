//! From an object that AWS's API describes things with to the things.

use std::{net::IpAddr, sync::Arc};

use ipnet::IpNet;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Described, Group, Instance, Interface, Network, Tags, naming, shape};
use crate::{
    enrich::{
        asset::{
            interval::{Interval, moment},
            scope::Scope,
        },
        error::AssetError,
    },
    event::AssetClass,
};

/// Things in the making, with what holds for all of one object.
struct Reading<'l> {
    described: &'l mut Described,
    valid: Interval,
}

/// Why a thing cannot be read.
type Cause = String;

/// Puts what `object`, number `row` of its list, describes to `described`; what it says no time of holds during `valid`.
/// Nothing is put, and `false` returned, where it is no description of AWS's.
///
/// # Errors
/// The first thing that cannot be understood.
pub(in crate::enrich::asset) fn read(
    row: u64,
    object: &RawValue,
    valid: Interval,
    described: &mut Described,
) -> Result<bool, AssetError> {
    let whole = |cause: Cause| AssetError::Row { row, cause };
    if !object.get().trim_start().starts_with('{') {
        return Ok(false);
    }
    let top: shape::Top<'_> = serde_json::from_str(object.get()).map_err(|error| whole(error.to_string()))?;
    if top.key.is_some() {
        return Ok(false);
    }
    let mut valid = valid;
    for (name, end, said) in
        [("valid_from", &mut valid.from, &top.valid_from), ("valid_to", &mut valid.to, &top.valid_to)]
    {
        let text = match said {
            None | Some(serde_json::Value::Null) => continue,
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        let column = |cause| AssetError::Column { row, column: name.to_owned(), cause };
        *end = moment(&text).map_err(column)?;
    }
    let mut reading = Reading { described, valid };
    let lists: [(&'static str, &Option<Vec<&RawValue>>, Put<'_>); 5] = [
        ("NetworkInterfaces", &top.network_interfaces, Reading::interface),
        ("Reservations", &top.reservations, Reading::reservation),
        ("Subnets", &top.subnets, Reading::network),
        ("Vpcs", &top.vpcs, Reading::network),
        ("SecurityGroups", &top.security_groups, Reading::group),
    ];
    let mut is_described = false;
    for (list, things, put) in lists {
        let Some(things) = things else { continue };
        is_described = true;
        for (index, thing) in things.iter().enumerate() {
            put(&mut reading, thing).map_err(|cause| AssetError::Described { row, list, index, cause })?;
        }
    }
    if is_described {
        return Ok(true);
    }
    // One thing by itself. A subnet names its VPC too, an instance and an interface name both, a group its VPC.
    let put: Put<'_> = if top.network_interface_id.is_some() {
        Reading::interface
    } else if top.instance_id.is_some() {
        |reading, thing| reading.instance(thing, None)
    } else if top.instances.is_some() {
        Reading::reservation
    } else if top.group_id.is_some() {
        Reading::group
    } else if top.subnet_id.is_some() || top.vpc_id.is_some() {
        Reading::network
    } else {
        return Ok(false);
    };
    put(&mut reading, object).map_err(whole)?;
    Ok(true)
}

/// Puts one thing to the others.
type Put<'l> = fn(&mut Reading<'l>, &RawValue) -> Result<(), Cause>;

// === impl Reading ===

impl Reading<'_> {
    fn interface(&mut self, thing: &RawValue) -> Result<(), Cause> {
        let said: shape::NetworkInterface = parsed(thing)?;
        let interface = self.interface_of(said, None)?;
        self.described.interfaces.push(interface);
        Ok(())
    }

    /// An interface; `instance` is who describes it, where it does not itself.
    fn interface_of(
        &self,
        said: shape::NetworkInterface,
        instance: Option<&str>,
    ) -> Result<Interface, Cause> {
        let scope = scope(said.owner_id, said.availability_zone.as_deref(), said.vpc_id);
        let mut nets = Vec::new();
        let mut public = Vec::new();
        let mut of = |association: Option<shape::Association>| {
            let Some(said) = association else { return Ok(()) };
            let all = [said.public_ip, said.carrier_ip, said.customer_owned_ip];
            put_nets(all.into_iter().flatten(), &mut public)
        };
        of(said.association)?;
        put_nets(said.private_ip_address, &mut nets)?;
        for address in said.private_ip_addresses.into_iter().flatten() {
            put_nets(address.private_ip_address, &mut nets)?;
            of(address.association)?;
        }
        put_nets(said.ipv6_addresses.into_iter().flatten().map(|said| said.address), &mut nets)?;
        put_nets(said.ipv4_prefixes.into_iter().flatten().map(|said| said.prefix), &mut nets)?;
        put_nets(said.ipv6_prefixes.into_iter().flatten().map(|said| said.prefix), &mut nets)?;

        let description = said.description.filter(|text| !text.trim().is_empty());
        let made = description.as_deref().and_then(naming::read);
        let word = said.interface_type.as_deref();
        let class = word.and_then(|word| AssetClass::of_interface_type(word.as_bytes()));
        // An Application Load Balancer's is of the type `interface`, as an instance's.
        let class = class.filter(|class| *class != AssetClass::Workload || made.is_none());
        let class = class.or(made.map(|(class, _)| class));
        let name = made.map(|(_, name)| name.into());
        let attached = said.attachment.and_then(|attachment| attachment.instance_id);
        Ok(Interface {
            id: id(said.network_interface_id, "NetworkInterfaceId", "eni-")?,
            scope,
            valid: self.valid,
            nets,
            public,
            instance: attached.as_deref().or(instance).map(Into::into),
            subnet: said.subnet_id.map(Into::into),
            groups: said
                .groups
                .into_iter()
                .flatten()
                .map(|group| (group.group_id.into(), group.group_name.map(Into::into)))
                .collect(),
            // What people write there is free text; what AWS does tells what the interface is.
            description: description.filter(|_| name.is_some()).map(Into::into),
            class,
            name,
            tags: tags(said.tag_set),
        })
    }

    fn reservation(&mut self, thing: &RawValue) -> Result<(), Cause> {
        let said: shape::Reservation<'_> = parsed(thing)?;
        for (index, instance) in said.instances.into_iter().flatten().enumerate() {
            self.instance(instance, said.owner_id.as_deref())
                .map_err(|cause| format!("Instances[{index}]: {cause}"))?;
        }
        Ok(())
    }

    fn instance(&mut self, thing: &RawValue, owner: Option<&str>) -> Result<(), Cause> {
        let said: shape::Instance = parsed(thing)?;
        let zone = said.placement.and_then(|placement| placement.availability_zone);
        for mut interface in said.network_interfaces.into_iter().flatten() {
            interface.owner_id = interface.owner_id.or_else(|| owner.map(Into::into));
            interface.availability_zone = interface.availability_zone.or_else(|| zone.clone());
            let interface = self.interface_of(interface, Some(&said.instance_id))?;
            self.described.attached.push(interface);
        }
        self.described.instances.push(Instance {
            id: id(said.instance_id, "InstanceId", "i-")?,
            valid: self.valid,
            vpc: said.vpc_id.map(Into::into),
            tags: tags(said.tags),
        });
        Ok(())
    }

    fn network(&mut self, thing: &RawValue) -> Result<(), Cause> {
        let said: shape::Network = parsed(thing)?;
        let mut nets = Vec::new();
        put_nets(said.cidr_block, &mut nets)?;
        let blocks = [said.cidr_block_association_set, said.ipv6_cidr_block_association_set];
        for block in blocks.into_iter().flatten().flatten() {
            let states = [block.cidr_block_state, block.ipv6_cidr_block_state];
            let states = states.into_iter().flatten().filter_map(|state| state.state);
            // A range that was taken away stays listed for a while.
            if states.into_iter().all(|state| state == "associated") {
                put_nets(block.cidr_block.into_iter().chain(block.ipv6_cidr_block), &mut nets)?;
            }
        }
        let is_subnet = said.subnet_id.is_some();
        let scope = scope(said.owner_id, said.availability_zone.as_deref(), Some(said.vpc_id.clone()));
        self.described.networks.push(Network {
            id: said.subnet_id.unwrap_or(said.vpc_id).into(),
            is_subnet,
            scope,
            valid: self.valid,
            nets,
            tags: tags(said.tags),
        });
        Ok(())
    }

    fn group(&mut self, thing: &RawValue) -> Result<(), Cause> {
        let said: shape::SecurityGroup = parsed(thing)?;
        if let Some(name) = said.group_name {
            self.described.groups.push(Group { id: said.group_id.into(), name: name.into() });
        }
        Ok(())
    }
}

fn parsed<'a, T: Deserialize<'a>>(thing: &'a RawValue) -> Result<T, Cause> {
    serde_json::from_str(thing.get()).map_err(|error| error.to_string())
}

fn id(id: String, member: &str, beginning: &str) -> Result<Box<str>, Cause> {
    if id.starts_with(beginning) {
        return Ok(id.into());
    }
    Err(format!("{member}: {id:?} does not begin with {beginning}"))
}

fn scope(owner: Option<String>, zone: Option<&str>, vpc: Option<String>) -> Arc<Scope> {
    let region = zone.and_then(region).map(Into::into);
    Arc::new(Scope { account: owner.map(Into::into), region, vpc: vpc.map(Into::into) })
}

/// The region of an availability, local or Wavelength zone: what goes up to its first number.
fn region(zone: &str) -> Option<&str> {
    let digit = zone.find(|letter: char| letter.is_ascii_digit())?;
    let rest = zone.get(digit..)?;
    let digits = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    zone.get(..digit + digits)
}

/// Puts addresses and ranges to `nets`, each once.
fn put_nets(texts: impl IntoIterator<Item = String>, nets: &mut Vec<IpNet>) -> Result<(), Cause> {
    for text in texts {
        let net = match text.parse::<IpAddr>() {
            Ok(address) => address.into(),
            Err(_) => {
                text.parse::<IpNet>().map_err(|_| format!("{text:?} is no address and no CIDR"))?.trunc()
            }
        };
        if !nets.contains(&net) {
            nets.push(net);
        }
    }
    Ok(())
}

fn tags(said: Option<Vec<shape::Tag>>) -> Tags {
    let said = said.into_iter().flatten();
    said.map(|tag| (tag.key.into(), tag.value.unwrap_or_default().into())).collect()
}

#[cfg(test)]
mod tests;
