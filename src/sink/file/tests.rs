//! File sinks on real files.

use std::io::Read;

use super::*;
use crate::{
    event::{DocumentKind, EventId, Receipt, Span},
    quantity::ByteSize,
    sink::Rotation,
};

fn config(folder: &Path, name: &str) -> FileConfig {
    FileConfig { path: folder.join(name), rotate: None, compress: Compression::None, sync: false }
}

fn documents(lines: &[&str]) -> Documents {
    let mut documents = Documents::new(Receipt::unclaimed());
    for line in lines {
        documents.bytes.extend_from_slice(line.as_bytes());
        documents.bytes.push(b'\n');
        documents.end_document(EventId::default(), DocumentKind::Event, 0, Span::default());
    }
    documents
}

#[test]
fn half_a_line_that_a_killed_process_left_is_cut_off_and_whole_lines_stay() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), "out.ndjson");
    std::fs::write(&config.path, "{\"a\":1}\n{\"b\":").unwrap();
    FileSink::open(&config).unwrap().write(&documents(&["{\"b\":2}"]), &DocSet::All).unwrap();
    assert_eq!(std::fs::read_to_string(&config.path).unwrap(), "{\"a\":1}\n{\"b\":2}\n");
}

#[test]
fn only_the_documents_asked_for_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), "out.ndjson");
    let sink = FileSink::open(&config).unwrap();
    sink.write(&documents(&["0", "1", "2"]), &DocSet::These(vec![0, 2])).unwrap();
    assert_eq!(std::fs::read_to_string(&config.path).unwrap(), "0\n2\n");
}

#[test]
fn a_full_file_is_put_aside_under_a_rising_number_and_the_oldest_go() {
    let folder = tempfile::tempdir().unwrap();
    let rotate = Some(Rotation { size: ByteSize::bytes(2), keep: Some(2) });
    let config = FileConfig { rotate, ..config(folder.path(), "out.ndjson") };
    let sink = FileSink::open(&config).unwrap();
    for line in ["0", "1", "2", "3"] {
        sink.write(&documents(&[line]), &DocSet::All).unwrap();
    }
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).ok();
    assert_eq!(read("out.ndjson").as_deref(), Some("3\n"));
    assert_eq!(read("out.3.ndjson").as_deref(), Some("2\n"));
    assert_eq!(read("out.2.ndjson").as_deref(), Some("1\n"));
    assert_eq!(read("out.1.ndjson"), None, "two are kept");
}

#[test]
fn a_compressed_file_can_be_read_after_every_delivery_and_is_never_appended_to_by_another_process() {
    for (compress, name) in [(Compression::Gzip, "out.ndjson.gz"), (Compression::Zstd, "out.ndjson.zst")] {
        let folder = tempfile::tempdir().unwrap();
        let config = FileConfig { compress, ..config(folder.path(), name) };
        let read = |path: &Path| {
            let bytes = std::fs::read(path).unwrap();
            let mut text = String::new();
            #[allow(clippy::disallowed_methods, reason = "the test made the bytes itself")]
            match compress {
                Compression::Gzip => {
                    flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap()
                }
                _ => zstd::Decoder::new(&bytes[..]).unwrap().read_to_string(&mut text).unwrap(),
            };
            text
        };
        let sink = FileSink::open(&config).unwrap();
        sink.write(&documents(&["0"]), &DocSet::All).unwrap();
        assert_eq!(read(&config.path), "0\n");
        sink.write(&documents(&["1"]), &DocSet::All).unwrap();
        assert_eq!(read(&config.path), "0\n1\n");
        let sink = FileSink::open(&config).unwrap();
        sink.write(&documents(&["2"]), &DocSet::All).unwrap();
        assert_eq!(read(&config.path), "2\n");
        let aside = folder.path().join(name.replace("out.", "out.1."));
        assert_eq!(read(&aside), "0\n1\n");
    }
}

#[test]
fn a_folder_that_does_not_exist_is_an_error_that_names_the_file() {
    let error = FileSink::open(&config(Path::new("/no/such/folder"), "out.ndjson")).unwrap_err();
    assert!(error.to_string().contains("/no/such/folder/out.ndjson"), "{error}");
}
