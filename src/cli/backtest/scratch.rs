//! A folder for what a backtest writes on its way, gone when it ends.

use std::{
    cell::Cell,
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt,
    path::PathBuf,
};

use crate::telemetry::seed;

/// See the top of the file.
#[derive(Debug)]
pub(super) struct Scratch {
    folder: PathBuf,
    rooms: Cell<u32>,
}

// === impl Scratch ===

impl Scratch {
    /// A new folder, which nobody else may read: findings name hosts.
    pub(super) fn new() -> io::Result<Self> {
        let folder = std::env::temp_dir().join(format!("floodmark-backtest-{:016x}", seed::fresh()));
        DirBuilder::new().mode(0o700).create(&folder)?;
        Ok(Self { folder, rooms: Cell::new(0) })
    }

    /// A new folder in it.
    pub(super) fn room(&self) -> io::Result<PathBuf> {
        self.rooms.set(self.rooms.get() + 1);
        let room = self.folder.join(self.rooms.get().to_string());
        fs::create_dir(&room)?;
        Ok(room)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            tracing::warn!(folder = %self.folder.display(), %error, "could not remove a folder that is not needed any more");
        }
    }
}
