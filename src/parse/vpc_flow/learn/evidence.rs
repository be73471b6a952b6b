//! What the text of one column says about which field it can be.

use std::{net::IpAddr, sync::LazyLock};

use crate::event::{FIELDS, Field, FieldSet, Kind};

/// What a text looks like. Looks are closed where AWS's words are: only free text can be several fields' by accident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Look {
    Account,
    Interface,
    Vpc,
    Subnet,
    Instance,
    Gateway,
    Attachment,
    Resource,
    ClusterArn,
    ContainerInstanceArn,
    DefinitionArn,
    TaskArn,
    Region,
    Zone,
    Place,
    Family,
    Direction,
    Service,
    InterfaceType,
    ResourceType,
    Refusal,
    Digest,
    Container,
    Tag,
    Name,
}

/// Which fields have a look, by their names; a name that the vocabulary does not hold yet says nothing. A text field that
/// stands nowhere here can have any look.
const LOOKS: [(Look, &[&str]); 25] = [
    (Look::Account, &["account-id", "tgw-src-vpc-account-id", "tgw-dst-vpc-account-id"]),
    (Look::Interface, &["interface-id", "next-hop-interface-id", "tgw-src-eni", "tgw-dst-eni"]),
    (Look::Vpc, &["vpc-id", "next-hop-vpc-id", "tgw-src-vpc-id", "tgw-dst-vpc-id"]),
    (Look::Subnet, &["subnet-id", "next-hop-subnet-id", "tgw-src-subnet-id", "tgw-dst-subnet-id"]),
    (Look::Instance, &["instance-id", "ecs-container-instance-id"]),
    (Look::Gateway, &["tgw-id"]),
    (Look::Attachment, &["tgw-attachment-id", "tgw-pair-attachment-id"]),
    (Look::Resource, &["resource-id"]),
    (Look::ClusterArn, &["ecs-cluster-arn"]),
    (Look::ContainerInstanceArn, &["ecs-container-instance-arn"]),
    (Look::DefinitionArn, &["ecs-task-definition-arn"]),
    (Look::TaskArn, &["ecs-task-arn"]),
    (Look::Region, &["region"]),
    (Look::Zone, &["az-id", "next-hop-az-id", "tgw-src-az-id", "tgw-dst-az-id"]),
    (Look::Place, &["sublocation-type"]),
    (Look::Family, &["type"]),
    (Look::Direction, &["flow-direction"]),
    (Look::Service, &["pkt-src-aws-service", "pkt-dst-aws-service"]),
    (Look::InterfaceType, &["interface-type", "next-hop-interface-type"]),
    (Look::ResourceType, &["resource-type"]),
    (Look::Refusal, &["reject-reason"]),
    (
        Look::Digest,
        &["ecs-container-instance-id", "ecs-task-id", "ecs-container-id", "ecs-second-container-id"],
    ),
    (Look::Container, &["ecs-container-id", "ecs-second-container-id"]),
    (
        Look::Tag,
        &["instance-tag", "instance-tag-2", "interface-tag", "interface-tag-2", "asg-tag", "asg-tag-2"],
    ),
    (Look::Name, &["ecs-cluster-name", "ecs-service-name", "sublocation-id", "reject-reason", "resource-id"]),
];

/// The least and the most that AWS writes into a field, where that is narrower than what parsing takes.
const RANGES: [(&str, u64, u64); 8] = [
    ("version", 2, u8::MAX as u64),
    // No IP header is shorter than 20 bytes, and no record is without a packet.
    ("packets", 1, u64::MAX),
    ("bytes", 20, u64::MAX),
    // 2001 to 2100.
    ("start", 978_307_200, 4_102_444_800),
    ("end", 978_307_200, 4_102_444_800),
    ("tcp-flags", 0, 63),
    ("traffic-path", 1, 8),
    ("encryption-status", 0, 3),
];

/// Services by the names that AWS's address ranges have, and so `pkt-src-aws-service`.
const SERVICES: [&str; 26] = [
    "AMAZON",
    "AMAZON_APPFLOW",
    "AMAZON_CONNECT",
    "API_GATEWAY",
    "AURORA_DSQL",
    "CHIME_MEETINGS",
    "CHIME_VOICECONNECTOR",
    "CLOUD9",
    "CLOUDFRONT",
    "CLOUDFRONT_ORIGIN_FACING",
    "CODEBUILD",
    "DYNAMODB",
    "EBS",
    "EC2",
    "EC2_INSTANCE_CONNECT",
    "GLOBALACCELERATOR",
    "IVS_REALTIME",
    "KINESIS_VIDEO_STREAMS",
    "MEDIA_PACKAGE_V2",
    "ROUTE53",
    "ROUTE53_HEALTHCHECKS",
    "ROUTE53_HEALTHCHECKS_PUBLISHING",
    "ROUTE53_RESOLVER",
    "S3",
    "WORKSPACES_GATEWAYS",
    "IVS_LOW_LATENCY",
];

static SETS: LazyLock<Sets> = LazyLock::new(Sets::new);

/// The fields of each look, and of kinds.
struct Sets {
    looks: [FieldSet; LOOKS.len()],
    /// Text fields of which no look is known.
    bare: FieldSet,
    addresses: FieldSet,
    actions: FieldSet,
    statuses: FieldSet,
    /// Number fields with the least and the most that they hold.
    numbers: Vec<(Field, u64, u64)>,
}

/// The fields that a column can be which holds `text`, a value: not `-`.
pub(super) fn fields_of(text: &[u8]) -> FieldSet {
    let sets = &*SETS;
    if let Some(number) = number(text) {
        return sets.of_number(text, number);
    }
    let Ok(text) = std::str::from_utf8(text) else { return sets.free() };
    if text.parse::<IpAddr>().is_ok() {
        return sets.addresses;
    }
    sets.of_text(text)
}

/// The number that `text` is; `None` where it is none.
pub(super) fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Whether a column that holds `text` shows that the log is a transit gateway's.
pub(super) fn is_transit(text: &[u8]) -> bool {
    text.starts_with(b"tgw-") || text.starts_with(b"TransitGateway")
}

/// The fields of this name, if there is one.
pub(super) fn named(names: &[&str]) -> FieldSet {
    let mut set = FieldSet::default();
    names.iter().filter_map(|name| Field::from_name(name)).for_each(|field| set.insert(field));
    set
}

// === impl Sets ===

impl Sets {
    fn new() -> Self {
        let mut sets = Self {
            looks: LOOKS.map(|(_, names)| named(names)),
            bare: FieldSet::default(),
            addresses: FieldSet::default(),
            actions: FieldSet::default(),
            statuses: FieldSet::default(),
            numbers: Vec::new(),
        };
        let looked = sets.looks.iter().fold(FieldSet::default(), |all, look| all.or(*look));
        for row in FIELDS {
            match row.kind {
                Kind::Text if !looked.contains(row.field) => sets.bare.insert(row.field),
                Kind::Text => {}
                Kind::Address => sets.addresses.insert(row.field),
                Kind::Action => sets.actions.insert(row.field),
                Kind::LogStatus => sets.statuses.insert(row.field),
                Kind::Uint(max) => {
                    let own = RANGES.iter().find(|(name, ..)| *name == row.name);
                    let (least, most) = own.map_or((0, max), |(_, least, most)| (*least, max.min(*most)));
                    sets.numbers.push((row.field, least, most));
                }
            }
        }
        sets
    }

    /// The fields of these looks, and those that can have any.
    fn of(&self, looks: &[Look]) -> FieldSet {
        looks.iter().fold(self.bare, |all, look| all.or(self.looks[*look as usize]))
    }

    /// The fields of free text.
    fn free(&self) -> FieldSet {
        self.of(&[Look::Name, Look::Tag])
    }

    fn of_number(&self, text: &[u8], number: u64) -> FieldSet {
        // Tags are names and codes; one that is a number of one or two digits would look like everything else.
        let mut fields = if text.len() > 2 { self.of(&[Look::Tag]) } else { self.bare };
        let fitting = self.numbers.iter().filter(|(_, least, most)| (least..=most).contains(&&number));
        fitting.for_each(|(field, ..)| fields.insert(*field));
        if text.len() == 12 { fields.or(self.looks[Look::Account as usize]) } else { fields }
    }

    fn of_text(&self, text: &str) -> FieldSet {
        use Look::{Container, Digest, Direction, Family, InterfaceType, Name, Place, Refusal, Service, Tag};
        match text {
            "ACCEPT" | "REJECT" => return self.actions,
            "OK" | "NODATA" | "SKIPDATA" => return self.statuses,
            "IPv4" | "IPv6" | "EFA" => return self.of(&[Family]),
            "ingress" | "egress" => return self.of(&[Direction]),
            "unknown" => return self.of(&[Look::Account, Name, Tag]),
            "wavelength" | "outpost" | "localzone" => return self.of(&[Place]),
            "TransitGateway" | "TransitGatewayAttachment" => return self.of(&[Look::ResourceType]),
            "BPA" => return self.of(&[Refusal]),
            "nat_gateway"
            | "network_load_balancer"
            | "regional_nat_gateway"
            | "transit_gateway"
            | "vpc_endpoint" => {
                return self.of(&[InterfaceType]);
            }
            _ => {}
        }
        if SERVICES.contains(&text) {
            return self.of(&[Service]);
        }
        if let Some(look) = identifier(text).or_else(|| arn(text)).or_else(|| place(text)) {
            return self.of(&[look]);
        }
        if hexadecimal(text, 32) || uuid(text) {
            return self.of(&[Digest]);
        }
        if container(text) {
            return self.of(&[Container]);
        }
        if text.bytes().any(|byte| byte.is_ascii_digit())
            && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
        {
            return self.of(&[Digest, Container, Name, Tag]);
        }
        // AWS adds services, kinds of interfaces and reasons without a word, so these are open.
        let word = |letter: fn(&u8) -> bool| {
            text.bytes().all(|byte| letter(&byte) || byte.is_ascii_digit() || byte == b'_')
        };
        if word(u8::is_ascii_uppercase) {
            self.of(&[Service, Name, Tag])
        } else if word(u8::is_ascii_lowercase) {
            self.of(&[InterfaceType, Place, Name, Tag])
        } else if text.contains('%') {
            self.of(&[Tag])
        } else {
            self.free()
        }
    }
}

/// The look of AWS's own identifiers: a prefix and hexadecimal digits, of which old ones have eight.
fn identifier(text: &str) -> Option<Look> {
    let (prefix, digits) = text.rsplit_once('-')?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    Some(match prefix {
        "eni" => Look::Interface,
        "vpc" => Look::Vpc,
        "subnet" => Look::Subnet,
        "i" => Look::Instance,
        "tgw" => Look::Gateway,
        "tgw-attach" => Look::Attachment,
        "nat" => Look::Resource,
        _ => return None,
    })
}

fn arn(text: &str) -> Option<Look> {
    let mut parts = text.splitn(6, ':');
    let (arn, _, service) = (parts.next()?, parts.next()?, parts.next()?);
    let kind = parts.nth(2)?.split('/').next()?;
    if arn != "arn" || service != "ecs" {
        return None;
    }
    Some(match kind {
        "cluster" => Look::ClusterArn,
        "container-instance" => Look::ContainerInstanceArn,
        "task-definition" => Look::DefinitionArn,
        "task" => Look::TaskArn,
        _ => return None,
    })
}

/// Regions (`us-gov-west-1`) and zone ids (`use1-az4`, `usw2-lax1-az1`).
fn place(text: &str) -> Option<Look> {
    let (front, last) = text.rsplit_once('-')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let words = |text: &str| {
        text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    if last.strip_prefix("az").is_some_and(digits) && words(front) {
        return Some(Look::Zone);
    }
    let mut parts = front.split('-');
    let letters = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let country = parts.next().is_some_and(|part| letters(part) && matches!(part.len(), 2 | 4));
    let rest = parts.clone().count();
    (digits(last) && last.len() == 1 && country && matches!(rest, 1 | 2) && parts.all(letters))
        .then_some(Look::Region)
}

fn hexadecimal(text: &str, len: usize) -> bool {
    text.len() == len && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn uuid(text: &str) -> bool {
    let lens = text.split('-').map(|part| if hexadecimal(part, part.len()) { part.len() } else { 0 });
    lens.eq([8, 4, 4, 4, 12])
}

/// Runtime ids of containers: 64 digits, or a task's id and a number.
fn container(text: &str) -> bool {
    let of_task = |(task, number): (&str, &str)| {
        hexadecimal(task, 32) && number.bytes().all(|byte| byte.is_ascii_digit())
    };
    hexadecimal(text, 64) || text.split_once('-').is_some_and(of_task)
}
