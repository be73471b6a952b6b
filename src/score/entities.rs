//! What an entity did: its open window, its hours and days, and what folds, stands out and becomes a finding.

pub(super) mod amounts;
pub(super) mod daily;
pub(super) mod entity;
pub(super) mod episode;
pub(super) mod finding;
pub(super) mod fold;
pub(super) mod highest;
pub(super) mod open;
pub(super) mod peak;
pub(super) mod series;
pub(super) mod shown;
pub(super) mod stretch;
