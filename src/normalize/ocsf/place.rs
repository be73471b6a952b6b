//! What is known of an endpoint, as remembered fragments: where it is and whose network it is in.

use crate::{
    event::{AutonomousSystem, Endpoint, Place},
    normalize::{
        fragment::Fragments,
        pen::Pen,
        text::{self, put_float, put_member, put_uint},
    },
};

/// Spreads the serials of systems over the table, away from those of places.
const SPREAD: u64 = 331;

/// Fragments by the serials of place and autonomous system, in that order. About 0.5 MiB.
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
                put_location(place, slim, out);
            }
            if let Some(system) = system {
                put_system(system, out);
            }
        });
    }
}

fn put_location(place: &Place, slim: bool, out: &mut Pen<'_>) {
    if slim {
        out.object(b"\"location\":{", |out| put_member(out, b"\"country\":", place.country_code.as_deref()));
        return;
    }
    // OCSF demands one of these four; a continent or a point alone is no location.
    if place.city.is_none()
        && place.country_code.is_none()
        && place.postal_code.is_none()
        && place.region_code.is_none()
    {
        return;
    }
    out.put(b"\"location\":{");
    put_member(out, b"\"city\":", place.city.as_deref());
    put_member(out, b"\"region\":", place.region_code.as_deref());
    put_member(out, b"\"country\":", place.country_code.as_deref());
    put_member(out, b"\"continent\":", place.continent_name.as_deref());
    put_member(out, b"\"postal_code\":", place.postal_code.as_deref());
    let names = [&place.city, &place.region_name, &place.country_name];
    let mut names = names.into_iter().flatten();
    if let Some(first) = names.next() {
        out.put(b"\"desc\":\"");
        text::put(out, first.as_bytes());
        for name in names {
            out.put(b", ");
            text::put(out, name.as_bytes());
        }
        out.put(b"\",");
    }
    if let Some((lat, long)) = place.location
        && (-90.0..=90.0).contains(&lat)
        && (-180.0..=180.0).contains(&long)
    {
        out.put(b"\"lat\":");
        put_float(out, lat);
        out.put(b",\"long\":");
        put_float(out, long);
        out.push(b',');
    }
    out.close();
}

fn put_system(system: &AutonomousSystem, out: &mut Pen<'_>) {
    out.put(b"\"autonomous_system\":{\"number\":");
    put_uint(out, u64::from(system.number));
    out.push(b',');
    put_member(out, b"\"name\":", system.organization.as_deref());
    out.close();
}
