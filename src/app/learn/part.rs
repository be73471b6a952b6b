//! Parts: what the first pass found in a part of an archive, in a file, so that parts can be read on different machines.
//!
//! A part has the form of a snapshot, with rows of its own section.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufReader, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::LearnError;
use crate::{
    score::Table,
    source::SourceError,
    state::snapshot::{
        Facts, MAGIC, Row, Section, SnapshotError, SnapshotReader, give_name, write_temporary,
    },
    telemetry::seed,
};

/// Whether the file at `path` begins as a part does.
pub(super) fn is_part(path: &Path) -> Result<bool, LearnError> {
    let unreadable = |cause| SourceError::Unreadable { path: path.into(), cause };
    if !path.is_file() {
        return Ok(false);
    }
    let mut beginning = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(MAGIC.len() as u64).read_to_end(&mut beginning).map_err(unreadable)?;
    Ok(beginning == MAGIC)
}

fn open(path: &Path) -> Result<SnapshotReader<BufReader<File>>, LearnError> {
    let unreadable = |cause| SourceError::Unreadable { path: path.into(), cause };
    let file = File::open(path).map_err(unreadable)?;
    SnapshotReader::new(BufReader::new(file)).map_err(|cause| LearnError::snapshot(path, cause))
}

/// The seed that all `parts` were made under; none where there are none.
pub(super) fn seed_of_parts(parts: &[PathBuf]) -> Result<Option<u64>, LearnError> {
    let mut seed = None;
    for path in parts {
        let found = open(path)?.facts().seed;
        if seed.is_some_and(|seed| seed != found) {
            return Err(LearnError::Seeds);
        }
        seed = Some(found);
    }
    Ok(seed)
}

/// The seed in the file at `path`. Where there is no such file it is made, readable by its owner alone, with `known` or a
/// fresh one.
pub(super) fn seed_in(path: &Path, known: Option<u64>) -> Result<u64, LearnError> {
    match fs::read_to_string(path) {
        Ok(text) => {
            let text = text.trim();
            let is_hex = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            let number = u64::from_str_radix(text, 16).ok().filter(|_| is_hex);
            number.ok_or_else(|| LearnError::Seed(path.into()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let seed = known.unwrap_or_else(seed::fresh);
            let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
            let written = made.and_then(|mut file| writeln!(file, "{seed:016x}"));
            written.map_err(|cause| LearnError::write(path, cause))?;
            Ok(seed)
        }
        Err(cause) => Err(SourceError::Unreadable { path: path.into(), cause }.into()),
    }
}

/// Writes `table` to the file at `path`; returns how many rows it has.
pub(super) fn write_part(path: &Path, facts: &Facts, table: &Table) -> Result<u64, LearnError> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let temporary = PathBuf::from(temporary);
    let failed = |cause| LearnError::snapshot(path, cause);
    let written = write_temporary::<SnapshotError>(&temporary, facts, |writer| {
        table.write(|key, value| writer.put(Section::History, key, value))
    });
    let written = written.map_err(failed)?;
    give_name(&temporary, path).map_err(failed)?;
    Ok(written.rows)
}

/// Adds what the part at `path` says to `table`, where it was made with the settings that `facts` tell of.
pub(super) fn read_part(
    path: &Path,
    facts: &Facts,
    table: &mut Table,
    memory_bytes_max: u64,
) -> Result<(), LearnError> {
    let mut reader = open(path)?;
    let found = reader.facts();
    if !found.settings.contains_key("identity") {
        return Err(LearnError::Baseline(path.into()));
    }
    for (name, ours) in &facts.settings {
        // A half-life is asked for when the parts are merged.
        let theirs = found.settings.get(name).map_or("", String::as_str);
        if name != "half_life" && theirs != ours {
            let (name, found, ours) = (name.clone(), theirs.to_owned(), ours.clone());
            return Err(LearnError::Settings { path: path.into(), name, found, ours });
        }
    }
    for (name, found, ours) in [
        ("geometry", u64::from(found.geometry), u64::from(facts.geometry)),
        ("list of features", found.features, facts.features),
    ] {
        if found != ours {
            let (found, ours) = (format!("{found:x}"), format!("{ours:x}"));
            return Err(LearnError::Settings { path: path.into(), name: name.to_owned(), found, ours });
        }
    }
    let failed = |cause| LearnError::snapshot(path, cause);
    let mut rows = 0_u64;
    while let Some(Row { section, key, value }) = reader.next_row().map_err(failed)? {
        if section != Section::History {
            return Err(LearnError::Baseline(path.into()));
        }
        table.read(key, value).map_err(|cause| LearnError::Rows { path: path.into(), cause })?;
        rows += 1;
        if rows.is_multiple_of(1024) && table.memory_bytes() > memory_bytes_max {
            return Err(LearnError::Memory { rows: table.rows() as u64, limit: memory_bytes_max });
        }
    }
    Ok(())
}
