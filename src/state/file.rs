//! Opening `state.redb`: one writing process, and an old file is kept when a new one takes its place.

use std::{
    fs,
    path::{Path, PathBuf},
};

use redb::{Builder, DatabaseError, StorageError};

use super::{OpenOptions, StateError, db::Db, header};

const FILE: &str = "state.redb";
/// Memory for pages; everything is read once at the start and then only written, so little is enough.
const CACHE_BYTES: usize = 16 << 20;

/// Opens or makes the file; with `options.reset` an old one is put aside first.
pub(super) fn open(directory: &Path, options: OpenOptions) -> Result<Db, StateError> {
    let unusable = |error: std::io::Error| StateError::Unusable {
        directory: directory.into(),
        cause: error.to_string(),
    };
    fs::create_dir_all(directory).map_err(unusable)?;
    let path = directory.join(FILE);
    if options.reset && path.exists() {
        let label = match open_writer(directory, &path) {
            Ok(db) if header::read(&db, directory, options.geometry).is_ok() => "reset",
            Ok(_) | Err(StateError::Corrupt { .. }) => "corrupt",
            Err(other) => return Err(other),
        };
        fs::rename(&path, free_name(&path, label)).map_err(unusable)?;
    }
    open_writer(directory, &path)
}

/// Opens the file to look at it. It is checked, and repaired where a crash left it, by whoever may write it.
pub(super) fn open_read_only(directory: &Path) -> Result<Db, StateError> {
    let path = directory.join(FILE);
    if directory.exists() && !directory.is_dir() {
        return Err(StateError::Unusable {
            directory: directory.into(),
            cause: "it is not a directory".to_owned(),
        });
    }
    if !path.exists() {
        return Err(StateError::Missing { directory: directory.into() });
    }
    match open_writer(directory, &path) {
        Ok(_) | Err(StateError::Unusable { .. }) => {}
        Err(other) => return Err(other),
    }
    let opened = Builder::new().set_cache_size(CACHE_BYTES).open_read_only(&path);
    opened.map(Db::Reader).map_err(|error| refused(directory, error))
}

fn open_writer(directory: &Path, path: &Path) -> Result<Db, StateError> {
    // An empty file is what a crash between making it and the first write leaves; the builder fills it.
    let opened = Builder::new().set_cache_size(CACHE_BYTES).create(path);
    let mut db = opened.map_err(|error| refused(directory, error))?;
    // Checked whole, because the database checks nothing when it opens what was closed well: of 600 files damaged at
    // random, 98 gave back wrong values without this and none with it. It reads the file once: 45 ms for 64,000
    // entities.
    match db.check_integrity() {
        Ok(true) => Ok(Db::Writer(db)),
        Ok(false) => Err(StateError::Corrupt {
            directory: directory.into(),
            cause: "its checksums do not fit its content".to_owned(),
        }),
        Err(error) => Err(refused(directory, error)),
    }
}

/// Sorts the database's refusals by who is to blame.
fn refused(directory: &Path, error: DatabaseError) -> StateError {
    let directory = directory.to_path_buf();
    match error {
        DatabaseError::DatabaseAlreadyOpen => StateError::Locked { directory },
        // The database says this of a file that is not one of its own.
        DatabaseError::Storage(StorageError::Io(error))
            if error.kind() != std::io::ErrorKind::InvalidData
                && error.kind() != std::io::ErrorKind::UnexpectedEof =>
        {
            StateError::Unusable { directory, cause: error.to_string() }
        }
        other => StateError::Corrupt { directory, cause: other.to_string() },
    }
}

/// The first of `<path>.<label>-1`, `-2`, … that is not taken.
fn free_name(path: &Path, label: &str) -> PathBuf {
    let mut number = 1u32;
    loop {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{label}-{number}"));
        let free = PathBuf::from(name);
        if !free.exists() {
            return free;
        }
        number += 1;
    }
}
