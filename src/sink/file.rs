//! Files of one document a line: appended to, put aside by size, compressed where wanted.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use flate2::write::GzEncoder;

use super::{Compression, Delivery, DocSet, FileConfig, Sink, SinkError};
use crate::{event::Documents, pipe::BoxFuture};

/// Writes documents to a file.
#[derive(Debug)]
pub struct FileSink {
    config: FileConfig,
    /// Absent until the first document: a quarantine that keeps nothing leaves no file behind.
    open: Mutex<Option<OpenFile>>,
}

/// The file as it stands.
#[derive(Debug)]
struct OpenFile {
    file: File,
    /// Length up to which every delivery is whole; what a failed write left behind it is cut off.
    len: u64,
    /// Whether it can be put aside: not so a pipe or a device.
    regular: bool,
    /// Whether no other process writes it, so that it may be cut.
    alone: bool,
}

// === impl FileSink ===

impl FileSink {
    /// Opens the file if it exists; a new one is begun with the first document.
    ///
    /// # Errors
    /// When it exists and cannot be opened for appending, or its folder does not exist.
    pub fn open(config: &FileConfig) -> Result<Self, SinkError> {
        let exists = config.path.try_exists().map_err(|error| could_not_write(&config.path, &error))?;
        let open = if exists { Some(OpenFile::begin(config)) } else { None };
        let open = open.transpose().map_err(|error| could_not_write(&config.path, &error))?;
        if !exists {
            std::fs::read_dir(folder(&config.path)).map_err(|error| could_not_write(&config.path, &error))?;
        }
        Ok(Self { config: config.clone(), open: Mutex::new(open) })
    }

    fn write(&self, documents: &Documents, only: &DocSet) -> std::io::Result<()> {
        let mut guard = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let open = match &mut *guard {
            Some(open) => open,
            none => none.insert(OpenFile::begin(&self.config)?),
        };
        if let Some(rotation) = &self.config.rotate
            && open.regular
            && open.len >= rotation.size.as_u64().max(1)
        {
            open.file.sync_all()?;
            put_aside(&self.config.path, rotation.keep)?;
            *open = OpenFile::begin(&self.config)?;
        }
        let mut picked = Vec::new();
        let plain = match only {
            DocSet::All => &documents.bytes,
            DocSet::These(_) => {
                only.indexes(documents.len())
                    .for_each(|index| picked.extend_from_slice(documents.document(index)));
                &picked
            }
        };
        match self.config.compress {
            Compression::None => open.append(plain, self.config.sync),
            Compression::Gzip => {
                let mut encoder =
                    GzEncoder::new(Vec::with_capacity(plain.len() / 8), flate2::Compression::new(6));
                encoder.write_all(plain)?;
                open.append(&encoder.finish()?, self.config.sync)
            }
            Compression::Zstd => {
                let level = 3;
                open.append(&zstd::bulk::compress(plain, level)?, self.config.sync)
            }
        }
    }
}

impl Sink for FileSink {
    fn deliver(self: Arc<Self>, documents: Arc<Documents>, only: DocSet) -> BoxFuture<'static, Delivery> {
        Box::pin(async move {
            let (sink, taken, which) = (self.clone(), documents.clone(), only.clone());
            let written = tokio::task::spawn_blocking(move || sink.write(&taken, &which)).await;
            match written {
                Ok(Ok(())) => Delivery::default(),
                Ok(Err(error)) => Delivery::retry_all(
                    &documents,
                    &only,
                    &could_not_write(&self.config.path, &error).to_string(),
                ),
                Err(error) => Delivery::retry_all(&documents, &only, &error.to_string()),
            }
        })
    }

    fn close(self: Arc<Self>) -> BoxFuture<'static, Result<(), SinkError>> {
        Box::pin(async move {
            let sink = self.clone();
            let synced = tokio::task::spawn_blocking(move || {
                let open = sink.open.lock().unwrap_or_else(PoisonError::into_inner);
                open.as_ref().filter(|open| open.regular).map_or(Ok(()), |open| open.file.sync_all())
            });
            match synced.await {
                Ok(Err(error)) => Err(could_not_write(&self.config.path, &error)),
                _ => Ok(()),
            }
        })
    }
}

// === impl OpenFile ===

impl OpenFile {
    fn begin(config: &FileConfig) -> std::io::Result<Self> {
        let open = || OpenOptions::new().read(true).append(true).create(true).open(&config.path);
        let existing = std::fs::metadata(&config.path).ok().filter(std::fs::Metadata::is_file);
        if existing.is_some_and(|meta| meta.len() > 0) && config.compress != Compression::None {
            // Whether an earlier process left a torn member at the end cannot be told without reading it all.
            put_aside(&config.path, config.rotate.as_ref().and_then(|rotation| rotation.keep))?;
        }
        let is_device = std::fs::metadata(&config.path).is_ok_and(|meta| !meta.is_file());
        if is_device {
            let file = OpenOptions::new().write(true).open(&config.path)?;
            return Ok(Self { file, len: 0, regular: false, alone: false });
        }
        let mut file = open()?;
        // Another process may be at it, a replay beside the pipeline: then what looks torn is being written. The lock
        // lives as long as the file is open.
        let alone = file.try_lock().is_ok();
        let whole = if alone { whole_lines(&mut file)? } else { file.metadata()?.len() };
        if whole < file.metadata()?.len() {
            file.set_len(whole)?;
        }
        Ok(Self { file, len: whole, regular: true, alone })
    }

    fn append(&mut self, bytes: &[u8], sync: bool) -> std::io::Result<()> {
        let written =
            self.file.write_all(bytes).and_then(|()| if sync { self.file.sync_data() } else { Ok(()) });
        if written.is_err() && self.alone {
            self.file.set_len(self.len)?;
        }
        written?;
        self.len += bytes.len() as u64;
        Ok(())
    }
}

/// Length up to the end of the last whole line: a process that was killed while it wrote leaves half of one behind,
/// which it has not confirmed and which will be delivered again.
fn whole_lines(file: &mut File) -> std::io::Result<u64> {
    const STEP: u64 = 64 * 1024;
    let mut end = file.metadata()?.len();
    let mut block = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(STEP);
        file.seek(SeekFrom::Start(start))?;
        block.clear();
        file.take(end - start).read_to_end(&mut block)?;
        if let Some(last) = memchr::memrchr(b'\n', &block) {
            return Ok(start + last as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// Renames `events.ndjson` to `events.N.ndjson`, N one above the highest there is, and deletes the oldest past `keep`.
fn put_aside(path: &Path, keep: Option<u32>) -> std::io::Result<()> {
    let mut aside = numbered(path)?;
    let next = aside.last().map_or(1, |(number, _)| number + 1);
    let (stem, extension) = name_parts(path);
    let name = path.with_file_name(format!("{stem}.{next}{extension}"));
    std::fs::rename(path, &name)?;
    aside.push((next, name));
    let surplus = keep.map_or(0, |keep| aside.len().saturating_sub(keep as usize));
    aside.drain(..surplus).try_for_each(|(_, old)| std::fs::remove_file(old))
}

/// The files put aside before, by rising number.
fn numbered(path: &Path) -> std::io::Result<Vec<(u64, PathBuf)>> {
    let (stem, extension) = name_parts(path);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder(path))? {
        let entry = entry?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| {
            name.strip_prefix(&stem)?.strip_prefix('.')?.strip_suffix(&extension)?.parse().ok()
        });
        found.extend(number.map(|number| (number, path.with_file_name(&name))));
    }
    found.sort();
    Ok(found)
}

/// `events.ndjson.gz` is `events` and `.ndjson.gz`.
fn name_parts(path: &Path) -> (String, String) {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let dot = name.char_indices().skip(1).find(|(_, c)| *c == '.').map_or(name.len(), |(at, _)| at);
    (name[..dot].to_owned(), name[dot..].to_owned())
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn could_not_write(path: &Path, error: &std::io::Error) -> SinkError {
    SinkError::File { path: path.display().to_string(), cause: error.to_string() }
}

#[cfg(test)]
mod tests;
