//! Where snapshots are kept: a folder, or a folder of a bucket; and how they are called there.

#[cfg(feature = "aws")]
use std::sync::Arc;
use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

#[cfg(feature = "aws")]
use crate::s3::{Bucket, S3Error};
use crate::{
    config::SnapshotsTo,
    state::snapshot::{SnapshotError, Written, give_name},
};

/// Where snapshots are kept.
#[derive(Clone)]
pub(in crate::app) enum Place {
    Directory(PathBuf),
    #[cfg(feature = "aws")]
    S3 {
        bucket: Arc<Bucket>,
        shown: String,
    },
}

/// Why a place cannot be used.
#[derive(Debug, thiserror::Error)]
pub(in crate::app) enum PlaceError {
    #[error("{}: {cause}", .path.display())]
    Directory { path: PathBuf, cause: io::Error },
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    #[cfg(feature = "aws")]
    #[error(transparent)]
    S3(#[from] S3Error),
}

const BEGINNING: &str = "baseline-";
const ENDING: &str = ".floodmark";
/// Where the identity stands in the config.
#[cfg(feature = "aws")]
pub(in crate::app) const AWS_KEY: &str = "state.snapshots.to.s3.aws";

/// The name of a snapshot that was taken at `millis` since 1970. Names sort as times do.
pub(in crate::app) fn name(millis: u64, id: &str) -> String {
    let at = i64::try_from(millis).ok().and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok());
    let at = at.unwrap_or(jiff::Timestamp::UNIX_EPOCH).strftime("%Y%m%dT%H%M%SZ");
    format!("{BEGINNING}{at}-{id}{ENDING}")
}

/// Whether it is such a name: nothing else is listed, or deleted.
fn is_name(name: &str) -> bool {
    let middle = name.strip_prefix(BEGINNING).and_then(|rest| rest.strip_suffix(ENDING));
    let Some((at, id)) = middle.and_then(|middle| middle.split_once('-')) else { return false };
    let is_time = at.len() == 16
        && at.bytes().enumerate().all(|(index, byte)| match index {
            8 => byte == b'T',
            15 => byte == b'Z',
            _ => byte.is_ascii_digit(),
        });
    is_time && id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The name of the newest snapshot in the folder `path`, if there is one.
pub(in crate::app) fn newest(path: &Path) -> io::Result<Option<String>> {
    let entries = fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?;
    let names = entries.into_iter().filter_map(|entry| entry.file_name().into_string().ok());
    Ok(names.filter(|name| is_name(name)).max())
}

// === impl Place ===

impl Place {
    pub(in crate::app) fn of(to: &SnapshotsTo) -> Result<Self, PlaceError> {
        Ok(match to {
            SnapshotsTo::Directory(path) => Self::Directory(path.clone()),
            #[cfg(feature = "aws")]
            SnapshotsTo::S3(config) => {
                let shown = format!("s3://{}/{}", config.bucket, config.prefix);
                Self::S3 { bucket: Arc::new(Bucket::new(config.clone(), AWS_KEY)?), shown }
            }
        })
    }

    /// Where a snapshot of the state `id`, which lies in `state`, is written before it has its name: in a folder beside the
    /// others, where several processes may write.
    #[cfg_attr(
        not(feature = "aws"),
        expect(unused_variables, reason = "only what goes far is written beside the state")
    )]
    pub(super) fn temporary(&self, state: &Path, id: &str) -> PathBuf {
        match self {
            Self::Directory(path) => path.join(format!(".{BEGINNING}{id}.tmp")),
            #[cfg(feature = "aws")]
            Self::S3 { .. } => state.join(format!("{BEGINNING}{id}.tmp")),
        }
    }

    /// Makes the folder.
    pub(super) fn prepare(&self) -> Result<(), PlaceError> {
        match self {
            Self::Directory(path) => {
                fs::create_dir_all(path).map_err(|cause| PlaceError::Directory { path: path.clone(), cause })
            }
            #[cfg(feature = "aws")]
            Self::S3 { .. } => Ok(()),
        }
    }

    /// Gives what was written its name, where that is in a folder.
    pub(super) fn name_file(&self, temporary: &Path, name: &str) -> Result<(), PlaceError> {
        match self {
            Self::Directory(path) => Ok(give_name(temporary, &path.join(name))?),
            #[cfg(feature = "aws")]
            Self::S3 { .. } => Ok(()),
        }
    }

    /// Puts what was written where it has its name, unless it has it.
    #[cfg_attr(not(feature = "aws"), expect(clippy::unused_async, reason = "only a bucket is far away"))]
    pub(super) async fn upload(
        &self,
        temporary: &Path,
        name: &str,
        written: &Written,
    ) -> Result<(), PlaceError> {
        match self {
            Self::Directory(_) => {
                let _ = (temporary, name, written);
                Ok(())
            }
            #[cfg(feature = "aws")]
            Self::S3 { bucket, .. } => {
                let put = bucket.put_file(name, temporary, written.bytes, &written.sha256).await;
                // The next one is written anew; what is left of this one only takes room.
                let _ = fs::remove_file(temporary);
                Ok(put?)
            }
        }
    }

    /// The names of all snapshots there, the newest last.
    pub(in crate::app) async fn names(&self) -> Result<Vec<String>, PlaceError> {
        let mut names = match self {
            Self::Directory(path) => {
                let path = path.clone();
                let listed = tokio::task::spawn_blocking(move || listed(&path)).await;
                listed.unwrap_or_else(|_| Ok(Vec::new()))?
            }
            #[cfg(feature = "aws")]
            Self::S3 { bucket, .. } => bucket.names(BEGINNING).await?,
        };
        names.retain(|name| is_name(name));
        names.sort_unstable();
        Ok(names)
    }

    /// Looks whether it can be listed, and written to as far as that can be seen without writing.
    pub(in crate::app) async fn look(&self) -> Result<(), PlaceError> {
        match self {
            Self::Directory(path) => {
                // A folder that is not there is made.
                let there = path.ancestors().find(|above| above.exists()).unwrap_or(Path::new("."));
                let failed = |cause| PlaceError::Directory { path: path.clone(), cause };
                if !fs::metadata(there).map_err(failed)?.is_dir() {
                    return Err(failed(io::ErrorKind::NotADirectory.into()));
                }
            }
            #[cfg(feature = "aws")]
            Self::S3 { .. } => {}
        }
        self.names().await.map(drop)
    }

    pub(super) async fn delete(&self, name: &str) -> Result<(), PlaceError> {
        match self {
            Self::Directory(path) => {
                let path = path.join(name);
                tokio::fs::remove_file(&path).await.map_err(|cause| PlaceError::Directory { path, cause })
            }
            #[cfg(feature = "aws")]
            Self::S3 { bucket, .. } => Ok(bucket.delete(name).await?),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) => path.display().fmt(f),
            #[cfg(feature = "aws")]
            Self::S3 { shown, .. } => f.write_str(shown),
        }
    }
}

/// The names of all files in a folder; none where there is no folder.
fn listed(path: &Path) -> Result<Vec<String>, PlaceError> {
    let failed = |cause| PlaceError::Directory { path: path.to_owned(), cause };
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry.map_err(failed)?.file_name().into_string().ok());
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_as_times_do_and_only_they_are_taken_for_snapshots() {
        let at = [1_795_335_300_000, 1_795_335_301_000, 1_795_421_700_000];
        let names = at.map(|at| name(at, "0123456789abcdef"));
        assert_eq!(names[0], "baseline-20261122T081500Z-0123456789abcdef.floodmark");
        assert!(names.is_sorted() && names.iter().all(|name| is_name(name)));
        for other in [
            "baseline-20261122T081500Z-0123456789abcdef.floodmark.old",
            "baseline-20261122T081500Z-mine.floodmark",
            "baseline-of-last-year-0123456789abcdef.floodmark",
            "baseline-.floodmark",
            "state.redb",
            ".baseline-0123.tmp",
        ] {
            assert!(!is_name(other), "{other}");
        }
    }
}
