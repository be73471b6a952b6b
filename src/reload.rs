//! Files that are read again while the process runs: once they have changed and stood still, or at once on SIGHUP; off the hot
//! path, and only when they are sound.

use std::{
    collections::BTreeMap,
    future::Future,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::MissedTickBehavior,
};

use crate::{pipe::Stop, telemetry::clock};

/// Who reads files again.
pub trait Reload: Send + Sync + 'static {
    /// The files by now.
    fn files(&self) -> Vec<Watched>;

    /// Reads `file`, which looked like `seen`, and uses it when it is sound. Blocks.
    ///
    /// # Errors
    /// When it is not sound, or changed while it was read; what was read before stays in use.
    fn reload(&self, file: &Watched, seen: Fingerprint) -> Result<(), Refused>;

    /// Takes note that reading `file` again ended as `result`: `ok` or `refused`.
    fn note(&self, file: &Watched, result: &'static str);
}

/// A file that is read again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Watched {
    /// The config key that names it, or what it is called.
    pub key: String,
    /// Where it is.
    pub path: PathBuf,
    /// How it looked before it was read at start.
    pub at_start: Option<Fingerprint>,
}

/// Tells whether a file has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fingerprint {
    bytes: u64,
    modified: Option<SystemTime>,
}

/// Why a file was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It changed while it was read; it is read again once it has stood still.
    #[error("it changed while it was read")]
    Moving,
    /// It is not sound.
    #[error("{0}")]
    Unsound(String),
}

/// How often files are looked at.
const PERIOD: Duration = Duration::from_secs(1);

/// How long a changed file must look the same before it is read: whoever writes it is then through.
const STILL_FOR: Duration = Duration::from_secs(2);

/// Looks at the files of `readers` every second until `stop`, and lets them read what changed; all of it on SIGHUP.
pub fn watch(readers: Vec<Arc<dyn Reload>>, stop: Stop) -> std::io::Result<impl Future<Output = ()> + Send> {
    // Before anything else, as the signal ends a process that does not listen for it.
    let hangups = signal(SignalKind::hangup())?;
    Ok(watching(readers.into_iter().map(Reloader::new).collect(), hangups, stop))
}

async fn watching(mut reloaders: Vec<Reloader>, mut hangups: Signal, mut stop: Stop) {
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let is_told = tokio::select! {
            () = stop.stopped() => return,
            _ = ticks.tick() => false,
            Some(()) = hangups.recv() => true,
        };
        if is_told {
            tracing::info!("SIGHUP: every file is read again");
        }
        for reloader in &mut reloaders {
            if is_told {
                reloader.read_all().await;
            } else {
                reloader.look(clock::monotonic()).await;
            }
        }
    }
}

/// Knows of every file of a reader how it looked when it was last read, and since when it has looked otherwise.
pub struct Reloader {
    reader: Arc<dyn Reload>,
    looks: BTreeMap<Watched, Look>,
}

/// How one file looks.
#[derive(Debug, Default)]
struct Look {
    read: Option<Fingerprint>,
    changed: Option<(Fingerprint, Instant)>,
    is_missing: bool,
}

// === impl Reloader ===

impl Reloader {
    /// The files of `reader`, as they looked when they were first read.
    #[must_use]
    pub fn new(reader: Arc<dyn Reload>) -> Self {
        Self { reader, looks: BTreeMap::new() }
    }

    /// Looks at every file once, at time `now`, and lets those be read again that changed and have stood still for two seconds.
    pub async fn look(&mut self, now: Instant) {
        self.each(|look, seen| look.see(seen, now)).await;
    }

    /// Lets every file be read again now.
    pub async fn read_all(&mut self) {
        self.each(|look, _| {
            look.changed = None;
            true
        })
        .await;
    }

    async fn each(&mut self, is_due: impl Fn(&mut Look, Fingerprint) -> bool) {
        let files = self.reader.files();
        self.looks.retain(|file, _| files.contains(file));
        for file in files {
            let first = || Look { read: file.at_start, ..Look::default() };
            let look = self.looks.entry(file.clone()).or_insert_with(first);
            let seen = match tokio::fs::metadata(&file.path).await {
                Ok(metadata) => Fingerprint::from(&metadata),
                Err(error) => {
                    look.miss(&file, &error);
                    continue;
                }
            };
            look.is_missing = false;
            if !is_due(look, seen) {
                continue;
            }
            let (reader, reading) = (Arc::clone(&self.reader), file.clone());
            let done = tokio::task::spawn_blocking(move || reader.reload(&reading, seen)).await;
            let result = match done {
                Ok(result) => result,
                Err(error) => Err(Refused::Unsound(format!("reading it was broken off: {error}"))),
            };
            look.end(&file, seen, &result);
            if !matches!(result, Err(Refused::Moving)) {
                self.reader.note(&file, if result.is_ok() { "ok" } else { "refused" });
            }
        }
    }
}

// === impl Look ===

impl Look {
    /// Takes note that the file looks like `seen` at `now`; whether it is time to read it.
    fn see(&mut self, seen: Fingerprint, now: Instant) -> bool {
        if self.read == Some(seen) {
            self.changed = None;
            return false;
        }
        match self.changed {
            Some((before, since)) if before == seen => {
                let is_still = now.saturating_duration_since(since) >= STILL_FOR;
                if is_still {
                    self.changed = None;
                }
                is_still
            }
            _ => {
                self.changed = Some((seen, now));
                false
            }
        }
    }

    /// Takes note that the file is not there; what was read of it stays in use.
    fn miss(&mut self, file: &Watched, error: &std::io::Error) {
        self.changed = None;
        if !self.is_missing {
            self.is_missing = true;
            let (key, path) = (&file.key, file.path.display());
            tracing::warn!(key, %path, %error, "a file is gone; what was read before stays in use");
        }
    }

    /// Takes note that reading the file, which looked like `seen`, ended with `result`. What moved is read once it has stood still.
    fn end(&mut self, file: &Watched, seen: Fingerprint, result: &Result<(), Refused>) {
        let (key, path) = (&file.key, file.path.display());
        match result {
            Ok(()) => tracing::info!(key, %path, "a file was read again and is in use"),
            Err(Refused::Moving) => return,
            Err(error) => {
                tracing::error!(key, %path, %error, "a changed file was refused; what was read before stays in use");
            }
        }
        self.read = Some(seen);
    }
}

// === impl Fingerprint ===

impl Fingerprint {
    /// How the file at `path` looks now.
    ///
    /// # Errors
    /// When it is not there, or nobody may look at it.
    pub fn of(path: &Path) -> std::io::Result<Self> {
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
    #![allow(clippy::unwrap_used)]

    use std::sync::Mutex;

    use super::*;

    /// Reads whatever is there, and refuses what is empty.
    struct Reader {
        path: PathBuf,
        read: Mutex<Vec<String>>,
        notes: Mutex<Vec<&'static str>>,
    }

    impl Reload for Reader {
        fn files(&self) -> Vec<Watched> {
            let key = "score.suppressions".to_owned();
            vec![Watched { key, path: self.path.clone(), at_start: None }]
        }

        fn reload(&self, file: &Watched, _: Fingerprint) -> Result<(), Refused> {
            let text = std::fs::read_to_string(&file.path).unwrap();
            if text.is_empty() {
                return Err(Refused::Unsound("it is empty".to_owned()));
            }
            self.read.lock().unwrap().push(text);
            Ok(())
        }

        fn note(&self, _: &Watched, result: &'static str) {
            self.notes.lock().unwrap().push(result);
        }
    }

    fn reader(folder: &Path, text: &str) -> Arc<Reader> {
        let path = folder.join("suppressions.yaml");
        std::fs::write(&path, text).unwrap();
        Arc::new(Reader { path, read: Mutex::default(), notes: Mutex::default() })
    }

    #[tokio::test]
    async fn all_is_read_at_once_where_somebody_asks_for_it_and_what_is_not_sound_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let reader = reader(folder.path(), "[]");
        let mut reloader = Reloader::new(reader.clone());
        reloader.read_all().await;
        reloader.read_all().await;
        std::fs::write(&reader.path, "").unwrap();
        reloader.read_all().await;
        assert_eq!(*reader.read.lock().unwrap(), ["[]", "[]"]);
        assert_eq!(*reader.notes.lock().unwrap(), ["ok", "ok", "refused"]);
    }

    #[tokio::test]
    async fn the_watch_ends_when_it_is_told_to() {
        let folder = tempfile::tempdir().unwrap();
        let (switch, stop) = crate::pipe::stop();
        let watching = tokio::spawn(watch(vec![reader(folder.path(), "[]")], stop).unwrap());
        switch.stop();
        watching.await.unwrap();
    }
}
