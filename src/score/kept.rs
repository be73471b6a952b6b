//! What outlives the process: captures of what changed, their bytes, and hosts that are in the state alone.

pub(super) mod absence;
pub(super) mod archive;
pub(super) mod capture;
pub(super) mod entries;
pub(super) mod export;
pub(super) mod restore;
pub(super) mod wire;
