//! Makes small MaxMind databases of our own for tests, sound and unsound ones.

use ipnet::IpNet;

/// A value in a database.
#[derive(Debug, Clone)]
pub(in crate::enrich) enum Datum {
    Text(&'static str),
    Double(f64),
    Uint(u32),
    Map(Vec<(&'static str, Datum)>),
    Array(Vec<Datum>),
}

/// A database in the making.
pub(in crate::enrich) struct Forge {
    ip_version: u16,
    description: bool,
    build_epoch: u8,
    kind: &'static str,
    nodes: Vec<[Child; 2]>,
    section: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
enum Child {
    Nothing,
    Node(usize),
    Leaf(usize),
}

// === impl Forge ===

impl Forge {
    pub(in crate::enrich) fn new(ip_version: u16) -> Self {
        Self {
            ip_version,
            description: true,
            build_epoch: 1,
            kind: "Test-City",
            nodes: vec![[Child::Nothing; 2]],
            section: Vec::new(),
        }
    }

    pub(in crate::enrich) fn without_description(mut self) -> Self {
        self.description = false;
        self
    }

    pub(in crate::enrich) fn built_at(mut self, build_epoch: u8) -> Self {
        self.build_epoch = build_epoch;
        self
    }

    pub(in crate::enrich) fn of_kind(mut self, kind: &'static str) -> Self {
        self.kind = kind;
        self
    }

    pub(in crate::enrich) fn with(mut self, network: &str, record: Datum) -> Self {
        let leaf = Child::Leaf(self.section.len());
        encode(&record, &mut self.section);
        let (bits, length) = match (network.parse::<IpNet>().unwrap(), self.ip_version) {
            (IpNet::V4(net), 4) => (u128::from(u32::from(net.network())) << 96, net.prefix_len()),
            (IpNet::V4(net), _) => (u128::from(u32::from(net.network())), 96 + net.prefix_len()),
            (IpNet::V6(net), _) => (u128::from(net.network()), net.prefix_len()),
        };
        let mut node = 0;
        for depth in 0..length {
            let side = (bits >> (127 - depth) & 1) as usize;
            if depth + 1 == length {
                self.nodes[node][side] = leaf;
                break;
            }
            node = match self.nodes[node][side] {
                Child::Node(next) => next,
                other => {
                    let next = self.nodes.len();
                    self.nodes.push([other; 2]);
                    self.nodes[node][side] = Child::Node(next);
                    next
                }
            };
        }
        self
    }

    pub(in crate::enrich) fn bytes(&self) -> Vec<u8> {
        let count = self.nodes.len();
        let mut bytes = Vec::new();
        for child in self.nodes.iter().flatten() {
            let record = match child {
                Child::Nothing => count,
                Child::Node(node) => *node,
                Child::Leaf(offset) => count + 16 + offset,
            };
            bytes.extend_from_slice(&(record as u32).to_be_bytes());
        }
        bytes.extend_from_slice(&[0; 16]);
        bytes.extend_from_slice(&self.section);
        bytes.extend_from_slice(&self.metadata(count, 32));
        bytes
    }

    fn metadata(&self, count: usize, record_size: u8) -> Vec<u8> {
        let mut bytes = b"\xab\xcd\xefMaxMind.com".to_vec();
        header(7, 9, &mut bytes);
        let mut pair = |name, value: &[u8]| {
            encode(&Datum::Text(name), &mut bytes);
            bytes.extend_from_slice(value);
        };
        pair("binary_format_major_version", &[5 << 5 | 1, 2]);
        pair("binary_format_minor_version", &[5 << 5]);
        pair("build_epoch", &[1, 2, self.build_epoch]);
        pair("ip_version", &[5 << 5 | 1, self.ip_version as u8]);
        pair("languages", &[0, 4]);
        pair("record_size", &[5 << 5 | 1, record_size]);
        let mut value = Vec::new();
        encode(&Datum::Uint(count as u32), &mut value);
        pair("node_count", &value);
        value.clear();
        encode(&Datum::Text(self.kind), &mut value);
        pair("database_type", &value);
        value.clear();
        let description =
            if self.description { vec![("en", Datum::Text("of our own making"))] } else { vec![] };
        encode(&Datum::Map(description), &mut value);
        pair("description", &value);
        bytes
    }
}

/// The record of a place.
pub(in crate::enrich) fn place(country: &'static str, city: Option<&'static str>) -> Datum {
    let names = |name| Datum::Map(vec![("en", Datum::Text(name))]);
    let mut record = vec![("country", Datum::Map(vec![("iso_code", Datum::Text(country))]))];
    if let Some(city) = city {
        record.push(("city", Datum::Map(vec![("names", names(city))])));
    }
    Datum::Map(record)
}

/// The record of an autonomous system.
pub(in crate::enrich) fn network(number: u32, organization: &'static str) -> Datum {
    Datum::Map(vec![
        ("autonomous_system_number", Datum::Uint(number)),
        ("autonomous_system_organization", Datum::Text(organization)),
    ])
}

/// An IPv6 tree in which every way but one leads to an alias of the IPv4 subtree: 2^95 ways, none of which counts as a
/// network.
pub(in crate::enrich) fn labyrinth() -> Vec<u8> {
    let forge = Forge::new(6);
    let count = 97_u32;
    let mut bytes = Vec::new();
    for node in 0..96_u32 {
        bytes.extend_from_slice(&(node + 1).to_be_bytes());
        bytes.extend_from_slice(&(node + 1).to_be_bytes());
    }
    bytes.extend_from_slice(&count.to_be_bytes());
    bytes.extend_from_slice(&count.to_be_bytes());
    bytes.extend_from_slice(&[0; 16]);
    bytes.extend_from_slice(&forge.metadata(count as usize, 32));
    bytes
}

fn encode(datum: &Datum, out: &mut Vec<u8>) {
    match datum {
        Datum::Text(text) => {
            header(2, text.len(), out);
            out.extend_from_slice(text.as_bytes());
        }
        Datum::Double(number) => {
            header(3, 8, out);
            out.extend_from_slice(&number.to_be_bytes());
        }
        Datum::Uint(number) => {
            header(6, 4, out);
            out.extend_from_slice(&number.to_be_bytes());
        }
        Datum::Map(pairs) => {
            header(7, pairs.len(), out);
            for (name, value) in pairs {
                encode(&Datum::Text(name), out);
                encode(value, out);
            }
        }
        Datum::Array(values) => {
            assert!(values.len() < 29);
            out.extend_from_slice(&[values.len() as u8, 4]);
            values.iter().for_each(|value| encode(value, out));
        }
    }
}

/// The control byte of a value of `kind`, and the bytes of a size that does not fit it (MaxMind DB format 2.0).
fn header(kind: u8, size: usize, out: &mut Vec<u8>) {
    match size {
        0..29 => out.push(kind << 5 | size as u8),
        29..285 => out.extend_from_slice(&[kind << 5 | 29, (size - 29) as u8]),
        _ => {
            out.push(kind << 5 | 30);
            out.extend_from_slice(&((size - 285) as u16).to_be_bytes());
        }
    }
}
