//! The golden configs: each `NAME.yaml` gives exactly the text in `NAME.txt` beside it. Those in `tests/configs/bad` are
//! read as the real config, those in `tests/configs/reader` as one with every kind of value the reader can meet.

use std::path::{Path, PathBuf};

use super::{Config, Problems};

/// The only environment that the golden files see.
fn environment(name: &str) -> Option<String> {
    match name {
        "THREADS" => Some("many".to_owned()),
        "TOKEN" => Some("hunter2".to_owned()),
        _ => None,
    }
}

/// Reads one file; its problems, if there are any.
type Reader = fn(&str, &[u8]) -> Result<(), Problems>;

/// What `check` prints for a file; nothing if there is no problem.
fn printed(path: &Path, read: Reader) -> String {
    let text = std::fs::read(path).unwrap();
    let name = path.file_name().unwrap().to_string_lossy();
    read(&name, &text).map_or_else(|problems| format!("{problems}\n"), |()| String::new())
}

/// Compares every golden file; the differences, or how many files there were.
fn compare(directory: &str, read: Reader) -> Result<usize, String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/configs").join(directory);
    let files = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|end| end == "yaml")).collect();
    files.sort();
    let mut differences = String::new();
    for path in &files {
        let (found, beside) = (printed(path, read), path.with_extension("txt"));
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
    let read: Reader = |name, text| Config::read(name, text, &environment).map(drop);
    match compare("bad", read) {
        Ok(count) => assert!(count >= 8, "only {count} golden files were found"),
        Err(differences) => panic!("{differences}"),
    }
}

#[test]
fn each_fault_that_the_reader_can_meet_gives_exactly_the_text_beside_it() {
    let read: Reader = |name, text| super::read::<super::example::Config>(name, text, &environment).map(drop);
    match compare("reader", read) {
        Ok(count) => assert!(count >= 20, "only {count} golden files were found"),
        Err(differences) => panic!("{differences}"),
    }
}
