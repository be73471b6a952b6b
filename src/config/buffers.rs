//! The disk buffers of a config: where each one lies, and what is wrong with how they are configured.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{Config, Problems, SinkConfig, Tree};
use crate::sink::{BUFFER_BYTES_MIN, BufferConfig, folder_name, left_behind};

/// One sink's disk buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BufferPlace<'a> {
    /// The sink's name.
    pub sink: &'a str,
    /// The folder that holds it.
    pub folder: PathBuf,
    /// The most bytes that it takes.
    pub limit_bytes: u64,
}

// === impl Config ===

impl Config {
    /// The sinks' disk buffers.
    pub fn buffers(&self) -> impl Iterator<Item = BufferPlace<'_>> {
        self.sinks.iter().filter_map(|(name, sink)| {
            let buffer = sink.buffer.as_ref()?;
            let folder = self.folder(name, buffer)?;
            Some(BufferPlace { sink: name, folder, limit_bytes: buffer.disk.as_u64() })
        })
    }

    /// Buffers in `state.directory` that hold documents and belong to no sink of the config: their folders, and the
    /// bytes that wait there.
    #[must_use]
    pub fn buffers_left_behind(&self) -> Vec<(PathBuf, u64)> {
        let Some(root) = self.buffers_root() else { return Vec::new() };
        let names: Vec<&str> = self.buffers().map(|place| place.sink).collect();
        left_behind(&root, &names)
    }

    fn folder(&self, name: &str, buffer: &BufferConfig) -> Option<PathBuf> {
        let usual = || Some(self.buffers_root()?.join(folder_name(name)));
        buffer.directory.clone().or_else(usual)
    }

    fn buffers_root(&self) -> Option<PathBuf> {
        Some(self.state.as_ref()?.directory.join("buffer"))
    }

    pub(super) fn check_buffers(&self, tree: &Tree, problems: &mut Problems) {
        let mut seen: BTreeMap<PathBuf, &str> = BTreeMap::new();
        for (name, sink) in &self.sinks {
            let Some(buffer) = &sink.buffer else { continue };
            let place = format!("sinks.{name}.buffer");
            if buffer.disk.as_u64() < BUFFER_BYTES_MIN {
                let text = "a disk buffer holds at least 16MiB, which is some thousands of events";
                problems.at(tree, &format!("{place}.disk"), text, None);
            }
            if is_transactional(sink) {
                let text = "documents and positions leave in one transaction, and a buffer would part them";
                let help = "leave out `buffer` or `transactional`; the topic itself is a buffer";
                problems.at(tree, &place, text, help.to_owned());
            }
            let Some(folder) = self.folder(name, buffer) else {
                let text = "a disk buffer needs a folder";
                problems.at(tree, &place, text, format!("set `state.directory`, or `{place}.directory`"));
                continue;
            };
            if let Some(first) = seen.insert(folder.clone(), name) {
                let text = format!("the folder {} is also the buffer of `sinks.{first}`", folder.display());
                problems.at(tree, &format!("{place}.directory"), text, "give each its own".to_owned());
            }
            if self.state.as_ref().is_some_and(|state| is_same(&state.directory, &folder)) {
                let text = "the state lies in this folder";
                problems.at(tree, &format!("{place}.directory"), text, "give each its own".to_owned());
            }
        }
    }
}

#[cfg(feature = "kafka")]
fn is_transactional(sink: &SinkConfig) -> bool {
    sink.to.kafka().is_some_and(|kafka| kafka.transactional.is_some())
}

#[cfg(not(feature = "kafka"))]
fn is_transactional(_: &SinkConfig) -> bool {
    false
}

fn is_same(one: &Path, other: &Path) -> bool {
    one.components().eq(other.components())
}
