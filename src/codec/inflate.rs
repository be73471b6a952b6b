//! Reads plain, gzip and zstd content as one stream of bytes, told apart by their first bytes, with what it may hold in
//! memory capped: the caller's buffer and a window, however small the compressed content is.

use std::{
    fmt,
    io::{self, BufReader, Cursor, Read},
};

use flate2::read::MultiGzDecoder;

/// What the bytes are wrapped in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Nothing.
    Plain,
    /// gzip (RFC 1952), of one or more members.
    Gzip,
    /// Zstandard (RFC 8878), of one or more frames.
    Zstd,
}

/// Content that breaks off, contradicts its checksum, or could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{compression} content breaks at byte {offset} of what it holds: {cause}")]
pub struct InflateError {
    /// What it is wrapped in.
    pub compression: Compression,
    /// Bytes of content before the break; all of them were given out.
    pub offset: u64,
    /// What the decoder or the system said.
    pub cause: io::Error,
}

/// A reader of the content that `R` wraps.
pub struct Inflate<R: Read> {
    stream: Stream<R>,
    offset: u64,
}

enum Stream<R: Read> {
    /// Not known yet: nothing was read.
    Unknown(Option<R>),
    Plain(Begun<R>),
    Gzip(Box<MultiGzDecoder<Begun<R>>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, BufReader<Begun<R>>>>),
}

/// A reader whose first bytes were looked at.
type Begun<R> = io::Chain<Cursor<Vec<u8>>, R>;

const MAGIC_BYTES: usize = 4;
/// The largest window of a zstd frame: RFC 8878 (section 3.1.1.1.2) asks decoders to support 8 MB and lets them refuse
/// more. zstd writes larger ones only at its `--ultra` levels and with `--long`.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

// === impl Inflate ===

impl<R: Read> Inflate<R> {
    /// Reads what `reader` wraps, in whatever its first bytes say.
    pub fn new(reader: R) -> Self {
        Self { stream: Stream::Unknown(Some(reader)), offset: 0 }
    }

    /// Reads `reader` as it is. At its end it can be read again when more has come.
    pub fn plain(reader: R) -> Self {
        Self { stream: Stream::Plain(Cursor::new(Vec::new()).chain(reader)), offset: 0 }
    }

    /// Bytes of content given out so far.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// What the content is wrapped in; plain until the first bytes were read.
    #[must_use]
    pub fn compression(&self) -> Compression {
        match self.stream {
            Stream::Unknown(_) | Stream::Plain(_) => Compression::Plain,
            Stream::Gzip(_) => Compression::Gzip,
            Stream::Zstd(_) => Compression::Zstd,
        }
    }

    /// Reads some content into `buffer` and returns how much; 0 at the end.
    ///
    /// # Errors
    /// When the content breaks off or is damaged. What was before the break has been given out.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize, InflateError> {
        loop {
            let read = match &mut self.stream {
                Stream::Unknown(reader) => match reader.take().map(begin) {
                    Some(Ok(stream)) => {
                        self.stream = stream;
                        continue;
                    }
                    Some(Err(error)) => Err(error),
                    None => Ok(0),
                },
                Stream::Plain(reader) => reader.read(buffer),
                Stream::Gzip(reader) => reader.read(buffer),
                Stream::Zstd(reader) => reader.read(buffer),
            };
            match read {
                Ok(count) => {
                    self.offset += count as u64;
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => {
                    return Err(InflateError { compression: self.compression(), offset: self.offset, cause });
                }
            }
        }
    }
}

/// Looks at the first bytes of `reader`.
#[expect(clippy::disallowed_methods, reason = "what the decoder gives out is capped by the caller's buffer")]
fn begin<R: Read>(mut reader: R) -> io::Result<Stream<R>> {
    let mut magic = Vec::with_capacity(MAGIC_BYTES);
    reader.by_ref().take(MAGIC_BYTES as u64).read_to_end(&mut magic)?;
    let compression = Compression::of(&magic);
    let begun = Cursor::new(magic).chain(reader);
    Ok(match compression {
        Compression::Plain => Stream::Plain(begun),
        Compression::Gzip => Stream::Gzip(Box::new(MultiGzDecoder::new(begun))),
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::new(begun)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
            Stream::Zstd(Box::new(decoder))
        }
    })
}

impl Compression {
    /// What content that begins with `beginning` is wrapped in; four bytes are enough.
    #[must_use]
    pub fn of(beginning: &[u8]) -> Self {
        match *beginning {
            [0x1f, 0x8b, ..] => Self::Gzip,
            // A frame, or one that is to be skipped, as parallel compressors put before the first.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        })
    }
}

#[cfg(test)]
mod tests;
