//! What a backtest begins with: a copy of a state, or the newest baseline of a folder. The state itself stays as it is.

use std::path::Path;

use super::{
    holding::{HoldingError, Where},
    snapshots::newest_snapshot,
};
use crate::config::Baseline;

/// The file in the folder of a state that holds it.
const STATE: &str = "state.redb";

/// The baseline that `path` stands for: a file, the folder of a state, which is copied into the folder `scratch`, or a folder of
/// baselines, of which the newest is taken.
///
/// # Errors
/// When nothing of the kind is there, or the state is held by a running process or is none of this release.
pub fn begin_with(path: &Path, scratch: &Path) -> Result<Baseline, HoldingError> {
    if !path.is_dir() {
        return Ok(Baseline::File(path.into()));
    }
    if path.join(STATE).is_file() {
        let copy = scratch.join("begun");
        Where::State(path.into()).entries()?.write(&copy)?;
        return Ok(Baseline::File(copy));
    }
    let failed = |cause| HoldingError::File { path: path.into(), cause };
    let newest = newest_snapshot(path).map_err(failed)?;
    newest.map(|name| Baseline::File(path.join(name))).ok_or_else(|| HoldingError::Nothing(path.into()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tempfile::TempDir;

    use super::*;
    use crate::{
        score,
        state::{OpenOptions, Store},
    };

    #[test]
    fn a_state_is_copied_a_folder_gives_its_newest_baseline_and_a_file_is_itself() {
        let (folder, scratch) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let begun = |path: &Path| begin_with(path, scratch.path());
        assert!(begun(folder.path()).unwrap_err().to_string().contains("no state and no baseline"));
        for name in ["20260301T000000Z", "20260302T000000Z"] {
            std::fs::write(folder.path().join(format!("baseline-{name}-0123456789abcdef.floodmark")), "")
                .unwrap();
        }
        std::fs::write(folder.path().join("report.json"), "").unwrap();
        let newest = folder.path().join("baseline-20260302T000000Z-0123456789abcdef.floodmark");
        assert_eq!(begun(folder.path()).unwrap(), Baseline::File(newest.clone()));
        assert_eq!(begun(&newest).unwrap(), Baseline::File(newest));
        let state = folder.path().join("state");
        drop(Store::open(&state, OpenOptions { reset: false, geometry: score::GEOMETRY }).unwrap());
        assert_eq!(begun(&state).unwrap(), Baseline::File(scratch.path().join("begun")));
        assert!(scratch.path().join("begun").is_file());
    }
}
