//! What all workers share: the tables in use, and how each file behind them is read, checked and swapped.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use arc_swap::ArcSwap;

use super::{
    Config, Error, Tables,
    asset::{AssetIndex, AssetList, Interval, LIST_BYTES_MAX},
    config::Moment,
    database::{DATABASE_BYTES_MAX, Database},
    internal::Internal,
    meters::Meters,
    place::{OwnedNetworkRecord, OwnedPlaceRecord},
};
use crate::telemetry::{metrics::Metrics, seed};

/// The tables in use, and the files they come from.
#[derive(Debug)]
pub struct Shared {
    tables: ArcSwap<Tables>,
    files: Vec<WatchedFile>,
    pub(super) meters: Meters,
    pub(super) seed: u64,
    /// Held while new tables are made from the old ones, so that no swap undoes another.
    swap: Mutex<()>,
}

/// One configured file.
#[derive(Debug, Clone)]
pub(super) struct WatchedFile {
    /// The config key that names it.
    pub(super) key: String,
    pub(super) path: PathBuf,
    role: Role,
    /// When what it says holds, where it does not say so itself.
    valid: Interval,
    /// How it looked before it was read at start.
    pub(super) at_start: Option<Fingerprint>,
}

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    City,
    Country,
    Asn,
    /// Its place among the asset lists.
    Assets(usize),
}

/// Tells whether a file has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fingerprint {
    bytes: u64,
    modified: Option<SystemTime>,
}

/// What a file held, found sound.
enum Part {
    City(Database),
    Country(Database),
    Asn(Database),
    Assets(usize, AssetList),
}

// === impl Shared ===

impl Shared {
    /// Reads and checks every file of `config`.
    ///
    /// # Errors
    /// Every file that cannot be used, with the config key that names it.
    pub fn open(config: &Config, metrics: &Metrics) -> Result<Arc<Self>, Vec<Error>> {
        let geoip = &config.geoip;
        let databases = [
            ("enrich.geoip.city", &geoip.city, Role::City),
            ("enrich.geoip.country", &geoip.country, Role::Country),
            ("enrich.geoip.asn", &geoip.asn, Role::Asn),
        ];
        let databases = databases.into_iter().filter_map(|(key, path, role)| {
            path.as_ref().map(|path| WatchedFile::new(key.to_owned(), path, role))
        });
        let lists = config.assets.iter().enumerate().map(|(index, list)| {
            let key = format!("enrich.assets[{index}].file");
            let from = list.valid_from.map_or(i64::MIN, Moment::seconds);
            let valid = Interval { from, ..Interval::ALWAYS };
            WatchedFile { valid, ..WatchedFile::new(key, &list.file, Role::Assets(index)) }
        });
        let mut files: Vec<_> = databases.chain(lists).collect();
        let meters = Meters::new(metrics);
        let mut tables = Tables {
            configured: config.internal.as_slice().into(),
            internal_from_assets: config.internal_from_assets,
            lists: vec![Arc::default(); config.assets.len()],
            ..Tables::default()
        };
        let mut errors = Vec::new();
        for file in &mut files {
            file.at_start = Fingerprint::of(&file.path).ok();
            match file.read() {
                Ok(part) => tables.take(file, part, &meters),
                Err(error) => errors.push(error),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        tables.index(&files, &meters);
        tables.generation = 1;
        Ok(Arc::new(Self {
            tables: ArcSwap::from_pointee(tables),
            files,
            meters,
            seed: seed::fresh(),
            swap: Mutex::default(),
        }))
    }

    /// The tables in use now.
    #[must_use]
    pub fn tables(&self) -> Arc<Tables> {
        self.tables.load_full()
    }

    /// The tables in use now, where they are not those of `generation`.
    pub(super) fn newer_than(&self, generation: u64) -> Option<Arc<Tables>> {
        let tables = self.tables.load();
        (tables.generation != generation).then(|| Arc::clone(&tables))
    }

    /// The configured files.
    pub(super) fn files(&self) -> &[WatchedFile] {
        &self.files
    }

    /// Reads file number `index`, which looked like `seen`, and swaps it in when it is sound. Blocks; never called on a
    /// worker's thread.
    ///
    /// # Errors
    /// When it is not sound, or changed while it was read; the tables stay as they are.
    pub(super) fn reload(&self, index: usize, seen: Fingerprint) -> Result<(), Error> {
        let Some(file) = self.files.get(index) else { return Ok(()) };
        let part = file.read()?;
        if Fingerprint::of(&file.path).ok() != Some(seen) {
            return Err(Error::Moving { key: file.key.clone(), path: file.path.clone() });
        }
        let guard = self.swap.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tables = Tables::clone(&self.tables.load());
        tables.take(file, part, &self.meters);
        if matches!(file.role, Role::Assets(_)) {
            tables.index(&self.files, &self.meters);
        }
        tables.generation += 1;
        self.tables.store(Arc::new(tables));
        drop(guard);
        Ok(())
    }
}

// === impl Tables ===

impl Tables {
    /// Takes `part` in place of what came from `file` before.
    fn take(&mut self, file: &WatchedFile, part: Part, meters: &Meters) {
        match part {
            Part::City(database) => self.city = Some(file.put_in_use(database, meters)),
            Part::Country(database) => self.country = Some(file.put_in_use(database, meters)),
            Part::Asn(database) => self.asn = Some(file.put_in_use(database, meters)),
            Part::Assets(index, list) => {
                tracing::info!(key = file.key, rows = list.len(), "an asset list is in use");
                if let Some(place) = self.lists.get_mut(index) {
                    *place = Arc::new(list);
                }
            }
        }
    }

    /// Makes the index of all asset lists anew, and warns of keys that stand in them twice.
    fn index(&mut self, files: &[WatchedFile], meters: &Meters) {
        let (assets, duplicates, total) = AssetIndex::of(&self.lists);
        let path = |list: usize| {
            files.iter().find(|file| file.role == Role::Assets(list)).map(|file| file.path.display())
        };
        for duplicate in &duplicates {
            let ((lost_list, lost_row), (won_list, won_row)) = (duplicate.lost, duplicate.won);
            if let (Some(lost), Some(won)) = (path(lost_list), path(won_list)) {
                tracing::warn!(
                    key = duplicate.key,
                    "an asset stands twice: row {won_row} of {won} is used, row {lost_row} of {lost} is not"
                );
            }
        }
        if total > duplicates.len() {
            tracing::warn!(total, "more assets stand twice; the later row is used");
        }
        meters.set_assets(assets.len(), assets.kinds());
        let estate = if self.internal_from_assets { assets.inside() } else { &[] };
        self.internal = Arc::new(Internal::of(&self.configured, estate));
        self.assets = Arc::new(assets);
    }
}

// === impl WatchedFile ===

impl WatchedFile {
    fn new(key: String, path: &Path, role: Role) -> Self {
        Self { key, path: path.to_owned(), role, valid: Interval::ALWAYS, at_start: None }
    }

    /// Reads the file and checks it.
    fn read(&self) -> Result<Part, Error> {
        let bytes_max =
            if matches!(self.role, Role::Assets(_)) { LIST_BYTES_MAX } else { DATABASE_BYTES_MAX };
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
    fn put_in_use(&self, database: Database, meters: &Meters) -> Arc<Database> {
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

// === impl Fingerprint ===

impl Fingerprint {
    /// How the file at `path` looks now.
    pub(super) fn of(path: &Path) -> std::io::Result<Self> {
        std::fs::metadata(path).map(|metadata| Self::from(&metadata))
    }
}

impl From<&std::fs::Metadata> for Fingerprint {
    fn from(metadata: &std::fs::Metadata) -> Self {
        Self { bytes: metadata.len(), modified: metadata.modified().ok() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::{
        AssetFile, Geoip,
        database::{
            fixtures,
            forge::{self, Forge},
        },
    };

    fn city() -> Vec<u8> {
        Forge::new(6).built_at(9).with("81.2.69.0/24", forge::place("GB", None)).bytes()
    }

    #[test]
    fn every_file_that_cannot_be_used_is_named_with_its_config_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("city.mmdb"), b"no database").unwrap();
        std::fs::write(path("list.csv"), "key,tags\n10.0.0.1,oops\n").unwrap();
        let config = Config {
            geoip: Geoip { city: Some(path("city.mmdb")), country: None, asn: Some(path("missing.mmdb")) },
            assets: vec![AssetFile::of(path("list.csv")), AssetFile::of(path("list.txt"))],
            ..Config::default()
        };
        let errors = Shared::open(&config, &Metrics::default()).unwrap_err();
        let said: Vec<_> = errors
            .iter()
            .map(|error| error.to_string().replace(&folder.path().display().to_string(), "DIR"))
            .collect();
        assert_eq!(
            said,
            [
                "could not use enrich.geoip.city: DIR/city.mmdb: invalid database: could not find MaxMind DB metadata in file",
                "could not read enrich.geoip.asn: DIR/missing.mmdb: No such file or directory (os error 2)",
                "could not read enrich.assets[0].file: DIR/list.csv: row 2, column \"tags\": \"oops\" is not name=value",
                "could not read enrich.assets[1].file: DIR/list.txt: No such file or directory (os error 2)",
            ]
        );
    }

    #[test]
    fn a_file_larger_than_allowed_is_refused_unread() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list.csv");
        File::create(&path).unwrap().set_len(LIST_BYTES_MAX + 1).unwrap();
        let config = Config { assets: vec![AssetFile::of(path)], ..Config::default() };
        let errors = Shared::open(&config, &Metrics::default()).unwrap_err();
        assert!(matches!(errors[..], [Error::TooLarge { bytes_max: LIST_BYTES_MAX, .. }]), "{errors:?}");
    }

    #[test]
    fn a_reload_swaps_one_file_and_keeps_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let (database, list) = (folder.path().join("city.mmdb"), folder.path().join("list.csv"));
        std::fs::write(&database, city()).unwrap();
        std::fs::write(&list, "key\n10.0.0.1\n").unwrap();
        let config = Config {
            geoip: Geoip { city: Some(database), ..Geoip::default() },
            assets: vec![AssetFile::of(list.clone())],
            ..Config::default()
        };
        let metrics = Metrics::default();
        let shared = Shared::open(&config, &metrics).unwrap();
        let before = shared.tables();
        assert_eq!((before.generation(), before.assets_len()), (1, 1));
        assert!(metrics.page().contains("timestamp_seconds{file=\"enrich.geoip.city\"} 9\n"));

        std::fs::write(&list, "key\n10.0.0.1\n10.0.0.2\n").unwrap();
        shared.reload(1, Fingerprint::of(&list).unwrap()).unwrap();
        let after = shared.tables();
        assert_eq!((after.generation(), after.assets_len(), before.assets_len()), (2, 2, 1));
        assert!(after.city.is_some(), "the database is still there");
        assert!(metrics.page().contains("floodmark_enrich_assets_rows{} 2\n"));
    }

    #[test]
    fn a_file_that_changed_while_it_was_read_is_not_swapped_in() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("list.csv");
        std::fs::write(&list, "key\n10.0.0.1\n").unwrap();
        let config = Config { assets: vec![AssetFile::of(list.clone())], ..Config::default() };
        let shared = Shared::open(&config, &Metrics::default()).unwrap();
        let seen = Fingerprint::of(&list).unwrap();
        std::fs::write(&list, "key\n10.0.0.1\n10.0.0.2\n").unwrap();
        assert!(matches!(shared.reload(0, seen), Err(Error::Moving { .. })));
        assert_eq!(shared.tables().generation(), 1);
    }

    #[test]
    fn published_databases_are_taken_in_all_three_roles() {
        let Some(folder) = fixtures::path("maxmind") else { return };
        let geoip = Geoip {
            city: Some(folder.join("GeoLite2-City-Test.mmdb")),
            country: Some(folder.join("GeoLite2-Country-Test.mmdb")),
            asn: Some(folder.join("GeoLite2-ASN-Test.mmdb")),
        };
        let shared = Shared::open(&Config { geoip, ..Config::default() }, &Metrics::default()).unwrap();
        assert!(shared.tables().memory_bytes() > 40_000);
    }
}
