//! A writer of MaxMind DB files, format 2.0 as its public specification has it: an IPv6 tree with 28-bit records and
//! IPv4 at `::/96`, map keys and texts written once and pointed at. Small databases only; it keeps all in memory.

use std::collections::BTreeMap;

use ipnet::IpNet;

/// Zero bytes between the search tree and the data.
const SEPARATOR_BYTES: usize = 16;
/// What stands before the metadata.
const METADATA_MARKER: &[u8] = b"\xAB\xCD\xEFMaxMind.com";
/// Bits of an address in the tree.
const ADDRESS_BITS: u8 = 128;
/// What fits a 28-bit record.
const RECORD_LIMIT: usize = 1 << 28;

/// Why a database could not be built.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// The network lies within one that is there already, or holds one.
    #[error("network {0} overlaps another one")]
    Overlap(IpNet),
    /// Tree and data together exceed what 28-bit records can point at.
    #[error("{0} bytes are more than 28-bit records can point at")]
    TooLarge(usize),
}

/// A value of the data section.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Type 7.
    Map(Vec<(&'static str, Value)>),
    /// Type 11.
    Array(Vec<Value>),
    /// Type 2, UTF-8.
    Text(&'static str),
    /// Type 3.
    Double(f64),
    /// Type 5.
    U16(u16),
    /// Type 6.
    U32(u32),
    /// Type 9.
    U64(u64),
    /// Type 14.
    Boolean(bool),
}

/// A database under construction.
#[derive(Debug, Clone)]
pub struct Database {
    kind: &'static str,
    description: &'static str,
    build_epoch: u64,
    forks: Vec<[Branch; 2]>,
    records: Vec<Value>,
}

/// Where one side of a fork of the tree leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Branch {
    Nothing,
    Fork(usize),
    Record(usize),
}

/// The data section, with the place of every text in it.
#[derive(Default)]
struct Section {
    bytes: Vec<u8>,
    texts: BTreeMap<&'static str, usize>,
}

impl Database {
    /// An empty database. `kind` is the `database_type`; readers take the shape of records from how it ends, for
    /// example `City` or `ASN`. `build_epoch` is in seconds.
    #[must_use]
    pub fn new(kind: &'static str, description: &'static str, build_epoch: u64) -> Self {
        let forks = vec![[Branch::Nothing; 2]];
        Self { kind, description, build_epoch, forks, records: Vec::new() }
    }

    /// Adds `record` for every address of `network`.
    ///
    /// # Errors
    ///
    /// When the network overlaps one that is there.
    pub fn insert(&mut self, network: IpNet, record: Value) -> Result<(), Error> {
        let (bits, length) = match network {
            IpNet::V4(v4) => (u128::from(v4.network().to_bits()), v4.prefix_len() + 96),
            IpNet::V6(v6) => (v6.network().to_bits(), v6.prefix_len()),
        };
        let mut at = 0;
        for depth in 0..length {
            let side = (bits >> (ADDRESS_BITS - 1 - depth) & 1) as usize;
            let last = depth + 1 == length;
            match (self.forks[at][side], last) {
                (Branch::Nothing, true) => self.forks[at][side] = Branch::Record(self.records.len()),
                (Branch::Nothing, false) => {
                    let next = self.forks.len();
                    self.forks.push([Branch::Nothing; 2]);
                    self.forks[at][side] = Branch::Fork(next);
                    at = next;
                }
                (Branch::Fork(next), false) => at = next,
                _ => return Err(Error::Overlap(network)),
            }
        }
        self.records.push(record);
        Ok(())
    }

    /// The file.
    ///
    /// # Errors
    ///
    /// When it is too large for 28-bit records.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let mut data = Section::default();
        let offsets: Vec<usize> = self.records.iter().map(|record| data.add(record)).collect();
        let reach = self.forks.len() + SEPARATOR_BYTES + data.bytes.len();
        if reach >= RECORD_LIMIT {
            return Err(Error::TooLarge(reach));
        }
        let mut file = Vec::new();
        for fork in &self.forks {
            let [left, right] = fork.map(|branch| match branch {
                Branch::Nothing => self.forks.len(),
                Branch::Fork(next) => next,
                Branch::Record(index) => self.forks.len() + SEPARATOR_BYTES + offsets[index],
            });
            // The high nibbles of both records share the middle byte.
            file.extend_from_slice(&(left as u32).to_be_bytes()[1..]);
            file.push((left >> 20 & 0xF0) as u8 | (right >> 24 & 0x0F) as u8);
            file.extend_from_slice(&(right as u32).to_be_bytes()[1..]);
        }
        file.extend_from_slice(&[0; SEPARATOR_BYTES]);
        file.extend_from_slice(&data.bytes);
        file.extend_from_slice(METADATA_MARKER);
        let mut metadata = Section::default();
        metadata.add(&self.metadata());
        file.extend_from_slice(&metadata.bytes);
        Ok(file)
    }

    fn metadata(&self) -> Value {
        Value::Map(vec![
            ("binary_format_major_version", Value::U16(2)),
            ("binary_format_minor_version", Value::U16(0)),
            ("build_epoch", Value::U64(self.build_epoch)),
            ("database_type", Value::Text(self.kind)),
            ("description", Value::Map(vec![("en", Value::Text(self.description))])),
            ("ip_version", Value::U16(6)),
            ("languages", Value::Array(vec![Value::Text("en")])),
            ("node_count", Value::U32(self.forks.len() as u32)),
            ("record_size", Value::U16(28)),
        ])
    }
}

impl Section {
    /// Appends a value and says where it begins.
    fn add(&mut self, value: &Value) -> usize {
        let at = self.bytes.len();
        match value {
            Value::Map(fields) => {
                self.control(7, fields.len());
                for (key, value) in fields {
                    self.text(key);
                    self.add(value);
                }
            }
            Value::Array(values) => {
                self.control(11, values.len());
                for value in values {
                    self.add(value);
                }
            }
            Value::Text(text) => self.text(text),
            Value::Double(number) => {
                self.control(3, 8);
                self.bytes.extend_from_slice(&number.to_be_bytes());
            }
            Value::U16(number) => self.unsigned(5, u64::from(*number)),
            Value::U32(number) => self.unsigned(6, u64::from(*number)),
            Value::U64(number) => self.unsigned(9, *number),
            Value::Boolean(truth) => self.control(14, usize::from(*truth)),
        }
        at
    }

    /// A text, or a pointer to where it stands already.
    fn text(&mut self, text: &'static str) {
        if let Some(at) = self.texts.get(text) {
            return self.pointer(*at);
        }
        self.texts.insert(text, self.bytes.len());
        self.control(2, text.len());
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// A pointer: type 1, two bits of length, then the offset less what shorter lengths reach.
    fn pointer(&mut self, at: usize) {
        let (length, rest, low) = match at {
            0..0x800 => (0_u8, at, 1),
            0x800..0x8_0800 => (1, at - 0x800, 2),
            _ => (2, at - 0x8_0800, 3),
        };
        let rest = (rest as u32).to_be_bytes();
        self.bytes.push(1 << 5 | length << 3 | rest[3 - low]);
        self.bytes.extend_from_slice(&rest[4 - low..]);
    }

    /// An unsigned number without its leading zero bytes.
    fn unsigned(&mut self, kind: u8, number: u64) {
        let bytes = number.to_be_bytes();
        let used = &bytes[number.leading_zeros() as usize / 8..];
        self.control(kind, used.len());
        self.bytes.extend_from_slice(used);
    }

    /// The control byte of a value of type `kind` and, by type, so many bytes, pairs or elements.
    fn control(&mut self, kind: u8, size: usize) {
        let (short, rest): (u8, &[u8]) = match size {
            0..29 => (size as u8, &[]),
            29..285 => (29, &[(size - 29) as u8]),
            _ => (30, &((size - 285) as u16).to_be_bytes()),
        };
        if kind < 8 {
            self.bytes.push(kind << 5 | short);
        } else {
            self.bytes.extend_from_slice(&[short, kind - 7]);
        }
        self.bytes.extend_from_slice(rest);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use maxminddb::{Reader, geoip2};
    use std::net::IpAddr;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn every_type_comes_back_as_it_was_written() {
        #[derive(serde::Deserialize, PartialEq, Debug)]
        struct Row {
            texts: Vec<String>,
            double: f64,
            numbers: (u16, u32, u64),
            yes: bool,
            no: bool,
        }
        const LONG: &str = "a text of more than twenty-eight bytes, so that its length takes a second byte";
        let longest: &'static str = Box::leak("x".repeat(5_000).into_boxed_str());
        let mut database = Database::new("Test", "test", 1);
        let texts = [LONG, longest, LONG, longest, ""].map(Value::Text).to_vec();
        let numbers = vec![Value::U16(0), Value::U32(u32::MAX), Value::U64(1 << 40)];
        database
            .insert(
                "10.0.0.0/8".parse().unwrap(),
                Value::Map(vec![
                    ("texts", Value::Array(texts)),
                    ("double", Value::Double(-0.25)),
                    ("numbers", Value::Array(numbers)),
                    ("yes", Value::Boolean(true)),
                    ("no", Value::Boolean(false)),
                ]),
            )
            .unwrap();
        // A second record points back over more than 2,048 bytes.
        database
            .insert("11.0.0.0/8".parse().unwrap(), Value::Map(vec![("no", Value::Text(longest))]))
            .unwrap();
        let reader = Reader::from_source(database.to_bytes().unwrap()).unwrap();
        reader.verify().unwrap();
        let row: Row = reader.lookup(ip("10.255.0.1")).unwrap().decode().unwrap().unwrap();
        let want = Row {
            texts: [LONG, longest, LONG, longest, ""].map(str::to_owned).to_vec(),
            double: -0.25,
            numbers: (0, u32::MAX, 1 << 40),
            yes: true,
            no: false,
        };
        assert_eq!(row, want);
        assert!(!reader.lookup(ip("12.0.0.1")).unwrap().has_data());
    }

    #[test]
    fn a_network_that_overlaps_another_is_refused() {
        for (first, second) in [
            ("10.0.0.0/8", "10.1.0.0/16"),
            ("10.1.0.0/16", "10.0.0.0/8"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("2001:db8::/32", "2001:db8:1::/48"),
        ] {
            let mut database = Database::new("Test", "test", 1);
            database.insert(first.parse().unwrap(), Value::U16(1)).unwrap();
            let second: IpNet = second.parse().unwrap();
            assert_eq!(database.insert(second, Value::U16(2)), Err(Error::Overlap(second)));
        }
    }

    #[test]
    fn the_demo_databases_verify_and_know_the_outside_networks() {
        let city = Reader::from_source(super::super::city_database().unwrap()).unwrap();
        let asn = Reader::from_source(super::super::asn_database().unwrap()).unwrap();
        city.verify().unwrap();
        asn.verify().unwrap();
        let cases = [
            ("203.0.113.77", "BR", "São Paulo", Some("SP"), 64_500, "Rede Exemplo Telecom"),
            ("198.19.127.255", "SG", "Singapore", None, 64_511, "Example Cloud Asia"),
            ("198.51.100.9", "IE", "Dublin", Some("L"), 64_502, "Example Shop Offices"),
            ("2001:db8:3ff::1", "FR", "Paris", Some("IDF"), 64_508, "Exemple Telecom"),
        ];
        for (address, country, town, subdivision, number, organization) in cases {
            let record: geoip2::City<'_> = city.lookup(ip(address)).unwrap().decode().unwrap().unwrap();
            assert_eq!(record.country.iso_code, Some(country));
            assert_eq!(record.registered_country.iso_code, Some(country));
            assert_eq!(record.city.names.english, Some(town));
            assert_eq!(record.subdivisions.first().and_then(|s| s.iso_code), subdivision);
            assert!(record.location.latitude.is_some() && record.location.time_zone.is_some());
            let record: geoip2::Asn<'_> = asn.lookup(ip(address)).unwrap().decode().unwrap().unwrap();
            assert_eq!(record.autonomous_system_number, Some(number));
            assert_eq!(record.autonomous_system_organization, Some(organization));
        }
        for unknown in ["10.20.0.11", "2001:db8:20::b", "240.0.0.1"] {
            assert!(!city.lookup(ip(unknown)).unwrap().has_data(), "{unknown}");
        }
    }
}
