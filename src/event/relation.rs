//! How the two ends of a session lie to each other.

use super::{Asset, Endpoint};

/// Where a session goes, the nearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Relation {
    /// Both ends are in one subnet.
    WithinSubnet,
    /// Both are in one VPC.
    WithinVpc,
    /// Each is in a VPC of its own.
    BetweenVpcs,
    /// One is in a VPC, and the other inside, but in no network that the assets describe.
    OnPremises,
    /// One is inside, and the other a service that AWS runs.
    AwsService,
    /// One is inside, and the other neither that nor a service that AWS runs.
    Internet,
}

/// Services of AWS whose addresses its customers rent: who is behind them is not AWS.
const RENTED: [&str; 5] =
    ["EC2", "CLOUDFRONT", "CLOUDFRONT_ORIGIN_FACING", "GLOBALACCELERATOR", "WORKSPACES_GATEWAYS"];

/// Whether `service`, as AWS calls it, is one that AWS itself runs, and not where others rent.
#[must_use]
pub fn is_run_by_aws(service: &str) -> bool {
    !service.is_empty() && !RENTED.contains(&service)
}

// === impl Relation ===

impl Relation {
    /// Every relation, the nearest first.
    pub const ALL: [Self; 6] = [
        Self::WithinSubnet,
        Self::WithinVpc,
        Self::BetweenVpcs,
        Self::OnPremises,
        Self::AwsService,
        Self::Internet,
    ];

    /// How `one` and `other` lie to each other. None where both are outside, or both inside and no asset says where.
    #[must_use]
    pub fn between(one: &Endpoint, other: &Endpoint) -> Option<Self> {
        let far = match (one.internal, other.internal) {
            (true, true) => return Self::inside(one.asset.as_deref(), other.asset.as_deref()),
            (true, false) => other,
            (false, true) => one,
            (false, false) => return None,
        };
        Some(if far.is_run_by_aws() { Self::AwsService } else { Self::Internet })
    }

    fn inside(one: Option<&Asset>, other: Option<&Asset>) -> Option<Self> {
        let both = |tag: &str| [one, other].map(|asset| asset.and_then(|asset| asset.tags.get(tag)));
        if let [Some(one), Some(other)] = both(Asset::SUBNET_TAG)
            && one == other
        {
            return Some(Self::WithinSubnet);
        }
        match both(Asset::VPC_TAG) {
            [Some(one), Some(other)] if one == other => Some(Self::WithinVpc),
            [Some(_), Some(_)] => Some(Self::BetweenVpcs),
            [Some(_), None] | [None, Some(_)] => Some(Self::OnPremises),
            [None, None] => None,
        }
    }

    /// What documents call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WithinSubnet => "within_subnet",
            Self::WithinVpc => "within_vpc",
            Self::BetweenVpcs => "between_vpcs",
            Self::OnPremises => "on_premises",
            Self::AwsService => "aws_service",
            Self::Internet => "internet",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::event::Provider;

    const SUBNET: &str = Asset::SUBNET_TAG;
    const VPC: &str = Asset::VPC_TAG;

    fn inside(tags: &[(&str, &str)]) -> Endpoint {
        let tags = tags.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let asset = Some(Arc::new(Asset { tags, ..Asset::default() }));
        Endpoint { internal: true, asset, ..Endpoint::default() }
    }

    fn outside(name: &str, service: Option<&str>) -> Endpoint {
        let provider = Provider::new(0, name, service, None);
        Endpoint { provider: Some(Arc::new(provider)), ..Endpoint::default() }
    }

    #[test]
    fn the_assets_and_the_providers_tell_where_a_session_goes() {
        let (a1, a2) =
            (&[(SUBNET, "subnet-1"), (VPC, "vpc-a")][..], &[(SUBNET, "subnet-2"), (VPC, "vpc-a")][..]);
        let b = &[(SUBNET, "subnet-3"), (VPC, "vpc-b")][..];
        for (one, other, expected) in [
            (inside(a1), inside(a1), Some(Relation::WithinSubnet)),
            (inside(a1), inside(a2), Some(Relation::WithinVpc)),
            (inside(a1), inside(&[(VPC, "vpc-a")]), Some(Relation::WithinVpc)),
            (inside(a1), inside(b), Some(Relation::BetweenVpcs)),
            (inside(a1), inside(&[]), Some(Relation::OnPremises)),
            (inside(&[]), inside(&[]), None),
            (inside(a1), outside("aws", Some("S3")), Some(Relation::AwsService)),
            (outside("aws", Some("DYNAMODB")), inside(&[]), Some(Relation::AwsService)),
            // Anybody's machine.
            (inside(a1), outside("aws", Some("EC2")), Some(Relation::Internet)),
            (inside(a1), outside("azure", Some("Storage")), Some(Relation::Internet)),
            (inside(a1), Endpoint::default(), Some(Relation::Internet)),
            (Endpoint::default(), outside("aws", Some("S3")), None),
        ] {
            assert_eq!(Relation::between(&one, &other), expected, "{one:?} {other:?}");
            assert_eq!(Relation::between(&other, &one), expected);
        }
    }
}
