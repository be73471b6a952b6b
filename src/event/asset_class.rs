//! What kind of thing an interface is to the network: does it work, or does it pass on what others send?

/// The class of an asset or interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AssetClass {
    /// An instance, a container, a database: what it sends is its own.
    Workload,
    /// A NAT gateway, zonal or regional.
    NatGateway,
    /// A load balancer of any kind, a gateway load balancer's endpoint, and what AWS puts in front of targets as one:
    /// the interfaces of Global Accelerator and of API Gateway's links.
    LoadBalancer,
    /// The interface of a VPC endpoint, or of an endpoint of EC2 Instance Connect.
    Endpoint,
    /// An attachment of a transit gateway.
    TransitGateway,
    /// The interface of functions of Lambda.
    Lambda,
}

/// Every class and its name, as lists and documents have it.
const NAMES: [(&str, AssetClass); 6] = [
    ("workload", AssetClass::Workload),
    ("nat_gateway", AssetClass::NatGateway),
    ("load_balancer", AssetClass::LoadBalancer),
    ("endpoint", AssetClass::Endpoint),
    ("transit_gateway", AssetClass::TransitGateway),
    ("lambda", AssetClass::Lambda),
];

// === impl AssetClass ===

impl AssetClass {
    /// Its name: `nat_gateway`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        let (name, _) = NAMES[self as usize];
        name
    }

    /// The class called `name`, as lists of assets have it.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, class)| *class)
    }

    /// The names of all classes.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }

    /// The class of an interface whose type is `word`: the column `interface-type` of flow logs of version 11, or
    /// `InterfaceType` of EC2's API (`NetworkInterface`). None for a word that neither documents.
    #[must_use]
    pub fn of_interface_type(word: &[u8]) -> Option<Self> {
        Some(match word {
            b"interface"
            | b"efa"
            | b"efa-only"
            | b"trunk"
            | b"branch"
            | b"quicksight"
            | b"iot_rules_managed"
            | b"aws_codestar_connections_managed" => Self::Workload,
            b"nat_gateway" | b"natGateway" | b"regional_nat_gateway" => Self::NatGateway,
            b"load_balancer"
            | b"network_load_balancer"
            | b"gateway_load_balancer"
            | b"gateway_load_balancer_endpoint"
            | b"global_accelerator_managed"
            | b"api_gateway_managed" => Self::LoadBalancer,
            b"vpc_endpoint" | b"ec2_instance_connect_endpoint" => Self::Endpoint,
            b"transit_gateway" => Self::TransitGateway,
            b"lambda" => Self::Lambda,
            _ => return None,
        })
    }

    /// A word that [`Self::of_interface_type`] reads as this class.
    #[must_use]
    pub const fn interface_type(self) -> &'static [u8] {
        match self {
            Self::Workload => b"interface",
            Self::NatGateway => b"nat_gateway",
            Self::LoadBalancer => b"load_balancer",
            Self::Endpoint => b"vpc_endpoint",
            Self::TransitGateway => b"transit_gateway",
            Self::Lambda => b"lambda",
        }
    }

    /// Whether what it sends is other people's: how much and how evenly says something of it, whom it talks to says
    /// something of those behind it only. So of all but workloads and Lambda: an endpoint or a load balancer does nothing
    /// that nobody asked it for.
    #[must_use]
    pub const fn passes_traffic(self) -> bool {
        matches!(self, Self::NatGateway | Self::LoadBalancer | Self::Endpoint | Self::TransitGateway)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_found_by_its_name_and_no_two_share_one() {
        for (index, (name, class)) in NAMES.into_iter().enumerate() {
            assert_eq!((class as usize, class.name()), (index, name));
            assert_eq!(AssetClass::of_name(name), Some(class));
            assert_eq!(AssetClass::of_interface_type(class.interface_type()), Some(class));
        }
        assert_eq!(AssetClass::of_name("router"), None);
    }

    #[test]
    fn every_documented_interface_type_of_version_11_passes_traffic_and_a_hosts_and_lambdas_do_not() {
        for word in [
            "nat_gateway",
            "network_load_balancer",
            "regional_nat_gateway",
            "transit_gateway",
            "vpc_endpoint",
        ] {
            assert!(AssetClass::of_interface_type(word.as_bytes()).unwrap().passes_traffic(), "{word}");
        }
        for word in ["interface", "lambda", "trunk"] {
            assert!(!AssetClass::of_interface_type(word.as_bytes()).unwrap().passes_traffic(), "{word}");
        }
        assert_eq!(AssetClass::of_interface_type(b"-"), None);
    }
}
