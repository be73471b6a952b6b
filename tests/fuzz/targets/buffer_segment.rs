//! A buffer whose segment holds any frames, with right checksums or wrong ones, gives back sound documents, passes what is
//! none, and comes to its end.

#![no_main]

use std::{fs, path::PathBuf, sync::LazyLock};

use arbitrary::Arbitrary;
use flate2::Crc;
use floodmark::{
    event::{Documents, Receipt},
    sink::{Ahead, BUFFER_BYTES_MIN, Spool},
};
use libfuzzer_sys::fuzz_target;

/// One frame, whose numbers need not fit its body.
#[derive(Debug, Arbitrary)]
struct Frame {
    rows: u8,
    keys: u8,
    body: Vec<u8>,
    /// Whether its documents take what rows and keys leave of the body.
    fits: bool,
    sound_head: bool,
    sound_body: bool,
}

/// One segment.
#[derive(Debug, Arbitrary)]
struct Segment {
    frames: Vec<Frame>,
    tail: Vec<u8>,
    cut: u8,
}

const ROW_BYTES: usize = 37;

static FOLDER: LazyLock<PathBuf> =
    LazyLock::new(|| std::env::temp_dir().join(format!("floodmark-buffer-{}", std::process::id())));

fn sum(pieces: &[&[u8]]) -> [u8; 4] {
    let mut crc = Crc::new();
    pieces.iter().for_each(|piece| crc.update(piece));
    crc.sum().to_le_bytes()
}

fn bytes(segment: &Segment) -> Vec<u8> {
    let mut out = b"fmbuffer\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    let checksum = sum(&[&out[..12], &out[16..]]);
    out[12..16].copy_from_slice(&checksum);
    for frame in &segment.frames {
        let left =
            frame.body.len() as u64 as i64 - i64::from(frame.keys) - i64::from(frame.rows) * ROW_BYTES as i64;
        let documents = if frame.fits { left.max(0) as u32 } else { u32::from(frame.keys) };
        let mut head = b"fmfr\0\0\0\0".to_vec();
        head.extend_from_slice(&if frame.sound_body { sum(&[&frame.body]) } else { [7; 4] });
        head.extend_from_slice(&u32::from(frame.rows).to_le_bytes());
        head.extend_from_slice(&1_u64.to_le_bytes());
        head.extend_from_slice(&u32::from(frame.keys).to_le_bytes());
        head.extend_from_slice(&documents.to_le_bytes());
        head.extend_from_slice(&(out.len() as u64).to_le_bytes());
        if frame.sound_head {
            let checksum = sum(&[&head[8..]]);
            head[4..8].copy_from_slice(&checksum);
        }
        out.extend_from_slice(&head);
        out.extend_from_slice(&frame.body);
    }
    out.extend_from_slice(&segment.tail);
    out.truncate(out.len() - usize::from(segment.cut).min(out.len()));
    out
}

fuzz_target!(|segment: Segment| {
    let _ = fs::remove_dir_all(&*FOLDER);
    fs::create_dir_all(&*FOLDER).expect("a folder");
    fs::write(FOLDER.join("00000000000000000000.segment"), bytes(&segment)).expect("a file");
    let mut spool = Spool::open(&FOLDER, BUFFER_BYTES_MIN).expect("what is broken is passed, not refused");
    let mut before = spool.position();
    while let Some(ahead) = spool.ahead().expect("a file that can be read") {
        let mut documents = Documents::new(Receipt::unclaimed());
        let to = match ahead {
            Ahead::Frame(head) if spool.read(&head, &mut documents).expect("a file that can be read") => None,
            Ahead::Frame(head) => Some(head.position + head.frame_bytes()),
            Ahead::Damaged(to) => Some(to),
        };
        to.map_or(Ok(()), |to| spool.skip(to)).expect("room for a second name");
        for (index, row) in documents.rows.iter().enumerate() {
            let _ = (documents.document(index), row.key.of(&documents.keys));
        }
        assert!(spool.position() > before, "it goes on");
        before = spool.position();
    }
    spool.delivered(before).expect("a file that can be deleted");
});
