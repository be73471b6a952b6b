//! The company whose network is logged: one VPC, its hosts with roles, addresses and ids, and what an asset list says.
//!
//! Nothing here depends on the seed, so that assets and addresses stand still while traffic is drawn anew.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::draw::scramble;
use super::field::Field;
use super::line::Sites;
use super::record::Record;

/// The account; AWS account ids may begin with a zero, and readers that make numbers of them lose it.
pub(super) const ACCOUNT: &str = "012345678901";
/// The region.
pub(super) const REGION: &str = "eu-west-1";
/// The VPC.
pub(super) const VPC: &str = "vpc-0f1e2d3c4b5a69788";
/// The flow log.
pub(super) const FLOW_LOG: &str = "fl-0a1b2c3d4e5f60718";

/// Host index of the NAT gateway, which has an interface but no instance.
pub(super) const NAT: u32 = 0;
/// Host index of the database of orders.
const ORDERS: u32 = 7;
/// Host index of the database that the intruder takes: a replica for reports, left open to the internet.
pub(super) const REPORTS: u32 = 9;
/// Host index of the backup server.
pub(super) const BACKUP: u32 = 10;
/// Host index of the bastion.
pub(super) const BASTION: u32 = 11;
/// Host index of the monitoring server.
pub(super) const MONITOR: u32 = 12;
/// Host index of the database server that [`REPORTS`] replicates.
pub(super) const PRIMARY: u32 = 8;

const SUBNETS: [&str; 4] = [
    "subnet-0aa11bb22cc33dd44",
    "subnet-0bb22cc33dd44ee55",
    "subnet-0cc33dd44ee55ff66",
    "subnet-0dd44ee55ff660011",
];
const HEX: &[u8; 16] = b"0123456789abcdef";

/// What a host is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Lets private hosts reach the internet.
    Nat,
    /// Serves clients over HTTPS.
    Web,
    /// Serves the web servers.
    App,
    /// PostgreSQL on 5432.
    Postgres,
    /// MySQL on 3306.
    MySql,
    /// Takes the nightly backups.
    Backup,
    /// Lets administrators in.
    Bastion,
    /// Scrapes and takes syslog.
    Monitor,
}

/// How many roles there are.
const ROLES: usize = Role::Monitor as usize + 1;

/// The hosts of an estate.
#[derive(Debug, Clone)]
pub(super) struct Estate {
    roles: Vec<Role>,
}

impl Estate {
    /// A NAT gateway and `hosts` hosts: the twelve of the demo first, then more of the same kinds.
    pub(super) fn new(hosts: u32) -> Self {
        use Role::{App, Backup, Bastion, Monitor, MySql, Nat, Postgres, Web};
        let first = [Nat, Web, Web, Web, App, App, App, Postgres, MySql, MySql, Backup, Bastion, Monitor];
        let more = [Web, App, App, Postgres, Web, App, MySql];
        let roles = first.into_iter().chain(more.into_iter().cycle());
        Self { roles: roles.take(hosts as usize + 1).collect() }
    }

    /// The role of a host.
    pub(super) fn role(&self, host: u32) -> Role {
        self.roles.get(host as usize).copied().unwrap_or(Role::App)
    }

    /// All hosts that have one of `roles`, in order.
    pub(super) fn with(&self, roles: &[Role]) -> Vec<u32> {
        (0_u32..).zip(&self.roles).filter(|(_, role)| roles.contains(role)).map(|(host, _)| host).collect()
    }

    /// All instances, in order.
    pub(super) fn instances(&self) -> Vec<u32> {
        (1..u32::try_from(self.roles.len()).unwrap_or(u32::MAX)).collect()
    }

    /// Whether the host reaches the internet by itself and not through the NAT gateway.
    pub(super) fn is_public(&self, host: u32) -> bool {
        matches!(self.role(host), Role::Nat | Role::Web | Role::Bastion) || host == REPORTS
    }
}

/// The asset list of the estate with `hosts` hosts: CSV with the columns key, name, owner, role, criticality, tags,
/// where a key is a CIDR, an address, an interface id or an instance id.
#[must_use]
pub fn assets_csv(hosts: u32) -> String {
    let estate = Estate::new(hosts);
    let mut of_role = [0_u32; ROLES];
    let mut csv = String::from("key,name,owner,role,criticality,tags\n");
    csv.push_str("10.20.0.0/16,shop-vpc,platform,network,low,env=prod;region=eu-west-1\n");
    csv.push_str("2001:db8:20::/56,shop-vpc-v6,platform,network,low,env=prod;region=eu-west-1\n");
    csv.push_str("198.51.100.0/25,office-dublin,it,office,medium,site=dublin\n");
    for host in std::iter::once(NAT).chain(estate.instances()) {
        let role = estate.role(host);
        let (kind, owner, title, criticality, tier) = match role {
            Role::Nat => ("nat", "platform", "nat gateway", "medium", "edge"),
            Role::Web => ("web", "storefront", "web server", "high", "edge"),
            Role::App => ("app", "storefront", "app server", "high", "app"),
            Role::Postgres => ("postgres", "orders", "database", "critical", "data"),
            Role::MySql => ("mysql", "customers", "database", "critical", "data"),
            Role::Backup => ("backup", "platform", "backup server", "high", "data"),
            Role::Bastion => ("bastion", "platform", "bastion", "high", "edge"),
            Role::Monitor => ("monitor", "platform", "monitoring", "medium", "app"),
        };
        of_role[role as usize] += 1;
        let name = match host {
            ORDERS => "orders-db".to_owned(),
            PRIMARY => "customers-db".to_owned(),
            REPORTS => "reports-db".to_owned(),
            _ => format!("{kind}-{}", of_role[role as usize]),
        };
        for key in asset_keys(&estate, host) {
            csv.push_str(&format!("{key},{name},{owner},{title},{criticality},env=prod;tier={tier}\n"));
        }
    }
    csv
}

/// The keys under which the asset list has a host: its address, which both ends of a record show; for web servers
/// also the second family's; the gateway by its interface, which outlives its address; instances that anybody can
/// reach also by their id, which logs of version 3 and up show.
fn asset_keys(estate: &Estate, host: u32) -> Vec<String> {
    let text = |id: &[u8]| String::from_utf8_lossy(id).into_owned();
    match estate.role(host) {
        Role::Nat => vec![text(&interface_id(host))],
        Role::Web => vec![v4(host).to_string(), v6(host).to_string(), text(&instance_id(host))],
        _ if estate.is_public(host) => vec![v4(host).to_string(), text(&instance_id(host))],
        _ => vec![v4(host).to_string()],
    }
}

/// The host's IPv4 address: 10.20.0.0/16 in the order of the hosts, and all of 10.0.0.0/8 for large loads.
#[inline]
pub(super) fn v4(host: u32) -> IpAddr {
    let offset = if host < 60_010 { 0x0A14_0000 + 10 } else { 0x0A15_0000 - 60_010 };
    let wrapped = 0x0A00_0000 | ((offset + host) & 0x00FF_FFFF);
    IpAddr::V4(Ipv4Addr::from_bits(wrapped))
}

/// The host's IPv6 address in 2001:db8:20::/56.
#[inline]
pub(super) fn v6(host: u32) -> IpAddr {
    let subnet = u128::from(host % 4);
    IpAddr::V6(Ipv6Addr::from_bits(
        0x2001_0db8_0020_0000_0000_0000_0000_0000 | subnet << 64 | u128::from(host + 10),
    ))
}

/// `eni-` and 17 hexadecimal digits.
pub(super) fn interface_id(host: u32) -> [u8; 21] {
    numbered_interface(u64::from(host))
}

/// `i-` and 17 hexadecimal digits.
pub(super) fn instance_id(host: u32) -> [u8; 19] {
    numbered_instance(u64::from(host))
}

/// An id of 17 hexadecimal digits after `prefix`, of thing number `serial` of its kind.
pub(super) fn numbered(prefix: &str, serial: u64) -> String {
    let kind = prefix.bytes().fold(0, |kind: u64, byte| kind << 8 | u64::from(byte));
    format!("{prefix}{:017x}", scramble(kind << 24 ^ serial))
}

/// The id of interface number `serial`.
pub(super) fn numbered_interface(serial: u64) -> [u8; 21] {
    let mut id = *b"eni-00000000000000000";
    hex(scramble(serial << 1), &mut id[5..]);
    id
}

/// The id of instance number `serial`.
pub(super) fn numbered_instance(serial: u64) -> [u8; 19] {
    let mut id = *b"i-00000000000000000";
    hex(scramble(serial << 1 | 1), &mut id[3..]);
    id
}

/// Whether the host is an instance; the NAT gateway is not.
pub(super) fn has_instance(host: u32) -> bool {
    host != NAT
}

/// The subnet of the host.
pub(super) fn subnet_id(host: u32) -> &'static str {
    SUBNETS[host as usize % SUBNETS.len()]
}

/// The availability zone of the host.
pub(super) fn az_id(host: u32) -> &'static str {
    ["euw1-az1", "euw1-az2"][host as usize % 2]
}

/// What lines say about the company's interfaces.
pub(super) struct Company;

impl Sites for Company {
    fn place(&self, field: Field, record: &Record, out: &mut Vec<u8>) {
        match field {
            Field::AccountId => out.extend_from_slice(ACCOUNT.as_bytes()),
            Field::InterfaceId => out.extend_from_slice(&interface_id(record.host)),
            Field::VpcId => out.extend_from_slice(VPC.as_bytes()),
            Field::SubnetId => out.extend_from_slice(subnet_id(record.host).as_bytes()),
            Field::InstanceId if has_instance(record.host) => {
                out.extend_from_slice(&instance_id(record.host));
            }
            Field::Region => out.extend_from_slice(REGION.as_bytes()),
            Field::AzId => out.extend_from_slice(az_id(record.host).as_bytes()),
            _ => out.push(b'-'),
        }
    }
}

/// Writes `value` in as many hexadecimal digits as `out` has room for.
fn hex(value: u64, out: &mut [u8]) {
    for (place, digit) in out.iter_mut().rev().enumerate() {
        *digit = HEX[(value >> (4 * place) & 15) as usize];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_host_of_the_largest_load_has_an_address_of_its_own() {
        let mut taken = vec![false; 1 << 24];
        for host in 0..=16_000_000 {
            let IpAddr::V4(address) = v4(host) else { panic!("{host} has no IPv4 address") };
            let bits = address.to_bits();
            assert_eq!(bits >> 24, 10, "{address}");
            let place = &mut taken[bits as usize & 0x00FF_FFFF];
            assert!(!*place, "{address} is taken twice");
            *place = true;
        }
    }

    #[test]
    fn the_asset_list_names_every_host_and_no_key_twice() {
        let csv = assets_csv(40);
        let names: BTreeSet<&str> = csv.lines().skip(1).filter_map(|line| line.split(',').nth(1)).collect();
        assert_eq!(names.len(), 3 + 41);
        assert!(csv.lines().all(|line| line.split(',').count() == 6));
        let keys: BTreeSet<&str> = csv.lines().filter_map(|line| line.split(',').next()).collect();
        assert_eq!(keys.len(), csv.lines().count());
        assert!(names.contains("reports-db") && names.contains("web-1") && names.contains("backup-1"));
    }
}
