//! Records of interfaces and gateways, as flow logs have them.

use super::*;
use crate::event::Field;

/// A record of an interface, as versions 3 and later have it; an empty text is a column that says nothing.
#[derive(Debug, Clone)]
pub(in crate::score::tests) struct Seen {
    pub(in crate::score::tests) vpc: &'static str,
    pub(in crate::score::tests) interface: &'static str,
    /// `interface-type`.
    pub(in crate::score::tests) kind: &'static str,
    pub(in crate::score::tests) service: &'static str,
    pub(in crate::score::tests) source: &'static str,
    pub(in crate::score::tests) destination: &'static str,
    /// `pkt-srcaddr` and `pkt-dstaddr`; without them the log has neither.
    pub(in crate::score::tests) packets: Option<(&'static str, &'static str)>,
    pub(in crate::score::tests) ports: (u16, u16),
    pub(in crate::score::tests) bytes: u64,
    pub(in crate::score::tests) end: u64,
    /// Whether it says `flow-direction`, which versions before 5 do not.
    pub(in crate::score::tests) directed: bool,
    pub(in crate::score::tests) egress: bool,
    /// The assets of the two sides.
    pub(in crate::score::tests) assets: [Option<Arc<Asset>>; 2],
}

pub(in crate::score::tests) const VPC: &str = "vpc-1";
pub(in crate::score::tests) const HOST: &str = "10.0.1.5";
pub(in crate::score::tests) const OTHER: &str = "10.0.1.6";
pub(in crate::score::tests) const NAT: &str = "10.0.0.220";
pub(in crate::score::tests) const FAR: &str = "10.20.3.4";
pub(in crate::score::tests) const OUT: &str = "203.0.113.5";

// === impl Seen ===

impl Seen {
    pub(in crate::score::tests) fn new(
        interface: &'static str,
        kind: &'static str,
        source: &'static str,
        destination: &'static str,
    ) -> Self {
        Self {
            vpc: VPC,
            interface,
            kind,
            service: "",
            source,
            destination,
            packets: Some((source, destination)),
            ports: (51_000, 443),
            bytes: 1_000,
            end: START,
            directed: true,
            egress: true,
            assets: [None, None],
        }
    }

    pub(in crate::score::tests) fn packets(self, source: &'static str, destination: &'static str) -> Self {
        Self { packets: Some((source, destination)), ..self }
    }

    pub(in crate::score::tests) fn ingress(self) -> Self {
        Self { egress: false, ..self }
    }

    pub(in crate::score::tests) fn at(self, end: u64, bytes: u64) -> Self {
        Self { end, bytes, ..self }
    }
}

const NAMES: [&str; 16] = [
    "account-id",
    "vpc-id",
    "interface-id",
    "interface-type",
    "ecs-service-name",
    "srcaddr",
    "dstaddr",
    "pkt-srcaddr",
    "pkt-dstaddr",
    "srcport",
    "dstport",
    "packets",
    "bytes",
    "end",
    "action",
    "flow-direction",
];

/// What `seen` says in each column, in the order of the vocabulary; texts go into the bytes of `chunk`.
fn row_of(seen: &Seen, chunk: &mut Chunk) -> Vec<Value> {
    let mut text = |text: &str| {
        let at = chunk.bytes.len();
        chunk.bytes.extend_from_slice(text.as_bytes());
        let span = Span::new(at, chunk.bytes.len());
        if text.is_empty() { Value::Absent } else { Value::Text(span) }
    };
    let address = |text: &str| match text.parse() {
        Ok(address) => Value::V4(address, Span::default()),
        Err(_) => Value::Absent,
    };
    let packets = seen.packets.unwrap_or(("", ""));
    let row = [
        text("123456789012"),
        text(seen.vpc),
        text(seen.interface),
        text(seen.kind),
        text(seen.service),
        address(seen.source),
        address(seen.destination),
        address(packets.0),
        address(packets.1),
        Value::Uint(seen.ports.0.into()),
        Value::Uint(seen.ports.1.into()),
        Value::Uint(seen.bytes.div_ceil(1_000)),
        Value::Uint(seen.bytes),
        Value::Uint(seen.end),
        text("ACCEPT"),
        text(match (seen.directed, seen.egress) {
            (false, _) => "",
            (true, true) => "egress",
            (true, false) => "ingress",
        }),
    ];
    let mut row: Vec<_> =
        NAMES.iter().map(|name| Field::from_name(name).unwrap() as usize).zip(row).collect();
    row.sort_by_key(|(field, _)| *field);
    row.into_iter().map(|(_, value)| value).collect()
}

/// What every interface on the way logs of `bytes` from the host at `host` to the outside at `end`: its own, and the NAT
/// gateway's twice.
pub(in crate::score::tests) fn by_nat(
    host: &'static str,
    eni: &'static str,
    service: &'static str,
    end: u64,
    bytes: u64,
) -> [Seen; 3] {
    let own = Seen { service, ..Seen::new(eni, "interface", host, OUT) };
    let inner = Seen::new("eni-nat", "nat_gateway", host, NAT).packets(host, OUT).ingress();
    let outer = Seen::new("eni-nat", "nat_gateway", NAT, OUT);
    [own, inner, outer].map(|seen| seen.at(end, bytes))
}

pub(in crate::score::tests) fn batch(start: usize, all: &[Seen]) -> Batch {
    static SERIAL: AtomicUsize = AtomicUsize::new(1 << 40);
    let layout = Layout::of_names(NAMES).unwrap();
    let origin = Origin::from_text("a");
    let mut chunk = Chunk::new(SourceId(0), Partition::new("a"), origin.clone(), Vec::new());
    let mut rows = Vec::new();
    for (index, seen) in all.iter().enumerate() {
        rows.push(row_of(seen, &mut chunk));
        let end = chunk.bytes.len() as u32;
        chunk.records.push(Record { position: (start + index) as u64, end, first_index: 0 });
    }
    chunk.next = (start + all.len()) as u64;
    let mut batch = Batch::default();
    let scheme = IdScheme::of(&origin);
    batch.fill(chunk, SERIAL.fetch_add(1, Ordering::Relaxed) as u64);
    batch.endpoints = vec![Endpoint::default(), Endpoint { internal: true, ..Endpoint::default() }];
    for (index, (row, seen)) in rows.into_iter().zip(all).enumerate() {
        let entry = Entry { span: Span::default(), record: index as u32, index: 0 };
        let chunk = batch.chunk.as_ref().unwrap();
        let event = Event::parsed(chunk, &scheme, entry, &layout, batch.values.len(), 0);
        // As enrichment leaves it: what is in 10/8 is inside, and a packet's address has a place only where it differs.
        let mut place = |address: &str, asset: Option<&Arc<Asset>>| match asset {
            Some(asset) => {
                let asset = Some(Arc::clone(asset));
                batch.endpoints.push(Endpoint {
                    internal: address.starts_with("10."),
                    asset,
                    ..Endpoint::default()
                });
                batch.endpoints.len() as u32 - 1
            }
            None => u32::from(address.starts_with("10.")),
        };
        let source = place(seen.source, seen.assets[0].as_ref());
        let destination = place(seen.destination, seen.assets[1].as_ref());
        let packets = seen.packets.unwrap_or((seen.source, seen.destination));
        let differs = |plain: &str, packet: &str| match plain == packet {
            true => Batch::NO_ENDPOINT,
            false => u32::from(packet.starts_with("10.")),
        };
        let (nat_source, nat_destination) =
            (differs(seen.source, packets.0), differs(seen.destination, packets.1));
        batch.events.push(Event { source, destination, nat_source, nat_destination, ..event });
        batch.values.extend(row);
    }
    batch
}
