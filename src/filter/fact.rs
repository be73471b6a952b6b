//! What events and findings say of a subject.

use std::net::IpAddr;

use crate::event::{
    Asset, AssetClass, AutonomousSystem, Batch, Direction, Ending, Endpoint, EntityName, Event, Evidence,
    Field, Finding, InitiatorMethod, Kind as ColumnKind, Place, Relation, ResourceRole, Score, Session, Span,
    Value, Verdict,
};

use super::subject::{Line, Part, Side, Subject, Whole};

/// What is said of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fact<'a> {
    Absent,
    Number(u64),
    Text(&'a [u8]),
    Address(IpAddr),
}

/// Something that a filter is asked of.
pub(super) trait Facts {
    /// What a comparison with a subject of which nothing is said comes to.
    const ABSENT: Option<bool>;

    /// What is said of `subject`.
    fn fact(&self, subject: &Subject) -> Fact<'_>;
}

/// An event with its verdict.
pub(super) struct OfEvent<'a> {
    pub(super) batch: &'a Batch,
    pub(super) event: &'a Event,
    pub(super) verdict: Option<&'a Verdict>,
}

/// A finding. What it names of the record that raised it is one example of many (the other side, say), and what it does
/// not say may be either way: it is left out only by what it says of itself.
pub(super) struct OfFinding<'a>(pub(super) &'a Finding);

// === impl OfEvent ===

impl Facts for OfEvent<'_> {
    const ABSENT: Option<bool> = Some(false);

    #[inline]
    fn fact(&self, subject: &Subject) -> Fact<'_> {
        match subject {
            Subject::Column(field) => self.column(*field),
            Subject::Side(side, part) => self.part(*side, *part),
            Subject::Tag(side, tag) => {
                let asset = self.endpoint(*side).asset.as_deref();
                text(asset.and_then(|asset| asset.tags.get(tag)).map(|value| &**value))
            }
            Subject::Whole(whole) => self.whole(*whole),
            Subject::Line(line) => self.line(*line),
        }
    }
}

impl<'a> OfEvent<'a> {
    #[inline]
    fn column(&self, field: Field) -> Fact<'a> {
        match self.batch.value(self.event, field) {
            Value::Absent => self.of_sender(field),
            Value::Uint(number) => Fact::Number(number),
            Value::Derived(span) => Fact::Text(span.of(&self.batch.derived)),
            value if field.info().kind == ColumnKind::Address => {
                value.as_address(&self.batch.derived).map_or(Fact::Absent, Fact::Address)
            }
            value => value.as_text().map_or(Fact::Absent, |span| Fact::Text(span.of(self.batch.bytes()))),
        }
    }

    /// Who sent a line of syslog is its source.
    fn of_sender(&self, field: Field) -> Fact<'a> {
        let sender = self.batch.line(self.event).and_then(|log| log.sender);
        match (sender, field) {
            (Some((address, _)), Field::SrcAddr) => Fact::Address(address.to_canonical()),
            (Some((_, port)), Field::SrcPort) => Fact::Number(port.into()),
            _ => Fact::Absent,
        }
    }

    fn line(&self, line: Line) -> Fact<'a> {
        let Some(log) = self.batch.syslog(self.event) else { return Fact::Absent };
        let bytes = self.batch.bytes();
        // What a flow says of its hosts is another thing than who wrote the line.
        let is_of_line =
            matches!(line, Line::Text | Line::OwnHost | Line::Program | Line::Pid | Line::Sequence);
        if log.is_flow && is_of_line {
            return Fact::Absent;
        }
        let part = |span: Span| if span.is_empty() { Fact::Absent } else { Fact::Text(span.of(bytes)) };
        match line {
            Line::Text => part(log.text),
            Line::Priority => number(log.priority.map(u64::from)),
            Line::FacilityCode => number(log.facility().map(u64::from)),
            Line::FacilityName => text(log.facility_name()),
            Line::SeverityCode => number(log.severity().map(u64::from)),
            Line::SeverityName => text(log.severity_name()),
            Line::Version => text(log.version.map(|_| "1")),
            Line::Host | Line::OwnHost => part(log.host),
            Line::App | Line::Program => part(log.app),
            Line::Procid => part(log.procid),
            Line::Msgid => part(log.msgid),
            Line::Pid => number(log.pid(bytes)),
            Line::Sequence => number(log.sequence),
        }
    }

    fn endpoint(&self, side: Side) -> &'a Endpoint {
        let (source, destination) = self.batch.ends(self.event);
        match side {
            Side::Source => source,
            Side::Destination => destination,
        }
    }

    /// The endpoint whose place and network stand for this side.
    fn outermost(&self, side: Side) -> &'a Endpoint {
        let (own, nat) = match side {
            Side::Source => (self.event.source, self.event.nat_source),
            Side::Destination => (self.event.destination, self.event.nat_destination),
        };
        self.batch.outermost(own, nat)
    }

    fn part(&self, side: Side, part: Part) -> Fact<'a> {
        let place = |part: fn(&Place) -> &Option<Box<str>>| {
            text(self.outermost(side).place.as_deref().and_then(|place| part(place).as_deref()))
        };
        let network = || self.outermost(side).network.as_deref();
        let provider = || self.outermost(side).provider.as_deref();
        match part {
            Part::NatIp => self.nat(side),
            Part::ContinentCode => place(|place| &place.continent_code),
            Part::ContinentName => place(|place| &place.continent_name),
            Part::CountryCode => place(|place| &place.country_code),
            Part::CountryName => place(|place| &place.country_name),
            Part::RegionCode => place(|place| &place.region_code),
            Part::RegionName => place(|place| &place.region_name),
            Part::City => place(|place| &place.city),
            Part::PostalCode => place(|place| &place.postal_code),
            Part::Timezone => place(|place| &place.timezone),
            Part::AsNumber => number(network().map(|network| network.number.into())),
            Part::AsOrganization => text(network().and_then(organization)),
            Part::ProviderName => text(provider().map(|provider| &*provider.name)),
            Part::ProviderService => text(provider().and_then(|provider| provider.service.as_deref())),
            Part::ProviderRegion => text(provider().and_then(|provider| provider.region.as_deref())),
            Part::AssetName
            | Part::AssetOwner
            | Part::AssetRole
            | Part::AssetCriticality
            | Part::AssetClass => asset(self.endpoint(side).asset.as_deref(), part),
        }
    }

    /// The packet's own address on `side`, where it is another than the interface's.
    fn nat(&self, side: Side) -> Fact<'a> {
        let (packet, own) = match side {
            Side::Source => (Field::PktSrcAddr, Field::SrcAddr),
            Side::Destination => (Field::PktDstAddr, Field::DstAddr),
        };
        let packet = self.column(packet);
        if packet == self.column(own) { Fact::Absent } else { packet }
    }

    fn initial(&self, field: Field) -> u8 {
        self.batch.text(self.event, field).and_then(|text| text.first().copied()).unwrap_or(0)
    }

    fn whole(&self, whole: Whole) -> Fact<'a> {
        let either = |accepted, rejected| match self.initial(Field::Action) {
            b'A' => text(Some(accepted)),
            b'R' => text(Some(rejected)),
            _ => Fact::Absent,
        };
        match whole {
            Whole::Action => either("accept", "reject"),
            Whole::Outcome => either("success", "failure"),
            Whole::Duration => {
                let [start, end] = [Field::Start, Field::End].map(|field| self.batch.uint(self.event, field));
                let seconds = start.zip(end).map(|(start, end)| end.saturating_sub(start));
                number(seconds.map(|seconds| seconds.saturating_mul(1_000_000_000)))
            }
            Whole::Type => self.version(),
            Whole::Transport => text(self.event.transport),
            Whole::Application => text(self.event.service),
            Whole::Direction => text(match self.event.direction {
                Direction::Inbound => Some("inbound"),
                Direction::Outbound => Some("outbound"),
                Direction::Internal => Some("internal"),
                Direction::External => Some("external"),
                Direction::Unknown => None,
            }),
            Whole::CommunityId => match self.event.community_id {
                span if span.is_empty() => Fact::Absent,
                span => Fact::Text(span.of(&self.batch.derived)),
            },
            Whole::NetworkBytes | Whole::NetworkPackets => self.both_ways(whole),
            Whole::DestinationBytes
            | Whole::DestinationPackets
            | Whole::Ending
            | Whole::InitiatorMethod
            | Whole::Relation => {
                let session = self.batch.session(self.event);
                session.map_or(Fact::Absent, |session| self.of_session(session, whole))
            }
            Whole::Points if self.batch.is_of_sessions => {
                number(self.batch.session(self.event).and_then(|session| session.points).map(u64::from))
            }
            Whole::Points | Whole::Feature | Whole::Observed => {
                scored(self.verdict.and_then(|verdict| verdict.score.as_ref()), whole)
            }
            Whole::EntityKind
            | Whole::EntityName
            | Whole::EntityScope
            | Whole::EntityPeerGroup
            | Whole::EntityClass => {
                let place = self.verdict.map(|verdict| verdict.entity as usize);
                named(place.and_then(|place| self.batch.entities.get(place)).map(|name| &**name), whole)
            }
            Whole::RuleId | Whole::Disposition | Whole::Role => Fact::Absent,
        }
    }

    /// What went over the network: of a flow what it sent, of a session what both sides did.
    fn both_ways(&self, whole: Whole) -> Fact<'a> {
        let is_bytes = whole == Whole::NetworkBytes;
        let sent = self.batch.uint(self.event, if is_bytes { Field::Bytes } else { Field::Packets });
        let server = self.batch.session(self.event).map(|session| &session.server);
        let back = server.map_or(0, |server| if is_bytes { server.bytes } else { server.packets });
        number(sent.map(|sent| sent.saturating_add(back)))
    }

    fn of_session(&self, session: &Session, whole: Whole) -> Fact<'a> {
        match whole {
            Whole::DestinationBytes => Fact::Number(session.server.bytes),
            Whole::DestinationPackets => Fact::Number(session.server.packets),
            Whole::Ending => text(session.ending.map(Ending::name)),
            Whole::InitiatorMethod => text(session.initiator.map(InitiatorMethod::name)),
            Whole::Relation => {
                let (source, destination) = self.batch.ends(self.event);
                text(Relation::between(source, destination).map(Relation::name))
            }
            _ => Fact::Absent,
        }
    }

    fn version(&self) -> Fact<'a> {
        let of = |field| self.batch.value(self.event, field);
        let address = Some(of(Field::SrcAddr)).filter(|value| !value.is_absent());
        match address.unwrap_or_else(|| of(Field::DstAddr)) {
            Value::V4(..) => text(Some("ipv4")),
            Value::V6 { .. } => text(Some("ipv6")),
            _ => Fact::Absent,
        }
    }
}

// === impl OfFinding ===

impl Facts for OfFinding<'_> {
    const ABSENT: Option<bool> = None;

    fn fact(&self, subject: &Subject) -> Fact<'_> {
        let Self(finding) = self;
        match subject {
            Subject::Column(Field::Start) => Fact::Number(finding.window_start),
            Subject::Column(Field::End) => {
                Fact::Number(finding.window_start.saturating_add(u64::from(finding.window_seconds)))
            }
            Subject::Column(Field::AccountId) => text(finding.entity.account()),
            Subject::Column(Field::Region) => text(finding.entity.region()),
            Subject::Column(Field::VpcId) => text(finding.entity.vpc()),
            Subject::Column(Field::SrcAddr) => self.address(Side::Source),
            Subject::Column(Field::DstAddr) => self.address(Side::Destination),
            Subject::Column(Field::InterfaceId) => text(finding.interface.as_deref()),
            Subject::Side(side, part) if *side == self.own() => asset(finding.asset.as_deref(), *part),
            Subject::Tag(side, tag) if *side == self.own() => {
                let asset = finding.asset.as_deref();
                text(asset.and_then(|asset| asset.tags.get(tag)).map(|value| &**value))
            }
            Subject::Whole(Whole::Points) => Fact::Number(finding.evidence.points().into()),
            Subject::Whole(Whole::Observed) => Fact::Number(finding.evidence.observed()),
            Subject::Whole(whole @ Whole::Feature) => scored(finding.evidence.score(), *whole),
            Subject::Whole(Whole::RuleId) => text(Some(finding.detector.id)),
            Subject::Whole(Whole::Disposition) => text(Some(finding.disposition.name())),
            Subject::Whole(Whole::Role) => text(Some(finding.role.name())),
            Subject::Whole(whole) => named(Some(&finding.entity), *whole),
            _ => Fact::Absent,
        }
    }
}

impl OfFinding<'_> {
    /// The side that the entity is on.
    fn own(&self) -> Side {
        match self.0.role {
            ResourceRole::Actor => Side::Source,
            ResourceRole::Target => Side::Destination,
        }
    }

    /// The address on `side`; the other one's only where it is not an example of many.
    fn address(&self, side: Side) -> Fact<'_> {
        let Self(finding) = self;
        let address = match side == self.own() {
            true => finding.address,
            false => finding.peer.filter(|_| matches!(finding.evidence, Evidence::Seen(_))),
        };
        address.map_or(Fact::Absent, Fact::Address)
    }
}

#[inline]
fn text(text: Option<&str>) -> Fact<'_> {
    text.map_or(Fact::Absent, |text| Fact::Text(text.as_bytes()))
}

#[inline]
fn number<'a>(number: Option<u64>) -> Fact<'a> {
    number.map_or(Fact::Absent, Fact::Number)
}

fn organization(system: &AutonomousSystem) -> Option<&str> {
    system.organization.as_deref()
}

fn asset(asset: Option<&Asset>, part: Part) -> Fact<'_> {
    let of = |part: fn(&Asset) -> &Option<Box<str>>| text(asset.and_then(|asset| part(asset).as_deref()));
    match part {
        Part::AssetName => of(|asset| &asset.name),
        Part::AssetOwner => of(|asset| &asset.owner),
        Part::AssetRole => of(|asset| &asset.role),
        Part::AssetCriticality => of(|asset| &asset.criticality),
        Part::AssetClass => text(asset.and_then(|asset| asset.class).map(AssetClass::name)),
        _ => Fact::Absent,
    }
}

fn scored<'a>(score: Option<&Score>, whole: Whole) -> Fact<'a> {
    let Some(score) = score else { return Fact::Absent };
    match whole {
        Whole::Points => Fact::Number(score.points.into()),
        Whole::Observed => Fact::Number(score.observed),
        Whole::Feature => text(Some(score.feature.name())),
        _ => Fact::Absent,
    }
}

/// What is said of an entity; a name that it does not have is empty.
fn named(entity: Option<&EntityName>, whole: Whole) -> Fact<'_> {
    let name = entity.map(|entity| match whole {
        Whole::EntityKind => entity.kind.name(),
        Whole::EntityName => entity.name(),
        Whole::EntityScope => entity.scope(),
        Whole::EntityPeerGroup => entity.peer_group(),
        Whole::EntityClass => entity.class.map_or("", AssetClass::name),
        _ => "",
    });
    text(name.filter(|name| !name.is_empty()))
}
