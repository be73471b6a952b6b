//! What a filter can ask about: every column by AWS's name and its ECS paths, and what enrichment and scoring add.

use std::fmt;

use crate::event::{FACILITIES, FIELDS, Feature, Field, Kind as ColumnKind, SEVERITIES};

use super::{
    token::is_bare,
    value::{Kind, Shown},
};

/// What a filter asks about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Subject {
    /// A column of the record.
    Column(Field),
    /// What enrichment says of one side.
    Side(Side, Part),
    /// One tag of a side's asset, by its name.
    Tag(Side, Box<str>),
    /// What is derived from the whole record, or scored.
    Whole(Whole),
    /// What a line of syslog says.
    Line(Line),
}

/// A side of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Source,
    Destination,
}

/// What enrichment says of one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    NatIp,
    ContinentCode,
    ContinentName,
    CountryCode,
    CountryName,
    RegionCode,
    RegionName,
    City,
    PostalCode,
    Timezone,
    AsNumber,
    AsOrganization,
    AssetName,
    AssetOwner,
    AssetRole,
    AssetCriticality,
    AssetClass,
    ProviderName,
    ProviderService,
    ProviderRegion,
}

/// What is derived from the whole record, or scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whole {
    Action,
    Outcome,
    Duration,
    Type,
    Transport,
    Application,
    Direction,
    CommunityId,
    NetworkBytes,
    NetworkPackets,
    DestinationBytes,
    DestinationPackets,
    Ending,
    InitiatorMethod,
    Relation,
    Points,
    Feature,
    Observed,
    EntityKind,
    EntityName,
    EntityScope,
    EntityPeerGroup,
    EntityClass,
    RuleId,
    Disposition,
    Role,
}

/// What a line of syslog says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    Text,
    Priority,
    FacilityCode,
    FacilityName,
    SeverityCode,
    SeverityName,
    Version,
    Host,
    App,
    Procid,
    Msgid,
    OwnHost,
    Program,
    Pid,
    Sequence,
}

/// The ECS paths of what a line of syslog says. What a flow in such a line has too stands under `log`.
const LINES: [(&str, Line, Kind); 16] = [
    ("message", Line::Text, Kind::Text),
    ("log.syslog.severity.name", Line::SeverityName, Kind::Word(&SEVERITIES)),
    ("log.level", Line::SeverityName, Kind::Word(&SEVERITIES)),
    ("log.syslog.priority", Line::Priority, Kind::Number),
    ("log.syslog.facility.code", Line::FacilityCode, Kind::Number),
    ("log.syslog.facility.name", Line::FacilityName, Kind::Word(&FACILITIES)),
    ("log.syslog.severity.code", Line::SeverityCode, Kind::Number),
    ("log.syslog.version", Line::Version, Kind::Text),
    ("log.syslog.hostname", Line::Host, Kind::Text),
    ("log.syslog.appname", Line::App, Kind::Text),
    ("log.syslog.procid", Line::Procid, Kind::Text),
    ("log.syslog.msgid", Line::Msgid, Kind::Text),
    ("host.hostname", Line::OwnHost, Kind::Text),
    ("process.name", Line::Program, Kind::Text),
    ("process.pid", Line::Pid, Kind::Number),
    ("event.sequence", Line::Sequence, Kind::Number),
];

/// The ECS paths of what is no column of its own, after `source.` or `destination.`.
const PARTS: [(&str, Part, Kind); 12] = [
    ("nat.ip", Part::NatIp, Kind::Address),
    ("geo.continent_code", Part::ContinentCode, Kind::Text),
    ("geo.continent_name", Part::ContinentName, Kind::Text),
    ("geo.country_iso_code", Part::CountryCode, Kind::Text),
    ("geo.country_name", Part::CountryName, Kind::Text),
    ("geo.region_iso_code", Part::RegionCode, Kind::Text),
    ("geo.region_name", Part::RegionName, Kind::Text),
    ("geo.city_name", Part::City, Kind::Text),
    ("geo.postal_code", Part::PostalCode, Kind::Text),
    ("geo.timezone", Part::Timezone, Kind::Text),
    ("as.number", Part::AsNumber, Kind::Number),
    ("as.organization.name", Part::AsOrganization, Kind::Text),
];
/// The same under `floodmark.source.` or `floodmark.destination.`.
const OWN_PARTS: [(&str, Part, Kind); 8] = [
    ("provider.name", Part::ProviderName, Kind::Text),
    ("provider.service", Part::ProviderService, Kind::Text),
    ("provider.region", Part::ProviderRegion, Kind::Text),
    ("asset.name", Part::AssetName, Kind::Text),
    ("asset.owner", Part::AssetOwner, Kind::Text),
    ("asset.role", Part::AssetRole, Kind::Text),
    ("asset.criticality", Part::AssetCriticality, Kind::Text),
    (
        "asset.class",
        Part::AssetClass,
        Kind::Word(&["workload", "nat_gateway", "load_balancer", "endpoint", "transit_gateway", "lambda"]),
    ),
];
/// The same of what has no sides. Of two names of one thing the first is the one that is written.
const WHOLES: [(&str, Whole, Kind); 27] = [
    ("event.action", Whole::Action, Kind::Word(&["accept", "reject"])),
    ("event.outcome", Whole::Outcome, Kind::Word(&["success", "failure"])),
    ("event.duration", Whole::Duration, Kind::Number),
    ("network.type", Whole::Type, Kind::Word(&["ipv4", "ipv6"])),
    ("network.transport", Whole::Transport, Kind::Text),
    ("network.application", Whole::Application, Kind::Text),
    ("network.direction", Whole::Direction, Kind::Word(&["inbound", "outbound", "internal", "external"])),
    ("network.community_id", Whole::CommunityId, Kind::Text),
    ("network.bytes", Whole::NetworkBytes, Kind::Bytes),
    ("network.packets", Whole::NetworkPackets, Kind::Number),
    ("destination.bytes", Whole::DestinationBytes, Kind::Bytes),
    ("destination.packets", Whole::DestinationPackets, Kind::Number),
    ("floodmark.session.ending", Whole::Ending, Kind::Word(&["finished", "reset", "refused", "idle"])),
    (
        "floodmark.session.initiator.method",
        Whole::InitiatorMethod,
        Kind::Word(&["flags", "refusal", "service", "port", "start", "lower_port"]),
    ),
    (
        "floodmark.session.relation",
        Whole::Relation,
        Kind::Word(&[
            "within_subnet",
            "within_vpc",
            "between_vpcs",
            "on_premises",
            "aws_service",
            "internet",
        ]),
    ),
    ("event.risk_score", Whole::Points, Kind::Number),
    ("floodmark.score.points", Whole::Points, Kind::Number),
    ("floodmark.score.feature", Whole::Feature, Kind::Word(&FEATURES)),
    ("floodmark.score.observed", Whole::Observed, Kind::Number),
    ("floodmark.entity.kind", Whole::EntityKind, Kind::Text),
    ("floodmark.entity.name", Whole::EntityName, Kind::Text),
    ("floodmark.entity.scope", Whole::EntityScope, Kind::Text),
    ("floodmark.entity.peer_group", Whole::EntityPeerGroup, Kind::Text),
    ("floodmark.entity.class", Whole::EntityClass, Kind::Text),
    ("rule.id", Whole::RuleId, Kind::Text),
    (
        "floodmark.finding.disposition",
        Whole::Disposition,
        Kind::Word(&["alert", "observed", "suppressed", "over_budget"]),
    ),
    ("floodmark.finding.role", Whole::Role, Kind::Word(&["actor", "target"])),
];
const FEATURES: [&str; Feature::ALL.len()] = {
    let mut names = [""; Feature::ALL.len()];
    let mut nth = 0;
    while nth < names.len() {
        names[nth] = Feature::ALL[nth].name();
        nth += 1;
    }
    names
};
/// What the name of a tag follows.
const TAGS: &str = "floodmark.{side}.asset.tags.";
/// The record's own time, which is what the ECS path stands for only where the record has one.
const TIMESTAMP: &str = "@timestamp";

/// Every name of a field, but for tags, whose names nobody knows beforehand: ECS paths, then AWS's own names.
#[must_use]
pub fn names() -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for side in [Side::Source, Side::Destination] {
        names.extend(PARTS.iter().map(|(path, ..)| format!("{}.{path}", side.name())));
        names.extend(OWN_PARTS.iter().map(|(path, ..)| format!("floodmark.{}.{path}", side.name())));
    }
    names.extend(WHOLES.iter().map(|(path, ..)| (*path).to_owned()));
    names.extend(LINES.iter().map(|(path, ..)| (*path).to_owned()));
    let paths = FIELDS.iter().flat_map(|row| row.ecs).map(|ecs| ecs.path);
    names.extend(paths.filter(|path| *path != TIMESTAMP).map(str::to_owned));
    names.extend(FIELDS.iter().map(|row| row.name.to_owned()));
    names.sort_unstable();
    names.dedup();
    names
}

// === impl Subject ===

impl Subject {
    /// What is called `name`: an ECS path, or AWS's name of a column.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        if let Some((_, whole, _)) = WHOLES.iter().find(|(path, ..)| *path == name) {
            return Some(Self::Whole(*whole));
        }
        if let Some((_, line, _)) = LINES.iter().find(|(path, ..)| *path == name) {
            return Some(Self::Line(*line));
        }
        for side in [Side::Source, Side::Destination] {
            let own = |prefix: &str, parts: &[(&str, Part, Kind)]| {
                let path = name.strip_prefix(prefix)?.strip_prefix(side.name())?.strip_prefix('.')?;
                parts.iter().find(|(known, ..)| *known == path).map(|(_, part, _)| Self::Side(side, *part))
            };
            if let Some(subject) = own("", &PARTS).or_else(|| own("floodmark.", &OWN_PARTS)) {
                return Some(subject);
            }
            if let Some(tag) = name.strip_prefix(&*Self::tags(side)).filter(|tag| is_tag(tag)) {
                return Some(Self::Tag(side, tag.into()));
            }
        }
        let at = |path: &str| FIELDS.iter().find(|row| row.ecs.iter().any(|ecs| ecs.path == path));
        let column = Some(name).filter(|name| *name != TIMESTAMP).and_then(at).map(|row| row.field);
        Some(match column.or_else(|| Field::from_name(name))? {
            Field::Action => Self::Whole(Whole::Action),
            field => Self::Column(field),
        })
    }

    /// What the names of the tags of a side follow.
    fn tags(side: Side) -> String {
        TAGS.replace("{side}", side.name())
    }

    /// Whether `name` is what the name of a tag follows, so that the tag itself comes next.
    pub(super) fn awaits_tag(name: &str) -> bool {
        [Side::Source, Side::Destination].iter().any(|side| name == Self::tags(*side))
    }

    /// What it holds.
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Column(Field::Bytes) => Kind::Bytes,
            Self::Column(Field::Start | Field::End) => Kind::Time,
            Self::Column(field) => match field.info().kind {
                ColumnKind::Text | ColumnKind::Action => Kind::Text,
                ColumnKind::Uint(_) => Kind::Number,
                ColumnKind::Address => Kind::Address,
                ColumnKind::LogStatus => Kind::Word(&["OK", "NODATA", "SKIPDATA"]),
            },
            Self::Side(_, part) => {
                let mut rows = PARTS.iter().chain(&OWN_PARTS);
                rows.find(|(_, known, _)| known == part).map_or(Kind::Text, |(.., kind)| *kind)
            }
            Self::Tag(..) => Kind::Text,
            Self::Whole(whole) => {
                let row = WHOLES.iter().find(|(_, known, _)| known == whole);
                row.map_or(Kind::Text, |(.., kind)| *kind)
            }
            Self::Line(line) => {
                let row = LINES.iter().find(|(_, known, _)| known == line);
                row.map_or(Kind::Text, |(.., kind)| *kind)
            }
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column(field) => f.write_str(field.info().ecs[0].path),
            Self::Side(side, part) => {
                if let Some((path, ..)) = PARTS.iter().find(|(_, known, _)| known == part) {
                    return write!(f, "{}.{path}", side.name());
                }
                let row = OWN_PARTS.iter().find(|(_, known, _)| known == part);
                write!(f, "floodmark.{}.{}", side.name(), row.map_or("", |(path, ..)| path))
            }
            Self::Tag(side, tag) if tag.chars().all(is_bare) => write!(f, "{}{tag}", Self::tags(*side)),
            Self::Tag(side, tag) => write!(f, "{}{}", Self::tags(*side), Shown(tag)),
            Self::Whole(whole) => {
                let row = WHOLES.iter().find(|(_, known, _)| known == whole);
                f.write_str(row.map_or("", |(path, ..)| path))
            }
            Self::Line(line) => {
                let row = LINES.iter().find(|(_, known, _)| known == line);
                f.write_str(row.map_or("", |(path, ..)| path))
            }
        }
    }
}

/// Whether an asset can have a tag of this name. Those that a record has stand under the names of their columns, and the
/// columns themselves are what is asked about them.
fn is_tag(name: &str) -> bool {
    !name.is_empty() && !crate::event::TAGS.iter().any(|field| field.info().name == name)
}

// === impl Side ===

impl Side {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Destination => "destination",
        }
    }
}
