//! A snapshot as a file: under a temporary name until it is whole and durable, readable by its owner alone.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use super::{Facts, SnapshotError, SnapshotWriter, Written};
use crate::telemetry::crash::CrashPoint;

/// Writes the snapshot that `rows` puts together to the file `temporary`, in place of what a crash left there, and returns once
/// it is durable. Its name, which may be made of what was written, is given by [`give_name`].
///
/// # Errors
/// When the file cannot be written, or `rows` fails; then nothing is left of it.
pub fn write_temporary<E: From<SnapshotError>>(
    temporary: &Path,
    facts: &Facts,
    rows: impl FnOnce(&mut SnapshotWriter<BufWriter<File>>) -> Result<(), E>,
) -> Result<Written, E> {
    let written = write(temporary, facts, rows);
    if written.is_err() {
        // It is dropped by the next try, if not now.
        let _ = fs::remove_file(temporary);
    }
    written
}

fn write<E: From<SnapshotError>>(
    temporary: &Path,
    facts: &Facts,
    rows: impl FnOnce(&mut SnapshotWriter<BufWriter<File>>) -> Result<(), E>,
) -> Result<Written, E> {
    let failed = |error: io::Error| E::from(SnapshotError::Io(error));
    match fs::remove_file(temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    // It holds the seed of the hashes, which nobody else may know.
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(temporary).map_err(failed)?;
    let mut writer = SnapshotWriter::new(BufWriter::new(file), facts)?;
    rows(&mut writer)?;
    let (file, written) = writer.finish()?;
    let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)?;
    CrashPoint::BaselineWrittenNotNamed.reach();
    Ok(written)
}

/// Gives the whole file `temporary` its name, and makes that durable.
///
/// # Errors
/// When it cannot be renamed, or the folder cannot be made durable.
pub fn give_name(temporary: &Path, path: &Path) -> Result<(), SnapshotError> {
    fs::rename(temporary, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()?;
    Ok(())
}
