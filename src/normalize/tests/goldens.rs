//! The cases whose documents are kept as golden lines.

use super::super::sample::{PORT_SPREAD, Sample, V2, VOLUME_OUT, entity, external, finding, internal, score};
use crate::event::{
    Detector, Direction, Disposition, EntityKind, EntityName, Evidence, Feature, Finding, Revision, Score,
    Seen, Suppression,
};

const V5: &str = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end \
    action log-status vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region az-id \
    sublocation-type sublocation-id pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path";

pub(super) fn accepted() -> Sample {
    Sample::new()
        .line(
            V2,
            "2 012345678901 eni-0a1b2c3d4e5f60718 10.0.1.7 81.2.69.160 49152 443 6 840 1024000 1795260605 \
             1795260664 ACCEPT OK",
        )
        .flow(Direction::Outbound, "tcp", "https")
        .ends(internal("ledger-db-1", 21), external())
        .verdict(
            entity("address", "10.0.1.7", 9),
            Some(score(Feature::BytesOut, 1_024_000_000, 98, -5.9)),
            false,
        )
}

/// Of somebody else than the other findings, two hours earlier.
fn ported(detector: &'static Detector, score: Score, facts: [f64; 2]) -> Finding {
    let mut ported = finding(Revision::Created);
    ported.detector = detector;
    let [mean, mean_plus_3_sigma] = facts;
    ported.evidence = Evidence::Unusual { score, mean, mean_plus_3_sigma };
    ported.entity = entity("service", "checkout", 12).into();
    ported.asset = None;
    ported.peer = ported.address;
    ported.instance = Some("i-0fedcba9876543210".into());
    // Of two hours ago.
    (ported.at, ported.window_start) = (ported.at - 7_200, ported.window_start - 7_200);
    ported
}

type Named = Vec<(&'static str, Sample)>;

/// Every golden document, by name.
pub(super) fn goldens() -> Named {
    [flows(), rarities(), novelties(), hostile(), findings()].into_iter().flatten().collect()
}

fn flows() -> Named {
    vec![
        ("v2 accept", accepted()),
        (
            "v2 reject",
            Sample::new()
                .line(
                    V2,
                    "2 012345678901 eni-0a1b2c3d4e5f60718 81.2.69.160 10.0.1.7 49152 22 6 1 40 1795260605 1795260605 \
                     REJECT OK",
                )
                .flow(Direction::Inbound, "tcp", "ssh")
                .ends(external(), internal("ledger-db-1", 21))
                .verdict(
                    entity("service", "ledger", 10),
                    Some(score(Feature::DestinationPorts, 1, 3, -0.2)),
                    true,
                ),
        ),
        (
            "v5 egress with nat",
            Sample::new()
                .line(
                    V5,
                    "5 012345678901 eni-0a1b2c3d4e5f60718 10.0.0.9 81.2.69.160 44000 443 6 12 3400 1795260605 \
                     1795260664 ACCEPT OK vpc-0a1b2c3d subnet-0a1b2c3d i-0123456789abcdef0 19 IPv4 10.0.1.7 \
                     81.2.69.160 eu-west-1 euw1-az2 wavelength wlz-1 - S3 egress 8",
                )
                .flow(Direction::Outbound, "tcp", "https")
                .ends(internal("nat-gateway", 22), external())
                .nat_source(internal("ledger-db-1", 21))
                .verdict(entity("instance", "i-0123456789abcdef0", 11), None, false),
        ),
        (
            "nat whose packet sender is external gives place and network",
            Sample::new()
                .line(
                    "srcaddr dstaddr pkt-srcaddr pkt-dstaddr start end action",
                    "10.0.0.9 10.0.1.7 81.2.69.160 81.2.69.161 1795260605 1795260664 ACCEPT",
                )
                .flow(Direction::Internal, "tcp", "")
                .ends(internal("nat-gateway", 22), internal("ledger-db-1", 21))
                .nat_source(external())
                .nat_destination(external()),
        ),
        (
            "ipv6",
            Sample::new()
                .line(
                    V2,
                    "2 012345678901 eni-0a1b2c3d4e5f60718 fd00::7 2001:0DB8:0:0::1 49152 443 17 1 80 1795219199 \
                     1795219200 ACCEPT OK",
                )
                .flow(Direction::Outbound, "udp", "https")
                .ends(internal("v6", 23), Default::default()),
        ),
    ]
}

fn rarities() -> Named {
    vec![
        ("nodata", Sample::new().line(V2, "2 012345678901 eni-1 - - - - - - - 1795260605 1795260664 - NODATA")),
        ("skipdata", Sample::new().line(V2, "2 012345678901 eni-1 - - - - - - - 1795260605 1795260664 - SKIPDATA")),
        (
            "unknown geo and the same address twice",
            Sample::new()
                .line(V2, "2 012345678901 eni-1 203.0.113.5 203.0.113.5 1 2 6 1 40 1795260605 1795260664 ACCEPT OK")
                .flow(Direction::External, "tcp", ""),
        ),
        ("icmp", {
            let mut icmp = Sample::new()
                .line(V2, "2 012345678901 eni-1 10.0.1.7 10.0.1.8 0 0 1 4 336 1795260605 1795260664 ACCEPT OK")
                .flow(Direction::Internal, "icmp", "")
                .ends(internal("ledger-db-1", 21), internal("ledger-db-1", 21));
            icmp.event().community_id = Default::default();
            icmp
        }),
        (
            "internal ingress is the receiver's",
            Sample::new()
                .line(
                    "srcaddr dstaddr start end action instance-id flow-direction",
                    "10.0.1.7 10.0.1.8 1795260605 1795260664 ACCEPT i-0123456789abcdef0 ingress",
                )
                .flow(Direction::Internal, "tcp", "")
                .ends(internal("web-1", 24), internal("ledger-db-1", 21)),
        ),
        (
            "ecs fields",
            Sample::new().line(
                "ecs-cluster-arn ecs-cluster-name ecs-container-instance-arn ecs-container-instance-id ecs-container-id \
                 ecs-service-name ecs-task-id reject-reason end",
                "arn:aws:ecs:eu-west-1:012345678901:cluster/front front \
                 arn:aws:ecs:eu-west-1:012345678901:container-instance/front/7c1d 7c1d 574fc0af-908 checkout 6adbd0d6 BPA \
                 1795260664",
            ),
        ),
    ]
}

fn novelties() -> Named {
    vec![
        (
            "transit gateway",
            Sample::new()
                .line(
                    "version resource-type account-id tgw-id tgw-attachment-id tgw-src-vpc-account-id \
                     tgw-dst-vpc-account-id tgw-src-vpc-id tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id \
                     tgw-src-eni tgw-dst-eni tgw-src-az-id tgw-dst-az-id tgw-pair-attachment-id srcaddr dstaddr \
                     srcport dstport protocol packets bytes start end log-status type packets-lost-no-route \
                     packets-lost-blackhole packets-lost-mtu-exceeded packets-lost-ttl-expired tcp-flags region \
                     flow-direction pkt-src-aws-service pkt-dst-aws-service",
                    "6 TransitGateway 012345678901 tgw-0a tgw-attach-0a 012345678901 123456789012 vpc-0a vpc-0b \
                     subnet-0a subnet-0b eni-0a eni-0b euw1-az1 euw1-az2 tgw-attach-0b 10.0.1.7 10.1.2.3 49152 443 6 \
                     10 1000 1795260605 1795260664 OK IPv4 1 0 2 3 19 eu-west-1 ingress - -",
                )
                .flow(Direction::Internal, "tcp", "https")
                .ends(internal("ledger-db-1", 21), internal("web-1", 24)),
        ),
        (
            "transit gateway that saw nothing",
            Sample::new().line(
                "version tgw-id tgw-attachment-id srcaddr dstaddr start end log-status",
                "6 tgw-0a tgw-attach-0a - - 1795260605 1795260664 NODATA",
            ),
        ),
        (
            "v11 with words, next hop and tags of the own side",
            Sample::new()
                .line(
                    "version interface-id srcaddr dstaddr start end action tcp-flags flow-direction traffic-path \
                     reject-reason encryption-status instance-tag asg-tag interface-type next-hop-interface-id \
                     next-hop-az-id resource-id",
                    "11 eni-0a1b2c3d4e5f60718 10.0.1.7 81.2.69.160 1795260605 1795260664 REJECT 223 egress 8 BPA 3 web \
                     front nat_gateway eni-0b euw1-az2 -",
                )
                .flow(Direction::Outbound, "tcp", "")
                .ends(internal("ledger-db-1", 21), external()),
        ),
        (
            "only ports",
            Sample::new().line("srcport dstport start end", "49152 443 1795260605 1795260664"),
        ),
    ]
}

fn hostile() -> Named {
    vec![
        (
            "hostile extras",
            Sample::new()
                .columns(&[
                    ("end", b"1795260664"),
                    ("new-field", b"seen"),
                    ("sublocation", b"no object"),
                    ("a\"}b\n", b"\"},\"event\":{\"kind\":\"alert\"\x00\x1f\x7f\\"),
                    ("absent", b"-"),
                    ("long", &[b'x'; 300]),
                    ("not-utf8", b"\xff\xfe\xc3\xa4"),
                    ("two-ways", b"1"),
                    ("two_ways", b"2"),
                ])
                .attributes(&[("a.b", "1"), ("a_b", "2"), ("\"}", "\"},\"event\":{\u{0}ä")]),
        ),
        (
            "hostile known columns",
            Sample::new().columns(&[
                ("account-id", b"\"quoted\""),
                ("interface-id", b"back\\slash"),
                ("srcaddr", b"10.0.1.7"),
                ("end", b"253402300799"),
                ("instance-tag", b"\xf0\x9f\x92\xa5%20\t"),
            ]),
        ),
    ]
}

fn ports() -> Score {
    score(Feature::DestinationPorts, 57, 83, -5.0)
}

fn findings() -> Named {
    vec![
        ("finding created", Sample::new().finding(finding(Revision::Created))),
        ("finding grown", Sample::new().finding(finding(Revision::Grown(9)))),
        ("finding closed", Sample::new().finding(finding(Revision::Closed))),
        ("finding of ports", Sample::new().finding(ported(&PORT_SPREAD, ports(), [61_234.5, 402_311.25]))),
        ("finding of nobody known", {
            let score = Score { feature: Feature::BytesOut, ..ports() };
            let mut bare = ported(&VOLUME_OUT, score, [f64::NAN, f64::INFINITY]);
            bare.entity = EntityName::new(0, (EntityKind::Interface, "eni-1", ""), "", None).into();
            (bare.address, bare.peer, bare.interface) = (None, None, None);
            (bare.instance, bare.community_id) = (None, None);
            Sample::new().finding(bare)
        }),
        ("finding of what is not to be", {
            let mut seen = finding(Revision::Created);
            seen.detector = &PORT_SPREAD;
            seen.evidence = Evidence::Seen(Seen {
                points: 80,
                observed: 57,
                limit: Some(15),
                said: " tried 57 ports of 10.0.1.9 that did not answer".into(),
                examples: ["21", "22", "23"].map(Into::into).into(),
            });
            Sample::new().finding(seen)
        }),
        ("finding that somebody answers for", {
            let mut suppressed = finding(Revision::Created);
            suppressed.disposition = Disposition::Suppressed;
            suppressed.suppression = Some(std::sync::Arc::new(Suppression {
                owner: "jane@example.com".into(),
                reason: "the scanner of the vulnerability team".into(),
                ticket: Some("SEC-1234".into()),
            }));
            Sample::new().finding(suppressed)
        }),
    ]
}
