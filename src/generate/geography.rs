//! Where the outside addresses of the estate are: made-up networks over ranges that nobody routes (documentation and
//! benchmark ranges), with the City and ASN databases that say so.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::Error;
use super::mmdb::{Database, Value};

/// Build time that the databases state: 2026-03-01T00:00:00Z, in seconds.
const BUILD_EPOCH: u64 = 1_772_323_200;

/// A town as a City database describes it.
struct Place {
    continent: (&'static str, &'static str, u32),
    country: (&'static str, &'static str, u32),
    european_union: bool,
    subdivision: Option<(&'static str, &'static str, u32)>,
    city: (&'static str, u32),
    latitude: f64,
    longitude: f64,
    time_zone: &'static str,
    postal: Option<&'static str>,
}

/// A network, where it is and whose.
struct Network {
    net: IpNet,
    place: Place,
    number: u32,
    organization: &'static str,
}

const EUROPE: (&str, &str, u32) = ("EU", "Europe", 6_255_148);
const NORTH_AMERICA: (&str, &str, u32) = ("NA", "North America", 6_255_149);
const SOUTH_AMERICA: (&str, &str, u32) = ("SA", "South America", 6_255_150);
const ASIA: (&str, &str, u32) = ("AS", "Asia", 6_255_147);
const UNITED_STATES: (&str, &str, u32) = ("US", "United States", 6_252_001);
const GERMANY: (&str, &str, u32) = ("DE", "Germany", 2_921_044);

const DUBLIN: Place = Place {
    continent: EUROPE,
    country: ("IE", "Ireland", 2_963_597),
    european_union: true,
    subdivision: Some(("L", "Leinster", 7_521_314)),
    city: ("Dublin", 2_964_574),
    latitude: 53.3331,
    longitude: -6.2489,
    time_zone: "Europe/Dublin",
    postal: Some("D02"),
};
const LONDON: Place = Place {
    continent: EUROPE,
    country: ("GB", "United Kingdom", 2_635_167),
    european_union: false,
    subdivision: Some(("ENG", "England", 6_269_131)),
    city: ("London", 2_643_743),
    latitude: 51.5085,
    longitude: -0.1257,
    time_zone: "Europe/London",
    postal: Some("EC1A"),
};
const PARIS: Place = Place {
    continent: EUROPE,
    country: ("FR", "France", 3_017_382),
    european_union: true,
    subdivision: Some(("IDF", "Île-de-France", 3_012_874)),
    city: ("Paris", 2_988_507),
    latitude: 48.8534,
    longitude: 2.3488,
    time_zone: "Europe/Paris",
    postal: Some("75001"),
};
const BERLIN: Place = Place {
    continent: EUROPE,
    country: GERMANY,
    european_union: true,
    subdivision: Some(("BE", "Land Berlin", 2_950_157)),
    city: ("Berlin", 2_950_159),
    latitude: 52.5244,
    longitude: 13.4105,
    time_zone: "Europe/Berlin",
    postal: Some("10115"),
};
const FRANKFURT: Place = Place {
    continent: EUROPE,
    country: GERMANY,
    european_union: true,
    subdivision: Some(("HE", "Hesse", 2_905_330)),
    city: ("Frankfurt am Main", 2_925_533),
    latitude: 50.1155,
    longitude: 8.6842,
    time_zone: "Europe/Berlin",
    postal: Some("60313"),
};
const AMSTERDAM: Place = Place {
    continent: EUROPE,
    country: ("NL", "Netherlands", 2_750_405),
    european_union: true,
    subdivision: Some(("NH", "North Holland", 2_749_879)),
    city: ("Amsterdam", 2_759_794),
    latitude: 52.374,
    longitude: 4.8897,
    time_zone: "Europe/Amsterdam",
    postal: Some("1012"),
};
const BUCHAREST: Place = Place {
    continent: EUROPE,
    country: ("RO", "Romania", 798_549),
    european_union: true,
    subdivision: Some(("B", "București", 683_504)),
    city: ("Bucharest", 683_506),
    latitude: 44.4323,
    longitude: 26.1063,
    time_zone: "Europe/Bucharest",
    postal: None,
};
const NEW_YORK: Place = Place {
    continent: NORTH_AMERICA,
    country: UNITED_STATES,
    european_union: false,
    subdivision: Some(("NY", "New York", 5_128_638)),
    city: ("New York", 5_128_581),
    latitude: 40.7143,
    longitude: -74.006,
    time_zone: "America/New_York",
    postal: Some("10001"),
};
const ASHBURN: Place = Place {
    continent: NORTH_AMERICA,
    country: UNITED_STATES,
    european_union: false,
    subdivision: Some(("VA", "Virginia", 6_254_928)),
    city: ("Ashburn", 4_744_870),
    latitude: 39.0437,
    longitude: -77.4875,
    time_zone: "America/New_York",
    postal: Some("20147"),
};
const SAO_PAULO: Place = Place {
    continent: SOUTH_AMERICA,
    country: ("BR", "Brazil", 3_469_034),
    european_union: false,
    subdivision: Some(("SP", "São Paulo", 3_448_433)),
    city: ("São Paulo", 3_448_439),
    latitude: -23.5475,
    longitude: -46.6361,
    time_zone: "America/Sao_Paulo",
    postal: Some("01000"),
};
const SINGAPORE: Place = Place {
    continent: ASIA,
    country: ("SG", "Singapore", 1_880_251),
    european_union: false,
    subdivision: None,
    city: ("Singapore", 1_880_252),
    latitude: 1.2897,
    longitude: 103.8501,
    time_zone: "Asia/Singapore",
    postal: None,
};

/// Every network of the outside. AS numbers are those that RFC 5398 keeps for documentation.
const NETWORKS: [Network; 17] = [
    four([203, 0, 113, 0], 25, SAO_PAULO, 64_500, "Rede Exemplo Telecom"),
    four([203, 0, 113, 128], 25, AMSTERDAM, 64_501, "Example Cheap Hosting"),
    four([198, 51, 100, 0], 25, DUBLIN, 64_502, "Example Shop Offices"),
    four([198, 51, 100, 128], 25, FRANKFURT, 64_503, "Example Package Mirrors"),
    four([192, 0, 2, 0], 25, ASHBURN, 64_504, "Example Public Resolver"),
    four([192, 0, 2, 128], 25, DUBLIN, 64_505, "Example Object Storage"),
    four([198, 18, 0, 0], 18, DUBLIN, 64_506, "Example Broadband Ireland"),
    four([198, 18, 64, 0], 18, LONDON, 64_507, "Example Mobile UK"),
    four([198, 18, 128, 0], 18, PARIS, 64_508, "Exemple Telecom"),
    four([198, 18, 192, 0], 18, BERLIN, 64_509, "Beispiel Kabel"),
    four([198, 19, 0, 0], 18, NEW_YORK, 64_510, "Example Fiber"),
    four([198, 19, 64, 0], 18, SINGAPORE, 64_511, "Example Cloud Asia"),
    four([198, 19, 128, 0], 17, BUCHAREST, 65_536, "Example Scanners"),
    six(0x2001_0db8_0100, DUBLIN, 64_506, "Example Broadband Ireland"),
    six(0x2001_0db8_0200, LONDON, 64_507, "Example Mobile UK"),
    six(0x2001_0db8_0300, PARIS, 64_508, "Exemple Telecom"),
    six(0x2001_0db8_0400, NEW_YORK, 64_510, "Example Fiber"),
];

const fn four(octets: [u8; 4], length: u8, place: Place, number: u32, organization: &'static str) -> Network {
    let [a, b, c, d] = octets;
    let net = IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length));
    Network { net, place, number, organization }
}

/// A /40 whose first 48 bits are `prefix`.
const fn six(prefix: u64, place: Place, number: u32, organization: &'static str) -> Network {
    let address = Ipv6Addr::from_bits((prefix as u128) << 80);
    Network { net: IpNet::V6(Ipv6Net::new_assert(address, 40)), place, number, organization }
}

/// The bytes of a MaxMind DB shaped like GeoLite2-City, over every outside network of the estate and of loads with
/// at most 131,072 external addresses.
///
/// # Errors
///
/// When the database does not fit its format, which the table above does not bring about.
pub fn city_database() -> Result<Vec<u8>, Error> {
    let mut database =
        Database::new("floodmark-demo-City", "made-up towns for made-up networks", BUILD_EPOCH);
    for network in &NETWORKS {
        database.insert(network.net, network.place.record())?;
    }
    Ok(database.to_bytes()?)
}

/// The bytes of a MaxMind DB shaped like GeoLite2-ASN, over the same networks as [`city_database`].
///
/// # Errors
///
/// As [`city_database`].
pub fn asn_database() -> Result<Vec<u8>, Error> {
    let mut database = Database::new("floodmark-demo-ASN", "made-up owners of made-up networks", BUILD_EPOCH);
    for network in &NETWORKS {
        let record = Value::Map(vec![
            ("autonomous_system_number", Value::U32(network.number)),
            ("autonomous_system_organization", Value::Text(network.organization)),
        ]);
        database.insert(network.net, record)?;
    }
    Ok(database.to_bytes()?)
}

/// An outside address of a load: the networks above first, then 240.0.0.0/4, which no database knows.
#[inline]
pub(super) fn numbered_v4(index: u32) -> IpAddr {
    let base = if index < 131_072 { 0xC612_0000 } else { 0xF000_0000 };
    IpAddr::V4(Ipv4Addr::from_bits(base + index))
}

/// An outside IPv6 address, in the four networks above by turns.
#[inline]
pub(super) fn numbered_v6(index: u32) -> IpAddr {
    let network = 0x2001_0db8_0100_u128 + u128::from(index % 4) * 0x100;
    let host =
        u128::from(super::draw::scramble(u64::from(index / 4)) >> 16) << 16 | u128::from(index & 0xFFFF);
    IpAddr::V6(Ipv6Addr::from_bits(network << 80 | u128::from(index / 4) << 64 | host))
}

impl Place {
    fn record(&self) -> Value {
        let country = || {
            let mut fields = vec![("geoname_id", Value::U32(self.country.2))];
            if self.european_union {
                fields.push(("is_in_european_union", Value::Boolean(true)));
            }
            fields.push(("iso_code", Value::Text(self.country.0)));
            fields.push(("names", names(self.country.1)));
            Value::Map(fields)
        };
        let mut fields = vec![
            (
                "city",
                Value::Map(vec![("geoname_id", Value::U32(self.city.1)), ("names", names(self.city.0))]),
            ),
            ("continent", coded("code", self.continent)),
            ("country", country()),
            (
                "location",
                Value::Map(vec![
                    ("accuracy_radius", Value::U16(20)),
                    ("latitude", Value::Double(self.latitude)),
                    ("longitude", Value::Double(self.longitude)),
                    ("time_zone", Value::Text(self.time_zone)),
                ]),
            ),
        ];
        if let Some(code) = self.postal {
            fields.push(("postal", Value::Map(vec![("code", Value::Text(code))])));
        }
        fields.push(("registered_country", country()));
        if let Some(subdivision) = self.subdivision {
            fields.push(("subdivisions", Value::Array(vec![coded("iso_code", subdivision)])));
        }
        Value::Map(fields)
    }
}

/// A continent or subdivision: its code under `key`, its GeoNames id and its name.
fn coded(key: &'static str, (code, name, id): (&'static str, &'static str, u32)) -> Value {
    Value::Map(vec![(key, Value::Text(code)), ("geoname_id", Value::U32(id)), ("names", names(name))])
}

fn names(english: &'static str) -> Value {
    Value::Map(vec![("en", Value::Text(english))])
}
