//! What is known of an endpoint, as remembered fragments: where it is and whose network it is in.

use crate::{
    event::{AutonomousSystem, Endpoint, Place},
    normalize::{
        fragment::Fragments,
        paths::{
            AS_NUMBER, AS_ORGANIZATION, GEO_CITY, GEO_CONTINENT_CODE, GEO_CONTINENT_NAME, GEO_COUNTRY_CODE,
            GEO_COUNTRY_NAME, GEO_LOCATION, GEO_POSTAL_CODE, GEO_REGION_CODE, GEO_REGION_NAME, GEO_TIMEZONE,
        },
        pen::Pen,
        piece::piece,
        text::{put_float, put_member, put_uint},
    },
};

/// Spreads the serials of systems over the table, away from those of places.
const SPREAD: u64 = 331;

/// Fragments by the serials of place and autonomous system, in that order: an address has both or neither, nearly
/// always. About 0.5 MiB.
#[derive(Debug)]
pub(super) struct Places {
    fragments: Fragments<[u64; 2], 448>,
    /// Whether a place is only its country.
    slim: bool,
}

// === impl Places ===

impl Places {
    pub(super) fn new(slim: bool) -> Self {
        Self { fragments: Fragments::new(1_024), slim }
    }

    /// Appends where `endpoint` is and whose network it is in.
    #[inline(always)]
    pub(super) fn put(&mut self, endpoint: &Endpoint, out: &mut Pen<'_>) {
        let (place, system) = (endpoint.place.as_deref(), endpoint.network.as_deref());
        if place.is_none() && system.is_none() {
            return;
        }
        // No serial ever comes this far.
        let key =
            [place.map_or(u64::MAX, |place| place.serial), system.map_or(u64::MAX, |system| system.serial)];
        let slim = self.slim;
        self.fragments.put(key[0] ^ key[1].wrapping_mul(SPREAD), key, out, |out| {
            if let Some(place) = place {
                put_geo(place, slim, out);
            }
            if let Some(system) = system {
                put_system(system, out);
            }
        });
    }
}

fn put_geo(place: &Place, slim: bool, out: &mut Pen<'_>) {
    out.object(piece![Open(GEO_CITY, 1)], |out| {
        if slim {
            put_member(out, piece![Key(GEO_COUNTRY_CODE)], place.country_code.as_deref());
            return;
        }
        put_member(out, piece![Key(GEO_CONTINENT_CODE)], place.continent_code.as_deref());
        put_member(out, piece![Key(GEO_CONTINENT_NAME)], place.continent_name.as_deref());
        put_member(out, piece![Key(GEO_COUNTRY_CODE)], place.country_code.as_deref());
        put_member(out, piece![Key(GEO_COUNTRY_NAME)], place.country_name.as_deref());
        put_member(out, piece![Key(GEO_REGION_CODE)], place.region_code.as_deref());
        put_member(out, piece![Key(GEO_REGION_NAME)], place.region_name.as_deref());
        put_member(out, piece![Key(GEO_CITY)], place.city.as_deref());
        put_member(out, piece![Key(GEO_POSTAL_CODE)], place.postal_code.as_deref());
        put_member(out, piece![Key(GEO_TIMEZONE)], place.timezone.as_deref());
        // A database can hold any number; a point that is none on earth would have the whole document refused.
        if let Some((lat, lon)) = place.location
            && (-90.0..=90.0).contains(&lat)
            && (-180.0..=180.0).contains(&lon)
        {
            out.put(piece![Key(GEO_LOCATION), Text("{\"lat\":")]);
            put_float(out, lat);
            out.put(b",\"lon\":");
            put_float(out, lon);
            out.put(b"},");
        }
    });
}

fn put_system(system: &AutonomousSystem, out: &mut Pen<'_>) {
    out.put(piece![Open(AS_NUMBER, 1), Key(AS_NUMBER)]);
    put_uint(out, u64::from(system.number));
    out.push(b',');
    out.object(piece![Open(AS_ORGANIZATION, 2)], |out| {
        put_member(out, piece![Key(AS_ORGANIZATION)], system.organization.as_deref());
    });
    out.close();
}
