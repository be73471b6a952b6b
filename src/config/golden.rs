//! The golden configs: each `tests/configs/bad/NAME.yaml` gives exactly the text in `NAME.txt` beside it.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

/// The root type that the golden files are read as. SWITCH this to the real root config, then run once with
/// `FLOODMARK_BLESS=1` and read the changes.
type Root = super::example::Config;

/// The only environment that the golden files see.
fn environment(name: &str) -> Option<String> {
    match name {
        "THREADS" => Some("many".to_owned()),
        "TOKEN" => Some("hunter2".to_owned()),
        _ => None,
    }
}

/// What `check` prints for a file read as `T`; nothing if there is no problem.
fn printed<T: DeserializeOwned + JsonSchema>(path: &Path) -> String {
    let text = std::fs::read(path).unwrap();
    let name = path.file_name().unwrap().to_string_lossy();
    super::read::<T>(&name, &text, &environment)
        .map_or_else(|problems| format!("{problems}\n"), |_| String::new())
}

/// Compares every golden file; the differences, or how many files there were.
fn compare<T: DeserializeOwned + JsonSchema>(directory: &Path) -> Result<usize, String> {
    let files = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|end| end == "yaml")).collect();
    files.sort();
    let mut differences = String::new();
    for path in &files {
        let (found, beside) = (printed::<T>(path), path.with_extension("txt"));
        if std::env::var_os("FLOODMARK_BLESS").is_some() {
            std::fs::write(&beside, &found).unwrap();
        }
        let wanted = std::fs::read_to_string(&beside).unwrap_or_default();
        if found != wanted || found.is_empty() {
            differences += &format!("{}\n--- wanted\n{wanted}--- found\n{found}", path.display());
        }
    }
    if differences.is_empty() { Ok(files.len()) } else { Err(differences) }
}

#[test]
fn each_bad_config_gives_exactly_the_text_beside_it() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/configs/bad");
    match compare::<Root>(&directory) {
        Ok(count) => assert!(count >= 20, "only {count} golden files were found"),
        Err(differences) => panic!("{differences}"),
    }
}
