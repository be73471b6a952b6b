//! One configured file: what it is for, how it is read and checked, and how it looks, which tells whether it changed.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Error,
    asset::{AssetList, Interval, LIST_BYTES_MAX},
    database::{DATABASE_BYTES_MAX, Database},
    error::AssetError,
    meters::Meters,
    place::{OwnedNetworkRecord, OwnedPlaceRecord},
    provider::ProviderList,
};
use crate::{event::Watchlist, reload::Fingerprint};

/// One configured file.
#[derive(Debug, Clone)]
pub(super) struct WatchedFile {
    /// The config key that names it.
    pub(super) key: String,
    pub(super) path: PathBuf,
    pub(super) role: Role,
    /// When what it says holds, where it does not say so itself.
    pub(super) valid: Interval,
    /// What a provider or a watch-list is called, where the config says so.
    pub(super) name: Option<String>,
    /// How it looked before it was read at start.
    pub(super) at_start: Option<Fingerprint>,
}

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    City,
    Country,
    Asn,
    /// Its place among the asset lists.
    Assets(usize),
    /// Its place among the providers' lists.
    Providers(usize),
    /// Its place among the watch-lists.
    Watchlist(usize),
}

/// What a file held, found sound.
pub(super) enum Part {
    City(Database),
    Country(Database),
    Asn(Database),
    Assets(usize, AssetList),
    Providers(usize, ProviderList),
    Watchlist(usize, Watchlist),
}

// === impl WatchedFile ===

impl WatchedFile {
    pub(super) fn new(key: String, path: &Path, role: Role) -> Self {
        Self { key, path: path.to_owned(), role, valid: Interval::ALWAYS, name: None, at_start: None }
    }

    /// Reads the file and checks it.
    pub(super) fn read(&self) -> Result<Part, Error> {
        let bytes_max = match self.role {
            Role::Assets(_) | Role::Providers(_) | Role::Watchlist(_) => LIST_BYTES_MAX,
            Role::City | Role::Country | Role::Asn => DATABASE_BYTES_MAX,
        };
        let bytes = self.bytes(bytes_max)?;
        let (key, path) = (|| self.key.clone(), || self.path.clone());
        let refused = |cause| Error::Database { key: key(), path: path(), cause };
        match self.role {
            Role::City => Database::verified::<OwnedPlaceRecord>(bytes).map(Part::City).map_err(refused),
            Role::Country => {
                Database::verified::<OwnedPlaceRecord>(bytes).map(Part::Country).map_err(refused)
            }
            Role::Asn => Database::verified::<OwnedNetworkRecord>(bytes).map(Part::Asn).map_err(refused),
            Role::Assets(index) => AssetList::read(&self.path, &bytes, self.valid)
                .map(|list| Part::Assets(index, list))
                .map_err(|cause| Error::Assets { key: key(), path: path(), cause }),
            Role::Providers(index) => ProviderList::read(&bytes, self.name.as_deref())
                .map(|list| Part::Providers(index, list))
                .map_err(|cause| Error::Assets { key: key(), path: path(), cause }),
            Role::Watchlist(index) => {
                let wrong = |cause| Error::Assets { key: key(), path: path(), cause };
                let text = std::str::from_utf8(&bytes)
                    .map_err(|_| wrong(AssetError::Shape { cause: "it is no text".to_owned() }))?;
                Watchlist::read(self.name.as_deref().unwrap_or_default(), text)
                    .map(|list| Part::Watchlist(index, list))
                    .map_err(|(row, cause)| wrong(AssetError::Row { row, cause }))
            }
        }
    }

    /// All bytes of the file; never more than `bytes_max`, even where it grows while it is read or has no size.
    fn bytes(&self, bytes_max: u64) -> Result<Vec<u8>, Error> {
        let unread = |cause| Error::Read { key: self.key.clone(), path: self.path.clone(), cause };
        let too_large =
            |bytes| Error::TooLarge { key: self.key.clone(), path: self.path.clone(), bytes, bytes_max };
        let file = File::open(&self.path).map_err(unread)?;
        let size = file.metadata().map_err(unread)?.len();
        if size > bytes_max {
            return Err(too_large(size));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1);
        file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(unread)?;
        if bytes.len() as u64 > bytes_max {
            return Err(too_large(bytes.len() as u64));
        }
        Ok(bytes)
    }

    /// Tells metrics and log of a database that is used from now on.
    pub(super) fn put_in_use(&self, database: Database, meters: &Meters) -> Arc<Database> {
        let kind = database.kind();
        let expected: &[&str] = match self.role {
            Role::Asn => &["ASN", "ISP", "Enterprise"],
            _ => &["City", "Country", "Enterprise", "Location"],
        };
        let is_expected = expected.iter().any(|word| kind.to_lowercase().contains(&word.to_lowercase()));
        if is_expected {
            tracing::info!(key = self.key, kind, built = database.build_epoch(), "a database is in use");
        } else {
            tracing::warn!(key = self.key, kind, "the database may be of another kind than its key says");
        }
        meters.set_build_epoch(&self.key, database.build_epoch());
        Arc::new(database)
    }
}
