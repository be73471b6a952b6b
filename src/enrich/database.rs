//! One MaxMind database, read whole into memory and verified before anything is looked up in it.

use std::{collections::HashSet, net::IpAddr, time::Duration};

use maxminddb::{MaxMindDbError, Reader, WithinOptions};
use serde::de::DeserializeOwned;

use super::error::DatabaseError;
use crate::telemetry::clock;

#[cfg(test)]
pub(super) mod fixtures;
#[cfg(test)]
pub(super) mod forge;
mod tree;

/// A database whose every record was visited once; look-ups in it cannot panic.
#[derive(Debug)]
pub(super) struct Database {
    reader: Reader<Vec<u8>>,
    bytes: usize,
}

/// The largest database taken, 1 GiB: offsets of records then fit 31 bits, which the caches rely on.
pub(super) const DATABASE_BYTES_MAX: u64 = 1 << 30;

/// How long all networks of a database may take to walk.
const WALK_MAX: Duration = Duration::from_secs(30);

// === impl Database ===

impl Database {
    /// The database in `bytes`, once it is found to be sound; `T` is what look-ups will decode its records as.
    ///
    /// The search tree is walked first, within a bound of its own: the library's verification skips aliased subtrees
    /// without counting them, and would never end on a tree made of them. Then that verification, which bounds itself.
    /// It insists on a description, which nothing here needs: for want of one alone a walk over all networks decides.
    ///
    /// # Errors
    /// When it does not open, does not verify, or takes too long to walk.
    pub(super) fn verified<T: DeserializeOwned>(bytes: Vec<u8>) -> Result<Self, DatabaseError> {
        {
            let reader = Reader::from_source(bytes.as_slice())?;
            let metadata = reader.metadata();
            tree::walk(&bytes, metadata.node_count as usize, metadata.record_size, metadata.ip_version)?;
        }
        let size = bytes.len();
        let reader = Reader::from_source(bytes)?;
        match reader.verify() {
            Ok(()) => {}
            Err(error) if is_description_empty(&reader, &error) => decode_all::<T>(&reader)?,
            Err(error) => return Err(error.into()),
        }
        Ok(Self { reader, bytes: size })
    }

    /// Offset of the record of `address`, which tells records apart; none where it has none.
    ///
    /// # Errors
    /// When the database is not as sound as it looked.
    #[inline]
    pub(super) fn offset(&self, address: IpAddr) -> Result<Option<u32>, MaxMindDbError> {
        if self.misses(address) {
            return Ok(None);
        }
        let offset = self.reader.lookup(address)?.offset();
        Ok(offset.and_then(|offset| u32::try_from(offset).ok()))
    }

    /// The record of `address`.
    ///
    /// # Errors
    /// When it is no `T`.
    pub(super) fn record<'a, T: serde::Deserialize<'a>>(
        &'a self,
        address: IpAddr,
    ) -> Result<Option<T>, MaxMindDbError> {
        if self.misses(address) {
            return Ok(None);
        }
        self.reader.lookup(address)?.decode()
    }

    /// When it was built, seconds since 1970.
    pub(super) fn build_epoch(&self) -> u64 {
        self.reader.metadata().build_epoch
    }

    /// What it calls itself: `GeoLite2-City`.
    pub(super) fn kind(&self) -> &str {
        &self.reader.metadata().database_type
    }

    /// Bytes of memory it takes.
    pub(super) fn memory_bytes(&self) -> usize {
        self.bytes
    }

    /// Whether it holds nothing of `address`'s family.
    fn misses(&self, address: IpAddr) -> bool {
        address.is_ipv6() && self.reader.metadata().ip_version == 4
    }
}

/// Whether verification failed for want of a description alone; it looks at descriptions after everything else in the
/// metadata and before the tree.
fn is_description_empty(reader: &Reader<Vec<u8>>, error: &MaxMindDbError) -> bool {
    reader.metadata().description.is_empty()
        && matches!(error, MaxMindDbError::InvalidDatabase { message, .. } if message.starts_with("description"))
}

/// Visits every network and decodes every record once.
fn decode_all<T: DeserializeOwned>(reader: &Reader<Vec<u8>>) -> Result<(), DatabaseError> {
    let start = clock::monotonic();
    let mut seen = HashSet::new();
    for network in reader.networks(WithinOptions::default())? {
        let network = network?;
        if network.offset().is_none_or(|offset| !seen.insert(offset)) {
            continue;
        }
        network.decode::<T>()?;
        if start.elapsed() > WALK_MAX {
            return Err(DatabaseError::Slow { seconds: WALK_MAX.as_secs() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde::de::IgnoredAny;

    use super::{forge::Forge, *};
    use crate::enrich::place::{OwnedNetworkRecord, OwnedPlaceRecord};

    const SAMPLES: [[u8; 4]; 6] = [
        [0, 0, 0, 0],
        [1, 1, 1, 1],
        [81, 2, 69, 142],
        [89, 160, 20, 128],
        [127, 0, 0, 1],
        [255, 255, 255, 255],
    ];

    #[test]
    fn no_published_bad_database_crashes_or_hangs_and_most_are_refused() {
        let Some(bad) = fixtures::files("maxmind/bad-data") else { return };
        assert_eq!(bad.len(), 21, "every bad database is there");
        let mut accepted = Vec::new();
        for path in bad {
            let bytes = std::fs::read(&path).unwrap();
            for outcome in [
                Database::verified::<OwnedPlaceRecord>(bytes.clone()),
                Database::verified::<IgnoredAny>(bytes),
            ] {
                let Ok(database) = outcome else { continue };
                accepted.push(path.file_name().unwrap().to_string_lossy().into_owned());
                for address in SAMPLES {
                    // Whatever they say, they say it without a panic.
                    let _ = database.offset(IpAddr::from(address));
                    let _ = database.record::<OwnedPlaceRecord>(IpAddr::from(address));
                    let _ = database.record::<OwnedNetworkRecord>(IpAddr::from(address));
                }
                let _ = database.record::<OwnedPlaceRecord>("2001:db8::1".parse().unwrap());
            }
        }
        accepted.sort();
        accepted.dedup();
        assert_eq!(accepted, ACCEPTED_OF_BAD_DATA);
    }

    /// These have no description, which does no harm; every network in them can be walked and every record decoded.
    const ACCEPTED_OF_BAD_DATA: [&str; 3] = [
        "libmaxminddb-corrupt-search-tree.mmdb",
        "libmaxminddb-empty-array-last-in-metadata.mmdb",
        "libmaxminddb-empty-map-last-in-metadata.mmdb",
    ];

    #[test]
    fn published_broken_databases_are_refused_and_sound_ones_are_not() {
        for (name, sound) in [
            ("maxmind/GeoIP2-City-Test-Broken-Double-Format.mmdb", false),
            ("maxmind/GeoIP2-City-Test-Invalid-Node-Count.mmdb", false),
            ("maxmind/MaxMind-DB-test-broken-pointers-24.mmdb", false),
            ("maxmind/MaxMind-DB-test-broken-search-tree-24.mmdb", false),
            ("maxmind/GeoIP2-City-Test.mmdb", true),
            ("maxmind/GeoLite2-City-Test.mmdb", true),
            ("maxmind/GeoLite2-Country-Test.mmdb", true),
            ("maxmind/GeoLite2-ASN-Test.mmdb", true),
        ] {
            let Some(bytes) = fixtures::bytes(name) else { return };
            assert_eq!(Database::verified::<OwnedPlaceRecord>(bytes).is_ok(), sound, "{name}");
        }
    }

    #[test]
    fn an_empty_description_alone_is_forgiven_and_a_bad_record_behind_it_is_not() {
        let country = || forge::place("GB", None);
        let good = Forge::new(6).without_description().with("81.2.69.0/24", country()).bytes();
        let database = Database::verified::<OwnedPlaceRecord>(good).unwrap();
        assert!(database.offset([81, 2, 69, 1].into()).unwrap().is_some());

        let bad = Forge::new(6)
            .without_description()
            .with("81.2.69.0/24", country())
            .with("10.0.0.0/8", forge::Datum::Map(vec![("country", forge::Datum::Text("not a map"))]));
        assert!(Database::verified::<OwnedPlaceRecord>(bad.bytes()).is_err());
    }

    #[test]
    fn a_tree_that_no_one_could_walk_is_refused_at_once() {
        assert!(matches!(
            Database::verified::<IgnoredAny>(forge::labyrinth()),
            Err(DatabaseError::Tree { .. })
        ));
    }

    #[test]
    fn an_ipv6_address_is_unknown_to_an_ipv4_database() {
        let bytes = Forge::new(4).with("81.2.69.0/24", forge::place("GB", None)).bytes();
        let database = Database::verified::<OwnedPlaceRecord>(bytes).unwrap();
        let v6: IpAddr = "2001:db8::1".parse().unwrap();
        assert!(database.offset(v6).unwrap().is_none());
        assert!(database.record::<OwnedPlaceRecord>(v6).unwrap().is_none());
        assert!(database.offset([81, 2, 69, 1].into()).unwrap().is_some());
    }

    #[test]
    fn a_database_cut_anywhere_is_refused_or_answers_without_a_panic() {
        let whole = Forge::new(6)
            .with("81.2.69.0/24", forge::place("GB", Some("London")))
            .with("2001:db8::/32", forge::place("DE", None))
            .bytes();
        for end in 0..whole.len() {
            if let Ok(database) = Database::verified::<OwnedPlaceRecord>(whole[..end].to_vec()) {
                let _ = database.record::<OwnedPlaceRecord>([81, 2, 69, 1].into());
            }
        }
        for place in 0..whole.len() {
            for bit in 0..8 {
                let mut bytes = whole.clone();
                bytes[place] ^= 1 << bit;
                if let Ok(database) = Database::verified::<OwnedPlaceRecord>(bytes) {
                    let _ = database.offset([81, 2, 69, 1].into());
                    let _ = database.record::<OwnedPlaceRecord>([81, 2, 69, 1].into());
                    let _ = database.record::<OwnedNetworkRecord>("2001:db8::1".parse().unwrap());
                }
            }
        }
    }
}
