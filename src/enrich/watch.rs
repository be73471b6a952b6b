//! How the files behind the tables are read again, and how topics are followed.

use std::sync::Arc;

use super::{Error, Shared};
use crate::{
    pipe::Stop,
    reload::{Fingerprint, Refused, Reload, Watched},
};

/// Follows the topics behind `shared` until `stop`.
#[cfg(feature = "kafka")]
pub fn follow(shared: &Arc<Shared>, stop: &Stop) {
    for reader in shared.readers() {
        let (shared, stop) = (Arc::clone(shared), stop.clone());
        tokio::task::spawn_blocking(move || reader.follow(&shared, &stop));
    }
}

impl Reload for Shared {
    fn files(&self) -> Vec<Watched> {
        self.to_watch()
    }

    fn reload(&self, file: &Watched, seen: Fingerprint) -> Result<(), Refused> {
        self.read_again(&file.key, seen).map_err(|error| match error {
            Error::Moving { .. } => Refused::Moving,
            error => Refused::Unsound(error.to_string()),
        })
    }

    fn note(&self, file: &Watched, result: &'static str) {
        self.meters.reloads(&file.key, result).inc();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        path::PathBuf,
        time::{Duration, Instant},
    };

    use super::*;
    use crate::{
        enrich::{
            Config, Geoip,
            database::{
                fixtures,
                forge::{self, Forge},
            },
        },
        reload::Reloader,
        telemetry::{clock, metrics::Metrics},
    };

    struct Scene {
        _folder: tempfile::TempDir,
        path: PathBuf,
        metrics: Metrics,
        shared: Arc<Shared>,
        reloader: Reloader,
        start: Instant,
    }

    impl Scene {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("city.mmdb");
            std::fs::write(&path, database(1)).unwrap();
            let geoip = Geoip { city: Some(path.clone()), ..Geoip::default() };
            let metrics = Metrics::default();
            let shared = Shared::open(&Config { geoip, ..Config::default() }, &metrics).unwrap();
            let reloader = Reloader::new(shared.clone());
            Self { _folder: folder, path, metrics, shared, reloader, start: clock::monotonic() }
        }

        /// Looks at the file `millis` after the start; the build time and generation of what is in use then.
        async fn at(&mut self, millis: u64) -> (u64, u64) {
            self.reloader.look(self.start + Duration::from_millis(millis)).await;
            let tables = self.shared.tables();
            (tables.city.as_ref().unwrap().build_epoch(), tables.generation())
        }

        fn write(&self, bytes: &[u8]) {
            std::fs::write(&self.path, bytes).unwrap();
        }

        fn reloads(&self, result: &'static str) -> u64 {
            self.shared.meters.reloads("enrich.geoip.city", result).get()
        }
    }

    /// Databases of different build times have different sizes too, so that no test hangs on the clock of the file
    /// system.
    fn database(build_epoch: u8) -> Vec<u8> {
        let mut forge = Forge::new(6).built_at(build_epoch);
        for third in 0..build_epoch {
            forge = forge.with(&format!("81.2.{third}.0/24"), forge::place("GB", None));
        }
        forge.bytes()
    }

    #[tokio::test]
    async fn a_changed_file_is_swapped_in_once_it_has_stood_still_for_two_seconds() {
        let mut scene = Scene::new();
        assert_eq!(scene.at(0).await, (1, 1));
        scene.write(&database(2));
        assert_eq!(scene.at(1_000).await, (1, 1), "seen for the first time");
        assert_eq!(scene.at(2_000).await, (1, 1));
        assert_eq!(scene.at(2_999).await, (1, 1));
        assert_eq!(scene.at(3_000).await, (2, 2), "two seconds later");
        assert_eq!(scene.at(9_000).await, (2, 2), "it is read once");
        assert_eq!((scene.reloads("ok"), scene.reloads("refused")), (1, 0));
    }

    #[tokio::test]
    async fn a_file_that_is_still_being_written_is_not_read() {
        let mut scene = Scene::new();
        let whole = database(2);
        for (second, end) in [(1, 10), (2, whole.len() / 2), (3, whole.len() - 1)] {
            scene.write(&whole[..end]);
            assert_eq!(scene.at(second * 1_500).await, (1, 1));
        }
        scene.write(&whole);
        assert_eq!(scene.at(6_000).await, (1, 1));
        assert_eq!(scene.at(8_000).await, (2, 2));
        assert_eq!((scene.reloads("ok"), scene.reloads("refused")), (1, 0));
    }

    #[tokio::test]
    async fn garbage_is_refused_once_and_the_old_file_stays_in_use() {
        let mut scene = Scene::new();
        scene.write(b"garbage");
        scene.at(0).await;
        for second in 2..6 {
            assert_eq!(scene.at(second * 1_000).await, (1, 1));
        }
        assert_eq!((scene.reloads("ok"), scene.reloads("refused")), (0, 1));
        assert!(scene.metrics.page().contains("result=\"refused\"} 1\n"));
        scene.write(&database(3));
        scene.at(6_000).await;
        assert_eq!(scene.at(8_000).await, (3, 2), "and a good one after it is taken");
    }

    #[tokio::test]
    async fn no_published_bad_database_takes_a_good_ones_place_unless_it_can_be_looked_up_in() {
        let Some(bad) = fixtures::files("maxmind/bad-data") else { return };
        let mut scene = Scene::new();
        let mut now = 0;
        for path in bad {
            scene.write(&std::fs::read(&path).unwrap());
            scene.reloader.look(scene.start + Duration::from_millis(now)).await;
            now += 2_000;
            scene.reloader.look(scene.start + Duration::from_millis(now)).await;
            let mut errors = 0;
            let tables = scene.shared.tables();
            if let Some(key) = tables.know([81, 2, 69, 142].into(), &mut errors).place {
                let _ = tables.place([81, 2, 69, 142].into(), key, &mut errors);
            }
        }
        assert_eq!(scene.reloads("ok") + scene.reloads("refused"), 21);
        assert!(scene.reloads("refused") >= 10, "{} refused", scene.reloads("refused"));
    }

    #[tokio::test]
    async fn a_file_that_is_gone_stays_in_use_and_is_read_when_it_is_back() {
        let mut scene = Scene::new();
        std::fs::remove_file(&scene.path).unwrap();
        for second in 0..4 {
            assert_eq!(scene.at(second * 1_000).await, (1, 1));
        }
        scene.write(&database(2));
        assert_eq!(scene.at(4_000).await, (1, 1));
        assert_eq!(scene.at(6_000).await, (2, 2));
    }

    #[tokio::test]
    async fn a_file_that_changed_before_the_watch_began_is_noticed() {
        let mut scene = Scene::new();
        scene.write(&database(2));
        scene.reloader = Reloader::new(scene.shared.clone());
        scene.at(0).await;
        assert_eq!(scene.at(2_000).await, (2, 2));
    }
}
