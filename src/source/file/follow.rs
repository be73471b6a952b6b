//! x
use super::{Paths, Work};
use crate::source::SourceError;
pub(super) fn run(_work: Work, _paths: &Paths) -> Result<(), SourceError> {
    Ok(())
}
