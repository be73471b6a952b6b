//! What all workers share: the tables in use, and how each file behind them is read, checked and swapped.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

#[cfg(feature = "kafka")]
use super::topic::{TopicReader, TopicRows};
use super::{
    Config, Error, Tables,
    asset::AssetIndex,
    file::{Part, Role, WatchedFile},
    internal::Internal,
    meters::Meters,
    provider::ProviderIndex,
};
use crate::{
    event::Watchlists,
    reload::{Fingerprint, Watched},
    telemetry::{metrics::Metrics, seed},
};

/// The tables in use, and the files they come from.
#[derive(Debug)]
pub struct Shared {
    tables: ArcSwap<Tables>,
    /// The watch-lists in use, for whoever looks for what they list.
    watched: Arc<ArcSwap<Watchlists>>,
    files: Vec<WatchedFile>,
    pub(super) meters: Meters,
    pub(super) seed: u64,
    /// Held while new tables are made from the old ones, so that no swap undoes another.
    swap: Mutex<()>,
    /// Readers of topics that wait to follow them.
    #[cfg(feature = "kafka")]
    topics: Mutex<Vec<TopicReader>>,
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
        let lists = config.assets.iter().enumerate().filter_map(|(index, list)| {
            let key = format!("enrich.assets[{index}].file");
            let file = WatchedFile::new(key, list.file.as_ref()?, Role::Assets(index));
            Some(WatchedFile { valid: list.valid(), ..file })
        });
        let providers = config.providers.iter().enumerate().map(|(index, list)| {
            let key = format!("enrich.providers[{index}].file");
            WatchedFile {
                name: list.name.clone(),
                ..WatchedFile::new(key, &list.file, Role::Providers(index))
            }
        });
        let watchlists = config.watchlists.iter().enumerate().map(|(index, (path, name))| {
            let key = format!("score.watchlists[{index}].path");
            WatchedFile { name: Some(name.clone()), ..WatchedFile::new(key, path, Role::Watchlist(index)) }
        });
        let mut files: Vec<_> = databases.chain(lists).chain(providers).chain(watchlists).collect();
        let meters = Meters::new(metrics);
        let mut tables = Tables {
            configured: config.internal.as_slice().into(),
            internal_from_assets: config.internal_from_assets,
            lists: vec![Arc::from([]); config.assets.len()],
            provider_lists: vec![Arc::default(); config.providers.len()],
            watchlists: vec![Arc::default(); config.watchlists.len()],
            ..Tables::default()
        };
        let missing = config.assets.iter().enumerate().filter(|(_, list)| !list.has_one());
        let mut errors: Vec<_> =
            missing.map(|(index, _)| Error::NoSource { key: format!("enrich.assets[{index}]") }).collect();
        for file in &mut files {
            file.at_start = Fingerprint::of(&file.path).ok();
            match file.read() {
                Ok(part) => tables.take(file, part, &meters),
                Err(error) => errors.push(error),
            }
        }
        #[cfg(feature = "kafka")]
        let topics = topics(config, &meters, &mut tables, &mut errors);
        if !errors.is_empty() {
            return Err(errors);
        }
        tables.index(&files, &meters);
        tables.index_providers(&meters);
        tables.index_watchlists();
        tables.generation = 1;
        Ok(Arc::new(Self {
            watched: Arc::new(ArcSwap::new(Arc::clone(&tables.watched))),
            tables: ArcSwap::from_pointee(tables),
            files,
            meters,
            seed: seed::fresh(),
            swap: Mutex::default(),
            #[cfg(feature = "kafka")]
            topics: Mutex::new(topics),
        }))
    }

    /// The tables in use now.
    #[must_use]
    pub fn tables(&self) -> Arc<Tables> {
        self.tables.load_full()
    }

    /// The watch-lists in use, now and later.
    #[must_use]
    pub fn watched(&self) -> Arc<ArcSwap<Watchlists>> {
        Arc::clone(&self.watched)
    }

    /// The tables in use now, where they are not those of `generation`.
    pub(super) fn newer_than(&self, generation: u64) -> Option<Arc<Tables>> {
        let tables = self.tables.load();
        (tables.generation != generation).then(|| Arc::clone(&tables))
    }

    /// The configured files.
    pub(super) fn to_watch(&self) -> Vec<Watched> {
        let watched = |file: &WatchedFile| Watched {
            key: file.key.clone(),
            path: file.path.clone(),
            at_start: file.at_start,
        };
        self.files.iter().map(watched).collect()
    }

    /// Reads the file that config key `key` names, which looked like `seen`, and swaps it in when it is sound. Blocks; never called
    /// on a worker's thread.
    ///
    /// # Errors
    /// When it is not sound, or changed while it was read; the tables stay as they are.
    pub(super) fn read_again(&self, key: &str, seen: Fingerprint) -> Result<(), Error> {
        let Some(file) = self.files.iter().find(|file| file.key == key) else { return Ok(()) };
        let part = file.read()?;
        if Fingerprint::of(&file.path).ok() != Some(seen) {
            return Err(Error::Moving { key: file.key.clone(), path: file.path.clone() });
        }
        let guard = self.swap.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tables = Tables::clone(&self.tables.load());
        tables.take(file, part, &self.meters);
        match file.role {
            Role::Assets(_) => tables.index(&self.files, &self.meters),
            Role::Providers(_) => tables.index_providers(&self.meters),
            Role::Watchlist(_) => {
                tables.index_watchlists();
                self.watched.store(Arc::clone(&tables.watched));
            }
            Role::City | Role::Country | Role::Asn => {}
        }
        tables.generation += 1;
        self.tables.store(Arc::new(tables));
        drop(guard);
        Ok(())
    }
}

#[cfg(feature = "kafka")]
impl Shared {
    /// Puts what the topic of asset list `list` says by now in use.
    pub(super) fn put_topic(&self, list: usize, rows: &TopicRows) {
        let guard = self.swap.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tables = Tables::clone(&self.tables.load());
        tables.take_topic(list, rows);
        tables.index(&self.files, &self.meters);
        tables.generation += 1;
        self.tables.store(Arc::new(tables));
        drop(guard);
    }

    /// The topics' readers, to follow them; the second time there are none.
    pub(super) fn readers(&self) -> Vec<TopicReader> {
        std::mem::take(&mut *self.topics.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Reads every topic of `config` to its end.
#[cfg(feature = "kafka")]
fn topics(
    config: &Config,
    meters: &Meters,
    tables: &mut Tables,
    errors: &mut Vec<Error>,
) -> Vec<TopicReader> {
    let mut readers = Vec::new();
    for (index, list) in config.assets.iter().enumerate() {
        let Some(topic) = list.kafka.as_ref().filter(|_| list.has_one()) else { continue };
        let key = format!("enrich.assets[{index}].kafka");
        match TopicReader::open(key, index, topic, list.valid(), meters) {
            Ok(reader) => {
                tables.take_topic(index, &reader.rows);
                readers.push(reader);
            }
            Err(error) => errors.push(error),
        }
    }
    readers
}

#[cfg(feature = "kafka")]
impl Tables {
    fn take_topic(&mut self, list: usize, rows: &TopicRows) {
        if let Some(place) = self.lists.get_mut(list) {
            *place = rows.lists();
        }
        self.topic_bytes = self.topic_bytes.max(rows.memory_bytes());
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
            Part::Providers(index, list) => {
                tracing::info!(
                    key = file.key,
                    ranges = list.len(),
                    "a list of a provider's ranges is in use"
                );
                if let Some(place) = self.provider_lists.get_mut(index) {
                    *place = Arc::new(list);
                }
            }
            Part::Watchlist(index, list) => {
                tracing::info!(key = file.key, ranges = list.len(), "a watch-list is in use");
                if let Some(place) = self.watchlists.get_mut(index) {
                    *place = Arc::new(list);
                }
            }
            Part::Assets(index, list) => {
                tracing::info!(key = file.key, rows = list.len(), "an asset list is in use");
                if let Some(place) = self.lists.get_mut(index) {
                    *place = [Arc::new(list)].into();
                }
            }
        }
    }

    /// Makes the index of all providers' lists anew.
    fn index_providers(&mut self, meters: &Meters) {
        let providers = ProviderIndex::of(&self.provider_lists);
        meters.set_providers(providers.len());
        self.providers = Arc::new(providers);
    }

    /// Makes the index of all watch-lists anew.
    fn index_watchlists(&mut self) {
        self.watched = Arc::new(Watchlists::of(&self.watchlists));
    }

    /// Makes the index of all asset lists anew, and warns of keys that stand in them twice.
    fn index(&mut self, files: &[WatchedFile], meters: &Meters) {
        let all: Vec<_> = self.lists.iter().flat_map(|lists| lists.iter().cloned()).collect();
        let places: Vec<_> = self
            .lists
            .iter()
            .enumerate()
            .flat_map(|(place, lists)| lists.iter().map(move |_| place))
            .collect();
        let (assets, duplicates, total) = AssetIndex::of(&all);
        let path = |list: usize| {
            let place = Role::Assets(*places.get(list)?);
            files.iter().find(|file| file.role == place).map(|file| file.path.display())
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
        meters.set_internal(&self.survey());
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;
    use crate::enrich::{
        AssetSource, Geoip, ProviderFile,
        asset::LIST_BYTES_MAX,
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
            assets: vec![AssetSource::of(path("list.csv")), AssetSource::of(path("list.txt"))],
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
    fn a_watch_list_that_changes_is_found_by_whoever_holds_the_lists_and_a_bad_one_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bad.txt");
        std::fs::write(&path, "192.0.2.1\n").unwrap();
        let config = Config { watchlists: vec![(path.clone(), "bad".to_owned())], ..Config::default() };
        let shared = Shared::open(&config, &Metrics::default()).unwrap();
        let held = shared.watched();
        let lists = |address: &str| held.load().find(address.parse().unwrap()).is_some();
        assert!(lists("192.0.2.1") && !lists("192.0.2.2"));
        std::fs::write(&path, "192.0.2.2\n").unwrap();
        shared.read_again("score.watchlists[0].path", Fingerprint::of(&path).unwrap()).unwrap();
        assert!(!lists("192.0.2.1") && lists("192.0.2.2"));
        std::fs::write(&path, "192.0.2.3\nnobody\n").unwrap();
        let error = shared
            .read_again("score.watchlists[0].path", Fingerprint::of(&path).unwrap())
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("could not read score.watchlists[0].path: "), "{error}");
        assert!(error.ends_with("bad.txt: row 2: \"nobody\" is no CIDR and no address"), "{error}");
        assert!(lists("192.0.2.2") && !lists("192.0.2.3"));
    }

    #[test]
    fn a_file_larger_than_allowed_is_refused_unread() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list.csv");
        File::create(&path).unwrap().set_len(LIST_BYTES_MAX + 1).unwrap();
        let config = Config { assets: vec![AssetSource::of(path)], ..Config::default() };
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
            assets: vec![AssetSource::of(list.clone())],
            ..Config::default()
        };
        let metrics = Metrics::default();
        let shared = Shared::open(&config, &metrics).unwrap();
        let before = shared.tables();
        assert_eq!((before.generation(), before.assets_len()), (1, 1));
        assert!(metrics.page().contains("timestamp_seconds{file=\"enrich.geoip.city\"} 9\n"));

        std::fs::write(&list, "key\n10.0.0.1\n10.0.0.2\n").unwrap();
        shared.read_again("enrich.assets[0].file", Fingerprint::of(&list).unwrap()).unwrap();
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
        let config = Config { assets: vec![AssetSource::of(list.clone())], ..Config::default() };
        let shared = Shared::open(&config, &Metrics::default()).unwrap();
        let seen = Fingerprint::of(&list).unwrap();
        std::fs::write(&list, "key\n10.0.0.1\n10.0.0.2\n").unwrap();
        assert!(matches!(shared.read_again("enrich.assets[0].file", seen), Err(Error::Moving { .. })));
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

    #[test]
    fn a_providers_list_is_read_anew_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("edge.txt");
        std::fs::write(&path, "192.0.2.0/24\n").unwrap();
        let providers = vec![ProviderFile { file: path.clone(), name: Some("edge".to_owned()) }];
        let metrics = Metrics::default();
        let shared = Shared::open(&Config { providers, ..Config::default() }, &metrics).unwrap();
        let said = |address: &str| {
            let tables = shared.tables();
            let known = tables.know(address.parse().unwrap(), &mut 0);
            known.provider.and_then(|number| Some(tables.providers.provider(number)?.name.to_string()))
        };
        assert_eq!((said("192.0.2.1").as_deref(), said("198.51.100.1")), (Some("edge"), None));
        std::fs::write(&path, "198.51.100.0/24\n10.0.0.0/8\n").unwrap();
        shared.read_again("enrich.providers[0].file", Fingerprint::of(&path).unwrap()).unwrap();
        assert_eq!((said("192.0.2.1"), said("198.51.100.1").as_deref()), (None, Some("edge")));
        assert_eq!(said("10.0.0.1"), None, "what is inside is nobody else's");
        assert!(metrics.page().contains("floodmark_enrich_providers_ranges{} 2\n"), "{}", metrics.page());
    }
}
