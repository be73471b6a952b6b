//! Which files `paths` stands for.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use glob::{MatchOptions, Pattern};

use crate::source::SourceError;

/// The configured paths, directories and patterns.
#[derive(Debug, Clone)]
pub(super) struct Paths(Vec<String>);

const OPTIONS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

// === impl Paths ===

impl Paths {
    /// Takes `paths` as they stand in a config.
    pub(super) fn new(paths: &[String]) -> Result<Self, SourceError> {
        for path in paths {
            // A name with brackets that is there is that file, not a pattern.
            if let Err(error) = Pattern::new(path)
                && !Path::new(path).exists()
            {
                return Err(SourceError::BadGlob { pattern: path.clone(), cause: error.msg });
            }
        }
        Ok(Self(paths.to_vec()))
    }

    /// The files that there are, each once, in the byte order of their names, then of their paths.
    ///
    /// # Errors
    /// When a directory may not be read, and, unless `may_be_none`, when a path stands for no file.
    pub(super) fn expand(&self, may_be_none: bool) -> Result<Vec<PathBuf>, SourceError> {
        let mut files = Vec::new();
        for text in &self.0 {
            let before = files.len();
            expand_one(text, &mut files)?;
            if files.len() == before && !may_be_none {
                return Err(SourceError::NotFound { pattern: text.clone() });
            }
        }
        let name = |path: &PathBuf| path.file_name().map(|name| name.as_encoded_bytes().to_vec());
        files.sort_by_cached_key(|path| (name(path), path.as_os_str().as_encoded_bytes().to_vec()));
        files.dedup();
        Ok(files)
    }
}

/// Appends the files that `text` stands for.
fn expand_one(text: &str, files: &mut Vec<PathBuf>) -> Result<(), SourceError> {
    let pattern = match fs::metadata(text) {
        Ok(found) if found.is_dir() => {
            format!("{}/**/*", Pattern::escape(text.trim_end_matches('/')))
        }
        Ok(_) => {
            files.push(text.into());
            return Ok(());
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return Err(SourceError::of_path(text, error));
        }
        Err(_) => text.to_owned(),
    };
    let bad = |error: glob::PatternError| SourceError::BadGlob { pattern: text.to_owned(), cause: error.msg };
    for found in glob::glob_with(&pattern, OPTIONS).map_err(bad)? {
        let path = match found {
            Ok(path) => path,
            // A directory that went away while it was looked at.
            Err(error) if error.error().kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(SourceError::of_path(error.path().to_owned(), error.into())),
        };
        if path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}
