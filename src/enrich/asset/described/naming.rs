//! What the description of an interface of AWS's own making says: which service made it, and for what.

use crate::event::AssetClass;

/// How descriptions begin, by what AWS writes there, and the class that each means.
const BEGINNINGS: [(&str, AssetClass); 5] = [
    ("ELB ", AssetClass::LoadBalancer),
    ("Interface for NAT Gateway ", AssetClass::NatGateway),
    ("VPC Endpoint Interface ", AssetClass::Endpoint),
    ("Network Interface for Transit Gateway Attachment ", AssetClass::TransitGateway),
    ("AWS Lambda VPC ENI-", AssetClass::Lambda),
];

/// Length of a UUID as text, with the hyphen before it.
const UUID_TAIL: usize = 37;

/// The class and the name in `description`.
pub(super) fn read(description: &str) -> Option<(AssetClass, &str)> {
    let (rest, class) = BEGINNINGS
        .iter()
        .find_map(|(beginning, class)| Some((description.strip_prefix(beginning)?.trim(), *class)))?;
    let name = match class {
        // `app/NAME/ID` and `net/NAME/ID`; a classic one has its name only.
        AssetClass::LoadBalancer => rest.split('/').nth(1).unwrap_or(rest),
        // The function's name, and a UUID behind it.
        AssetClass::Lambda => {
            match rest.len().checked_sub(UUID_TAIL).and_then(|end| rest.split_at_checked(end)) {
                Some((name, uuid)) if !name.is_empty() && is_uuid(uuid) => name,
                _ => rest,
            }
        }
        _ => rest.split(' ').next().unwrap_or(rest),
    };
    Some((class, name))
}

fn is_uuid(tail: &str) -> bool {
    tail.bytes().enumerate().all(|(index, byte)| match index {
        0 | 9 | 14 | 19 | 24 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_of_awss_own_names_what_the_interface_is_for() {
        for (text, expected) in [
            ("ELB app/shop/50dc6c495c0c9188", Some((AssetClass::LoadBalancer, "shop"))),
            ("ELB net/ingest/0123456789abcdef", Some((AssetClass::LoadBalancer, "ingest"))),
            ("ELB classic-one", Some((AssetClass::LoadBalancer, "classic-one"))),
            ("Interface for NAT Gateway nat-0a1b", Some((AssetClass::NatGateway, "nat-0a1b"))),
            ("VPC Endpoint Interface vpce-0a1b", Some((AssetClass::Endpoint, "vpce-0a1b"))),
            (
                "Network Interface for Transit Gateway Attachment tgw-attach-0a1b",
                Some((AssetClass::TransitGateway, "tgw-attach-0a1b")),
            ),
            (
                "AWS Lambda VPC ENI-report-0b2c4d6e-0000-4000-8000-0123456789ab",
                Some((AssetClass::Lambda, "report")),
            ),
            ("AWS Lambda VPC ENI-nightly-report", Some((AssetClass::Lambda, "nightly-report"))),
            ("Primary network interface", None),
            ("", None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
