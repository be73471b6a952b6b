//! Records of City, Country and ASN databases, decoded into the nouns that events carry.

use std::{
    net::IpAddr,
    sync::atomic::{AtomicU64, Ordering},
};

use maxminddb::MaxMindDbError;
use serde::Deserialize;

use super::database::Database;
use crate::event::{AutonomousSystem, Place};

/// A number that no other place, autonomous system or asset of the process has.
pub(super) fn next_serial() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The place of `address` in a City or Country database; none where its record says nothing that we keep.
///
/// # Errors
/// When the record does not decode.
pub(super) fn place(database: &Database, address: IpAddr) -> Result<Option<Place>, MaxMindDbError> {
    let record = database.record::<PlaceRecord<'_>>(address)?;
    let place = record.map(PlaceRecord::place).filter(|place| *place != Place::default());
    Ok(place.map(|place| Place { serial: next_serial(), ..place }))
}

/// The autonomous system of `address` in an ASN database; none where its record has no number.
///
/// # Errors
/// When the record does not decode.
pub(super) fn network(
    database: &Database,
    address: IpAddr,
) -> Result<Option<AutonomousSystem>, MaxMindDbError> {
    let record = database.record::<NetworkRecord<'_>>(address)?;
    Ok(record.and_then(|record| {
        let number = record.autonomous_system_number?;
        let organization = record.autonomous_system_organization.and_then(text);
        Some(AutonomousSystem { serial: next_serial(), number, organization })
    }))
}

/// What of a City or Country record is kept.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PlaceRecord<'a> {
    #[serde(borrow)]
    continent: Continent<'a>,
    #[serde(borrow)]
    country: Region<'a>,
    #[serde(borrow)]
    subdivisions: Vec<Region<'a>>,
    #[serde(borrow)]
    city: City<'a>,
    #[serde(borrow)]
    postal: Postal<'a>,
    #[serde(borrow)]
    location: Location<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Continent<'a> {
    code: Option<&'a str>,
    #[serde(borrow)]
    names: Names<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Region<'a> {
    iso_code: Option<&'a str>,
    #[serde(borrow)]
    names: Names<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct City<'a> {
    #[serde(borrow)]
    names: Names<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Postal<'a> {
    code: Option<&'a str>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Location<'a> {
    latitude: Option<f64>,
    longitude: Option<f64>,
    time_zone: Option<&'a str>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Names<'a> {
    en: Option<&'a str>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NetworkRecord<'a> {
    autonomous_system_number: Option<u32>,
    autonomous_system_organization: Option<&'a str>,
}

// === impl PlaceRecord ===

impl PlaceRecord<'_> {
    fn place(self) -> Place {
        let subdivision = self.subdivisions.into_iter().next().unwrap_or_default();
        let region_code = self.country.iso_code.zip(subdivision.iso_code);
        let location = self.location.latitude.zip(self.location.longitude);
        Place {
            serial: 0,
            continent_code: self.continent.code.and_then(text),
            continent_name: self.continent.names.en.and_then(text),
            country_code: self.country.iso_code.and_then(text),
            country_name: self.country.names.en.and_then(text),
            region_code: region_code.and_then(|(country, part)| text(&format!("{country}-{part}"))),
            region_name: subdivision.names.en.and_then(text),
            city: self.city.names.en.and_then(text),
            postal_code: self.postal.code.and_then(text),
            timezone: self.location.time_zone.and_then(text),
            // A place off the globe would make a search engine refuse the whole document.
            location: location
                .filter(|(latitude, longitude)| latitude.abs() <= 90.0 && longitude.abs() <= 180.0),
        }
    }
}

/// The longest text taken from a record; names are far shorter, and what caches hold is counted on that.
const TEXT_BYTES_MAX: usize = 256;

fn text(text: &str) -> Option<Box<str>> {
    (!text.is_empty() && text.len() <= TEXT_BYTES_MAX).then(|| text.into())
}

/// What a record of a City or Country database must decode as, without keeping it.
pub(super) struct OwnedPlaceRecord;
/// What a record of an ASN database must decode as, without keeping it.
pub(super) struct OwnedNetworkRecord;

impl<'de> Deserialize<'de> for OwnedPlaceRecord {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        PlaceRecord::deserialize(deserializer).map(|_| Self)
    }
}

impl<'de> Deserialize<'de> for OwnedNetworkRecord {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        NetworkRecord::deserialize(deserializer).map(|_| Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::database::{
        fixtures,
        forge::{self, Datum, Forge},
    };

    fn city(record: Datum) -> Database {
        Database::verified::<OwnedPlaceRecord>(Forge::new(6).with("81.2.69.0/24", record).bytes()).unwrap()
    }

    const HERE: [u8; 4] = [81, 2, 69, 142];

    #[test]
    fn a_published_city_is_read_with_every_field_we_keep() {
        let Some(bytes) = fixtures::bytes("maxmind/GeoIP2-City-Test.mmdb") else { return };
        let database = Database::verified::<OwnedPlaceRecord>(bytes).unwrap();
        let place = place(&database, HERE.into()).unwrap().unwrap();
        let expected = Place {
            serial: place.serial,
            continent_code: Some("EU".into()),
            continent_name: Some("Europe".into()),
            country_code: Some("GB".into()),
            country_name: Some("United Kingdom".into()),
            region_code: Some("GB-ENG".into()),
            region_name: Some("England".into()),
            city: Some("London".into()),
            postal_code: None,
            timezone: Some("Europe/London".into()),
            location: Some((51.5142, -0.0931)),
        };
        assert_eq!(place, expected);
    }

    #[test]
    fn published_places_and_networks_agree_with_the_text_they_were_made_from() {
        let Some(text) = fixtures::text("maxmind/GeoLite2-ASN-Test.json") else { return };
        let Some(bytes) = fixtures::bytes("maxmind/GeoLite2-ASN-Test.mmdb") else { return };
        let database = Database::verified::<OwnedNetworkRecord>(bytes).unwrap();
        let rows: Vec<serde_json::Map<String, serde_json::Value>> = serde_json::from_str(&text).unwrap();
        let mut compared = 0;
        for (net, record) in rows.iter().flatten() {
            let net: ipnet::IpNet = net.parse().unwrap();
            let Some(number) = record["autonomous_system_number"].as_u64() else { continue };
            let Ok(Some(found)) = network(&database, net.addr()) else { panic!("{net} is unknown") };
            assert_eq!(u64::from(found.number), number, "{net}");
            assert_eq!(
                found.organization.as_deref(),
                record["autonomous_system_organization"].as_str(),
                "{net}"
            );
            compared += 1;
        }
        assert!(compared > 100, "{compared} networks");
    }

    #[test]
    fn a_country_database_gives_the_fields_it_has() {
        let Some(bytes) = fixtures::bytes("maxmind/GeoLite2-Country-Test.mmdb") else { return };
        let database = Database::verified::<OwnedPlaceRecord>(bytes).unwrap();
        let place = place(&database, HERE.into()).unwrap().unwrap();
        assert_eq!(
            (place.country_code.as_deref(), place.continent_code.as_deref()),
            (Some("GB"), Some("EU"))
        );
        assert_eq!((place.city, place.region_code, place.location), (None, None, None));
    }

    #[test]
    fn the_first_subdivision_names_the_region_and_its_code_holds_the_country() {
        let part = |code| Datum::Map(vec![("iso_code", Datum::Text(code))]);
        let database = city(Datum::Map(vec![
            ("country", part("GB")),
            ("subdivisions", Datum::Array(vec![part("ENG"), part("LND")])),
        ]));
        let found = place(&database, HERE.into()).unwrap().unwrap();
        assert_eq!(found.region_code.as_deref(), Some("GB-ENG"));
        let database = city(Datum::Map(vec![("subdivisions", Datum::Array(vec![part("ENG")]))]));
        assert_eq!(place(&database, HERE.into()).unwrap(), None, "no country, no code");
    }

    #[test]
    fn a_place_off_the_globe_and_a_text_without_end_are_left_out() {
        for (latitude, longitude) in [(91.0, 0.0), (0.0, 180.5), (f64::NAN, 0.0), (0.0, f64::INFINITY)] {
            let location =
                vec![("latitude", Datum::Double(latitude)), ("longitude", Datum::Double(longitude))];
            let database = city(Datum::Map(vec![("location", Datum::Map(location))]));
            assert_eq!(place(&database, HERE.into()).unwrap(), None, "{latitude} {longitude}");
        }
        let long: &'static str = "x".repeat(TEXT_BYTES_MAX + 1).leak();
        let found = place(&city(forge::place("GB", Some(long))), HERE.into()).unwrap().unwrap();
        assert_eq!((found.city, found.country_code.as_deref()), (None, Some("GB")));
    }

    #[test]
    fn a_record_of_another_shape_is_an_error_and_one_without_a_number_no_network() {
        let database = city(Datum::Map(vec![("location", Datum::Uint(7))]));
        assert!(place(&database, HERE.into()).is_err());
        assert_eq!(network(&database, HERE.into()).unwrap(), None);
    }

    #[test]
    fn two_decodings_of_one_record_have_serials_of_their_own() {
        let database = city(forge::place("GB", None));
        let [a, b] = [0, 1].map(|_| place(&database, HERE.into()).unwrap().unwrap());
        assert_ne!(a.serial, b.serial);
    }
}
