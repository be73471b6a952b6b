//! Every path of a document that is not a column's own, each with its type and meaning, and names for those that are.
//!
//! Together with [`crate::event::FIELDS`] this is the only place where a path is spelled: the writers take their names
//! from here, and `schemas/fields.json` is generated from here. `{side}` stands for `source` and `destination`.

use crate::event::{EcsPath, EcsType, Field};

/// A path that the pipeline fills, and what stands there.
pub(super) struct Derived {
    pub(super) ecs: EcsPath,
    pub(super) doc: &'static str,
}

macro_rules! derived {
    ($($(#[doc = $doc:literal])+ $name:ident $path:literal $type:ident;)+) => {
        $($(#[doc = $doc])+ pub(super) const $name: &str = $path;)+

        /// Every derived path.
        pub(super) const DERIVED: &[Derived] = &[
            $(Derived {
                ecs: EcsPath { path: $path, kind: EcsType::$type },
                doc: concat!($($doc),+),
            },)+
        ];
    };
}

/// The path that `field` has its place at, or repeats its value at.
pub(super) const fn column(field: Field, place: usize) -> &'static str {
    field.info().ecs[place].path
}

pub(super) const TIMESTAMP: &str = column(Field::End, 1);
pub(super) const EVENT_START: &str = column(Field::Start, 0);
pub(super) const EVENT_END: &str = column(Field::End, 0);
pub(super) const EVENT_ACTION: &str = column(Field::Action, 0);
pub(super) const ACCOUNT_ID: &str = column(Field::AccountId, 0);
pub(super) const REGION: &str = column(Field::Region, 0);
pub(super) const VPC_ID: &str = column(Field::VpcId, 0);
pub(super) const INTERFACE_ID: &str = column(Field::InterfaceId, 0);
pub(super) const SUBLOCATION_ID: &str = column(Field::SublocationId, 0);
pub(super) const SOURCE_IP: &str = column(Field::SrcAddr, 0);
pub(super) const SOURCE_ADDRESS: &str = column(Field::SrcAddr, 1);
pub(super) const SOURCE_NAT_IP: &str = column(Field::PktSrcAddr, 1);
pub(super) const DESTINATION_IP: &str = column(Field::DstAddr, 0);
pub(super) const SIDE_PORT: &str = column(Field::SrcPort, 0);
pub(super) const SOURCE_BYTES: &str = column(Field::Bytes, 0);
pub(super) const SOURCE_PACKETS: &str = column(Field::Packets, 0);
pub(super) const INSTANCE_ID: &str = column(Field::InstanceId, 0);
pub(super) const SERVICE_NAME: &str = column(Field::EcsServiceName, 1);
pub(super) const IANA_NUMBER: &str = column(Field::Protocol, 0);

derived! {
    /// Version of ECS that the document follows.
    ECS_VERSION "ecs.version" Keyword;
    /// First part of the data stream's name.
    STREAM_TYPE "data_stream.type" ConstantKeyword;
    /// Second part of the data stream's name: what kind of document it is.
    STREAM_DATASET "data_stream.dataset" ConstantKeyword;
    /// Third part of the data stream's name, which the config gives.
    STREAM_NAMESPACE "data_stream.namespace" ConstantKeyword;
    /// What the source says of all records, such as the common attributes of a Firehose stream; names keep letters, digits,
    /// `_` and `-`, other characters become `_`.
    LABELS "labels" Object;
    /// Short title of a finding: what the detector found, and about whom. Of a line of syslog its text.
    MESSAGE "message" MatchOnlyText;
    /// `event`, or `alert` for the first revision of a finding. Later revisions tell more of an alert that is there already.
    EVENT_KIND "event.kind" Keyword;
    /// `network`, for a finding also `intrusion_detection`.
    EVENT_CATEGORY "event.category" Keyword;
    /// `connection` with `allowed` or `denied`, and `end` where a session is over; `info` where the record tells of no flow, and
    /// for a finding.
    EVENT_TYPE "event.type" Keyword;
    /// `success` for an accepted flow, `failure` for a rejected one.
    EVENT_OUTCOME "event.outcome" Keyword;
    /// From the start to the end, in nanoseconds.
    EVENT_DURATION "event.duration" Long;
    /// The id: the same whenever the same record or revision is delivered again. 22 characters of base64url.
    EVENT_ID "event.id" Keyword;
    /// When the document was written, by the wall clock.
    EVENT_INGESTED "event.ingested" Date;
    /// When the finding was written, by the wall clock.
    EVENT_CREATED "event.created" Date;
    /// The score: 50 is one in a thousand, 100 one in a million. Absent where too little is known for a score.
    EVENT_RISK_SCORE "event.risk_score" Float;
    /// Severity of a finding by its score: 21 below 50, 47 below 80, 73 below 95, else 99.
    EVENT_SEVERITY "event.severity" Long;
    /// Why the score is what it is, in one sentence: who, which feature, what was seen, what is usual, from how many windows.
    EVENT_REASON "event.reason" Keyword;
    /// The line as received, without what it was wrapped in; an object where its members are the columns. Only where the
    /// sink has `original: true`, and never for a finding.
    EVENT_ORIGINAL "event.original" Keyword;
    /// `floodmark`. Only of a finding.
    EVENT_MODULE "event.module" Keyword;
    /// What the device counts its lines of syslog with.
    EVENT_SEQUENCE "event.sequence" Long;
    /// The same as the data stream's.
    EVENT_DATASET "event.dataset" Keyword;
    /// Code of the continent, by the City or Country database.
    GEO_CONTINENT_CODE "{side}.geo.continent_code" Keyword;
    /// Name of the continent.
    GEO_CONTINENT_NAME "{side}.geo.continent_name" Keyword;
    /// ISO 3166-1 code of the country.
    GEO_COUNTRY_CODE "{side}.geo.country_iso_code" Keyword;
    /// Name of the country.
    GEO_COUNTRY_NAME "{side}.geo.country_name" Keyword;
    /// ISO 3166-2 code of the first subdivision.
    GEO_REGION_CODE "{side}.geo.region_iso_code" Keyword;
    /// Name of the first subdivision.
    GEO_REGION_NAME "{side}.geo.region_name" Keyword;
    /// Name of the city.
    GEO_CITY "{side}.geo.city_name" Keyword;
    /// Postal code.
    GEO_POSTAL_CODE "{side}.geo.postal_code" Keyword;
    /// IANA time zone.
    GEO_TIMEZONE "{side}.geo.timezone" Keyword;
    /// Latitude and longitude in degrees.
    GEO_LOCATION "{side}.geo.location" GeoPoint;
    /// Number of the autonomous system, by the ASN database.
    AS_NUMBER "{side}.as.number" Long;
    /// Who runs the autonomous system.
    AS_ORGANIZATION "{side}.as.organization.name" Keyword;
    /// `ipv4` or `ipv6`.
    NETWORK_TYPE "network.type" Keyword;
    /// IANA's keyword of the protocol, in lower case.
    NETWORK_TRANSPORT "network.transport" Keyword;
    /// The service that the lower port stands for. A port is no proof of a protocol, so `network.protocol` is not set.
    NETWORK_APPLICATION "network.application" Keyword;
    /// `inbound`, `outbound`, `internal` or `external`, judged by the configured internal networks.
    NETWORK_DIRECTION "network.direction" Keyword;
    /// Community ID version 1 of the record's own addresses; absent for ICMP, whose type and code no flow log has. Of a
    /// finding that of the flow that raised the revision.
    NETWORK_COMMUNITY_ID "network.community_id" Keyword;
    /// `aws`.
    CLOUD_PROVIDER "cloud.provider" Keyword;
    /// The internal side's instance.
    HOST_ID "host.id" Keyword;
    /// The host that a line of syslog names.
    HOST_HOSTNAME "host.hostname" Keyword;
    /// The internal side's name in the asset list. Of a line of syslog the host that it names.
    HOST_NAME "host.name" Keyword;
    /// The internal side's address. Of a line of syslog the address that it names the host by, or the sender's where it names
    /// no host.
    HOST_IP "host.ip" Ip;
    /// Every address of the document, those behind NAT included, once each.
    RELATED_IP "related.ip" Ip;
    /// The assets' names, and for a finding the instance, once each.
    RELATED_HOSTS "related.hosts" Keyword;
    /// The severity of a line of syslog in a word: `emergency`, `alert`, `critical`, `error`, `warning`, `notice`,
    /// `informational` or `debug`.
    LOG_LEVEL "log.level" Keyword;
    /// Eight times the facility, and the severity.
    SYSLOG_PRIORITY "log.syslog.priority" Long;
    /// Number of the facility, 0 to 23.
    SYSLOG_FACILITY_CODE "log.syslog.facility.code" Long;
    /// Name of the facility: `kern`, `authpriv`, `local7`.
    SYSLOG_FACILITY_NAME "log.syslog.facility.name" Keyword;
    /// Number of the severity, 0 for an emergency to 7 for debugging.
    SYSLOG_SEVERITY_CODE "log.syslog.severity.code" Long;
    /// The same as `log.level`.
    SYSLOG_SEVERITY_NAME "log.syslog.severity.name" Keyword;
    /// Version of the protocol, of lines of RFC 5424.
    SYSLOG_VERSION "log.syslog.version" Keyword;
    /// The host that the line names.
    SYSLOG_HOSTNAME "log.syslog.hostname" Keyword;
    /// The program that the line names; of Cisco's lines their facility.
    SYSLOG_APPNAME "log.syslog.appname" Keyword;
    /// The process that the line names.
    SYSLOG_PROCID "log.syslog.procid" Keyword;
    /// What kind of line it is, by its device.
    SYSLOG_MSGID "log.syslog.msgid" Keyword;
    /// Structured data: an object for each element, with its parameters.
    SYSLOG_ELEMENTS "log.syslog.structured_data" Flattened;
    /// The program that the line of syslog names.
    PROCESS_NAME "process.name" Keyword;
    /// The number of its process.
    PROCESS_PID "process.pid" Long;
    /// The detector.
    RULE_ID "rule.id" Keyword;
    /// What the detector looks for.
    RULE_NAME "rule.name" Keyword;
    /// What kind of behaviour that is.
    RULE_CATEGORY "rule.category" Keyword;
    /// `floodmark`.
    RULE_RULESET "rule.ruleset" Keyword;
    /// `MITRE ATT&CK`.
    THREAT_FRAMEWORK "threat.framework" Keyword;
    /// The tactic's id.
    THREAT_TACTIC_ID "threat.tactic.id" Keyword;
    /// The tactic's name.
    THREAT_TACTIC_NAME "threat.tactic.name" Keyword;
    /// The technique's id.
    THREAT_TECHNIQUE_ID "threat.technique.id" Keyword;
    /// The technique's name.
    THREAT_TECHNIQUE_NAME "threat.technique.name" Keyword;
    /// The TCP flags seen, by name: `fin`, `syn`, `rst`, `psh`, `ack`, `urg`, `ece`, `cwr`.
    TCP_FLAGS_ARRAY "aws.vpcflow.tcp_flags_array" Keyword;
    /// The traffic path in words.
    TRAFFIC_PATH_NAME "aws.vpcflow.traffic_path_name" Keyword;
    /// The encryption status in words: `none`, `nitro`, `application tls` or `both`.
    ENCRYPTION_STATUS_NAME "aws.vpcflow.encryption_status_name" Keyword;
    /// The reason of a reject in words: `block public access` or `encryption control`.
    REJECT_REASON_NAME "aws.vpcflow.reject_reason_name" Keyword;
    /// The asset's name.
    ASSET_NAME "floodmark.{side}.asset.name" Keyword;
    /// Who answers for the asset.
    ASSET_OWNER "floodmark.{side}.asset.owner" Keyword;
    /// What the asset does.
    ASSET_ROLE "floodmark.{side}.asset.role" Keyword;
    /// How much the asset matters.
    ASSET_CRITICALITY "floodmark.{side}.asset.criticality" Keyword;
    /// What kind of thing the asset is to the network: `workload`, `nat_gateway`, `load_balancer`, `endpoint`,
    /// `transit_gateway` or `lambda`.
    ASSET_CLASS "floodmark.{side}.asset.class" Keyword;
    /// The asset's tags, by name; with those that the record has of the interface's own side, by the names of their columns.
    ASSET_TAGS "floodmark.{side}.asset.tags" Flattened;
    /// The provider in whose published ranges the address outside is: `aws`, `azure`, `gcp`, or as the config calls it.
    PROVIDER_NAME "floodmark.{side}.provider.name" Keyword;
    /// Which of its services the provider says runs there: `S3`.
    PROVIDER_SERVICE "floodmark.{side}.provider.service" Keyword;
    /// The region that the provider says it is in: `eu-west-1`.
    PROVIDER_REGION "floodmark.{side}.provider.region" Keyword;
    /// What kind of thing the score is about: `service`, `tag`, `asg`, `instance`, `address` or `interface`.
    ENTITY_KIND "floodmark.entity.kind" Keyword;
    /// Its name within the scope.
    ENTITY_NAME "floodmark.entity.name" Keyword;
    /// Whose address space it lives in: account, region and VPC, as far as the records say.
    ENTITY_SCOPE "floodmark.entity.scope" Keyword;
    /// Whom it is compared with.
    ENTITY_PEER_GROUP "floodmark.entity.peer_group" Keyword;
    /// What kind of thing it is to the network: `workload`, `nat_gateway`, `load_balancer`, `endpoint`, `transit_gateway` or
    /// `lambda`. Those that pass on what others send are scored by volume and rejects alone.
    ENTITY_CLASS "floodmark.entity.class" Keyword;
    /// The score, 0 to 100.
    SCORE_POINTS "floodmark.score.points" Long;
    /// The feature that surprises most: `bytes_out` or `destination_ports`.
    SCORE_FEATURE "floodmark.score.feature" Keyword;
    /// Its value in the window so far: bytes, or ports.
    SCORE_OBSERVED "floodmark.score.observed" Long;
    /// Probability of such a value or a larger one in a usual window.
    SCORE_P "floodmark.score.p" Double;
    /// Median of the usual windows, in the feature's unit.
    SCORE_MEDIAN "floodmark.score.median" Long;
    /// 99th percentile of the usual windows.
    SCORE_P99 "floodmark.score.p99" Long;
    /// Largest usual window.
    SCORE_MAX "floodmark.score.max" Long;
    /// How many of its own windows that rests on, decayed.
    SCORE_SAMPLES "floodmark.score.samples" Long;
    /// How many of its peers' windows that rests on, decayed.
    SCORE_PEER_SAMPLES "floodmark.score.peer_samples" Long;
    /// How far the entity's own past may be trusted: `warming` (judged by its peers), `shrunk` or `mature`.
    SCORE_MATURITY "floodmark.score.maturity" Keyword;
    /// Whether the record came after its window had folded: scored, not learned. Only written where it did.
    SCORE_LATE "floodmark.score.late" Boolean;
    /// Start of the window.
    SCORE_WINDOW_START "floodmark.score.window.start" Date;
    /// The finding: the same in all its revisions.
    FINDING_ID "floodmark.finding.id" Keyword;
    /// Which document of the finding: `created`, the number of digits' logarithm that it has grown to, or `closed`.
    FINDING_REVISION "floodmark.finding.revision" Keyword;
    /// Whether somebody is to look at it: `alert`, or `observed` where the config has its detector on trial, `suppressed`, or
    /// `over_budget` where there were as many incidents that day as anybody wants (`score.budget`).
    FINDING_DISPOSITION "floodmark.finding.disposition" Keyword;
    /// Who answers for it. Only of what is suppressed.
    SUPPRESSION_OWNER "floodmark.finding.suppression.owner" Keyword;
    /// Why nobody is to look at it.
    SUPPRESSION_REASON "floodmark.finding.suppression.reason" Keyword;
    /// Where that was agreed on.
    SUPPRESSION_TICKET "floodmark.finding.suppression.ticket" Keyword;
    /// What the entity had to do with it: `actor` or `target`.
    FINDING_ROLE "floodmark.finding.role" Keyword;
    /// The detector that raised it.
    FINDING_DETECTOR "floodmark.finding.detector" Keyword;
    /// Mean of the entity's own windows, in the feature's unit: a fact, not the decision.
    FINDING_MEAN "floodmark.finding.mean" Double;
    /// Mean and three standard deviations of the entity's own windows: a fact, not the decision.
    FINDING_MEAN_3_SIGMA "floodmark.finding.mean_plus_3_sigma" Double;
    /// How much of it was seen, where the finding does not rest on a score: ports, hosts, sessions.
    FINDING_OBSERVED "floodmark.finding.observed" Long;
    /// From how much on that is told.
    FINDING_LIMIT "floodmark.finding.limit" Long;
    /// Ports or addresses that it was, at most 60 of many.
    FINDING_EXAMPLES "floodmark.finding.examples" Keyword;
    /// How long the entity has been known before the window, in seconds.
    FINDING_AGE "floodmark.finding.age_seconds" Long;
    /// Whether the document was written more than an hour after what it tells of: a backlog was read. Only written where it was.
    FINDING_DELAYED "floodmark.finding.delayed" Boolean;
    /// The incident that the finding belongs to: hash of the entity and the start of its episode. Findings of an entity less
    /// than 24 hours apart are one episode.
    INCIDENT_ID "floodmark.incident.id" Keyword;
    /// The entity's events of the window so far, sent and received, accepted and rejected, whether they left or not.
    /// Only where a sink samples.
    ACTIVITY_EVENTS "floodmark.finding.activity.events" Long;
    /// Bytes of those events.
    ACTIVITY_BYTES "floodmark.finding.activity.bytes" Long;
    /// Packets of those events.
    ACTIVITY_PACKETS "floodmark.finding.activity.packets" Long;
    /// Those events by the minute of the window that they ended in: ten numbers.
    ACTIVITY_EVENTS_SERIES "floodmark.finding.activity.events_by_minute" Long;
    /// Their bytes by the minute of the window that they ended in: ten numbers.
    ACTIVITY_BYTES_SERIES "floodmark.finding.activity.bytes_by_minute" Long;
    /// Bytes that the server sent. Only of a session.
    DESTINATION_BYTES "destination.bytes" Long;
    /// Packets that the server sent. Only of a session.
    DESTINATION_PACKETS "destination.packets" Long;
    /// The session: the same in all its documents. One that goes on has a document each hour, with all that it came to so far.
    SESSION_ID "floodmark.session.id" Keyword;
    /// Why it is over: `finished` (both sides sent FIN), `reset`, `refused` (nothing was let through) or `idle`. Absent where
    /// it goes on.
    SESSION_ENDING "floodmark.session.ending" Keyword;
    /// How it is known who began it, and so which side is `source`: `flags`, `refusal`, `service`, `port`, `start` or
    /// `lower_port`. Absent where nobody can tell.
    SESSION_METHOD "floodmark.session.initiator.method" Keyword;
    /// How sure that is, from 0 to 1.
    SESSION_CONFIDENCE "floodmark.session.initiator.confidence" Double;
    /// Where it goes: `within_subnet`, `within_vpc`, `between_vpcs`, `on_premises`, `aws_service` (one that AWS runs, not a machine
    /// that is rented there) or `internet`. Absent where that is not known.
    SESSION_RELATION "floodmark.session.relation" Keyword;
    /// Flow records that it rests on, those of both sides' interfaces and of gateways between them.
    SESSION_RECORDS "floodmark.session.records" Long;
    /// Windows in which something was sent.
    SESSION_WINDOWS "floodmark.session.windows" Long;
    /// The entities on both sides, as far as they are known, once each.
    SESSION_ENTITIES "floodmark.session.entities" Keyword;
    /// For how many events that scored low this one stands, because it is one of a sample. Absent where it stands for itself.
    SAMPLE_RATE "floodmark.sample.rate" Long;
}
